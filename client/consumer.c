/* SPDX-License-Identifier: MIT */
/*
 * consumer.c - the consumer handle of ringbus.h, over shm/barrier.h
 */
#include <errno.h>
#include <stdlib.h>

#include "client/internal.h"
#include "shm/event.h"

/* From now on a producer of ours may be kept waiting by ourselves. */
static void
warn_producers(struct ringbus *bus, const struct rb_channel *channel)
{
	pthread_mutex_lock(&bus->lock);
	for (struct rb_attachment *a = bus->attachments; a != NULL; a = a->next)
		if (a->role == RB_ROLE_PRODUCER &&
		    a->channel.shm.generation == channel->generation)
			rb_sequencer_set_revocable(
				&((struct ringbus_producer *)a)->sequencer);
	pthread_mutex_unlock(&bus->lock);
}

bool
rb_has_consumer(struct ringbus *bus, const struct rb_channel *channel)
{
	bool found = false;

	pthread_mutex_lock(&bus->lock);
	for (struct rb_attachment *a = bus->attachments; a != NULL; a = a->next)
		if (a->role == RB_ROLE_CONSUMER &&
		    a->channel.shm.generation == channel->generation)
			found = true;
	pthread_mutex_unlock(&bus->lock);
	return found;
}

static int
join_of(int64_t from)
{
	if (from == RINGBUS_FROM_NOW)
		return RB_JOIN_NOW;
	return from == RINGBUS_FROM_OLDEST ? RB_JOIN_OLDEST : -EINVAL;
}

static int
attach(struct ringbus_consumer *c, struct ringbus *bus, const char *channel,
       const struct ringbus_consumer_options *o)
{
	struct rb_attachment *a = &c->attachment;
	int join = join_of(o->from);
	int err;

	if (join < 0)
		return join;
	a->role = RB_ROLE_CONSUMER;
	err = rb_attachment_open(a, bus, channel, o->name, join);
	if (err < 0)
		return err;
	rb_barrier_init(&c->barrier, &a->channel.shm, a->index, a->epoch);
	c->barrier.wait = rb_attachment_wait(a, o->wait);
	c->next = c->barrier.committed + 1;
	warn_producers(bus, &a->channel.shm);
	return 0;
}

int
ringbus_consumer_open(struct ringbus *bus, const char *channel,
		      const struct ringbus_consumer_options *options,
		      struct ringbus_consumer **ret)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	int err;

	if (options != NULL && options->size != sizeof(o))
		return -EINVAL;
	if (options != NULL)
		o = *options;
	if (!rb_is_wait(o.wait))
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	err = attach(c, bus, channel, &o);
	if (err < 0) {
		free(c);
		return err;
	}
	*ret = c;
	return 0;
}

void
ringbus_consumer_close(struct ringbus_consumer *consumer)
{
	if (consumer == NULL)
		return;
	rb_attachment_close(&consumer->attachment);
	free(consumer);
}

int64_t
ringbus_consumer_wait(struct ringbus_consumer *consumer, int64_t timeout_ns)
{
	/* ORDER(none, relaxed) - compared by producers' threads, no more. */
	rb_word64_store_relaxed(&consumer->thread, rb_thread_id());
	return rb_barrier_wait(&consumer->barrier, consumer->next, timeout_ns);
}

int
ringbus_consumer_next(struct ringbus_consumer *consumer,
		      struct ringbus_event *ret)
{
	const struct rb_channel *c = &consumer->attachment.channel.shm;
	int64_t available = consumer->barrier.available;

	while (consumer->next <= available) {
		struct rb_event_view view;
		int64_t sequence = consumer->next;
		int kind = rb_event_at(c, sequence, available, &view);

		if (rb_unlikely(kind < 0))
			return kind;
		consumer->next = view.last + 1;
		if (rb_unlikely(kind > 0))
			continue;
		ret->data = view.data;
		ret->size = view.size;
		ret->sequence = sequence;
		ret->last = view.last;
		return 1;
	}
	return 0;
}

int
ringbus_consumer_commit(struct ringbus_consumer *consumer)
{
	return rb_barrier_commit(&consumer->barrier, consumer->next - 1);
}

void
ringbus_consumer_halt(struct ringbus_consumer *consumer)
{
	rb_barrier_alert(&consumer->barrier);
}

int64_t
ringbus_consumer_sequence(const struct ringbus_consumer *consumer)
{
	return consumer->barrier.committed;
}

const struct ringbus_channel *
ringbus_consumer_channel(const struct ringbus_consumer *consumer)
{
	return &consumer->attachment.channel;
}
