/* SPDX-License-Identifier: MIT */
/*
 * progress.c - what pub says on stderr while it goes on
 *
 * A producer that hangs silently is the worst thing to debug on a bus; so it
 * names who has to move.
 */
#include "client/ctl/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "client/ctl/when.h"

#define WARN_AFTER_NS (2 * CTL_SECOND_NS)
#define WARN_EVERY_NS (10 * CTL_SECOND_NS)

void
progress_init(struct progress *progress, const struct ctl *ctl,
	      bool is_interactive)
{
	bool is_tty = isatty(STDERR_FILENO) == 1;

	*progress = (struct progress){
		.ctl = ctl,
		.is_tty = is_tty,
		.shows_rate = is_tty && !is_interactive,
		.shown_ns = ctl_now_ns(),
	};
}

void
progress_clear(struct progress *progress)
{
	if (progress->is_written)
		fputs("\r\033[K", stderr);
	progress->is_written = false;
}

void
progress_show(struct progress *progress, uint64_t n_events)
{
	int64_t now, passed;
	double rate;

	if (!progress->shows_rate)
		return;
	now = ctl_now_ns();
	passed = now - progress->shown_ns;
	if (passed < CTL_SECOND_NS)
		return;
	rate = (double)(n_events - progress->n_shown) * 1e9 / (double)passed;
	progress_clear(progress);
	fprintf(stderr, "%" PRIu64 " events, %.0f/s", n_events, rate);
	fflush(stderr);
	progress->is_written = true;
	progress->shown_ns = now;
	progress->n_shown = n_events;
}

static const char *
describe_pause(const struct ringbus_producer *producer, char *text)
{
	struct ringbus_info info = { .size = sizeof(info) };
	char since[WHEN_TEXT];

	ringbus_channel_info(ringbus_producer_channel(producer), &info);
	snprintf(text, CTL_LAGGARD_TEXT,
		 "an operator has paused the channel, since %s; `ringbusctl "
		 "channel resume %s` lets it go on",
		 when_format(info.paused_ns, since), info.name);
	return text;
}

const char *
progress_name_blocker(const struct ringbus_producer *producer, char *text)
{
	struct ringbus_member member = { .size = sizeof(member) };
	int r = ringbus_producer_blocker(producer, &member);

	if (r == 1)
		return ctl_describe_laggard(&member, text);
	if (r == 2)
		return describe_pause(producer, text);
	return "another producer has not published what it claimed";
}

static void
warn(struct progress *progress, const struct ringbus_producer *producer,
     int64_t waited_ns)
{
	char buffer[CTL_LAGGARD_TEXT];
	const char *text = progress_name_blocker(producer, buffer);

	progress_clear(progress);
	if (!progress->is_tty) {
		ctl_say(progress->ctl, "full for %" PRId64 " s: %s",
			waited_ns / CTL_SECOND_NS, text);
		return;
	}
	fprintf(stderr, "full for %" PRId64 " s: %s", waited_ns / CTL_SECOND_NS,
		text);
	fflush(stderr);
	progress->is_written = true;
}

int64_t
progress_blocked(struct progress *progress,
		 const struct ringbus_producer *producer, int64_t slice_ns)
{
	int64_t now = ctl_now_ns(), waited, every;

	if (progress->blocked_ns == 0) {
		progress->blocked_ns = now - slice_ns;
		progress->warned_ns = 0;
	}
	waited = now - progress->blocked_ns;
	every = progress->is_tty ? CTL_SECOND_NS : WARN_EVERY_NS;
	if (waited >= WARN_AFTER_NS && now - progress->warned_ns >= every) {
		warn(progress, producer, waited);
		progress->warned_ns = now;
	}
	return waited;
}
