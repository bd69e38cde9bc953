/* SPDX-License-Identifier: MIT */
/*
 * attach.c - see attach.h
 */
#include "client/journal/attach.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/journal/notice.h"
#include "client/journal/signals.h"

#define SECOND_NS INT64_C(1000000000)
#define TEXT_SIZE 512
/* Of a batch: a sync each costs a fast disk little then. */
#define BATCH_BYTES (UINT64_C(2) << 20)

/* Once, and again where it becomes something else. Waits before the next try: 0 or
 * ATTACH_STOPPED. */
static int
wait_after(int *said, int err, const char *text, int64_t pause_ns)
{
	if (*said != err)
		notice_info("%s: waits for that", text);
	*said = err;
	notice_alive();
	signals_nap(pause_ns);
	return signals_stop() ? ATTACH_STOPPED : 0;
}

static bool
is_absent(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -ECONNRESET ||
	       err == -ETIMEDOUT;
}

int
attach_connect(const char *socket, struct ringbus **ret)
{
	int err, said = 0, stopped = 0;
	char text[TEXT_SIZE];

	while ((err = ringbus_connect(socket, ret)) < 0 && is_absent(err) &&
	       stopped == 0) {
		snprintf(text, sizeof(text), "no daemon answers at %s",
			 ringbus_error(NULL));
		stopped = wait_after(&said, err, text, SECOND_NS / 4);
	}
	if (err < 0 && !is_absent(err))
		notice_error("no daemon: %s: %s", ringbus_strerror(err),
			     ringbus_error(NULL));
	return err < 0 && is_absent(err) ? ATTACH_STOPPED : err;
}

int
attach_await(struct ringbus *bus, const char *channel)
{
	char value[RINGBUS_SETTING_SIZE];
	int err, said = 0, stopped = 0;

	while ((err = ringbus_setting(bus, channel, "journal", value,
				      sizeof(value))) < 0 &&
	       is_absent(err) && stopped == 0)
		stopped = wait_after(&said, err, ringbus_error(bus),
				     SECOND_NS / 4);
	return stopped;
}

/* A name that the channel does not declare keeps its place for ever. */
static int
open_consumer(struct journal *j, struct ringbus *bus, const char *channel)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	int err;

	o.name = j->settings->consumer;
	o.from = RINGBUS_FROM_OLDEST;
	o.keep_for_ns = RINGBUS_FOREVER;
	err = ringbus_consumer_open(bus, channel, &o, &j->consumer);
	if (err != -EINVAL)
		return err;
	/* Declared with another time: its declaration says how long. */
	o.keep_for_ns = 0;
	return ringbus_consumer_open(bus, channel, &o, &j->consumer);
}

/* What somebody or time may change. */
static bool
may_come(int err)
{
	return err == -ENOENT || err == -EBUSY || err == -ECONNRESET ||
	       err == -ETIMEDOUT || err == -EAGAIN || err == -ESHUTDOWN;
}

static int
describe(struct journal *j)
{
	struct ringbus_info info = { .size = sizeof(info) };
	const struct ringbus_channel *c = ringbus_consumer_channel(j->consumer);
	int err = ringbus_channel_info(c, &info);

	if (err < 0)
		return err;
	j->stream = (struct segment_stream){
		.type_version = info.type_version,
		.framing = info.framing,
		.slot_size = info.slot_size,
		.event_size = info.event_size,
		.generation = info.generation,
	};
	memcpy(j->stream.channel, info.name, sizeof(info.name));
	memcpy(j->stream.type, info.type, sizeof(info.type));
	j->ring_slots = (int64_t)info.slots;
	j->max_slots = (int64_t)(BATCH_BYTES / info.slot_size);
	if (j->max_slots > j->ring_slots / 4)
		j->max_slots = j->ring_slots / 4;
	if (j->max_slots < 1)
		j->max_slots = 1;
	if (!rb_journal_can_store(info.slot_size, info.event_size)) {
		notice_error("slots of %" PRIu64 " bytes cannot be stored: "
			     "make event_size a multiple of 8",
			     info.slot_size);
		return -EINVAL;
	}
	return 0;
}

int
attach_open(struct journal *j, struct ringbus *bus, const char *channel)
{
	int err, said = 0, stopped = 0;

	while ((err = open_consumer(j, bus, channel)) < 0 && may_come(err) &&
	       stopped == 0)
		stopped = wait_after(&said, err, ringbus_error(bus),
				     SECOND_NS / 10);
	if (err < 0 && may_come(err))
		return ATTACH_STOPPED;
	if (err < 0) {
		notice_error("%s", ringbus_error(bus)[0] != '\0'
					   ? ringbus_error(bus)
					   : ringbus_strerror(err));
		return err;
	}
	j->committed = ringbus_consumer_sequence(j->consumer);
	j->available = j->committed;
	j->next = j->committed + 1;
	j->safe = -1;
	j->stop_at = INT64_MAX;
	return describe(j);
}

static void
push_hole(struct journal *j, int64_t first)
{
	struct batch *b = batches_push(&j->queue);

	b->kind = BATCH_HOLE;
	b->reason = RB_JOURNAL_OVERWRITTEN;
	b->first = first;
	b->last = j->committed;
	j->io.errors++;
	notice_error("%" PRId64 " to %" PRId64 " are neither in the journal "
		     "nor in the ring: a hole, which readers are told of",
		     b->first, b->last);
}

/* Or claimed, on a channel of several producers. */
static int64_t
published(const struct journal *j)
{
	struct ringbus_info info = { .size = sizeof(info) };
	const struct ringbus_channel *c = ringbus_consumer_channel(j->consumer);

	return ringbus_channel_info(c, &info) < 0 ? INT64_MAX : info.cursor;
}

/* What is damaged above the gate is still in the ring. */
static void
leave_damaged(const struct journal *j, struct recovery *r)
{
	struct rb_journal_scan *scan = &r->scan;

	if (scan->n_damages == 0 || scan->intact.next <= j->committed)
		return;
	rb_journal_scan_back(scan);
	notice_info("%s: the ring still has all from %" PRId64 " on, where the "
		    "damage begins: it is written again",
		    r->name, scan->chain.next);
}

bool
attach_compare(struct journal *j, struct recovery *r)
{
	int64_t stored = r->scan.chain.next; /* and all before it */

	j->stream.epoch = 1;
	if (r->name[0] == '\0') {
		notice_info("a new journal in %s begins at %" PRId64,
			    j->settings->dir, j->next);
		return false;
	}
	j->stream.epoch = r->file.header.epoch;
	if (r->file.header.generation != j->stream.generation) {
		j->stream.epoch++;
		notice_info("the channel is a new one: epoch %" PRId64
			    " begins at %" PRId64,
			    j->stream.epoch, j->next);
		return false;
	}
	if (stored - 1 > published(j)) {
		j->stream.epoch++;
		notice_error("%s has more than was ever published: epoch "
			     "%" PRId64 " begins at %" PRId64,
			     r->name, j->stream.epoch, j->next);
		return false;
	}
	leave_damaged(j, r);
	stored = r->scan.chain.next;
	if (stored < j->next) {
		push_hole(j, stored);
		return true;
	}
	j->safe = stored - 1;
	notice_info("goes on at %" PRId64 ", after %s", stored, r->name);
	return false;
}
