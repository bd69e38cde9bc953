/* SPDX-License-Identifier: MIT */
/*
 * stage.c - see stage.h
 */
#include "tests/fuzz/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/sequencer.h"

#define GUARD (UINT64_C(1) << 20) /* bytes of nothing around a mapping */
#define FIRST_EVENTS 9

struct shape {
	uint64_t slots;
	uint64_t slot_size;
	uint64_t history;
	enum rb_framing framing;
	enum rb_producers producers;
	enum rb_clear clear;
	bool strict;
	enum rb_wake_mode wake;
};

#define SHAPE(n, bytes, f, p, ...)                                             \
	{                                                                      \
		.slots = (n), .slot_size = (bytes), .framing = RB_##f,         \
		.producers = RB_##p, __VA_ARGS__                               \
	}

static const struct shape shapes[STAGE_SHAPES] = {
	SHAPE(64, 64, FIXED, SINGLE, .history = 0),
	SHAPE(64, 64, FIXED, MULTI, .history = 0),
	SHAPE(64, 64, FRAMED, SINGLE, .history = 8),
	SHAPE(64, 64, FRAMED, MULTI, .history = 8),
	SHAPE(64, 64, FIXED, SINGLE, .clear = RB_CLEAR_ZERO),
	SHAPE(64, 64, FIXED, MULTI, .clear = RB_CLEAR_ZERO),
	SHAPE(64, 64, FRAMED, MULTI, .clear = RB_CLEAR_ZERO),
	SHAPE(64, 64, FIXED, MULTI, .history = 4, .strict = true),
	SHAPE(64, 64, FRAMED, MULTI, .strict = true),
	SHAPE(2, 2048, FIXED, MULTI, .wake = RB_WAKE_FENCE),
	SHAPE(4, 1024, FRAMED, SINGLE, .wake = RB_WAKE_FENCE),
	SHAPE(4, 1024, FIXED, SINGLE, .history = 1),
};

/* ------------------------------------------------------------------- making */

static int
open_bell(void)
{
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	fuzz_expect(fd >= 0 && ftruncate(fd, 1) == 0);
	return fd;
}

static void
make_files(const struct rb_geometry *geometry, int fds[RB_FDS])
{
	for (int i = 0; i < RB_FILES; i++) {
		uint64_t size = rb_channel_file_size(geometry, i);

		fds[i] = memfd_create(rb_file_names[i], MFD_CLOEXEC);
		fuzz_expect(fds[i] >= 0 && ftruncate(fds[i], (off_t)size) == 0);
	}
	fds[RB_FD_BELL] = open_bell();
}

static void
declare(struct rb_channel *channel, const struct shape *shape)
{
	bool clears = shape->clear != RB_CLEAR_NONE;
	const struct rb_consumer_spec specs[] = {
		[SEAT_FIRST] = { .on_death = RB_ON_DEATH_KEEP },
		[SEAT_SECOND] = { .after = 1 << SEAT_FIRST },
		[SEAT_LOSSY] = { .slow = RB_SLOW_LOSSY },
		[SEAT_SLOW] = { .slow = clears ? RB_SLOW_EVICT : RB_SLOW_PARK,
				.max_lag = shape->slots / 2 },
		[SEAT_GROUP] = { .is_group = true },
		[SEAT_KEYED] = { .is_group = true,
				 .key_offset = 1,
				 .key_size = 2 },
	};
	static const char *const names[] = { "first", "second", "lossy",
					     "slow",  "group",  "keyed" };

	for (unsigned i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		rb_member_declare(channel, i, names[i], &specs[i]);
}

void
stage_make(unsigned shape, int fds[RB_FDS], struct rb_channel *ret)
{
	const struct shape *s = &shapes[shape % STAGE_SHAPES];
	struct rb_channel_format format = {
		.name = "stage",
		.generation = 7,
		.wait = RB_WAIT_BLOCKING,
		.wake = s->wake,
		.max_producers = RB_PRODUCERS_MAX,
		.max_consumers = RB_CONSUMERS_MAX,
		.clear = s->clear,
		.strict = s->strict,
	};
	struct rb_geometry g;

	fuzz_expect(rb_geometry_init(&g, s->slots, s->slot_size, s->history,
				     s->framing, s->producers) == 0);
	fuzz_expect(rb_geometry_set_groups(&g, 2) == 0);
	make_files(&g, fds);
	fuzz_expect(rb_channel_format(ret, fds, &g, &format) == 0);
	ret->bell = fds[RB_FD_BELL];
	declare(ret, s);
	rb_channel_open(ret);
}

/* ------------------------------------------------------------------ mapping */

/* One of its segments anew, in the middle of nothing. */
static void
fence_in(struct rb_channel *c, int fd, enum rb_file file, enum rb_role role)
{
	struct rb_segment *s = &c->segments[file];
	uint64_t mirror = s->mapping - s->size;
	int prot = rb_role_writes(role, file, c->clear) ? PROT_READ | PROT_WRITE
							: PROT_READ;
	char *at = mmap(NULL, s->mapping + 2 * GUARD, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	fuzz_expect(at != MAP_FAILED);
	at += GUARD;
	fuzz_expect(mmap(at, s->size, prot, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    at);
	if (mirror > 0)
		fuzz_expect(mmap(at + s->size, mirror, prot,
				 MAP_SHARED | MAP_FIXED, fd,
				 (off_t)(s->size - mirror)) == at + s->size);
	munmap(s->base, s->mapping);
	s->base = at;
}

int
stage_attach(struct rb_channel *channel, const int fds[RB_FDS],
	     enum rb_role role)
{
	const struct rb_geometry *g = &channel->geometry;
	int err = rb_channel_attach(channel, fds, role);

	if (err < 0)
		return err;
	for (int i = 0; i < RB_FILES; i++)
		fence_in(channel, fds[i], i, role);
	channel->meta = channel->segments[RB_FILE_META].base;
	channel->ring = channel->segments[RB_FILE_RING].base;
	channel->gates = channel->segments[RB_FILE_GATES].base;
	channel->slots = (char *)channel->ring + g->slots_offset;
	if (channel->stamps != NULL)
		channel->stamps = (void *)((char *)channel->ring +
					   g->stamps_offset);
	channel->bell = fds[RB_FD_BELL];
	return 0;
}

bool
stage_has(const struct rb_channel *channel, const void *data, uint64_t size)
{
	uint64_t ring = rb_geometry_slots_size(&channel->geometry);
	uint64_t offset = (uint64_t)((const char *)data - channel->slots);

	return (const char *)data >= channel->slots && offset <= 2 * ring &&
	       size <= 2 * ring - offset;
}

/* ------------------------------------------------------------------- people */

static void
join(struct stage *stage, struct rb_channel *channel, enum seat seat)
{
	struct rb_join join = {
		.who = { NULL, (uint32_t)getpid(), 1, 0 },
		.from = RB_FROM_NOW,
	};
	unsigned group = seat == SEAT_KEY_WORKER ? SEAT_KEYED : SEAT_GROUP;
	unsigned index = seat;
	struct rb_joined joined;

	if (seat == SEAT_GROUP || seat == SEAT_KEYED)
		return; /* its workers come */
	if (seat < SEAT_WORKER) {
		join.who.name = channel->meta->consumers[seat].name;
		fuzz_expect(rb_member_join_consumer(channel, seat, &join,
						    &joined) == 0);
	} else {
		fuzz_expect(rb_member_join_worker(channel, group, &join, &index,
						  &joined) == 0);
	}
	fuzz_expect(index == seat);
	stage->epochs[seat] = joined.epoch;
}

static void
join_all(struct stage *stage, struct rb_channel *channel)
{
	const struct rb_identity who = { "producer", (uint32_t)getpid(), 1, 0 };
	unsigned n = rb_channel_is_multi(channel) ? STAGE_PRODUCERS : 1;

	for (unsigned i = 0; i < n; i++)
		stage->producer_epochs[i] = rb_member_join_producer(channel, i,
								    &who);
	for (enum seat i = 0; i < SEATS; i++)
		join(stage, channel, i);
}

static void
publish_some(struct stage *stage, struct rb_channel *channel)
{
	struct rb_sequencer s;

	rb_sequencer_init(&s, channel, 0, stage->producer_epochs[0]);
	for (int i = 0; i < FIRST_EVENTS; i++) {
		int64_t hi = rb_sequencer_claim(&s, 1, 0);

		if (hi == -EAGAIN) /* a small ring */
			return;
		fuzz_expect(hi == i);
		/* As a frame: an event of no bytes. */
		memset(rb_channel_slot(channel, hi), 0, 8);
		fuzz_expect(rb_sequencer_publish(&s, hi, hi) == 0);
	}
}

/* -------------------------------------------------------------------- as new */

static void *
base_of(struct stage *stage, int file)
{
	return stage->channels[RB_ROLE_DAEMON].segments[file].base;
}

static uint64_t
size_of(struct stage *stage, int file)
{
	return stage->channels[RB_ROLE_DAEMON].segments[file].size;
}

static void
build(struct stage *stage, unsigned shape)
{
	struct rb_channel first;

	fuzz_expect(rb_wait_register() == 0);
	stage_make(shape, stage->fds, &first);
	join_all(stage, &first);
	publish_some(stage, &first);
	rb_channel_detach(&first);
	for (int i = 0; i <= RB_ROLE_DAEMON; i++)
		fuzz_expect(stage_attach(&stage->channels[i], stage->fds, i) ==
			    0);
	for (int i = 0; i < RB_FILES; i++) {
		stage->images[i] = malloc(size_of(stage, i));
		fuzz_expect(stage->images[i] != NULL);
		memcpy(stage->images[i], base_of(stage, i), size_of(stage, i));
	}
}

struct stage *
stage_get(unsigned shape)
{
	static struct stage stages[STAGE_SHAPES];
	struct stage *stage = &stages[shape % STAGE_SHAPES];

	if (stage->images[0] == NULL)
		build(stage, shape);
	for (int i = 0; i < RB_FILES; i++)
		memcpy(base_of(stage, i), stage->images[i], size_of(stage, i));
	return stage;
}
