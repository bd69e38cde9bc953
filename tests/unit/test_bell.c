/* SPDX-License-Identifier: MIT */
/*
 * test_bell.c - waiting in an event loop: no wake-up is lost, at no instruction
 *
 * What a consumer does that waits by descriptor: it looks, and if there is
 * nothing it forgets old rings, arms, and sleeps in epoll.
 */
#include "shm/bell.h"

#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "tests/trace.h"
#include "tests/unit/bells.h"

/* What waits, and its watch on the bell. */
struct ear {
	struct rb_barrier b;
	int fd;
};

static void
join(struct ear *ear)
{
	fixture_consumer(&f, "c", &ear->b);
	ear->fd = watch_bell();
}

static void
forget_rings(struct ear *ear)
{
	char events[1024];

	while (read(ear->fd, events, sizeof(events)) > 0)
		;
}

static bool
has_rung(const struct ear *ear)
{
	struct pollfd poll_fd = { ear->fd, POLLIN, 0 };

	return poll(&poll_fd, 1, 0) == 1;
}

static uint64_t
bells(void)
{
	return rb_word64_load_relaxed(&f.channel.gates->bells);
}

/* ------------------------------------------------------- one after the other */

KINDS(publish_rings_for_who_has_armed)
{
	struct rb_sequencer s;
	struct ear ear;

	open_channel(SHAPE(.producers = kind));
	join(&ear);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_barrier_arm(&ear.b, 0), 0);
	ck_assert_uint_eq(bells(), UINT64_C(1) << ear.b.index);
	ck_assert(!has_rung(&ear));
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert(has_rung(&ear));
	forget_rings(&ear);
	ck_assert_int_eq(put(&s, 1, 0), 1);
	ck_assert(!has_rung(&ear));
	rb_barrier_disarm(&ear.b);
	ck_assert_uint_eq(bells(), 0);
	close(ear.fd);
	fixture_close(&f);
}

TEST(publish_rings_where_wakers_fence)
{
	struct rb_sequencer s;
	struct ear ear;

	open_channel(SHAPE(.wake = RB_WAKE_FENCE));
	join(&ear);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_barrier_arm(&ear.b, 0), 0);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert(has_rung(&ear));
	close(ear.fd);
	fixture_close(&f);
}

TEST(commit_of_the_stage_before_rings)
{
	struct rb_barrier first;
	struct rb_sequencer s;
	struct ear last;

	fixture_format(&f, SHAPE(0));
	hang_bell();
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "c", SPEC(.after = 1));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "first", &first);
	join(&last);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_barrier_arm(&last.b, 0), 0);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert(!has_rung(&last));
	take(&first, 0);
	ck_assert(has_rung(&last));
	ck_assert_int_eq(rb_barrier_look(&last.b, 0), RB_BARRIER_READY);
	close(last.fd);
	fixture_close(&f);
}

TEST(who_finds_something_does_not_arm)
{
	struct rb_sequencer s;
	struct ear ear;

	open_channel(SHAPE(0));
	join(&ear);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert_int_eq(rb_barrier_arm(&ear.b, 0), 1);
	ck_assert_uint_eq(bells(), 0);
	take(&ear.b, 0);
	rb_barrier_alert(&ear.b);
	ck_assert_int_eq(rb_barrier_arm(&ear.b, 1), -ECANCELED);
	ck_assert_uint_eq(bells(), 0);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_barrier_arm(&ear.b, 1), 1);
	rb_member_leave_consumer(&f.channel, ear.b.index, false);
	ck_assert_int_eq(rb_barrier_arm(&ear.b, 1), -ESTALE);
	ck_assert_uint_eq(bells(), 0);
	close(ear.fd);
	fixture_close(&f);
}

TEST(end_of_the_stream_rings)
{
	struct ear ear;

	open_channel(SHAPE(0));
	join(&ear);
	ck_assert_int_eq(rb_barrier_arm(&ear.b, 0), 0);
	rb_channel_close_stream(&f.channel, false);
	ck_assert(has_rung(&ear));
	ck_assert_int_eq(rb_barrier_look(&ear.b, 0), RB_BARRIER_END);
	close(ear.fd);
	fixture_close(&f);
}

/* Those who sleep on a futex cost no write. */
TEST(nobody_rings_for_nobody)
{
	struct rb_event event;
	struct rb_sequencer s;
	struct ear ear;

	open_channel(SHAPE(0));
	join(&ear);
	fixture_producer(&f, &s);
	event.event = &f.channel.ring->event;
	event.wanted = &f.channel.gates->data_wanted;
	rb_wait_announce(&event);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert_uint_eq(rb_word64_load_relaxed(&s.handle->wakes), 1);
	ck_assert(!has_rung(&ear));
	close(ear.fd);
	fixture_close(&f);
}

TEST(without_a_bell_nothing_is_written)
{
	struct rb_sequencer s;
	struct ear ear;

	open_channel(SHAPE(0));
	join(&ear);
	fixture_producer(&f, &s);
	f.channel.bell = -1;
	ck_assert_int_eq(rb_barrier_arm(&ear.b, 0), 0);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert(!has_rung(&ear));
	close(ear.fd);
	fixture_close(&f);
}

/* ------------------------------------------------------ at every instruction */

/* What happens at some instruction of one who arms. */
enum meddling {
	PUBLISH,           /* what it waits for */
	PUBLISH_FOR_OTHER, /* the same, and somebody else had a wish already */
	TAKE_WISH_BACK,    /* by a waker that came late with an older event */
};

struct arming {
	struct seat seat;
	int result;
	bool has_rung;
};

static struct arming *arming; /* shared */

static int
arm_between_marks(void *arg)
{
	struct rb_channel channel;
	struct ear ear;

	(void)arg;
	fixture_attach_consumer(&f, arming->seat, &channel, &ear.b);
	ear.fd = watch_bell();
	t_ok(rb_membarrier()); /* the dynamic linker has done its work */
	trace_mark();
	arming->result = rb_barrier_arm(&ear.b, 0);
	trace_mark();
	arming->has_rung = has_rung(&ear);
	trace_mark();
	arming->has_rung = has_rung(&ear);
	return 0;
}

static void
wish_as_another(void)
{
	struct rb_event event = { &f.channel.ring->event,
				  &f.channel.gates->data_wanted };

	rb_wait_announce(&event);
}

static void
meddle(struct rb_sequencer *s, enum meddling how)
{
	if (how == TAKE_WISH_BACK)
		rb_wake_if_wanted(&f.channel, &f.channel.ring->event,
				  &f.channel.gates->data_wanted, false, NULL);
	else
		ck_assert_int_eq(put(s, 1, 0), 0);
}

/* False if it came to its end before that step. */
static bool
arm_and_meddle(int step, enum meddling how)
{
	struct rb_sequencer s;
	bool done = false;
	pid_t pid;

	open_channel(SHAPE(.producers = RB_MULTI));
	arming->seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	fixture_producer(&f, &s);
	if (how != PUBLISH)
		wish_as_another();
	pid = trace_child(arm_between_marks, NULL);
	trace_to(pid, trace_mark);
	for (int i = 0; i < step && !done; i++) {
		trace_step(pid);
		done = trace_is_at(pid, trace_mark);
	}
	meddle(&s, how);
	if (!done)
		trace_to(pid, trace_mark);
	trace_step(pid);
	trace_to(pid, trace_mark);
	/* What came before the end of the call it knows of. */
	if (how != TAKE_WISH_BACK)
		ck_assert_msg(arming->result == 1 || arming->has_rung,
			      "lost at step %d", step);
	else
		ck_assert_int_eq(put(&s, 1, 0), 0);
	trace_release(pid);
	t_join(pid);
	/* What comes later it is told of. */
	ck_assert_msg(arming->result == 1 || arming->has_rung,
		      "lost after step %d", step);
	fixture_close(&f);
	return !done;
}

static void
arm_everywhere(enum meddling how)
{
	int step = 1;

	TRACE_OR_SKIP();
	arming = fixture_share(sizeof(*arming));
	while (arm_and_meddle(step, how))
		step += step > 400 ? step / 25 : 1;
	ck_assert_int_gt(step, 100);
}

TEST_TIMEOUT(publish_at_every_instruction_of_one_who_arms, 300)
{
	arm_everywhere(PUBLISH);
}

TEST_TIMEOUT(publish_for_two_at_every_instruction_of_one_who_arms, 300)
{
	arm_everywhere(PUBLISH_FOR_OTHER);
}

TEST_TIMEOUT(wish_is_taken_back_at_every_instruction_of_one_who_arms, 300)
{
	arm_everywhere(TAKE_WISH_BACK);
}

static int
publish_between_marks(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	trace_mark();
	t_ok(put(&s, 1, -1));
	trace_mark();
	return 0;
}

static bool
publish_and_arm(int step, bool is_wanted)
{
	struct seat seat;
	bool done = false;
	struct ear ear;
	int result;
	pid_t pid;

	open_channel(SHAPE(.producers = RB_MULTI));
	join(&ear);
	seat = fixture_join_producer(&f);
	if (is_wanted)
		wish_as_another();
	pid = trace_child(publish_between_marks, &seat);
	trace_to(pid, trace_mark);
	for (int i = 0; i < step && !done; i++) {
		trace_step(pid);
		done = trace_is_at(pid, trace_mark);
	}
	result = rb_barrier_arm(&ear.b, 0);
	trace_release(pid);
	t_join(pid);
	ck_assert_msg(result == 1 || has_rung(&ear), "lost at step %d", step);
	close(ear.fd);
	fixture_close(&f);
	return !done;
}

static void
publish_everywhere(bool is_wanted)
{
	int step = 1;

	TRACE_OR_SKIP();
	while (publish_and_arm(step, is_wanted))
		step += step > 400 ? step / 25 : 1;
	ck_assert_int_gt(step, 100);
}

TEST_TIMEOUT(arm_at_every_instruction_of_a_publish, 300)
{
	publish_everywhere(false);
}

TEST_TIMEOUT(arm_at_every_instruction_of_a_publish_with_a_wish, 300)
{
	publish_everywhere(true);
}

/* ------------------------------------------------------------- at full speed */

#define N_ROUNDS 20000

/* Waits for each event to be read before the next, now sooner, now later. */
static int
publish_rounds(void *arg)
{
	const struct seat *seats = arg;
	const struct rb_gate *gate;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, seats[0], &channel, &s);
	gate = &channel.gates->consumers[seats[1].index];
	for (int64_t i = 0; i < N_ROUNDS; i++) {
		while (rb_seq_load_acquire(&gate->sequence) < i - 1)
			rb_cpu_relax();
		for (int64_t pause = i * 7919 % 2000; pause > 0; pause--)
			rb_cpu_relax();
		ck_assert_int_eq(put(&s, 1, -1), i);
	}
	return 0;
}

/* Sleeps in epoll, for ever if need be, when it has armed. */
static void
wait_in_epoll(struct ear *ear, int epoll)
{
	struct epoll_event event;
	int64_t next = ear->b.committed + 1;

	while (rb_barrier_look(&ear->b, next) != RB_BARRIER_READY) {
		forget_rings(ear);
		if (rb_barrier_arm(&ear->b, next) == 0)
			ck_assert_int_eq(epoll_wait(epoll, &event, 1,
						    T_PATIENCE * 1000),
					 1);
		rb_barrier_disarm(&ear->b);
	}
}

static void
epoll_rounds(enum rb_producers kind, enum rb_wake_mode wake)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct seat seats[2];
	struct ear ear;
	int epoll;
	pid_t pid;

	open_channel(SHAPE(.producers = kind, .wake = wake));
	join(&ear);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, ear.fd, &event), 0);
	seats[0] = fixture_join_producer(&f);
	seats[1].index = ear.b.index;
	pid = t_child(publish_rounds, seats);
	while (ear.b.committed < N_ROUNDS - 1) {
		wait_in_epoll(&ear, epoll);
		t_ok(rb_barrier_commit(&ear.b, ear.b.available));
	}
	t_join(pid);
	close(epoll);
	close(ear.fd);
	fixture_close(&f);
}

TEST_TIMEOUT(no_ring_is_lost_in_many_rounds_single, 120)
{
	epoll_rounds(RB_SINGLE, RB_WAKE_MEMBARRIER);
}

TEST_TIMEOUT(no_ring_is_lost_in_many_rounds_multi, 120)
{
	epoll_rounds(RB_MULTI, RB_WAKE_MEMBARRIER);
}

TEST_TIMEOUT(no_ring_is_lost_in_many_rounds_where_wakers_fence, 120)
{
	epoll_rounds(RB_SINGLE, RB_WAKE_FENCE);
}
