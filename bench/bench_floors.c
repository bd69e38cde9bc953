/* SPDX-License-Identifier: MIT */
/*
 * bench_floors.c - floors and peers alone, without ringbus
 *
 * usage: bench_floors [ID]...
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/floor.h"
#include "bench/peer.h"
#include "bench/setup.h"

#define ROUNDS 5
#define TRIPS_MAX 1000000
#define TURN_NS INT64_C(100000000)

static int64_t trips_ns[TRIPS_MAX];

static int
compare_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int
compare_figures(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
show_trips(const char *name, const char *how, int n, size_t size)
{
	qsort(trips_ns, (size_t)n, sizeof(trips_ns[0]), compare_ns);
	printf("%-16s %-9s %5zu B  p50 %8" PRId64 "  p99 %8" PRId64 " ns\n",
	       name, how, size, trips_ns[n / 2], trips_ns[n - 1 - n / 100]);
}

static void
show_stream(const char *name, const struct bench_stream *stream,
	    double *figures)
{
	qsort(figures, ROUNDS, sizeof(figures[0]), compare_figures);
	printf("%-16s by %-3" PRId64 " %8zu B  %8.3f %8.3f %8.3f M/s", name,
	       stream->batch, stream->size, figures[0], figures[ROUNDS / 2],
	       figures[ROUNDS - 1]);
	if (stream->ring_size > 0)
		printf("  ring of %zu", stream->ring_size);
	printf("\n");
	fflush(stdout);
}

static void
stream_floor(const char *name, double (*run)(const struct bench_stream *),
	     struct bench_stream stream)
{
	double figures[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		figures[i] = run(&stream);
	show_stream(name, &stream, figures);
}

static void
run_floors(void)
{
	size_t ring;

	floor_line_ping_pong(trips_ns, 200000, 8);
	show_trips("line", "spinning", 200000, 8);
	floor_line_ping_pong(trips_ns, 200000, 64);
	show_trips("line", "spinning", 200000, 64);
	floor_futex_ping_pong(trips_ns, 4000, 8);
	show_trips("futex", "sleeping", 4000, 8);
	stream_floor("spsc", floor_spsc,
		     (struct bench_stream){ 20000000, 8, 1, 0 });
	stream_floor("spsc", floor_spsc,
		     (struct bench_stream){ 10000000, 64, 1, 0 });
	stream_floor("claim", floor_claim,
		     (struct bench_stream){ 5000000, 8, 1, 0 });
	stream_floor("stream", floor_stream,
		     (struct bench_stream){ 40000000, 8, 16, 1 << 20 });
	for (size_t size = 1024; size <= 4096; size *= 4) {
		struct bench_stream stream = { 1 << 28, size, 1, 0 };

		stream.n /= (int64_t)size;
		printf("best of %zu B: %.1f M/s, ", size,
		       floor_stream_best(&stream, &ring));
		printf("ring of %zu\n", ring);
	}
}

/* As many as take a while. */
static int64_t
count(const struct peer *peer, size_t size, int64_t batch)
{
	struct bench_stream stream = { 2000, size, batch, 0 };
	double figure = peer_stream(peer, &stream);

	return (int64_t)(figure * 1e-3 * (double)TURN_NS) + 1;
}

static void
run_streams(const struct peer *peer, size_t size, int64_t batch)
{
	struct bench_stream stream = { 0, size, batch, 0 };
	double figures[ROUNDS];

	stream.n = count(peer, size, batch);
	for (int i = 0; i < ROUNDS; i++)
		figures[i] = peer_stream(peer, &stream);
	show_stream(peer->id, &stream, figures);
}

static void
run_peer(const struct peer *peer)
{
	for (size_t size = 8; size <= 4096; size *= size == 1024 ? 4
						    : size == 64 ? 16
								 : 8)
		run_streams(peer, size, 1);
	if (peer->in_process)
		run_streams(peer, 8, 10);
	if (peer->spins) {
		peer_ping_pong(peer, true, trips_ns, 20000, 8);
		show_trips(peer->id, "spinning", 20000, 8);
	}
	if (peer->sleeps) {
		peer_ping_pong(peer, false, trips_ns, 2000, 8);
		show_trips(peer->id, "sleeping", 2000, 8);
	}
}

static bool
is_wanted(const char *id, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], id) == 0)
			return true;
	return argc == 1;
}

int
main(int argc, char **argv)
{
	if (is_wanted("floors", argc, argv))
		run_floors();
	for (const struct peer *peer = peers; peer->id != NULL; peer++) {
		if (!is_wanted(peer->id, argc, argv))
			continue;
		if (peer_is_there(peer))
			run_peer(peer);
		else
			printf("%s: not installed: apt-get install %s\n",
			       peer->id, peer->package);
	}
	return 0;
}
