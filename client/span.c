/* SPDX-License-Identifier: MIT */
/*
 * span.c - events by the run: the slots as they lie in the ring
 *
 * For a journal or a bridge, which copies slots from the ring to somewhere else
 * and has to know of each whether it was published. It asks for several runs
 * before the first has arrived, so it commits by sequence.
 */
#include <errno.h>

#include "client/consumer.h"
#include "shm/run.h"

/* 0 if the consumer reads the ring itself. */
static int
check_reader(const struct ringbus_consumer *c)
{
	if (c->attachment.channel.shm.disinherited)
		return -ECHILD;
	return c->reader == RB_READER_DIRECT ? 0 : -ENOTSUP;
}

/* The run at the reader's place, or the next one: as rb_direct_next(). */
static int
find_run(struct ringbus_consumer *c, int64_t max, int64_t *ret_last)
{
	const struct rb_channel *channel = &c->attachment.channel.shm;
	int64_t available = c->barrier.available;
	struct ringbus_event passed;
	int kind = 0;

	while (c->next <= available &&
	       (kind = rb_run_at(channel, c->next, available, max, ret_last)) >
		       0)
		rb_direct_skip(c, &passed);
	if (kind < 0)
		return kind;
	return c->next <= available;
}

int
ringbus_consumer_span(struct ringbus_consumer *consumer, int64_t max_slots,
		      struct ringbus_span *ret)
{
	const struct rb_channel *channel = &consumer->attachment.channel.shm;
	int64_t last = 0, from = consumer->next;
	int found = check_reader(consumer);

	if (found < 0)
		return found;
	if (max_slots <= 0 || ret->size != sizeof(*ret))
		return -EINVAL;
	if (from == consumer->void_next)
		from = consumer->void_from;
	found = find_run(consumer, max_slots, &last);
	if (found < 0)
		return found;
	ret->first = consumer->next;
	ret->last = found > 0 ? last : ret->first - 1;
	ret->slots = rb_channel_slot(channel, ret->first);
	ret->slot_size = channel->geometry.slot_size;
	ret->skipped = ret->first - from;
	consumer->next = ret->last + 1;
	consumer->void_from = found > 0 ? consumer->next : from;
	consumer->void_next = consumer->next;
	return found;
}

int
ringbus_consumer_commit_through(struct ringbus_consumer *consumer,
				int64_t sequence)
{
	int err = check_reader(consumer);

	if (err < 0)
		return err;
	if (sequence >= consumer->next)
		return -EINVAL;
	if (sequence < consumer->next - 1 &&
	    sequence > consumer->barrier.committed &&
	    rb_run_cuts(&consumer->attachment.channel.shm, sequence))
		return -EINVAL;
	return rb_barrier_commit(&consumer->barrier, sequence);
}
