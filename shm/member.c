/* SPDX-License-Identifier: MIT */
/*
 * member.c - see member.h
 *
 * Who comes is JOINING until all is settled; who goes loses its pid first, so
 * that the next daemon takes it for dead and does the rest. In between every
 * function is a row of steps that rb_member_adopt() or the same function can do
 * again: an entry's words first, then its state, then the graph that follows
 * from both, then the wake-up. Where one starts is decided in place.c, who waits
 * for whom in graph.c.
 */
#include "shm/member.h"

#include <errno.h>
#include <string.h>

#include "shm/clear.h"
#include "shm/count.h"
#include "shm/entry.h"
#include "shm/graph.h"
#include "shm/group.h"
#include "shm/latency.h"
#include "shm/place.h"
#include "shm/presence.h"
#include "shm/probe.h"

/* -------------------------------------------------------------- declaring */

static void
set_kind(struct rb_member *m, const struct rb_consumer_spec *spec)
{
	bool keeps = spec->on_death == RB_ON_DEATH_KEEP ||
		     spec->slow == RB_SLOW_PARK;

	rb_entry_put(&m->on_death,
		     keeps ? RB_ON_DEATH_KEEP : RB_ON_DEATH_RELEASE);
	rb_entry_put64(&m->after, spec->after);
	rb_entry_put64(&m->keep_for_ns, spec->keep_for_ns);
	rb_entry_put(&m->slow, spec->slow);
	rb_entry_put64(&m->max_lag, spec->max_lag);
	rb_entry_put64(&m->max_stall_ns, spec->max_stall_ns);
}

static uint32_t
count_groups(const struct rb_meta *meta)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		n += rb_entry_get(&meta->consumers[i].group) != 0;
	return n;
}

void
rb_member_declare(struct rb_channel *channel, unsigned index, const char *name,
		  const struct rb_consumer_spec *spec)
{
	struct rb_member *m = &channel->meta->consumers[index];

	rb_entry_set_name(m, name);
	set_kind(m, spec);
	rb_entry_put(&m->declared, 1);
	rb_entry_put64(&m->absent_ns, (uint64_t)rb_boottime_ns());
	if (spec->is_group) {
		rb_entry_put(&m->group, 1 + count_groups(channel->meta));
		rb_entry_put(&m->key_offset, spec->key_offset);
		rb_entry_put(&m->key_size, spec->key_size);
	}
	if (rb_entry_get(&m->on_death) == RB_ON_DEATH_KEEP)
		rb_entry_set_state(m, RB_MEMBER_ABSENT);
	rb_graph_publish(channel);
}

/* ---------------------------------------------------------------- joining */

/* The gating set is another, so what it has read may be more. */
static void
clear_read(struct rb_channel *channel)
{
	if (channel->clear != RB_CLEAR_NONE)
		rb_clear_read(channel, RB_CONSUMERS_MAX);
}

static void
reset_gate(struct rb_channel *channel, unsigned index)
{
	struct rb_gate *gate = &channel->gates->consumers[index];

	if (channel->latencies != NULL)
		rb_latency_reset(channel, index);
	rb_count_reset_gate(gate);
	rb_entry_put(&gate->waits_since, 0);
	rb_entry_put(&gate->run, RB_RUN_IDLE);
}

/* 0, or why one that is in this entry, or none, cannot start `from` there. */
static int
check_start(const struct rb_channel *channel, const struct rb_member *m,
	    int64_t from)
{
	if (rb_entry_get(&m->state) != RB_MEMBER_FREE)
		return 0;
	if (from == RB_FROM_RESUME)
		return -ENOENT;
	return from > rb_place_frontier(channel) + 1 ? -ERANGE : 0;
}

/* From FREE to its final place; the state that follows is the caller's. */
static int64_t
settle(struct rb_channel *channel, unsigned index, int64_t from)
{
	struct rb_member *m = &channel->meta->consumers[index];

	reset_gate(channel, index);
	rb_place_consumer(channel, index, from);
	/* One that starts in the past may be behind those that wait for it, and
	 * then they do not hold producers back for it. */
	rb_entry_put(&m->behind, from != RB_FROM_NOW);
	rb_entry_set_state(m, RB_MEMBER_JOINING);
	rb_graph_publish(channel);
	return rb_place_consumer(channel, index, from);
}

/* In the order in which another daemon can do it again: until its place is final
 * nothing says that there is one. */
static void
keep_place(struct rb_channel *channel, unsigned index)
{
	struct rb_member *m = &channel->meta->consumers[index];

	settle(channel, index, RB_FROM_NOW);
	rb_entry_put64(&m->absent_ns, (uint64_t)rb_boottime_ns());
	rb_entry_put(&m->on_death, RB_ON_DEATH_KEEP);
	rb_entry_set_state(m, RB_MEMBER_ABSENT);
	clear_read(channel);
}

void
rb_member_set_policy(struct rb_channel *channel, unsigned index,
		     const struct rb_consumer_spec *spec)
{
	struct rb_member *m = &channel->meta->consumers[index];
	bool keeps = spec->on_death == RB_ON_DEATH_KEEP ||
		     spec->slow == RB_SLOW_PARK;
	bool kept = rb_entry_get(&m->on_death) == RB_ON_DEATH_KEEP;
	bool is_free = rb_entry_get(&m->state) == RB_MEMBER_FREE;

	rb_entry_put64(&m->keep_for_ns, spec->keep_for_ns);
	rb_entry_put64(&m->max_lag, spec->max_lag);
	rb_entry_put64(&m->max_stall_ns, spec->max_stall_ns);
	if (is_free)
		rb_entry_put(&m->slow, spec->slow);
	if (keeps == kept)
		return;
	if (keeps && is_free) {
		keep_place(channel, index);
		return;
	}
	rb_entry_put(&m->on_death,
		     keeps ? RB_ON_DEATH_KEEP : RB_ON_DEATH_RELEASE);
	if (rb_entry_get(&m->state) == RB_MEMBER_ABSENT)
		rb_member_leave_consumer(channel, index, false);
}

int
rb_member_declare_late(struct rb_channel *channel, const char *name,
		       const struct rb_consumer_spec *spec)
{
	struct rb_consumer_spec first = *spec;
	struct rb_member *m;
	int index;

	if (rb_member_find_named(channel, name) >= 0)
		return -EBUSY;
	index = rb_member_find_free(channel);
	if (index < 0)
		return index;
	m = &channel->meta->consumers[index];
	first.on_death = RB_ON_DEATH_RELEASE;
	rb_entry_set_name(m, name);
	set_kind(m, &first);
	rb_entry_put(&m->on_death, RB_ON_DEATH_RELEASE);
	rb_entry_put(&m->declared, 1);
	rb_graph_publish(channel);
	rb_member_set_policy(channel, (unsigned)index, spec);
	return index;
}

static void
count_attach(struct rb_channel *channel, unsigned index, uint32_t pid)
{
	rb_count_add(&channel->meta->control.counters.attaches, 1);
	RB_PROBE(4, attach, channel->meta->header.name, RB_PROBE_CONSUMER,
		 index, pid);
}

static void
count_detach(struct rb_channel *channel, unsigned index)
{
	rb_count_add(&channel->meta->control.counters.detaches, 1);
	RB_PROBE(3, detach, channel->meta->header.name, RB_PROBE_CONSUMER,
		 index);
}

int
rb_member_join_consumer(struct rb_channel *channel, unsigned index,
			const struct rb_join *join, struct rb_joined *ret)
{
	static const struct rb_consumer_spec usual;
	struct rb_member *m = &channel->meta->consumers[index];
	int err = check_start(channel, m, join->from);

	if (err < 0)
		return err;
	*ret = (struct rb_joined){ .epoch = rb_entry_identify(m, &join->who) };
	/* One that is there resumes, as what it was. */
	if (rb_entry_get(&m->state) == RB_MEMBER_FREE) {
		if (rb_entry_get(&m->declared) == 0)
			set_kind(m, join->spec != NULL ? join->spec : &usual);
		ret->missed = settle(channel, index, join->from);
	}
	rb_presence_reset(channel, RB_ROLE_CONSUMER, index);
	rb_entry_set_state(m, RB_MEMBER_ATTACHED);
	count_attach(channel, index, join->who.pid);
	clear_read(channel);
	return 0;
}

/* Returns what the group has missed; of one that goes on that is nothing. */
static int64_t
attach_group(struct rb_channel *channel, unsigned group, int64_t from)
{
	struct rb_member *g = &channel->meta->consumers[group];
	int64_t missed = 0;

	if (rb_entry_get(&g->state) == RB_MEMBER_FREE) {
		missed = settle(channel, group, from);
		rb_group_reset(channel, group);
	}
	rb_entry_set_state(g, RB_MEMBER_ATTACHED);
	return missed;
}

static void
set_workers(struct rb_member *group, uint64_t workers)
{
	/* ORDER(membership, release) - the workers' entries. */
	rb_word64_store_release(&group->workers, workers);
}

/* It is in the table before its group is attached, and in the group's set
 * before it is attached itself: so a group that is attached has a worker, and
 * one that is given work is known. */
int
rb_member_join_worker(struct rb_channel *channel, unsigned group,
		      const struct rb_join *join, unsigned *ret_index,
		      struct rb_joined *ret)
{
	static const struct rb_consumer_spec usual;
	struct rb_gate *gates = channel->gates->consumers;
	struct rb_member *g = &channel->meta->consumers[group];
	struct rb_identity who = join->who;
	int index = rb_member_find_free(channel);
	int err = check_start(channel, g, join->from);
	struct rb_member *m;

	if (err < 0 || index < 0)
		return err < 0 ? err : index;
	m = &channel->meta->consumers[index];
	who.name = g->name;
	set_kind(m, &usual);
	rb_entry_put(&m->worker_of, group + 1);
	ret->epoch = rb_entry_identify(m, &who);
	rb_entry_set_state(m, RB_MEMBER_JOINING);
	ret->missed = attach_group(channel, group, join->from);
	reset_gate(channel, (unsigned)index);
	rb_presence_reset(channel, RB_ROLE_CONSUMER, index);
	/* ORDER(none, relaxed) - for people. */
	rb_seq_store_relaxed(&gates[index].sequence,
			     rb_seq_load_relaxed(&gates[group].sequence));
	rb_graph_publish(channel);
	set_workers(g, rb_entry_get64(&g->workers) | UINT64_C(1) << index);
	rb_entry_set_state(m, RB_MEMBER_ATTACHED);
	count_attach(channel, (unsigned)index, who.pid);
	rb_channel_wake_all(channel); /* the others may have lanes for it */
	clear_read(channel);
	*ret_index = (unsigned)index;
	return 0;
}

/* ---------------------------------------------------------------- leaving */

/* What a free entry must not tell of whom it last was. */
static void
wipe(struct rb_meta *meta, unsigned index)
{
	struct rb_member *m = &meta->consumers[index];

	if (rb_entry_get(&m->declared) != 0)
		return;
	rb_graph_bequeath(meta, index);
	rb_entry_put(&m->worker_of, 0);
	memset(m->name, 0, sizeof(m->name));
}

/* For good. */
static void
release(struct rb_channel *channel, unsigned index)
{
	struct rb_member *m = &channel->meta->consumers[index];

	rb_entry_put(&m->behind, 0);
	rb_entry_put(&m->parked, 0);
	rb_entry_raise_epoch(m);
	rb_entry_set_state(m, RB_MEMBER_FREE);
	wipe(channel->meta, index);
	rb_graph_publish(channel);
	rb_channel_wake_all(channel);
}

static void
depart(struct rb_channel *channel, unsigned index, bool keep)
{
	struct rb_member *m = &channel->meta->consumers[index];

	rb_entry_put64(&m->absent_ns, (uint64_t)rb_boottime_ns());
	if (keep)
		rb_entry_set_state(m, RB_MEMBER_ABSENT);
	else
		release(channel, index);
}

/* A group whose last worker has left. */
static void
leave_if_empty(struct rb_channel *channel, unsigned group)
{
	const struct rb_member *g = &channel->meta->consumers[group];

	if (rb_entry_get(&g->state) == RB_MEMBER_ATTACHED &&
	    rb_entry_get64(&g->workers) == 0)
		depart(channel, group,
		       rb_entry_get(&g->on_death) == RB_ON_DEATH_KEEP);
}

/* Nothing of the work may stay with an entry that is free for others. */
static void
leave_worker(struct rb_channel *channel, unsigned index)
{
	struct rb_member *m = &channel->meta->consumers[index];
	unsigned group = rb_entry_get(&m->worker_of) - 1;
	struct rb_member *g = &channel->meta->consumers[group];

	rb_entry_raise_epoch(m);
	set_workers(g, rb_entry_get64(&g->workers) & ~(UINT64_C(1) << index));
	rb_group_bury(channel, index);
	rb_entry_set_state(m, RB_MEMBER_FREE);
	wipe(channel->meta, index);
	leave_if_empty(channel, group);
	rb_channel_wake_all(channel); /* there is work again */
}

/* What it may have held when it died. */
static void
disown(struct rb_channel *channel, unsigned index)
{
	/* ORDER(none, relaxed) - a wish that nobody has any more. */
	rb_word64_and_relaxed(&channel->gates->bells, ~(UINT64_C(1) << index));
	rb_entry_put(&channel->gates->consumers[index].run, RB_RUN_IDLE);
	if (channel->clear != RB_CLEAR_NONE)
		rb_clear_dispossess(channel, index);
}

void
rb_member_leave_consumer(struct rb_channel *channel, unsigned index, bool keep)
{
	struct rb_member *m = &channel->meta->consumers[index];

	if (rb_entry_get(&m->pid) != 0) /* else nobody has been there */
		count_detach(channel, index);
	rb_entry_put(&m->pid, 0);
	disown(channel, index);
	if (rb_entry_get(&m->worker_of) != 0)
		leave_worker(channel, index);
	else /* one that was evicted has no place to be kept */
		depart(channel, index,
		       keep && rb_entry_get(&m->state) != RB_MEMBER_EVICTED);
	clear_read(channel);
}

void
rb_member_undeclare(struct rb_channel *channel, unsigned index)
{
	struct rb_member *m = &channel->meta->consumers[index];

	rb_entry_put(&m->on_death, RB_ON_DEATH_RELEASE);
	rb_entry_put(&m->declared, 0);
	if (rb_entry_get(&m->state) == RB_MEMBER_ABSENT)
		rb_member_leave_consumer(channel, index, false);
	else if (rb_entry_get(&m->state) == RB_MEMBER_FREE)
		release(channel, index);
}

/* --------------------------------------------------------------- too slow */

void
rb_member_evict(struct rb_channel *channel, unsigned index)
{
	struct rb_member *m = &channel->meta->consumers[index];

	/* A next daemon tells it, if we come no further than this. */
	rb_entry_set_state(m, RB_MEMBER_EVICTED);
	rb_count_add(&channel->meta->control.counters.evictions, 1);
	RB_PROBE(2, evict, channel->meta->header.name, index);
	rb_entry_raise_epoch(m);
	rb_graph_publish(channel);
	rb_channel_wake_all(channel);
	clear_read(channel);
}

void
rb_member_set_parked(struct rb_channel *channel, unsigned index, bool parked)
{
	struct rb_member *m = &channel->meta->consumers[index];

	if (parked) {
		rb_count_add(&channel->meta->control.counters.parks, 1);
	} else { /* others have gone on without it */
		rb_entry_put(&m->behind, 1);
		rb_place_return(channel, index);
	}
	rb_entry_put(&m->parked, parked);
	rb_graph_publish(channel);
	rb_place_settle_returned(channel);
	rb_channel_wake_all(channel);
	clear_read(channel);
}

/* --------------------------------------------------- after another daemon */

/* Finishes what was begun with this entry. */
static void
finish(struct rb_channel *channel, unsigned index)
{
	struct rb_member *m = &channel->meta->consumers[index];

	if (rb_entry_get(&m->state) == RB_MEMBER_FREE)
		wipe(channel->meta, index);
	else if (rb_entry_get(&m->state) == RB_MEMBER_JOINING)
		/* it has no answer yet */
		rb_member_leave_consumer(channel, index, false);
	else if (rb_entry_get(&m->state) == RB_MEMBER_EVICTED)
		rb_entry_raise_epoch(m); /* may not have been told */
}

/* The workers of a group, as their entries say. */
static uint64_t
find_workers(const struct rb_meta *meta, unsigned group)
{
	uint64_t workers = 0;

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		if (rb_entry_get(&meta->consumers[i].worker_of) == group + 1)
			workers |= UINT64_C(1) << i;
	return workers;
}

void
rb_member_adopt(struct rb_channel *channel)
{
	struct rb_meta *meta = channel->meta;

	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++)
		rb_member_wipe_producer(channel, i);
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		finish(channel, i);
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		if (rb_entry_get(&meta->consumers[i].group) == 0)
			continue;
		set_workers(&meta->consumers[i], find_workers(meta, i));
		rb_group_look_again(channel, i); /* it may have been moved */
		leave_if_empty(channel, i);
	}
	rb_graph_publish(channel);
	rb_place_settle_returned(channel);
	if (!rb_stream_is_open(rb_entry_get(&meta->control.stream)))
		rb_channel_close_stream(channel, false);
	rb_channel_wake_all(channel);
	if (channel->clear != RB_CLEAR_NONE)
		rb_clear_dispossess(channel, RB_CONSUMERS_MAX);
}
