/* SPDX-License-Identifier: MIT */
/*
 * rights.c - see rights.h
 */
#include "daemon/rights.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/request.h"

#define WHOM_SIZE (RB_ACCESS_WORDS_SIZE + 64)

/* NULL: nobody but the owner. */
static const struct rb_config_access *
lists_of(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	if (hosted->config != NULL)
		return &hosted->config->access;
	return hosted->dynamic ? &peer->daemon->config->dynamic.access : NULL;
}

static bool
lets_in(const struct rb_access_list *list, const struct rb_peer *peer,
	const struct rb_hosted *hosted)
{
	return rb_access_allows(list, &peer->who,
				hosted->dynamic ? &hosted->creator : NULL);
}

static const struct rb_access_list *
list_of(const struct rb_config_access *lists, enum rb_role role)
{
	return role == RB_ROLE_PRODUCER   ? &lists->publish
	       : role == RB_ROLE_CONSUMER ? &lists->consume
					  : &lists->tap;
}

static bool
may_attach(const struct rb_peer *peer, const struct rb_hosted *hosted,
	   enum rb_role role)
{
	const struct rb_config_access *lists = lists_of(peer, hosted);

	if (lists == NULL)
		return rb_access_is_owner(&peer->who);
	return lets_in(list_of(lists, role), peer, hosted);
}

static bool
has_created(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	return rb_access_is_owner(&peer->who) ||
	       (hosted->dynamic && hosted->creator == peer->who.uid);
}

static bool
has_producer(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	const struct rb_membership *m;

	LIST_FOREACH(m, &peer->process->memberships, of_owner)
	if (m->hosted == hosted && m->role == RB_ROLE_PRODUCER)
		return true;
	return false;
}

/* Without lists anybody may publish to a dynamic channel; to end it takes
 * more. */
static bool
is_admin(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	const struct rb_config_access *lists = lists_of(peer, hosted);

	if (lists != NULL && lists->admin.given)
		return lets_in(&lists->admin, peer, hosted);
	if (hosted->dynamic)
		return has_created(peer, hosted) ||
		       (has_producer(peer, hosted) &&
			may_attach(peer, hosted, RB_ROLE_PRODUCER));
	return may_attach(peer, hosted, RB_ROLE_PRODUCER);
}

static bool
may_remove(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	const struct rb_config_access *lists = lists_of(peer, hosted);

	return has_created(peer, hosted) ||
	       (hosted->dynamic && lists->admin.given &&
		lets_in(&lists->admin, peer, hosted));
}

bool
rb_rights_may_tap(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	return may_attach(peer, hosted, RB_ROLE_TAP);
}

bool
rb_rights_may_see(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	return may_attach(peer, hosted, RB_ROLE_PRODUCER) ||
	       may_attach(peer, hosted, RB_ROLE_CONSUMER) ||
	       may_attach(peer, hosted, RB_ROLE_TAP) ||
	       is_admin(peer, hosted) || may_remove(peer, hosted);
}

/* ----------------------------------------------------------------- refusals */

/* Whom a list lets in, as the configuration has it. */
static void
tell(const struct rb_access_list *list, char whom[WHOM_SIZE])
{
	unsigned n_more = list->n_entries - list->n_words;
	int n = snprintf(whom, WHOM_SIZE, "%s",
			 list->n_entries == 0 ? "nobody" : list->words);

	if (n_more > 0)
		snprintf(whom + n, WHOM_SIZE - (size_t)n, "%s%u more",
			 list->n_words > 0 ? " and " : "", n_more);
}

/* What somebody wants, and what would have to let him. */
struct wish {
	const struct rb_peer *peer;
	const struct rb_hosted *hosted;
	const char *act;
	const char *list; /* its name */
	const char *note; /* behind it */
};

static int
refuse_unlisted(const struct wish *wish, struct rb_control *answer)
{
	return rb_request_refuse(wish->peer, answer, -EACCES,
				 "uid %u may not %s: it is no longer in the "
				 "configuration, only root and the daemon's "
				 "user may; add it there again and reload",
				 wish->peer->who.uid, wish->act);
}

static int
refuse(const struct wish *wish, const struct rb_access_list *list,
       struct rb_control *answer)
{
	char whom[WHOM_SIZE], creator[32] = "";

	tell(list, whom);
	if (wish->hosted->dynamic)
		snprintf(creator, sizeof(creator), " (creator: uid %u)",
			 wish->hosted->creator);
	return rb_request_refuse(wish->peer, answer, -EACCES,
				 "uid %u may not %s: %saccess: %s%s lets in "
				 "%s%s; add it there and reload",
				 wish->peer->who.uid, wish->act,
				 wish->hosted->dynamic ? "dynamic: " : "",
				 wish->list, wish->note, whom, creator);
}

int
rb_rights_check_attach(const struct rb_peer *peer,
		       const struct rb_hosted *hosted,
		       struct rb_control *answer)
{
	static const struct wish wishes[] = {
		[RB_ROLE_TAP] = { .act = "read along", .list = "tap" },
		[RB_ROLE_PRODUCER] = { .act = "publish", .list = "publish" },
		[RB_ROLE_CONSUMER] = { .act = "consume", .list = "consume" },
	};
	const struct rb_config_access *lists = lists_of(peer, hosted);
	enum rb_role role = answer->role;
	struct wish wish = wishes[role];

	if (may_attach(peer, hosted, role))
		return 0;
	wish.peer = peer;
	wish.hosted = hosted;
	wish.note = "";
	return lists == NULL ? refuse_unlisted(&wish, answer)
			     : refuse(&wish, list_of(lists, role), answer);
}

int
rb_rights_check_see(const struct rb_peer *peer, const struct rb_hosted *hosted,
		    struct rb_control *answer)
{
	const struct rb_config_access *lists = lists_of(peer, hosted);
	struct wish wish = { peer, hosted, "see its settings", "tap",
			     ", as the other lists," };

	if (rb_rights_may_see(peer, hosted))
		return 0;
	return lists == NULL ? refuse_unlisted(&wish, answer)
			     : refuse(&wish, &lists->tap, answer);
}

/* A dynamic channel without admins. */
static int
refuse_non_creator(const struct wish *wish, struct rb_control *answer)
{
	return rb_request_refuse(wish->peer, answer, -EACCES,
				 "uid %u may not %s: only its creator (uid %u) "
				 "and who has a producer on it may; or give "
				 "dynamic: access: admin and reload",
				 wish->peer->who.uid, wish->act,
				 wish->hosted->creator);
}

int
rb_rights_check_admin(const struct rb_peer *peer,
		      const struct rb_hosted *hosted, struct rb_control *answer,
		      const char *act)
{
	const struct rb_config_access *lists = lists_of(peer, hosted);
	struct wish wish = { peer, hosted, act, "admin", "" };

	if (is_admin(peer, hosted))
		return 0;
	if (lists == NULL)
		return refuse_unlisted(&wish, answer);
	if (lists->admin.given)
		return refuse(&wish, &lists->admin, answer);
	if (hosted->dynamic)
		return refuse_non_creator(&wish, answer);
	wish.list = "publish";
	wish.note = ", as there is no admin,";
	return refuse(&wish, &lists->publish, answer);
}

int
rb_rights_check_remove(const struct rb_peer *peer,
		       const struct rb_hosted *hosted,
		       struct rb_control *answer)
{
	const struct rb_config_access *lists = lists_of(peer, hosted);
	const struct wish wish = { peer, hosted, "remove it", "admin", "" };

	if (may_remove(peer, hosted))
		return 0;
	if (lists == NULL)
		return refuse_unlisted(&wish, answer);
	if (lists->admin.given)
		return refuse(&wish, &lists->admin, answer);
	return rb_request_refuse(peer, answer, -EACCES,
				 "uid %u may not remove it: only its creator "
				 "(uid %u) may; or give dynamic: access: admin "
				 "and reload",
				 peer->who.uid, hosted->creator);
}

int
rb_rights_check_create(const struct rb_peer *peer, struct rb_control *answer)
{
	const struct rb_access_list *allow =
		&peer->daemon->config->dynamic.allow;
	char whom[WHOM_SIZE] = "nobody, as it is not given";

	if (allow->given && rb_access_allows(allow, &peer->who, NULL))
		return 0;
	if (allow->given)
		tell(allow, whom);
	return rb_request_refuse(peer, answer, -EACCES,
				 "uid %u may not create channels: dynamic: "
				 "allow lets in %s; add it there and reload",
				 peer->who.uid, whom);
}

int
rb_rights_check_daemon(const struct rb_peer *peer, struct rb_control *answer,
		       const char *act)
{
	const struct rb_access_list *admin = &peer->daemon->config->admin;
	char whom[WHOM_SIZE] = "nobody, as it is not given";

	if (rb_access_is_owner(&peer->who) ||
	    (admin->given && rb_access_allows(admin, &peer->who, NULL)))
		return 0;
	if (admin->given)
		tell(admin, whom);
	return rb_request_refuse(peer, answer, -EACCES,
				 "uid %u may not %s: daemon: admin lets in %s; "
				 "add it there and reload",
				 peer->who.uid, act, whom);
}
