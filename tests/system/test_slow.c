/* SPDX-License-Identifier: MIT */
/*
 * test_slow.c - consumers that are too slow: they lose events and know exactly
 * which, or are thrown out and told, and never see half an event
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_record.h"

#define CHANNEL(slow)                                                          \
	"slots: 16, event_size: 8, producers: %s,"                             \
	" consumers: { c: { slow: " slow " } }"

struct scene {
	struct t_bus b;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_record r;
	struct ringbus_handlers h;
};

static void
begin(struct scene *s, const char *keys, enum rb_producers kind)
{
	char text[512];

	snprintf(text, sizeof(text), keys, t_kind(kind));
	t_bus_begin(&s->b, "%s", text);
	s->p = t_produce(s->b.bus, NULL);
	s->c = t_consume_as(s->b.bus, "c", RINGBUS_FROM_NOW);
	s->r = (struct t_record){ 0 };
	s->h = t_all_handlers(&s->r);
}

static struct ringbus_member
self(const struct scene *s)
{
	return t_member(ringbus_producer_channel(s->p), RINGBUS_CONSUMER, "c");
}

/* Reads all that is there: every number up to `last` that was not read before
 * is read now, or is counted as lost now. Returns the lost ones. */
static int64_t
take_with_losses(struct ringbus_consumer *c, uint64_t next, uint64_t last)
{
	int64_t before = ringbus_consumer_lost(c);
	struct ringbus_event e;

	while (next <= last) {
		int64_t lost = ringbus_consumer_lost(c);

		t_next(c, &e);
		next += (uint64_t)(ringbus_consumer_lost(c) - lost);
		ck_assert_uint_eq(t_value(&e), next);
		ck_assert_int_eq(e.sequence, (int64_t)next);
		next++;
	}
	t_ok(ringbus_consumer_commit(c));
	ck_assert_int_eq(ringbus_consumer_sequence(c), (int64_t)last);
	return ringbus_consumer_lost(c) - before;
}

/* ------------------------------------------------------------------- lossy */

KINDS(a_lossy_one_holds_nobody_up)
{
	struct scene s;

	begin(&s, CHANNEL("lossy"), kind);
	ck_assert_int_eq(self(&s).gates, 0);
	ck_assert_int_eq(self(&s).slow, RINGBUS_SLOW_LOSSY);
	t_put_all(s.p, 0, 9);
	ck_assert_int_eq(take_with_losses(s.c, 0, 9), 0);
	for (uint64_t i = 10; i < 1000; i++)
		t_put(s.p, i);
	ck_assert_int_ge(take_with_losses(s.c, 10, 999), 990 - 16);
	ck_assert_uint_eq(self(&s).lost, (uint64_t)ringbus_consumer_lost(s.c));
	t_put(s.p, 1000);
	t_take(s.c, 1000, 1000);
	t_bus_end(&s.b);
}

KINDS(an_undeclared_one_may_be_lossy)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: %s",
		    t_kind(kind));
	o.slow = RINGBUS_SLOW_LOSSY;
	c = t_consume(b.bus, &o);
	p = t_produce(b.bus, NULL);
	for (uint64_t i = 0; i < 500; i++)
		t_put(p, i);
	ck_assert_int_gt(take_with_losses(c, 0, 499), 0);
	t_bus_end(&b);
}

/* What handlers were told, slot by slot. */
struct tally {
	int64_t next; /* slot that was not yet told about */
	int64_t lost;
	int64_t events;
	struct ringbus_producer *rewinds; /* puts 100 events with it, once */
};

static int
tally_lost(void *context, int64_t lowest, int64_t highest)
{
	struct tally *t = context;

	ck_assert_int_eq(lowest, t->next);
	ck_assert_int_ge(highest, lowest);
	t->lost += highest - lowest + 1;
	t->next = highest + 1;
	return 0;
}

static int
tally_event(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct tally *t = context;

	ck_assert_int_eq(event->sequence, t->next);
	ck_assert_int_eq((int64_t)t_value(event), t->next);
	t->events++;
	t->next = event->last + 1;
	if (!end_of_batch || t->rewinds == NULL)
		return RINGBUS_CONTINUE;
	for (uint64_t i = 0; i < 100; i++)
		t_put(t->rewinds, (uint64_t)t->next + i);
	*t = (struct tally){ 0 };
	return RINGBUS_REWIND;
}

static struct ringbus_handlers
tallying(struct tally *t)
{
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;

	h.context = t;
	h.on_event = tally_event;
	h.on_lost = tally_lost;
	h.rewind = RINGBUS_REWIND_ALWAYS;
	return h;
}

static int
stop_when_through(void *context, int64_t sequence)
{
	const struct tally *t = context;

	ck_assert_int_eq(sequence, t->next - 1);
	return -ECANCELED;
}

/* Its batch does not stay in the ring for it, and it is told. */
KINDS(a_lossy_one_may_lose_what_it_rewinds)
{
	struct tally t = { 0 };
	struct scene s;

	begin(&s, CHANNEL("lossy"), kind);
	t.rewinds = s.p;
	t_put_all(s.p, 0, 9);
	s.h = tallying(&t);
	s.h.timeout_ns = 1;
	s.h.on_timeout = stop_when_through;
	ck_assert_int_eq(ringbus_consumer_run(s.c, &s.h), -ECANCELED);
	ck_assert_int_eq(t.next, 110);
	ck_assert_int_ge(t.lost, 110 - 16);
	ck_assert_int_eq(t.lost + t.events, 110);
	/* What was handled once, in vain, is not handled. */
	ck_assert_int_eq(ringbus_consumer_lost(s.c), t.lost);
	t_bus_end(&s.b);
}

/* ------------------------------------------------------------------ evicted */

static bool
is_evicted(const struct scene *s)
{
	return self(s).state == RINGBUS_MEMBER_EVICTED;
}

KINDS(an_evicted_one_is_told)
{
	struct ringbus_consumer *other = NULL;
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_event e;
	struct scene s;

	begin(&s, CHANNEL("evict, max_lag: 8"), kind);
	ck_assert_int_ne(self(&s).gates, 0);
	t_put_all(s.p, 0, 2);
	t_take(s.c, 0, 1);
	t_next(s.c, &e);
	/* Waits for it at first, and then no more. */
	t_put_all(s.p, 3, 200);
	ck_assert(is_evicted(&s));
	ck_assert_int_eq(self(&s).gates, 0);
	ck_assert_int_eq(self(&s).pid, getpid());
	/* What it had is still whole. */
	ck_assert_uint_eq(t_value(&e), 2);
	ck_assert_int_eq(ringbus_consumer_commit(s.c), -ESTALE);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 1);
	ck_assert_int_eq(ringbus_consumer_next(s.c, &e), 0);
	ck_assert_int_eq(ringbus_consumer_wait(s.c, T_LONG), -ESTALE);
	ck_assert_int_eq(ringbus_consumer_poll(s.c, 9, t_record_event, &s.r),
			 -ESTALE);
	ck_assert_int_eq(ringbus_consumer_arm(s.c), -ESTALE);
	ck_assert_int_eq(ringbus_consumer_run(s.c, &s.h), -ESTALE);
	t_recorded(&s.r, "start shutdown");
	ck_assert_int_eq(ringbus_consumer_lost(s.c), 0);
	/* The name is free once it has left. */
	o.name = "c";
	ck_assert_int_eq(ringbus_consumer_open(s.b.bus, "a", &o, &other),
			 -EBUSY);
	ringbus_consumer_close(s.c);
	s.c = t_consume(s.b.bus, &o);
	t_put(s.p, 201);
	t_take(s.c, 201, 201);
	t_bus_end(&s.b);
}

KINDS(one_that_stands_still_is_evicted)
{
	struct scene s;

	begin(&s, CHANNEL("evict, max_stall: 20ms"), kind);
	/* Nothing to read is no standing still. */
	ck_assert_int_eq(ringbus_consumer_wait(s.c, 100 * T_MS), -ETIMEDOUT);
	t_put(s.p, 0);
	t_until(is_evicted(&s));
	ck_assert_int_eq(ringbus_consumer_wait(s.c, T_LONG), -ESTALE);
	t_bus_end(&s.b);
}

/* -------------------------------------------------------------------- parked */

static bool
is_parked(const struct scene *s)
{
	return self(s).state == RINGBUS_MEMBER_PARKED;
}

KINDS(a_parked_one_comes_back_by_itself)
{
	struct scene s;

	begin(&s, CHANNEL("park, max_lag: 8"), kind);
	ck_assert_int_ne(self(&s).gates, 0);
	t_put_all(s.p, 0, 4);
	t_take(s.c, 0, 4);
	t_put_all(s.p, 5, 300);
	t_until(is_parked(&s));
	ck_assert_int_eq(self(&s).gates, 0);
	ck_assert_int_gt(take_with_losses(s.c, 5, 300), 296 - 16 - 1);
	t_until(self(&s).gates != 0);
	ck_assert_int_eq(self(&s).state, RINGBUS_MEMBER_ATTACHED);
	/* From here on nothing is lost. */
	t_put_all(s.p, 301, 308);
	ck_assert_int_eq(take_with_losses(s.c, 301, 308), 0);
	t_bus_end(&s.b);
}

struct sleeper {
	const struct t_daemon *daemon;
	struct rb_word64 *step;
};

/* Reads ten and is killed. */
static int
take_ten(void *arg)
{
	const struct sleeper *v = arg;
	struct ringbus *bus = t_connect(v->daemon);
	struct ringbus_consumer *c = t_consume_as(bus, "c", RINGBUS_FROM_NOW);

	t_store(v->step, 1);
	t_take(c, 0, 9);
	t_store(v->step, 2);
	pause();
	return 1;
}

/* It has to be told exactly which range it lost, and get all the rest. */
KINDS(a_parked_one_resumes_by_name)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct sleeper v;
	struct tally t = { .next = 10 };
	struct scene s;
	pid_t child;

	begin(&s, CHANNEL("park, max_lag: 8"), kind);
	ringbus_consumer_forget(s.c);
	v = (struct sleeper){ &s.b.daemon, t_counter() };
	child = t_child(take_ten, &v);
	t_until(t_read(v.step) == 1);
	t_put_all(s.p, 0, 9);
	t_until(t_read(v.step) == 2);
	t_kill(child);
	t_until(self(&s).pid == 0); /* who is parked by now gates nothing */
	t_put_all(s.p, 10, 400);
	t_until(is_parked(&s));
	o.name = "c";
	o.from = RINGBUS_FROM_RESUME;
	s.c = t_consume(s.b.bus, &o);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 9);
	ck_assert_int_eq(ringbus_consumer_missed(s.c), 0);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	s.h = tallying(&t);
	ck_assert_int_eq(ringbus_consumer_run(s.c, &s.h), -ESHUTDOWN);
	ck_assert_int_eq(t.next, 401);
	ck_assert_int_gt(t.lost, 0);
	ck_assert_int_gt(t.events, 8);
	ck_assert_int_eq(t.events + t.lost, 391);
	ck_assert_int_eq(ringbus_consumer_lost(s.c), t.lost);
	t_bus_end(&s.b);
}

/* ----------------------------------------------------------------- at speed */

struct flood {
	const struct t_daemon *daemon;
	struct rb_word64 *stop;
	uint64_t seed;
};

static int
publish_until_stopped(void *arg)
{
	const struct flood *f = arg;
	struct ringbus *bus = t_connect(f->daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);
	uint64_t words[64];

	for (uint64_t i = f->seed; t_read(f->stop) == 0; i++) {
		size_t size = 8 + 8 * (i % 63);

		for (int k = 0; k < 64; k++)
			words[k] = i;
		t_ok(ringbus_producer_write(p, words, size, RINGBUS_FOREVER));
	}
	ringbus_close(bus);
	return 0;
}

/* All words of an event are the same number, which decides its length. */
static void
check_whole(const struct ringbus_event *e)
{
	const uint64_t *words = e->data;

	if (e->size != 8 + 8 * (words[0] % 63))
		ck_abort_msg("an event of %zu bytes", e->size);
	for (size_t i = 1; i < e->size / 8; i++)
		if (words[i] != words[0])
			ck_abort_msg("half an event");
}

/* Every slot from the first to the last is one of an event, or lost. */
static void
read_a_flood(enum rb_producers kind, int n_producers, int n_reads)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct flood f = { .stop = t_counter() };
	struct ringbus_consumer *c;
	pid_t children[4];
	int64_t slots = 0, first, lost_once = 0;
	struct t_bus b;

	t_bus_begin(&b,
		    "framing: framed, slots: 64, slot_size: 64, producers: %s",
		    t_kind(kind));
	f.daemon = &b.daemon;
	o.slow = RINGBUS_SLOW_LOSSY;
	c = t_consume(b.bus, &o);
	first = ringbus_consumer_sequence(c) + 1;
	for (int i = 0; i < n_producers; i++) {
		f.seed = (uint64_t)i << 40;
		children[i] = t_child(publish_until_stopped, &f);
	}
	for (int n = 0; n < n_reads || lost_once == 0;) {
		struct ringbus_event e, ahead;
		int more;

		t_ok(ringbus_consumer_wait(c, T_LONG));
		more = ringbus_consumer_next(c, &ahead);
		while (more > 0) {
			/* The one before is good until one more is asked for. */
			e = ahead;
			more = ringbus_consumer_next(c, &ahead);
			check_whole(&e);
			slots += e.last - e.sequence + 1;
			n++;
		}
		t_ok(more);
		t_ok(ringbus_consumer_commit(c));
		lost_once = ringbus_consumer_lost(c);
		ck_assert_int_eq(first + slots + lost_once - 1,
				 ringbus_consumer_sequence(c));
	}
	t_store(f.stop, 1);
	for (int i = 0; i < n_producers; i++)
		t_join(children[i]);
	t_bus_end(&b);
}

TEST(a_lossy_one_never_sees_half_an_event_single)
{
	read_a_flood(RB_SINGLE, 1, 100000);
}

TEST(a_lossy_one_never_sees_half_an_event_multi)
{
	read_a_flood(RB_MULTI, 2, 20000);
}

/* Reads one and stands still until it is thrown out; the producers go on and
 * lap it. What it still gets, if anything, is whole. */
static void
be_evicted(struct ringbus_consumer *c)
{
	struct ringbus_event e;
	int64_t found = ringbus_consumer_wait(c, T_LONG);
	int more = found >= 0 ? ringbus_consumer_next(c, &e) : 0;

	t_ok(more);
	if (more == 0) /* thrown out before it came to read */
		return;
	check_whole(&e);
	t_until(t_member(ringbus_consumer_channel(c), RINGBUS_CONSUMER, "c")
			.state == RINGBUS_MEMBER_EVICTED);
	check_whole(&e);
	while (ringbus_consumer_next(c, &e) > 0)
		check_whole(&e);
	ck_assert_int_eq(ringbus_consumer_commit(c), -ESTALE);
	found = ringbus_consumer_wait(c, T_LONG);
	ck_assert_int_eq(found, -ESTALE);
}

KINDS(an_evicted_one_never_sees_half_an_event)
{
	struct flood f = { .stop = t_counter() };
	struct t_bus b;
	pid_t child;

	t_bus_begin(&b,
		    "framing: framed, slots: 64, slot_size: 64, producers: %s,"
		    " consumers: { c: { slow: evict, max_lag: 32 } }",
		    t_kind(kind));
	f.daemon = &b.daemon;
	child = t_child(publish_until_stopped, &f);
	for (int i = 0; i < 20; i++) {
		struct ringbus_consumer *c = t_consume_as(b.bus, "c",
							  RINGBUS_FROM_NOW);

		be_evicted(c);
		ringbus_consumer_close(c);
	}
	t_store(f.stop, 1);
	t_join(child);
	t_bus_end(&b);
}

/* The copy grows with what comes. */
KINDS(large_events_are_copied_whole)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	static char bytes[200000];
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_event e;
	struct t_bus b;

	t_bus_begin(&b,
		    "framing: framed, slots: 16384, slot_size: 64,"
		    " producers: %s",
		    t_kind(kind));
	o.slow = RINGBUS_SLOW_LOSSY;
	c = t_consume(b.bus, &o);
	p = t_produce(b.bus, NULL);
	for (size_t size = 1; size < sizeof(bytes); size = 3 * size + 1) {
		fill(bytes, size, size);
		t_ok(ringbus_producer_write(p, bytes, size, RINGBUS_NOW));
		t_next(c, &e);
		ck_assert_uint_eq(e.size, size);
		ck_assert(is_filled(e.data, size, size));
		t_ok(ringbus_consumer_commit(c));
	}
	ck_assert_int_eq(ringbus_consumer_lost(c), 0);
	t_bus_end(&b);
}
