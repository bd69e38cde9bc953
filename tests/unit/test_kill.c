/* SPDX-License-Identifier: MIT */
/*
 * test_kill.c - producers that are killed, at every instruction and at random
 *
 * The test is the daemon: it repairs, and lets others go on. A consumer checks
 * that no event is damaged, doubled or out of order, and that only the dead
 * leave tombstones.
 */
#include "tests/fixture.h"
#include "tests/trace.h"

static struct fixture f;

/* ---------------------------------------------- at every instruction */

struct victim {
	struct seat seat;
	int64_t n;
	uint32_t frame; /* bytes; 0: n fixed events */
};

static int
publish_between_marks(void *arg)
{
	const struct victim *v = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, v->seat, &channel, &s);
	trace_mark();
	if (v->frame > 0)
		t_ok(put_frame(&s, v->frame, -1));
	else
		t_ok(put(&s, v->n, -1));
	trace_mark();
	return 0;
}

/* Steps a new victim on, and kills it; false if it came to the end. */
static bool
kill_at(struct victim *v, int step)
{
	struct rb_repair report = { 0 };
	bool done = false;
	pid_t pid;

	v->seat = fixture_join_producer(&f);
	pid = trace_child(publish_between_marks, v);
	trace_to(pid, trace_mark);
	for (int i = 0; i < step && !done; i++) {
		trace_step(pid);
		done = trace_is_at(pid, trace_mark);
	}
	t_kill(pid);
	fixture_bury(&f, v->seat.index, &report);
	return !done;
}

/*
 * Claim and first fill come early; what follows repeats itself, and a sanitizer
 * makes it very long, so the steps become longer.
 */
static void
kill_everywhere(const struct shape *shape, struct victim *v)
{
	struct rb_sequencer live;
	struct rb_barrier b;
	int stride = 1;

	TRACE_OR_SKIP();
	fixture_open(&f, shape);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &live);
	for (int step = 1; kill_at(v, step); step += stride) {
		int64_t hi = v->frame > 0 ? put_frame(&live, 10, 0)
					  : put(&live, 1, 0);

		t_ok(hi);
		take(&b, hi);
		ck_assert_int_eq(rb_sequencer_remaining(&live), live.capacity);
		if (step > 250)
			stride = step / 25;
	}
	fixture_close(&f);
}

TEST_TIMEOUT(one_event_killed_at_every_instruction, 300)
{
	struct victim v = { .n = 1 };

	kill_everywhere(SHAPE(.producers = RB_MULTI), &v);
}

TEST_TIMEOUT(batch_killed_at_every_instruction, 300)
{
	struct victim v = { .n = 4 };

	kill_everywhere(SHAPE(.producers = RB_MULTI), &v);
}

TEST_TIMEOUT(frame_killed_at_every_instruction, 300)
{
	struct victim v = { .frame = 100 };

	kill_everywhere(SHAPE(.producers = RB_MULTI, .framing = RB_FRAMED,
			      .slots = 64, .slot_size = 64),
			&v);
}

/* ------------------------- another one in its window at the same time */

#define N_STEPS 30

static enum rb_intent_state
state_of(const struct victim *v)
{
	return rb_word64_load_acquire(
		       &f.channel.ring->handles[v->seat.index].intent) &
	       3;
}

/* So many instructions after it has said that it is claiming. */
static pid_t
stop_at(struct victim *v, int step)
{
	pid_t pid;

	v->seat = fixture_join_producer(&f);
	pid = trace_child(publish_between_marks, v);
	trace_to(pid, (trace_fn)rb_multi_claim);
	while (state_of(v) != RB_INTENT_CLAIMING)
		trace_step(pid);
	for (int i = 0; i < step; i++)
		trace_step(pid);
	return pid;
}

/* One dies in its claim while another, alive, is stopped in its own: the
 * repair may have to wait for it, but never takes what is its. */
TEST_TIMEOUT(live_claim_is_never_buried_with_a_dead_one, 300)
{
	struct victim dead = { .n = 1 }, live = { .n = 1 };
	struct rb_barrier b;
	int64_t n_deferred = 0;

	TRACE_OR_SKIP();
	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	for (int i = 0; i < N_STEPS * N_STEPS; i++) {
		struct rb_repair report = { 0 };
		pid_t dying = stop_at(&dead, i % N_STEPS);
		pid_t living = stop_at(&live, i / N_STEPS);
		int64_t before = b.committed, hi;

		t_kill(dying);
		n_deferred += fixture_repair(&f, dead.seat.index, &report);
		trace_release(living);
		t_join(living);
		fixture_bury(&f, dead.seat.index, &report);
		rb_member_leave_producer(&f.channel, live.seat.index);
		hi = rb_seq_load_acquire(&f.channel.ring->claimed);
		/* All that is not buried is the event of the living. */
		ck_assert_int_eq(take(&b, hi), 1);
		ck_assert_int_eq(hi - before, 1 + (int64_t)report.tombstones);
	}
	ck_assert_int_gt(n_deferred, 0);
	fixture_close(&f);
}

/* ------------------------------------------------------------ at random */

#define N_KILLS 200
#define N_PRODUCERS 3

/* Whose it is and its place in that one's row. */
struct note {
	uint64_t producer;
	uint64_t number;
};

struct flow {
	struct seat seat;
	uint64_t producer;
};

static int
publish_numbers(void *arg)
{
	const struct flow *flow = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, flow->seat, &channel, &s);
	for (uint64_t number = 0;;) {
		int64_t n = 1 + (int64_t)(number % 3);
		int64_t hi = rb_sequencer_claim(&s, n, -1);

		t_ok(hi);
		for (int64_t i = hi - n + 1; i <= hi; i++) {
			struct note *note = rb_channel_slot(&channel, i);

			*note = (struct note){ flow->producer, number++ };
			fill(note + 1, 32, note->producer << 32 | note->number);
		}
		t_ok(rb_sequencer_publish(&s, hi - n + 1, hi));
	}
	return 0;
}

/* What the consumer knows of each producer that ever was. */
static uint64_t next_number[N_PRODUCERS + N_KILLS];
static uint64_t n_tombstones;

static void
check_note(const struct note *note)
{
	ck_assert_uint_lt(note->producer, RB_ARRAY_SIZE(next_number));
	ck_assert_uint_eq(note->number, next_number[note->producer]);
	ck_assert(is_filled(note + 1, 32, note->producer << 32 | note->number));
	next_number[note->producer]++;
}

static void
read_notes(struct rb_barrier *b, int64_t at_least)
{
	int64_t last = b->committed + at_least;

	while (b->committed < last) {
		int64_t hi = rb_barrier_wait(b, b->committed + 1, -1);

		t_ok(hi);
		for (int64_t i = b->committed + 1; i <= hi; i++) {
			struct rb_event_view view;
			int kind = rb_event_at(b->channel, i, hi, &view);

			t_ok(kind);
			if (kind == 0)
				check_note(view.data);
			else
				n_tombstones++;
		}
		t_ok(rb_barrier_commit(b, hi));
	}
}

/* Repairs while the consumer reads on: a tombstone may have to wait for it. */
static void
bury_under_flow(struct rb_barrier *b, unsigned index, struct rb_repair *report)
{
	struct t_deadline deadline = t_deadline(T_PATIENCE);

	while (fixture_repair(&f, index, report) != 0) {
		int64_t hi = rb_barrier_wait(b, b->committed + 1, 0);

		if (hi >= 0)
			read_notes(b, 1);
		ck_assert(t_deadline_nap(&deadline));
	}
	rb_member_leave_producer(&f.channel, index);
}

static void
kill_at_random(const struct shape *shape)
{
	struct flow flows[N_PRODUCERS];
	struct rb_repair report = { 0 };
	pid_t pids[N_PRODUCERS];
	struct rb_barrier b;
	uint64_t n_producers = 0;

	fixture_open(&f, shape);
	fixture_consumer(&f, "c", &b);
	for (int i = 0; i < N_PRODUCERS; i++) {
		flows[i] = (struct flow){ fixture_join_producer(&f),
					  n_producers++ };
		pids[i] = t_child(publish_numbers, &flows[i]);
	}
	for (int i = 0; i < N_KILLS; i++) {
		int k = i % N_PRODUCERS;

		read_notes(&b, 200 + i * 7 % 300);
		t_kill(pids[k]);
		bury_under_flow(&b, flows[k].seat.index, &report);
		flows[k] = (struct flow){ fixture_join_producer(&f),
					  n_producers++ };
		pids[k] = t_child(publish_numbers, &flows[k]);
	}
	read_notes(&b, 5000);
	for (int i = 0; i < N_PRODUCERS; i++)
		t_kill(pids[i]);
	ck_assert_uint_le(n_tombstones, report.tombstones);
	ck_assert_uint_ge(n_tombstones + 16, report.tombstones);
	fixture_close(&f);
}

TEST_TIMEOUT(survivors_go_on_after_two_hundred_kills, 300)
{
	kill_at_random(SHAPE(.producers = RB_MULTI, .slot_size = 48));
}

TEST_TIMEOUT(survivors_of_spinning_kills_go_on, 300)
{
	kill_at_random(SHAPE(.producers = RB_MULTI, .slot_size = 48,
			     .wait = WAIT(RB_WAIT_YIELDING)));
}
