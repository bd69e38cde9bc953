/* SPDX-License-Identifier: MIT */
/*
 * test_kill_abandon.c - producers killed while they give a claim up
 *
 * Stamp by stamp a claim becomes tombstones. Whoever dies in between leaves the
 * rest to the repair, which must find all of it: one slot without a stamp and
 * every consumer waits there for ever.
 */
#include "shm/repair.h"

#include "tests/fixture.h"
#include "tests/trace.h"

#define N_CLAIMED 4

static struct fixture f;

static int
abandon_between_marks(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;
	int64_t hi;

	fixture_attach_producer(&f, *seat, &channel, &s);
	hi = rb_sequencer_claim(&s, N_CLAIMED, 0);
	t_ok(hi);
	trace_mark();
	t_ok(rb_sequencer_abandon(&s, hi - N_CLAIMED + 1, hi));
	trace_mark();
	return 0;
}

/* Steps a new victim on, and kills it; false if it came to the end. */
static bool
kill_at(int step, struct rb_repair *report)
{
	struct seat seat = fixture_join_producer(&f);
	pid_t pid = trace_child(abandon_between_marks, &seat);
	bool done = false;

	trace_to(pid, trace_mark);
	for (int i = 0; i < step && !done; i++) {
		trace_step(pid);
		done = trace_is_at(pid, trace_mark);
	}
	t_kill(pid);
	fixture_bury(&f, seat.index, report);
	return !done;
}

/* The consumer gets past the claim, and there was no event in it. */
static void
pass(struct rb_barrier *b)
{
	int64_t hi = b->committed + N_CLAIMED;

	for (int64_t i = b->committed + 1; i <= hi; i++)
		ck_assert(is_readable(&f.channel, i));
	ck_assert_int_eq(take(b, hi), 0);
}

static void
kill_everywhere(enum rb_framing framing)
{
	struct rb_repair report = { 0 };
	struct rb_barrier b;
	int stride = 1;
	bool more = true;

	TRACE_OR_SKIP();
	fixture_open(&f, SHAPE(.producers = RB_MULTI, .framing = framing,
			       .slots = 64));
	fixture_consumer(&f, "c", &b);
	for (int step = 1; more; step += stride) {
		more = kill_at(step, &report);
		pass(&b);
		if (step > 250) /* a sanitizer makes the way very long */
			stride = step / 25;
	}
	/* Some died early enough to leave something. */
	ck_assert_uint_gt(report.tombstones, 0);
	fixture_close(&f);
}

TEST_TIMEOUT(no_hole_stays_in_an_abandoned_batch, 300)
{
	kill_everywhere(RB_FIXED);
}

TEST_TIMEOUT(no_hole_stays_in_an_abandoned_frame, 300)
{
	kill_everywhere(RB_FRAMED);
}
