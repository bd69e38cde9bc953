/* SPDX-License-Identifier: MIT */
/*
 * worker.c - what a worker of a group holds: taken, and not yet done
 *
 * A worker takes events one by one, so that the others get theirs; a wait allows
 * one. What it took with ringbus_consumer_next() it keeps until it commits, and
 * what a handler has it keeps in hand, also for another try. Whatever it holds
 * when it leaves goes to the others.
 */
#include <errno.h>
#include <stdlib.h>

#include "client/consumer.h"

int64_t
rb_holding_wait(struct ringbus_consumer *c, int64_t timeout_ns)
{
	int64_t found;

	if (c->holding.has_hand) {
		found = rb_barrier_check(&c->barrier);
		return found < 0 ? found : c->holding.hand.sequence;
	}
	found = rb_worker_wait(&c->worker, timeout_ns);
	c->holding.may_take = found >= 0;
	return found;
}

static void
show(struct ringbus_consumer *c, const struct rb_work *work,
     struct ringbus_event *ret)
{
	c->holding.attempt = work->attempt;
	ret->data = work->view.data;
	ret->size = work->view.size;
	ret->sequence = work->sequence;
	ret->last = work->view.last;
}

int
rb_hand_take(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	struct rb_holding *h = &c->holding;
	int found = h->has_hand ? 1 : rb_worker_take(&c->worker, &h->hand);

	if (found <= 0)
		return found;
	h->has_hand = true;
	show(c, &h->hand, ret);
	return 1;
}

int
rb_hand_done(struct ringbus_consumer *c)
{
	c->holding.has_hand = false;
	return rb_worker_done(&c->worker, &c->holding.hand);
}

void
rb_hand_return(struct ringbus_consumer *c)
{
	if (c->holding.has_hand)
		rb_worker_return(&c->worker, &c->holding.hand);
	c->holding.has_hand = false;
}

static int
make_room(struct rb_holding *h)
{
	size_t size = h->size > 0 ? 2 * h->size : 8;
	struct rb_work *taken;

	if (h->n_taken < h->size)
		return 0;
	taken = reallocarray(h->taken, size, sizeof(*taken));
	if (taken == NULL)
		return -ENOMEM;
	h->taken = taken;
	h->size = size;
	return 0;
}

int
rb_holding_next(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	struct rb_holding *h = &c->holding;
	int found;

	if (!h->may_take && !h->has_hand)
		return 0;
	found = make_room(h);
	if (found < 0)
		return found;
	h->may_take = false;
	found = rb_hand_take(c, ret);
	if (found <= 0)
		return found;
	h->taken[h->n_taken++] = h->hand;
	h->has_hand = false;
	return 1;
}

int
rb_holding_commit(struct ringbus_consumer *c)
{
	struct rb_holding *h = &c->holding;
	int err = 0;

	for (size_t i = 0; i < h->n_taken; i++) {
		int not_ours = rb_worker_done(&c->worker, &h->taken[i]);

		if (err == 0)
			err = not_ours;
	}
	h->n_taken = 0;
	return err;
}

void
rb_holding_return(struct ringbus_consumer *c)
{
	struct rb_holding *h = &c->holding;

	rb_hand_return(c);
	while (h->n_taken > 0)
		rb_worker_return(&c->worker, &h->taken[--h->n_taken]);
	free(h->taken);
	h->taken = NULL;
}
