/* SPDX-License-Identifier: MIT */
/*
 * crossing.c - how a consumer that starts in the journal comes to its place in the
 * ring
 *
 * It stands by, holds and crosses: see replay.h. Each of the three is an attachment
 * of its own, made over a connection of its own, since it may happen in any wait.
 * What the caller and other threads see of the handle changes in one step, under the
 * lock of the list that it is in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/replay.h"

static struct rb_attachment *
seat_of(struct ringbus_consumer *c)
{
	return &c->attachment;
}

static void
free_replay(struct rb_replay *r)
{
	ringbus_journal_close(r->journal);
	ringbus_close(r->bus);
	free(r->bytes);
	free(r);
}

/* ---------------------------------------------------------------------- to hold */

/* Names with blanks between of those that `mask` says. */
static int
write_names(const struct ringbus_channel *channel, uint64_t mask, char *ret,
	    size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (; mask != 0; mask &= mask - 1) {
		struct ringbus_member m = { .size = sizeof(m) };
		size_t length;

		if (ringbus_channel_member(channel, RINGBUS_CONSUMER,
					   (unsigned)__builtin_ctzll(mask),
					   &m) != 1)
			continue;
		length = strlen(m.name);
		if (used + length + 2 > size)
			return -EINVAL;
		if (used > 0)
			ret[used++] = ' ';
		memcpy(ret + used, m.name, length + 1);
		used += length;
	}
	return 0;
}

/* Whom our name comes after: as it is declared, or as we were told. */
static int
find_stages(struct ringbus_consumer *c, char ret[RB_CONTROL_TEXT_SIZE])
{
	const struct rb_replay *r = c->replay;
	struct ringbus_member m = { .size = sizeof(m) };

	if (r->request.member == NULL ||
	    ringbus_channel_find(&c->attachment.channel, RINGBUS_CONSUMER,
				 r->request.member, &m) != 1) {
		memcpy(ret, r->after, RB_CONTROL_TEXT_SIZE);
		return 0;
	}
	return write_names(&c->attachment.channel, m.after, ret,
			   RB_CONTROL_TEXT_SIZE);
}

/* From now on a producer of ours may be kept waiting by ourselves. */
static void
enter_holder(struct ringbus_consumer *c)
{
	struct rb_replay *r = c->replay;

	pthread_mutex_lock(&r->callers->lock);
	r->is_held = true;
	pthread_mutex_unlock(&r->callers->lock);
	rb_warn_producers(r->callers, &r->held.channel.shm);
}

static void
leave_holder(struct ringbus_consumer *c)
{
	struct rb_replay *r = c->replay;

	if (!r->is_held)
		return;
	pthread_mutex_lock(&r->callers->lock);
	r->is_held = false;
	pthread_mutex_unlock(&r->callers->lock);
	rb_attachment_leave(&r->held, false);
}

int
rb_crossing_say_gone(struct ringbus_consumer *c)
{
	const struct rb_meta *meta = c->attachment.channel.shm.meta;

	/* ORDER(end, acquire) - as in barrier.c. */
	if (c->next > rb_seq_load_acquire(&meta->control.end))
		return -ESHUTDOWN;
	return rb_replay_fail(c->replay, -ESTALE,
			      "%s is gone, or was made anew, before all of it "
			      "was read: what is left is in the journal alone",
			      c->attachment.name);
}

/* Of a channel that is to be made anew, or a daemon that is about to stop. */
static bool
lets_nobody_in(int err)
{
	return err == -EAGAIN || err == -ESHUTDOWN;
}

/* Why an attach was refused, in the daemon's words. That it stops is not the end of
 * the stream. */
static int
say_refused(struct ringbus_consumer *c, int err)
{
	if (err == -EAGAIN)
		return rb_crossing_say_gone(c);
	return rb_replay_fail(c->replay, err == -ESHUTDOWN ? -ECONNRESET : err,
			      "%s", ringbus_error(c->replay->bus));
}

int
rb_crossing_hold(struct ringbus_consumer *c, int64_t from)
{
	struct rb_replay *r = c->replay;
	struct rb_attachment *a = &r->held;
	const struct rb_channel *channel = &c->attachment.channel.shm;
	char after[RB_CONTROL_TEXT_SIZE];
	struct rb_consumer_spec spec = { 0 };
	const struct rb_attach request = { .wait = r->request.wait,
					   .from = from,
					   .after = after,
					   .spec = &spec };
	int err = find_stages(c, after);

	if (err < 0)
		return rb_replay_fail(r, err, "too many stages before it");
	*a = (struct rb_attachment){ .role = RB_ROLE_CONSUMER };
	err = rb_attachment_enter(a, r->bus, c->attachment.name, &request);
	if (err < 0)
		return say_refused(c, err);
	if (a->channel.shm.generation != channel->generation) {
		rb_attachment_leave(a, false);
		return rb_crossing_say_gone(c);
	}
	rb_barrier_init(&r->barrier, &a->channel.shm, a->index, a->epoch);
	r->barrier.wait = a->wait;
	r->ring_from = r->barrier.committed + 1;
	if (from >= 0 && r->ring_from - from > (int64_t)channel->mask + 1)
		rb_attachment_leave(a, false);
	else
		enter_holder(c);
	return 0;
}

/* --------------------------------------------------------------------- to cross */

/* The place where it attaches is now the handle's. Its bell stays the same file, but
 * also the same descriptor, which halts in other threads use. */
static void
change_seat(struct ringbus_consumer *c, struct rb_attachment *fresh)
{
	struct rb_replay *r = c->replay;
	struct rb_attachment old;

	pthread_mutex_lock(&r->callers->lock);
	old = *seat_of(c);
	fresh->next = old.next;
	fresh->bus = old.bus;
	fresh->missed = old.missed;
	*seat_of(c) = *fresh;
	seat_of(c)->channel.shm.bell = old.channel.shm.bell;
	old.channel.shm.bell = fresh->channel.shm.bell;
	pthread_mutex_unlock(&r->callers->lock);
	old.bus = r->bus;
	rb_attachment_leave(&old, false);
}

/* What was said of the one that stood in is said of the handle. */
static int
take_over(struct ringbus_consumer *c, const struct rb_replay *r)
{
	int err;

	c->reader = RB_READER_DIRECT;
	err = rb_consumer_take_place(c);
	if (err < 0)
		return err;
	rb_count_set(&c->barrier.gate->lost, (uint64_t)c->lost);
	rb_count_set(&c->barrier.gate->errors, rb_count_of(&r->gate.errors));
	rb_count_set(&c->barrier.gate->failed, rb_count_of(&r->gate.failed));
	/* ORDER(none, relaxed) - a state for people, with one writer. */
	rb_word32_store_relaxed(&c->barrier.gate->run,
				rb_word32_load_relaxed(&r->gate.run));
	rb_warn_producers(c->attachment.bus, &c->attachment.channel.shm);
	return 0;
}

/* A name that has a place of its own by now is another's. */
static int
say_taken(struct rb_replay *r, int64_t next)
{
	return rb_replay_fail(r, -EBUSY,
			      "consumer %s came to a place of its own while we "
			      "read the journal up to %lld: forget it, or open "
			      "without a journal",
			      r->member, (long long)next - 1);
}

static int
cross(struct ringbus_consumer *c)
{
	struct rb_replay *r = c->replay;
	struct rb_attachment fresh = { .role = RB_ROLE_CONSUMER };
	struct rb_attach request = r->request;
	const struct rb_gate *gates;
	int err;

	request.from = c->next;
	err = rb_attachment_enter(&fresh, r->bus, c->attachment.name, &request);
	/* What is held is there to its end. */
	if (lets_nobody_in(err))
		return 0;
	if (err < 0)
		return say_refused(c, err);
	gates = fresh.channel.shm.gates->consumers;
	if (fresh.channel.shm.generation !=
	    c->attachment.channel.shm.generation)
		err = rb_crossing_say_gone(c);
	/* ORDER(none, relaxed) - written before we were told that we are in. */
	else if (rb_seq_load_relaxed(&gates[fresh.index].sequence) !=
		 c->next - 1)
		err = say_taken(r, c->next);
	if (err < 0) {
		rb_attachment_leave(&fresh, false);
		return err;
	}
	change_seat(c, &fresh);
	err = take_over(c, r);
	leave_holder(c);
	if (err < 0) { /* for good: what it has read ahead is no more */
		c->reader = RB_READER_REPLAY;
		c->barrier.gate = &r->gate;
		r->fault = err;
		return err;
	}
	c->replay = NULL;
	free_replay(r);
	return 1;
}

int
rb_crossing_advance(struct ringbus_consumer *c)
{
	struct rb_replay *r = c->replay;
	int err = 0;

	if (!r->is_held &&
	    !rb_tap_is_lapped(&c->attachment.channel.shm, c->next))
		err = rb_crossing_hold(c, c->next);
	if (err < 0 || !r->is_held)
		return err;
	return c->next >= r->ring_from && c->barrier.committed == c->next - 1
		       ? cross(c)
		       : 0;
}

void
rb_crossing_close(struct ringbus_consumer *c)
{
	struct rb_replay *r = c->replay;

	if (r == NULL)
		return;
	leave_holder(c);
	c->replay = NULL;
	free_replay(r);
}

void
rb_crossing_disinherit(struct ringbus_consumer *c)
{
	if (c->replay->is_held)
		rb_channel_disinherit(&c->replay->held.channel.shm);
}
