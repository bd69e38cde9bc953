/* SPDX-License-Identifier: MIT */
/*
 * peer_boost_spsc.cc - boost::lockfree::spsc_queue between two threads
 *
 * With a capacity known to the compiler, which makes it quicker; its buffer has
 * been gone through once. An event is a value that is pushed and popped; in
 * batches an array is pushed, and what is there is consumed in place.
 */
#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <memory>

#include "bench/payload.h"
#include "bench/peer_lane.h"

extern "C" {
#include "bench/setup.h"
}

namespace
{

constexpr std::int64_t BATCH_MAX = 16;

template <std::size_t size> struct alignas(size < 64 ? size : 64) event {
	char data[size];
};

template <std::size_t size>
constexpr std::size_t n_slots = size > 64 ? 4096 : 65536;

template <std::size_t size>
using queue = boost::lockfree::spsc_queue<
	event<size>, boost::lockfree::capacity<n_slots<size>>>;

template <std::size_t size> struct queues {
	queue<size> there, back;
};

template <std::size_t size>
void
touch(queue<size> &queue)
{
	event<size> event = {};

	for (std::size_t i = 0; i < n_slots<size>; i++)
		queue.push(event);
	for (std::size_t i = 0; i < n_slots<size>; i++)
		queue.pop(event);
}

template <std::size_t size>
void
push(queue<size> &queue, std::int64_t i)
{
	event<size> event;

	bench_fill(event.data, size, static_cast<std::uint64_t>(i));
	while (!queue.push(event))
		;
}

template <std::size_t size>
std::uint64_t
pop(queue<size> &queue)
{
	event<size> event;

	while (!queue.pop(event))
		;
	return bench_sum(event.data, size);
}

/* ---------------------------------------------------------------- streams */

template <std::size_t size>
void
push_batch(queue<size> &queue, std::int64_t i, std::int64_t n)
{
	event<size> events[BATCH_MAX];

	for (std::int64_t k = 0; k < n; k++)
		bench_fill(events[k].data, size,
			   static_cast<std::uint64_t>(i + k));
	for (std::int64_t done = 0; done < n;)
		done += static_cast<std::int64_t>(queue.push(
			events + done, static_cast<std::size_t>(n - done)));
}

template <std::size_t size>
void
send(struct bench_run *run)
{
	auto &queue = static_cast<queues<size> *>(run->context)->there;
	const std::int64_t n = run->stream->n, batch = run->stream->batch;

	bench_run_meet(run);
	if (batch <= 1)
		for (std::int64_t i = 0; i < n; i++)
			push(queue, i);
	else
		for (std::int64_t i = 0; i < n; i += batch)
			push_batch(queue, i, std::min(batch, n - i));
}

template <std::size_t size>
void
receive(struct bench_run *run)
{
	auto &queue = static_cast<queues<size> *>(run->context)->there;
	const std::int64_t n = run->stream->n;
	std::uint64_t sum = 0;

	bench_run_meet(run);
	if (run->stream->batch <= 1)
		for (std::int64_t i = 0; i < n; i++)
			sum += pop(queue);
	else
		for (std::int64_t i = 0; i < n;)
			i += static_cast<std::int64_t>(queue.consume_all(
				[&sum](const event<size> &event) {
					sum += bench_sum(event.data, size);
				}));
	bench_received(run, sum);
}

template <std::size_t size>
double
stream_of(const struct bench_stream *stream)
{
	auto pair = std::make_unique<queues<size>>();
	struct bench_run run = {};

	touch(pair->there);
	run.send = send<size>;
	run.receive = receive<size>;
	run.stream = stream;
	run.context = pair.get();
	run.in_threads = true;
	return bench_run_stream(&run, 0);
}

/* ------------------------------------------------------------ round trips */

template <std::size_t size>
void
ping(struct bench_run *run)
{
	auto &pair = *static_cast<queues<size> *>(run->context);
	std::uint64_t sum = 0;

	bench_run_meet(run);
	for (std::int64_t i = 0; i < run->stream->n; i++) {
		std::int64_t start = bench_clock_ns();

		push(pair.there, i);
		sum += pop(pair.back);
		run->trips_ns[i] = bench_clock_ns() - start;
	}
	bench_returned(run, sum);
}

template <std::size_t size>
void
pong(struct bench_run *run)
{
	auto &pair = *static_cast<queues<size> *>(run->context);
	std::uint64_t sum = 0;

	bench_run_meet(run);
	for (std::int64_t i = 0; i < run->stream->n; i++) {
		sum += pop(pair.there);
		push(pair.back, i);
	}
	bench_received(run, sum);
}

template <std::size_t size>
void
ping_pong_of(const struct bench_stream *stream, std::int64_t *ret_ns)
{
	auto pair = std::make_unique<queues<size>>();
	struct bench_run run = {};

	touch(pair->there);
	touch(pair->back);
	run.send = ping<size>;
	run.receive = pong<size>;
	run.stream = stream;
	run.context = pair.get();
	run.in_threads = true;
	bench_run_trips(&run, 0, ret_ns);
}

/* ------------------------------------------------------------------ sizes */

struct sized {
	std::size_t size;
	struct peer_threads threads;
};

constexpr sized all_sizes[] = {
	{ 8, { stream_of<8>, ping_pong_of<8> } },
	{ 64, { stream_of<64>, ping_pong_of<64> } },
	{ 1024, { stream_of<1024>, ping_pong_of<1024> } },
	{ 4096, { stream_of<4096>, ping_pong_of<4096> } },
};

const struct peer_threads &
threads_of(std::size_t size)
{
	for (const sized &one : all_sizes)
		if (one.size == size)
			return one.threads;
	bench_fail("no queue of events of %zu bytes", size);
}

double
stream_by_size(const struct bench_stream *stream)
{
	return threads_of(stream->size).stream(stream);
}

void
ping_pong_by_size(const struct bench_stream *stream, std::int64_t *ret_ns)
{
	threads_of(stream->size).ping_pong(stream, ret_ns);
}

} // namespace

const struct peer_threads peer_boost_spsc = { stream_by_size,
					      ping_pong_by_size };
