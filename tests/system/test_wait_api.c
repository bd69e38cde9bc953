/* SPDX-License-Identifier: MIT */
/*
 * test_wait_api.c - producers that wait: who blocks them, who could not unblock
 * them, and how they are called off
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

static void
begin(struct t_bus *b, enum rb_producers kind)
{
	t_bus_begin(b, "slots: 16, event_size: 8, producers: %s", t_kind(kind));
}

static int64_t
write_one(struct ringbus_producer *p, int64_t timeout_ns)
{
	uint64_t value = 0;

	return ringbus_producer_write(p, &value, sizeof(value), timeout_ns);
}

KINDS(a_full_ring_names_the_slowest)
{
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_consumer *fast, *slow;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	fast = t_consume_as(b.bus, "fast", RINGBUS_FROM_NOW);
	slow = t_consume_as(b.bus, "slow", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_blocker(p, &m), 0);
	t_put_all(p, 0, 15);
	t_take(fast, 0, 15);
	t_take(slow, 0, 2);
	t_put_all(p, 16, 18);
	t_take(fast, 16, 18);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(write_one(p, i * T_MS),
				 i == 0 ? -EAGAIN : -EDEADLK);
		ck_assert_int_eq(ringbus_producer_blocker(p, &m), 1);
		ck_assert_str_eq(m.name, "slow");
		ck_assert_int_eq(m.sequence, 2);
		ck_assert_int_eq(m.lag, 16);
		ck_assert_int_eq(m.pid, getpid());
		ck_assert_int_eq(m.role, RINGBUS_CONSUMER);
		ck_assert_int_ne(m.gates, 0);
	}
	m.size--;
	ck_assert_int_eq(ringbus_producer_blocker(p, &m), -EINVAL);
	t_bus_end(&b);
}

/* With its own claims alone there is nobody to name. */
TEST(a_producer_that_blocks_itself_names_nobody)
{
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, RB_SINGLE);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 16, RINGBUS_FOREVER), 15);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_FOREVER),
			 -EDEADLK);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, T_LONG), -EDEADLK);
	ck_assert_int_eq(ringbus_producer_blocker(p, &m), 0);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), -EAGAIN);
	t_ok(ringbus_producer_publish(p, 0, 0));
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_FOREVER), 16);
	t_bus_end(&b);
}

/* Of the same thread: waiting would be for ever. */
static void
wait_for_self(enum rb_producers kind, bool consumer_first)
{
	struct ringbus_consumer *c = NULL;
	struct ringbus_producer *p;
	struct ringbus_member m = { .size = sizeof(m) };
	struct t_bus b;

	begin(&b, kind);
	if (consumer_first)
		c = t_consume_as(b.bus, "self", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	if (!consumer_first)
		c = t_consume_as(b.bus, "self", RINGBUS_FROM_NOW);
	t_put_all(p, 0, 15);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 15);
	ck_assert_int_eq(write_one(p, RINGBUS_FOREVER), -EDEADLK);
	ck_assert_int_eq(ringbus_producer_blocker(p, &m), 1);
	ck_assert_str_eq(m.name, "self");
	ck_assert_int_eq(write_one(p, T_LONG), -EDEADLK);
	t_take(c, 0, 0);
	ck_assert_int_eq(write_one(p, RINGBUS_FOREVER), 16);
	t_bus_end(&b);
}

KINDS(waiting_for_ones_own_consumer_is_a_deadlock)
{
	wait_for_self(kind, true);
}

KINDS(a_consumer_may_come_after_the_producer)
{
	wait_for_self(kind, false);
}

/* It may be meant for another thread. */
KINDS(a_consumer_that_nobody_has_used_is_waited_for)
{
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	t_consume_as(b.bus, "unused", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 15);
	ck_assert_int_eq(write_one(p, 5 * T_MS), -ETIMEDOUT);
	t_bus_end(&b);
}

struct reader {
	struct ringbus_consumer *consumer;
	struct rb_word64 *go;
	struct rb_word64 *at;
};

static void *
read_in_thread(void *arg)
{
	struct reader *r = arg;

	t_ok(ringbus_consumer_wait(r->consumer, T_LONG));
	t_store(r->at, 1);
	t_until(t_read(r->go) == 1);
	t_take(r->consumer, 0, 16);
	return NULL;
}

KINDS(another_threads_consumer_is_waited_for)
{
	struct reader r = { .go = t_counter(), .at = t_counter() };
	struct ringbus_producer *p;
	struct t_bus b;
	pthread_t thread;

	begin(&b, kind);
	r.consumer = t_consume_as(b.bus, "other", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 15);
	ck_assert_int_eq(pthread_create(&thread, NULL, read_in_thread, &r), 0);
	t_until(t_read(r.at) == 1);
	ck_assert_int_eq(write_one(p, 20 * T_MS), -ETIMEDOUT);
	t_store(r.go, 1);
	{
		uint64_t value = 16;

		ck_assert_int_eq(ringbus_producer_write(p, &value, 8,
							RINGBUS_FOREVER),
				 16);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	t_bus_end(&b);
}

/* ------------------------------------------------------------- calling off */

static struct ringbus_producer *cancelled_by_signal;

static void
cancel_on_signal(int signo)
{
	(void)signo;
	ringbus_producer_cancel(cancelled_by_signal);
}

struct waiter {
	struct ringbus_producer *producer;
	pid_t tid;
};

static void *
cancel_when_asleep(void *arg)
{
	struct waiter *w = arg;

	t_until(t_is_asleep(w->tid));
	ringbus_producer_cancel(w->producer);
	return NULL;
}

static struct ringbus_producer *
produce_cancellable(struct ringbus *bus, int wait)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;

	o.cancellable = 1;
	o.wait = wait;
	return t_produce(bus, &o);
}

/* The ring is filled by this process, and nobody ever reads. */
static struct ringbus_producer *
fill_for_good(struct t_bus *b, enum rb_producers kind)
{
	struct ringbus_producer *p;

	begin(b, kind);
	p = produce_cancellable(b->bus, RINGBUS_WAIT_BLOCKING);
	/* Of no thread of ours. */
	ringbus_consumer_close(t_consume_as(b->bus, "gone", RINGBUS_FROM_NOW));
	return p;
}

struct holder {
	const struct t_daemon *daemon;
	struct rb_word64 *ready;
};

static int
hold_the_ring(void *arg)
{
	const struct holder *h = arg;

	t_consume_as(t_connect(h->daemon), "holder", RINGBUS_FROM_NOW);
	t_store(h->ready, 1);
	pause();
	return 1;
}

static pid_t
start_holder(const struct t_bus *b, struct ringbus_producer *p)
{
	struct holder h = { &b->daemon, t_counter() };
	pid_t holder = t_child(hold_the_ring, &h);

	t_until(t_read(h.ready) == 1);
	t_put_all(p, 0, 15);
	return holder;
}

KINDS(another_thread_cancels_a_claim)
{
	struct waiter w = { .tid = getpid() };
	struct t_bus b;
	pthread_t thread;
	pid_t holder;

	w.producer = fill_for_good(&b, kind);
	holder = start_holder(&b, w.producer);
	ck_assert_int_eq(pthread_create(&thread, NULL, cancel_when_asleep, &w),
			 0);
	ck_assert_int_eq(write_one(w.producer, RINGBUS_FOREVER), -ECANCELED);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(write_one(w.producer, T_MS), -ETIMEDOUT);
	t_kill(holder);
	ck_assert_int_eq(write_one(w.producer, T_LONG), 16);
	t_bus_end(&b);
}

KINDS(a_signal_handler_cancels_a_claim)
{
	struct sigaction action = { .sa_handler = cancel_on_signal };
	struct t_bus b;
	pid_t holder;

	cancelled_by_signal = fill_for_good(&b, kind);
	holder = start_holder(&b, cancelled_by_signal);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ualarm(20 * 1000, 0);
	ck_assert_int_eq(write_one(cancelled_by_signal, RINGBUS_FOREVER),
			 -ECANCELED);
	t_kill(holder);
	ck_assert_int_eq(write_one(cancelled_by_signal, T_LONG), 16);
	t_bus_end(&b);
}

KINDS(a_cancel_beforehand_holds_for_the_next_wait)
{
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t holder;

	p = fill_for_good(&b, kind);
	ringbus_producer_cancel(p);
	holder = start_holder(&b, p); /* which never has to wait */
	ck_assert_int_eq(write_one(p, RINGBUS_FOREVER), -ECANCELED);
	ck_assert_int_eq(write_one(p, T_MS), -ETIMEDOUT);
	t_kill(holder);
	t_bus_end(&b);
}

/* Each strategy ends in time, and by a commit. */
KINDS(producers_wait_in_every_manner)
{
	struct ringbus_member m = { .size = sizeof(m) };
	struct t_bus b;

	begin(&b, kind);
	for (int wait = RINGBUS_WAIT_BUSY_SPIN;
	     wait <= RINGBUS_WAIT_PHASED_BACKOFF; wait++) {
		struct ringbus_producer *p = produce_cancellable(b.bus, wait);
		int64_t before = t_now_ns();
		pid_t holder = start_holder(&b, p);

		ck_assert_int_eq(write_one(p, 2 * T_MS), -ETIMEDOUT);
		ck_assert_int_ge(t_now_ns() - before, 2 * T_MS);
		ck_assert_int_eq(ringbus_producer_blocker(p, &m), 1);
		ck_assert_int_eq(m.pid, holder);
		t_kill(holder);
		t_ok(write_one(p, T_LONG));
		ringbus_producer_close(p);
	}
	t_bus_end(&b);
}
