/* SPDX-License-Identifier: MIT */
/*
 * stress_storm.c - wakers that come just when their sleepers fall asleep
 *
 * Whoever storms pauses between its events, and lets the pause follow the edge
 * of sleep: longer while it finds the others awake, shorter while it has to wake
 * them, at random around that. So its events come while they spin, announce
 * themselves, look once more, go to sleep, or have just gone, whatever that
 * takes on this machine.
 *
 * It goes on only when all have got what they wait for: the next event would
 * make up for a wake-up that was lost. All events are checked, and that no sleep
 * had to be ended by its bound; but where the waker itself came so late, as it had
 * to leave its core, that this was nobody's fault.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "shm/wait.h"
#include "tests/fixture.h"
#include "tests/stress/stress.h"
#include "tests/system/util_bus.h"

#define PRODUCERS_MAX 2
#define CONSUMERS_MAX 3
#define PARTIES_MAX (CONSUMERS_MAX + PRODUCERS_MAX)
#define PAUSE_MIN 500
#define PAUSE_MAX 10000000

struct storm {
	const char *keys; /* of the channel, but for its slots */
	int64_t slots;
	int n_producers;
	int n_consumers;
	const char *after[CONSUMERS_MAX]; /* names: a, b, c */
	bool reader_storms;               /* a; else producers do */
	bool by_descriptor; /* consumers sleep in poll(2); else in our wait */
	int64_t slowness;   /* 0: as usual */
};

static struct t_bus b;
static const struct storm *storm;
static int64_t n_events; /* of each producer */

/* What each process tells the others: consumers first, then producers. */
static struct party {
	struct rb_word64 is_ready, sleeps, wakes;
	struct rb_word64 n[PRODUCERS_MAX]; /* events of each, written or read */
	struct rb_word64 n_moves,
		moved_ns; /* of all, and when the last one was */
	/* By moves before it: its sleep was ended by the bound; its waker was late. */
	struct rb_word64 *missed, *late;
} * parties;

static const char *const names[] = { "a", "b", "c" };

/* ----------------------------------------------------- the pace of a waker */

struct pace {
	const struct ringbus_channel *channel;
	int role;
	unsigned index;
	unsigned random;
	uint64_t wakes, missed;
	int64_t pause_ns;
};

static struct ringbus_member
self_of(const struct pace *p)
{
	struct ringbus_member member = { .size = sizeof(member) };

	stress_assert(ringbus_channel_member(p->channel, p->role, p->index,
					     &member) == 1);
	return member;
}

static struct pace
pace_of(const struct ringbus_channel *channel, int role, const char *name)
{
	struct ringbus_member member = t_member(channel, role, name);

	return (struct pace){ .channel = channel,
			      .role = role,
			      .index = member.index,
			      .random = (unsigned)name[0],
			      .pause_ns = PAUSE_MIN };
}

static void
pause_around_edge(struct pace *p)
{
	uint64_t wakes = self_of(p).wakes;
	int64_t change = p->pause_ns / 16;
	int64_t end = t_now_ns();

	p->pause_ns += wakes == p->wakes ? change : -change;
	p->wakes = wakes;
	if (p->pause_ns < PAUSE_MIN)
		p->pause_ns = PAUSE_MIN;
	if (p->pause_ns > PAUSE_MAX)
		p->pause_ns = PAUSE_MAX;
	end += p->pause_ns / 2 + rand_r(&p->random) % p->pause_ns;
	while (t_now_ns() < end)
		;
}

static void
leave_counters(const struct pace *p, struct party *party, uint64_t n_polls)
{
	struct ringbus_member self = self_of(p);

	t_store(&party->sleeps, self.sleeps + n_polls);
	t_store(&party->wakes, self.wakes);
}

/* ------------------------------------------------- wake-ups that come too late */

struct moves {
	uint64_t n[PARTIES_MAX];
	int64_t ns[PARTIES_MAX]; /* since when each may sleep */
};

static int
count_parties(void)
{
	return storm->n_consumers + storm->n_producers;
}

/* As many as a consumer makes; a producer makes no more. */
static int64_t
count_moves(void)
{
	return n_events * storm->n_producers;
}

static struct moves
look_at_moves(void)
{
	struct moves m;

	for (int i = 0; i < count_parties(); i++) {
		m.n[i] = t_read(&parties[i].n_moves);
		m.ns[i] = (int64_t)t_read(&parties[i].moved_ns);
	}
	return m;
}

static void
begin_moving(struct party *self)
{
	t_store(&self->moved_ns, (uint64_t)t_now_ns());
}

static void
has_moved(struct party *self)
{
	begin_moving(self);
	t_store(&self->n_moves, t_read(&self->n_moves) + 1);
}

/* Behind each wait. */
static void
tell_missed(struct party *self, struct pace *p)
{
	uint64_t missed = self_of(p).missed;

	if (missed > p->missed)
		t_store(&self->missed[t_read(&self->n_moves)], 1);
	p->missed = missed;
}

static bool
wakes(int from, int to)
{
	const char *after = to < storm->n_consumers ? storm->after[to] : NULL;

	if (from >= storm->n_consumers)
		return to < storm->n_consumers && after == NULL;
	return to >= storm->n_consumers ||
	       (after != NULL && strstr(after, names[from]) != NULL);
}

/* Of those that we have just woken, the ones whose sleep may have been over before. */
static void
own_up(const struct party *self, const struct moves *before)
{
	int64_t now = t_now_ns();

	for (int i = 0; i < count_parties(); i++)
		if (wakes((int)(self - parties), i) &&
		    now - before->ns[i] >= RB_WAIT_BOUND_NS)
			t_store(&parties[i].late[before->n[i]], 1);
}

/* ------------------------------------------------------------- producers */

static void
await_readers(uint64_t producer, uint64_t n)
{
	for (int i = 0; i < storm->n_consumers; i++)
		while (t_read(&parties[i].n[producer]) < n)
			sched_yield();
}

/* An event tells whose it is, and the how manieth. */
static int
publish(void *arg)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	uint64_t index = *(const uint64_t *)arg;
	struct party *self = &parties[storm->n_consumers + (int)index];
	struct ringbus *bus = t_connect(&b.daemon);
	struct ringbus_producer *producer;
	struct pace pace;

	o.name = names[index];
	producer = t_produce(bus, &o);
	pace = pace_of(ringbus_producer_channel(producer), RINGBUS_PRODUCER,
		       o.name);
	begin_moving(self);
	for (uint64_t i = 0; i < (uint64_t)n_events; i++) {
		struct moves moves;
		int64_t sequence;

		if (!storm->reader_storms) {
			await_readers(index, i);
			pause_around_edge(&pace);
		}
		sequence = ringbus_producer_claim(producer, 1, RINGBUS_FOREVER);
		stress_assert(sequence >= 0);
		tell_missed(self, &pace);
		*(uint64_t *)ringbus_producer_slot(producer,
						   sequence) = index << 32 | i;
		moves = look_at_moves();
		stress_assert(ringbus_producer_publish(producer, sequence,
						       sequence) == 0);
		own_up(self, &moves);
		has_moved(self);
		t_store(&self->n[index], i + 1);
	}
	leave_counters(&pace, self, 0);
	ringbus_close(bus);
	return 0;
}

/* ------------------------------------------------------------- consumers */

struct reader {
	struct ringbus_consumer *consumer;
	struct party *self;
	struct pace pace;
	uint64_t n_polls; /* that slept, perhaps */
};

static int64_t
count(const struct party *p)
{
	return (int64_t)(t_read(&p->n[0]) + t_read(&p->n[1]));
}

static int64_t
count_written(void)
{
	int64_t n = 0;

	for (int i = 0; i < storm->n_producers; i++)
		n += count(&parties[storm->n_consumers + i]);
	return n;
}

/* Until the other consumers have read as much, and the ring is full. */
static void
await_others(void)
{
	int64_t n = count(&parties[0]);
	int64_t total = count_moves();
	int64_t full = n + storm->slots < total ? n + storm->slots : total;

	for (int i = 1; i < storm->n_consumers; i++)
		while (count(&parties[i]) < n)
			sched_yield();
	while (count_written() < full)
		sched_yield();
}

static int
check(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct reader *r = context;
	uint64_t value = *(const uint64_t *)event->data;
	uint64_t producer = value >> 32;

	(void)end_of_batch;
	stress_assert(producer < (uint64_t)storm->n_producers);
	stress_assert((uint32_t)value == t_read(&r->self->n[producer]));
	has_moved(r->self);
	t_store(&r->self->n[producer], (uint32_t)value + 1);
	return RINGBUS_CONTINUE;
}

/* A wait that is not woken is a failure at once: nothing bounds it. */
static void
sleep_by_descriptor(struct reader *r)
{
	struct pollfd fd = { ringbus_consumer_fd(r->consumer), POLLIN, 0 };
	int armed = ringbus_consumer_arm(r->consumer);

	t_ok(armed);
	if (armed == 1)
		return;
	if (poll(&fd, 1, T_PATIENCE * 1000) != 1)
		ck_abort_msg("the descriptor is silent");
	r->n_polls++;
}

static void
take_some(struct reader *r)
{
	struct moves moves;
	int found;

	if (!storm->by_descriptor)
		t_ok(ringbus_consumer_wait(r->consumer, RINGBUS_FOREVER));
	tell_missed(r->self, &r->pace);
	moves = look_at_moves();
	found = ringbus_consumer_poll(r->consumer, 1, check, r);
	own_up(r->self, &moves);
	t_ok(found);
	if (found == RINGBUS_PROCESSING)
		return;
	stress_assert(storm->by_descriptor && found != RINGBUS_END);
	sleep_by_descriptor(r);
}

static int
read_all(void *arg)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	uint64_t index = *(const uint64_t *)arg;
	struct ringbus *bus = t_connect(&b.daemon);
	struct reader r = { .self = &parties[index] };

	o.name = names[index];
	o.after = storm->after[index];
	r.consumer = t_consume(bus, &o);
	r.pace = pace_of(ringbus_consumer_channel(r.consumer), RINGBUS_CONSUMER,
			 o.name);
	begin_moving(r.self);
	t_store(&r.self->is_ready, 1);
	while (count(r.self) < count_moves()) {
		take_some(&r);
		if (storm->reader_storms && index == 0) {
			await_others();
			pause_around_edge(&r.pace);
		}
	}
	leave_counters(&r.pace, r.self, r.n_polls);
	ringbus_close(bus);
	return 0;
}

/* ------------------------------------------------------------- the storms */

static void
report(const char *name, const struct party *sum, int64_t took_ns)
{
	double seconds = (double)took_ns / 1e9;

	printf("%s: %.0f sleeps and %.0f wake-ups a second for %.1f s\n", name,
	       (double)t_read(&sum->sleeps) / seconds,
	       (double)t_read(&sum->wakes) / seconds, seconds);
	if (storm->slowness != 0) /* who is short of cores only yields */
		return;
	/* Else it was no storm. */
	ck_assert_int_gt((int64_t)t_read(&sum->sleeps), n_events / 20);
	ck_assert_int_gt((int64_t)t_read(&sum->wakes), n_events / 20);
}

static struct party
sum_of_parties(int n)
{
	struct party sum = { 0 };

	for (int i = 0; i < n; i++) {
		const struct party *p = &parties[i];

		t_store(&sum.sleeps, t_read(&sum.sleeps) + t_read(&p->sleeps));
		t_store(&sum.wakes, t_read(&sum.wakes) + t_read(&p->wakes));
	}
	return sum;
}

static void
make_parties(void)
{
	uint64_t size = (uint64_t)(count_moves() + 1) *
			sizeof(*parties->missed);

	parties = fixture_share((uint64_t)count_parties() * sizeof(*parties));
	for (int i = 0; i < count_parties(); i++) {
		parties[i].missed = fixture_share(size);
		parties[i].late = fixture_share(size);
	}
}

static void
none_was_lost(void)
{
	for (int i = 0; i < count_parties(); i++)
		for (int64_t n = 0; n <= count_moves(); n++)
			ck_assert_uint_le(t_read(&parties[i].missed[n]),
					  t_read(&parties[i].late[n]));
}

static void
run(const char *name, const struct storm *how)
{
	static uint64_t numbers[] = { 0, 1, 2 };
	pid_t pids[PARTIES_MAX];
	struct party sum;
	int64_t start;
	int n = 0;

	storm = how;
	n_events = stress_count(10000, 1000000) / how->n_producers;
	if (how->slowness != 0)
		n_events /= how->slowness;
	make_parties();
	t_bus_begin(&b, "event_size: 8, slots: %d, %s", (int)how->slots,
		    how->keys);
	for (; n < how->n_consumers; n++) { /* in a row, for `after` */
		pids[n] = t_child(read_all, &numbers[n]);
		t_until(t_read(&parties[n].is_ready) == 1);
	}
	start = t_now_ns();
	for (int i = 0; i < how->n_producers; i++)
		pids[n++] = t_child(publish, &numbers[i]);
	for (int i = 0; i < n; i++)
		t_join(pids[i]);
	none_was_lost();
	sum = sum_of_parties(n);
	report(name, &sum, t_now_ns() - start);
	t_bus_end(&b);
}

#define STORM(name, ...)                                                       \
	TEST_TIMEOUT(name, STRESS_TIMEOUT)                                     \
	{                                                                      \
		run(#name, &(const struct storm){ __VA_ARGS__ });              \
	}

STORM(one_sleeps_for_a_producer, .keys = "wait: blocking", .slots = 64,
      .n_producers = 1, .n_consumers = 1)

STORM(three_sleep_for_a_producer, .keys = "wait: blocking", .slots = 64,
      .n_producers = 1, .n_consumers = 3)

STORM(two_sleep_for_two_producers, .keys = "wait: blocking, producers: multi",
      .slots = 64, .n_producers = 2, .n_consumers = 2)

STORM(each_sleeps_for_the_one_before, .keys = "wait: blocking", .slots = 64,
      .n_producers = 1, .n_consumers = 3, .after = { NULL, "a", "b" })

STORM(one_sleeps_for_two_before, .keys = "wait: blocking", .slots = 64,
      .n_producers = 1, .n_consumers = 3, .after = { NULL, NULL, "a b" })

STORM(two_sleep_for_one_that_storms, .keys = "wait: blocking", .slots = 64,
      .n_producers = 1, .n_consumers = 3, .after = { NULL, "a", "a" },
      .reader_storms = true)

STORM(a_producer_sleeps_for_space, .keys = "wait: blocking", .slots = 4,
      .n_producers = 1, .n_consumers = 1, .reader_storms = true)

STORM(two_producers_sleep_for_space, .keys = "wait: blocking, producers: multi",
      .slots = 4, .n_producers = 2, .n_consumers = 1, .reader_storms = true)

STORM(those_who_back_off_sleep, .keys = "wait: phased_backoff", .slots = 64,
      .n_producers = 1, .n_consumers = 2, .slowness = 20)

STORM(a_producer_that_backs_off_sleeps, .keys = "wait: phased_backoff",
      .slots = 4, .n_producers = 1, .n_consumers = 1, .reader_storms = true,
      .slowness = 20)

STORM(two_sleep_by_descriptor, .keys = "wait: blocking", .slots = 64,
      .n_producers = 1, .n_consumers = 2, .by_descriptor = true)
