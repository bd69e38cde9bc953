/* SPDX-License-Identifier: MIT */
/*
 * rivals.c - see rivals.h
 */
#include "bench/rivals.h"

#include <stdio.h>
#include <string.h>

#include "bench/setup.h"

#define RIVALS_MAX 256

/* What a contestant's functions need to know; for the whole program. */
struct rival {
	double (*floor)(const struct bench_stream *);
	void (*trips)(int64_t *ret_ns, int n, size_t size);
	const struct peer *peer;
	bool spins;
	struct bench_stream stream;
	char why[96];
};

static struct rival *
new_rival(void)
{
	static struct rival rivals[RIVALS_MAX];
	static unsigned n;

	if (n == RIVALS_MAX)
		bench_fail("more than %d rivals", RIVALS_MAX);
	return &rivals[n++];
}

static double
stream_floor(void *context, int64_t n)
{
	struct rival *rival = context;

	rival->stream.n = n;
	return rival->floor(&rival->stream);
}

static int
skip(struct rival *rival, int err)
{
	snprintf(rival->why, sizeof(rival->why),
		 "this system does not let it run: %s", strerror(-err));
	return bench_skip(rival->why);
}

static double
stream_peer(void *context, int64_t n)
{
	struct rival *rival = context;
	double figure;

	rival->stream.n = n;
	figure = peer_stream(rival->peer, &rival->stream);
	return figure >= 0 ? figure : skip(rival, (int)figure);
}

static int
time_floor(void *context, int64_t n, int64_t *ret_ns)
{
	const struct rival *rival = context;

	rival->trips(ret_ns, (int)n, rival->stream.size);
	return 0;
}

static int
time_peer(void *context, int64_t n, int64_t *ret_ns)
{
	struct rival *rival = context;
	int err = peer_ping_pong(rival->peer, rival->spins, ret_ns, (int)n,
				 rival->stream.size);

	return err >= 0 ? 0 : skip(rival, err);
}

void
bench_enter(struct bench_entries *entries,
	    const struct bench_contestant *contestant)
{
	if (entries->n == BENCH_CONTESTANTS_MAX)
		bench_fail("more than %d contestants", BENCH_CONTESTANTS_MAX);
	entries->all[entries->n++] = *contestant;
}

void
bench_enter_flow(struct bench_entries *entries, const char *id,
		 const char *name, struct bench_flow *flow)
{
	bench_enter(entries, &(struct bench_contestant){
				     .id = id,
				     .name = name,
				     .run = bench_flow_run,
				     .context = flow,
			     });
}

void
bench_compete(const struct bench_entries *entries, const char *id,
	      const char *title)
{
	bench_contest_run(&(struct bench_contest){
		.id = id,
		.title = title,
		.unit = "M/s",
		.contestants = entries->all,
		.n = entries->n,
	});
}

void
bench_enter_floor(struct bench_entries *entries, const char *id,
		  const char *name,
		  double (*floor)(const struct bench_stream *),
		  struct bench_stream stream)
{
	struct rival *rival = new_rival();

	rival->floor = floor;
	rival->stream = stream;
	bench_enter(entries, &(struct bench_contestant){
				     .id = id,
				     .name = name,
				     .kind = BENCH_FLOOR,
				     .run = stream_floor,
				     .context = rival,
			     });
}

void
bench_enter_trips(struct bench_entries *entries, const char *id,
		  const char *name,
		  void (*floor)(int64_t *ret_ns, int n, size_t size))
{
	struct rival *rival = new_rival();

	rival->trips = floor;
	rival->stream.size = 8;
	bench_enter(entries, &(struct bench_contestant){
				     .id = id,
				     .name = name,
				     .kind = BENCH_FLOOR,
				     .run_latency = time_floor,
				     .context = rival,
			     });
}

static struct rival *
enter_peer(struct bench_entries *entries, const struct peer *peer,
	   const struct bench_contestant *how)
{
	struct bench_contestant contestant = *how;
	struct rival *rival = new_rival();

	rival->peer = peer;
	contestant.id = peer->id;
	contestant.name = peer->name;
	contestant.kind = BENCH_PEER;
	contestant.context = rival;
	if (!peer_is_there(peer)) {
		snprintf(rival->why, sizeof(rival->why),
			 "not installed: apt-get install %s", peer->package);
		contestant.why = rival->why;
		contestant.run = NULL;
		contestant.run_latency = NULL;
	}
	bench_enter(entries, &contestant);
	return rival;
}

void
bench_enter_peer(struct bench_entries *entries, const char *id,
		 struct bench_stream stream)
{
	enter_peer(entries, peer_by_id(id),
		   &(struct bench_contestant){ .run = stream_peer })
		->stream = stream;
}

void
bench_enter_peers(struct bench_entries *entries, size_t size)
{
	for (const struct peer *peer = peers; peer->id != NULL; peer++)
		bench_enter_peer(entries, peer->id,
				 (struct bench_stream){ .size = size,
							.batch = 1 });
}

void
bench_enter_peers_trips(struct bench_entries *entries, bool spinning)
{
	for (const struct peer *peer = peers; peer->id != NULL; peer++) {
		struct rival *rival;

		if (spinning ? !peer->spins : !peer->sleeps)
			continue;
		rival = enter_peer(
			entries, peer,
			&(struct bench_contestant){ .run_latency = time_peer });
		rival->spins = spinning;
		rival->stream.size = 8;
	}
}
