/* SPDX-License-Identifier: MIT */
/*
 * io.c - what a member has moved to or from what is outside of all channels
 *
 * A journal has a disk, a bridge a network, and nobody but themselves knows how they
 * fare with it. So they say it, in words of their own line, where it is seen as all
 * else is: without asking them, and when they are gone. Who says nothing has none of
 * these numbers.
 */
#include <errno.h>

#include "client/internal.h"
#include "shm/count.h"

static int
check(const struct ringbus_io *io)
{
	if (io->size != sizeof(*io))
		return -EINVAL;
#define RB_IO_WORD(word, producer, consumer, kind, unit, text)                 \
	if (io->word < 0)                                                      \
		return -EINVAL;
#include "shm/metrics.h"
	return 0;
}

static void
store(struct rb_io_counters *to, const struct ringbus_io *io)
{
#define RB_IO_WORD(word, producer, consumer, kind, unit, text)                 \
	rb_count_set(&to->word, (uint64_t)io->word);
#include "shm/metrics.h"
	rb_count_set(&to->up, io->up != 0);
	/* ORDER(none, relaxed) - statistics, as all that it is about. */
	rb_word32_store_relaxed(&to->told, 1);
}

int
ringbus_consumer_io(struct ringbus_consumer *consumer,
		    const struct ringbus_io *io)
{
	const struct rb_barrier *b = &consumer->barrier;
	int err = check(io);

	if (err < 0)
		return err;
	if (!rb_barrier_is_ours(b))
		return rb_channel_why_lost(b->channel);
	store(&b->gate->io, io);
	return 0;
}

int
ringbus_producer_io(struct ringbus_producer *producer,
		    const struct ringbus_io *io)
{
	const struct rb_sequencer *s = &producer->sequencer;
	int err = check(io);

	if (err < 0)
		return err;
	if (!rb_sequencer_is_ours(s))
		return rb_channel_why_lost(s->channel);
	store(&s->handle->io, io);
	return 0;
}

/* ---------------------------------------------------------------- a look */

/* Another's word: any bits. */
static int64_t
add(int64_t sum, const struct rb_word64 *word)
{
	uint64_t n = rb_count_of(word);

	return n < (uint64_t)(INT64_MAX - sum) ? sum + (int64_t)n : INT64_MAX;
}

/* True if he has told something. Of whoever is gone nothing is up. */
static bool
add_up(const struct rb_io_counters *from, bool is_there, struct ringbus_io *to)
{
	/* ORDER(none, relaxed) - to look at. */
	if (rb_word32_load_relaxed(&from->told) == 0)
		return false;
	to->bytes = add(to->bytes, &from->bytes);
	to->batches = add(to->batches, &from->batches);
	to->errors = add(to->errors, &from->errors);
	to->retries = add(to->retries, &from->retries);
	to->lag = add(to->lag, &from->lag);
	to->up |= is_there && rb_count_of(&from->up) != 0;
	return true;
}

static bool
add_up_group(const struct rb_channel *c, unsigned group, struct ringbus_io *to)
{
	/* ORDER(none, relaxed) - to look at. */
	uint64_t workers = rb_word64_load_relaxed(
		&c->meta->consumers[group].workers);
	bool has_told = false;

	for (; workers != 0; workers &= workers - 1)
		has_told |= add_up(
			&c->gates->consumers[__builtin_ctzll(workers)].io, true,
			to);
	return has_told;
}

int
ringbus_channel_io(const struct ringbus_channel *channel, int role,
		   unsigned index, struct ringbus_io *ret)
{
	const struct rb_channel *c = &channel->shm;
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_io io = { .size = sizeof(io) };
	bool has_told;
	int found;

	if (ret->size != sizeof(*ret))
		return -EINVAL;
	found = ringbus_channel_member(channel, role, index, &m);
	if (found <= 0)
		return found;
	if (role == RINGBUS_PRODUCER)
		has_told = add_up(&c->ring->handles[index].io, m.pid != 0, &io);
	else if (m.group)
		has_told = add_up_group(c, index, &io);
	else
		has_told = add_up(&c->gates->consumers[index].io, m.pid != 0,
				  &io);
	if (has_told)
		*ret = io;
	return has_told;
}
