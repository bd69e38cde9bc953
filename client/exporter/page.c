/* SPDX-License-Identifier: MIT */
/*
 * page.c - see page.h
 *
 * A channel that goes away meanwhile is mapped still, and says what it last said.
 */
#include "client/exporter/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/openmetrics.h"

static void
write_number(struct openmetrics *om, const char *name, const char *help,
	     double value)
{
	openmetrics_gauge(om, name, help);
	openmetrics_sample(om, name, value, NULL);
}

/* Of the bus as a whole, and of ourselves. */
static void
write_own(struct openmetrics *om, const struct source *source)
{
	write_number(om, "ringbus_up", "1 if the daemon has answered",
		     source->is_up);
	openmetrics_gauge(om, "ringbus_build_info",
			  "the library that the exporter has; always 1");
	openmetrics_sample(om, "ringbus_build_info", 1, "version",
			   ringbus_version(), NULL);
	write_number(om, "ringbus_exporter_channels",
		     "channels that are on this page", source->n_channels);
	write_number(om, "ringbus_exporter_channels_hidden",
		     "channels that the exporter may not open, or cannot",
		     source->n_hidden);
}

typedef bool (*is_fn)(const struct ringbus_info *info);

static bool
is_damaged(const struct ringbus_info *info)
{
	return info->damaged != 0;
}

static bool
is_broken(const struct ringbus_info *info)
{
	return info->broken >= 0;
}

static bool
is_paused(const struct ringbus_info *info)
{
	return info->paused_ns > 0;
}

static void
write_flag(struct openmetrics *om, const struct source *source,
	   const char *name, const char *help, is_fn is)
{
	openmetrics_gauge(om, name, help);
	for (unsigned i = 0; i < source->n_channels; i++) {
		struct ringbus_info info = { .size = sizeof(info) };

		if (ringbus_channel_info(
			    ringbus_tap_channel(source->channels[i].tap),
			    &info) == 0)
			openmetrics_sample(om, name, is(&info) ? 1 : 0,
					   "channel", source->channels[i].name,
					   NULL);
	}
}

static int
write_channels(struct openmetrics *om, const struct source *source)
{
	struct openmetrics_channel *channels = calloc(source->n_channels + 1,
						      sizeof(*channels));

	if (channels == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < source->n_channels; i++) {
		memcpy(channels[i].name, source->channels[i].name,
		       sizeof(channels[i].name));
		channels[i].channel = ringbus_tap_channel(
			source->channels[i].tap);
	}
	openmetrics_channels(om, channels, source->n_channels);
	free(channels);
	return 0;
}

/* Comes last, and so has all of it. */
static void
write_effort(struct openmetrics *om, int64_t start_ns)
{
	write_number(om, "ringbus_exporter_scrape_duration_seconds",
		     "time that it took to write this page",
		     (double)(source_now_ns() - start_ns) / 1e9);
	openmetrics_end(om);
}

int
page_write(struct source *source, int fd, bool is_classic)
{
	struct output out;
	struct openmetrics om = { &out, is_classic };
	int64_t start_ns = source_now_ns();
	int r;

	output_init(&out, fd);
	source_refresh(source);
	write_own(&om, source);
	write_flag(&om, source, "ringbus_channel_damaged",
		   "1 if a client has truncated a file of the channel",
		   is_damaged);
	write_flag(&om, source, "ringbus_channel_broken",
		   "1 if a strict channel has stopped after a death",
		   is_broken);
	write_flag(&om, source, "ringbus_channel_paused",
		   "1 while an operator holds the producers", is_paused);
	r = write_channels(&om, source);
	write_effort(&om, start_ns);
	return r < 0 ? r : output_flush(&out);
}

/* -------------------------------------------------------------------- health */

static unsigned
complain(struct output *out, const struct source_channel *channel)
{
	struct ringbus_info info = { .size = sizeof(info) };
	const struct ringbus_channel *c = ringbus_tap_channel(channel->tap);

	if (ringbus_channel_info(c, &info) < 0 || is_damaged(&info)) {
		output_print(out, "channel %s is damaged\n", channel->name);
		return 1;
	}
	if (is_broken(&info)) {
		output_print(out,
			     "channel %s has stopped at %lld: its producer "
			     "died\n",
			     channel->name, (long long)info.broken);
		return 1;
	}
	return 0;
}

int
page_health(struct source *source, int fd)
{
	struct output out;
	unsigned n = 0;
	int r;

	output_init(&out, fd);
	source_refresh(source);
	if (!source->is_up) {
		output_print(&out, "no daemon: %s\n", source->why_not);
		n++;
	}
	for (unsigned i = 0; i < source->n_channels; i++)
		n += complain(&out, &source->channels[i]);
	if (n == 0)
		output_print(&out, "ok, %u channels\n", source->n_channels);
	r = output_flush(&out);
	return r < 0 ? r : n == 0;
}
