/* SPDX-License-Identifier: MIT */
/*
 * bench_claim.c - what it costs that any producer may die at any instruction
 *
 * The multi-producer claim and publish as they are, against the same without all
 * that only a death needs: no intent, no size, no note of what is owned. Ring,
 * stamps, capacity, the look for sleepers and for the end of the stream are the
 * same, and both are calls. Once with claims that wait for ever (fetch-add), once
 * with claims that may be given up (CAS); one producer, and two that contend, each
 * in a process of its own.
 *
 * Nobody reads: what a consumer costs would only hide the difference. What is
 * measured is processor time, so that it is no price what others use of the
 * machine. This is the one benchmark that knows the inside of the library.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench/contest.h"
#include "bench/setup.h"
#include "shm/channel.h"
#include "shm/member.h"
#include "shm/sequencer.h"

#define SLOTS 65536
#define TURNS 50
#define LATER INT64_C(3600000000000) /* a deadline that never comes */

struct way {
	int64_t (*claim)(struct rb_sequencer *s);
	int (*publish)(struct rb_sequencer *s, int64_t sequence);
};

/* The bare way and ours take turns within a run: what else goes on in the
 * machine meets both. */
struct run {
	int n_producers;
	struct way ways[2];
	int64_t n; /* events in a turn */
	double figures[2];
};

/* One run's channel. */
static int fds[RB_FILES];
static struct rb_channel channel;

/* What its processes share. */
static struct {
	int n_arrived;
	_Atomic int64_t used_ns[2];
} * shared;

/* ------------------------------------------------------------- contestants */

static int64_t
claim_for_ever(struct rb_sequencer *s)
{
	return rb_multi_claim(s, 1, -1);
}

static int64_t
claim_or_give_up(struct rb_sequencer *s)
{
	return rb_multi_claim(s, 1, LATER);
}

static int
publish(struct rb_sequencer *s, int64_t sequence)
{
	return rb_multi_publish(s, sequence, sequence);
}

static int
wait_for_room(struct rb_sequencer *s, int64_t hi)
{
	return rb_sequencer_wait_for_room(s, hi, -1, true);
}

static int64_t
claim_bare_by_add(struct rb_sequencer *s)
{
	/* ORDER(none, acq_rel) - as in claim_and_wait(). */
	int64_t hi = rb_seq_add_acq_rel(&s->channel->ring->claimed, 1) + 1;

	if (rb_unlikely(hi - s->capacity > s->gate) && wait_for_room(s, hi) < 0)
		return -ESHUTDOWN;
	rb_fence_release();
	return hi;
}

static int64_t
claim_bare_by_cas(struct rb_sequencer *s)
{
	struct rb_sequence *claimed = &s->channel->ring->claimed;
	/* ORDER(none, relaxed) - the CAS checks it. */
	int64_t found = rb_seq_load_relaxed(claimed);

	do
		if (rb_unlikely(found + 1 - s->capacity > s->gate) &&
		    wait_for_room(s, found + 1) < 0)
			return -ESHUTDOWN;
	/* ORDER(none, acq_rel) - as in wait_and_claim(). */
	while (!rb_seq_cas_acq_rel(claimed, &found, found + 1));
	rb_fence_release();
	return found + 1;
}

static int
publish_bare(struct rb_sequencer *s, int64_t sequence)
{
	/* ORDER(none, release) - as in stamp(). */
	rb_word64_store_release(rb_channel_stamp(s->channel, sequence),
				rb_stamp(sequence, RB_STAMP_EVENT));
	if (rb_likely(!s->fence && rb_sequencer_is_quiet(s)))
		return 0;
	return rb_sequencer_finish(s, sequence);
}

/* --------------------------------------------------------------- one run */

static void
make_channel(void)
{
	const struct rb_channel_format format = {
		.name = "bench",
		.generation = 1,
		.wait = RB_WAIT_BUSY_SPIN,
		.wake = RB_WAKE_MEMBARRIER,
		.max_producers = RB_PRODUCERS_MAX,
		.max_consumers = RB_CONSUMERS_MAX,
	};
	struct rb_geometry geometry;

	bench_check("geometry", rb_geometry_init(&geometry, SLOTS, 8, 0,
						 RB_FIXED, RB_MULTI));
	for (int i = 0; i < RB_FILES; i++) {
		off_t size = (off_t)rb_channel_file_size(&geometry, i);

		fds[i] = memfd_create(rb_file_names[i], MFD_CLOEXEC);
		if (fds[i] < 0 || ftruncate(fds[i], size) < 0)
			bench_check("memfd", -errno);
	}
	bench_check("format",
		    rb_channel_format(&channel, fds, &geometry, &format));
	rb_channel_open(&channel);
}

static void
remove_channel(void)
{
	rb_channel_detach(&channel);
	for (int i = 0; i < RB_FILES; i++)
		close(fds[i]);
}

struct seat {
	const struct run *run;
	unsigned index;
	uint32_t epoch;
};

static int64_t
used_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}

static void
take_turn(struct rb_sequencer *s, const struct way *way, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		int64_t sequence = way->claim(s);

		if (sequence < 0)
			bench_check("claim", sequence);
		*(int64_t *)rb_channel_slot(s->channel, sequence) = i;
		bench_check("publish", way->publish(s, sequence));
	}
}

static int
produce(void *context)
{
	const struct seat *seat = context;
	const struct run *run = seat->run;
	struct rb_channel own;
	struct rb_sequencer s;

	bench_check("attach", rb_channel_attach(&own, fds, RB_ROLE_PRODUCER));
	rb_sequencer_init(&s, &own, seat->index, seat->epoch);
	for (int turn = 0; turn < 2 * TURNS; turn++) {
		int64_t start;

		/* All of the producers begin a turn together. */
		bench_meet(&shared->n_arrived, (turn + 1) * run->n_producers);
		start = used_ns();
		take_turn(&s, &run->ways[turn % 2], run->n);
		atomic_fetch_add(&shared->used_ns[turn % 2], used_ns() - start);
	}
	return 0;
}

static struct seat
take_seat(const struct run *run)
{
	struct rb_identity who = { "producer", (uint32_t)getpid(), 1, 0 };
	unsigned index = (unsigned)bench_check(
		"seat", rb_member_find_producer(&channel));

	return (struct seat){
		.run = run,
		.index = index,
		.epoch = rb_member_join_producer(&channel, index, &who),
	};
}

static double
measure_both(void *context, int64_t n)
{
	struct run *run = context;
	struct seat seats[2];
	pid_t pids[2];

	run->n = n / TURNS / run->n_producers + 1;
	make_channel();
	memset(shared, 0, sizeof(*shared));
	for (int i = 0; i < run->n_producers; i++) {
		seats[i] = take_seat(run);
		pids[i] = bench_child(i, produce, &seats[i]);
	}
	bench_join_all(pids, run->n_producers);
	remove_channel();
	for (int i = 0; i < 2; i++)
		run->figures[i] = (double)(run->n * TURNS) * run->n_producers *
				  run->n_producers * 1e3 /
				  (double)shared->used_ns[i];
	return run->figures[0];
}

static double
recall_ours(void *context, int64_t n)
{
	struct run *run = context;

	if (run->figures[1] == 0)
		measure_both(context, n);
	return run->figures[1];
}

static void
compare(const char *id, const char *title, struct run *run)
{
	const struct bench_contestant contestants[] = {
		{ .id = "floor",
		  .name = "bare claim",
		  .kind = BENCH_FLOOR,
		  .run = measure_both,
		  .context = run },
		{ .id = "ringbus",
		  .name = "ringbus",
		  .run = recall_ours,
		  .context = run },
	};
	const struct bench_contest contest = {
		.id = id,
		.title = title,
		.unit = "M/s",
		.contestants = contestants,
		.n = sizeof(contestants) / sizeof(contestants[0]),
	};

	bench_contest_run(&contest);
}

static void
compare_both(const char *ids[2], const char *titles[2], int n_producers)
{
	struct run add = { .n_producers = n_producers,
			   .ways = { { claim_bare_by_add, publish_bare },
				     { claim_for_ever, publish } } };
	struct run cas = { .n_producers = n_producers,
			   .ways = { { claim_bare_by_cas, publish_bare },
				     { claim_or_give_up, publish } } };

	compare(ids[0], titles[0], &add);
	compare(ids[1], titles[1], &cas);
}

int
main(void)
{
	shared = bench_share(sizeof(*shared));
	bench_check("register", rb_wait_register());
	compare_both((const char *[]){ "claim-add", "claim-cas" },
		     (const char *[]){
			     "claim and publish, by fetch-add, nobody reads",
			     "claim and publish, by CAS, nobody reads" },
		     1);
	compare_both((const char *[]){ "claim-add-2", "claim-cas-2" },
		     (const char *[]){ "the same by fetch-add, two producers",
				       "the same by CAS, two producers" },
		     2);
	return 0;
}
