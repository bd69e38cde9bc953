/* SPDX-License-Identifier: MIT */
/*
 * test_replay_flow.c - from the journal into the ring while all of it flows
 *
 * Producer, journal and reader are processes of their own. What an event has in it
 * follows from its sequence. JOURNAL_POINTS=100 and JOURNAL_EVENTS=10000000 are the
 * long forms.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fixture.h"
#include "tests/system/util_recorder.h"
#include "tests/system/util_writer.h"

#define EVENT_SIZE 64

/* What a reader reads before it is waited for. */
#define READ_MAX 100000

/* Of the long forms, seconds. */
#define TIMEOUT 600

#define KEYS                                                                   \
	"slots: 1024, event_size: 64, producers: %s, history: %d, "            \
	"consumers: { journal: { on_death: keep } }"

static int64_t
number_of(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? atoll(text) : otherwise;
}

struct flow {
	struct t_bus b;
	const char *dir;
	int64_t total;            /* to publish; 0: until it is told */
	struct rb_word64 *enough; /* told so */
	struct rb_word64 *limit;  /* not to go beyond for now */
	pid_t recorder, producer;
};

static int
produce(void *arg)
{
	const struct flow *f = arg;
	struct ringbus *bus = t_connect(&f->b.daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);
	int64_t sequence = -1;
	void *slot;

	while (f->total > 0 ? sequence + 1 < f->total
			    : t_read(f->enough) == 0) {
		if ((uint64_t)(sequence + 1) > t_read(f->limit)) {
			sched_yield();
			continue;
		}
		sequence = ringbus_producer_claim_event(p, EVENT_SIZE, T_LONG,
							&slot);
		t_ok(sequence);
		fill(slot, EVENT_SIZE, (uint64_t)sequence);
		t_ok(ringbus_producer_publish_event(p, sequence));
	}
	t_ok(ringbus_end(bus, "a"));
	ringbus_close(bus);
	return 0;
}

static void
begin(struct flow *f, enum rb_producers kind, int history, int64_t total)
{
	t_bus_begin(&f->b, KEYS, t_kind(kind), history);
	f->dir = t_tmpdir();
	f->total = total;
	f->enough = t_counter();
	f->limit = t_counter();
	t_store(f->limit, UINT64_MAX);
	f->recorder = t_recorder_process(&f->b.daemon, f->dir, 1);
	f->producer = t_child(produce, f);
}

static void
end(struct flow *f)
{
	t_store(f->limit, UINT64_MAX);
	t_store(f->enough, 1);
	t_join(f->producer);
	t_join(f->recorder);
	t_bus_end(&f->b);
}

/* Reads and commits one event, which has to be this one. */
static void
expect(struct ringbus_consumer *c, int64_t sequence)
{
	struct ringbus_event event;
	int more;

	while ((more = ringbus_consumer_next(c, &event)) == 0)
		if (ringbus_consumer_wait(c, T_LONG) < 0)
			ck_abort_msg("%s", ringbus_consumer_error(c));
	t_ok(more);
	if (event.sequence != sequence || event.size != EVENT_SIZE ||
	    !is_filled(event.data, EVENT_SIZE, (uint64_t)sequence))
		ck_abort_msg("sequence %lld came in the place of %lld",
			     (long long)event.sequence, (long long)sequence);
	t_ok(ringbus_consumer_commit(c));
}

/* Full flow; but on a machine that leaves the reader no time it would never come to
 * the ring, so that the producer goes at its pace in the end. */
static void
wait_up(struct flow *f, int64_t next, int64_t n_read)
{
	if (n_read > READ_MAX)
		t_store(f->limit, (uint64_t)next + 512);
}

/* Begins anywhere in what is published, and reads until it is in the ring and has
 * seen two laps of that. */
static void
hand_over(struct flow *f, int point)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_tap *tap = t_tap(f->b.bus, RINGBUS_FROM_NOW);
	const struct ringbus_channel *channel = ringbus_tap_channel(tap);
	struct ringbus_consumer *c;
	char name[RINGBUS_NAME_SIZE];
	int64_t next, left = 2048;

	snprintf(name, sizeof(name), "point-%d", point);
	t_until(t_info(channel).cursor > 3000 * (1 + point % 3));
	next = t_info(channel).cursor;
	next -= random() % (next < 50000 ? next : 50000);
	if (point % 4 == 0) /* or where the ring ends just now */
		next = t_info(channel).cursor - 1024 - random() % 64;
	o.name = name;
	o.from = next;
	o.journal = f->dir;
	c = t_consume(f->b.bus, &o);
	for (int64_t n = 0; left > 0; next++, n++) {
		if (left == 2048)
			wait_up(f, next, n);
		else
			t_store(f->limit, UINT64_MAX);
		expect(c, next);
		if (left < 2048 ||
		    t_has_member(channel, RINGBUS_CONSUMER, name))
			left--;
	}
	ck_assert_int_eq(ringbus_consumer_missed(c), 0);
	ck_assert_int_eq(ringbus_consumer_lost(c), 0);
	ringbus_consumer_close(c);
	ringbus_tap_close(tap);
}

static void
hand_over_at_points(enum rb_producers kind, int history)
{
	int64_t n = number_of("JOURNAL_POINTS", 6);
	unsigned seed = (unsigned)t_now_ns();
	struct flow f;

	printf("seed %u\n", seed);
	srandom(seed);
	begin(&f, kind, history, 0);
	for (int i = 0; i < n; i++)
		hand_over(&f, i);
	end(&f);
}

TEST_TIMEOUT(no_gap_and_no_repeat_from_one_producer, TIMEOUT)
{
	hand_over_at_points(RB_SINGLE, 0);
}

TEST_TIMEOUT(no_gap_and_no_repeat_from_several, TIMEOUT)
{
	hand_over_at_points(RB_MULTI, 0);
}

TEST_TIMEOUT(no_gap_and_no_repeat_with_a_history, TIMEOUT)
{
	hand_over_at_points(RB_MULTI, 512);
}

/* From the first event to the last, while they are written and when all is over. */
TEST_TIMEOUT(all_of_a_journal_is_as_it_was_published, TIMEOUT)
{
	int64_t n = number_of("JOURNAL_EVENTS", 100000);
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct flow f;

	begin(&f, RB_SINGLE, 0, n);
	o.journal = f.dir;
	o.from = 0;
	for (int i = 0; i < 2; i++) {
		struct ringbus_consumer *c = t_consume(f.b.bus, &o);

		for (int64_t next = 0; next < n; next++)
			expect(c, next);
		ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ESHUTDOWN);
		ringbus_consumer_close(c);
	}
	end(&f);
}

/* The one that is shipped, and that is killed before each point. */
TEST_TIMEOUT(no_gap_and_no_repeat_with_a_journal_that_is_killed, TIMEOUT)
{
	int64_t n = number_of("JOURNAL_POINTS", 4);
	struct t_writer w = { 0 };
	struct flow f = { 0 };

	t_bus_begin(&f.b, KEYS, "single", 0);
	f.enough = t_counter();
	f.limit = t_counter();
	t_store(f.limit, UINT64_MAX);
	t_writer_start(&w, &f.b.daemon, "sync=none", "segment_size=4MiB", NULL);
	f.dir = w.dir;
	f.producer = t_child(produce, &f);
	for (int i = 0; i < n; i++) {
		t_writer_kill(&w);
		t_writer_start(&w, &f.b.daemon, "sync=none",
			       "segment_size=4MiB", NULL);
		hand_over(&f, i);
	}
	t_store(f.enough, 1);
	t_join(f.producer);
	t_writer_stop(&w);
	t_bus_end(&f.b);
}

struct victim {
	const struct flow *flow;
	int64_t from;
	struct rb_word64 *committed; /* 1 + the last one */
};

static int
read_until_killed(void *arg)
{
	const struct victim *v = arg;
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = t_connect(&v->flow->b.daemon);
	struct ringbus_consumer *c;

	o.name = "app";
	o.keep_for_ns = RINGBUS_FOREVER;
	o.from = v->from;
	o.journal = v->flow->dir;
	c = t_consume(bus, &o);
	for (int64_t next = ringbus_consumer_sequence(c) + 1;; next++) {
		struct ringbus_event event;

		t_next(c, &event);
		ck_assert_int_eq(event.sequence, next);
		/* Before the commit: what is handled twice is no loss. */
		t_store(v->committed, (uint64_t)next + 1);
		t_ok(ringbus_consumer_commit(c));
	}
	return 0;
}

/* Whether the victim has come so far; it is waited for, as above. */
static bool
wait_for(const struct victim *v, uint64_t sequence)
{
	uint64_t committed = t_read(v->committed);

	t_store(v->flow->limit, committed + 512);
	return committed >= sequence;
}

/* Wherever it is killed, its name stands at no place that it has not come to. */
TEST_TIMEOUT(a_name_is_never_ahead_of_its_process, TIMEOUT)
{
	int64_t n = number_of("JOURNAL_POINTS", 6);
	struct victim v = { .committed = t_counter() };
	struct flow f;
	int64_t next = 0;

	begin(&f, RB_SINGLE, 0, 0);
	v.flow = &f;
	for (int64_t i = 0; i < n; i++) {
		uint64_t some = (uint64_t)(next + 100 + random() % 5000);
		struct ringbus_consumer_options o =
			RINGBUS_CONSUMER_OPTIONS_INIT;
		struct ringbus_consumer *c = NULL;
		pid_t pid;

		v.from = next;
		pid = t_child(read_until_killed, &v);
		t_until_within(wait_for(&v, some), 60);
		t_kill(pid);
		t_store(f.limit, UINT64_MAX);
		next = (int64_t)t_read(v.committed);
		o.name = "app";
		o.keep_for_ns = RINGBUS_FOREVER;
		o.from = RINGBUS_FROM_RESUME;
		if (ringbus_consumer_open(f.b.bus, "a", &o, &c) < 0)
			continue;
		/* The last one may have been handled and not committed. */
		ck_assert_int_le(ringbus_consumer_sequence(c), next - 1);
		ck_assert_int_ge(ringbus_consumer_sequence(c), next - 2);
		ringbus_consumer_forget(c);
	}
	end(&f);
}
