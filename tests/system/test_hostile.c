/* SPDX-License-Identifier: MIT */
/*
 * test_hostile.c - members that write what they please into the memory they may
 * write: the others get an error or garbage, but neither crash nor hang
 *
 * A parent with the daemon's rights stores lies while children consume, tap and
 * publish, each in its own process, in calls that are bounded in time. A child
 * that dies by a signal, gets an error that is not documented, or does not come
 * to its end in time fails the test; at the end the daemon has to answer and to
 * stop as always.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define ROUNDS 500
#define LIMIT 30 /* seconds of one test */
#define N_CHILDREN 4

#define DEPENDANT "first: , second: { after: first }"
#define LAGGING "first: { slow: lossy }, second: { slow: park, max_lag: 16 }"
#define WORKERS "first: { group: true }, second: { after: first }"

struct crowd {
	const char *consumers;
	struct t_bus b;
	struct rb_channel shm;
	struct rb_word64 *stop;
	struct rb_word64 *sum; /* so that no read is left out */
	struct rb_word64 *ready[N_CHILDREN];
	pid_t children[N_CHILDREN];
};

static const int64_t lies[] = {
	INT64_MAX,
	INT64_MIN,
	INT64_MAX - 1,
	INT64_MIN + 1,
	-2,
	-1,
	0,
	1,
	1000,
	1 << 20,
	INT64_C(1) << 40,
	INT64_C(1) << 61,
	INT64_C(1) << 62,
};

#define N_LIES (sizeof(lies) / sizeof(*lies))

static void
expect_documented(const char *call, int64_t result)
{
	static const int fine[] = { EAGAIN,    ETIMEDOUT, ECANCELED,
				    ESHUTDOWN, ESTALE,    EBADMSG,
				    EINVAL,    EMSGSIZE,  EBUSY };

	if (result >= 0)
		return;
	for (unsigned i = 0; i < sizeof(fine) / sizeof(*fine); i++)
		if (result == -fine[i])
			return;
	ck_abort_msg("%s returns %lld", call, (long long)result);
}

/* Reads every byte it is offered, so that a bad address faults. */
static void
look_at(struct crowd *crowd, const void *data, size_t size)
{
	const unsigned char *at = data;
	uint64_t sum = 0;

	while (size-- > 0)
		sum += at[size];
	t_store(crowd->sum, sum);
}

static bool
goes_on(const struct crowd *crowd)
{
	return t_read(crowd->stop) == 0;
}

static void
describe_all(const struct ringbus_channel *channel)
{
	struct ringbus_info info = { .size = sizeof(info) };
	struct ringbus_member m = { .size = sizeof(m) };

	t_ok(ringbus_channel_info(channel, &info));
	for (unsigned i = 0; i < 4; i++) {
		t_ok(ringbus_channel_member(channel, RINGBUS_CONSUMER, i, &m));
		t_ok(ringbus_channel_member(channel, RINGBUS_PRODUCER, i, &m));
		t_ok(ringbus_channel_laggard(channel, i, &m));
	}
}

static void
consume_garbage(struct crowd *crowd, const char *name, unsigned place)
{
	struct ringbus *bus = t_connect(&crowd->b.daemon);
	struct ringbus_consumer *c = t_consume_as(bus, name, RINGBUS_FROM_NOW);

	t_store(crowd->ready[place], 1);
	while (goes_on(crowd)) {
		struct ringbus_event event;
		int64_t got = ringbus_consumer_wait(c, T_MS);
		int more = 1;

		expect_documented("wait", got);
		for (int i = 0; i < 100 && more > 0; i++) {
			more = ringbus_consumer_next(c, &event);
			expect_documented("next", more);
			if (more > 0)
				look_at(crowd, event.data, event.size);
		}
		expect_documented("commit", ringbus_consumer_commit(c));
		describe_all(ringbus_consumer_channel(c));
	}
	ringbus_close(bus);
}

static int
run_consumer(void *arg)
{
	consume_garbage(arg, "first", 0);
	return 0;
}

static int
run_dependant(void *arg)
{
	consume_garbage(arg, "second", 1);
	return 0;
}

static int
run_tap(void *arg)
{
	struct crowd *crowd = arg;
	struct ringbus *bus = t_connect(&crowd->b.daemon);
	size_t buffer_size = 1 << 20, size;
	void *buffer = malloc(buffer_size);

	t_store(crowd->ready[2], 1);
	while (goes_on(crowd)) {
		struct ringbus_tap *tap = t_tap(bus, RINGBUS_FROM_OLDEST);

		for (int i = 0; i < 50 && goes_on(crowd); i++) {
			int64_t got = ringbus_tap_read(tap, buffer, buffer_size,
						       &size, T_MS);

			expect_documented("tap", got);
			if (got >= 0)
				look_at(crowd, buffer, size);
		}
		ringbus_tap_close(tap);
	}
	free(buffer);
	ringbus_close(bus);
	return 0;
}

static int
run_producer(void *arg)
{
	struct crowd *crowd = arg;
	struct ringbus *bus = t_connect(&crowd->b.daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);
	struct ringbus_member m = { .size = sizeof(m) };
	uint64_t words[64] = { 0 };

	t_store(crowd->ready[3], 1);
	while (goes_on(crowd)) {
		words[0]++;
		/* Producers trust each other: what a lie about their cursor
		 * makes of a sequence is theirs to bear. */
		ringbus_producer_write(p, words, words[0] % 8 + 1, T_MS);
		ringbus_producer_remaining(p);
		expect_documented("drain", ringbus_producer_drain(p, T_MS));
		expect_documented("blocker", ringbus_producer_blocker(p, &m));
	}
	ringbus_close(bus);
	return 0;
}

static void
begin(struct crowd *crowd, const char *keys, enum rb_producers kind)
{
	static const t_child_fn runs[N_CHILDREN] = {
		run_consumer,
		run_dependant,
		run_tap,
		run_producer,
	};

	t_bus_begin(&crowd->b,
		    "slots: 64, %s, producers: %s, consumers: { %s }", keys,
		    t_kind(kind), crowd->consumers);
	crowd->stop = t_counter();
	crowd->sum = t_counter();
	for (int i = 0; i < N_CHILDREN; i++) {
		crowd->ready[i] = t_counter();
		crowd->children[i] = t_child(runs[i], crowd);
		t_until(t_read(crowd->ready[i]) == 1);
	}
	t_daemon_map(&crowd->b.daemon, "a", RB_ROLE_DAEMON, &crowd->shm);
	srandom(20111);
}

/* All come to their end, and the daemon is well. */
static void
end(struct crowd *crowd)
{
	rb_channel_detach(&crowd->shm);
	t_store(crowd->stop, 1);
	for (int i = 0; i < N_CHILDREN; i++)
		if (crowd->children[i] > 0)
			t_join(crowd->children[i]);
	ck_assert_int_eq(ringbus_ping(crowd->b.bus), crowd->b.daemon.pid);
	t_bus_end(&crowd->b);
}

static int64_t
random_lie(void)
{
	uint64_t lie = (uint64_t)lies[(size_t)random() % N_LIES];

	return (int64_t)(random() % 2 ? lie : ((uint64_t)random() << 40) + lie);
}

/* Time for the others to fall for it: what they do is what we wait for. */
static void
let_them_look(void)
{
	sched_yield();
}

static void
lie_in_frames(struct crowd *crowd)
{
	static const uint32_t sizes[] = { UINT32_MAX, 0,  1U << 31, 1024,
					  1025,       57, 1U << 20 };
	int64_t i = random() % 64;
	struct rb_frame *frame = rb_channel_slot(&crowd->shm, i);

	rb_word32_store_relaxed(&frame->size, sizes[random() % 7]);
}

static void
lie_in_stamps(struct crowd *crowd)
{
	int64_t i = random() % 64;

	if (crowd->shm.stamps == NULL)
		return;
	rb_word64_store_relaxed(rb_channel_stamp(&crowd->shm, i),
				random() % 2
					? rb_stamp(random_lie() >> 3, i & 3)
					: (uint64_t)random_lie());
}

static void
lie_in_cursors(struct crowd *crowd)
{
	struct rb_ring *ring = crowd->shm.ring;
	struct rb_sequence *all[] = { &ring->claimed, &ring->published,
				      &ring->gate };

	rb_seq_store_relaxed(all[random() % 3], random_lie());
}

static void
lie_in_intents(struct crowd *crowd)
{
	struct rb_handle *handle = &crowd->shm.ring->handles[random() % 3];

	rb_word64_store_relaxed(&handle->intent, (uint64_t)random_lie());
	rb_word64_store_relaxed(&handle->n, (uint64_t)random_lie());
	rb_word32_store_relaxed(&crowd->shm.ring->event, (uint32_t)random());
	rb_word32_store_relaxed(&crowd->shm.ring->space_wanted[random() % 3],
				(uint32_t)random());
}

static void
lie_in_gates(struct crowd *crowd)
{
	struct rb_gates *gates = crowd->shm.gates;
	struct rb_gate *gate = &gates->consumers[random() % 3];

	rb_seq_store_relaxed(&gate->sequence, random_lie());
	rb_word32_store_relaxed(&gate->event, (uint32_t)random());
	rb_word32_store_relaxed(&gate->wanted, (uint32_t)random());
	rb_word64_store_relaxed(&gate->failed, (uint64_t)random_lie());
	rb_word32_store_relaxed(&gate->run, (uint32_t)random());
	rb_word64_store_relaxed(&gates->bells, (uint64_t)random_lie());
	rb_word32_store_relaxed(&gates->data_wanted, (uint32_t)random());
}

static void
lie_in_clearing(struct crowd *crowd)
{
	struct rb_clearing *clear = &crowd->shm.gates->clear;

	lie_in_gates(crowd);
	rb_word32_store_relaxed(&clear->owner, (uint32_t)random() % 70);
	rb_seq_store_relaxed(random() % 2 ? &clear->begun : &clear->done,
			     random_lie());
}

static void
lie_in_work(struct crowd *crowd)
{
	struct rb_group *group = rb_channel_group(&crowd->shm, 0);

	lie_in_gates(crowd);
	rb_seq_store_relaxed(&group->hint, random_lie());
	rb_word32_store_relaxed(&group->lanes[random() % RB_LANES],
				(uint32_t)random());
	rb_word64_store_relaxed(&group->work[random() % 64],
				(uint64_t)random_lie());
}

/* Any bytes anywhere in a file. */
static void
lie_at_random(struct crowd *crowd, enum rb_file file)
{
	char *base = crowd->shm.segments[file].base;
	uint64_t size = crowd->shm.segments[file].size;

	for (int i = 0; i < 64; i++)
		base[(uint64_t)random() % size] = (char)random();
}

static void
lie(struct crowd *crowd, void (*fn)(struct crowd *))
{
	for (int i = 0; i < ROUNDS; i++) {
		fn(crowd);
		let_them_look();
	}
}

static void
lie_in_the_ring(struct crowd *crowd)
{
	lie_at_random(crowd, RB_FILE_RING);
}

static void
lie_in_all_gates(struct crowd *crowd)
{
	lie_at_random(crowd, RB_FILE_GATES);
}

static void
hear_lies_among(const char *consumers, const char *keys, enum rb_producers kind,
		void (*fn)(struct crowd *))
{
	struct crowd crowd = { .consumers = consumers };

	begin(&crowd, keys, kind);
	lie(&crowd, fn);
	end(&crowd);
}

static void
hear_lies(const char *keys, enum rb_producers kind, void (*fn)(struct crowd *))
{
	hear_lies_among(DEPENDANT, keys, kind, fn);
}

#define FIXED "event_size: 64"
#define FRAMED "framing: framed, slot_size: 64"

#define LIES(name, fn)                                                         \
	TEST_TIMEOUT(name##_fixed_single, LIMIT)                               \
	{                                                                      \
		hear_lies(FIXED, RB_SINGLE, fn);                               \
	}                                                                      \
	TEST_TIMEOUT(name##_fixed_multi, LIMIT)                                \
	{                                                                      \
		hear_lies(FIXED, RB_MULTI, fn);                                \
	}                                                                      \
	TEST_TIMEOUT(name##_framed_single, LIMIT)                              \
	{                                                                      \
		hear_lies(FRAMED, RB_SINGLE, fn);                              \
	}                                                                      \
	TEST_TIMEOUT(name##_framed_multi, LIMIT)                               \
	{                                                                      \
		hear_lies(FRAMED, RB_MULTI, fn);                               \
	}

LIES(frames_lie, lie_in_frames)
LIES(stamps_lie, lie_in_stamps)
LIES(cursors_lie, lie_in_cursors)
LIES(intents_lie, lie_in_intents)
LIES(gates_lie, lie_in_gates)
LIES(the_ring_is_garbage, lie_in_the_ring)
LIES(the_gates_are_garbage, lie_in_all_gates)

/* The same where consumers do more than read. */
#define LIES_AMONG(name, consumers, keys, fn)                                  \
	TEST_TIMEOUT(name##_single, LIMIT)                                     \
	{                                                                      \
		hear_lies_among(consumers, keys, RB_SINGLE, fn);               \
	}                                                                      \
	TEST_TIMEOUT(name##_multi, LIMIT)                                      \
	{                                                                      \
		hear_lies_among(consumers, keys, RB_MULTI, fn);                \
	}

#define CLEARED FIXED ", clear: zero"

LIES_AMONG(clearing_lies, DEPENDANT, CLEARED, lie_in_clearing)
LIES_AMONG(the_gates_of_clearing_ones_are_garbage, DEPENDANT, CLEARED,
	   lie_in_all_gates)
LIES_AMONG(cursors_lie_to_lagging_ones, LAGGING, FIXED, lie_in_cursors)
LIES_AMONG(the_ring_of_lagging_ones_is_garbage, LAGGING, FRAMED,
	   lie_in_the_ring)
LIES_AMONG(work_lies, WORKERS, FIXED, lie_in_work)
LIES_AMONG(work_lies_framed, WORKERS, FRAMED, lie_in_work)
LIES_AMONG(the_gates_of_workers_are_garbage, WORKERS, FIXED, lie_in_all_gates)

/* ---------------------------------------------- lies that the daemon hears */

static int
join_somehow(void *arg)
{
	struct ringbus *bus = t_connect(arg);
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;

	o.from = RINGBUS_FROM_OLDEST;
	if (ringbus_consumer_open(bus, "a", &o, &c) == 0) {
		expect_documented("wait", ringbus_consumer_wait(c, T_MS));
		ringbus_consumer_close(c);
	}
	ringbus_close(bus);
	return 0;
}

/* Stamps of a far future everywhere, so that no slot looks like a hole. */
static void
stamp_all(struct crowd *crowd, int64_t sequence)
{
	for (int64_t i = 0; i < 64; i++)
		rb_word64_store_relaxed(rb_channel_stamp(&crowd->shm, i),
					rb_stamp(sequence, RB_STAMP_EVENT));
}

/* A producer whose record lies is killed: the daemon repairs by it. */
static void
repair_by_lies(const char *keys, int64_t claimed, uint64_t intent, uint64_t n,
	       int64_t stamps)
{
	struct crowd crowd = { .consumers = DEPENDANT };

	begin(&crowd, keys, RB_MULTI);
	ck_assert_int_eq(kill(crowd.children[3], SIGSTOP), 0);
	if (stamps >= 0)
		stamp_all(&crowd, stamps);
	rb_seq_store_relaxed(&crowd.shm.ring->claimed, claimed);
	rb_word64_store_relaxed(&crowd.shm.ring->handles[0].intent, intent);
	rb_word64_store_relaxed(&crowd.shm.ring->handles[0].n, n);
	t_kill(crowd.children[3]);
	crowd.children[3] = 0;
	t_join(t_child(join_somehow, &crowd.b.daemon));
	end(&crowd);
}

#define REPAIRS(name, ...)                                                     \
	TEST_TIMEOUT(name##_fixed, LIMIT)                                      \
	{                                                                      \
		repair_by_lies(FIXED, __VA_ARGS__);                            \
	}                                                                      \
	TEST_TIMEOUT(name##_framed, LIMIT)                                     \
	{                                                                      \
		repair_by_lies(FRAMED, __VA_ARGS__);                           \
	}

REPAIRS(repair_survives_a_claim_of_all, 1000, RB_INTENT_CLAIMED | 4, UINT64_MAX,
	-1)
REPAIRS(repair_survives_a_claim_at_the_end, INT64_MAX,
	UINT64_MAX - 3 + RB_INTENT_CLAIMED, 64, -1)
REPAIRS(repair_survives_a_cursor_at_the_end, INT64_MAX, RB_INTENT_CLAIMING, 1,
	-1)
REPAIRS(repair_survives_a_cursor_at_the_start, INT64_MIN, RB_INTENT_CLAIMING, 1,
	-1)
REPAIRS(repair_survives_a_cursor_far_ahead, INT64_C(1) << 59,
	RB_INTENT_CLAIMING, 1, -1)
REPAIRS(repair_survives_a_cursor_and_stamps_far_ahead, INT64_C(1) << 59,
	RB_INTENT_CLAIMING, 1, INT64_C(1) << 60)
REPAIRS(repair_survives_an_unknown_intent, 10, 3, 1, -1)
