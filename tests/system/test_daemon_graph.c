/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_graph.c - channels that clients plan, create, fill and open
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/system/util_peer.h"

#define DYNAMIC                                                                \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: [any] }\n"

static int
create(int peer, const char *channel, uint32_t flags)
{
	struct rb_control m = t_create_message(channel, flags);

	return t_peer_ask(peer, &m, NULL);
}

static struct rb_control
plan_message(const char *name, uint64_t mask)
{
	struct rb_control m = t_message(RB_CONTROL_PLAN, NULL);

	snprintf(m.name, sizeof(m.name), "%s", name);
	m.mask = mask;
	return m;
}

static void
plan(int peer, const char *name, uint64_t mask)
{
	struct rb_control m = plan_message(name, mask);

	t_ok(t_peer_ask(peer, &m, NULL));
}

static int
open_channel(int peer, const char *channel)
{
	struct rb_control m = t_message(RB_CONTROL_OPEN, channel);

	return t_peer_ask(peer, &m, NULL);
}

static bool
is_declared(const struct rb_channel *c, unsigned index)
{
	return rb_word32_load_acquire(&c->meta->consumers[index].declared) != 0;
}

/* --------------------------------------------------------------------- plans */

TEST(plan_becomes_the_graph)
{
	const struct rb_member *m;
	struct rb_control pool;
	struct rb_channel c;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, DYNAMIC);
	peer = t_peer_greet(&d);
	plan(peer, "first", 2); /* after one that comes later */
	plan(peer, "second", 0);
	pool = plan_message("pool", 3);
	pool.is_group = 1;
	pool.key_size = 4;
	pool.on_death = RB_ON_DEATH_KEEP;
	pool.keep_for_ns = 3600 * UINT64_C(1000000000);
	t_ok(t_peer_ask(peer, &pool, NULL));
	t_ok(create(peer, "new", 0));
	t_daemon_map(&d, "new", RB_ROLE_TAP, &c);
	m = c.meta->consumers;
	ck_assert_str_eq(m[0].name, "first");
	ck_assert_str_eq(m[1].name, "second");
	ck_assert_str_eq(m[2].name, "pool");
	ck_assert_uint_eq(rb_word64_load_acquire(&m[0].after), 2);
	ck_assert_uint_eq(rb_word64_load_acquire(&m[2].after), 3);
	ck_assert_uint_eq(rb_word32_load_acquire(&m[2].key_size), 4);
	ck_assert_uint_eq(rb_word64_load_acquire(&m[2].keep_for_ns),
			  pool.keep_for_ns);
	ck_assert_uint_eq(t_member_state(&m[2]), RB_MEMBER_ABSENT);
	ck_assert_uint_eq(c.geometry.n_groups, 1);
	ck_assert(is_declared(&c, 2) && !is_declared(&c, 3));
	ck_assert_uint_eq(rb_word64_load_acquire(&c.meta->control.gating), 4);
	rb_channel_detach(&c);
	close(peer);
	t_daemon_stop(&d);
}

static void
refuse_plan(const struct t_daemon *d, const uint64_t masks[2], const char *why)
{
	struct rb_control m = t_create_message("new", 0);
	int peer = t_peer_greet(d);

	plan(peer, "journal", masks[0]);
	plan(peer, "app", masks[1]);
	ck_assert_int_eq(t_peer_refuses(peer, &m, why), -EINVAL);
	ck_assert(!t_daemon_has(d, "new"));
	/* And is forgotten all the same. */
	t_ok(create(peer, "new", 0));
	m = t_message(RB_CONTROL_REMOVE, "new");
	t_ok(t_peer_ask(peer, &m, NULL));
	close(peer);
}

TEST(impossible_graphs_are_refused)
{
	struct t_daemon d;

	t_daemon_start(&d, DYNAMIC);
	refuse_plan(&d, (uint64_t[]){ 2, 1 }, "journal -> app -> journal");
	refuse_plan(&d, (uint64_t[]){ 1, 0 }, "itself");
	refuse_plan(&d, (uint64_t[]){ 0, 4 }, "does not exist");
	t_daemon_stop(&d);
}

TEST(impossible_consumers_are_refused)
{
	struct rb_control m = t_create_message("new", 0);
	struct rb_control bad;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, DYNAMIC);
	peer = t_peer_greet(&d);
	bad = plan_message("-x", 0);
	ck_assert_int_eq(t_peer_refuses(peer, &bad, "name"), -EINVAL);
	plan(peer, "app", 0);
	plan(peer, "app", 0);
	ck_assert_int_eq(t_peer_refuses(peer, &m, "twice"), -EINVAL);
	bad = plan_message("app", 0);
	bad.slow = RB_SLOW_EVICT;
	bad.is_slow_set = 1;
	t_ok(t_peer_ask(peer, &bad, NULL));
	ck_assert_int_eq(t_peer_refuses(peer, &m, "evict"), -EINVAL);
	bad.slow = RB_SLOW_LOSSY;
	t_ok(t_peer_ask(peer, &bad, NULL));
	plan(peer, "next", 1);
	ck_assert_int_eq(t_peer_refuses(peer, &m, "lossy"), -EINVAL);
	close(peer);
	t_daemon_stop(&d);
}

TEST(plans_are_bounded_and_can_be_begun_anew)
{
	struct rb_control reset = t_message(RB_CONTROL_PLAN, NULL);
	struct rb_control more = plan_message("more", 0);
	struct rb_channel c;
	struct t_daemon d;
	char name[16];
	int peer;

	t_daemon_start(&d, DYNAMIC);
	peer = t_peer_greet(&d);
	for (int i = 0; i < RB_CONSUMERS_MAX; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		plan(peer, name, 0);
	}
	ck_assert_int_eq(t_peer_refuses(peer, &more, "64"), -EUSERS);
	reset.flags = RB_CONTROL_RESET;
	t_ok(t_peer_ask(peer, &reset, NULL));
	plan(peer, "only", 0);
	t_ok(create(peer, "new", 0));
	t_daemon_map(&d, "new", RB_ROLE_TAP, &c);
	ck_assert_str_eq(c.meta->consumers[0].name, "only");
	ck_assert(!is_declared(&c, 1));
	rb_channel_detach(&c);
	close(peer);
	t_daemon_stop(&d);
}

TEST(plan_goes_with_its_connection)
{
	struct rb_channel c;
	struct t_daemon d;
	int first, second;

	t_daemon_start(&d, DYNAMIC);
	first = t_peer_greet(&d);
	second = t_peer_greet(&d);
	plan(first, "app", 0);
	t_ok(create(second, "new", 0));
	t_daemon_map(&d, "new", RB_ROLE_TAP, &c);
	ck_assert(!is_declared(&c, 0));
	rb_channel_detach(&c);
	close(first);
	close(second);
	t_daemon_stop(&d);
}

/* ------------------------------------------------------------ what they hold */

TEST(type_and_pattern_are_the_channels)
{
	struct rb_control m = t_create_message("new", 0);
	struct rb_channel c;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, DYNAMIC);
	peer = t_peer_greet(&d);
	snprintf(m.type_name, sizeof(m.type_name), "order");
	m.type_version = 3;
	m.fill_size = 3;
	memcpy(m.fill, "abc", 3);
	t_ok(t_peer_ask(peer, &m, NULL));
	t_daemon_map(&d, "new", RB_ROLE_TAP, &c);
	ck_assert_str_eq(c.meta->header.type, "order");
	ck_assert_uint_eq(c.meta->header.type_version, 3);
	ck_assert_mem_eq(rb_channel_slot(&c, 0), "abcabcab", 8);
	ck_assert_mem_eq(rb_channel_slot(&c, 63), "abcabcab", 8);
	rb_channel_detach(&c);
	close(peer);
	t_daemon_stop(&d);
}

TEST(impossible_contents_are_refused)
{
	struct rb_control m = t_create_message("new", 0);
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, DYNAMIC);
	peer = t_peer_greet(&d);
	snprintf(m.type_name, sizeof(m.type_name), "no type");
	ck_assert_int_eq(t_peer_refuses(peer, &m, "type"), -EINVAL);
	m = t_create_message("new", 0);
	m.clear = RB_CLEAR_ZERO;
	m.history = 8;
	ck_assert_int_eq(t_peer_refuses(peer, &m, "history"), -EINVAL);
	m = t_create_message("new", 0);
	m.clear = RB_CLEAR_ZERO + 1;
	ck_assert_int_eq(t_peer_refuses(peer, &m, "clear"), -EINVAL);
	m = t_create_message("new", 0);
	m.clear = RB_CLEAR_ZERO;
	t_ok(t_peer_ask(peer, &m, NULL));
	close(peer);
	t_daemon_stop(&d);
}

/* ----------------------------------------------------------------- preparing */

TEST(nobody_else_enters_before_it_is_open)
{
	struct rb_control list = t_message(RB_CONTROL_LIST, NULL);
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "new");
	struct rb_control mine, other;
	struct t_daemon d;
	int first, second;

	t_daemon_start(&d, DYNAMIC);
	first = t_peer_greet(&d);
	second = t_peer_greet(&d);
	t_ok(create(first, "new", RB_CONTROL_PREPARE));
	ck_assert(!t_daemon_has(&d, "new"));
	t_ok(t_peer_attach(first, "new", RB_ROLE_PRODUCER, NULL, &mine));
	other = t_attach_message("new", RB_ROLE_CONSUMER, NULL);
	ck_assert_int_eq(t_peer_refuses(second, &other, "preparing"), -ENOENT);
	ck_assert_int_eq(t_peer_ask(second, &list, NULL), -ENOENT);
	ck_assert_int_eq(t_peer_ask(second, &end, NULL), -ENOENT);
	ck_assert_int_eq(open_channel(second, "new"), -ENOENT);
	ck_assert_int_eq(create(second, "new", 0), -EEXIST);
	t_ok(t_peer_detach(first, &mine));
	t_ok(open_channel(first, "new"));
	ck_assert_int_eq(open_channel(first, "new"), -EACCES);
	ck_assert(t_daemon_has(&d, "new"));
	t_ok(t_peer_attach(second, "new", RB_ROLE_CONSUMER, NULL, &other));
	t_ok(t_peer_ask(second, &list, NULL));
	close(first);
	close(t_peer_greet(&d));
	ck_assert(t_daemon_has(&d, "new"));
	close(second);
	t_daemon_stop(&d);
}

TEST(what_is_not_opened_goes_with_the_connection)
{
	struct rb_control mine, other;
	struct rb_channel c;
	struct t_daemon d;
	int fds[RB_FDS];
	int first, second;

	t_daemon_start(&d, DYNAMIC);
	first = t_peer_greet(&d);
	second = t_peer_greet(&d);
	t_ok(create(first, "new", RB_CONTROL_PREPARE));
	mine = t_attach_message("new", RB_ROLE_PRODUCER, NULL);
	t_ok(t_peer_ask(first, &mine, fds));
	t_ok(rb_channel_attach(&c, fds, RB_ROLE_PRODUCER));
	for (int i = 0; i < RB_FDS; i++)
		close(fds[i]);
	close(first);
	t_until(rb_word32_load_acquire(&c.meta->control.stream) ==
		RB_STREAM_ABORTED);
	t_until(create(second, "new", 0) == 0);
	ck_assert(t_daemon_said(&d, "left without opening it"));
	t_ok(t_peer_attach(second, "new", RB_ROLE_PRODUCER, NULL, &other));
	rb_channel_detach(&c);
	close(second);
	t_daemon_stop(&d);
}

struct preparer {
	const struct t_daemon *d;
	int told[2];
};

static int
prepare_and_pause(void *arg)
{
	struct preparer *p = arg;
	int peer = t_peer_greet(p->d);
	struct rb_control mine;

	t_ok(create(peer, "new", RB_CONTROL_PREPARE));
	t_ok(t_peer_attach(peer, "new", RB_ROLE_PRODUCER, NULL, &mine));
	if (write(p->told[1], "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static pid_t
start_preparer(const struct t_daemon *d)
{
	struct preparer p = { .d = d };
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe2(p.told, O_CLOEXEC), 0);
	pid = t_child(prepare_and_pause, &p);
	ck_assert_int_eq(read(p.told[0], &byte, 1), 1);
	close(p.told[0]);
	close(p.told[1]);
	return pid;
}

TEST(what_is_not_opened_goes_with_the_process)
{
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, DYNAMIC);
	t_kill(start_preparer(&d));
	peer = t_peer_greet(&d);
	t_until(create(peer, "new", 0) == 0);
	close(peer);
	t_daemon_stop(&d);
}

/* Claims more than there is room for, so that nothing of it can be mended while
 * the one that is kept has not read; leaves its connection to a child, and
 * dies. */
static int
leave_a_claim(void *arg)
{
	struct preparer *p = arg;
	int peer = t_peer_greet(p->d);
	struct rb_control m = plan_message("app", 0);
	struct rb_channel c;
	int fds[RB_FDS];
	char byte;

	m.on_death = RB_ON_DEATH_KEEP;
	t_ok(t_peer_ask(peer, &m, NULL));
	m = t_create_message("new", RB_CONTROL_PREPARE);
	m.producers = RB_MULTI;
	t_ok(t_peer_ask(peer, &m, NULL));
	m = t_attach_message("new", RB_ROLE_PRODUCER, "feed");
	t_ok(t_peer_ask(peer, &m, fds));
	t_ok(rb_channel_attach(&c, fds, RB_ROLE_PRODUCER));
	t_publish(&c, 59);
	rb_word64_store_release(&c.ring->handles[m.index].n, 8);
	rb_word64_store_release(&c.ring->handles[m.index].intent,
				61 << 2 | RB_INTENT_CLAIMED);
	rb_seq_store_release(&c.ring->claimed, 67);
	if (fork() == 0)
		_exit(read(p->told[0], &byte, 1) < 0);
	return 0;
}

TEST(what_is_not_opened_goes_with_the_dying)
{
	struct rb_control m;
	struct t_daemon d;
	struct preparer p = { .d = &d };
	int peer;

	t_daemon_start(&d, DYNAMIC);
	ck_assert_int_eq(pipe2(p.told, O_CLOEXEC), 0);
	t_join(t_child(leave_a_claim, &p));
	peer = t_peer_greet(&d);
	ck_assert_int_eq(create(peer, "new", 0), -EEXIST);
	ck_assert_int_eq(write(p.told[1], "", 1), 1);
	t_until(create(peer, "new", 0) == 0);
	ck_assert(!t_daemon_said(&d, "producer feed"));
	m = t_attach_message("new", RB_ROLE_PRODUCER, NULL);
	t_ok(t_peer_ask(peer, &m, NULL));
	close(p.told[0]);
	close(p.told[1]);
	close(peer);
	t_daemon_stop(&d);
}

TEST(what_is_not_opened_goes_with_the_daemon)
{
	struct t_daemon d;
	pid_t preparer;
	int peer;

	t_daemon_start(&d, DYNAMIC);
	preparer = start_preparer(&d);
	t_daemon_kill(&d);
	t_daemon_restart(&d);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(open_channel(peer, "new"), -ENOENT);
	t_ok(create(peer, "new", 0));
	t_kill(preparer);
	close(peer);
	t_daemon_stop(&d);
}

TEST(stop_removes_what_is_not_opened)
{
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, DYNAMIC);
	peer = t_peer_greet(&d);
	t_ok(create(peer, "new", RB_CONTROL_PREPARE));
	t_daemon_stop(&d);
	ck_assert_int_eq(access(d.shm, F_OK), -1);
	close(peer);
}
