/* SPDX-License-Identifier: MIT */
/*
 * test_presence.c - clients and a daemon that comes and goes: nobody stays a
 * member who does not know of it, and nobody who does is forgotten
 *
 * What the library would not do, a raw connection does: it takes no notice of
 * its answer, as if the daemon had died before.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/presence.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_peer.h"

#define SINGLE "slots: 16, event_size: 8"
#define MULTI "slots: 16, event_size: 8, producers: multi"

/* Attaches and never looks at the answer; returns the connection. */
static int
attach_in_vain(const struct t_daemon *d, enum rb_role role, const char *name)
{
	struct rb_control m = t_attach_message("a", role, name);
	int peer = t_peer_greet(d);

	t_ok(t_peer_ask(peer, &m, NULL));
	return peer;
}

/* ---------------------------------------------- whose answer was lost */

TEST(producer_whose_answer_was_lost_is_none_for_the_next_daemon)
{
	struct ringbus_producer *p;
	struct t_bus b;
	int peer;

	t_bus_begin(&b, SINGLE);
	peer = attach_in_vain(&b.daemon, RB_ROLE_PRODUCER, NULL);
	ck_assert_int_eq(ringbus_producer_open(b.bus, "a", NULL, &p), -EBUSY);
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	ck_assert(t_daemon_said(&b.daemon, "its answer was lost"));
	p = t_produce(b.bus, NULL);
	t_put(p, 1);
	close(peer);
	t_bus_end(&b);
}

TEST(consumer_whose_answer_was_lost_does_not_gate)
{
	struct ringbus_producer *p;
	struct t_bus b;
	int peer;

	t_bus_begin(&b, SINGLE);
	peer = attach_in_vain(&b.daemon, RB_ROLE_CONSUMER, "c");
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	p = t_produce(b.bus, NULL);
	for (uint64_t i = 0; i < 100; i++)
		t_put(p, i);
	close(peer);
	t_bus_end(&b);
}

TEST(end_of_the_connection_takes_back_who_never_came)
{
	struct ringbus_consumer *c;
	struct t_bus b;
	int peer;

	t_bus_begin(&b, SINGLE);
	peer = attach_in_vain(&b.daemon, RB_ROLE_CONSUMER, "c");
	close(peer);
	t_until(ringbus_consumer_open(
			b.bus, "a",
			&(struct ringbus_consumer_options){
				.size = sizeof(struct ringbus_consumer_options),
				.name = "c" },
			&c) == 0);
	t_bus_end(&b);
}

TEST(place_that_was_kept_stays_so_when_an_answer_is_lost)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	int peer;

	t_bus_begin(&b, SINGLE ", consumers: { c: { on_death: keep } }");
	p = t_produce(b.bus, NULL);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	t_put_all(p, 0, 5);
	t_take(c, 0, 2);
	ringbus_consumer_close(c);
	peer = attach_in_vain(&b.daemon, RB_ROLE_CONSUMER, "c");
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_RESUME);
	t_take(c, 3, 5);
	close(peer);
	t_bus_end(&b);
}

static int
count_workers(const struct ringbus_channel *channel)
{
	struct ringbus_member m = { .size = sizeof(m) };
	int n = 0;

	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++)
		if (ringbus_channel_member(channel, RINGBUS_CONSUMER, i, &m) ==
		    1)
			n += m.worker_of >= 0;
	return n;
}

TEST(worker_whose_answer_was_lost_leaves_its_group)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	int peer;

	t_bus_begin(&b, SINGLE ", consumers: { pool: { group: true } }");
	p = t_produce(b.bus, NULL);
	c = t_consume_as(b.bus, "pool", RINGBUS_FROM_NOW);
	peer = attach_in_vain(&b.daemon, RB_ROLE_CONSUMER, "pool");
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	t_put_all(p, 0, 9);
	t_take(c, 0, 9);
	ck_assert_int_eq(count_workers(ringbus_consumer_channel(c)), 1);
	close(peer);
	t_bus_end(&b);
}

/* A client that has its answer from a daemon that is dead meanwhile comes too
 * late, and finds out by itself. */
TEST(who_comes_too_late_is_told)
{
	struct rb_control m = t_attach_message("a", RB_ROLE_PRODUCER, NULL);
	struct rb_channel channel;
	int fds[RB_FDS], peer;
	struct t_bus b;

	t_bus_begin(&b, SINGLE);
	peer = t_peer_greet(&b.daemon);
	t_ok(t_peer_ask(peer, &m, fds));
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	t_ok(rb_channel_attach(&channel, fds, RB_ROLE_PRODUCER));
	ck_assert(!rb_presence_arrive(&channel, RB_ROLE_PRODUCER, m.index,
				      m.epoch));
	rb_channel_detach(&channel);
	for (int i = 0; i < RB_FDS; i++)
		close(fds[i]);
	close(peer);
	t_bus_end(&b);
}

/* Its entry is another's by then, whose presence is not to be touched. */
TEST(who_comes_too_late_harms_nobody_in_its_place)
{
	struct rb_control m = t_attach_message("a", RB_ROLE_PRODUCER, NULL);
	struct rb_channel channel;
	struct ringbus_producer *p;
	int fds[RB_FDS], peer;
	struct t_bus b;

	t_bus_begin(&b, SINGLE);
	peer = t_peer_greet(&b.daemon);
	t_ok(t_peer_ask(peer, &m, fds));
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	p = t_produce(b.bus, NULL);
	t_ok(rb_channel_attach(&channel, fds, RB_ROLE_PRODUCER));
	ck_assert(!rb_presence_arrive(&channel, RB_ROLE_PRODUCER, m.index,
				      m.epoch));
	rb_presence_leave(&channel, RB_ROLE_PRODUCER, m.index, m.epoch, false);
	rb_channel_detach(&channel);
	for (int i = 0; i < RB_FDS; i++)
		close(fds[i]);
	close(peer);
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	ck_assert_int_eq(ringbus_producer_open(b.bus, "a", NULL, &p), -EBUSY);
	t_bus_end(&b);
}

/* ------------------------------------- who leaves while nobody listens */

TEST(consumer_that_leaves_without_a_daemon_gates_no_longer)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SINGLE);
	p = t_produce(b.bus, NULL);
	c = t_consume(b.bus, NULL);
	t_daemon_kill(&b.daemon);
	ringbus_consumer_close(c);
	t_daemon_restart(&b.daemon);
	ck_assert(t_daemon_said(&b.daemon, "has left while nobody was told"));
	for (uint64_t i = 0; i < 100; i++)
		t_put(p, i);
	t_bus_end(&b);
}

TEST(place_that_is_forgotten_without_a_daemon_is_not_kept)
{
	struct ringbus_consumer *kept, *forgotten;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SINGLE ", consumers: { k: { on_death: keep }, "
			       "f: { on_death: keep } }");
	p = t_produce(b.bus, NULL);
	kept = t_consume_as(b.bus, "k", RINGBUS_FROM_NOW);
	forgotten = t_consume_as(b.bus, "f", RINGBUS_FROM_NOW);
	t_put_all(p, 0, 9);
	t_daemon_kill(&b.daemon);
	ringbus_consumer_close(kept);
	ringbus_consumer_forget(forgotten);
	t_daemon_restart(&b.daemon);
	kept = t_consume_as(b.bus, "k", RINGBUS_FROM_RESUME);
	t_take(kept, 0, 9);
	/* Only f could hold it up, and does not. */
	t_put_all(p, 10, 19);
	t_take(kept, 10, 19);
	t_put_all(p, 20, 29);
	t_bus_end(&b);
}

struct leaver {
	const struct t_bus *b;
	struct rb_word64 *stage;
};

static int
forget_and_end(void *arg)
{
	const struct leaver *l = arg;
	struct ringbus *bus = t_connect(&l->b->daemon);
	struct ringbus_consumer *c = t_consume_as(bus, "f", RINGBUS_FROM_NOW);

	t_store(l->stage, 1);
	t_until(t_read(l->stage) == 2);
	ringbus_consumer_forget(c);
	ringbus_close(bus);
	return 0;
}

/* That its process has ended as well is no death that a place is kept for. */
TEST(place_stays_forgotten_when_the_process_ends_too)
{
	struct ringbus_producer *p;
	struct t_bus b;
	struct leaver l = { &b, t_counter() };
	pid_t pid;

	t_bus_begin(&b, SINGLE ", consumers: { f: { on_death: keep } }");
	p = t_produce(b.bus, NULL);
	pid = t_child(forget_and_end, &l);
	t_until(t_read(l.stage) == 1);
	t_daemon_kill(&b.daemon);
	t_store(l.stage, 2);
	t_join(pid);
	t_daemon_restart(&b.daemon);
	for (uint64_t i = 0; i < 100; i++)
		t_put(p, i);
	t_bus_end(&b);
}

TEST(producer_that_leaves_without_a_daemon_makes_room_for_the_next)
{
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SINGLE);
	p = t_produce(b.bus, NULL);
	t_put(p, 0);
	t_daemon_kill(&b.daemon);
	ringbus_producer_close(p);
	t_daemon_restart(&b.daemon);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(t_put(p, 1), 1);
	t_bus_end(&b);
}

/* ------------------------------------------------- clients that go on */

TEST(handles_go_on_and_requests_find_the_next_daemon)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	uint64_t n = 0;

	t_bus_begin(&b, MULTI);
	p = t_produce(b.bus, NULL);
	c = t_consume(b.bus, NULL);
	for (int i = 0; i < 5; i++) {
		struct ringbus_producer *q;

		t_daemon_kill(&b.daemon);
		t_put_all(p, n, n + 9);
		t_take(c, n, n + 9);
		n += 10;
		t_daemon_restart(&b.daemon);
		ck_assert_int_eq(ringbus_ping(b.bus), b.daemon.pid);
		q = t_produce(b.bus, NULL);
		t_put(q, n);
		t_take(c, n, n);
		n++;
		ringbus_producer_close(q);
	}
	t_bus_end(&b);
}

struct joiner {
	const struct t_daemon *daemon;
	struct rb_word64 *n_joins;
	struct rb_word64 *stop;
};

static int
join_and_leave(void *arg)
{
	const struct joiner *joiner = arg;
	struct ringbus *bus = t_connect(joiner->daemon);

	for (uint64_t n = 1; t_read(joiner->stop) == 0; n++) {
		ringbus_consumer_close(
			t_consume_as(bus, "c", RINGBUS_FROM_NOW));
		t_store(joiner->n_joins, n);
	}
	ringbus_close(bus);
	return 0;
}

/* Whatever the moment, a request that may be made again is, by itself. */
TEST(joins_go_well_while_the_daemon_is_killed_again_and_again)
{
	struct ringbus_producer *p;
	struct joiner joiner;
	struct t_bus b;
	uint64_t n = 0;
	pid_t pid;

	if (getenv("T_VALGRIND") != NULL)
		T_SKIP("a daemon under valgrind starts later than clients "
		       "wait");
	t_bus_begin(&b, SINGLE);
	p = t_produce(b.bus, NULL);
	joiner = (struct joiner){ &b.daemon, t_counter(), t_counter() };
	pid = t_child(join_and_leave, &joiner);
	t_until(t_read(joiner.n_joins) > 0);
	for (int i = 0; i < 10; i++) {
		uint64_t before;

		t_daemon_kill(&b.daemon);
		t_daemon_restart(&b.daemon);
		/* It waits for one daemon at a time. */
		before = t_read(joiner.n_joins);
		t_until(t_read(joiner.n_joins) > before);
	}
	t_store(joiner.stop, 1);
	t_join(pid);
	while (n < 100)
		t_put(p, n++);
	t_bus_end(&b);
}

TEST(channel_is_created_at_the_next_daemon)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct t_bus b;

	t_bus_begin_with(&b, "dynamic: { allow: [any] }");
	o.slots = 16;
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	t_bus_ok(b.bus, ringbus_create(b.bus, "new", &o));
	t_bus_ok(b.bus, ringbus_remove(b.bus, "new"));
	t_bus_end(&b);
}

struct creator {
	const struct t_daemon *daemon;
	struct rb_word64 *step;
};

static int
create_when_told(void *arg)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	const struct creator *creator = arg;
	struct ringbus *bus = t_connect(creator->daemon);

	o.slots = 16;
	t_store(creator->step, 1);
	while (t_read(creator->step) == 1)
		sched_yield();
	t_bus_ok(bus, ringbus_create(bus, "new", &o));
	ringbus_close(bus);
	return 0;
}

/* What changes something is not asked two times, but for what was never read. */
TEST(channel_is_created_though_the_daemon_dies_before_it_reads_that)
{
	struct creator creator;
	struct t_bus b;
	pid_t pid;

	t_bus_begin_with(&b, "dynamic: { allow: [any] }");
	creator = (struct creator){ &b.daemon, t_counter() };
	pid = t_child(create_when_told, &creator);
	t_until(t_read(creator.step) == 1);
	ck_assert_int_eq(kill(b.daemon.pid, SIGSTOP), 0);
	t_store(creator.step, 2);
	t_until(t_is_asleep(pid));
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	t_join(pid);
	t_bus_end(&b);
}

/* The same name, place and epoch, but another channel. */
TEST(handle_of_a_channel_that_is_gone_takes_nobody_out_of_the_next)
{
	struct ringbus_consumer *old, *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SINGLE);
	old = t_consume(b.bus, NULL);
	kill(b.daemon.pid, SIGTERM);
	t_daemon_ends(&b.daemon, 0);
	t_daemon_restart(&b.daemon);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ringbus_consumer_close(old);
	t_put_all(p, 0, 15);
	t_take(c, 0, 15);
	t_bus_end(&b);
}
