/* SPDX-License-Identifier: MIT */
/*
 * consumer.c - the consumer handle of ringbus.h, over shm/barrier.h
 *
 * One that gates reads the ring itself, and its few functions are the path that
 * every event takes. The other two kinds of readers branch off at their first
 * line.
 */
#include "client/consumer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/replay.h"

void
rb_warn_producers(struct ringbus *bus, const struct rb_channel *channel)
{
	pthread_mutex_lock(&bus->lock);
	for (struct rb_attachment *a = bus->attachments; a != NULL; a = a->next)
		if (a->role == RB_ROLE_PRODUCER &&
		    a->channel.shm.generation == channel->generation)
			rb_sequencer_set_revocable(
				&rb_producer_of(a)->sequencer);
	pthread_mutex_unlock(&bus->lock);
}

const struct rb_attachment *
rb_gate_behind(const struct rb_attachment *a)
{
	const struct rb_replay *r;

	if (!a->is_replay)
		return a->role == RB_ROLE_CONSUMER ? a : NULL;
	r = rb_consumer_of((struct rb_attachment *)a)->replay;
	return r->is_held ? &r->held : NULL;
}

bool
rb_has_consumer(struct ringbus *bus, const struct rb_channel *channel)
{
	bool found = false;

	pthread_mutex_lock(&bus->lock);
	for (struct rb_attachment *a = bus->attachments; a != NULL; a = a->next)
		if (rb_gate_behind(a) != NULL &&
		    a->channel.shm.generation == channel->generation)
			found = true;
	pthread_mutex_unlock(&bus->lock);
	return found;
}

int
rb_consumer_request(struct ringbus *bus,
		    const struct ringbus_consumer_options *o,
		    struct rb_consumer_spec *spec, struct rb_attach *ret)
{
	const struct ringbus_consumer_kind kind = {
		.size = sizeof(kind),
		.keep_for_ns = o->keep_for_ns,
		.slow = o->slow,
		.max_lag = o->max_lag,
		.max_stall_ns = o->max_stall_ns,
	};
	const char *wrong = o->from < RINGBUS_FROM_RESUME
				    ? "from"
				    : rb_kind_find_wrong(&kind);

	if (wrong != NULL)
		return rb_bus_refuse(bus, "%s of the options is out of range",
				     wrong);
	*spec = rb_kind_to_spec(&kind);
	*ret = (struct rb_attach){
		.member = o->name,
		.wait = o->wait,
		.type = o->type,
		.type_version = o->type_version,
		.from = o->from,
		.after = o->after,
		.spec = spec,
		.is_slow_set = o->slow != RINGBUS_SLOW_DEFAULT,
	};
	return 0;
}

static int
attach(struct ringbus_consumer *c, struct ringbus *bus, const char *channel,
       const struct ringbus_consumer_options *o)
{
	struct rb_consumer_spec spec;
	struct rb_attach request;
	int err = rb_consumer_request(bus, o, &spec, &request);

	if (err < 0)
		return err;
	c->attachment.role = RB_ROLE_CONSUMER;
	err = rb_attachment_open(&c->attachment, bus, channel, &request);
	if (err < 0)
		return err;
	err = rb_consumer_take_place(c);
	if (err < 0)
		rb_attachment_close(&c->attachment, false);
	return err;
}

/* The gate's line is ours from now on; what stands there is of another. */
static void
reset_counters(struct rb_gate *gate)
{
	rb_count_set(&gate->lost, 0);
	rb_count_set(&gate->overruns, 0);
	rb_count_set(&gate->errors, 0);
	rb_count_set(&gate->failed, 0);
	rb_count_reset_io(&gate->io);
	/* ORDER(none, relaxed) - a state for people, with one writer. */
	rb_word32_store_relaxed(&gate->run, RB_RUN_IDLE);
}

/* What ringbus_consumer_next() needs where programs have inlined it. */
static void
set_inlined(struct ringbus_consumer *c)
{
	const struct rb_channel *channel = &c->attachment.channel.shm;

	c->slots = channel->slots;
	c->mask = channel->mask;
	c->slot_size = channel->geometry.slot_size;
	c->event_size = channel->geometry.event_size;
	c->stamps = channel->stamps;
	c->is_plain = c->reader == RB_READER_DIRECT &&
		      !rb_channel_is_framed(channel);
}

/* But for `alerted`: another thread may say halt meanwhile. */
static void
init_barrier(struct ringbus_consumer *c)
{
	struct rb_attachment *a = &c->attachment;
	struct rb_barrier barrier;

	rb_barrier_init(&barrier, &a->channel.shm, a->index, a->epoch);
	memcpy(&c->barrier, &barrier, offsetof(struct rb_barrier, alerted));
}

/* What kind of reader we are, the daemon has decided. */
int
rb_consumer_take_place(struct ringbus_consumer *c)
{
	struct rb_attachment *a = &c->attachment;
	const struct rb_member *self =
		&a->channel.shm.meta->consumers[a->index];
	int err = 0;

	/* ORDER(none, relaxed) - written before we were told that we are in. */
	if (rb_word32_load_relaxed(&self->worker_of) != 0) {
		c->reader = RB_READER_WORKER;
		err = rb_worker_init(&c->worker, &a->channel.shm, a->index,
				     a->epoch);
	} else {
		init_barrier(c);
	}
	if (err < 0)
		return err;
	c->barrier.wait = a->wait;
	c->next = c->barrier.committed + 1;
	reset_counters(c->barrier.gate);
	/* ORDER(none, relaxed) - as above. */
	if (c->reader != RB_READER_WORKER &&
	    rb_word32_load_relaxed(&self->slow) != RB_SLOW_GATE)
		err = rb_lagging_init(c);
	set_inlined(c);
	return err;
}

int
ringbus_consumer_open(struct ringbus *bus, const char *channel,
		      const struct ringbus_consumer_options *options,
		      struct ringbus_consumer **ret)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	int err;

	if (rb_options_take(bus, &o, options, sizeof(o)) < 0)
		return -EINVAL;
	c = aligned_alloc(RB_LINE, rb_round_up(sizeof(*c), RB_LINE));
	if (c == NULL)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	err = o.journal != NULL &&
			      (o.from >= 0 || o.from == RINGBUS_FROM_OLDEST)
		      ? rb_replay_open(c, bus, channel, &o)
		      : attach(c, bus, channel, &o);
	if (err < 0) {
		rb_lagging_deinit(c);
		free(c);
		return err;
	}
	rb_warn_producers(bus, &c->attachment.channel.shm);
	*ret = c;
	return 0;
}

static void
leave(struct ringbus_consumer *c, bool forget)
{
	if (c == NULL)
		return;
	rb_doorbell_close(c);
	rb_holding_return(c);
	/* First off the list, where producers in other threads look behind it. */
	rb_attachment_close(&c->attachment, forget);
	rb_crossing_close(c);
	rb_lagging_deinit(c);
	free(c);
}

void
ringbus_consumer_close(struct ringbus_consumer *consumer)
{
	leave(consumer, false);
}

void
ringbus_consumer_forget(struct ringbus_consumer *consumer)
{
	leave(consumer, true);
}

int64_t
ringbus_consumer_wait(struct ringbus_consumer *consumer, int64_t timeout_ns)
{
	/* ORDER(none, relaxed) - compared by producers' threads, no more. */
	rb_word64_store_relaxed(&consumer->thread, rb_thread_id());
	rb_doorbell_disarm(consumer);
	if (rb_unlikely(consumer->reader == RB_READER_WORKER))
		return rb_holding_wait(consumer, timeout_ns);
	if (rb_unlikely(consumer->reader == RB_READER_REPLAY))
		return rb_replay_wait(consumer, timeout_ns);
	return rb_barrier_wait(&consumer->barrier, consumer->next, timeout_ns);
}

int
rb_direct_skip(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	const struct rb_channel *channel = &c->attachment.channel.shm;
	int64_t available = c->barrier.available;
	int64_t sequence = c->next;
	struct rb_event_view view;
	int kind = rb_event_at(channel, sequence, available, &view);

	ret->sequence = sequence;
	do
		ret->last = sequence++;
	while (sequence <= available &&
	       rb_event_at(channel, sequence, available, &view) == kind);
	c->next = sequence;
	return kind == RB_NO_EVENT_TOMBSTONE ? RB_STEP_GAP : RB_STEP_REST;
}

/* Steps over so many losses at a time; behind them the caller waits again, and
 * is told of a halt. Who lies about what is published could make it forever. */
#define LOSSES_MAX 1000

static int
next_copy(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	struct ringbus_event event;
	int found, n = 0;

	while ((found = rb_lagging_step(c, &event)) > 1) {
		if (found == RB_STEP_LOST)
			rb_consumer_pass_lost(c, &event);
		if (++n == LOSSES_MAX)
			return 0;
	}
	if (found == 1)
		*ret = event;
	return found;
}

/* Out of line, like the next: what it needs to save is no cost of others. */
static __attribute__((noinline)) int
next_otherwise(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	if (c->reader == RB_READER_REPLAY)
		return rb_replay_next(c, ret);
	return c->reader == RB_READER_WORKER ? rb_holding_next(c, ret)
					     : next_copy(c, ret);
}

static __attribute__((noinline)) int
next_behind_gap(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	struct ringbus_event gap;
	int found;

	do {
		rb_direct_skip(c, &gap);
		found = rb_direct_next(c, ret);
	} while (found > 1);
	return found;
}

int
ringbus_consumer_next(struct ringbus_consumer *consumer,
		      struct ringbus_event *ret)
{
	int found;

	if (rb_unlikely(consumer->reader != RB_READER_DIRECT))
		return next_otherwise(consumer, ret);
	found = rb_direct_next(consumer, ret);
	return rb_likely(found <= 1) ? found : next_behind_gap(consumer, ret);
}

int ringbus_consumer_next_by_call(struct ringbus_consumer *consumer,
				  struct ringbus_event *ret)
	__attribute__((alias("ringbus_consumer_next")));

int
rb_consumer_commit_to(struct ringbus_consumer *c, int64_t sequence)
{
	int err;

	if (rb_unlikely(c->reader == RB_READER_REPLAY))
		return rb_replay_commit_to(c, sequence);
	err = rb_barrier_commit(&c->barrier, sequence);
	if (rb_likely(c->passed == 0) || err < 0)
		return err;
	c->lost += c->passed;
	c->passed = 0;
	rb_count_set(&c->barrier.gate->lost, (uint64_t)c->lost);
	rb_count_add(&c->barrier.gate->overruns, 1);
	return 0;
}

int
ringbus_consumer_commit(struct ringbus_consumer *consumer)
{
	if (rb_unlikely(consumer->reader != RB_READER_DIRECT))
		return consumer->reader == RB_READER_WORKER
			       ? rb_holding_commit(consumer)
			       : rb_consumer_commit_to(consumer,
						       consumer->next - 1);
	return rb_barrier_commit(&consumer->barrier, consumer->next - 1);
}

bool
rb_consumer_is_through(const struct ringbus_consumer *c)
{
	const struct rb_meta *meta = c->attachment.channel.shm.meta;
	const struct rb_gate *gate = c->reader == RB_READER_WORKER
					     ? c->worker.gate
					     : c->barrier.gate;

	/* ORDER(none, relaxed) - asked behind a wait that found the end and
	 * acquired both. */
	return rb_seq_load_relaxed(&gate->sequence) >=
	       rb_seq_load_relaxed(&meta->control.end);
}

void
rb_consumer_disinherit(struct ringbus_consumer *c)
{
	if (c->replay != NULL)
		rb_crossing_disinherit(c);
	rb_barrier_disinherit(&c->barrier);
	rb_consumer_seek(c, c->barrier.available + 1);
	c->holding.may_take = false;
}

void
rb_consumer_count_error(struct ringbus_consumer *c,
			const struct ringbus_event *event)
{
	struct rb_gate *gate = c->barrier.gate;

	rb_count_add(&gate->errors, 1);
	if (event != NULL)
		rb_count_set(&gate->failed, (uint64_t)event->sequence + 1);
}

void
ringbus_consumer_halt(struct ringbus_consumer *consumer)
{
	rb_barrier_alert(&consumer->barrier);
	rb_doorbell_ring(consumer);
}

int64_t
ringbus_consumer_sequence(const struct ringbus_consumer *consumer)
{
	return consumer->barrier.committed;
}

int64_t
ringbus_consumer_missed(const struct ringbus_consumer *consumer)
{
	return consumer->attachment.missed;
}

int64_t
ringbus_consumer_lost(const struct ringbus_consumer *consumer)
{
	return consumer->lost + consumer->passed;
}

int
ringbus_consumer_attempt(const struct ringbus_consumer *consumer)
{
	return consumer->reader == RB_READER_WORKER
		       ? (int)consumer->holding.attempt
		       : 1;
}

const char *
ringbus_consumer_error(const struct ringbus_consumer *consumer)
{
	return consumer->replay != NULL ? consumer->replay->error : "";
}

const struct ringbus_channel *
ringbus_consumer_channel(const struct ringbus_consumer *consumer)
{
	return &consumer->attachment.channel;
}
