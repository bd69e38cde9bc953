/* SPDX-License-Identifier: MIT */
/*
 * seat.c - see seat.h
 */
#include "daemon/seat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/entry.h"
#include "daemon/kind.h"
#include "daemon/lag.h"
#include "shm/member.h"

/* A consumer that wants in, as far as is known. */
struct entrant {
	struct rb_peer *peer;
	struct rb_hosted *hosted;
	struct rb_control *answer; /* the request until it is one */
	uint64_t after;
	bool is_after_set;
	bool is_new; /* its name is not in the table */
	struct rb_consumer_spec spec;
};

static const struct rb_member *
entry_at(const struct rb_hosted *hosted, int index)
{
	return &hosted->channel.meta->consumers[index];
}

static int
refuse_memory(struct rb_peer *peer, struct rb_control *answer)
{
	return rb_request_refuse(peer, answer, -ENOMEM,
				 "ringbusd is out of memory");
}

/* --------------------------------------------------------------- producers */

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

int
rb_seat_producer(struct rb_peer *peer, struct rb_hosted *hosted,
		 struct rb_control *answer, struct rb_membership **ret)
{
	struct rb_identity who = {
		.name = answer->name,
		.pid = peer->process->pid,
		.start_time = peer->process->start_time,
		.pidfd_inode = peer->process->inode,
	};
	int index = rb_member_find_producer(&hosted->channel);

	if (index < 0)
		return refuse_producer(peer, hosted, answer, index);
	if (rb_membership_new(hosted, peer->process, RB_ROLE_PRODUCER,
			      (unsigned)index, ret) < 0)
		return refuse_memory(peer, answer);
	(*ret)->peer = peer;
	rb_membership_charge(*ret, peer->user);
	if (answer->name[0] == '\0')
		snprintf(answer->name, RB_NAME_SIZE, "producer");
	answer->index = (uint32_t)index;
	answer->epoch = rb_member_join_producer(&hosted->channel,
						(unsigned)index, &who);
	(*ret)->epoch = answer->epoch;
	rb_stuck_watch(&peer->daemon->stuck, hosted);
	return 0;
}

/* ----------------------------------------------------- a consumer's place */

static int
refuse_full(const struct entrant *e)
{
	return rb_request_refuse(
		e->peer, e->answer, -EUSERS,
		"all %u places for consumers are taken: raise max_consumers",
		e->hosted->channel.meta->header.max_consumers);
}

static int
refuse_place(const struct entrant *e, int err)
{
	const char *name = e->answer->name;
	const struct rb_member *holder;

	if (err != -EBUSY)
		return refuse_full(e);
	holder = rb_hosted_find_consumer(e->hosted, name);
	if (holder != NULL && rb_entry_state(holder) == RB_MEMBER_EVICTED)
		return rb_request_refuse(e->peer, e->answer, -EBUSY,
					 "consumer %s was evicted, and pid %u, "
					 "which was too slow, still holds it: "
					 "close it there, or stop that one",
					 name, rb_entry_pid(holder));
	return rb_request_refuse(e->peer, e->answer, -EBUSY,
				 "consumer %s is attached (pid %u): stop that "
				 "one, or take another name",
				 name,
				 holder != NULL ? rb_entry_pid(holder) : 0);
}

/* Those who gave no name have one each nevertheless, that is not in the table:
 * at most as many are as there are entries. */
static void
name_consumer(const struct rb_channel *channel, uint32_t pid,
	      char name[RB_NAME_SIZE])
{
	snprintf(name, RB_NAME_SIZE, "consumer-%u", pid);
	for (int i = 2; rb_member_find_named(channel, name) >= 0; i++)
		snprintf(name, RB_NAME_SIZE, "consumer-%u-%d", pid, i);
}

/* The index of its entry or of a free one, or the error of the refusal. */
static int
find_place(struct entrant *e)
{
	const struct rb_channel *channel = &e->hosted->channel;
	char *name = e->answer->name;
	int index;

	if (name[0] == '\0')
		name_consumer(channel, e->peer->process->pid, name);
	index = rb_member_find_consumer(channel, name);
	if (index < 0)
		return refuse_place(e, index);
	e->is_new = rb_member_find_named(channel, name) < 0;
	return index;
}

/* ------------------------------------------------------- a consumer's kind */

static int
refuse_stage(const struct entrant *e, const struct rb_member *stage)
{
	bool lossy = rb_entry_slow(stage) == RB_SLOW_LOSSY;

	return rb_request_refuse(e->peer, e->answer, -EINVAL,
				 "consumer %s cannot come after %.64s, which "
				 "may lose events (slow: %s): come after "
				 "another, or have that one gate",
				 e->answer->name, stage->name,
				 lossy ? "lossy" : "park");
}

static int
add_stage(struct entrant *e, const char *name)
{
	int i = rb_member_find_named(&e->hosted->channel, name);
	enum rb_slow slow;

	if (i < 0)
		return rb_request_refuse(e->peer, e->answer, -ENOENT,
					 "consumer %s wants to come after "
					 "%.64s, and there is none of this "
					 "name; ringbusctl show lists them",
					 e->answer->name, name);
	slow = rb_entry_slow(entry_at(e->hosted, i));
	if (slow == RB_SLOW_LOSSY || slow == RB_SLOW_PARK)
		return refuse_stage(e, entry_at(e->hosted, i));
	e->after |= UINT64_C(1) << i;
	return 0;
}

/* Looks the names up, which have blanks between them. */
static int
read_after(struct entrant *e, const char *names)
{
	char text[RB_CONTROL_TEXT_SIZE];
	char *rest, *name;
	int err = 0;

	snprintf(text, sizeof(text), "%s", names);
	name = strtok_r(text, " \t", &rest);
	e->is_after_set = name != NULL;
	for (; name != NULL && err == 0; name = strtok_r(NULL, " \t", &rest))
		err = add_stage(e, name);
	return err;
}

/* What the request leaves open is as it is there. */
static void
complete(const struct entrant *e, const struct rb_config_consumer *there,
	 struct rb_config_consumer *asked)
{
	const struct rb_control *r = e->answer;
	bool keeps = r->on_death == RB_ON_DEATH_KEEP || r->keep_for_ns != 0;

	memcpy(asked->name, there->name, sizeof(asked->name));
	if (!e->is_after_set)
		asked->after = there->after;
	if (r->is_slow_set == 0)
		asked->slow = there->slow;
	if (r->max_lag == 0)
		asked->max_lag = there->max_lag;
	if (r->max_stall_ns == 0)
		asked->max_stall_ns = there->max_stall_ns;
	if (!keeps) {
		asked->on_death = there->on_death;
		asked->keep_for_ns = there->keep_for_ns;
	}
	if (r->is_group == 0) {
		asked->group = there->group;
		asked->key_offset = there->key_offset;
		asked->key_size = there->key_size;
	}
}

/* Of a name that has a place: what is asked for must not be something else. */
static int
check_agreement(const struct entrant *e, const struct rb_member *entry,
		struct rb_config_consumer *asked)
{
	struct rb_config_consumer there;
	const char *key;
	bool declared = rb_entry_is_declared(entry);

	rb_kind_of_entry(entry, &there);
	complete(e, &there, asked);
	key = rb_kind_find_difference(&there, asked,
				      e->hosted->channel.geometry.history);
	if (key == NULL)
		return 0;
	return rb_request_refuse(e->peer, e->answer, -EINVAL,
				 "consumer %s is %s with another '%s' than pid "
				 "%d asks for: leave that out, %s",
				 e->answer->name,
				 declared ? "declared" : "there", key,
				 e->peer->who.pid,
				 declared ? "or change the declaration"
					  : "or forget the consumer first");
}

static int
check_kind(struct entrant *e, const struct rb_config_consumer *asked)
{
	char why[RB_CONTROL_TEXT_SIZE / 2];

	if (asked->group)
		return rb_request_refuse(e->peer, e->answer, -EINVAL,
					 "consumer %s is no group: groups have "
					 "to be declared",
					 asked->name);
	if (rb_kind_check(&e->hosted->channel, asked, why, sizeof(why)) < 0)
		return rb_request_refuse(e->peer, e->answer, -EINVAL, "%s",
					 why);
	e->spec = rb_kind_spec(asked);
	return 0;
}

static int
read_kind(struct entrant *e, int index, const char *after)
{
	struct rb_config_consumer asked;
	int err = read_after(e, after);

	if (err < 0)
		return err;
	e->answer->mask = e->after;
	rb_kind_of_request(e->answer, &asked);
	return e->is_new
		       ? check_kind(e, &asked)
		       : check_agreement(e, entry_at(e->hosted, index), &asked);
}

/* ------------------------------------------------------------------ joining */

static int
refuse_join(const struct entrant *e, int err)
{
	const struct rb_control *r = e->answer;
	int64_t published;

	if (err == -ENOENT)
		return rb_request_refuse(e->peer, e->answer, -ENOENT,
					 "consumer %s has no place that was "
					 "kept, to resume there: start from "
					 "now, the oldest or a sequence",
					 r->name);
	if (err != -ERANGE)
		return refuse_full(e);
	published = rb_lag_published(&e->hosted->channel);
	return rb_request_refuse(e->peer, e->answer, -ERANGE,
				 "consumer %s wants to start at sequence "
				 "%" PRId64 ", and the next one is %" PRId64
				 ": start there, or from now",
				 r->name, r->from, published + 1);
}

static int
join(struct entrant *e, unsigned index, struct rb_membership *membership)
{
	const struct rb_process *process = e->peer->process;
	struct rb_channel *channel = &e->hosted->channel;
	struct rb_control *answer = e->answer;
	struct rb_join wish = {
		.who = { answer->name, process->pid, process->start_time,
			 process->inode },
		.from = answer->from,
		.spec = e->is_new ? &e->spec : NULL,
	};
	const struct rb_member *entry = entry_at(e->hosted, (int)index);
	struct rb_joined joined;
	int err;

	membership->found = rb_entry_state(entry) != RB_MEMBER_FREE;
	if (rb_entry_is_group(entry))
		err = rb_member_join_worker(channel, index, &wish, &index,
					    &joined);
	else
		err = rb_member_join_consumer(channel, index, &wish, &joined);
	if (err < 0)
		return refuse_join(e, err);
	membership->index = answer->index = index;
	membership->epoch = answer->epoch = joined.epoch;
	answer->missed = joined.missed;
	return 0;
}

int
rb_seat_consumer(struct rb_peer *peer, struct rb_hosted *hosted,
		 struct rb_control *answer, const char *after,
		 struct rb_membership **ret)
{
	struct entrant e = { .peer = peer, .hosted = hosted, .answer = answer };
	int index = find_place(&e);
	int err;

	if (index < 0)
		return index;
	err = read_kind(&e, index, after);
	if (err < 0)
		return err;
	if (rb_membership_new(hosted, peer->process, RB_ROLE_CONSUMER,
			      (unsigned)index, ret) < 0)
		return refuse_memory(peer, answer);
	(*ret)->peer = peer;
	err = join(&e, (unsigned)index, *ret);
	if (err < 0) {
		*ret = rb_membership_free(*ret);
		return err;
	}
	rb_membership_charge(*ret, peer->user);
	rb_warden_watch(&peer->daemon->warden, hosted, answer->index);
	return 0;
}
