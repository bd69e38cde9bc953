/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_death.c - members that die, hang up, or stay away
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "tests/system/util_peer.h"

#define RELEASING                                                              \
	"channels: { a: { slots: 64, event_size: 8,"                           \
	" consumers: { app: {} } } }"
#define KEEPING                                                                \
	"channels: { a: { slots: 64, event_size: 8,"                           \
	" consumers: { app: { on_death: keep } } } }"
#define KEEPING_FOR                                                            \
	"channels: { a: { slots: 64, event_size: 8,"                           \
	" consumers: { app: { on_death: keep, keep_for: 50ms } } } }"
#define MULTI "channels: { a: { slots: 64, event_size: 8, producers: multi } }"

/* A daemon, its channel mapped to look at, and a consumer `app` in it. */
struct scene {
	struct t_daemon d;
	struct rb_channel c;
	struct rb_control held;
	pid_t holder;
	const struct rb_member *app;
};

static void
set_scene(struct scene *s, const char *yaml, bool hang_up)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_CONSUMER,
						    "app");

	t_daemon_start(&s->d, yaml);
	t_daemon_map(&s->d, "a", RB_ROLE_TAP, &s->c);
	s->app = &s->c.meta->consumers[0];
	s->holder = t_holder(&s->d, &attach, hang_up, &s->held);
	t_ok(s->held.result);
	ck_assert_uint_eq(s->held.index, 0);
	ck_assert_uint_eq(t_member_state(s->app), RB_MEMBER_ATTACHED);
}

static void
clear_scene(struct scene *s)
{
	rb_channel_detach(&s->c);
	t_daemon_stop(&s->d);
}

static uint64_t
gating(const struct scene *s)
{
	return rb_word64_load_acquire(&s->c.meta->control.gating);
}

TEST(dead_consumer_is_released)
{
	struct scene s;

	set_scene(&s, RELEASING, false);
	ck_assert_uint_eq(gating(&s), 1);
	t_kill(s.holder);
	t_until(t_member_state(s.app) == RB_MEMBER_FREE);
	t_until(gating(&s) == 0);
	t_until(t_daemon_said(&s.d, "consumer app"));
	ck_assert(t_daemon_said(&s.d, "released"));
	clear_scene(&s);
}

TEST(dead_consumer_is_kept)
{
	struct scene s;
	struct rb_control again;
	int peer;

	set_scene(&s, KEEPING, false);
	t_kill(s.holder);
	t_until(t_member_state(s.app) == RB_MEMBER_ABSENT);
	ck_assert_uint_eq(gating(&s), 1);
	peer = t_peer_greet(&s.d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, "app", &again));
	ck_assert_uint_eq(again.index, 0);
	ck_assert_uint_ne(again.epoch, s.held.epoch);
	/* To leave politely keeps the place as well. */
	t_ok(t_peer_detach(peer, &again));
	ck_assert_uint_eq(t_member_state(s.app), RB_MEMBER_ABSENT);
	close(peer);
	clear_scene(&s);
}

TEST(kept_consumer_expires)
{
	struct scene s;

	set_scene(&s, KEEPING_FOR, false);
	t_kill(s.holder);
	t_until(t_member_state(s.app) == RB_MEMBER_FREE);
	t_until(gating(&s) == 0);
	t_until(t_daemon_said(&s.d, "consumer app did not attach in time"));
	clear_scene(&s);
}

/* A declared one is absent from the beginning. */
TEST(consumer_that_never_came_expires)
{
	struct rb_channel c;
	struct t_daemon d;

	t_daemon_start(&d, KEEPING_FOR);
	t_daemon_map(&d, "a", RB_ROLE_TAP, &c);
	t_until(t_member_state(&c.meta->consumers[0]) == RB_MEMBER_FREE);
	rb_channel_detach(&c);
	t_daemon_stop(&d);
}

/* How often those who sleep on a publish, and on a consumer, were called. */
static uint32_t
n_calls(const struct scene *s)
{
	return rb_word32_load_acquire(&s->c.ring->event);
}

static uint32_t
n_calls_by_consumer(const struct scene *s)
{
	return rb_word32_load_acquire(&s->c.gates->consumers[1].event);
}

/* It may have died between what it did and its call. */
static void
expect_calls_after_death(const struct scene *s)
{
	uint32_t before = n_calls(s);
	uint32_t by_consumer = n_calls_by_consumer(s);

	t_kill(s->holder);
	t_until(n_calls(s) != before);
	t_until(n_calls_by_consumer(s) != by_consumer);
}

TEST(sleepers_are_called_after_the_death_of_a_consumer)
{
	struct scene s;

	set_scene(&s, KEEPING, false);
	expect_calls_after_death(&s);
	clear_scene(&s);
}

TEST(sleepers_are_called_after_the_death_of_a_producer)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_PRODUCER,
						    NULL);
	struct scene s;

	t_daemon_start(&s.d, MULTI);
	t_daemon_map(&s.d, "a", RB_ROLE_TAP, &s.c);
	s.holder = t_holder(&s.d, &attach, false, &s.held);
	t_ok(s.held.result);
	expect_calls_after_death(&s);
	clear_scene(&s);
}

TEST(closed_socket_is_no_death)
{
	struct scene s;

	set_scene(&s, RELEASING, true);
	t_daemon_look(&s.d);
	ck_assert_uint_eq(t_member_state(s.app), RB_MEMBER_ATTACHED);
	ck_assert_uint_eq(gating(&s), 1);
	t_kill(s.holder);
	t_until(t_member_state(s.app) == RB_MEMBER_FREE);
	clear_scene(&s);
}

/* Another connection of the same process is as good as the first. */
TEST(detach_over_another_connection)
{
	struct rb_control attached;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, RELEASING);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &attached));
	close(peer);
	peer = t_peer_greet(&d);
	t_ok(t_peer_detach(peer, &attached));
	close(peer);
	t_daemon_stop(&d);
}

static int
speak_for_the_dead(void *arg)
{
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	int *fds = arg; /* the connection, and where to tell */
	char told = 0;

	if (read(fds[1], &told, 1) < 0)
		return 1;
	return t_peer_ask(fds[0], &ping, NULL) == -ECONNRESET ? 0 : 1;
}

struct legacy {
	const struct t_daemon *d;
	struct rb_control attached;
	int pipe[2];
	pid_t heir;
};

/* Attaches, leaves the connection to a child, and dies. */
static int
bequeath(void *arg)
{
	struct legacy *l = arg;
	int fds[2] = { t_peer_greet(l->d), l->pipe[0] };

	t_ok(t_peer_attach(fds[0], "a", RB_ROLE_PRODUCER, NULL, &l->attached));
	if (fork() == 0)
		_exit(speak_for_the_dead(fds));
	return 0;
}

TEST(inherited_connection_speaks_for_nobody)
{
	struct rb_control attached;
	struct legacy l = { .attached = { 0 } };
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, RELEASING);
	l.d = &d;
	ck_assert_int_eq(pipe(l.pipe), 0);
	t_join(t_child(bequeath, &l));
	peer = t_peer_greet(&d);
	/* The lease is free although the connection is still open. */
	t_until(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &attached) ==
		0);
	t_ok(t_peer_detach(peer, &attached));
	ck_assert_int_eq(write(l.pipe[1], "", 1), 1);
	t_until(t_daemon_said(&d, "is dead and yet speaks"));
	close(l.pipe[0]);
	close(l.pipe[1]);
	close(peer);
	t_daemon_stop(&d);
}

/* --------------------------------------------------------------- producers */

struct writer {
	const struct t_daemon *d;
	int told[2];
	int64_t n;
};

/* Claims n slots and stops there. */
static int
claim_and_pause(void *arg)
{
	struct writer *w = arg;
	struct ringbus_producer *p;
	struct ringbus *bus;

	t_ok(ringbus_connect(w->d->socket, &bus));
	t_ok(ringbus_producer_open(bus, "a", NULL, &p));
	t_ok(ringbus_producer_claim(p, w->n, RINGBUS_FOREVER));
	if (write(w->told[1], "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static pid_t
start_writer(struct writer *w, const struct t_daemon *d, int64_t n)
{
	char told;
	pid_t pid;

	w->d = d;
	w->n = n;
	ck_assert_int_eq(pipe(w->told), 0);
	pid = t_child(claim_and_pause, w);
	ck_assert_int_eq(read(w->told[0], &told, 1), 1);
	close(w->told[0]);
	close(w->told[1]);
	return pid;
}

TEST(claim_of_a_dead_producer_becomes_tombstones)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus_event event;
	struct ringbus *bus;
	struct writer w;
	struct t_daemon d;
	int64_t value = 7;
	pid_t writer;

	t_daemon_start(&d, MULTI);
	t_ok(ringbus_connect(d.socket, &bus));
	t_ok(ringbus_consumer_open(bus, "a", NULL, &c));
	t_ok(ringbus_producer_open(bus, "a", NULL, &p));
	writer = start_writer(&w, &d, 3);
	ck_assert_int_eq(ringbus_producer_write(p, &value, sizeof(value), -1),
			 3);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EAGAIN);
	t_kill(writer);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_FOREVER), 3);
	ck_assert_int_eq(ringbus_consumer_next(c, &event), 1);
	ck_assert_int_eq(event.sequence, 3);
	t_until(t_daemon_said(&d, "3 tombstones in 0..2"));
	ringbus_close(bus);
	t_daemon_stop(&d);
}

/* The claim is a lap ahead of the reader: the repair has to wait for it. */
TEST(repair_waits_for_the_slowest_reader)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus_event event;
	struct rb_channel map;
	struct ringbus *bus;
	struct writer w;
	struct t_daemon d;
	pid_t writer;

	t_daemon_start(&d, MULTI);
	t_daemon_map(&d, "a", RB_ROLE_TAP, &map);
	t_ok(ringbus_connect(d.socket, &bus));
	t_ok(ringbus_consumer_open(bus, "a", NULL, &c));
	t_ok(ringbus_producer_open(bus, "a", NULL, &p));
	for (int64_t i = 0; i < 60; i++)
		t_ok(ringbus_producer_write(p, &i, sizeof(i), RINGBUS_NOW));
	w = (struct writer){ .d = &d, .n = 8 };
	ck_assert_int_eq(pipe(w.told), 0);
	writer = t_child(claim_and_pause, &w);
	t_until(rb_seq_load_acquire(&map.ring->claimed) == 67);
	t_kill(writer);
	close(w.told[0]);
	close(w.told[1]);
	t_until(t_member_state(&map.meta->producers[1]) == RB_MEMBER_DYING);
	ck_assert(!t_daemon_said(&d, "tombstones"));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 59);
	while (ringbus_consumer_next(c, &event) > 0)
		;
	t_ok(ringbus_consumer_commit(c));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_FOREVER), 67);
	t_until(t_daemon_said(&d, "8 tombstones in 60..67"));
	t_until(t_member_state(&map.meta->producers[1]) == RB_MEMBER_FREE);
	rb_channel_detach(&map);
	ringbus_close(bus);
	t_daemon_stop(&d);
}
