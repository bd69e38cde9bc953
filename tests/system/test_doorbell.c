/* SPDX-License-Identifier: MIT */
/*
 * test_doorbell.c - the descriptor of a consumer: when it becomes readable, and
 * that no wake-up is lost, whoever dies meanwhile
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_record.h"

struct scene {
	struct t_bus b;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_record r;
};

static void
begin(struct scene *s, enum rb_producers kind)
{
	t_bus_begin(&s->b, "slots: 64, event_size: 8, producers: %s",
		    t_kind(kind));
	s->c = t_consume_as(s->b.bus, "c", RINGBUS_FROM_NOW);
	s->p = t_produce(s->b.bus, NULL);
	s->r = (struct t_record){ 0 };
}

static int
poll_all(struct scene *s)
{
	return ringbus_consumer_poll(s->c, INT64_MAX, t_record_event, &s->r);
}

static bool
is_readable_within(struct ringbus_consumer *c, int ms)
{
	struct pollfd p = { ringbus_consumer_fd(c), POLLIN, 0 };

	ck_assert_int_ge(poll(&p, 1, ms), 0);
	ck_assert_int_eq(p.revents & ~POLLIN, 0);
	return p.revents != 0;
}

static bool
rings(struct ringbus_consumer *c)
{
	return is_readable_within(c, T_PATIENCE * 1000);
}

static bool
is_silent(struct ringbus_consumer *c)
{
	return !is_readable_within(c, 0);
}

KINDS(it_is_readable_once_there_is_something)
{
	struct scene s;

	begin(&s, kind);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	ck_assert(is_silent(s.c));
	t_put(s.p, 0);
	ck_assert(rings(s.c));
	ck_assert_int_eq(poll_all(&s), RINGBUS_PROCESSING);
	ck_assert_int_eq(poll_all(&s), RINGBUS_IDLE);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	ck_assert(is_silent(s.c));
	t_recorded(&s.r, "0!");
	t_bus_end(&s.b);
}

KINDS(arm_tells_what_is_there_already)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 1);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(ringbus_consumer_arm(s.c), 1);
	ck_assert_int_eq(ringbus_consumer_poll(s.c, 1, t_record_event, &s.r),
			 RINGBUS_PROCESSING);
	/* Also what the last poll left over. */
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 1);
	ck_assert_int_eq(poll_all(&s), RINGBUS_PROCESSING);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	t_bus_end(&s.b);
}

/* Publishers make no system call for one that is not waiting. */
KINDS(it_is_silent_unless_armed)
{
	struct scene s;
	uint64_t wakes;

	begin(&s, kind);
	ck_assert_int_ge(ringbus_consumer_fd(s.c), 0);
	t_put_all(s.p, 0, 9);
	ck_assert(is_silent(s.c));
	ck_assert_int_eq(poll_all(&s), RINGBUS_PROCESSING);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	ck_assert_int_eq(poll_all(&s), RINGBUS_IDLE);
	t_put(s.p, 10);
	wakes = t_member(ringbus_producer_channel(s.p), RINGBUS_PRODUCER,
			 "producer")
			.wakes;
	ck_assert(is_silent(s.c));
	t_put_all(s.p, 11, 30);
	ck_assert_uint_eq(t_member(ringbus_producer_channel(s.p),
				   RINGBUS_PRODUCER, "producer")
				  .wakes,
			  wakes);
	t_bus_end(&s.b);
}

KINDS(it_is_one_descriptor_that_exec_closes)
{
	struct scene s;
	int fd;

	begin(&s, kind);
	fd = ringbus_consumer_fd(s.c);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ringbus_consumer_fd(s.c), fd);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	ck_assert_int_eq(ringbus_consumer_fd(s.c), fd);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ringbus_consumer_close(s.c);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	t_bus_end(&s.b);
}

TEST(no_descriptor_is_left_to_make_it)
{
	struct rlimit limit, none = { 0, 0 };
	struct scene s;

	begin(&s, RB_SINGLE);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none.rlim_max = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(ringbus_consumer_fd(s.c), -EMFILE);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	t_bus_end(&s.b);
}

/* What a dependent stage waits for is the one before it, not the ring. */
KINDS(an_earlier_stage_rings)
{
	struct ringbus_consumer *first;
	struct scene s = { 0 };

	t_bus_begin(&s.b,
		    "slots: 64, event_size: 8, producers: %s,"
		    " consumers: { first: , second: { after: first } }",
		    t_kind(kind));
	first = t_consume_as(s.b.bus, "first", RINGBUS_FROM_NOW);
	s.c = t_consume_as(s.b.bus, "second", RINGBUS_FROM_NOW);
	s.p = t_produce(s.b.bus, NULL);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	t_put(s.p, 0);
	ck_assert(is_silent(s.c));
	t_take(first, 0, 0);
	ck_assert(rings(s.c));
	ck_assert_int_eq(poll_all(&s), RINGBUS_PROCESSING);
	t_bus_end(&s.b);
}

/* The stage that it was armed for leaves: the one to wait for is another. */
KINDS(a_stage_that_leaves_rings)
{
	struct ringbus_consumer *first;
	struct scene s = { 0 };

	t_bus_begin(&s.b,
		    "slots: 64, event_size: 8, producers: %s,"
		    " consumers: { first: , second: { after: first } }",
		    t_kind(kind));
	first = t_consume_as(s.b.bus, "first", RINGBUS_FROM_NOW);
	s.c = t_consume_as(s.b.bus, "second", RINGBUS_FROM_NOW);
	s.p = t_produce(s.b.bus, NULL);
	t_put(s.p, 0);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	ringbus_consumer_close(first);
	ck_assert(rings(s.c));
	ck_assert_int_eq(poll_all(&s), RINGBUS_PROCESSING);
	t_bus_end(&s.b);
}

KINDS(the_end_rings)
{
	struct scene s;

	begin(&s, kind);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	ck_assert(rings(s.c));
	ck_assert_int_eq(poll_all(&s), RINGBUS_END);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 1);
	t_bus_end(&s.b);
}

static void *
halt(void *consumer)
{
	ringbus_consumer_halt(consumer);
	return NULL;
}

KINDS(a_halt_rings)
{
	struct scene s;
	pthread_t thread;

	begin(&s, kind);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, halt, s.c), 0);
	ck_assert(rings(s.c));
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), -ECANCELED);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), 0);
	ringbus_consumer_halt(s.c);
	ck_assert_int_eq(poll_all(&s), -ECANCELED);
	t_bus_end(&s.b);
}

/* Several in one loop, each with its own descriptor. */
KINDS(each_armed_one_is_rung_for)
{
	struct ringbus_consumer *c[4];
	struct scene s;

	begin(&s, kind);
	for (int i = 0; i < 4; i++)
		c[i] = t_consume(s.b.bus, NULL);
	for (uint64_t round = 0; round < 50; round++) {
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(ringbus_consumer_arm(c[i]), 0);
		t_put(s.p, round);
		for (int i = 0; i < 4; i++) {
			ck_assert(rings(c[i]));
			t_take(c[i], round, round);
		}
		t_take(s.c, round, round);
	}
	t_bus_end(&s.b);
}

/* ---------------------------------------------------- no wake-up is lost */

struct loop {
	const struct t_daemon *daemon;
	struct rb_word64 *sent;     /* events that were published */
	struct rb_word64 *received; /* and handled */
	struct rb_word64 *ready;
	uint64_t n;
	const char *name;
};

static int
count(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct loop *l = context;

	(void)end_of_batch;
	if (t_value(event) != t_read(l->received))
		ck_abort_msg("not in order");
	t_store(l->received, t_read(l->received) + 1);
	return RINGBUS_CONTINUE;
}

/* The loop of the manual page, with a wait that has a bound only to fail. */
static int
loop(void *arg)
{
	struct loop *l = arg;
	struct ringbus *bus = t_connect(l->daemon);
	struct ringbus_consumer *c = t_consume_as(bus, l->name,
						  RINGBUS_FROM_NOW);
	struct epoll_event wanted = { .events = EPOLLIN }, got;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int state;

	ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, ringbus_consumer_fd(c),
				   &wanted),
			 0);
	t_store(l->ready, 1);
	for (;;) {
		while ((state = ringbus_consumer_poll(c, 3, count, l)) ==
			       RINGBUS_PROCESSING ||
		       ((state == RINGBUS_IDLE || state == RINGBUS_GATING) &&
			(state = ringbus_consumer_arm(c)) == 1))
			;
		if (state == RINGBUS_END)
			break;
		t_ok(state);
		if (epoll_wait(epoll, &got, 1, 2 * T_PATIENCE * 1000) != 1)
			ck_abort_msg("a wake-up is lost: %llu of %llu handled",
				     (unsigned long long)t_read(l->received),
				     (unsigned long long)t_read(l->sent));
	}
	close(epoll);
	ringbus_close(bus);
	return 0;
}

/* Each round waits for the loop to be done with the one before, so that every
 * single event has to wake it; a random pause decides how far it comes with
 * polling, arming and sleeping. */
static void
send_rounds(struct loop *l, struct ringbus_producer *p, uint64_t rounds,
	    uint64_t *seed)
{
	for (; rounds > 0; rounds--) {
		uint64_t value = t_read(l->sent);

		*seed = *seed * UINT64_C(6364136223846793005) + 1;
		for (uint64_t spin = *seed >> 52; spin > 0; spin--)
			rb_fence_compiler();
		t_store(l->sent, value + 1);
		t_ok(ringbus_producer_write(p, &value, sizeof(value), T_LONG));
		t_until_within(t_read(l->received) == value + 1,
			       3 * T_PATIENCE);
	}
}

static void
run_rounds(const char *keys, const char *name, bool kills_daemon)
{
	struct loop l = { .sent = t_counter(),
			  .received = t_counter(),
			  .ready = t_counter(),
			  .name = name };
	struct ringbus_producer *p;
	struct ringbus *bus;
	uint64_t seed = 1;
	struct t_bus b;
	pid_t child;

	t_bus_begin(&b, "%s", keys);
	l.daemon = &b.daemon;
	child = t_child(loop, &l);
	t_until(t_read(l.ready) == 1);
	p = t_produce(b.bus, NULL);
	for (int i = 0; i < 10; i++) {
		send_rounds(&l, p, 2500, &seed);
		if (!kills_daemon)
			continue;
		t_daemon_kill(&b.daemon);
		send_rounds(&l, p, 100, &seed);
		t_daemon_restart(&b.daemon);
	}
	bus = t_connect(&b.daemon);
	t_bus_ok(bus, ringbus_end(bus, "a"));
	ringbus_close(bus);
	t_join(child);
	t_bus_end(&b);
}

TEST_TIMEOUT(no_wake_up_is_lost_single, 240)
{
	run_rounds("slots: 64, event_size: 8", "loop", false);
}

TEST_TIMEOUT(no_wake_up_is_lost_multi, 240)
{
	run_rounds("slots: 64, event_size: 8, producers: multi", "loop", false);
}

TEST_TIMEOUT(no_wake_up_is_lost_by_a_worker, 240)
{
	run_rounds("slots: 64, event_size: 8,"
		   " consumers: { loop: { group: true } }",
		   "loop", false);
}

/* Members from before and after each restart hear each other. */
TEST_TIMEOUT(no_wake_up_is_lost_over_restarts_of_the_daemon, 240)
{
	run_rounds("slots: 64, event_size: 8, producers: multi", "loop", true);
}
