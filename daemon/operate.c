/* SPDX-License-Identifier: MIT */
/*
 * operate.c - EVICT, MOVE: what an operator does with the place of a consumer
 *
 * Nothing is taken away from a process that reads in the ring: it would be handed
 * torn events before it could be told.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/request.h"
#include "daemon/rights.h"
#include "shm/count.h"
#include "shm/member.h"
#include "shm/move.h"

/* A consumer that somebody wants something of. */
struct target {
	struct rb_peer *peer;
	struct rb_control *answer;
	struct rb_hosted *hosted;
	const struct rb_member *entry;
	unsigned index;
};

static int
refuse_name(const struct target *t)
{
	return rb_request_refuse(
		t->peer, t->answer, -EINVAL,
		"the consumer's name is none: 1 to 63 of A-Z "
		"a-z 0-9 . _ - and neither a dot nor a dash in "
		"front");
}

static int
refuse_nobody(const struct target *t)
{
	return rb_request_refuse(t->peer, t->answer, -ENOENT,
				 "no consumer %s has a place there; ringbusctl "
				 "consumer ls %s lists them",
				 t->answer->name, t->hosted->name);
}

/* 0, or the error of the refusal. */
static int
find_target(struct rb_peer *peer, struct rb_control *answer, const char *act,
	    struct target *ret)
{
	struct target t = { .peer = peer, .answer = answer };
	int index;

	t.hosted = rb_request_find_to_manage(peer, answer, act);
	if (t.hosted == NULL)
		return answer->result;
	if (!rb_name_is_valid(answer->name))
		return refuse_name(&t);
	index = rb_member_find_named(&t.hosted->channel, answer->name);
	if (index < 0)
		return refuse_nobody(&t);
	t.index = (unsigned)index;
	t.entry = rb_hosted_entry(t.hosted, RB_ROLE_CONSUMER, t.index);
	if (rb_entry_state(t.entry) == RB_MEMBER_FREE)
		return refuse_nobody(&t);
	*ret = t;
	return 0;
}

/* A worker of it, who may be one of many. */
static uint32_t
pid_of_group(const struct target *t)
{
	const struct rb_membership *m;

	LIST_FOREACH(m, &t->hosted->memberships, of_hosted)
	if (m->role == RB_ROLE_CONSUMER &&
	    rb_entry_group(rb_membership_entry(m)) == (int)t->index)
		return rb_entry_pid(rb_membership_entry(m));
	return 0;
}

static int
refuse_workers(const struct target *t)
{
	return rb_request_refuse(t->peer, t->answer, -EBUSY,
				 "group %s has workers (pid %u is one): stop "
				 "them first",
				 t->answer->name, pid_of_group(t));
}

static int
refuse_attached(const struct target *t, const char *why)
{
	return rb_request_refuse(
		t->peer, t->answer, -EBUSY,
		"consumer %s is attached (pid %u)%s: stop that "
		"one first",
		t->answer->name, rb_entry_pid(t->entry), why);
}

static void
tell(const struct target *t, enum rb_event_kind kind, const char *what)
{
	rb_event_tell(t->peer->user, LOG_WARNING,
		      RB_ABOUT(kind, t->hosted->name, t->answer->name,
			       rb_entry_pid(t->entry)),
		      "channel %s: consumer %s %s by pid %d (uid %u)",
		      t->hosted->name, t->answer->name, what, t->peer->who.pid,
		      t->peer->who.uid);
}

static int
evict(const struct target *t)
{
	struct rb_channel *channel = &t->hosted->channel;

	switch (rb_entry_state(t->entry)) {
	case RB_MEMBER_ABSENT:
		rb_count_add(&channel->meta->control.counters.evictions, 1);
		rb_member_leave_consumer(channel, t->index, false);
		tell(t, RB_EVENT_EVICT, "was absent, its place is taken away");
		return 0;
	case RB_MEMBER_ATTACHED:
		if (rb_entry_is_group(t->entry))
			return refuse_workers(t);
		if (rb_entry_slow(t->entry) == RB_SLOW_GATE)
			return refuse_attached(
				t, " and reads in the ring, where what it "
				   "reads would be overwritten");
		rb_member_evict(channel, t->index);
		tell(t, RB_EVENT_EVICT, "is evicted");
		return 0;
	default:
		return refuse_attached(t, ", evicted, and has yet to leave");
	}
}

int
rb_request_evict(struct rb_peer *peer, struct rb_control *answer)
{
	struct target target;
	int err = find_target(peer, answer, "evict its consumers", &target);

	return err < 0 ? err : evict(&target);
}

static int
refuse_range(const struct target *t, const struct rb_moved *moved)
{
	return rb_request_refuse(
		t->peer, t->answer, -ERANGE,
		"consumer %s cannot go to %" PRId64 ": what is surely there "
		"begins with %" PRId64 ", and what it may read ends before "
		"%" PRId64,
		t->answer->name, t->answer->from, moved->lowest,
		moved->highest);
}

int
rb_request_move(struct rb_peer *peer, struct rb_control *answer)
{
	struct target t;
	struct rb_moved moved;
	char what[64];
	int err = find_target(peer, answer, "move its consumers", &t);

	if (err < 0)
		return err;
	if (answer->from < RB_FROM_OLDEST)
		return rb_request_refuse(peer, answer, -EINVAL,
					 "%" PRId64 " is no place to go to",
					 answer->from);
	if (rb_entry_state(t.entry) != RB_MEMBER_ABSENT)
		return rb_entry_is_group(t.entry) ? refuse_workers(&t)
						  : refuse_attached(&t, "");
	if (rb_member_move(&t.hosted->channel, t.index, answer->from, &moved) <
	    0)
		return refuse_range(&t, &moved);
	answer->from = moved.next;
	snprintf(what, sizeof(what), "goes on at %" PRId64 ", moved",
		 moved.next);
	tell(&t, RB_EVENT_MOVE, what);
	return 0;
}
