/* SPDX-License-Identifier: MIT */
/*
 * peer_lane.c - see peer_lane.h
 */
#include "bench/peer_lane.h"

#include <unistd.h>

#include "bench/payload.h"
#include "bench/setup.h"

/* Connects, allocates, and has the pages of both sides there. */
#define WARM_UP 500

static void
send_event(struct peer_lane *lane, int64_t i)
{
	bench_fill(lane->ops->claim(lane), lane->size, (uint64_t)i);
	lane->ops->send(lane);
}

static uint64_t
receive_events(struct peer_lane *lane, int64_t n)
{
	size_t left = (size_t)n * lane->size;
	uint64_t sum = 0;

	while (left > 0) {
		size_t size;
		const void *data = lane->ops->receive(lane, &size);

		sum += bench_sum(data, size);
		left -= size;
	}
	return sum;
}

static int
prepare_lane(struct peer_lane *lane)
{
	lane->pid = (int)getpid();
	return lane->ops->prepare != NULL ? lane->ops->prepare(lane) : 0;
}

static void
open_lane(struct peer_lane *lane, bool sends)
{
	lane->sends = sends;
	lane->ops->open(lane);
}

static void
close_lane(struct peer_lane *lane)
{
	if (lane->ops->close != NULL)
		lane->ops->close(lane);
}

/* ------------------------------------------------------------------ stream */

static void
send_all(struct bench_run *run)
{
	struct peer_lane *lane = run->context;

	open_lane(lane, true);
	for (int64_t i = 0; i < WARM_UP; i++)
		send_event(lane, i);
	bench_run_meet(run);
	for (int64_t i = 0; i < run->stream->n; i++)
		send_event(lane, i);
}

static void
receive_all(struct bench_run *run)
{
	struct peer_lane *lane = run->context;

	open_lane(lane, false);
	receive_events(lane, WARM_UP);
	bench_run_meet(run);
	bench_received(run, receive_events(lane, run->stream->n));
}

double
peer_lane_stream(const struct peer_lane_ops *ops,
		 const struct bench_stream *stream)
{
	struct peer_lane lane = {
		.ops = ops,
		.size = stream->size,
		.spins = ops->streams_spinning,
	};
	struct bench_run run = {
		.send = send_all,
		.receive = receive_all,
		.stream = stream,
		.context = &lane,
	};
	int err = prepare_lane(&lane);
	double figure;

	if (err < 0)
		return err;
	figure = bench_run_stream(&run, 0);
	close_lane(&lane);
	return figure;
}

/* ------------------------------------------------------------- round trips */

struct lanes {
	struct peer_lane there, back;
};

static uint64_t
go_there_and_back(struct lanes *lanes, int64_t i)
{
	send_event(&lanes->there, i);
	return receive_events(&lanes->back, 1);
}

static void
ping(struct bench_run *run)
{
	struct lanes *lanes = run->context;
	uint64_t sum = 0;

	open_lane(&lanes->there, true);
	open_lane(&lanes->back, false);
	for (int64_t i = 0; i < WARM_UP; i++)
		go_there_and_back(lanes, i);
	bench_run_meet(run);
	for (int64_t i = 0; i < run->stream->n; i++) {
		int64_t start = bench_clock_ns();

		sum += go_there_and_back(lanes, i);
		run->trips_ns[i] = bench_clock_ns() - start;
	}
	bench_returned(run, sum);
}

static uint64_t
go_back(struct lanes *lanes, int64_t i)
{
	uint64_t sum = receive_events(&lanes->there, 1);

	send_event(&lanes->back, i);
	return sum;
}

static void
pong(struct bench_run *run)
{
	struct lanes *lanes = run->context;
	uint64_t sum = 0;

	open_lane(&lanes->there, false);
	open_lane(&lanes->back, true);
	for (int64_t i = 0; i < WARM_UP; i++)
		go_back(lanes, i);
	bench_run_meet(run);
	for (int64_t i = 0; i < run->stream->n; i++)
		sum += go_back(lanes, i);
	bench_received(run, sum);
}

int
peer_lane_ping_pong(const struct peer_lane_ops *ops,
		    const struct bench_stream *stream, bool spinning,
		    int64_t *ret_ns)
{
	const struct peer_lane lane = {
		.ops = ops,
		.size = stream->size,
		.spins = spinning,
	};
	struct lanes lanes = { .there = lane, .back = lane };
	struct bench_run run = {
		.send = ping,
		.receive = pong,
		.stream = stream,
		.context = &lanes,
	};
	int err = prepare_lane(&lanes.there);

	if (err < 0)
		return err;
	lanes.back.number = 1;
	err = prepare_lane(&lanes.back);
	if (err >= 0) {
		bench_run_trips(&run, 0, ret_ns);
		close_lane(&lanes.back);
	}
	close_lane(&lanes.there);
	return err;
}
