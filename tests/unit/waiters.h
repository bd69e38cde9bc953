/* SPDX-License-Identifier: MIT */
/*
 * waiters.h - one who waits for events, for an earlier stage, or for space
 *
 * For the tests of waiting and of waking. The channel is the static `f` of the
 * test file.
 */
#ifndef T_WAITERS_H
#define T_WAITERS_H

#include "tests/fixture.h"

static struct fixture f;

/* What somebody waits for. */
enum matter {
	DATA,
	DEPENDENCY,
	SPACE,
};

struct waiter {
	struct seat seat;
	int64_t next;
	int64_t timeout_ns;
	int64_t expected;
	bool claims;
};

static inline int
run_waiter(void *arg)
{
	const struct waiter *w = arg;
	struct rb_channel channel;
	struct rb_sequencer s;
	struct rb_barrier b;
	int64_t found;

	if (w->claims) {
		fixture_attach_producer(&f, w->seat, &channel, &s);
		found = rb_sequencer_claim(&s, 1, w->timeout_ns);
	} else {
		fixture_attach_consumer(&f, w->seat, &channel, &b);
		found = rb_barrier_wait(&b, w->next, w->timeout_ns);
	}
	ck_assert_int_eq(found, w->expected);
	return 0;
}

struct stage {
	struct rb_barrier first;
	struct rb_barrier last;
	struct rb_sequencer s;
};

/* A full ring, read by the first of two stages but for its last event. */
static inline void
open_stages(enum rb_wait_kind kind, enum rb_wake_mode wake, struct stage *ret)
{
	fixture_format(&f, SHAPE(.wait = WAIT(kind), .wake = wake,
				 .producers = RB_MULTI));
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "last", SPEC(.after = 1));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "first", &ret->first);
	fixture_consumer(&f, "last", &ret->last);
	fixture_producer(&f, &ret->s);
	ck_assert_int_eq(put(&ret->s, 16, 0), 15);
	ck_assert_int_eq(take(&ret->first, 14), 15);
}

/* A waiter that nobody has served yet. */
static inline struct waiter
waiter_for(enum matter matter, struct stage *stage, int64_t timeout_ns)
{
	struct waiter w = { .timeout_ns = timeout_ns, .expected = -ETIMEDOUT };

	if (matter == SPACE) {
		w.seat = fixture_join_producer(&f);
		w.claims = true;
	} else if (matter == DEPENDENCY) {
		w.seat = (struct seat){ .index = stage->last.index,
					.epoch = stage->last.epoch };
		w.next = 15;
	} else {
		w.seat = (struct seat){ .index = stage->first.index,
					.epoch = stage->first.epoch };
		w.next = 16;
	}
	return w;
}

static inline void
serve(enum matter matter, struct stage *stage)
{
	if (matter == DATA) {
		take(&stage->first, 15);
		take(&stage->last, 15);
		ck_assert_int_eq(put(&stage->s, 1, 0), 16);
	} else if (matter == DEPENDENCY) {
		take(&stage->first, 15);
	} else {
		take(&stage->last, 0);
	}
}

static const enum matter matters[] = { DATA, DEPENDENCY, SPACE };

#endif
