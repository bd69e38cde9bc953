/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_slow.c - the warden: consumers beyond their limits
 *
 * The test plays all clients: it publishes and commits by storing the words.
 * That the daemon has looked and done nothing is shown by a canary, a consumer
 * with the shortest of limits that stands behind the one in question: the look
 * that evicts it is the second that finds something to read.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/system/util_peer.h"

#define CHANNEL(consumers)                                                     \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8, consumers: { " consumers   \
	" } } }"
#define CANARY "canary: { slow: evict, max_stall: 1ms }"

/* A daemon, its channel, and a connection to ask by. */
struct scene {
	struct t_daemon d;
	struct rb_channel c;
	int peer;
};

static void
set_scene(struct scene *s, const char *yaml)
{
	t_daemon_start(&s->d, yaml);
	t_daemon_map(&s->d, "a", RB_ROLE_DAEMON, &s->c);
	s->peer = t_peer_greet(&s->d);
}

static void
clear_scene(struct scene *s)
{
	close(s->peer);
	rb_channel_detach(&s->c);
	t_daemon_stop(&s->d);
}

static struct rb_control
attach(const struct scene *s, const char *name)
{
	struct rb_control answer;

	t_ok(t_peer_attach(s->peer, "a", RB_ROLE_CONSUMER, name, &answer));
	return answer;
}

static uint32_t
state_of(const struct scene *s, unsigned index)
{
	return t_member_state(&s->c.meta->consumers[index]);
}

static bool
is_parked(const struct scene *s, unsigned index)
{
	return rb_word32_load_acquire(&s->c.meta->consumers[index].parked) != 0;
}

static uint64_t
gating(const struct scene *s)
{
	return rb_word64_load_acquire(&s->c.meta->control.gating);
}

/* The daemon has looked at all before the canary with what is published now. */
static void
let_warden_look(const struct scene *s, unsigned canary)
{
	struct rb_control held = attach(s, "canary");

	ck_assert_uint_eq(held.index, canary);
	rb_seq_store_release(&s->c.gates->consumers[canary].sequence, -1);
	t_until(state_of(s, canary) == RB_MEMBER_EVICTED);
	t_ok(t_peer_detach(s->peer, &held));
}

/* -------------------------------------------------------------------- evict */

TEST(consumer_beyond_max_lag_is_evicted)
{
	struct scene s;
	struct rb_control app, again;
	char line[128];

	set_scene(&s, CHANNEL("app: { slow: evict, max_lag: 10 }, " CANARY));
	app = attach(&s, "app");
	t_publish(&s.c, 9);
	let_warden_look(&s, 1);
	ck_assert_uint_eq(state_of(&s, 0), RB_MEMBER_ATTACHED);
	t_publish(&s.c, 10);
	t_until(state_of(&s, 0) == RB_MEMBER_EVICTED);
	t_until(gating(&s) == 0);
	snprintf(line, sizeof(line),
		 "channel a: consumer app (pid %d) evicted: 11 slots behind, "
		 "max_lag is 10\n",
		 getpid());
	ck_assert(t_daemon_said(&s.d, line));
	again = t_attach_message("a", RB_ROLE_CONSUMER, "app");
	ck_assert_int_eq(t_peer_refuses(s.peer, &again, "was evicted"), -EBUSY);
	snprintf(line, sizeof(line), "pid %d", getpid());
	ck_assert_ptr_nonnull(strstr(again.text, line));
	t_ok(t_peer_detach(s.peer, &app));
	ck_assert_uint_eq(state_of(&s, 0), RB_MEMBER_FREE);
	again = attach(&s, "app");
	ck_assert_uint_eq(again.index, 0);
	ck_assert_uint_ne(again.epoch, app.epoch);
	ck_assert_uint_eq(t_daemon_count(&s.d, "consumer app"), 2);
	clear_scene(&s);
}

/* An event that a stage before it has not passed on is none. */
TEST(only_who_could_read_has_stalled)
{
	struct scene s;
	struct rb_control first;

	set_scene(&s, CHANNEL("first: {}, app: { after: first, slow: evict, "
			      "max_stall: 1ms }, " CANARY));
	first = attach(&s, "first");
	attach(&s, "app");
	t_publish(&s.c, 9);
	let_warden_look(&s, 2);
	ck_assert_uint_eq(state_of(&s, 1), RB_MEMBER_ATTACHED);
	t_commit(&s.c, first.index, 3);
	t_until(state_of(&s, 1) == RB_MEMBER_EVICTED);
	t_until(t_daemon_said(&s.d, "evicted: 4 slots behind and no progress "
				    "for"));
	ck_assert(t_daemon_said(&s.d, "max_stall is 0.001 s"));
	clear_scene(&s);
}

TEST(undeclared_consumer_asks_for_its_limits)
{
	struct rb_control m = t_attach_message("a", RB_ROLE_CONSUMER, "guest");
	struct scene s;

	set_scene(&s, CHANNEL("app: {}"));
	m.slow = RB_SLOW_EVICT;
	m.is_slow_set = 1;
	m.max_lag = 4;
	t_ok(t_peer_ask(s.peer, &m, NULL));
	t_publish(&s.c, 4);
	t_until(state_of(&s, m.index) == RB_MEMBER_EVICTED);
	clear_scene(&s);
}

TEST(kept_place_beyond_max_lag_is_given_up)
{
	struct scene s;
	struct rb_control m = t_attach_message("a", RB_ROLE_CONSUMER, "app");

	set_scene(&s, CHANNEL("app: { slow: evict, max_lag: 4, "
			      "on_death: keep }"));
	ck_assert_uint_eq(gating(&s), 1);
	t_publish(&s.c, 4);
	t_until(state_of(&s, 0) == RB_MEMBER_FREE);
	ck_assert(t_daemon_said(&s.d, "consumer app (absent) has lost its "
				      "place: 5 slots behind, max_lag is 4"));
	m.from = RB_FROM_RESUME;
	ck_assert_int_eq(t_peer_refuses(s.peer, &m, "no place that was kept"),
			 -ENOENT);
	clear_scene(&s);
}

/* Of several producers a slot may be published that nobody can read yet. */
TEST(holes_are_not_held_against_consumers)
{
	struct scene s;
	struct rb_channel b;
	struct rb_control held;

	set_scene(&s, "daemon: { drain: 1ms }\n"
		      "channels:\n"
		      "  a: { slots: 64, event_size: 8, producers: multi, "
		      "consumers: { app: { slow: evict, max_lag: 4, "
		      "max_stall: 1ms } } }\n"
		      "  b: { slots: 64, event_size: 8, "
		      "consumers: { " CANARY " } }\n");
	t_daemon_map(&s.d, "b", RB_ROLE_DAEMON, &b);
	attach(&s, "app");
	rb_seq_store_release(&s.c.ring->claimed, 0);
	t_publish(&s.c, 19);
	t_ok(t_peer_attach(s.peer, "b", RB_ROLE_CONSUMER, "canary", &held));
	t_publish(&b, 0);
	t_until(t_member_state(&b.meta->consumers[0]) == RB_MEMBER_EVICTED);
	ck_assert_uint_eq(state_of(&s, 0), RB_MEMBER_ATTACHED);
	rb_word64_store_release(rb_channel_stamp(&s.c, 0),
				rb_stamp(0, RB_STAMP_EVENT));
	t_until(state_of(&s, 0) == RB_MEMBER_EVICTED);
	t_until(t_daemon_said(&s.d, "evicted: 20 slots behind"));
	rb_channel_detach(&b);
	clear_scene(&s);
}

TEST(death_frees_an_evicted_entry)
{
	struct rb_control m = t_attach_message("a", RB_ROLE_CONSUMER, "app");
	struct rb_control held;
	struct scene s;
	pid_t holder;

	set_scene(&s, CHANNEL("app: { slow: evict, max_lag: 4, "
			      "on_death: keep }"));
	holder = t_holder(&s.d, &m, false, &held);
	t_ok(held.result);
	t_publish(&s.c, 4);
	t_until(state_of(&s, 0) == RB_MEMBER_EVICTED);
	t_kill(holder);
	t_until(state_of(&s, 0) == RB_MEMBER_FREE);
	t_until(t_daemon_said(&s.d, "died, its place is released"));
	attach(&s, "app");
	clear_scene(&s);
}

/* --------------------------------------------------------------------- park */

TEST(parked_consumer_gates_again_once_it_has_caught_up)
{
	struct scene s;
	struct rb_control app;
	char line[128];

	set_scene(&s, CHANNEL("app: { slow: park, max_lag: 8 }, " CANARY));
	ck_assert_uint_eq(state_of(&s, 0), RB_MEMBER_ABSENT);
	ck_assert_uint_eq(gating(&s), 1);
	t_publish(&s.c, 7);
	let_warden_look(&s, 1);
	ck_assert(!is_parked(&s, 0));
	t_publish(&s.c, 8);
	t_until(is_parked(&s, 0));
	t_until(gating(&s) == 0);
	ck_assert(t_daemon_said(&s.d, "consumer app (absent) parked: 9 slots "
				      "behind, max_lag is 8\n"));
	app = attach(&s, "app");
	ck_assert_uint_eq(app.index, 0);
	ck_assert(is_parked(&s, 0));
	t_commit(&s.c, 0, 3);
	let_warden_look(&s, 1);
	ck_assert(is_parked(&s, 0)); /* 5 slots behind, and may be 4 */
	t_commit(&s.c, 0, 4);
	t_until(!is_parked(&s, 0));
	t_until(gating(&s) == 1);
	snprintf(line, sizeof(line), "consumer app (pid %d) has caught up",
		 getpid());
	t_until(t_daemon_said(&s.d, line));
	t_publish(&s.c, 13);
	t_until(is_parked(&s, 0));
	clear_scene(&s);
}

TEST(history_is_how_far_behind_one_is_parked)
{
	struct scene s;

	set_scene(&s, "daemon: { drain: 1ms }\n"
		      "channels: { a: { slots: 64, event_size: 8, history: 16, "
		      "consumers: { app: { slow: park } } } }");
	t_publish(&s.c, 16);
	t_until(is_parked(&s, 0));
	ck_assert(t_daemon_said(&s.d, "17 slots behind, max_lag is 16"));
	clear_scene(&s);
}

/* It is within its max_lag, so that alone would let it gate. */
TEST(one_parked_for_standing_still_has_to_move)
{
	struct scene s;

	set_scene(&s, CHANNEL("app: { slow: park, max_lag: 32, "
			      "max_stall: 1ms }, " CANARY));
	attach(&s, "app");
	t_publish(&s.c, 3);
	t_until(is_parked(&s, 0));
	ck_assert(t_daemon_said(&s.d, "4 slots behind and no progress"));
	let_warden_look(&s, 1);
	ck_assert(is_parked(&s, 0));
	t_commit(&s.c, 0, 3);
	t_until(!is_parked(&s, 0));
	clear_scene(&s);
}

/* ----------------------------------------------------------------- restarts */

TEST(next_daemon_finds_who_was_evicted)
{
	struct rb_control app, again;
	struct scene s;

	set_scene(&s, CHANNEL("app: { slow: evict, max_lag: 4 }"));
	app = attach(&s, "app");
	t_publish(&s.c, 4);
	t_until(state_of(&s, 0) == RB_MEMBER_EVICTED);
	for (int i = 0; i < 2; i++) {
		t_daemon_kill(&s.d);
		close(s.peer);
		t_daemon_restart(&s.d);
		s.peer = t_peer_greet(&s.d);
	}
	again = t_attach_message("a", RB_ROLE_CONSUMER, "app");
	ck_assert_int_eq(t_peer_refuses(s.peer, &again, "was evicted"), -EBUSY);
	t_ok(t_peer_detach(s.peer, &app));
	attach(&s, "app");
	clear_scene(&s);
}

TEST(next_daemon_goes_on_watching)
{
	struct scene s;

	set_scene(&s, CHANNEL("app: { slow: park, max_lag: 8 }, "
			      "other: { slow: evict, max_lag: 16 }, "
			      "absent: { slow: park, max_lag: 20 }"));
	attach(&s, "app");
	attach(&s, "other");
	t_publish(&s.c, 8);
	t_until(is_parked(&s, 0));
	t_daemon_kill(&s.d);
	close(s.peer);
	t_commit(&s.c, 0, 8);
	t_daemon_restart(&s.d);
	s.peer = t_peer_greet(&s.d);
	t_until(!is_parked(&s, 0));
	t_publish(&s.c, 16);
	t_until(state_of(&s, 1) == RB_MEMBER_EVICTED);
	ck_assert(!is_parked(&s, 2));
	t_publish(&s.c, 20);
	t_until(is_parked(&s, 2));
	clear_scene(&s);
}

TEST(parked_place_is_kept_through_a_restart)
{
	struct rb_control m = t_attach_message("a", RB_ROLE_CONSUMER, "guest");
	struct rb_control held;
	struct scene s;

	set_scene(&s, CHANNEL("app: {}"));
	attach(&s, "app"); /* so that the channel is in use */
	m.slow = RB_SLOW_PARK;
	m.is_slow_set = 1;
	m.max_lag = 4;
	t_ok(t_peer_come(s.peer, &m));
	t_commit(&s.c, m.index, 1);
	t_publish(&s.c, 10);
	t_until(is_parked(&s, m.index));
	t_ok(t_peer_detach(s.peer, &m));
	ck_assert_uint_eq(state_of(&s, m.index), RB_MEMBER_ABSENT);
	t_daemon_kill(&s.d);
	close(s.peer);
	t_daemon_restart(&s.d);
	s.peer = t_peer_greet(&s.d);
	held = t_attach_message("a", RB_ROLE_CONSUMER, "guest");
	held.from = RB_FROM_RESUME;
	t_ok(t_peer_come(s.peer, &held));
	ck_assert_uint_eq(held.index, m.index);
	ck_assert(is_parked(&s, m.index));
	ck_assert_int_eq(
		rb_seq_load_acquire(&s.c.gates->consumers[m.index].sequence),
		1);
	clear_scene(&s);
}
