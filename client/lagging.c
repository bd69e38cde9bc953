/* SPDX-License-Identifier: MIT */
/*
 * lagging.c - a reader that producers may overtake: it hands out copies
 *
 * Each event is copied, and the copy is good only if its slots could not have
 * been written over meanwhile; see shm/tap.h. What was overwritten is skipped
 * and told exactly. There are two copies, so that the event after the one that a
 * handler has can be looked at: a look into the ring would be no promise.
 */
#include <errno.h>
#include <stdlib.h>

#include "client/consumer.h"

/* What an event of a framed channel gets at first; more when it needs it. */
#define COPY_SIZE_FIRST 4096

int
rb_lagging_init(struct ringbus_consumer *c)
{
	const struct rb_channel *channel = &c->attachment.channel.shm;
	struct rb_lagging *l = &c->lagging;
	uint64_t size = channel->geometry.event_size;

	if (rb_channel_is_framed(channel))
		size = rb_min_u64(size, COPY_SIZE_FIRST);
	for (int i = 0; i < 2; i++) {
		l->copies[i].bytes = malloc(size);
		if (l->copies[i].bytes == NULL)
			return -ENOMEM;
		l->copies[i].size = size;
	}
	rb_tap_init(&l->tap, channel, c->next);
	l->tap.next = c->next; /* the rest of an event is lost, not skipped */
	c->reader = RB_READER_LAGGING;
	return 0;
}

void
rb_lagging_deinit(struct ringbus_consumer *c)
{
	free(c->lagging.copies[0].bytes);
	free(c->lagging.copies[1].bytes);
}

/* Makes room for an event of `size` bytes, as large as the channel allows. */
static int
grow(struct ringbus_consumer *c, uint64_t size)
{
	const struct rb_geometry *g = &c->attachment.channel.shm.geometry;
	struct rb_lagging *l = &c->lagging;
	void *bytes;

	if (size <= l->copies[l->turn].size || size > g->event_size)
		return -EBADMSG;
	/* Twice, so that a row of growing ones costs no copy each. */
	size = rb_min_u64(2 * size, g->event_size);
	bytes = malloc(size);
	if (bytes == NULL)
		return -ENOMEM;
	free(l->copies[l->turn].bytes);
	l->copies[l->turn].bytes = bytes;
	l->copies[l->turn].size = size;
	return 0;
}

/* Thrown out: what is lost then is no loss of ours. */
static bool
is_evicted(const struct rb_barrier *b)
{
	/* ORDER(none, relaxed) - that we were overtaken, which only happens
	 * once we are out, was acquired by the tap. */
	return rb_word32_load_relaxed(&b->member->epoch) != b->epoch;
}

int
rb_lagging_step(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	struct rb_lagging *l = &c->lagging;
	struct rb_barrier *b = &c->barrier;
	struct rb_tap_found found;
	int kind, err;

	while ((kind = rb_tap_next(
			&l->tap, b->available, l->copies[l->turn].bytes,
			l->copies[l->turn].size, &found)) == -EMSGSIZE) {
		err = grow(c, found.view.size);
		if (err < 0)
			return err;
	}
	if (kind <= 0)
		return kind;
	if (kind == RB_TAP_LOST && is_evicted(b)) {
		l->tap.next = c->next;
		return 0;
	}
	c->next = l->tap.next;
	ret->sequence = found.sequence;
	ret->last = found.last;
	ret->data = found.view.data;
	ret->size = found.view.size;
	l->turn ^= kind == 1;
	return kind;
}
