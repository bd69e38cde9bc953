/* SPDX-License-Identifier: MIT */
/*
 * test_access_admin.c - who may end, abort and mend a declared channel, what a
 * refusal says, and what a list shows
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "config/config.h"
#include "tests/system/util_user.h"

#define QUICK "daemon: { drain: 1ms }\n"
#define A(access)                                                              \
	QUICK "channels: { a: { slots: 64, event_size: 8, producers: multi, "  \
	      "access: " access " } }"

static const enum rb_control_type admins_do[] = { RB_CONTROL_MEND,
						  RB_CONTROL_PAUSE,
						  RB_CONTROL_CLOSE };

static struct rb_control
abort_message(void)
{
	struct rb_control m = t_message(RB_CONTROL_CLOSE, "a");

	m.flags = RB_CONTROL_ABORT;
	return m;
}

static void
may_administer(const struct t_daemon *d, const struct t_user *user)
{
	struct rb_control m = abort_message();

	int paused = t_user_requests(d, user, "a", RB_CONTROL_PAUSE);

	if (paused != -ESHUTDOWN) /* another has ended it already */
		t_ok(paused);
	t_ok(t_user_requests(d, user, "a", RB_CONTROL_MEND));
	t_ok(t_user_requests(d, user, "a", RB_CONTROL_CLOSE));
	t_ok(t_user_asks(d, user, &m));
}

static void
may_not_administer(const struct t_daemon *d, const struct t_user *user,
		   const char *why)
{
	struct rb_control m = abort_message();

	t_user_is_refused(d, user, &m, why);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(admins_do); i++) {
		m = t_message(admins_do[i], "a");
		t_user_is_refused(d, user, &m, why);
	}
}

/* ------------------------------------------------------------------- admins */

TEST(without_admins_who_may_publish_is_one)
{
	struct t_daemon d;

	t_daemon_start_open(&d, A("{ publish: ['user:40001'] }"));
	may_not_administer(&d, &t_bob,
			   "access: publish, as there is no admin, lets in "
			   "user:40001; add it there and reload");
	may_administer(&d, &t_alice);
	t_daemon_stop(&d);
}

TEST(admins_are_those_of_the_list_alone)
{
	struct rb_control m;
	struct t_daemon d;

	t_daemon_start_open(&d, A("{ publish: ['user:40001'], "
				  "admin: ['user:40002'] }"));
	may_not_administer(&d, &t_alice,
			   "access: admin lets in user:40002; add it there");
	t_ok(t_user_attaches(&d, &t_alice, "a", RB_ROLE_PRODUCER));
	m = t_attach_message("a", RB_ROLE_PRODUCER, NULL);
	t_user_is_refused(&d, &t_bob, &m,
			  "channel a: uid 40002 may not publish: access: "
			  "publish lets in user:40001; add it there and "
			  "reload");
	may_administer(&d, &t_bob);
	t_daemon_stop(&d);
}

TEST(admin_without_a_role_sees_the_channel)
{
	struct t_daemon d;

	t_daemon_start_open(&d, A("{ publish: [], consume: [], tap: [], "
				  "admin: ['user:40002'] }"));
	ck_assert_str_eq(t_user_lists(&d, &t_alice), "");
	ck_assert_str_eq(t_user_lists(&d, &t_bob), "a");
	may_administer(&d, &t_bob);
	t_daemon_stop(&d);
}

TEST(group_of_admins)
{
	const gid_t groups[] = { T_TEAM };
	const struct t_user member = { T_ALICE, T_ALICE, 1, groups };
	const struct t_user first = { T_BOB, T_TEAM, 0, NULL };
	struct t_daemon d;

	t_daemon_start_open(&d, A("{ admin: ['group:40100'] }"));
	may_not_administer(&d, &t_alice, "access: admin lets in group:40100");
	may_administer(&d, &member);
	may_administer(&d, &first);
	t_daemon_stop(&d);
}

TEST(empty_list_of_admins_leaves_it_to_the_owner)
{
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "a");
	struct t_daemon d;
	int peer;

	t_daemon_start_open(&d, A("{ admin: [] }"));
	may_not_administer(&d, &t_alice,
			   "access: admin lets in nobody; add it there");
	peer = t_peer_greet(&d);
	t_ok(t_peer_ask(peer, &end, NULL));
	close(peer);
	t_daemon_stop(&d);
}

/* ----------------------------------------------------------------- refusals */

TEST(refusal_names_channel_role_user_and_list)
{
	struct t_daemon d;
	struct rb_control m;

	t_daemon_start_open(&d,
			    A("{ publish: [], consume: ['user:0', group:root], "
			      "tap: ['user:40002'] }"));
	m = t_attach_message("a", RB_ROLE_PRODUCER, NULL);
	t_user_is_refused(&d, &t_alice, &m,
			  "channel a: uid 40001 may not publish: access: "
			  "publish lets in nobody; add it there and reload");
	m = t_attach_message("a", RB_ROLE_CONSUMER, NULL);
	t_user_is_refused(&d, &t_alice, &m,
			  "channel a: uid 40001 may not consume: access: "
			  "consume lets in user:0, group:root; add it there "
			  "and reload");
	m = t_attach_message("a", RB_ROLE_TAP, NULL);
	t_user_is_refused(&d, &t_alice, &m,
			  "channel a: uid 40001 may not read along: access: "
			  "tap lets in user:40002; add it there and reload");
	t_daemon_stop(&d);
}

/* 12 of 14 bytes, each with ", " behind it, are what there is room for. */
TEST(long_list_is_cut)
{
	char yaml[1024] = QUICK
		"channels: { a: { event_size: 8, access: { tap: [";
	struct t_daemon d;
	struct rb_control m;

	for (int i = 0; i < RB_ACCESS_MAX; i++)
		snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml),
			 "%s'user:1000000%02d'", i > 0 ? ", " : "", i);
	snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml), "] } } }");
	t_daemon_start_open(&d, yaml);
	m = t_attach_message("a", RB_ROLE_TAP, NULL);
	t_user_is_refused(&d, &t_alice, &m,
			  ", user:100000010, user:100000011 and 20 more; add");
	t_daemon_stop(&d);
}

TEST(who_may_not_create_is_told_who_may)
{
	struct rb_control m = t_message(RB_CONTROL_CREATE, "new");
	struct t_daemon d;

	t_daemon_start_open(&d, "daemon: { drain: 1ms }");
	t_user_is_refused(&d, &t_alice, &m,
			  "channel new: uid 40001 may not create channels: "
			  "dynamic: allow lets in nobody, as it is not given");
	t_daemon_reload(&d, "dynamic: { allow: ['user:40002'] }", "reloaded");
	t_user_is_refused(&d, &t_alice, &m,
			  "dynamic: allow lets in user:40002; add it there");
	t_ok(t_user_creates(&d, &t_bob, "new"));
	t_daemon_stop(&d);
}

/* --------------------------------------------------------------------- list */

#define ALICE "'user:40001'"
#define LISTS(publish, consume, tap, admin)                                    \
	"{ slots: 64, event_size: 8, access: { publish: [" publish             \
	"], consume: [" consume "], tap: [" tap "], admin: [" admin "] } }"

TEST(list_shows_what_one_may_use_in_some_role)
{
	struct t_daemon d;

	t_daemon_start_open(
		&d,
		QUICK "channels: { z: " LISTS(, , , ) ", p: " LISTS(
			ALICE, ,
			, ) ", c: " LISTS(,
					  ALICE, , ) ", "
						     "t: " LISTS(, , ALICE, ) ", a: " LISTS(
							     , , , ALICE) " }");
	ck_assert_str_eq(t_user_lists(&d, &t_alice), "p c t a");
	ck_assert_str_eq(t_user_lists(&d, &t_bob), "");
	t_daemon_stop(&d);
}
