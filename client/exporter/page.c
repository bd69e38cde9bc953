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

#include "client/ctl/health.h"
#include "client/ctl/openmetrics.h"
#include "client/ctl/view.h"

/* Of the bus as a whole, and of ourselves. */
static void
write_own(struct openmetrics *om, const struct source *source)
{
	openmetrics_bus(om, source->is_up);
	openmetrics_gauge(om, "ringbus_exporter_channels",
			  "channels that are on this page", source->n_channels);
	openmetrics_gauge(om, "ringbus_exporter_channels_hidden",
			  "channels that the exporter may not open, or cannot",
			  source->n_hidden);
	if (source->is_up)
		openmetrics_daemon_write(om, &source->status);
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
	openmetrics_gauge(om, "ringbus_exporter_scrape_duration_seconds",
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
	r = write_channels(&om, source);
	write_effort(&om, start_ns);
	return r < 0 ? r : output_flush(&out);
}

/* -------------------------------------------------------------------- health */

/* As of this look, and of an earlier one for what has to last. */
static void
judge(struct verdicts *found, struct source_channel *channel)
{
	const struct ringbus_channel *c = ringbus_tap_channel(channel->tap);
	struct view view;

	found->n_channels++;
	if (view_read(c, &view) < 0) {
		verdicts_complain(found, VERDICT_CRITICAL, "%s: is damaged",
				  channel->name);
		return;
	}
	health_judge(found, channel->name, &view);
	health_judge_hole(found, channel->name, c, &channel->hole,
			  source_now_ns());
}

int
page_health(struct source *source, int fd)
{
	struct verdicts *found = calloc(1, sizeof(*found));
	struct output out;
	bool is_well;
	int r;

	if (found == NULL)
		return -ENOMEM;
	output_init(&out, fd);
	source_refresh(source);
	for (unsigned i = 0; i < source->n_channels; i++)
		judge(found, &source->channels[i]);
	if (!source->is_up)
		verdicts_complain(found, VERDICT_CRITICAL,
				  "no daemon answers: %s", source->why_not);
	verdicts_print(found, &out);
	is_well = found->worst < VERDICT_CRITICAL;
	free(found);
	r = output_flush(&out);
	return r < 0 ? r : is_well;
}
