/* SPDX-License-Identifier: MIT */
/*
 * bench_waking.c - the edge between asleep and awake, in its own right
 *
 * How long a sleeper takes to have its event, beside a bare futex and an eventfd,
 * by how long it has slept. What a publisher pays when others sleep. What the
 * membarrier(2) costs that every sleeper makes so that publishers need no fence:
 * the caller, and the one on the other core. And what sleepers use of a
 * core while nothing happens.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/contest.h"
#include "bench/setup.h"
#include "bench/wake.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------- wake latency */

#define WAKE(way_, n_, asleep_)                                                \
	{                                                                      \
		.way = (way_), .n_sleepers = (n_), .asleep_ns = (asleep_),     \
		.channel = "waking"                                            \
	}

static void
run_latency(const char *id, const char *title, int64_t asleep_ns, int64_t n)
{
	struct bench_wake futex = WAKE(BENCH_WAKE_FUTEX, 1, asleep_ns);
	struct bench_wake eventfd = WAKE(BENCH_WAKE_EVENTFD, 1, asleep_ns);
	struct bench_wake blocking = WAKE(BENCH_WAKE_BLOCKING, 1, asleep_ns);
	struct bench_wake descriptor = WAKE(BENCH_WAKE_DESCRIPTOR, 1,
					    asleep_ns);
	const struct bench_contestant contestants[] = {
		{ .id = "floor-futex",
		  .name = "a bare futex",
		  .kind = BENCH_FLOOR,
		  .run = bench_wake_latency,
		  .context = &futex,
		  .n_max = n },
		{ .id = "ringbus",
		  .name = "ringbus, blocking",
		  .run = bench_wake_latency,
		  .context = &blocking,
		  .n_max = n },
		{ .id = "floor-eventfd",
		  .name = "a bare eventfd",
		  .kind = BENCH_FLOOR,
		  .run = bench_wake_latency,
		  .context = &eventfd,
		  .n_max = n },
		{ .id = "ringbus-descriptor",
		  .name = "ringbus, by descriptor",
		  .run = bench_wake_latency,
		  .context = &descriptor,
		  .n_max = n },
	};
	const struct bench_contest contest = {
		.id = id,
		.title = title,
		.unit = "ns",
		.less_is_better = true,
		.contestants = contestants,
		.n = LENGTH(contestants),
	};

	bench_contest_run(&contest);
}

/* ------------------------------------------------------- cost to publishers */

#define COST(id_, name_, kind_, wake_)                                         \
	{                                                                      \
		.id = (id_), .name = (name_), .kind = (kind_),                 \
		.run = bench_wake_cost, .context = &(wake_),                   \
		.x = (wake_).n_sleepers, .n_max = 300                          \
	}

static void
run_cost(void)
{
	static struct bench_wake blocking[] = {
		WAKE(BENCH_WAKE_BLOCKING, 0, 50 * US),
		WAKE(BENCH_WAKE_BLOCKING, 1, 50 * US),
		WAKE(BENCH_WAKE_BLOCKING, 8, 50 * US),
	};
	static struct bench_wake descriptor[] = {
		WAKE(BENCH_WAKE_DESCRIPTOR, 1, 50 * US),
		WAKE(BENCH_WAKE_DESCRIPTOR, 8, 50 * US),
	};
	static struct bench_wake futex[] = {
		WAKE(BENCH_WAKE_FUTEX, 0, 50 * US),
		WAKE(BENCH_WAKE_FUTEX, 1, 50 * US),
		WAKE(BENCH_WAKE_FUTEX, 8, 50 * US),
	};
	const struct bench_contestant contestants[] = {
		COST("ringbus-0", "a publish", BENCH_RINGBUS, blocking[0]),
		COST("ringbus-1", "a publish", BENCH_RINGBUS, blocking[1]),
		COST("ringbus-8", "a publish", BENCH_RINGBUS, blocking[2]),
		COST("descriptor-1", "a publish, by descriptor", BENCH_RINGBUS,
		     descriptor[0]),
		COST("descriptor-8", "a publish, by descriptor", BENCH_RINGBUS,
		     descriptor[1]),
		COST("floor-futex-0", "a FUTEX_WAKE", BENCH_FLOOR, futex[0]),
		COST("floor-futex-1", "a FUTEX_WAKE", BENCH_FLOOR, futex[1]),
		COST("floor-futex-8", "a FUTEX_WAKE", BENCH_FLOOR, futex[2]),
	};
	const struct bench_contest contest = {
		.id = "waking-publish",
		.title = "what a publish costs that wakes, with two reads of "
			 "the clock",
		.unit = "ns",
		.less_is_better = true,
		.x_name = "sleepers",
		.contestants = contestants,
		.n = LENGTH(contestants),
	};

	bench_contest_run(&contest);
}

/* -------------------------------------------------------------- membarrier */

/* Who is on the other core. */
struct victim {
	bool is_there;
	bool takes_part;   /* registered, as all of ringbus are */
	bool is_what_pays; /* the figure is what it loses, not what we take */
};

struct barriers {
	int n_arrived;
	const struct victim *victim;
	_Alignas(128) _Atomic bool is_over;
	int64_t lost_ns;
};

static int
membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

/* Spins, and adds up when it was kept from it. */
static int
spin(void *context)
{
	struct barriers *b = context;
	int64_t last, now;

	if (b->victim->takes_part)
		membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
	bench_meet(&b->n_arrived, 2);
	last = bench_clock_ns();
	while (!atomic_load_explicit(&b->is_over, memory_order_relaxed)) {
		now = bench_clock_ns();
		if (now - last > 300) /* longer than a read of the clock */
			b->lost_ns += now - last;
		last = now;
	}
	return 0;
}

static double
run_barriers(void *context, int64_t n)
{
	struct barriers *b = bench_share(sizeof(*b));
	int64_t start;
	pid_t pid = 0;
	double figure;

	b->victim = context;
	bench_pin(BENCH_PRODUCER_CPU);
	if (b->victim->is_there) {
		pid = bench_child(BENCH_CONSUMER_CPU, spin, b);
		bench_meet(&b->n_arrived, 2);
	}
	start = bench_clock_ns();
	for (int64_t i = 0; i < n; i++)
		bench_check("membarrier",
			    membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED));
	figure = (double)(bench_clock_ns() - start) / (double)n;
	atomic_store(&b->is_over, true);
	if (pid != 0)
		bench_join(pid);
	if (b->victim->is_what_pays)
		figure = (double)b->lost_ns / (double)n;
	bench_unshare(b, sizeof(*b));
	return figure;
}

#define BARRIER(id_, name_, ...)                                               \
	{                                                                      \
		.id = (id_), .name = (name_), .kind = BENCH_FLOOR,             \
		.run = run_barriers,                                           \
		.context = &(struct victim){ __VA_ARGS__ }, .n_max = 10000     \
	}

static void
run_membarrier(void)
{
	const struct bench_contestant contestants[] = {
		BARRIER("idle", "while the other core is idle", .is_there = 0),
		BARRIER("busy", "while one that takes part spins there",
			.is_there = 1, .takes_part = 1),
		BARRIER("stranger", "while one that does not spins there",
			.is_there = 1),
		BARRIER("lost", "what it takes from one that takes part",
			.is_there = 1, .takes_part = 1, .is_what_pays = 1),
		BARRIER("lost-stranger", "and from one that does not",
			.is_there = 1, .is_what_pays = 1),
	};
	const struct bench_contest contest = {
		.id = "membarrier",
		.title = "a sleeper's membarrier",
		.unit = "ns",
		.less_is_better = true,
		.contestants = contestants,
		.n = LENGTH(contestants),
	};

	if (membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0)
		bench_contest_run(&contest);
}

/* -------------------------------------------------------------------- idle */

#define IDLE_NS (200 * MS)
#define SETTLE_NS (20 * MS) /* until who will sleep sleeps */

struct idler {
	int *n_arrived;
	const char *wait; /* NULL: by descriptor */
};

static int
ignore(void *context, const struct ringbus_event *event, int end_of_batch)
{
	(void)context;
	(void)event;
	(void)end_of_batch;
	return RINGBUS_CONTINUE;
}

/* Waits for one event. */
static int
idle(void *context)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	const struct idler *idler = context;
	struct ringbus *bus = bench_connect();
	struct ringbus_consumer *c;

	o.wait = idler->wait ? ringbus_wait_by_name(idler->wait) : 0;
	bench_check("consumer", ringbus_consumer_open(bus, "waking", &o, &c));
	bench_meet(idler->n_arrived, 2);
	if (idler->wait == NULL) {
		struct pollfd fd = { ringbus_consumer_fd(c), POLLIN, 0 };

		if (bench_check("arm", ringbus_consumer_arm(c)) == 0)
			poll(&fd, 1, -1);
	} else {
		bench_check("wait", ringbus_consumer_wait(c, RINGBUS_FOREVER));
	}
	ringbus_consumer_poll(c, 1, ignore, NULL);
	ringbus_close(bus);
	return 0;
}

static void
nap(int64_t ns)
{
	struct timespec time = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&time, NULL);
}

static int64_t
used_ns(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	bench_check("clock", -clock_getcpuclockid(pid, &clock));
	clock_gettime(clock, &used);
	return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}

static double
run_idle(void *context, int64_t n)
{
	struct idler *idler = context;
	struct ringbus *bus = bench_connect();
	struct ringbus_producer *p;
	int64_t before, value = 0;
	double figure;
	pid_t pid;

	(void)n;
	idler->n_arrived = bench_share(sizeof(*idler->n_arrived));
	pid = bench_child(BENCH_CONSUMER_CPU, idle, idler);
	bench_check("producer", ringbus_producer_open(bus, "waking", NULL, &p));
	bench_meet(idler->n_arrived, 2);
	nap(SETTLE_NS);
	before = used_ns(pid);
	nap(IDLE_NS);
	figure = (double)(used_ns(pid) - before) / 1e3 * 1e9 / IDLE_NS;
	bench_check("write", ringbus_producer_write(p, &value, sizeof(value),
						    RINGBUS_NOW));
	bench_join(pid);
	ringbus_close(bus);
	bench_unshare(idler->n_arrived, sizeof(*idler->n_arrived));
	return figure;
}

#define IDLER(id_, name_, wait_)                                               \
	{                                                                      \
		.id = (id_), .name = (name_), .run = run_idle,                 \
		.context = &(struct idler){ .wait = (wait_) }, .n_max = 1      \
	}

static void
run_idlers(void)
{
	const struct bench_contestant contestants[] = {
		IDLER("blocking", "blocking", "blocking"),
		IDLER("phased-backoff", "phased_backoff", "phased_backoff"),
		IDLER("sleeping", "sleeping", "sleeping"),
		IDLER("descriptor", "by descriptor", NULL),
	};
	const struct bench_contest contest = {
		.id = "idle",
		.title = "what one that waits for nothing uses of a core",
		.unit = "us/s",
		.less_is_better = true,
		.contestants = contestants,
		.n = LENGTH(contestants),
	};

	bench_contest_run(&contest);
}

int
main(void)
{
	/* First: who has used ringbus is registered, and so are his children. */
	run_membarrier();
	bench_start_daemon("  waking: { slots: 1024, event_size: 8 }\n");
	run_latency("waking-20us", "a wake-up after 20 us asleep", 20 * US,
		    1000);
	run_latency("waking-100us", "a wake-up after 100 us asleep", 100 * US,
		    500);
	run_latency("waking-1ms", "a wake-up after 1 ms asleep", MS, 90);
	run_latency("waking-10ms", "a wake-up after 10 ms asleep", 10 * MS, 10);
	run_cost();
	run_idlers();
	return 0;
}
