/* SPDX-License-Identifier: MIT */
/*
 * replay.c - reads ahead for a consumer that starts in the journal, and hands out
 *
 * A batch at a time: at first from the journal, see backlog.c, then from what is held
 * of the ring. Before each it is looked whether it is time to hold, or to cross.
 */
#include "client/replay.h"

#include <errno.h>

#include "shm/entry.h"

/* How soon one comes again who waits by a descriptor. */
#define NAP_NS INT64_C(1000000)

#define CROSSED 2

/* --------------------------------------------------------------- from the ring */

static int
fill_from_ring(struct ringbus_consumer *c)
{
	struct rb_replay *r = c->replay;
	int64_t available = rb_barrier_wait(&r->barrier, c->next, 0);

	if (available < 0)
		return available == -EAGAIN ? 0 : (int)available;
	for (int64_t at = c->next;
	     at <= available && r->n_items < RB_REPLAY_ITEMS;) {
		struct rb_event_view view = { 0 };
		int kind = rb_event_at(&r->held.channel.shm, at, available,
				       &view);

		if (kind < 0)
			return kind;
		r->items[r->n_items++] = (struct rb_range){
			.kind = kind == 0                       ? 1
				: kind == RB_NO_EVENT_TOMBSTONE ? RB_STEP_GAP
								: RB_STEP_REST,
			.slots = { .data = view.data,
				   .size = view.size,
				   .sequence = at,
				   .last = view.last },
		};
		at = view.last + 1;
	}
	return 1;
}

/* ---------------------------------------------------------------- reading ahead */

/* Goes to the item at `next`, or the first behind it; NULL if none is. */
static struct rb_range *
find_item(struct rb_replay *r, int64_t next)
{
	while (r->item > 0 && r->items[r->item - 1].slots.last >= next)
		r->item--;
	while (r->item < r->n_items && r->items[r->item].slots.last < next)
		r->item++;
	return r->item < r->n_items && r->items[r->item].slots.sequence <= next
		       ? &r->items[r->item]
		       : NULL;
}

/* An error that comes behind something to read is told when that was handed out. */
static int
fill(struct ringbus_consumer *c)
{
	struct rb_replay *r = c->replay;
	int found;

	r->n_items = r->item = 0;
	r->used = 0;
	found = r->is_held && c->next >= r->ring_from ? fill_from_ring(c)
						      : rb_backlog_fill(c);
	if (found == -EBADMSG) /* there it goes no further */
		r->fault = found;
	if (r->n_items == 0)
		return found;
	c->barrier.available = r->items[r->n_items - 1].slots.last;
	return 1;
}

static bool
was_halted(struct ringbus_consumer *c)
{
	uint32_t set = 1;

	/* ORDER(none, relaxed) - a flag that carries no data. */
	return rb_word32_load_relaxed(&c->barrier.alerted) != 0 &&
	       rb_word32_cas_relaxed(&c->barrier.alerted, &set, 0);
}

/* Its members are told by the abort alone, but who stands by keeps nobody from removing
 * it before all was read. */
static int
say_aborted(struct ringbus_consumer *c)
{
	const struct rb_meta *meta = c->attachment.channel.shm.meta;

	return rb_entry_get(&meta->control.retired) != 0
		       ? rb_crossing_say_gone(c)
		       : -ESHUTDOWN;
}

static int
check(struct ringbus_consumer *c)
{
	const struct rb_channel *channel = &c->attachment.channel.shm;

	if (channel->disinherited)
		return -ECHILD;
	if (was_halted(c))
		return -ECANCELED;
	if (rb_channel_is_broken(channel))
		return -EBADMSG;
	/* ORDER(gone, acquire) - before the look at `retired`. */
	return rb_word32_load_acquire(&channel->meta->control.stream) ==
			       RB_STREAM_ABORTED
		       ? say_aborted(c)
		       : 0;
}

/* 1 if something is there to read, 0 if not yet, CROSSED, or an errno. */
static int
look(struct ringbus_consumer *c)
{
	struct rb_replay *r = c->replay;
	int found = check(c);

	if (found < 0)
		return found;
	if (find_item(r, c->next) != NULL)
		return 1;
	if (r->fault < 0)
		return r->fault;
	found = rb_crossing_advance(c);
	if (found != 0)
		return found < 0 ? found : CROSSED;
	return fill(c);
}

/* ------------------------------------------------------------------- the calls */

static int64_t
time_left(int64_t timeout_ns, int64_t began_ns)
{
	int64_t passed = rb_clock_ns() - began_ns;

	if (timeout_ns <= 0)
		return timeout_ns;
	return passed < timeout_ns ? timeout_ns - passed : 0;
}

int64_t
rb_replay_wait(struct ringbus_consumer *c, int64_t timeout_ns)
{
	int64_t began_ns = rb_clock_ns();
	struct rb_wait wait;
	int found = look(c), late = 0;

	if (found == 0 && timeout_ns == RINGBUS_NOW)
		return -EAGAIN;
	if (found == 0)
		rb_wait_begin(&wait, c->attachment.wait, timeout_ns, NULL,
			      &c->barrier.alerted);
	while (found == 0 && late == 0) {
		late = rb_wait_turn(&wait, NULL);
		found = look(c);
	}
	if (found == 0)
		return late;
	if (found == CROSSED)
		return rb_barrier_wait(&c->barrier, c->next,
				       time_left(timeout_ns, began_ns));
	return found < 0 ? found : c->barrier.available;
}

int
rb_replay_step(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	const struct rb_range *item;

	if (c->attachment.channel.shm.disinherited)
		return -ECHILD;
	item = find_item(c->replay, c->next);
	if (item == NULL)
		return 0;
	*ret = item->slots;
	c->next = ret->last + 1;
	return item->kind;
}

int
rb_replay_next(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	struct ringbus_event event;
	int found;

	while ((found = rb_replay_step(c, &event)) > 1)
		if (found == RB_STEP_LOST)
			rb_consumer_pass_lost(c, &event);
	if (found == 1)
		*ret = event;
	return found;
}

int
rb_replay_commit_to(struct ringbus_consumer *c, int64_t sequence)
{
	struct rb_replay *r = c->replay;
	int err = 0;

	if (c->attachment.channel.shm.disinherited)
		return -ECHILD;
	if (sequence < c->barrier.committed || sequence > c->barrier.available)
		return -EINVAL;
	if (r->is_held && sequence >= r->ring_from)
		err = rb_barrier_commit(&r->barrier, sequence);
	if (err < 0)
		return err;
	c->barrier.committed = sequence;
	/* ORDER(none, relaxed) - nobody else sees it. */
	rb_seq_store_relaxed(&r->gate.sequence, sequence);
	c->lost += c->passed;
	c->passed = 0;
	return 0;
}

int
rb_replay_look(struct ringbus_consumer *c)
{
	return find_item(c->replay, c->next) != NULL ? RB_BARRIER_READY
						     : RB_BARRIER_GATING;
}

int
rb_replay_arm(struct ringbus_consumer *c)
{
	int64_t found = rb_replay_wait(c, NAP_NS);

	if (found == -ETIMEDOUT && c->replay == NULL)
		return rb_barrier_arm(&c->barrier, c->next);
	return found < 0 && found != -ETIMEDOUT ? (int)found : 1;
}

int64_t
rb_replay_count(const struct rb_replay *r, int64_t sequence, int64_t max)
{
	int64_t n = 0;

	for (unsigned i = 0; i < r->n_items && n < max; i++)
		n += r->items[i].kind == 1 &&
		     r->items[i].slots.sequence >= sequence;
	return n > 0 ? n : 1;
}
