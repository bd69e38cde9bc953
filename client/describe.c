/* SPDX-License-Identifier: MIT */
/*
 * describe.c - who is in a channel, and how far each has come
 *
 * Numbers are read one after another while everybody goes on, so they may not
 * belong to the same instant; none of them is ever used as an address.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/internal.h"
#include "shm/count.h"
#include "shm/since.h"

static bool
is_in_run_state(const struct rb_channel *c, unsigned index,
		enum rb_run_state state)
{
	/* ORDER(none, relaxed) - to look at. */
	return rb_word32_load_relaxed(&c->gates->consumers[index].run) == state;
}

static int
public_state(const struct rb_member *m)
{
	/* ORDER(membership, acquire) - who is shown as attached misses nothing
	 * that is published afterwards. */
	uint32_t state = rb_word32_load_acquire(&m->state);
	/* ORDER(none, relaxed) - to look at. */
	bool declared = rb_word32_load_relaxed(&m->declared) != 0;
	bool parked = rb_word32_load_relaxed(&m->parked) != 0;

	switch (state) {
	case RB_MEMBER_ATTACHED:
		return parked ? RINGBUS_MEMBER_PARKED : RINGBUS_MEMBER_ATTACHED;
	case RB_MEMBER_ABSENT:
		return parked ? RINGBUS_MEMBER_PARKED : RINGBUS_MEMBER_ABSENT;
	case RB_MEMBER_DYING:
		return RINGBUS_MEMBER_DYING;
	case RB_MEMBER_EVICTED:
		return RINGBUS_MEMBER_EVICTED;
	default:
		return declared ? RINGBUS_MEMBER_DECLARED : 0;
	}
}

bool
rb_copy_name(char ret[RB_NAME_SIZE], const char from[RB_NAME_SIZE])
{
	memcpy(ret, from, RB_NAME_SIZE);
	ret[RB_NAME_SIZE - 1] = '\0';
	if (rb_name_is_valid(ret))
		return true;
	if (ret[0] != '\0')
		snprintf(ret, RB_NAME_SIZE, "?");
	return false;
}

/* What producers and consumers have in common; 0 if nobody is there. */
static int
describe(const struct rb_member *m, unsigned index, int role,
	 struct ringbus_member *ret)
{
	*ret = (struct ringbus_member){ .size = sizeof(*ret) };
	ret->state = public_state(m);
	if (ret->state == 0)
		return 0;
	rb_copy_name(ret->name, m->name);
	ret->index = index;
	ret->role = role;
	ret->sequence = RB_SEQUENCE_INITIAL;
	ret->failed = -1;
	ret->worker_of = -1;
	/* ORDER(none, relaxed) - to look at. */
	ret->pid = rb_word32_load_relaxed(&m->pid);
	ret->after = rb_word64_load_relaxed(&m->after);
	return 1;
}

static void
describe_kind(const struct rb_member *m, struct ringbus_member *ret)
{
	/* ORDER(none, relaxed) - to look at. */
	ret->slow = (int)(rb_word32_load_relaxed(&m->slow) + 1);
	ret->group = rb_word32_load_relaxed(&m->group) != 0;
	ret->worker_of = (int)(rb_word32_load_relaxed(&m->worker_of) - 1);
}

static void
describe_run(const struct rb_gate *gate, struct ringbus_member *ret)
{
	ret->failed = (int64_t)(rb_count_of(&gate->failed) - 1);
	ret->errors = rb_count_of(&gate->errors);
	ret->lost = rb_count_of(&gate->lost);
	ret->sleeps = rb_count_of(&gate->waits.sleeps);
	ret->missed = rb_count_of(&gate->waits.missed);
	ret->wakes = rb_count_of(&gate->wakes);
}

/* Both are other people's words: a difference may not fit. */
static int64_t
lag_of(int64_t cursor, int64_t sequence)
{
	uint64_t lag = (uint64_t)cursor - (uint64_t)sequence;

	return lag < INT64_MAX ? (int64_t)lag : INT64_MAX;
}

/* Who is only declared lags behind nothing, nor does a worker: what it has not
 * done others may have. */
static bool
can_lag(const struct ringbus_member *m)
{
	return m->sequence >= RB_SEQUENCE_INITIAL &&
	       m->state != RINGBUS_MEMBER_DECLARED && m->worker_of < 0;
}

static bool
is_present(const struct ringbus_member *m)
{
	return m->pid != 0 && (m->state == RINGBUS_MEMBER_ATTACHED ||
			       m->state == RINGBUS_MEMBER_PARKED);
}

int
rb_describe_consumer(const struct rb_channel *c, unsigned index,
		     struct ringbus_member *ret)
{
	const struct rb_member *member = &c->meta->consumers[index];
	int64_t cursor = rb_cursor_of(c);

	if (!describe(member, index, RINGBUS_CONSUMER, ret))
		return 0;
	describe_kind(member, ret);
	describe_run(&c->gates->consumers[index], ret);
	if (is_present(ret)) {
		ret->running = is_in_run_state(c, index, RB_RUN_RUNNING);
		ret->waiting_ns = rb_since_ns(
			&c->gates->consumers[index].waits_since);
		if (is_in_run_state(c, index, RB_RUN_FAILED))
			ret->state = RINGBUS_MEMBER_FAILED;
	}
	ret->gates = rb_is_gating(c, index);
	ret->sequence = rb_sequence_of(c, index);
	if (cursor > ret->sequence && can_lag(ret))
		ret->lag = lag_of(cursor, ret->sequence);
	return 1;
}

static int
describe_producer(const struct rb_channel *c, unsigned index,
		  struct ringbus_member *ret)
{
	const struct rb_handle *handle = &c->ring->handles[index];

	if (!describe(&c->meta->producers[index], index, RINGBUS_PRODUCER, ret))
		return 0;
	if (!rb_channel_is_multi(c))
		ret->sequence = rb_cursor_of(c);
	ret->waiting_ns = rb_since_ns(&handle->waits_since);
	ret->dropped = rb_count_of(&handle->dropped);
	ret->sleeps = rb_count_of(&handle->waits.sleeps);
	ret->missed = rb_count_of(&handle->waits.missed);
	ret->wakes = rb_count_of(&handle->wakes);
	return 1;
}

int
ringbus_channel_member(const struct ringbus_channel *channel, int role,
		       unsigned index, struct ringbus_member *ret)
{
	if (ret->size != sizeof(*ret))
		return -EINVAL;
	if (channel->shm.disinherited)
		return -ECHILD;
	if (role == RINGBUS_CONSUMER)
		return index < RB_CONSUMERS_MAX
			       ? rb_describe_consumer(&channel->shm, index, ret)
			       : 0;
	if (role != RINGBUS_PRODUCER)
		return -EINVAL;
	return index < RB_PRODUCERS_MAX
		       ? describe_producer(&channel->shm, index, ret)
		       : 0;
}

int
ringbus_channel_find(const struct ringbus_channel *channel, int role,
		     const char *name, struct ringbus_member *ret)
{
	struct ringbus_member m = { .size = sizeof(m) };

	if (ret->size != sizeof(*ret))
		return -EINVAL;
	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		int found = ringbus_channel_member(channel, role, i, &m);

		if (found < 0)
			return found;
		if (found == 0 || m.worker_of >= 0 || strcmp(m.name, name) != 0)
			continue;
		*ret = m;
		return 1;
	}
	return 0;
}

/* Something is there that it has not read, or lies behind what it cannot pass.
 * The cursor of several producers may be ahead of that. */
static bool
has_more(const struct rb_channel *c, int64_t sequence)
{
	return rb_published_from(c, sequence + 1) > sequence ||
	       rb_channel_broken_at(c) == sequence + 1;
}

/* Whether producers wait for it, and it has not read all. */
static bool
is_laggard(const struct rb_channel *c, const struct ringbus_member *m)
{
	return m->gates && m->lag > 0 && !rb_gating_is_stuck(c, m->index) &&
	       has_more(c, m->sequence);
}

int
ringbus_channel_laggard(const struct ringbus_channel *channel, unsigned index,
			struct ringbus_member *ret)
{
	const struct rb_channel *c = &channel->shm;
	struct ringbus_member m;

	if (ret->size != sizeof(*ret))
		return -EINVAL;
	if (c->disinherited)
		return -ECHILD;
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		if (rb_describe_consumer(c, i, &m) == 0 || !is_laggard(c, &m) ||
		    index-- > 0)
			continue;
		*ret = m;
		return 1;
	}
	return 0;
}
