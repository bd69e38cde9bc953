/* SPDX-License-Identifier: MIT */
/*
 * membership.c - see membership.h
 */
#include "daemon/membership.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/hosted.h"
#include "daemon/process.h"
#include "daemon/user.h"

int
rb_membership_new(struct rb_hosted *hosted, struct rb_process *process,
		  enum rb_role role, unsigned index, struct rb_membership **ret)
{
	struct rb_membership *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	m->hosted = hosted;
	m->process = process;
	m->role = role;
	m->index = index;
	LIST_INSERT_HEAD(&hosted->memberships, m, of_hosted);
	if (process != NULL) {
		LIST_INSERT_HEAD(&process->memberships, m, of_owner);
		process->n_memberships++;
	}
	*ret = m;
	return 0;
}

void
rb_membership_charge(struct rb_membership *membership, struct rb_user *user)
{
	membership->user = user;
	user->n_members++;
	if (membership->role == RB_ROLE_CONSUMER)
		membership->hosted->holders[membership->index] = user->uid;
}

void
rb_membership_orphan(struct rb_membership *membership)
{
	struct rb_process *process = membership->process;

	if (process == NULL)
		return;
	LIST_REMOVE(membership, of_owner);
	membership->process = NULL;
	process->n_memberships--;
}

struct rb_membership *
rb_membership_free(struct rb_membership *membership)
{
	if (membership == NULL)
		return NULL;
	rb_membership_orphan(membership);
	if (membership->user != NULL) {
		membership->user->n_members--;
		rb_user_release(membership->user);
	}
	LIST_REMOVE(membership, of_hosted);
	free(membership);
	return NULL;
}

const struct rb_member *
rb_membership_entry(const struct rb_membership *membership)
{
	return rb_hosted_entry(membership->hosted, membership->role,
			       membership->index);
}

const char *
rb_membership_role_name(enum rb_role role)
{
	return role == RB_ROLE_PRODUCER ? "producer" : "consumer";
}
