/* SPDX-License-Identifier: MIT */
/*
 * stress_group.c - four workers, one of them killed every 50 ms
 *
 * Every event is handled; twice only if who had it first was killed; and with a
 * key, those of one key in their order.
 */
#include <errno.h>
#include <signal.h>

#include "tests/fixture.h"
#include "tests/stress/stress.h"
#include "tests/system/util_bus.h"

#define WORKERS 4
#define KEYS 100
#define EVENTS_MAX (1 << 24)
#define LIVES_MAX 4096
#define KILL_EVERY_NS (50 * T_MS)

struct job {
	uint64_t key;
	uint64_t number;
};

/* What the workers leave behind, in memory that all share. */
struct ledger {
	struct rb_word64
		last_by[EVENTS_MAX];        /* 1 + the life that had it last */
	struct rb_word64 last_of[KEYS];     /* 1 + the number handled last */
	struct rb_word64 killed[LIVES_MAX]; /* by life */
	struct rb_word64 stop;
	struct rb_word64 twice;
};

static struct t_bus b;
static struct ledger *ledger;
static bool keyed;

static int
publish_jobs(void *arg)
{
	struct ringbus *bus = t_connect(&b.daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);
	uint64_t i;

	(void)arg;
	for (i = 0; i < EVENTS_MAX && t_read(&ledger->stop) == 0; i++) {
		struct job job = { i * 7 % KEYS, i };

		stress_assert(ringbus_producer_write(p, &job, sizeof(job),
						     RINGBUS_FOREVER) ==
			      (int64_t)i);
	}
	ringbus_close(bus);
	return 0;
}

struct life {
	uint64_t number;
	struct ringbus_consumer *consumer;
};

static int
handle(void *context, const struct ringbus_event *event, int end_of_batch)
{
	const struct life *self = context;
	const struct job *job = event->data;
	uint64_t before = t_read(&ledger->last_by[job->number]);

	(void)end_of_batch;
	stress_assert(job->number == (uint64_t)event->sequence);
	if (before != 0) {
		stress_assert(t_read(&ledger->killed[before - 1]) == 1);
		stress_assert(ringbus_consumer_attempt(self->consumer) > 1);
		rb_word64_store_relaxed(&ledger->twice, 1);
	}
	t_store(&ledger->last_by[job->number], self->number + 1);
	if (keyed) {
		uint64_t last = t_read(&ledger->last_of[job->key]);

		stress_assert(job->number + 1 >= last);
		t_store(&ledger->last_of[job->key], job->number + 1);
	}
	/* Long enough for a kill to find it at work. */
	for (int i = 0; i < 100; i++)
		rb_cpu_relax();
	return RINGBUS_CONTINUE;
}

static int
work(void *arg)
{
	struct life self = { .number = *(const uint64_t *)arg };
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct ringbus *bus = t_connect(&b.daemon);

	handlers.on_event = handle;
	handlers.context = &self;
	self.consumer = t_consume_as(bus, "workers", 0);
	ck_assert_int_eq(ringbus_consumer_run(self.consumer, &handlers),
			 -ESHUTDOWN);
	ringbus_close(bus);
	return 0;
}

/* Kills one after another, and starts a new one in its place. */
static void
kill_for(int64_t duration_ns, pid_t workers[WORKERS], uint64_t lives[WORKERS])
{
	int64_t end = t_now_ns() + duration_ns;
	uint64_t n_lives = WORKERS;
	unsigned random = 7;

	for (int64_t next = t_now_ns(); next < end; next += KILL_EVERY_NS) {
		int i = rand_r(&random) % WORKERS;

		while (t_now_ns() < next)
			usleep(1000);
		t_store(&ledger->killed[lives[i]], 1);
		t_kill(workers[i]);
		ck_assert_uint_lt(n_lives, LIVES_MAX);
		lives[i] = n_lives++;
		workers[i] = t_child(work, &lives[i]);
	}
}

static void
check_ledger(int64_t cursor)
{
	for (int64_t i = 0; i <= cursor; i++)
		stress_assert(t_read(&ledger->last_by[i]) != 0);
	ck_assert_int_gt(cursor, 0);
	ck_assert_uint_eq(t_read(&ledger->twice), 1);
}

static void
run(const char *producers, bool with_key)
{
	uint64_t lives[WORKERS];
	pid_t workers[WORKERS], producer;
	struct ringbus_tap *tap;

	keyed = with_key;
	ledger = fixture_share(sizeof(*ledger));
	t_bus_begin(&b,
		    "slots: 1024, event_size: 16, producers: %s, consumers: { "
		    "workers: { group: true%s } }",
		    producers, with_key ? ", key: { offset: 0, size: 8 }" : "");
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	for (uint64_t i = 0; i < WORKERS; i++) {
		lives[i] = i;
		workers[i] = t_child(work, &lives[i]);
	}
	producer = t_child(publish_jobs, NULL);
	kill_for(stress_count(2, 30) * T_SECOND, workers, lives);
	t_store(&ledger->stop, 1);
	t_join(producer);
	t_ok(ringbus_end(b.bus, "a"));
	for (int i = 0; i < WORKERS; i++)
		t_join(workers[i]);
	check_ledger(t_info(ringbus_tap_channel(tap)).cursor);
	t_bus_end(&b);
}

TEST_TIMEOUT(any_event_to_any_worker, STRESS_TIMEOUT)
{
	run("single", false);
}

TEST_TIMEOUT(any_event_to_any_worker_of_a_multi_channel, STRESS_TIMEOUT)
{
	run("multi", false);
}

TEST_TIMEOUT(events_of_a_key_in_their_order, STRESS_TIMEOUT)
{
	run("single", true);
}
