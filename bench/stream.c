/* SPDX-License-Identifier: MIT */
/*
 * stream.c - see stream.h
 */
#include "bench/stream.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/payload.h"
#include "bench/setup.h"

#define SIDES_MAX 8
#define PAGE 4096

/* At the start of the memory between the sides. */
struct bench_meeting {
	_Alignas(128) int n_here; /* atomic */
	_Atomic int n_done;
	_Alignas(128) _Atomic int64_t start_ns; /* 0: not yet */
	int64_t end_ns;
	uint64_t sum, returned_sum;
};

/* A page of its own, so that the memory begins with one. */
#define MEETING_SIZE ((size_t)PAGE)

static int
n_senders(const struct bench_run *run)
{
	return run->n_senders > 0 ? run->n_senders : 1;
}

void
bench_run_meet(struct bench_run *run)
{
	struct bench_meeting *meeting = run->meeting;
	int64_t none = 0;

	bench_meet(&meeting->n_here, n_senders(run) + 1);
	if (run->sender < n_senders(run))
		atomic_compare_exchange_strong(&meeting->start_ns, &none,
					       bench_clock_ns());
}

void
bench_received(struct bench_run *run, uint64_t sum)
{
	run->meeting->end_ns = bench_clock_ns();
	run->meeting->sum = sum;
}

void
bench_returned(struct bench_run *run, uint64_t sum)
{
	run->meeting->returned_sum = sum;
}

/* Each process has page tables of its own: a read is enough for an entry. */
static void
touch(const char *memory, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		atomic_load_explicit((const _Atomic char *)memory + at,
				     memory_order_relaxed);
}

struct side {
	struct bench_run run; /* its own copy */
	void (*work)(struct bench_run *run);
	size_t size;
	int cpu;
	pid_t pid;
	pthread_t thread;
};

/* Threads of a library may still have something to deliver. */
static void
leave_together(struct bench_meeting *meeting, int n)
{
	struct timespec nap = { .tv_nsec = 1000000 };

	atomic_fetch_add(&meeting->n_done, 1);
	while (atomic_load(&meeting->n_done) < n)
		nanosleep(&nap, NULL);
}

static int
work_in_process(void *context)
{
	struct side *side = context;

	touch(side->run.memory, side->size);
	side->work(&side->run);
	leave_together(side->run.meeting, n_senders(&side->run) + 1);
	return 0;
}

static void *
work_in_thread(void *context)
{
	struct side *side = context;

	bench_pin(side->cpu);
	side->work(&side->run);
	return NULL;
}

static void
start(struct side *side)
{
	int err;

	if (!side->run.in_threads) {
		side->pid = bench_child(side->cpu, work_in_process, side);
		return;
	}
	err = pthread_create(&side->thread, NULL, work_in_thread, side);
	bench_check("thread", -err);
}

static void
join(const struct side *sides, int n)
{
	pid_t pids[SIDES_MAX];

	for (int i = 0; i < n; i++)
		if (sides[i].run.in_threads)
			pthread_join(sides[i].thread, NULL);
		else
			pids[i] = sides[i].pid;
	if (!sides[0].run.in_threads)
		bench_join_all(pids, n);
}

/* Nobody is fast who loses something. */
static void
check_sum(const struct bench_run *run, uint64_t sum)
{
	const struct bench_stream *stream = run->stream;

	if (sum == bench_sum_of_all(stream->n, stream->size))
		return;
	bench_fail("not what was sent has come");
}

static int
sender_cpu(int sender)
{
	return sender == 0 ? BENCH_PRODUCER_CPU : BENCH_CONSUMER_CPU + sender;
}

static void
run_sides(struct bench_run *run, size_t size)
{
	struct side sides[SIDES_MAX];
	int n = n_senders(run) + 1;

	for (int i = 0; i < n; i++) {
		bool sends = i < n - 1;

		sides[i].run = *run;
		sides[i].run.sender = i;
		sides[i].work = sends ? run->send : run->receive;
		sides[i].size = size;
		sides[i].cpu = sends ? sender_cpu(i) : BENCH_CONSUMER_CPU;
		start(&sides[i]);
	}
	join(sides, n);
}

double
bench_run_stream(struct bench_run *run, size_t size)
{
	int64_t took_ns;

	run->meeting = bench_share(MEETING_SIZE + size);
	run->memory = (char *)run->meeting + MEETING_SIZE;
	run_sides(run, size);
	took_ns = run->meeting->end_ns - run->meeting->start_ns;
	check_sum(run, run->meeting->sum);
	bench_unshare(run->meeting, MEETING_SIZE + size);
	return (double)run->stream->n * 1e3 / (double)took_ns;
}

void
bench_run_trips(struct bench_run *run, size_t size, int64_t *ret_ns)
{
	size_t trips_size = (size_t)run->stream->n * sizeof(*ret_ns);
	size_t all = MEETING_SIZE + trips_size + size;

	run->meeting = bench_share(all);
	run->trips_ns = (int64_t *)((char *)run->meeting + MEETING_SIZE + size);
	run->memory = (char *)run->meeting + MEETING_SIZE;
	run_sides(run, size + trips_size);
	check_sum(run, run->meeting->sum);
	check_sum(run, run->meeting->returned_sum);
	memcpy(ret_ns, run->trips_ns, trips_size);
	bench_unshare(run->meeting, all);
}
