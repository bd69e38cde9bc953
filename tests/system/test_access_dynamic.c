/* SPDX-License-Identifier: MIT */
/*
 * test_access_dynamic.c - who may do what with the channels that clients create
 */
#include <errno.h>
#include <unistd.h>

#include "tests/system/util_user.h"

#define DYNAMIC(access)                                                        \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: [any], access: " access " }\n"

/* Carol administers what alice and others create, bob taps, a team consumes. */
#define LISTS                                                                  \
	DYNAMIC("{ publish: creator, consume: ['group:40100'], "               \
		"tap: ['user:40002'], admin: ['user:40003'] }")

static const gid_t groups[] = { T_TEAM };
static const struct t_user dave = { 40004, 40004, 1, groups };

static struct rb_control
publish_message(const char *channel)
{
	return t_attach_message(channel, RB_ROLE_PRODUCER, NULL);
}

static int
removes(const struct t_daemon *d, const struct t_user *user)
{
	return t_user_requests(d, user, "new", RB_CONTROL_REMOVE);
}

static int
ends(const struct t_daemon *d, const struct t_user *user)
{
	return t_user_requests(d, user, "new", RB_CONTROL_CLOSE);
}

static int
mends(const struct t_daemon *d, const struct t_user *user)
{
	return t_user_requests(d, user, "new", RB_CONTROL_MEND);
}

/* -------------------------------------------------------------------- roles */

TEST(without_lists_everyone_may_attach)
{
	struct t_daemon d;

	t_daemon_start_open(&d, DYNAMIC("{}"));
	t_ok(t_user_creates(&d, &t_alice, "new"));
	for (int r = RB_ROLE_TAP; r <= RB_ROLE_CONSUMER; r++)
		t_ok(t_user_attaches(&d, &t_bob, "new", r));
	ck_assert_str_eq(t_user_lists(&d, &t_bob), "new");
	t_daemon_stop(&d);
}

TEST(lists_decide_by_role_and_creator)
{
	static const struct t_user *const users[] = { &t_alice, &t_bob,
						      &t_carol, &dave };
	/* tap, producer, consumer of the channel that alice has created */
	static const bool may[][3] = {
		{ 0, 1, 0 }, { 1, 0, 0 }, { 0, 0, 0 }, { 0, 0, 1 }
	};
	struct t_daemon d;

	t_daemon_start_open(&d, LISTS);
	t_ok(t_user_creates(&d, &t_alice, "new"));
	for (unsigned u = 0; u < RB_ARRAY_SIZE(users); u++)
		for (int r = RB_ROLE_TAP; r <= RB_ROLE_CONSUMER; r++)
			ck_assert_int_eq(t_user_attaches(&d, users[u], "new",
							 r),
					 may[u][r] ? 0 : -EACCES);
	t_daemon_stop(&d);
}

TEST(creator_is_another_one_on_each_channel)
{
	struct rb_control m = publish_message("bobs");
	struct t_daemon d;

	t_daemon_start_open(&d, LISTS);
	t_ok(t_user_creates(&d, &t_alice, "new"));
	t_ok(t_user_creates(&d, &t_bob, "bobs"));
	t_user_is_refused(&d, &t_alice, &m,
			  "channel bobs: uid 40001 may not publish: dynamic: "
			  "access: publish lets in creator (creator: uid "
			  "40002); add it there and reload");
	t_ok(t_user_attaches(&d, &t_bob, "bobs", RB_ROLE_PRODUCER));
	m = publish_message("new");
	t_user_is_refused(&d, &t_bob, &m, "(creator: uid 40001)");
	t_daemon_stop(&d);
}

static int
prepare(void *arg)
{
	struct rb_control m = t_create_message("new", RB_CONTROL_PREPARE);
	struct t_daemon d = *(struct t_daemon *)arg;
	int peer;

	t_become(&t_alice, &d);
	peer = t_peer_greet(&d);
	t_ok(t_peer_ask(peer, &m, NULL));
	m = publish_message("new");
	ck_assert_int_eq(t_peer_refuses(peer, &m, "lets in nobody"), -EACCES);
	close(peer);
	return 0;
}

/* Who has filled the slots could go on writing to them. */
TEST(who_prepares_a_channel_needs_the_right_to_publish)
{
	struct t_daemon d;

	t_daemon_start_open(&d, DYNAMIC("{ publish: [] }"));
	t_join(t_child(prepare, &d));
	t_until(t_daemon_said(&d, "without opening it"));
	t_daemon_stop(&d);
}

/* ------------------------------------------------------------------- admins */

TEST(without_admins_creator_and_producers_end_it)
{
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "new");
	struct rb_control removal = t_message(RB_CONTROL_REMOVE, "new");
	struct t_daemon d;

	t_daemon_start_open(&d, DYNAMIC("{}"));
	t_ok(t_user_creates(&d, &t_alice, "new"));
	t_user_is_refused(&d, &t_bob, &end,
			  "channel new: uid 40002 may not end it: only its "
			  "creator (uid 40001) and who has a producer on it "
			  "may");
	t_user_is_refused(&d, &t_bob, &removal,
			  "uid 40002 may not remove it: only its creator (uid "
			  "40001) may");
	t_ok(mends(&d, &t_alice));
	t_ok(ends(&d, &t_alice));
	t_ok(removes(&d, &t_alice));
	t_daemon_stop(&d);
}

static int
publish_and_end(void *arg)
{
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "new");
	struct t_daemon d = *(struct t_daemon *)arg;
	struct rb_control attached;
	int peer;

	t_become(&t_bob, &d);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(t_peer_ask(peer, &end, NULL), -EACCES);
	t_ok(t_peer_attach(peer, "new", RB_ROLE_CONSUMER, NULL, &attached));
	end = t_message(RB_CONTROL_CLOSE, "new");
	ck_assert_int_eq(t_peer_ask(peer, &end, NULL), -EACCES);
	t_ok(t_peer_attach(peer, "new", RB_ROLE_PRODUCER, NULL, &attached));
	end = t_message(RB_CONTROL_CLOSE, "new");
	t_ok(t_peer_ask(peer, &end, NULL));
	close(peer);
	return 0;
}

TEST(producer_of_another_user_ends_it)
{
	struct t_daemon d;

	t_daemon_start_open(&d, DYNAMIC("{}"));
	t_ok(t_user_creates(&d, &t_alice, "new"));
	t_join(t_child(publish_and_end, &d));
	t_daemon_stop(&d);
}

TEST(admins_are_those_of_the_list_and_creators_remove)
{
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "new");
	struct t_daemon d;

	t_daemon_start_open(&d, LISTS);
	t_ok(t_user_creates(&d, &t_alice, "new"));
	t_user_is_refused(&d, &t_alice, &end,
			  "channel new: uid 40001 may not end it: dynamic: "
			  "access: admin lets in user:40003 (creator: uid "
			  "40001)");
	ck_assert_int_eq(mends(&d, &t_alice), -EACCES);
	ck_assert_int_eq(mends(&d, &t_bob), -EACCES);
	ck_assert_int_eq(removes(&d, &t_bob), -EACCES);
	t_ok(mends(&d, &t_carol));
	t_ok(ends(&d, &t_carol));
	t_ok(removes(&d, &t_alice));
	t_ok(t_user_creates(&d, &t_alice, "new"));
	t_ok(removes(&d, &t_carol));
	t_daemon_stop(&d);
}

TEST(creator_may_be_the_admin)
{
	struct t_daemon d;

	t_daemon_start_open(&d, DYNAMIC("{ admin: creator }"));
	t_ok(t_user_creates(&d, &t_alice, "new"));
	ck_assert_int_eq(ends(&d, &t_bob), -EACCES);
	t_ok(ends(&d, &t_alice));
	t_daemon_stop(&d);
}

/* ----------------------------------------------------------- what one can see */

TEST(list_shows_what_one_may_use)
{
	struct t_daemon d;

	t_daemon_start_open(&d, LISTS);
	t_ok(t_user_creates(&d, &t_alice, "new"));
	t_ok(t_user_creates(&d, &t_carol, "carols"));
	ck_assert_str_eq(t_user_lists(&d, &t_alice), "new");
	ck_assert_str_eq(t_user_lists(&d, &t_bob), "new carols");
	ck_assert_str_eq(t_user_lists(&d, &t_carol), "new carols");
	ck_assert_str_eq(t_user_lists(&d, &dave), "new carols");
	t_daemon_stop(&d);
}

/* He may remove it. */
TEST(creator_sees_what_he_may_not_use)
{
	struct t_daemon d;

	t_daemon_start_open(&d, DYNAMIC("{ publish: [], consume: [], tap: [], "
					"admin: [] }"));
	t_ok(t_user_creates(&d, &t_alice, "new"));
	ck_assert_int_eq(t_user_attaches(&d, &t_alice, "new", RB_ROLE_TAP),
			 -EACCES);
	ck_assert_int_eq(ends(&d, &t_alice), -EACCES);
	ck_assert_str_eq(t_user_lists(&d, &t_alice), "new");
	ck_assert_str_eq(t_user_lists(&d, &t_bob), "");
	t_ok(removes(&d, &t_alice));
	t_daemon_stop(&d);
}

/* ----------------------------------------------------- another daemon, a reload */

/* Of alice, with a producer of hers on it, so that the next daemon keeps it. */
static pid_t
create_and_hold(const struct t_daemon *d)
{
	struct rb_control m = publish_message("new");
	pid_t holder;

	t_ok(t_user_creates(d, &t_alice, "new"));
	holder = t_user_holds(d, &t_alice, &m, &m);
	t_ok(m.result);
	return holder;
}

TEST(creator_and_lists_outlive_the_daemon)
{
	struct rb_control m = publish_message("new");
	struct t_daemon d;
	pid_t holder;

	t_daemon_start_open(&d, LISTS);
	holder = create_and_hold(&d);
	t_daemon_kill(&d);
	t_daemon_restart_open(&d);
	t_ok(t_user_attaches(&d, &t_alice, "new", RB_ROLE_PRODUCER));
	t_user_is_refused(&d, &t_bob, &m, "(creator: uid 40001)");
	ck_assert_int_eq(ends(&d, &t_alice), -EACCES);
	t_ok(ends(&d, &t_carol));
	t_kill(holder);
	t_daemon_look(&d);
	t_until(removes(&d, &t_alice) == 0);
	t_daemon_stop(&d);
}

TEST(taken_over_it_has_the_lists_of_now)
{
	struct rb_control m = publish_message("new");
	struct t_daemon d;
	pid_t holder;

	t_daemon_start_open(&d, LISTS);
	holder = create_and_hold(&d);
	t_daemon_kill(&d);
	t_daemon_configure(&d, DYNAMIC("{ publish: ['user:40002'], tap: [] }"));
	t_daemon_restart_open(&d);
	t_user_is_refused(&d, &t_alice, &m, "publish lets in user:40002");
	t_ok(t_user_attaches(&d, &t_bob, "new", RB_ROLE_PRODUCER));
	ck_assert_int_eq(t_user_attaches(&d, &t_bob, "new", RB_ROLE_TAP),
			 -EACCES);
	t_ok(ends(&d, &t_alice));
	t_kill(holder);
	t_daemon_stop(&d);
}

TEST(reload_changes_the_lists)
{
	struct t_daemon d;

	t_daemon_start_open(&d, LISTS);
	t_ok(t_user_creates(&d, &t_alice, "new"));
	t_daemon_reload(&d, DYNAMIC("{ publish: ['user:40002'] }"), "reloaded");
	ck_assert_int_eq(t_user_attaches(&d, &t_alice, "new", RB_ROLE_PRODUCER),
			 -EACCES);
	t_ok(t_user_attaches(&d, &t_bob, "new", RB_ROLE_PRODUCER));
	t_ok(t_user_attaches(&d, &t_alice, "new", RB_ROLE_CONSUMER));
	t_ok(t_user_attaches(&d, &t_carol, "new", RB_ROLE_TAP));
	ck_assert_int_eq(ends(&d, &t_carol), -EACCES);
	t_daemon_reload(&d, LISTS, "reloaded");
	t_ok(t_user_attaches(&d, &t_alice, "new", RB_ROLE_PRODUCER));
	t_ok(ends(&d, &t_carol));
	t_daemon_stop(&d);
}
