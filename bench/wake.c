/* SPDX-License-Identifier: MIT */
/*
 * wake.c - see wake.h
 */
#include "bench/wake.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/setup.h"

/* Between waker and sleepers. */
struct shared {
	int n_arrived;
	int eventfd;
	_Alignas(128) _Atomic uint32_t word; /* the futex */
	_Alignas(128) _Atomic int64_t start_ns;
	struct {
		_Alignas(128) _Atomic int64_t n_down; /* times it lay down */
		_Atomic uint64_t sleeps; /* in ringbus, before the last time */
	} sleepers[BENCH_SLEEPERS_MAX];
	int64_t times_ns[]; /* of n turns */
};

/* A process of a run. */
struct side {
	const struct bench_wake *wake;
	struct shared *shared;
	int64_t n;
	bool notes_latency; /* else what the call costs */
	int index;          /* of a sleeper */
	struct ringbus *bus;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
};

static const char *const names[BENCH_SLEEPERS_MAX] = {
	"sleeper-0", "sleeper-1", "sleeper-2", "sleeper-3",
	"sleeper-4", "sleeper-5", "sleeper-6", "sleeper-7",
};

static uint64_t
sleeps_of(const struct ringbus_channel *channel, int index)
{
	struct ringbus_member member = { .size = sizeof(member) };

	if (ringbus_channel_find(channel, RINGBUS_CONSUMER, names[index],
				 &member) != 1)
		bench_fail("wake: a sleeper is not there");
	return member.sleeps;
}

/* From here on it sleeps as soon as it can. */
static void
lie_down(struct side *s, int64_t turn)
{
	atomic_store(&s->shared->sleepers[s->index].n_down, turn + 1);
}

/* --------------------------------------------------------------- the ways */

static long
futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void
sleep_on_futex(struct side *s, int64_t turn)
{
	lie_down(s, turn);
	while (atomic_load(&s->shared->word) == (uint32_t)turn)
		futex(&s->shared->word, FUTEX_WAIT, (uint32_t)turn);
}

static void
wake_futex(struct side *s, int64_t turn)
{
	atomic_store(&s->shared->word, (uint32_t)turn + 1);
	futex(&s->shared->word, FUTEX_WAKE, INT_MAX);
}

static void
sleep_on_eventfd(struct side *s, int64_t turn)
{
	uint64_t value;

	lie_down(s, turn);
	if (read(s->shared->eventfd, &value, sizeof(value)) != sizeof(value))
		bench_check("eventfd", -errno);
}

static void
wake_eventfd(struct side *s, int64_t turn)
{
	uint64_t one = 1;

	(void)turn;
	if (write(s->shared->eventfd, &one, sizeof(one)) != sizeof(one))
		bench_check("eventfd", -errno);
}

static int
check_event(void *context, const struct ringbus_event *event, int end_of_batch)
{
	(void)end_of_batch;
	if (*(const int64_t *)event->data != *(const int64_t *)context)
		bench_fail("wake: another event");
	return RINGBUS_CONTINUE;
}

static int
take_event(struct side *s, int64_t turn)
{
	return (int)bench_check(
		"poll", ringbus_consumer_poll(s->c, 1, check_event, &turn));
}

static void
sleep_blocking(struct side *s, int64_t turn)
{
	struct ringbus_event event;
	uint64_t before = sleeps_of(ringbus_consumer_channel(s->c), s->index);

	atomic_store(&s->shared->sleepers[s->index].sleeps, before);
	lie_down(s, turn);
	bench_check("wait", ringbus_consumer_wait(s->c, RINGBUS_FOREVER));
	if (ringbus_consumer_next(s->c, &event) != 1)
		bench_fail("wake: nothing to read");
	check_event(&turn, &event, 1);
}

static void
sleep_by_descriptor(struct side *s, int64_t turn)
{
	struct pollfd fd = { ringbus_consumer_fd(s->c), POLLIN, 0 };

	while (take_event(s, turn) != RINGBUS_PROCESSING) {
		if (bench_check("arm", ringbus_consumer_arm(s->c)) == 1)
			continue;
		lie_down(s, turn);
		poll(&fd, 1, -1);
	}
}

static void
publish(struct side *s, int64_t turn)
{
	int64_t at = ringbus_producer_claim(s->p, 1, RINGBUS_FOREVER);

	bench_check("claim", at);
	*(int64_t *)ringbus_producer_slot(s->p, at) = turn;
	ringbus_producer_publish(s->p, at, at);
}

static const struct {
	void (*sleep)(struct side *s,
		      int64_t turn); /* until it has the event */
	void (*wake)(struct side *s, int64_t turn);
} ways[] = {
	[BENCH_WAKE_FUTEX] = { sleep_on_futex, wake_futex },
	[BENCH_WAKE_EVENTFD] = { sleep_on_eventfd, wake_eventfd },
	[BENCH_WAKE_BLOCKING] = { sleep_blocking, publish },
	[BENCH_WAKE_DESCRIPTOR] = { sleep_by_descriptor, publish },
};

/* ---------------------------------------------------------------- sleepers */

static bool
is_ringbus(const struct bench_wake *wake)
{
	return wake->way == BENCH_WAKE_BLOCKING ||
	       wake->way == BENCH_WAKE_DESCRIPTOR;
}

static void
open_consumer(struct side *s)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	if (!is_ringbus(s->wake))
		return;
	o.name = names[s->index];
	o.wait = RINGBUS_WAIT_BLOCKING;
	s->bus = bench_connect();
	bench_check("consumer",
		    ringbus_consumer_open(s->bus, s->wake->channel, &o, &s->c));
}

static int
sleep_often(void *context)
{
	struct side *s = context;

	open_consumer(s);
	bench_meet(&s->shared->n_arrived, s->wake->n_sleepers + 1);
	for (int64_t turn = 0; turn < s->n; turn++) {
		ways[s->wake->way].sleep(s, turn);
		if (s->index == 0 && s->notes_latency)
			s->shared->times_ns[turn] =
				bench_clock_ns() -
				atomic_load(&s->shared->start_ns);
		if (s->c != NULL)
			bench_check("commit", ringbus_consumer_commit(s->c));
	}
	ringbus_close(s->bus);
	return 0;
}

/* --------------------------------------------------------------- the waker */

static bool
is_asleep(const struct side *s, int index, int64_t turn)
{
	if (atomic_load(&s->shared->sleepers[index].n_down) != turn + 1)
		return false;
	return s->wake->way != BENCH_WAKE_BLOCKING ||
	       sleeps_of(ringbus_producer_channel(s->p), index) >
		       atomic_load(&s->shared->sleepers[index].sleeps);
}

static void
wait_until_asleep(const struct side *s, int64_t turn)
{
	int64_t end;

	for (int i = 0; i < s->wake->n_sleepers; i++)
		while (!is_asleep(s, i, turn))
			;
	end = bench_clock_ns() + s->wake->asleep_ns;
	while (bench_clock_ns() < end)
		;
}

static void
wake_often(struct side *s)
{
	bench_pin(BENCH_PRODUCER_CPU);
	if (is_ringbus(s->wake)) {
		s->bus = bench_connect();
		bench_check("producer",
			    ringbus_producer_open(s->bus, s->wake->channel,
						  NULL, &s->p));
	}
	bench_meet(&s->shared->n_arrived, s->wake->n_sleepers + 1);
	for (int64_t turn = 0; turn < s->n; turn++) {
		int64_t start;

		wait_until_asleep(s, turn);
		start = bench_clock_ns();
		atomic_store(&s->shared->start_ns, start);
		ways[s->wake->way].wake(s, turn);
		if (!s->notes_latency)
			s->shared->times_ns[turn] = bench_clock_ns() - start;
	}
}

/* ------------------------------------------------------------------ a run */

static double
run(const struct bench_wake *wake, int64_t n, bool notes_latency)
{
	size_t size = sizeof(struct shared) + (size_t)n * sizeof(int64_t);
	struct side side = { .wake = wake,
			     .n = n,
			     .notes_latency = notes_latency };
	pid_t pids[BENCH_SLEEPERS_MAX];
	double median;

	side.shared = bench_share(size);
	side.shared->eventfd = (int)bench_check("eventfd",
						eventfd(0, EFD_CLOEXEC));
	for (side.index = 0; side.index < wake->n_sleepers; side.index++)
		pids[side.index] = bench_child(BENCH_CONSUMER_CPU, sleep_often,
					       &side);
	wake_often(&side);
	for (int i = 0; i < wake->n_sleepers; i++)
		bench_join(pids[i]);
	ringbus_close(side.bus);
	bench_sort(side.shared->times_ns, n);
	median = (double)side.shared->times_ns[n / 2];
	close(side.shared->eventfd);
	bench_unshare(side.shared, size);
	return median;
}

double
bench_wake_latency(void *wake, int64_t n)
{
	return run(wake, n, true);
}

double
bench_wake_cost(void *wake, int64_t n)
{
	return run(wake, n, false);
}
