/* SPDX-License-Identifier: MIT */
/*
 * attacks_memory.c - members of `other` who do the worst to what they may write;
 * nobody on another channel, and not the daemon, may notice
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/attack.h"
#include "tests/system/util_peer.h"

/* Two members, and which of their files it is about. */
struct wrecker {
	const struct arena *arena;
	enum rb_file file;
	void (*wreck)(const struct wrecker *w);
	int64_t number;
	struct seat producer;
	struct seat consumer;
};

static struct seat *
seat_of(struct wrecker *w)
{
	return w->file == RB_FILE_RING ? &w->producer : &w->consumer;
}

static int
fd_of(const struct wrecker *w)
{
	return seat_of((struct wrecker *)w)->fds[w->file];
}

static const struct rb_segment *
segment_of(const struct wrecker *w)
{
	return &seat_of((struct wrecker *)w)->shm.segments[w->file];
}

/* Dies as both, in the middle of what it does, with a claim open. */
static int
wreck_and_die(void *arg)
{
	struct wrecker *w = arg;

	saw_result(seat_take(w->arena, "other", RB_ROLE_PRODUCER, NULL,
			     &w->producer));
	saw_result(seat_take(w->arena, "other", RB_ROLE_CONSUMER, NULL,
			     &w->consumer));
	seat_claim(&w->producer, 3);
	w->wreck(w);
	die();
}

static void
wreck(const struct arena *arena, enum rb_file file,
      void (*fn)(const struct wrecker *w), int64_t number)
{
	struct wrecker w = { arena, file, fn, number, { 0 }, { 0 } };

	await_end(fork_off(wreck_and_die, &w));
}

/* ----------------------------------------------------------------------- sizes */

static void
cut(const struct wrecker *w)
{
	saw_call(ftruncate(fd_of(w), w->number));
}

static void
cuts_ring(const struct arena *arena)
{
	wreck(arena, RB_FILE_RING, cut, 0);
}

static void
cuts_gates(const struct arena *arena)
{
	wreck(arena, RB_FILE_GATES, cut, 0);
}

/* In the middle of a page, and of what the daemon reads. */
static void
shortens_ring(const struct arena *arena)
{
	wreck(arena, RB_FILE_RING, cut, 4097);
}

static void
shortens_gates(const struct arena *arena)
{
	wreck(arena, RB_FILE_GATES, cut, 4097);
}

/* Again and again, so that what is mended is broken again. */
static void
cut_and_grow(const struct wrecker *w)
{
	off_t size = (off_t)segment_of(w)->size;

	STORM(w->arena)
	{
		saw_call(ftruncate(fd_of(w), 0));
		saw_call(ftruncate(fd_of(w), size));
	}
}

static void
flaps_ring(const struct arena *arena)
{
	wreck(arena, RB_FILE_RING, cut_and_grow, 0);
}

static void
flaps_size(const struct arena *arena)
{
	wreck(arena, RB_FILE_GATES, cut_and_grow, 0);
}

/* Until there is no more room, or somebody stops it. */
static void
fill_up(int fd)
{
	static const char bytes[1 << 16];
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	for (int i = 0; i < 2 * ARENA_SHM_SIZE / (int)sizeof(bytes); i++)
		if (pwrite(fd, bytes, sizeof(bytes),
			   st.st_size + (off_t)sizeof(bytes) * i) < 0)
			return;
}

static void
grow(const struct wrecker *w)
{
	saw_call(fallocate(fd_of(w), 0, 0, INT64_C(1) << 40));
	fill_up(fd_of(w));
	STORM(w->arena)
	sched_yield();
}

static void
grows_ring(const struct arena *arena)
{
	wreck(arena, RB_FILE_RING, grow, 0);
}

static void
grows_gates(const struct arena *arena)
{
	wreck(arena, RB_FILE_GATES, grow, 0);
}

/* Page by page, and then all that is left. */
static void
punch(const struct wrecker *w)
{
	off_t size = (off_t)segment_of(w)->size;

	for (off_t at = 0; at < size; at += 4096)
		saw_call(fallocate(fd_of(w),
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   at, 4096));
}

static void
punches_ring(const struct arena *arena)
{
	wreck(arena, RB_FILE_RING, punch, 0);
}

static void
punches_gates(const struct arena *arena)
{
	wreck(arena, RB_FILE_GATES, punch, 0);
}

/* --------------------------------------------------------------------- garbage */

static void
scribble(const struct wrecker *w)
{
	const struct rb_segment *s = segment_of(w);

	STORM(w->arena)
	for (int i = 0; i < 4096; i++)
		((char *)s->base)[any() % s->size] = (char)any();
}

static void
scribbles_ring(const struct arena *arena)
{
	wreck(arena, RB_FILE_RING, scribble, 0);
}

static void
scribbles_gates(const struct arena *arena)
{
	wreck(arena, RB_FILE_GATES, scribble, 0);
}

/* The same of what workers share. */
static void
scribble_on_work(const struct seat *seat)
{
	struct rb_group *group = rb_channel_group(&seat->shm, 0);

	for (unsigned i = 0; i < OTHER_SLOTS; i++)
		rb_word64_store_relaxed(&group->work[i], any());
	for (unsigned i = 0; i < RB_LANES; i++)
		rb_word32_store_relaxed(&group->lanes[i], (uint32_t)any());
	rb_seq_store_relaxed(&group->hint, (int64_t)any());
}

static int
work_and_die(void *arg)
{
	const struct arena *arena = arg;
	struct seat seat;

	saw_result(seat_take(arena, "other", RB_ROLE_CONSUMER, "crew", &seat));
	STORM(arena)
	scribble_on_work(&seat);
	die();
}

static void
scribbles_work(const struct arena *arena)
{
	await_end(fork_off(work_and_die, (void *)arena));
}

/* ----------------------------------------------------------------- single words */

static const int64_t lies[] = {
	INT64_MAX,
	INT64_MIN,
	INT64_MAX - 1,
	INT64_MIN + 1,
	-2,
	-1,
	0,
	1,
	1 << 20,
	INT64_C(1) << 40,
	INT64_C(1) << 61,
	INT64_C(1) << 62,
};

#define N_LIES RB_ARRAY_SIZE(lies)

static int64_t
some_lie(void)
{
	int64_t lie = lies[any() % N_LIES];

	return any() % 2 ? lie : (int64_t)((uint64_t)lie + any() % 1000);
}

/* What producers say of how far they are, for the daemon who looks. */
static void
flap_cursors(const struct wrecker *w)
{
	struct rb_ring *ring = w->producer.shm.ring;

	STORM(w->arena)
	{
		rb_seq_store_relaxed(&ring->claimed, some_lie());
		rb_seq_store_relaxed(&ring->published, some_lie());
		rb_seq_store_relaxed(&ring->gate, some_lie());
	}
}

static void
flaps_cursors(const struct arena *arena)
{
	wreck(arena, RB_FILE_RING, flap_cursors, 0);
}

static void
flap_gates(const struct wrecker *w)
{
	struct rb_gates *gates = w->consumer.shm.gates;

	STORM(w->arena)
	{
		rb_seq_store_relaxed(&gates->consumers[any() % 64].sequence,
				     some_lie());
		rb_seq_store_relaxed(any() % 2 ? &gates->clear.begun
					       : &gates->clear.done,
				     some_lie());
		rb_word32_store_relaxed(&gates->clear.owner,
					(uint32_t)any() % 70);
	}
}

static void
flaps_gates(const struct arena *arena)
{
	wreck(arena, RB_FILE_GATES, flap_gates, 0);
}

/* Who is here, who has left, and who wants to be woken: of all. */
static void
flap_presence(const struct wrecker *w)
{
	STORM(w->arena)
	for (unsigned i = 0; i < 64; i++) {
		uint64_t word = any() % 2 ? any() : any() % 64;

		rb_word64_store_relaxed(
			&w->producer.shm.ring->handles[i].presence, word);
		rb_word64_store_relaxed(
			&w->consumer.shm.gates->consumers[i].presence, ~word);
	}
}

static void
forges_presence(const struct arena *arena)
{
	struct seat seats[4];

	for (int i = 0; i < 4; i++)
		t_ok(seat_take(arena, "other",
			       i % 2 ? RB_ROLE_PRODUCER : RB_ROLE_CONSUMER,
			       NULL, &seats[i]));
	wreck(arena, RB_FILE_RING, flap_presence, 0);
	for (int i = 0; i < 4; i++)
		seat_leave(&seats[i]);
}

static void
flap_words(const struct wrecker *w)
{
	STORM(w->arena)
	{
		struct rb_gates *gates = w->consumer.shm.gates;
		struct rb_gate *gate = &gates->consumers[any() % 64];

		rb_word64_store_relaxed(&gates->bells, any());
		rb_word32_store_relaxed(&gates->data_wanted, (uint32_t)any());
		rb_word32_store_relaxed(&gate->event, (uint32_t)any());
		rb_word32_store_relaxed(&gate->wanted, (uint32_t)any());
		rb_word64_store_relaxed(&gate->failed, any());
		rb_word32_store_relaxed(&gate->run, (uint32_t)any());
	}
}

static void
flaps_words(const struct arena *arena)
{
	wreck(arena, RB_FILE_GATES, flap_words, 0);
}

#define MULTI OTHER_MULTI, UID_STRANGER

const struct attack attacks_memory[] = {
	{ "cuts_ring", "ftruncate() of ring, and dies with a claim open", "ok",
	  cuts_ring, MULTI },
	{ "cuts_gates", "ftruncate() of gates, and dies so", "ok", cuts_gates,
	  MULTI },
	{ "shortens_ring", "the same, to some pages", "ok", shortens_ring,
	  MULTI },
	{ "shortens_gates", "the same of gates", "ok", shortens_gates, MULTI },
	{ "flaps_ring", "cuts ring and makes it long again, all the time", "ok",
	  flaps_ring, MULTI },
	{ "flaps_size", "the same of gates", "ok", flaps_size, MULTI },
	{ "grows_ring", "makes ring longer until no memory is left",
	  "ok, ENOSPC", grows_ring, MULTI },
	{ "grows_gates", "the same of gates", "ok, ENOSPC", grows_gates,
	  MULTI },
	{ "punches_ring", "punches a hole into each page of ring", "ok",
	  punches_ring, MULTI },
	{ "punches_gates", "the same of gates", "ok", punches_gates, MULTI },
	{ "scribbles_ring", "random bytes all over ring, and dies", "ok",
	  scribbles_ring, MULTI },
	{ "scribbles_frames", "the same where events have lengths", "ok",
	  scribbles_ring, OTHER_FRAMED, UID_STRANGER },
	{ "scribbles_strict", "the same where the dead stop the stream", "ok",
	  scribbles_ring, OTHER_STRICT, UID_STRANGER },
	{ "scribbles_stuck", "the same where the stuck are killed", "ok",
	  scribbles_ring, OTHER_STUCK, UID_STRANGER },
	{ "scribbles_gates", "random bytes all over gates, and dies", "ok",
	  scribbles_gates, MULTI },
	{ "scribbles_clear", "the same where slots are cleared", "ok",
	  scribbles_gates, OTHER_CLEAR, UID_STRANGER },
	{ "scribbles_work", "random bytes over what workers share", "ok",
	  scribbles_work, OTHER_GROUP, UID_STRANGER },
	{ "flaps_cursors", "cursors at both ends and between", "ok",
	  flaps_cursors, OTHER_STUCK, UID_STRANGER },
	{ "flaps_gates", "gates and clearing at both ends and between", "ok",
	  flaps_gates, OTHER_CLEAR, UID_STRANGER },
	{ "forges_presence", "says that others have come, or have left", "ok",
	  forges_presence, MULTI },
	{ "flaps_words", "wishes to be woken, bells and states at random", "ok",
	  flaps_words, MULTI },
	{ 0 },
};
