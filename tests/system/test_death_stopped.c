/* SPDX-License-Identifier: MIT */
/*
 * test_death_stopped.c - a stopped process is alive, for how long ever: nothing
 * of it is touched, by no daemon, until it is killed
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_bus.h"

#define MULTI "slots: 16, event_size: 8, producers: multi"

static void
stop(pid_t pid)
{
	int status;

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
}

static void
next_daemon(struct t_bus *b)
{
	t_daemon_kill(&b->daemon);
	t_daemon_restart(&b->daemon);
	t_daemon_look(&b->daemon);
}

/* ---------------------------------------------------------------- a claim */

struct writer {
	const struct t_daemon *d;
	struct rb_word64 *step;
};

/* Claims three slots, and publishes them when it is told to. */
static int
claim_three(void *arg)
{
	const struct writer *w = arg;
	struct ringbus_producer *p = t_produce(t_connect(w->d), NULL);
	int64_t last = ringbus_producer_claim(p, 3, RINGBUS_FOREVER);

	t_ok(last);
	t_store(w->step, 1);
	while (t_read(w->step) == 1)
		usleep(1000);
	for (int64_t s = last - 2; s <= last; s++)
		*(int64_t *)ringbus_producer_slot(p, s) = s;
	t_ok(ringbus_producer_publish(p, last - 2, last));
	t_store(w->step, 3);
	while (pause() < 0)
		;
	return 1;
}

struct hole {
	struct t_bus b;
	struct writer w;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	pid_t writer;
};

/* Sequences 0..2 are claimed by one that is stopped, 3 is published. */
static void
dig_hole(struct hole *h)
{
	t_bus_begin(&h->b, MULTI);
	h->c = t_consume(h->b.bus, NULL);
	h->p = t_produce(h->b.bus, NULL);
	h->w = (struct writer){ &h->b.daemon, t_counter() };
	h->writer = t_child(claim_three, &h->w);
	t_until(t_read(h->w.step) == 1);
	stop(h->writer);
	ck_assert_int_eq(t_put(h->p, 3), 3);
}

static void
is_unburied(struct hole *h)
{
	t_daemon_look(&h->b.daemon);
	t_nothing(h->c);
	next_daemon(&h->b);
	t_nothing(h->c);
	ck_assert(t_daemon_watches(&h->b.daemon, h->writer));
	ck_assert(!t_daemon_said(&h->b.daemon, "tombstones"));
	ck_assert(!t_daemon_said(&h->b.daemon, " died"));
}

TEST(claim_of_a_stopped_producer_stays_its_own)
{
	struct hole h;

	dig_hole(&h);
	is_unburied(&h);
	t_store(h.w.step, 2);
	ck_assert_int_eq(kill(h.writer, SIGCONT), 0);
	t_until(t_read(h.w.step) == 3);
	t_take(h.c, 0, 3);
	t_kill(h.writer);
	t_until(t_daemon_said(&h.b.daemon, "nothing was left claimed"));
	t_bus_end(&h.b);
}

TEST(claim_of_a_stopped_producer_is_buried_when_it_is_killed)
{
	struct hole h;

	dig_hole(&h);
	is_unburied(&h);
	t_kill(h.writer);
	t_take(h.c, 3, 3);
	t_until(t_daemon_said(&h.b.daemon, "3 tombstones in 0..2"));
	t_bus_end(&h.b);
}

/* ------------------------------------------------------------------ a gate */

/* A full ring, and who holds it up is stopped. */
static struct ringbus_producer *
fill(struct t_bus *b, pid_t *ret_reader)
{
	struct ringbus_producer *p;

	t_bus_begin(b, MULTI);
	*ret_reader = t_stopped_consumer(b, "slow");
	p = t_produce(b->bus, NULL);
	t_put_all(p, 0, 15);
	return p;
}

static void
is_full(struct ringbus_producer *p)
{
	uint64_t value = 16;

	ck_assert_int_eq(ringbus_producer_write(p, &value, sizeof(value),
						RINGBUS_NOW),
			 -EAGAIN);
}

TEST(gate_of_a_stopped_consumer_holds)
{
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t reader;

	p = fill(&b, &reader);
	t_daemon_look(&b.daemon);
	is_full(p);
	next_daemon(&b);
	is_full(p);
	ck_assert_int_eq(kill(reader, SIGCONT), 0);
	t_put_all(p, 16, 40);
	t_kill(reader);
	t_until(!t_has_member(ringbus_producer_channel(p), RINGBUS_CONSUMER,
			      "slow"));
	t_bus_end(&b);
}

TEST(gate_of_a_stopped_consumer_opens_when_it_is_killed)
{
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t reader;

	p = fill(&b, &reader);
	next_daemon(&b);
	is_full(p);
	t_kill(reader);
	t_put_all(p, 16, 40);
	t_bus_end(&b);
}

/* Killed while no daemon looked, it is dead to the next one. */
TEST(stopped_consumer_that_was_killed_unseen)
{
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t reader;

	p = fill(&b, &reader);
	t_daemon_kill(&b.daemon);
	t_kill(reader);
	is_full(p);
	t_daemon_restart(&b.daemon);
	t_put_all(p, 16, 40);
	t_bus_end(&b);
}
