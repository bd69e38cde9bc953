/* SPDX-License-Identifier: MIT */
/*
 * floor_trip.c - a cache line there and one back, spinning and asleep
 *
 * The line is its own message: it begins with the number of the move, stored
 * last, and whoever waits looks at nothing else. Odd moves are the sender's. Both
 * ways may have one line; two are what two queues need at least.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/floor.h"
#include "bench/payload.h"
#include "bench/setup.h"

struct line {
	_Alignas(128) _Atomic uint32_t move;
	uint64_t rest[7]; /* of the event, whose first word is the move */
};

struct way {
	bool is_apart; /* a line for each way */
	void (*wake)(struct line *line);
	void (*await)(struct line *line, uint32_t move);
};

static inline __attribute__((always_inline)) struct line *
line_of(struct line *lines, uint32_t move, const struct way *way)
{
	return way->is_apart ? &lines[move % 2] : lines;
}

static inline __attribute__((always_inline)) void
hit(struct line *lines, uint32_t move, size_t size, const struct way *way)
{
	struct line *line = line_of(lines, move, way);

	bench_fill(line->rest, size - sizeof(uint64_t), (move + 1) / 2);
	atomic_store_explicit(&line->move, move, memory_order_release);
	way->wake(line);
}

/* Waits for that move and reads its event. */
static inline __attribute__((always_inline)) uint64_t
take(struct line *lines, uint32_t move, size_t size, const struct way *way)
{
	struct line *line = line_of(lines, move, way);

	way->await(line, move);
	return (move - 1) / 2 + bench_sum(line->rest, size - sizeof(uint64_t));
}

static inline __attribute__((always_inline)) void
ping(struct bench_run *run, const struct way *way)
{
	size_t size = run->stream->size;
	uint64_t sum = 0;

	bench_run_meet(run);
	for (int64_t i = 0; i < run->stream->n; i++) {
		uint32_t move = (uint32_t)i * 2 + 1;
		int64_t start = bench_clock_ns();

		hit(run->memory, move, size, way);
		sum += take(run->memory, move + 1, size, way);
		run->trips_ns[i] = bench_clock_ns() - start;
	}
	bench_returned(run, sum);
}

static inline __attribute__((always_inline)) void
pong(struct bench_run *run, const struct way *way)
{
	size_t size = run->stream->size;
	uint64_t sum = 0;

	bench_run_meet(run);
	for (int64_t i = 0; i < run->stream->n; i++) {
		uint32_t move = (uint32_t)i * 2 + 1;

		sum += take(run->memory, move, size, way);
		hit(run->memory, move + 1, size, way);
	}
	bench_received(run, sum);
}

/* ---------------------------------------------------------------- spinning */

static inline uint32_t
look(struct line *line)
{
	return atomic_load_explicit(&line->move, memory_order_acquire);
}

static inline void
wake_nobody(struct line *line)
{
	(void)line;
}

static inline void
spin(struct line *line, uint32_t move)
{
	while (look(line) != move)
		;
}

static const struct way spinning = { false, wake_nobody, spin };
static const struct way apart = { true, wake_nobody, spin };

static void
ping_spinning(struct bench_run *run)
{
	ping(run, &spinning);
}

static void
pong_spinning(struct bench_run *run)
{
	pong(run, &spinning);
}

static void
ping_apart(struct bench_run *run)
{
	ping(run, &apart);
}

static void
pong_apart(struct bench_run *run)
{
	pong(run, &apart);
}

/* ------------------------------------------------------------------ asleep */

static void
futex(struct line *line, int operation, uint32_t value)
{
	long err = syscall(SYS_futex, &line->move, operation, value, NULL);

	if (err < 0 && errno != EAGAIN && errno != EINTR)
		bench_check("futex", -errno);
}

static void
wake_by_futex(struct line *line)
{
	futex(line, FUTEX_WAKE, 1);
}

static void
sleep_on_futex(struct line *line, uint32_t move)
{
	for (uint32_t found; (found = look(line)) != move;)
		futex(line, FUTEX_WAIT, found);
}

static const struct way asleep = { false, wake_by_futex, sleep_on_futex };

static void
ping_asleep(struct bench_run *run)
{
	ping(run, &asleep);
}

static void
pong_asleep(struct bench_run *run)
{
	pong(run, &asleep);
}

/* -------------------------------------------------------------------- runs */

static void
run_trips(const struct bench_stream *stream, void (*send)(struct bench_run *),
	  void (*receive)(struct bench_run *), int64_t *ret_ns)
{
	struct bench_run run = {
		.send = send,
		.receive = receive,
		.stream = stream,
	};

	bench_run_trips(&run, 2 * sizeof(struct line), ret_ns);
}

void
floor_line_ping_pong(int64_t *ret_ns, int n, size_t size)
{
	const struct bench_stream stream = { .n = n, .size = size };

	run_trips(&stream, ping_spinning, pong_spinning, ret_ns);
}

void
floor_lines_ping_pong(int64_t *ret_ns, int n, size_t size)
{
	const struct bench_stream stream = { .n = n, .size = size };

	run_trips(&stream, ping_apart, pong_apart, ret_ns);
}

void
floor_futex_ping_pong(int64_t *ret_ns, int n, size_t size)
{
	const struct bench_stream stream = { .n = n, .size = size };

	run_trips(&stream, ping_asleep, pong_asleep, ret_ns);
}
