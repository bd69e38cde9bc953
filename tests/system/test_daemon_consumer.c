/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_consumer.c - where consumers start, and what kinds they may be
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/system/util_peer.h"

#define CHANNEL(keys, consumers)                                               \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8, " keys                     \
	"consumers: { " consumers " } } }"

struct scene {
	struct t_daemon d;
	struct rb_channel c;
	const struct rb_member *members;
	int peer;
};

static void
set_scene(struct scene *s, const char *yaml)
{
	t_daemon_start(&s->d, yaml);
	t_daemon_map(&s->d, "a", RB_ROLE_DAEMON, &s->c);
	s->members = s->c.meta->consumers;
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
consumer(const char *name)
{
	return t_attach_message("a", RB_ROLE_CONSUMER, name);
}

static struct rb_control
consumer_from(const char *name, int64_t from)
{
	struct rb_control m = consumer(name);

	m.from = from;
	return m;
}

static struct rb_control
consumer_after(const char *name, const char *after)
{
	struct rb_control m = consumer(name);

	snprintf(m.text, sizeof(m.text), "%s", after);
	return m;
}

static struct rb_control
slow_consumer(const char *name, enum rb_slow slow)
{
	struct rb_control m = consumer(name);

	m.slow = slow;
	m.is_slow_set = 1;
	return m;
}

static void
let_in(const struct scene *s, struct rb_control *m)
{
	int err = t_peer_come(s->peer, m);

	if (err < 0)
		ck_abort_msg("refused: %s", m->text);
	ck_assert_str_eq(m->text, "");
}

static void
refuse(const struct scene *s, struct rb_control m, int err, const char *why)
{
	ck_assert_int_eq(t_peer_refuses(s->peer, &m, why), err);
}

static int64_t
sequence_of(const struct scene *s, const struct rb_control *m)
{
	return rb_seq_load_acquire(&s->c.gates->consumers[m->index].sequence);
}

/* -------------------------------------------------------------------- places */

TEST(consumers_start_where_they_say)
{
	struct rb_control m;
	struct scene s;

	set_scene(&s, CHANNEL("history: 8, ", "app: {}"));
	t_publish(&s.c, 99);
	refuse(&s, consumer_from("x", 101), -ERANGE, "the next one is 100");
	m = consumer_from("next", 100);
	let_in(&s, &m);
	ck_assert_int_eq(sequence_of(&s, &m), 99);
	ck_assert_int_eq(m.missed, 0);
	m = consumer_from("there", 95);
	let_in(&s, &m);
	ck_assert_int_eq(sequence_of(&s, &m), 94);
	ck_assert_int_eq(m.missed, 0);
	m = consumer_from("gone", 0);
	let_in(&s, &m);
	ck_assert_int_gt(sequence_of(&s, &m), 0);
	ck_assert_int_eq(m.missed, sequence_of(&s, &m) + 1);
	m = consumer_from("oldest", RB_FROM_OLDEST);
	let_in(&s, &m);
	ck_assert_int_eq(m.missed, sequence_of(&s, &m) + 1);
	m = consumer_from("now", RB_FROM_NOW);
	let_in(&s, &m);
	ck_assert_int_eq(sequence_of(&s, &m), 99);
	clear_scene(&s);
}

TEST(only_kept_places_are_resumed)
{
	struct rb_control m, again;
	struct scene s;

	set_scene(&s, CHANNEL("", "app: { on_death: keep }, other: {}"));
	refuse(&s, consumer_from("other", RB_FROM_RESUME), -ENOENT,
	       "no place that was kept");
	refuse(&s, consumer_from("guest", RB_FROM_RESUME), -ENOENT, "guest");
	m = consumer("guest");
	m.on_death = RB_ON_DEATH_KEEP;
	let_in(&s, &m);
	t_publish(&s.c, 9);
	t_commit(&s.c, m.index, 4);
	t_ok(t_peer_detach(s.peer, &m));
	ck_assert_uint_eq(t_member_state(&s.members[m.index]),
			  RB_MEMBER_ABSENT);
	again = consumer_from("guest", RB_FROM_RESUME);
	let_in(&s, &again);
	ck_assert_uint_eq(again.index, m.index);
	ck_assert_int_eq(sequence_of(&s, &again), 4);
	again = consumer_from("app", RB_FROM_RESUME);
	let_in(&s, &again);
	clear_scene(&s);
}

TEST(undeclared_place_is_kept_for_a_time)
{
	struct rb_control m = consumer("guest");
	struct scene s;

	set_scene(&s, CHANNEL("", "app: {}"));
	m.on_death = RB_ON_DEATH_KEEP;
	m.keep_for_ns = 50000000;
	let_in(&s, &m);
	t_ok(t_peer_detach(s.peer, &m));
	t_until(t_member_state(&s.members[m.index]) == RB_MEMBER_FREE);
	t_until(t_daemon_said(&s.d, "guest did not attach in time"));
	clear_scene(&s);
}

TEST(forgetting_gives_a_kept_place_up)
{
	struct rb_control m = consumer("app");
	struct scene s;

	set_scene(&s, CHANNEL("", "app: { on_death: keep }"));
	let_in(&s, &m);
	t_ok(t_peer_forget(s.peer, &m));
	ck_assert_uint_eq(t_member_state(&s.members[0]), RB_MEMBER_FREE);
	refuse(&s, consumer_from("app", RB_FROM_RESUME), -ENOENT, "app");
	clear_scene(&s);
}

/* --------------------------------------------------------------------- after */

TEST(undeclared_consumers_come_after_named_ones)
{
	struct rb_control m, next;
	struct scene s;

	set_scene(&s, CHANNEL("", "app: {}, other: { after: app }"));
	m = consumer_after("guest", "app  other");
	let_in(&s, &m);
	ck_assert_uint_eq(rb_word64_load_acquire(&s.members[m.index].after), 3);
	next = consumer_after("next", "guest");
	let_in(&s, &next);
	ck_assert_uint_eq(rb_word64_load_acquire(&s.members[next.index].deps),
			  UINT64_C(1) << m.index);
	ck_assert_uint_eq(rb_word64_load_acquire(&s.c.meta->control.gating),
			  UINT64_C(1) << next.index);
	clear_scene(&s);
}

TEST(after_nobody_or_a_lossy_one_is_refused)
{
	struct scene s;
	struct rb_control m;

	set_scene(&s, CHANNEL("", "lossy: { slow: lossy }, "
				  "park: { slow: park, max_lag: 8 }, app: {}"));
	refuse(&s, consumer_after("guest", "app nobody"), -ENOENT, "nobody");
	refuse(&s, consumer_after("guest", "guest"), -ENOENT, "guest");
	refuse(&s, consumer_after("guest", "lossy"), -EINVAL, "slow: lossy");
	refuse(&s, consumer_after("guest", "app park"), -EINVAL, "slow: park");
	/* Nothing of it is left. */
	m = consumer("guest");
	let_in(&s, &m);
	clear_scene(&s);
}

/* --------------------------------------------------------------------- kinds */

TEST(declared_consumers_are_what_they_are)
{
	struct rb_control m;
	struct scene s;

	set_scene(&s, CHANNEL("", "first: {}, app: { after: first, "
				  "slow: evict, max_lag: 8, "
				  "max_stall: 1h, on_death: keep, "
				  "keep_for: 2h }"));
	refuse(&s, slow_consumer("app", RB_SLOW_PARK), -EINVAL, "'slow'");
	m = consumer("app");
	m.max_lag = 9;
	refuse(&s, m, -EINVAL, "'max_lag'");
	m = consumer("app");
	m.max_stall_ns = 1;
	refuse(&s, m, -EINVAL, "'max_stall'");
	m = consumer("app");
	m.on_death = RB_ON_DEATH_KEEP;
	refuse(&s, m, -EINVAL, "'keep_for'");
	m = consumer("first");
	m.on_death = RB_ON_DEATH_KEEP;
	refuse(&s, m, -EINVAL, "'on_death'");
	refuse(&s, consumer_after("first", "app"), -EINVAL, "'after'");
	/* To say the same is no contradiction. */
	m = consumer_after("app", "first");
	m.slow = RB_SLOW_EVICT;
	m.is_slow_set = 1;
	m.max_lag = 8;
	m.max_stall_ns = 3600 * UINT64_C(1000000000);
	m.on_death = RB_ON_DEATH_KEEP;
	m.keep_for_ns = 2 * m.max_stall_ns;
	let_in(&s, &m);
	clear_scene(&s);
}

TEST(kept_consumers_are_what_they_were)
{
	struct rb_control m = slow_consumer("guest", RB_SLOW_PARK);
	struct rb_control again;
	struct scene s;

	set_scene(&s, CHANNEL("history: 8, ", "app: {}"));
	let_in(&s, &m);
	t_ok(t_peer_detach(s.peer, &m));
	refuse(&s, slow_consumer("guest", RB_SLOW_GATE), -EINVAL, "'slow'");
	again = slow_consumer("guest", RB_SLOW_PARK);
	again.max_lag = 8; /* the history, as it is */
	let_in(&s, &again);
	ck_assert_uint_eq(again.index, m.index);
	t_ok(t_peer_forget(s.peer, &again));
	again = slow_consumer("guest", RB_SLOW_GATE);
	let_in(&s, &again);
	clear_scene(&s);
}

TEST(impossible_kinds_are_refused)
{
	struct rb_control m;
	struct scene s;

	set_scene(&s, CHANNEL("", "app: {}"));
	refuse(&s, slow_consumer("guest", RB_SLOW_EVICT), -EINVAL, "limit");
	refuse(&s, slow_consumer("guest", RB_SLOW_PARK), -EINVAL, "history");
	m = slow_consumer("guest", RB_SLOW_EVICT);
	m.max_lag = 64;
	refuse(&s, m, -EINVAL, "max_lag");
	m = slow_consumer("guest", RB_SLOW_GATE);
	m.max_lag = 8;
	refuse(&s, m, -EINVAL, "max_lag");
	m = consumer("guest");
	m.is_group = 1;
	refuse(&s, m, -EINVAL, "group");
	m = consumer("guest");
	m.keep_for_ns = 1;
	refuse(&s, m, -EINVAL, "keep_for");
	ck_assert_int_eq(rb_member_find_named(&s.c, "guest"), -ENOENT);
	clear_scene(&s);
}

TEST(lossy_consumers_gate_nobody)
{
	struct rb_control m = slow_consumer("guest", RB_SLOW_LOSSY);
	struct scene s;

	set_scene(&s, CHANNEL("", "app: {}"));
	let_in(&s, &m);
	ck_assert_uint_eq(rb_word64_load_acquire(&s.c.meta->control.gating), 0);
	clear_scene(&s);
}

/* -------------------------------------------------------------------- groups */

#define GROUP CHANNEL("", "pool: { group: true }")

TEST(workers_join_a_group_by_its_name)
{
	struct rb_control first = consumer("pool"), second = consumer("pool");
	struct scene s;

	set_scene(&s, GROUP);
	let_in(&s, &first);
	let_in(&s, &second);
	ck_assert_uint_ne(first.index, 0);
	ck_assert_uint_ne(second.index, 0);
	ck_assert_uint_ne(second.index, first.index);
	ck_assert_uint_eq(t_member_state(&s.members[0]), RB_MEMBER_ATTACHED);
	ck_assert_uint_eq(rb_word64_load_acquire(&s.members[0].workers),
			  UINT64_C(1) << first.index | UINT64_C(1)
							       << second.index);
	t_ok(t_peer_detach(s.peer, &first));
	ck_assert_uint_eq(t_member_state(&s.members[0]), RB_MEMBER_ATTACHED);
	t_ok(t_peer_detach(s.peer, &second));
	ck_assert_uint_eq(t_member_state(&s.members[0]), RB_MEMBER_ABSENT);
	let_in(&s, &first);
	t_ok(t_peer_forget(s.peer, &first));
	ck_assert_uint_eq(t_member_state(&s.members[0]), RB_MEMBER_FREE);
	clear_scene(&s);
}

TEST(group_outlives_its_dead_workers)
{
	struct rb_control m = consumer("pool"), first, second;
	struct scene s;
	pid_t pids[2];

	set_scene(&s, GROUP);
	pids[0] = t_holder(&s.d, &m, false, &first);
	pids[1] = t_holder(&s.d, &m, true, &second);
	t_ok(first.result);
	t_ok(second.result);
	t_kill(pids[0]);
	t_until(t_member_state(&s.members[first.index]) == RB_MEMBER_FREE);
	t_until(t_daemon_said(&s.d, "of group pool"));
	ck_assert_uint_eq(t_member_state(&s.members[0]), RB_MEMBER_ATTACHED);
	t_kill(pids[1]);
	t_until(t_member_state(&s.members[0]) == RB_MEMBER_ABSENT);
	clear_scene(&s);
}

TEST(group_survives_the_daemon)
{
	struct rb_control m = consumer("pool"), first, second;
	struct scene s;
	pid_t holder;

	set_scene(&s, GROUP);
	holder = t_holder(&s.d, &m, false, &first);
	t_ok(first.result);
	second = consumer("pool");
	let_in(&s, &second);
	t_daemon_kill(&s.d);
	t_kill(holder);
	close(s.peer);
	t_daemon_restart(&s.d);
	s.peer = t_peer_greet(&s.d);
	ck_assert_uint_eq(t_member_state(&s.members[first.index]),
			  RB_MEMBER_FREE);
	ck_assert_uint_eq(rb_word64_load_acquire(&s.members[0].workers),
			  UINT64_C(1) << second.index);
	t_ok(t_peer_detach(s.peer, &second));
	ck_assert_uint_eq(t_member_state(&s.members[0]), RB_MEMBER_ABSENT);
	clear_scene(&s);
}

TEST(full_table_takes_no_worker)
{
	struct rb_control m = consumer("pool");
	struct scene s;

	set_scene(&s, CHANNEL("max_consumers: 2, ", "pool: { group: true }"));
	let_in(&s, &m);
	refuse(&s, consumer("pool"), -EUSERS, "all 2 places");
	clear_scene(&s);
}
