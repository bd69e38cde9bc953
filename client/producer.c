/* SPDX-License-Identifier: MIT */
/*
 * producer.c - the producer handle of ringbus.h, over shm/sequencer.h
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"
#include "shm/probe.h"

static bool
is_read_by_us(struct rb_attachment *consumer)
{
	const struct ringbus_consumer *c = rb_consumer_of(consumer);

	/* Of one that lags the daemon lets us go, sooner or later.
	 * ORDER(none, relaxed) - only our own store can be equal. */
	return c->reader != RB_READER_LAGGING &&
	       rb_word64_load_relaxed(&c->thread) == rb_thread_id();
}

/* Whether it alone moves the gate of `consumer` on: it is that, or the only
 * worker of that group. */
static bool
gates_as(const struct rb_attachment *a, unsigned consumer)
{
	const struct rb_member *consumers = a->channel.shm.meta->consumers;

	if (a->index == consumer)
		return true;
	/* ORDER(none, relaxed) - the daemon writes it, nothing hangs on it. */
	return rb_word32_load_relaxed(&consumers[a->index].worker_of) ==
		       consumer + 1 &&
	       rb_word64_load_relaxed(&consumers[consumer].workers) ==
		       UINT64_C(1) << a->index;
}

/* Whether this thread is the one that reads for `consumer` of our channel. */
static bool
is_our_thread(void *context, int consumer)
{
	const struct ringbus_producer *p = context;
	struct ringbus *bus = p->attachment.bus;
	bool found = false;

	pthread_mutex_lock(&bus->lock);
	for (struct rb_attachment *a = bus->attachments; a != NULL;
	     a = a->next) {
		const struct rb_attachment *gate = rb_gate_behind(a);

		if (gate != NULL &&
		    gate->channel.shm.generation ==
			    p->attachment.channel.shm.generation &&
		    gates_as(gate, (unsigned)consumer))
			found = is_read_by_us(a);
	}
	pthread_mutex_unlock(&bus->lock);
	return found;
}

/*
 * A line that consumers have read has to be fetched back before it is written.
 * Stores that wait for it fill the store buffer, so it is asked for while the
 * events before it are written: some kilobytes ahead, and some events. Of smaller
 * slots several lie in a line, and the processor sees by itself what comes.
 */
#define AHEAD_SIZE 4096 /* bytes */
#define AHEAD_SLOTS_MIN 2
#define AHEAD_SLOT_MIN 64 /* bytes */

/* What a claim, a slot and a publish need where programs have inlined them. */
static void
set_inlined(struct ringbus_producer *p)
{
	const struct rb_channel *c = &p->attachment.channel.shm;

	p->slots = c->slots;
	p->mask = c->mask;
	p->slot_size = c->geometry.slot_size;
	p->wanted = &c->gates->data_wanted;
	p->stream = &c->meta->control.stream;
	p->quiet = UINT64_MAX; /* none that we know of */
	if (!rb_channel_is_multi(c) && p->sequencer.is_plain &&
	    !p->sequencer.fence)
		p->cursor = &c->ring->published;
	if (p->slot_size >= AHEAD_SLOT_MIN)
		p->ahead = p->slot_size < AHEAD_SIZE / AHEAD_SLOTS_MIN
				   ? (int64_t)(AHEAD_SIZE / p->slot_size)
				   : AHEAD_SLOTS_MIN;
}

static int
attach(struct ringbus_producer *p, struct ringbus *bus, const char *channel,
       const struct ringbus_producer_options *o)
{
	struct rb_attachment *a = &p->attachment;
	const struct rb_attach request = {
		.member = o->name,
		.wait = o->wait,
		.type = o->type,
		.type_version = o->type_version,
	};
	int err;

	a->role = RB_ROLE_PRODUCER;
	err = rb_attachment_open(a, bus, channel, &request);
	if (err < 0)
		return err;
	p->full = o->full;
	p->full_timeout_ns = o->full_timeout_ns;
	rb_sequencer_init(&p->sequencer, &a->channel.shm, a->index, a->epoch);
	p->sequencer.wait = a->wait;
	set_inlined(p);
	p->sequencer.is_self = is_our_thread;
	p->sequencer.is_self_context = p;
	if (o->cancellable || rb_has_consumer(bus, &a->channel.shm))
		rb_sequencer_set_revocable(&p->sequencer);
	return 0;
}

static int
check_policy(struct ringbus *bus, const struct ringbus_producer_options *o)
{
	if (o->full < RINGBUS_FULL_BLOCK || o->full > RINGBUS_FULL_DROP)
		return rb_bus_refuse(bus, "full is none of RINGBUS_FULL_...");
	if (o->full_timeout_ns < 0)
		return rb_bus_refuse(bus, "full_timeout_ns is negative");
	if (o->full == RINGBUS_FULL_DEADLINE && o->full_timeout_ns == 0)
		return rb_bus_refuse(bus, "RINGBUS_FULL_DEADLINE needs a "
					  "full_timeout_ns above 0");
	return 0;
}

int
ringbus_producer_open(struct ringbus *bus, const char *channel,
		      const struct ringbus_producer_options *options,
		      struct ringbus_producer **ret)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_producer *p;
	int err;

	bus->error[0] = '\0';
	if (rb_options_take(bus, &o, options, sizeof(o)) < 0 ||
	    check_policy(bus, &o) < 0)
		return -EINVAL;
	p = aligned_alloc(RB_LINE, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	memset(p, 0, sizeof(*p));
	err = attach(p, bus, channel, &o);
	if (err < 0) {
		free(p);
		return err;
	}
	*ret = p;
	return 0;
}

void
ringbus_producer_close(struct ringbus_producer *producer)
{
	if (producer == NULL)
		return;
	rb_sequencer_abandon_all(&producer->sequencer);
	rb_attachment_close(&producer->attachment, false);
	free(producer);
}

static bool
is_framed(const struct ringbus_producer *producer)
{
	return rb_channel_is_framed(&producer->attachment.channel.shm);
}

/* What a timeout means, that of RINGBUS_BY_POLICY included. */
static int64_t
time_allowed(const struct ringbus_producer *p, int64_t timeout_ns)
{
	if (timeout_ns != RINGBUS_BY_POLICY)
		return timeout_ns;
	if (p->full == RINGBUS_FULL_BLOCK)
		return RINGBUS_FOREVER;
	return p->full == RINGBUS_FULL_DEADLINE ? p->full_timeout_ns
						: RINGBUS_NOW;
}

static void
count_dropped(struct ringbus_producer *p, int64_t n)
{
	rb_count_add(&p->sequencer.handle->dropped, (uint64_t)n);
}

static int64_t
claim_slowly(struct ringbus_producer *p, int64_t n, int64_t timeout_ns)
{
	int64_t hi = rb_sequencer_claim_slowly(&p->sequencer, n,
					       time_allowed(p, timeout_ns));

	if (hi != -EAGAIN || timeout_ns != RINGBUS_BY_POLICY ||
	    p->full != RINGBUS_FULL_DROP)
		return hi;
	count_dropped(p, n);
	return -ENOBUFS;
}

static const char *
name_of(const struct ringbus_producer *p)
{
	return p->attachment.name;
}

/* A policy costs nothing while there is room: the compiler sees that the second
 * look is the first one. */
static inline int64_t
claim(struct ringbus_producer *p, int64_t n, int64_t timeout_ns)
{
	const struct rb_sequencer *s = &p->sequencer;
	int64_t hi;

	if (rb_unlikely(n < 1 || n > s->claimable - s->next))
		hi = claim_slowly(p, n, timeout_ns);
	else
		hi = rb_sequencer_claim(&p->sequencer, n, timeout_ns);
	RB_PROBE(4, claim, name_of(p), s->index, hi, n);
	return hi;
}

int64_t
ringbus_producer_claim(struct ringbus_producer *producer, int64_t n,
		       int64_t timeout_ns)
{
	if (rb_unlikely(is_framed(producer)))
		return -EINVAL;
	return claim(producer, n, timeout_ns);
}

int64_t ringbus_producer_claim_by_call(struct ringbus_producer *producer,
				       int64_t n, int64_t timeout_ns)
	__attribute__((alias("ringbus_producer_claim")));

int64_t
ringbus_producer_claim_available(struct ringbus_producer *producer, int64_t n,
				 int64_t *ret_lowest)
{
	if (is_framed(producer))
		return -EINVAL;
	return rb_sequencer_claim_available(&producer->sequencer, n,
					    ret_lowest);
}

void *
ringbus_producer_slot(struct ringbus_producer *producer, int64_t sequence)
{
	return rb_channel_slot(&producer->attachment.channel.shm, sequence);
}

/* Up to which wish to be woken all are fulfilled: the last one, or if that still
 * waits, the one that was fulfilled last. From then on only another one matters. */
static void
see_quiet(struct ringbus_producer *p)
{
	const struct rb_ring *ring = p->attachment.channel.shm.ring;
	/* ORDER(none, relaxed) - what is fulfilled once stays so. */
	uint32_t wanted = rb_word32_load_relaxed(p->wanted);
	/* ORDER(none, relaxed) - as above. */
	uint32_t event = rb_word32_load_relaxed(&ring->event);

	p->quiet = (int32_t)(wanted - event) > 0 ? event : wanted;
}

int
ringbus_producer_publish(struct ringbus_producer *producer, int64_t lowest,
			 int64_t highest)
{
	int err;

	if (rb_unlikely(is_framed(producer)))
		return -EINVAL;
	err = rb_sequencer_publish(&producer->sequencer, lowest, highest);
	RB_PROBE(4, publish, name_of(producer), producer->sequencer.index,
		 lowest, highest);
	if (producer->cursor != NULL)
		see_quiet(producer);
	return err;
}

int ringbus_producer_publish_by_call(struct ringbus_producer *producer,
				     int64_t lowest, int64_t highest)
	__attribute__((alias("ringbus_producer_publish")));

int
ringbus_producer_abandon(struct ringbus_producer *producer, int64_t lowest,
			 int64_t highest)
{
	if (is_framed(producer))
		return -EINVAL;
	return rb_sequencer_abandon(&producer->sequencer, lowest, highest);
}

static int64_t
claim_frame(struct ringbus_producer *p, size_t size, int64_t timeout_ns,
	    void **ret_data)
{
	const struct rb_geometry *g = &p->attachment.channel.shm.geometry;
	int64_t n = rb_geometry_frame_slots(g, size);
	int64_t hi = claim(p, n, timeout_ns);
	struct rb_frame *frame;

	if (hi < 0)
		return hi;
	frame = ringbus_producer_slot(p, hi - n + 1);
	/* ORDER(none, relaxed) - the publish makes it visible. */
	rb_word32_store_relaxed(&frame->size, (uint32_t)size);
	frame->reserved = 0;
	*ret_data = frame + 1;
	return hi - n + 1;
}

int64_t
ringbus_producer_claim_event(struct ringbus_producer *producer, size_t size,
			     int64_t timeout_ns, void **ret_data)
{
	int64_t sequence;

	if (size > producer->attachment.channel.shm.geometry.event_size)
		return -EMSGSIZE;
	if (is_framed(producer))
		return claim_frame(producer, size, timeout_ns, ret_data);
	sequence = claim(producer, 1, timeout_ns);
	if (sequence >= 0)
		*ret_data = ringbus_producer_slot(producer, sequence);
	return sequence;
}

int64_t
rb_producer_last_slot(const struct ringbus_producer *p, int64_t sequence)
{
	const struct rb_channel *c = &p->attachment.channel.shm;
	const struct rb_frame *frame = rb_channel_slot(c, sequence);
	uint64_t size;

	if (!rb_channel_is_framed(c))
		return sequence;
	/* ORDER(none, relaxed) - we wrote it. */
	size = rb_word32_load_relaxed(&frame->size);
	return sequence + rb_geometry_frame_slots(&c->geometry, size) - 1;
}

int
ringbus_producer_publish_event(struct ringbus_producer *producer,
			       int64_t sequence)
{
	int64_t last = rb_producer_last_slot(producer, sequence);
	int err = rb_sequencer_publish(&producer->sequencer, sequence, last);

	RB_PROBE(4, publish, name_of(producer), producer->sequencer.index,
		 sequence, last);
	return err;
}

int
ringbus_producer_abandon_event(struct ringbus_producer *producer,
			       int64_t sequence)
{
	return rb_sequencer_abandon(&producer->sequencer, sequence,
				    rb_producer_last_slot(producer, sequence));
}

int64_t
ringbus_producer_write(struct ringbus_producer *producer, const void *data,
		       size_t size, int64_t timeout_ns)
{
	void *to;
	int64_t sequence = ringbus_producer_claim_event(producer, size,
							timeout_ns, &to);
	int err;

	if (sequence < 0)
		return sequence;
	if (size > 0)
		memcpy(to, data, size);
	if (!is_framed(producer))
		memset((char *)to + size, 0,
		       producer->attachment.channel.shm.geometry.event_size -
			       size);
	err = ringbus_producer_publish_event(producer, sequence);
	if (err == -EINVAL) /* an earlier claim is still to be published */
		ringbus_producer_abandon_event(producer, sequence);
	return err < 0 ? err : sequence;
}

int
ringbus_producer_drain(struct ringbus_producer *producer, int64_t timeout_ns)
{
	if (producer->attachment.channel.shm.disinherited)
		return -ECHILD;
	return rb_sequencer_drain(&producer->sequencer,
				  time_allowed(producer, timeout_ns));
}

int64_t
ringbus_producer_remaining(struct ringbus_producer *producer)
{
	return rb_sequencer_remaining(&producer->sequencer);
}

void
ringbus_producer_cancel(struct ringbus_producer *producer)
{
	rb_sequencer_cancel(&producer->sequencer);
}

const struct ringbus_channel *
ringbus_producer_channel(const struct ringbus_producer *producer)
{
	return &producer->attachment.channel;
}

int
ringbus_producer_blocker(const struct ringbus_producer *producer,
			 struct ringbus_member *ret)
{
	int blocker = producer->sequencer.blocker;

	if (ret->size != sizeof(*ret))
		return -EINVAL;
	if (blocker == RB_OPERATOR)
		return 2;
	if (blocker == RB_NOBODY)
		return 0;
	return rb_describe_consumer(&producer->attachment.channel.shm,
				    (unsigned)blocker, ret);
}
