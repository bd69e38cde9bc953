/* SPDX-License-Identifier: MIT */
/*
 * util_recorder.c - see util_recorder.h
 */
#include "tests/system/util_recorder.h"

#include <errno.h>

#include "tests/system/util_span.h"

/* In a file. */
#define BLOCKS_MAX 50000

static void
describe(struct t_recorder *r, const char *dir)
{
	struct ringbus_info info = t_info(
		ringbus_consumer_channel(r->consumer));

	t_journal_open(&r->journal, dir, 8,
		       info.framing == RINGBUS_FRAMED ? RB_FRAMED : RB_FIXED,
		       info.slot_size);
	memcpy(r->journal.header.channel, "a", 2);
	r->journal.header.generation = info.generation;
	r->journal.header.event_size = info.event_size;
	r->journal.header.first = ringbus_consumer_sequence(r->consumer) + 1;
}

void
t_recorder_open(struct t_recorder *r, struct ringbus *bus, const char *dir)
{
	r->consumer = t_consume_as(bus, "journal", RINGBUS_FROM_OLDEST);
	describe(r, dir);
}

void
t_recorder_close(struct t_recorder *r)
{
	ringbus_consumer_close(r->consumer);
	t_journal_close(&r->journal);
}

int64_t
t_recorder_write_only(struct t_recorder *r, int64_t max, int64_t timeout_ns)
{
	struct ringbus_span span = { .size = sizeof(span) };
	int64_t found = ringbus_consumer_wait(r->consumer, timeout_ns);
	struct rb_journal_block block = { .kind = RB_JOURNAL_DATA };

	if (found < 0)
		return found;
	t_ok(ringbus_consumer_span(r->consumer, max, &span));
	block.first = span.first;
	block.count = (uint64_t)(span.last - span.first + 1);
	t_journal_block(&r->journal, &block, span.slots);
	return span.last;
}

void
t_recorder_commit(struct t_recorder *r)
{
	t_ok(ringbus_consumer_commit(r->consumer));
}

int64_t
t_recorder_write(struct t_recorder *r, int64_t max, int64_t timeout_ns)
{
	int64_t last = t_recorder_write_only(r, max, timeout_ns);

	if (last >= 0)
		t_recorder_commit(r);
	return last;
}

void
t_record_to(struct t_recorder *r, int64_t last)
{
	while (ringbus_consumer_sequence(r->consumer) < last)
		t_ok(t_recorder_write(
			r, last - ringbus_consumer_sequence(r->consumer),
			T_LONG));
}

void
t_drop_to(struct t_recorder *r, int64_t last)
{
	int64_t next = ringbus_consumer_sequence(r->consumer) + 1;
	struct rb_journal_block block = {
		.kind = RB_JOURNAL_LOST,
		.reason = RB_JOURNAL_DROPPED,
		.first = next,
		.count = (uint64_t)(last - next + 1),
	};
	struct ringbus_event event;

	t_journal_block(&r->journal, &block, NULL);
	while (next <= last) {
		t_next(r->consumer, &event);
		next = event.last + 1;
	}
	t_recorder_commit(r);
}

struct recording {
	const struct t_daemon *daemon;
	const char *dir;
	int64_t max;
};

static int
record_all(void *arg)
{
	const struct recording *what = arg;
	struct ringbus *bus = t_connect(what->daemon);
	struct t_recorder r;
	int64_t found, n = 0;

	t_recorder_open(&r, bus, what->dir);
	do {
		found = t_recorder_write(&r, what->max, T_LONG);
		/* A seek goes through all of a file that has no index. */
		if (++n % BLOCKS_MAX == 0)
			t_journal_seal(&r.journal);
	} while (found >= 0);
	ck_assert_int_eq(found, -ESHUTDOWN);
	t_recorder_close(&r);
	ringbus_close(bus);
	return 0;
}

pid_t
t_recorder_process(const struct t_daemon *daemon, const char *dir, int64_t max)
{
	struct recording what = { daemon, dir, max };

	return t_child(record_all, &what);
}

/* ---------------------------------------------------------------------- a scene */

void
t_stage_begin(struct t_stage *s, enum rb_producers kind)
{
	t_bus_begin(&s->b, T_SCENE_KEYS, t_kind(kind));
	s->dir = t_tmpdir();
	s->next = 0;
	s->p = t_produce(s->b.bus, NULL);
	t_recorder_open(&s->r, s->b.bus, s->dir);
}

void
t_stage_end(struct t_stage *s)
{
	t_recorder_close(&s->r);
	t_bus_end(&s->b);
}

void
t_stage_journal(struct t_stage *s, int64_t n)
{
	for (; n > 0; n--, s->next++) {
		t_put_to(s->p, s->next, s->next);
		t_record_to(&s->r, s->next);
	}
}

struct ringbus_consumer_options
t_stage_options(const struct t_stage *s, const char *name, int64_t from)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = name;
	o.from = from;
	o.journal = s->dir;
	if (name != NULL)
		o.keep_for_ns = RINGBUS_FOREVER;
	return o;
}

struct ringbus_consumer *
t_stage_open(const struct t_stage *s, int64_t from)
{
	struct ringbus_consumer_options o = t_stage_options(s, "app", from);

	return t_consume(s->b.bus, &o);
}

bool
t_stage_has(const struct t_stage *s, const char *name)
{
	return t_has_member(ringbus_producer_channel(s->p), RINGBUS_CONSUMER,
			    name);
}

int
t_stage_gates(const struct t_stage *s)
{
	struct ringbus_member m = { .size = sizeof(m) };
	int n = 0;

	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++)
		n += ringbus_channel_member(ringbus_producer_channel(s->p),
					    RINGBUS_CONSUMER, i, &m) == 1 &&
		     m.gates && strcmp(m.name, "journal") != 0;
	return n;
}
