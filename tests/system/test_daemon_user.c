/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_user.c - what one user may have
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/system/util_user.h"

/* Nobody here leaves before the end. */
#define DAEMON(keys) "daemon: { drain: 1ms, " keys " }\n"
#define MULTI "{ slots: 64, event_size: 8, producers: multi }"
#define TWO_CHANNELS "channels: { a: " MULTI ", b: " MULTI " }\n"

static void
expect(int peer, struct rb_control m, int result, const char *why)
{
	ck_assert_int_eq(t_peer_refuses(peer, &m, why), result);
}

static void
attach(int peer, const char *channel, enum rb_role role, const char *name)
{
	struct rb_control answer;

	t_ok(t_peer_attach(peer, channel, role, name, &answer));
}

/* ------------------------------------------------------------- connections */

static void
expect_room_for(const struct t_daemon *d, unsigned n)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	int peers[16];
	char why[64];

	for (unsigned i = 0; i < n; i++)
		peers[i] = t_peer_greet(d);
	snprintf(why, sizeof(why), "uid %u has %u connections", getuid(), n);
	peers[n] = t_peer_connect(d);
	expect(peers[n], hello, -EUSERS, why);
	for (unsigned i = 0; i <= n; i++)
		close(peers[i]);
}

/* They are given back when the daemon sees that they have gone. */
static void
find_two(const struct t_daemon *d, const void *arg)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	int peer;

	expect_room_for(d, 2);
	do {
		peer = t_peer_connect(d);
	} while (t_peer_ask(peer, &hello, NULL) == -EUSERS && close(peer) == 0);
	close(peer);
	(void)arg;
}

static void
find_ten(const struct t_daemon *d, const void *arg)
{
	(void)arg;
	expect_room_for(d, 10);
}

TEST(connections_of_a_user_are_limited)
{
	struct t_daemon d;
	int mine[4];

	t_daemon_start_open(&d, DAEMON("max_clients_per_user: 2"));
	for (unsigned i = 0; i < RB_ARRAY_SIZE(mine); i++)
		mine[i] = t_peer_greet(&d);
	t_as(&d, &t_stranger, find_two, NULL);
	t_as(&d, &t_other, find_two, NULL);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(mine); i++)
		close(mine[i]);
	t_daemon_stop(&d);
}

TEST(connections_of_a_user_follow_a_reload)
{
	struct t_daemon d;

	t_daemon_start_open(&d, DAEMON("max_clients_per_user: 2"));
	t_daemon_reload(&d, DAEMON("max_clients_per_user: 10"), "was reloaded");
	t_as(&d, &t_stranger, find_ten, NULL);
	t_daemon_stop(&d);
}

/* Without a HELLO they are few more, and then closed unheard. */
static void
connect_in_silence(const struct t_daemon *d, const void *arg)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	int peers[2 + 8 + 1];

	for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++)
		peers[i] = t_peer_connect(d);
	ck_assert(t_peer_is_closed(peers[2 + 8]));
	t_ok(t_peer_ask(peers[0], &hello, NULL));
	for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++)
		close(peers[i]);
	(void)arg;
}

TEST(silent_connections_of_a_user_are_limited)
{
	struct t_daemon d;

	t_daemon_start_open(&d, DAEMON("max_clients_per_user: 2"));
	for (int i = 0; i < 3; i++) {
		t_as(&d, &t_stranger, connect_in_silence, NULL);
		t_daemon_look(&d); /* sees that they have gone */
	}
	ck_assert(!t_daemon_said(&d, "said nothing"));
	t_daemon_stop(&d);
}

static void
hold_silent(const struct t_daemon *d, const void *arg)
{
	for (int i = 0; i < 60; i++)
		t_peer_connect(d);
	ck_assert_int_eq(write(*(const int *)arg, "", 1), 1);
	for (;;)
		pause();
}

/* Each of them has what he may, and together that is more than there is. */
TEST(silent_users_leave_room_for_the_owner)
{
	struct t_daemon d;
	pid_t pids[4];
	int told[2];
	char byte;

	t_daemon_start_open(&d, DAEMON("max_clients: 8, "
				       "max_clients_per_user: 60"));
	ck_assert_int_eq(pipe(told), 0);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(pids); i++)
		pids[i] = t_start_as(&d, T_USER(T_OTHER + i), hold_silent,
				     &told[1]);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(pids); i++)
		ck_assert_int_eq(read(told[0], &byte, 1), 1);
	close(t_peer_greet(&d));
	ck_assert(!t_daemon_said(&d, "said nothing")); /* they are there yet */
	for (unsigned i = 0; i < RB_ARRAY_SIZE(pids); i++)
		t_kill(pids[i]);
	close(told[0]);
	close(told[1]);
	t_daemon_stop(&d);
}

/* ------------------------------------------------------------------ members */

static void
find_three_handles(const struct t_daemon *d, const void *arg)
{
	struct rb_control wish = t_attach_message("b", RB_ROLE_CONSUMER, NULL);
	struct rb_control tap = t_attach_message("b", RB_ROLE_TAP, NULL);
	struct rb_control first;
	int one = t_peer_greet(d), two = t_peer_greet(d);

	t_ok(t_peer_attach(one, "a", RB_ROLE_CONSUMER, NULL, &first));
	attach(one, "b", RB_ROLE_PRODUCER, NULL);
	attach(two, "b", RB_ROLE_CONSUMER, NULL);
	expect(two, wish, -EUSERS, "3 handles");
	t_ok(t_peer_come(two, &tap));
	t_ok(t_peer_detach(one, &first));
	t_ok(t_peer_come(two, &wish));
	close(one);
	close(two);
	(void)arg;
}

TEST(members_of_a_user_are_limited_over_all_channels)
{
	struct t_daemon d;
	int peer;

	t_daemon_start_open(&d, DAEMON("max_members_per_user: 3") TWO_CHANNELS);
	t_as(&d, &t_stranger, find_three_handles, NULL);
	t_as(&d, &t_other, find_three_handles, NULL);
	t_daemon_look(&d);
	t_as(&d, &t_stranger, find_three_handles, NULL);
	peer = t_peer_greet(&d);
	for (int i = 0; i < 5; i++)
		attach(peer, "a", RB_ROLE_CONSUMER, NULL);
	close(peer);
	t_daemon_stop(&d);
}

static void
find_two_places(const struct t_daemon *d, const void *arg)
{
	struct rb_control third = t_attach_message("a", RB_ROLE_PRODUCER, NULL);
	int peer = t_peer_greet(d);

	attach(peer, "a", RB_ROLE_CONSUMER, NULL);
	attach(peer, "a", RB_ROLE_PRODUCER, NULL);
	expect(peer, third, -EUSERS, "2 places");
	attach(peer, "b", RB_ROLE_PRODUCER, NULL);
	close(peer);
	(void)arg;
}

#define TWO_PLACES                                                             \
	"channels: { a: { slots: 64, event_size: 8, producers: multi, "        \
	"max_members_per_user: 2, consumers: { declared: { on_death: keep } }" \
	" }, b: " MULTI " }\n"

TEST(places_of_a_user_are_limited_by_the_channel)
{
	struct t_daemon d;

	int peer;

	t_daemon_start_open(&d, DAEMON("") TWO_PLACES);
	peer = t_peer_greet(&d);
	for (int i = 0; i < 3; i++)
		attach(peer, "a", RB_ROLE_CONSUMER, NULL);
	t_as(&d, &t_stranger, find_two_places, NULL);
	t_as(&d, &t_other, find_two_places, NULL);
	close(peer);
	t_daemon_stop(&d);
}

static void
leave_a_kept_place(const struct t_daemon *d, const void *arg)
{
	struct rb_control wish = t_attach_message("a", RB_ROLE_CONSUMER, arg);
	int peer = t_peer_greet(d);

	wish.on_death = RB_ON_DEATH_KEEP;
	t_ok(t_peer_come(peer, &wish));
	close(peer);
}

static void
find_kept_places_counted(const struct t_daemon *d, const void *arg)
{
	struct rb_control wish = t_attach_message("a", RB_ROLE_CONSUMER, NULL);
	struct rb_control resumed = t_attach_message("a", RB_ROLE_CONSUMER,
						     "two");
	int peer = t_peer_greet(d);

	expect(peer, wish, -EUSERS, "2 places");
	t_ok(t_peer_come(peer, &resumed));
	expect(peer, wish, -EUSERS, "2 places");
	t_ok(t_peer_forget(peer, &resumed));
	t_ok(t_peer_come(peer, &wish));
	close(peer);
	(void)arg;
}

/* Else they could be taken one after the other, by dying each time. */
TEST(kept_places_of_a_user_count)
{
	struct t_daemon d;

	t_daemon_start_open(&d, DAEMON("") TWO_PLACES);
	t_as(&d, &t_stranger, leave_a_kept_place, "declared");
	t_until(t_daemon_said(&d, "consumer declared"));
	t_as(&d, &t_stranger, leave_a_kept_place, "one");
	t_until(t_daemon_said(&d, "consumer one"));
	t_as(&d, &t_stranger, leave_a_kept_place, "two");
	t_until(t_daemon_said(&d, "consumer two"));
	t_as(&d, &t_stranger, find_kept_places_counted, NULL);
	t_as(&d, &t_other, find_two_places, NULL);
	t_daemon_stop(&d);
}

/* ----------------------------------------------------------------- channels */

static struct rb_control
create_message(const char *channel, uint64_t slots)
{
	struct rb_control m = t_message(RB_CONTROL_CREATE, channel);

	m.slots = slots;
	m.slot_size = 64;
	m.wait = RB_WAIT_BLOCKING;
	return m;
}

static void
create(int peer, const char *channel)
{
	struct rb_control m = create_message(channel, 64);

	t_ok(t_peer_ask(peer, &m, NULL));
}

static void
find_two_channels(const struct t_daemon *d, const void *arg)
{
	const char *prefix = arg;
	struct rb_control prepared, remove;
	char names[3][8];
	int peer = t_peer_greet(d);

	for (int i = 0; i < 3; i++)
		snprintf(names[i], sizeof(names[i]), "%s%d", prefix, i);
	create(peer, names[0]);
	prepared = create_message(names[1], 64);
	prepared.flags = RB_CONTROL_PREPARE;
	t_ok(t_peer_ask(peer, &prepared, NULL));
	expect(peer, create_message(names[2], 64), -EUSERS,
	       "has created 2 channels");
	remove = t_message(RB_CONTROL_REMOVE, names[1]);
	t_ok(t_peer_ask(peer, &remove, NULL));
	create(peer, names[2]);
	close(peer);
}

#define DYNAMIC(keys) "dynamic: { allow: [any], " keys " }\n"

TEST(channels_of_a_user_are_limited)
{
	struct t_daemon d;
	int peer;

	t_daemon_start_open(&d, DAEMON("") DYNAMIC("max_channels_per_user: 2"));
	t_as(&d, &t_stranger, find_two_channels, "x");
	t_as(&d, &t_other, find_two_channels, "y");
	peer = t_peer_greet(&d);
	create(peer, "mine");
	create(peer, "mine-too");
	create(peer, "also-mine");
	close(peer);
	t_daemon_stop(&d);
}

TEST(one_user_has_half_of_the_channels)
{
	struct t_daemon d;
	int peer;

	t_daemon_start_open(&d, DAEMON("") DYNAMIC("max_channels: 4"));
	t_as(&d, &t_stranger, find_two_channels, "x");
	peer = t_peer_greet(&d);
	create(peer, "mine");
	create(peer, "mine-too");
	expect(peer, create_message("more", 64), -EUSERS, "max_channels");
	close(peer);
	t_daemon_stop(&d);
}

static void
find_little_memory(const struct t_daemon *d, const void *arg)
{
	int peer = t_peer_greet(d);

	expect(peer, create_message("x", 1 << 14), -EUSERS, arg);
	for (int i = 0; i < 3; i++) {
		struct rb_control small = create_message("small", 4096);

		t_ok(t_peer_ask(peer, &small, NULL));
		expect(peer, create_message("y", 4096), -EUSERS, arg);
		small = t_message(RB_CONTROL_REMOVE, "small");
		t_ok(t_peer_ask(peer, &small, NULL));
	}
	close(peer);
}

TEST(bytes_of_a_user_are_limited)
{
	struct t_daemon d;

	t_daemon_start_open(&d,
			    DAEMON("") DYNAMIC("max_size_per_user: 512KiB"));
	t_as(&d, &t_stranger, find_little_memory, "max_size_per_user");
	t_daemon_stop(&d);
}

static void
create_one(const struct t_daemon *d, const void *arg)
{
	int peer = t_peer_greet(d);

	create(peer, arg);
	close(peer);
}

static void
find_no_memory(const struct t_daemon *d, const void *arg)
{
	int peer = t_peer_greet(d);

	expect(peer, create_message("y", 64), -EUSERS, arg);
	close(peer);
}

/* He has more than he may, and no less than nothing is left to him. */
TEST(bytes_of_a_user_follow_a_reload)
{
	struct t_daemon d;

	t_daemon_start_open(&d, DAEMON("") DYNAMIC("max_size: 1MiB"));
	t_as(&d, &t_stranger, create_one, "x");
	t_daemon_reload(&d, DAEMON("") DYNAMIC("max_size_per_user: 1KiB"),
			"was reloaded");
	t_as(&d, &t_stranger, find_no_memory, "max_size_per_user");
	t_daemon_stop(&d);
}

TEST(one_user_has_half_of_the_bytes)
{
	struct t_daemon d;

	t_daemon_start_open(&d, DAEMON("") DYNAMIC("max_size: 1MiB"));
	t_as(&d, &t_stranger, find_little_memory, "max_size_per_user");
	t_daemon_stop(&d);
}

/* ------------------------------------------------------------------ restart */

static void
hold(const struct t_daemon *d, const void *arg)
{
	int peer = t_peer_greet(d);

	create(peer, "x");
	create(peer, "y");
	attach(peer, "x", RB_ROLE_CONSUMER, NULL);
	attach(peer, "y", RB_ROLE_PRODUCER, NULL);
	ck_assert_int_eq(write(*(const int *)arg, "", 1), 1);
	for (;;)
		pause();
}

static void
find_nothing_left(const struct t_daemon *d, const void *arg)
{
	int peer = t_peer_greet(d);

	expect(peer, t_attach_message("a", RB_ROLE_CONSUMER, NULL), -EUSERS,
	       "2 handles");
	expect(peer, create_message("z", 64), -EUSERS,
	       "has created 2 channels");
	close(peer);
	(void)arg;
}

static void
find_handles_only(const struct t_daemon *d, const void *arg)
{
	int peer = t_peer_greet(d);

	attach(peer, "a", RB_ROLE_CONSUMER, NULL);
	expect(peer, create_message("z", 64), -EUSERS,
	       "has created 2 channels");
	close(peer);
	(void)arg;
}

TEST(what_is_taken_over_counts)
{
	struct t_daemon d;
	int told[2];
	char byte;
	pid_t pid;

	t_daemon_start_open(&d, DAEMON("max_members_per_user: 2")
					DYNAMIC("max_channels_per_user: 2")
						TWO_CHANNELS);
	ck_assert_int_eq(pipe(told), 0);
	pid = t_start_as(&d, &t_stranger, hold, &told[1]);
	ck_assert_int_eq(read(told[0], &byte, 1), 1);
	t_daemon_kill(&d);
	t_daemon_restart_open(&d);
	t_as(&d, &t_stranger, find_nothing_left, NULL);
	t_kill(pid);
	t_until(t_daemon_said(&d, "died"));
	t_until(!t_daemon_watches(&d, pid));
	t_as(&d, &t_stranger, find_handles_only, NULL);
	close(told[0]);
	close(told[1]);
	t_daemon_stop(&d);
}
