/* SPDX-License-Identifier: MIT */
/*
 * app.c - the business logic, which may trust that every event it sees is in the
 * journal and at the replica
 *
 * It does not trust, it checks. Before it looks at the first event of a batch it
 * reads how far `journal` and `replicate` have committed (from the channel) and
 * what a replica of ours says that it has dealt with (from the board), and counts
 * each event that is further than one of them.
 */
#include <stdbool.h>

#include "examples/demo/member.h"
#include "examples/demo/roles.h"

struct app {
	unsigned journal; /* their places in the channel */
	unsigned replicate;
	int64_t proven; /* up to this event the others are done */
	bool is_looked_up;
	bool is_fresh; /* nothing of this batch seen yet */
};

static int
find_member(const struct ringbus_channel *channel, const char *name,
	    unsigned *ret)
{
	struct ringbus_member member = { .size = sizeof(member) };
	int found = ringbus_channel_find(channel, RINGBUS_CONSUMER, name,
					 &member);

	if (found == 1)
		*ret = member.index;
	return found == 1 ? 0 : -1;
}

static int
look_up(struct member *m, const struct ringbus_channel *channel)
{
	struct app *app = m->own;

	if (find_member(channel, "journal", &app->journal) < 0 ||
	    find_member(channel, "replicate", &app->replicate) < 0)
		return board_fail(m->demo, m->role,
				  "journal or replicate is not in the channel");
	app->is_looked_up = true;
	return 0;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
committed(const struct ringbus_channel *channel, unsigned index)
{
	struct ringbus_member member = { .size = sizeof(member) };

	ringbus_channel_member(channel, RINGBUS_CONSUMER, index, &member);
	return member.sequence;
}

static int
check_others(struct member *m, int64_t highest)
{
	const struct ringbus_channel *channel = ringbus_consumer_channel(
		m->consumer);
	struct app_report *report = &m->report.app;
	struct app *app = m->own;
	int64_t done;

	if (!app->is_looked_up && look_up(m, channel) < 0)
		return -1;
	done = least(committed(channel, app->journal),
		     committed(channel, app->replicate));
	if (report->n_batches++ == 0)
		report->nearest = done - highest;
	report->nearest = least(report->nearest, done - highest);
	if (done - m->sequence > report->farthest)
		report->farthest = done - m->sequence;
	app->is_fresh = true;
	app->proven = done;
	if (!m->demo->has_nats)
		app->proven = least(
			done, board_read_note(m->demo, ROLE_REPLICA).sequence);
	return 0;
}

/* Once a batch, for its oldest event: the clock costs more than the event. */
static void
time_event(struct app *app, struct app_report *report,
	   const struct stamp *stamp)
{
	int64_t latency_ns = now_ns() - stamp->sent_ns;

	app->is_fresh = false;
	if (latency_ns > report->latency_ns)
		report->latency_ns = latency_ns;
}

static int
handle_event(struct member *m, const struct ringbus_event *event)
{
	struct app_report *report = &m->report.app;
	struct app *app = m->own;

	report->n_ahead += event->sequence > app->proven;
	if (!tally_check(&m->report.tally, event->data, event->size))
		return 0;
	if (app->is_fresh)
		time_event(app, report, event->data);
	if (m->demo->input != NULL)
		report->n_bytes += event->size - sizeof(struct line);
	else if (event->size == sizeof(struct order))
		book_enter(&report->book, event->data);
	return 0;
}

int
role_app(const struct demo *demo)
{
	static const struct stage stage = { .begin = check_others,
					    .event = handle_event };
	struct app app = { .proven = -1 };
	struct member m = { .demo = demo, .role = ROLE_APP, .own = &app };

	book_init(&m.report.app.book);
	return member_run(&m, &stage);
}
