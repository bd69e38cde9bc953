/* SPDX-License-Identifier: MIT */
/*
 * attach.c - ATTACH and DETACH: processes become members and cease to be
 *
 * A client gets descriptors, never names: read-write where its role writes, and
 * opened anew for reading only where it does not, so that it cannot map them
 * writable.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/entry.h"
#include "daemon/log.h"
#include "daemon/request.h"
#include "shm/member.h"

#define MEMBERSHIPS_MAX 256 /* of one process */

static const char *const verbs[] = {
	[RB_ROLE_TAP] = "read along",
	[RB_ROLE_PRODUCER] = "publish",
	[RB_ROLE_CONSUMER] = "consume",
};

static const char *const lists[] = {
	[RB_ROLE_TAP] = "tap",
	[RB_ROLE_PRODUCER] = "publish",
	[RB_ROLE_CONSUMER] = "consume",
};

static int
refuse_access(struct rb_peer *peer, const struct rb_hosted *hosted,
	      struct rb_control *answer)
{
	if (hosted->config == NULL)
		return rb_request_refuse(peer, answer, -EACCES,
					 "uid %u may not %s: it is no longer "
					 "in the configuration; add it again",
					 peer->who.uid, verbs[answer->role]);
	return rb_request_refuse(peer, answer, -EACCES,
				 "uid %u may not %s: add it to access: %s in "
				 "the configuration",
				 peer->who.uid, verbs[answer->role],
				 lists[answer->role]);
}

/* What stands against it before we look for a place. */
static int
check_attach(struct rb_peer *peer, const struct rb_hosted *hosted,
	     struct rb_control *answer)
{
	enum rb_role role = answer->role;

	if (answer->name[0] != '\0' && !rb_name_is_valid(answer->name))
		return rb_request_refuse(peer, answer, -EINVAL,
					 "the member's name is none: 1 to 63 "
					 "of A-Z a-z 0-9 . _ - and neither a "
					 "dot nor a dash in front");
	if (!rb_request_may(peer, hosted, role))
		return refuse_access(peer, hosted, answer);
	if (peer->daemon->stopping)
		return rb_request_refuse(peer, answer, -ESHUTDOWN,
					 "this ringbusd is stopping");
	if (role == RB_ROLE_PRODUCER &&
	    rb_hosted_stream(hosted) != RB_STREAM_OPEN)
		return rb_request_refuse(peer, answer, -ESHUTDOWN,
					 "its stream has ended, no producer "
					 "can join any more");
	if (peer->process->n_memberships >= MEMBERSHIPS_MAX)
		return rb_request_refuse(peer, answer, -EUSERS,
					 "pid %d has %d handles open already: "
					 "close some",
					 peer->who.pid, MEMBERSHIPS_MAX);
	return 0;
}

static int
refuse_producer(struct rb_peer *peer, const struct rb_hosted *hosted,
		struct rb_control *answer, int err)
{
	const struct rb_member *holder = &hosted->channel.meta->producers[0];

	if (err != -EBUSY)
		return rb_request_refuse(
			peer, answer, -EUSERS,
			"all %u places for producers are "
			"taken: raise max_producers",
			hosted->channel.meta->header.max_producers);
	return rb_request_refuse(peer, answer, -EBUSY,
				 "producer %.64s (pid %u) is there, and it is "
				 "for one at a time: stop that one, or set "
				 "producers: multi",
				 holder->name, rb_entry_pid(holder));
}

static int
refuse_consumer(struct rb_peer *peer, const struct rb_hosted *hosted,
		struct rb_control *answer, int err)
{
	const struct rb_member *holder;

	if (err != -EBUSY)
		return rb_request_refuse(
			peer, answer, -EUSERS,
			"all %u places for consumers are "
			"taken: raise max_consumers",
			hosted->channel.meta->header.max_consumers);
	holder = rb_hosted_find_consumer(hosted, answer->name);
	return rb_request_refuse(peer, answer, -EBUSY,
				 "consumer %s is attached (pid %u): stop that "
				 "one, or take another name",
				 answer->name,
				 holder != NULL ? rb_entry_pid(holder) : 0);
}

/* Those who gave no name have one each nevertheless. */
static int
name_consumer(const struct rb_hosted *hosted, uint32_t pid,
	      char name[RB_NAME_SIZE])
{
	int index = -EBUSY;

	snprintf(name, RB_NAME_SIZE, "consumer-%u", pid);
	for (int i = 2; i <= RB_CONSUMERS_MAX + 1 && index == -EBUSY; i++) {
		index = rb_member_find_consumer(&hosted->channel, name);
		if (index == -EBUSY)
			snprintf(name, RB_NAME_SIZE, "consumer-%u-%d", pid, i);
	}
	return index;
}

/* The index of a free place, or the error of the refusal. */
static int
find_place(struct rb_peer *peer, const struct rb_hosted *hosted,
	   struct rb_control *answer)
{
	int index;

	if (answer->role == RB_ROLE_PRODUCER) {
		index = rb_member_find_producer(&hosted->channel);
		if (answer->name[0] == '\0')
			snprintf(answer->name, RB_NAME_SIZE, "producer");
		return index < 0 ? refuse_producer(peer, hosted, answer, index)
				 : index;
	}
	index = answer->name[0] != '\0'
			? rb_member_find_consumer(&hosted->channel,
						  answer->name)
			: name_consumer(hosted, peer->process->pid,
					answer->name);
	return index < 0 ? refuse_consumer(peer, hosted, answer, index) : index;
}

static void
join(const struct rb_peer *peer, struct rb_hosted *hosted,
     struct rb_control *answer)
{
	struct rb_identity who = {
		.name = answer->name,
		.pid = peer->process->pid,
		.start_time = peer->process->start_time,
	};

	answer->epoch = answer->role == RB_ROLE_PRODUCER
				? rb_member_join_producer(&hosted->channel,
							  answer->index, &who)
				: rb_member_join_consumer(&hosted->channel,
							  answer->index, &who,
							  answer->join);
}

/* A tap is in no table: nobody waits for it. *ret stays NULL then. */
static int
admit(struct rb_peer *peer, struct rb_hosted *hosted, struct rb_control *answer,
      struct rb_membership **ret)
{
	int index;

	answer->index = answer->epoch = 0;
	if (answer->role == RB_ROLE_TAP)
		return 0;
	index = find_place(peer, hosted, answer);
	if (index < 0)
		return index;
	if (rb_membership_new(hosted, peer->process, answer->role,
			      (unsigned)index, ret) < 0)
		return rb_request_refuse(peer, answer, -ENOMEM,
					 "ringbusd is out of memory");
	answer->index = (uint32_t)index;
	join(peer, hosted, answer);
	return 0;
}

static int
open_files(const struct rb_hosted *hosted, enum rb_role role, int fds[RB_FILES])
{
	for (int i = 0; i < RB_FILES; i++) {
		fds[i] = rb_folder_open_file(hosted, i,
					     rb_role_writes(role, i));
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

/* Decides; a refusal is in the answer then. */
static int
let_in(struct rb_peer *peer, struct rb_control *answer, int fds[RB_FILES],
       struct rb_membership **ret)
{
	struct rb_hosted *hosted = rb_request_find_channel(peer, answer);
	int err;

	if (hosted == NULL)
		return -ENOENT;
	err = check_attach(peer, hosted, answer);
	if (err < 0)
		return err;
	err = open_files(hosted, answer->role, fds);
	if (err < 0)
		return rb_request_refuse(peer, answer, err,
					 "ringbusd cannot open its files: %s",
					 strerror(-err));
	return admit(peer, hosted, answer, ret);
}

int
rb_request_attach(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_membership *membership = NULL;
	int fds[RB_FILES] = { -1, -1, -1 };
	int err = let_in(peer, answer, fds, &membership);

	err = rb_peer_send(peer, answer, err == 0 ? fds : NULL);
	/* What the client never learns of must not have happened. */
	if (err < 0 && membership != NULL)
		rb_reaper_leave(&peer->daemon->reaper, membership);
	for (int i = 0; i < RB_FILES; i++)
		rb_closep(&fds[i]);
	return err;
}

/* A process may detach what it has attached, over whichever connection. */
static struct rb_membership *
find_membership(const struct rb_peer *peer, const struct rb_control *request)
{
	struct rb_membership *m;

	LIST_FOREACH(m, &peer->process->memberships, of_owner)
	if (m->role == request->role && m->index == request->index &&
	    strcmp(m->hosted->name, request->channel) == 0 &&
	    rb_entry_epoch(rb_membership_entry(m)) == request->epoch)
		return m;
	return NULL;
}

int
rb_request_detach(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_membership *membership;

	if (answer->role == RB_ROLE_TAP)
		return 0;
	membership = find_membership(peer, answer);
	if (membership == NULL)
		return rb_request_refuse(peer, answer, -ESTALE,
					 "pid %d is not its %s %u (epoch %u)",
					 peer->who.pid,
					 rb_membership_role_name(answer->role),
					 answer->index, answer->epoch);
	rb_reaper_leave(&peer->daemon->reaper, membership);
	return 0;
}
