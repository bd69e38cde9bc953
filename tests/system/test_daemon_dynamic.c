/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_dynamic.c - channels that clients create and remove
 */
#include <errno.h>
#include <unistd.h>

#include "tests/system/util_user.h"

#define ALLOWED                                                                \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: [any], max_channels: 2, max_size: 1MiB }\n"         \
	"channels: { a: { slots: 64, event_size: 8 } }"

static int
create(int peer, const char *channel)
{
	struct rb_control m = t_create_message(channel, 0);

	return t_peer_ask(peer, &m, NULL);
}

static int
remove_channel(int peer, const char *channel)
{
	struct rb_control m = t_message(RB_CONTROL_REMOVE, channel);

	return t_peer_ask(peer, &m, NULL);
}

TEST(created_channel_can_be_used_and_removed)
{
	struct rb_control attached;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, ALLOWED);
	peer = t_peer_greet(&d);
	t_ok(create(peer, "new"));
	ck_assert(t_daemon_has(&d, "new/ring"));
	t_ok(t_peer_attach(peer, "new", RB_ROLE_CONSUMER, NULL, &attached));
	ck_assert_int_eq(remove_channel(peer, "new"), -EBUSY);
	t_ok(t_peer_detach(peer, &attached));
	t_ok(remove_channel(peer, "new"));
	ck_assert(!t_daemon_has(&d, "new"));
	ck_assert_int_eq(remove_channel(peer, "new"), -ENOENT);
	close(peer);
	t_daemon_stop(&d);
}

TEST(nobody_creates_without_leave)
{
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, "channels: { a: { slots: 64, event_size: 8 } }");
	peer = t_peer_greet(&d);
	ck_assert_int_eq(create(peer, "new"), -EACCES);
	close(peer);
	t_daemon_stop(&d);
}

TEST(declared_channels_are_not_removed)
{
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, ALLOWED);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(remove_channel(peer, "a"), -EACCES);
	ck_assert_int_eq(create(peer, "a"), -EEXIST);
	ck_assert(t_daemon_has(&d, "a/ring"));
	close(peer);
	t_daemon_stop(&d);
}

TEST(number_of_channels_is_limited)
{
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, ALLOWED);
	peer = t_peer_greet(&d);
	t_ok(create(peer, "x"));
	t_ok(create(peer, "y"));
	ck_assert_int_eq(create(peer, "z"), -EUSERS);
	t_ok(remove_channel(peer, "x"));
	t_ok(create(peer, "z"));
	close(peer);
	t_daemon_stop(&d);
}

TEST(bytes_of_all_are_limited)
{
	struct rb_control large = t_create_message("x", 0);
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, ALLOWED);
	peer = t_peer_greet(&d);
	large.slots = 16384;
	large.slot_size = 64;
	ck_assert_int_eq(t_peer_ask(peer, &large, NULL), -EUSERS);
	ck_assert_ptr_nonnull(strstr(large.text, "max_size"));
	ck_assert(!t_daemon_has(&d, "x"));
	large = t_create_message("x", 0);
	large.slots = 8192;
	large.slot_size = 64;
	t_ok(t_peer_ask(peer, &large, NULL));
	large = t_create_message("y", 0);
	large.slots = 8192;
	large.slot_size = 64;
	ck_assert_int_eq(t_peer_ask(peer, &large, NULL), -EUSERS);
	close(peer);
	t_daemon_stop(&d);
}

TEST(impossible_channels_are_refused)
{
	struct rb_control m;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, ALLOWED);
	peer = t_peer_greet(&d);
	m = t_create_message("x", 0);
	m.slots = 63;
	ck_assert_int_eq(t_peer_ask(peer, &m, NULL), -EINVAL);
	ck_assert_str_ne(m.text, "");
	m = t_create_message("x", 0);
	m.slots = UINT64_MAX;
	ck_assert_int_eq(t_peer_ask(peer, &m, NULL), -EINVAL);
	m = t_create_message("x", 0);
	m.slot_size = 0;
	ck_assert_int_eq(t_peer_ask(peer, &m, NULL), -EINVAL);
	m = t_create_message("x", 0);
	m.history = 64;
	ck_assert_int_eq(t_peer_ask(peer, &m, NULL), -EINVAL);
	m = t_create_message("x", 0);
	m.framing = 2;
	ck_assert_int_eq(t_peer_ask(peer, &m, NULL), -EINVAL);
	m = t_create_message("x", 0);
	m.wait = RB_WAIT_KINDS;
	ck_assert_int_eq(t_peer_ask(peer, &m, NULL), -EINVAL);
	m = t_create_message(".x", 0);
	ck_assert_int_eq(t_peer_ask(peer, &m, NULL), -EINVAL);
	close(peer);
	t_daemon_stop(&d);
}

static void
remove_as_stranger(const struct t_daemon *d, const void *arg)
{
	int peer = t_peer_greet(d);

	ck_assert_int_eq(remove_channel(peer, "mine"), -EACCES);
	t_ok(create(peer, "theirs"));
	t_ok(remove_channel(peer, "theirs"));
	t_ok(create(peer, "theirs"));
	close(peer);
	(void)arg;
}

TEST(only_creator_and_owner_remove)
{
	struct t_daemon d;
	int peer;

	t_daemon_start_open(&d, ALLOWED);
	peer = t_peer_greet(&d);
	t_ok(create(peer, "mine"));
	t_as(&d, &t_stranger, remove_as_stranger, NULL);
	t_ok(remove_channel(peer, "theirs"));
	close(peer);
	t_daemon_stop(&d);
}
