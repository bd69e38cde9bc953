/* SPDX-License-Identifier: MIT */
/*
 * test_tap_api.c - taps: they see what is there, count what they miss, hold
 * nobody up, never see half an event, and cannot write
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "client/internal.h"
#include "tests/fixture.h"
#include "tests/system/util_bus.h"

static void
begin(struct t_bus *b, enum rb_producers kind)
{
	t_bus_begin(b, "slots: 16, event_size: 8, producers: %s", t_kind(kind));
}

static void
expect(struct ringbus_tap *tap, int64_t sequence, uint64_t is)
{
	uint64_t value = 0;
	size_t size = 0;

	ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value), &size,
					  RINGBUS_NOW),
			 sequence);
	ck_assert_uint_eq(size, sizeof(value));
	ck_assert_uint_eq(value, is);
}

static void
expect_error(struct ringbus_tap *tap, int64_t timeout_ns, int err)
{
	uint64_t value;
	size_t size;

	ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value), &size,
					  timeout_ns),
			 err);
}

KINDS(a_tap_reads_along)
{
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	struct t_bus b;

	begin(&b, kind);
	p = t_produce(b.bus, NULL);
	t_put(p, 100);
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	expect_error(tap, RINGBUS_NOW, -EAGAIN);
	t_put_all(p, 101, 105);
	for (uint64_t i = 1; i <= 5; i++)
		expect(tap, (int64_t)i, 100 + i);
	expect_error(tap, RINGBUS_NOW, -EAGAIN);
	expect_error(tap, T_MS, -ETIMEDOUT);
	ck_assert_int_eq(ringbus_tap_lost(tap), 0);
	t_bus_end(&b);
}

KINDS(a_tap_starts_at_a_sequence)
{
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	struct t_bus b;

	begin(&b, kind);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	tap = t_tap(b.bus, 4);
	expect(tap, 4, 4);
	ringbus_tap_close(tap);
	tap = t_tap(b.bus, RINGBUS_FROM_OLDEST);
	expect(tap, 0, 0);
	ringbus_tap_close(tap);
	/* In the future: it waits for it. */
	tap = t_tap(b.bus, 12);
	expect_error(tap, RINGBUS_NOW, -EAGAIN);
	t_put_all(p, 10, 12);
	expect(tap, 12, 12);
	t_bus_end(&b);
}

KINDS(a_tap_counts_what_it_missed)
{
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	struct t_bus b;

	begin(&b, kind);
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 3);
	expect(tap, 0, 0);
	t_put_all(p, 4, 99);
	expect(tap, 84, 84);
	ck_assert_int_eq(ringbus_tap_lost(tap), 83);
	for (uint64_t i = 85; i < 100; i++)
		expect(tap, (int64_t)i, i);
	ck_assert_int_eq(ringbus_tap_lost(tap), 83);
	ringbus_tap_close(tap);
	/* From a sequence that is long gone. */
	tap = t_tap(b.bus, 50);
	expect(tap, 84, 84);
	ck_assert_int_eq(ringbus_tap_lost(tap), 34);
	t_bus_end(&b);
}

KINDS(a_tap_holds_nobody_up_and_is_no_member)
{
	const struct ringbus_channel *channel;
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	t_tap(b.bus, RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 1000);
	ck_assert_int_eq(ringbus_producer_remaining(p), 16);
	channel = ringbus_producer_channel(p);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_int_eq(ringbus_channel_member(
					 channel, RINGBUS_CONSUMER, i, &m),
				 0);
	t_bus_end(&b);
}

KINDS(a_buffer_that_is_too_small_loses_nothing)
{
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	char bytes[300], buffer[300];
	struct t_bus b;
	size_t size = 0;

	t_bus_begin(&b,
		    "framing: framed, slots: 64, slot_size: 64,"
		    " producers: %s",
		    t_kind(kind));
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	fill(bytes, sizeof(bytes), 1);
	t_ok(ringbus_producer_write(p, bytes, sizeof(bytes), RINGBUS_NOW));
	t_ok(ringbus_producer_write(p, bytes, 0, RINGBUS_NOW));
	for (size_t room = 0; room < sizeof(bytes); room += 299) {
		memset(buffer, 'x', sizeof(buffer));
		ck_assert_int_eq(ringbus_tap_read(tap, buffer, room, &size,
						  RINGBUS_FOREVER),
				 -EMSGSIZE);
		ck_assert_uint_eq(size, sizeof(bytes));
		ck_assert_int_eq(buffer[room], 'x');
	}
	ck_assert_int_eq(ringbus_tap_read(tap, buffer, sizeof(buffer), &size,
					  RINGBUS_NOW),
			 0);
	ck_assert_uint_eq(size, sizeof(bytes));
	ck_assert(is_filled(buffer, size, 1));
	ck_assert_int_eq(ringbus_tap_read(tap, NULL, 0, &size, RINGBUS_NOW), 5);
	ck_assert_uint_eq(size, 0);
	t_bus_end(&b);
}

KINDS(a_tap_skips_tombstones_and_gives_up_nothing)
{
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	struct t_bus b;

	begin(&b, kind);
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put(p, 0);
	t_ok(ringbus_producer_claim(p, 3, RINGBUS_NOW));
	t_ok(ringbus_producer_abandon(p, 1, 3));
	t_put(p, 9);
	expect(tap, 0, 0);
	expect(tap, kind == RB_MULTI ? 4 : 1, 9);
	ck_assert_int_eq(ringbus_tap_lost(tap), 0);
	t_bus_end(&b);
}

static void *
cancel_soon(void *arg)
{
	t_until(t_is_asleep(getpid()));
	ringbus_tap_cancel(arg);
	return NULL;
}

TEST(a_waiting_tap_is_cancelled)
{
	struct ringbus_tap *tap;
	struct t_bus b;
	pthread_t thread;

	begin(&b, RB_SINGLE);
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, tap), 0);
	expect_error(tap, RINGBUS_FOREVER, -ECANCELED);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	expect_error(tap, RINGBUS_NOW, -EAGAIN);
	t_bus_end(&b);
}

TEST(a_tap_waits_in_every_manner)
{
	struct ringbus_tap_options o = RINGBUS_TAP_OPTIONS_INIT;
	struct t_bus b;

	begin(&b, RB_SINGLE);
	for (o.wait = 1; o.wait <= 5; o.wait++) {
		struct ringbus_tap *tap;

		t_bus_ok(b.bus, ringbus_tap_open(b.bus, "a", &o, &tap));
		expect_error(tap, 2 * T_MS, -ETIMEDOUT);
		ringbus_tap_close(tap);
	}
	t_bus_end(&b);
}

/* ------------------------------------------------------------------ at speed */

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
	uint64_t words[32];

	for (uint64_t i = f->seed; t_read(f->stop) == 0; i++) {
		size_t size = 8 + 8 * (i % 31);

		for (int k = 0; k < 32; k++)
			words[k] = i;
		t_ok(ringbus_producer_write(p, words, size, RINGBUS_FOREVER));
	}
	ringbus_close(bus);
	return 0;
}

/* All words of an event are the same number, which decides its length. */
static void
check_whole(const uint64_t *words, size_t size)
{
	ck_assert_uint_eq(size, 8 + 8 * (words[0] % 31));
	for (size_t i = 1; i < size / 8; i++)
		ck_assert_uint_eq(words[i], words[0]);
}

static void
read_a_flood(enum rb_producers kind, int n_producers, int n_reads)
{
	struct flood f = { .stop = t_counter() };
	pid_t children[4];
	struct ringbus_tap *tap;
	uint64_t words[32];
	struct t_bus b;
	size_t size;
	int64_t last = -1;

	t_bus_begin(&b,
		    "framing: framed, slots: 64, slot_size: 64,"
		    " producers: %s",
		    t_kind(kind));
	f.daemon = &b.daemon;
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	for (int i = 0; i < n_producers; i++) {
		f.seed = (uint64_t)i << 40;
		children[i] = t_child(publish_until_stopped, &f);
	}
	for (int i = 0; i < n_reads; i++) {
		int64_t sequence = ringbus_tap_read(tap, words, sizeof(words),
						    &size, T_LONG);

		t_ok(sequence);
		ck_assert_int_gt(sequence, last);
		last = sequence;
		check_whole(words, size);
	}
	t_until((ringbus_tap_read(tap, words, sizeof(words), &size, T_LONG),
		 ringbus_tap_lost(tap) > 0));
	t_store(f.stop, 1);
	for (int i = 0; i < n_producers; i++)
		t_join(children[i]);
	t_bus_end(&b);
}

TEST(a_tap_never_sees_half_an_event_single)
{
	read_a_flood(RB_SINGLE, 1, 40000);
}

TEST(a_tap_never_sees_half_an_event_multi)
{
	read_a_flood(RB_MULTI, 2, 8000);
}

/* ----------------------------------------------------------------- read-only */

struct poke {
	const struct t_daemon *daemon;
	enum rb_role role;
	enum rb_file file;
};

static const struct rb_channel *
open_as(struct ringbus *bus, enum rb_role role)
{
	if (role == RB_ROLE_TAP)
		return &ringbus_tap_channel(t_tap(bus, -1))->shm;
	if (role == RB_ROLE_PRODUCER)
		return &ringbus_producer_channel(t_produce(bus, NULL))->shm;
	return &ringbus_consumer_channel(t_consume(bus, NULL))->shm;
}

static int
write_into(void *arg)
{
	const struct poke *poke = arg;
	struct ringbus *bus = t_connect(poke->daemon);
	const struct rb_channel *shm = open_as(bus, poke->role);
	char *base = shm->segments[poke->file].base;

	/* Who looks for leaks need not report this death. */
	signal(SIGSEGV, SIG_DFL);
	base[shm->segments[poke->file].size / 2] = 1;
	ringbus_close(bus);
	return 0;
}

TEST(nobody_can_write_what_is_not_its_own)
{
	struct poke poke;
	struct t_bus b;

	t_bus_begin(&b, "slots: 64, event_size: 64");
	poke.daemon = &b.daemon;
	for (poke.role = RB_ROLE_TAP; poke.role <= RB_ROLE_CONSUMER;
	     poke.role++)
		for (poke.file = 0; poke.file < RB_FILES; poke.file++) {
			pid_t child = t_child(write_into, &poke);

			if (rb_role_writes(poke.role, poke.file, RB_CLEAR_NONE))
				t_join(child);
			else
				t_join_signal(child, SIGSEGV);
		}
	t_bus_end(&b);
}

static int
open_for_writing(void *arg)
{
	struct ringbus *bus = t_connect(arg);
	char path[64];

	t_tap(bus, RINGBUS_FROM_NOW);
	/* No descriptor of a segment stays to be opened anew. */
	for (int fd = 3; fd < 64; fd++) {
		char target[256] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) > 0)
			ck_assert(strstr(target, "/dev/shm/") == NULL);
	}
	ringbus_close(bus);
	return 0;
}

TEST(no_descriptor_of_a_segment_is_kept)
{
	struct t_bus b;

	begin(&b, RB_SINGLE);
	t_join(t_child(open_for_writing, &b.daemon));
	t_bus_end(&b);
}
