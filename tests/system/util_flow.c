/* SPDX-License-Identifier: MIT */
/*
 * util_flow.c - see util_flow.h
 */
#include "tests/system/util_flow.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tests/system/util_bus.h"

#define LOOK (50 * T_MS) /* how long one that waits is deaf to `until` */

/* ------------------------------------------------------------------- events */

static uint64_t
word_of(int64_t sequence, size_t i)
{
	uint64_t z = ((uint64_t)sequence << 8 | i) * 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	return z ^ z >> 27;
}

/* The first word is the sequence, the second the size; of the last one there may
 * be a part. */
void
t_flow_fill(void *data, size_t size, int64_t sequence)
{
	uint64_t words[T_FLOW_LARGEST / 8 + 1] = { (uint64_t)sequence, size };

	for (size_t i = 2; i * 8 < size; i++)
		words[i] = word_of(sequence, i);
	memcpy(data, words, size);
}

bool
t_flow_check(const struct ringbus_event *event, int64_t sequence)
{
	char expected[T_FLOW_LARGEST];

	if (event->sequence != sequence || event->size < 16 ||
	    event->size > sizeof(expected))
		return false;
	t_flow_fill(expected, event->size, sequence);
	return memcmp(event->data, expected, event->size) == 0;
}

static size_t
size_of(const struct t_flow *flow, int64_t sequence)
{
	return flow->is_framed
		       ? 16 + word_of(sequence, 1) % (T_FLOW_LARGEST - 16)
		       : T_FLOW_EVENT;
}

static int64_t
slots_of(const struct t_flow *flow, size_t size)
{
	return flow->is_framed
		       ? (int64_t)(8 + size + T_FLOW_SLOT - 1) / T_FLOW_SLOT
		       : 1;
}

/* ---------------------------------------------------------------- processes */

struct t_flow
t_flow(const char *name, bool is_framed)
{
	struct t_flow flow = { t_counter(), t_counter(), t_counter(), name,
			       is_framed };

	t_store(flow.until, INT64_MAX);
	return flow;
}

static bool
is_done(const struct t_flow *flow)
{
	return t_read(flow->next) >= t_read(flow->until);
}

static int
say(const char *what, int64_t err, struct ringbus *bus)
{
	dprintf(STDERR_FILENO, "flow: %s: %s; %s\n", what,
		ringbus_strerror(err), ringbus_error(bus));
	return 1;
}

/* Of a framed channel too: nobody else claims, so the next sequence is known. */
static int64_t
put(const struct t_flow *flow, struct ringbus_producer *p, int64_t next)
{
	size_t size = size_of(flow, next);
	void *data;
	int64_t s = ringbus_producer_claim_event(p, size, LOOK, &data);

	if (s < 0)
		return s;
	if (s != next)
		return -EPROTO;
	t_flow_fill(data, size, s);
	s = ringbus_producer_publish_event(p, s);
	return s < 0 ? s : slots_of(flow, size);
}

static void
take_a_nap(const struct t_flow *flow, unsigned n)
{
	struct timespec nap = { .tv_nsec = (long)t_read(flow->nap_ns) };

	if (n % T_FLOW_BURST == 0 && nap.tv_nsec > 0)
		nanosleep(&nap, NULL);
}

static int64_t
next_of(struct ringbus_producer *p)
{
	struct ringbus_info info = { .size = sizeof(info) };
	int64_t err = ringbus_channel_info(ringbus_producer_channel(p), &info);

	return err < 0 ? err : info.cursor + 1;
}

/* The place of one that was killed is free a moment later. */
static int64_t
open_producer(struct ringbus *bus, struct ringbus_producer **ret)
{
	int64_t err;

	do
		err = ringbus_producer_open(bus, "a", NULL, ret);
	while (err == -EBUSY);
	return err;
}

static int64_t
produce(const struct t_flow *flow, struct ringbus *bus)
{
	struct ringbus_producer *p;
	int64_t err = open_producer(bus, &p);
	int64_t next = err < 0 ? err : next_of(p);

	if (next < 0)
		return next;
	t_store(flow->next, (uint64_t)next);
	for (unsigned n = 1; !is_done(flow); n++) {
		err = put(flow, p, next);
		if (err == -ETIMEDOUT)
			continue;
		if (err < 0)
			return err;
		next += err;
		t_store(flow->next, (uint64_t)next);
		take_a_nap(flow, n);
	}
	return 0;
}

int
t_flow_produce(void *arg)
{
	const struct t_flow *flow = arg;
	struct ringbus *bus;
	int64_t err = ringbus_connect(NULL, &bus);

	if (err < 0)
		return say("cannot connect", err, NULL);
	err = produce(flow, bus);
	if (err < 0)
		return say("cannot produce", err, bus);
	ringbus_close(bus);
	return 0;
}

static bool
take(const struct t_flow *flow, struct ringbus_consumer *c)
{
	struct ringbus_event e;
	int64_t next = (int64_t)t_read(flow->next);

	while (ringbus_consumer_next(c, &e) > 0) {
		if (!t_flow_check(&e, next)) {
			dprintf(STDERR_FILENO,
				"flow: %s: instead of %lld there is %lld, of "
				"%zu bytes\n",
				flow->name, (long long)next,
				(long long)e.sequence, e.size);
			return false;
		}
		next += slots_of(flow, e.size);
		t_store(flow->next, (uint64_t)next);
	}
	return true;
}

static int64_t
consume(const struct t_flow *flow, struct ringbus *bus)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	int64_t err;

	o.name = flow->name;
	o.from = RINGBUS_FROM_OLDEST;
	err = ringbus_consumer_open(bus, "a", &o, &c);
	if (err < 0)
		return err;
	t_store(flow->next, (uint64_t)ringbus_consumer_sequence(c) + 1);
	while (!is_done(flow)) {
		err = ringbus_consumer_wait(c, LOOK);
		if (err == -ETIMEDOUT)
			continue;
		if (err < 0)
			return err;
		if (!take(flow, c))
			return -EBADMSG;
		ringbus_consumer_commit(c);
	}
	return 0;
}

int
t_flow_consume(void *arg)
{
	const struct t_flow *flow = arg;
	struct ringbus *bus;
	int64_t err = ringbus_connect(NULL, &bus);

	if (err < 0)
		return say("cannot connect", err, NULL);
	err = consume(flow, bus);
	if (err < 0)
		return say("cannot consume", err, bus);
	ringbus_close(bus);
	return 0;
}
