/* SPDX-License-Identifier: MIT */
/*
 * players.c - see players.h
 */
#include "tests/fuzz/players.h"

#include <errno.h>
#include <stdlib.h>

#define BATCH 8

static void
attach(struct rb_attachment *a, struct ringbus *bus,
       const struct rb_channel *channel, enum rb_role role)
{
	a->bus = bus;
	a->channel.shm = *channel;
	a->role = role;
	a->wait = channel->wait;
	a->generation = channel->generation;
}

static const struct rb_channel *
channel_of(const struct rb_attachment *a)
{
	return &a->channel.shm;
}

/* Reads every byte, which faults if it is not there. */
static void
touch(const void *data, size_t size)
{
	static unsigned sum;
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		sum += bytes[i];
	__asm__ __volatile__("" : : "r"(&sum) : "memory");
}

/* ---------------------------------------------------------------- producers */

struct ringbus_producer *
player_producer(struct ringbus *bus, const struct rb_channel *channel,
		unsigned index, uint32_t epoch)
{
	struct ringbus_producer *p = aligned_alloc(RB_LINE, sizeof(*p));

	fuzz_expect(p != NULL);
	memset(p, 0, sizeof(*p));
	attach(&p->attachment, bus, channel, RB_ROLE_PRODUCER);
	p->attachment.index = index;
	p->attachment.epoch = epoch;
	rb_sequencer_init(&p->sequencer, &p->attachment.channel.shm, index,
			  epoch);
	rb_sequencer_set_revocable(&p->sequencer);
	return p;
}

static void
expect_claim(int64_t result)
{
	fuzz_expect_result(result, -EINVAL, -EAGAIN, -EBUSY, -EDEADLK,
			   -ECANCELED, -ESHUTDOWN, -EOWNERDEAD, -ESTALE,
			   -EBADMSG, -EMSGSIZE, -ENOBUFS, 0);
}

/* What is claimed is ours to write, all of it. */
static void
fill(struct ringbus_producer *p, int64_t lo, int64_t hi)
{
	const struct rb_channel *c = channel_of(&p->attachment);
	uint64_t size = (uint64_t)(hi - lo + 1) * c->geometry.slot_size;
	void *slot = ringbus_producer_slot(p, lo);

	fuzz_expect(hi >= lo && stage_has(c, slot, size));
	memset(slot, (int)(lo & 7), size);
}

static void
claim(struct input *in, struct ringbus_producer *p)
{
	int64_t n = input_number(in), lo = -1;
	int64_t hi = input_below(in, 2) == 0
			     ? ringbus_producer_claim(p, n, RINGBUS_NOW)
			     : ringbus_producer_claim_available(p, n, &lo);

	expect_claim(hi);
	if (hi >= 0)
		fill(p, lo >= 0 ? lo : hi - (n - 1), hi);
}

static void
claim_event(struct input *in, struct ringbus_producer *p)
{
	const struct rb_channel *c = channel_of(&p->attachment);
	size_t size = (size_t)input_bytes(in, 2);
	void *data;
	int64_t sequence = ringbus_producer_claim_event(p, size, RINGBUS_NOW,
							&data);

	expect_claim(sequence);
	if (sequence < 0)
		return;
	fuzz_expect(size <= c->geometry.event_size && stage_has(c, data, size));
	memset(data, 0x5a, size);
	if (input_below(in, 4) != 0)
		fuzz_expect_result(ringbus_producer_publish_event(p, sequence),
				   -EINVAL, -ESHUTDOWN, -EBADMSG, 0);
	else
		fuzz_expect_result(ringbus_producer_abandon_event(p, sequence),
				   -EINVAL, -EBADMSG, 0);
}

static void
finish(struct input *in, struct ringbus_producer *p)
{
	int64_t lo = p->sequencer.published + 1, hi = p->sequencer.next;
	bool abandons = input_below(in, 4) == 0;

	if (rb_channel_is_multi(channel_of(&p->attachment)))
		lo = p->sequencer.claim_lo;
	lo += input_below(in, 3);
	hi -= input_below(in, 3);
	fuzz_expect_result(abandons ? ringbus_producer_abandon(p, lo, hi)
				    : ringbus_producer_publish(p, lo, hi),
			   -EINVAL, -ESHUTDOWN, -EBADMSG, 0);
}

void
player_produce(struct input *in, struct ringbus_producer *p)
{
	struct ringbus_member member = { .size = sizeof(member) };
	const struct rb_geometry *g = &channel_of(&p->attachment)->geometry;
	char bytes[256] = "";
	int64_t free;

	switch (input_below(in, 8)) {
	case 0:
	case 1:
		claim(in, p);
		break;
	case 2:
	case 3:
		finish(in, p);
		break;
	case 4:
		claim_event(in, p);
		break;
	case 5:
		expect_claim(ringbus_producer_write(
			p, bytes, input_below(in, sizeof(bytes)), RINGBUS_NOW));
		break;
	case 6:
		free = ringbus_producer_remaining(p);
		fuzz_expect(free >= 0 && free <= (int64_t)g->slots);
		fuzz_expect_result(ringbus_producer_blocker(p, &member), 0);
		break;
	case 7:
		expect_claim(ringbus_producer_drain(p, RINGBUS_NOW));
		break;
	}
}

/* ---------------------------------------------------------------- consumers */

struct ringbus_consumer *
player_consumer(struct ringbus *bus, const struct rb_channel *channel,
		unsigned index, uint32_t epoch)
{
	struct ringbus_consumer *c = aligned_alloc(
		RB_LINE, rb_round_up(sizeof(*c), RB_LINE));
	struct rb_channel *own = &c->attachment.channel.shm;
	const struct rb_member *self = &channel->meta->consumers[index];
	int err = 0;

	fuzz_expect(c != NULL);
	memset(c, 0, sizeof(*c));
	attach(&c->attachment, bus, channel, RB_ROLE_CONSUMER);
	c->attachment.index = index;
	c->attachment.epoch = epoch;
	/* ORDER(none, relaxed) - only we are here. */
	if (rb_word32_load_relaxed(&self->worker_of) != 0) {
		c->reader = RB_READER_WORKER;
		err = rb_worker_init(&c->worker, own, index, epoch);
	} else {
		rb_barrier_init(&c->barrier, own, index, epoch);
	}
	c->next = c->barrier.committed + 1;
	if (err == 0 && c->reader != RB_READER_WORKER && c->barrier.lags)
		err = rb_lagging_init(c);
	if (err == 0)
		return c;
	fuzz_expect_result(err, -EBADMSG, 0);
	free(c);
	return NULL;
}

void
player_leave(struct ringbus_consumer *c)
{
	rb_holding_return(c);
	rb_lagging_deinit(c);
	free(c);
}

static void
check_event(const struct ringbus_consumer *c, const struct ringbus_event *event)
{
	const struct rb_channel *channel = channel_of(&c->attachment);

	fuzz_expect(event->size <= channel->geometry.event_size);
	fuzz_expect(event->last >= event->sequence);
	if (c->reader != RB_READER_LAGGING)
		fuzz_expect(stage_has(channel, event->data, event->size));
	touch(event->data, event->size);
}

static void
expect_wait(int64_t result)
{
	fuzz_expect_result(result, -EAGAIN, -ETIMEDOUT, -ECANCELED, -ESHUTDOWN,
			   -EOWNERDEAD, -ESTALE, -EBADMSG, 0);
}

static void
read_some(struct ringbus_consumer *c, unsigned n)
{
	struct ringbus_event event;
	int found = 1;

	while (n-- > 0 && found == 1) {
		found = ringbus_consumer_next(c, &event);
		fuzz_expect_result(found, -EBADMSG, 0);
		if (found == 1)
			check_event(c, &event);
	}
}

struct scene {
	struct input *in;
	const struct ringbus_consumer *consumer;
	unsigned left; /* events before it has had enough */
};

static int
on_event(void *context, const struct ringbus_event *event, int end)
{
	struct scene *scene = context;

	(void)end;
	check_event(scene->consumer, event);
	if (scene->left-- == 0)
		return RINGBUS_STOP;
	switch (input_below(scene->in, 8)) {
	case 0:
		return -EIO;
	case 1:
		return RINGBUS_STOP;
	case 2:
		return RINGBUS_SKIP;
	case 3:
		return RINGBUS_RELEASE;
	case 4:
		return RINGBUS_REWIND;
	}
	return RINGBUS_CONTINUE;
}

static void
poll_some(struct input *in, struct ringbus_consumer *c)
{
	struct scene scene = { in, c, BATCH };

	fuzz_expect_result(ringbus_consumer_poll(c, input_below(in, 80),
						 on_event, &scene),
			   -EIO, -ECANCELED, -EOWNERDEAD, -ESTALE, -EBADMSG, 0);
}

/* Until it is halted, which it is already; it looks at that after each batch. */
static void
run(struct input *in, struct ringbus_consumer *c)
{
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct scene scene = { in, c, BATCH };

	handlers.context = &scene;
	handlers.on_event = on_event;
	handlers.exceptions = (int)input_below(in, 2);
	handlers.rewind_max = 2;
	handlers.rewind = RINGBUS_REWIND_ALWAYS;
	ringbus_consumer_halt(c);
	fuzz_expect_result(ringbus_consumer_run(c, &handlers), -EIO, -ELOOP,
			   -ECANCELED, -ESHUTDOWN, -EOWNERDEAD, -ESTALE,
			   -EBADMSG, 0);
}

static void
arm(struct ringbus_consumer *c)
{
	fuzz_expect_result(c->reader == RB_READER_WORKER
				   ? rb_worker_arm(&c->worker)
				   : rb_barrier_arm(&c->barrier, c->next),
			   -ECANCELED, -EOWNERDEAD, -ESTALE, -EBADMSG, 0);
	rb_barrier_disarm(&c->barrier);
}

void
player_consume(struct input *in, struct ringbus_consumer *c)
{
	switch (input_below(in, 8)) {
	case 0:
	case 1:
		expect_wait(ringbus_consumer_wait(c, RINGBUS_NOW));
		break;
	case 2:
		read_some(c, input_below(in, 80));
		break;
	case 3:
		fuzz_expect_result(ringbus_consumer_commit(c), -ESTALE,
				   -EBADMSG, 0);
		break;
	case 4:
		poll_some(in, c);
		break;
	case 5:
		expect_wait(rb_consumer_look(c));
		break;
	case 6:
		arm(c);
		break;
	case 7:
		run(in, c);
		break;
	}
}

void
player_read_all(struct ringbus_consumer *c)
{
	for (int i = 0; i < BATCH; i++) {
		int64_t found = ringbus_consumer_wait(c, RINGBUS_NOW);

		expect_wait(found);
		if (found < 0)
			return;
		read_some(c, 80);
		fuzz_expect_result(ringbus_consumer_commit(c), -ESTALE,
				   -EBADMSG, 0);
	}
}

/* --------------------------------------------------------------- who looks on */

void
player_tap(struct input *in, struct ringbus *bus,
	   const struct rb_channel *channel)
{
	uint64_t size = channel->geometry.event_size;
	struct ringbus_tap tap = { 0 };
	int64_t from = input_number(in), found = 0;
	unsigned n = input_below(in, 70);
	char *buffer;

	if (input_below(in, 4) == 0 && size > 8)
		size = 8;
	attach(&tap.attachment, bus, channel, RB_ROLE_TAP);
	rb_tap_init(&tap.tap, &tap.attachment.channel.shm,
		    from < RB_TAP_OLDEST ? RB_TAP_OLDEST : from);
	buffer = malloc(size);
	fuzz_expect(buffer != NULL);
	while (n-- > 0 && found >= 0) {
		size_t length = 0;

		found = ringbus_tap_read(&tap, buffer, size, &length,
					 RINGBUS_NOW);
		fuzz_expect_result(found, -EAGAIN, -ESHUTDOWN, -EOWNERDEAD,
				   -EMSGSIZE, -EBADMSG, 0);
		fuzz_expect(found < 0 || length <= size);
		touch(buffer, found >= 0 ? length : 0);
	}
	free(buffer);
}

static void
look_at_member(const struct ringbus_channel *channel, int role, unsigned i)
{
	struct ringbus_member member = { .size = sizeof(member) }, again;

	if (ringbus_channel_member(channel, role, i, &member) != 1)
		return;
	fuzz_expect(memchr(member.name, '\0', sizeof(member.name)) != NULL);
	fuzz_expect(member.lag >= 0);
	again = (struct ringbus_member){ .size = sizeof(again) };
	fuzz_expect_result(
		ringbus_channel_find(channel, role, member.name, &again), 0);
}

void
player_look(struct ringbus *bus, const struct rb_channel *channel)
{
	struct ringbus_member member = { .size = sizeof(member) };
	struct ringbus_info info = { .size = sizeof(info) };
	struct ringbus_hole hole = { .size = sizeof(hole) };
	struct rb_attachment a = { 0 };

	attach(&a, bus, channel, RB_ROLE_TAP);
	fuzz_expect(ringbus_channel_info(&a.channel, &info) == 0);
	fuzz_expect(memchr(info.name, '\0', sizeof(info.name)) != NULL);
	fuzz_expect(memchr(info.type, '\0', sizeof(info.type)) != NULL);
	fuzz_expect_result(ringbus_channel_hole(&a.channel, &hole), 0);
	fuzz_expect_result(ringbus_channel_laggard(&a.channel, 0, &member), 0);
	for (unsigned i = 0; i < SEATS + 2; i++) {
		look_at_member(&a.channel, RINGBUS_PRODUCER, i);
		look_at_member(&a.channel, RINGBUS_CONSUMER, i);
	}
}
