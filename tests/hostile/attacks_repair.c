/* SPDX-License-Identifier: MIT */
/*
 * attacks_repair.c - producers of `other` who die after they have written down lies
 * about what they had claimed: the daemon repairs by these, in bounded time
 */
#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/presence.h"
#include "tests/hostile/attack.h"
#include "tests/system/util_peer.h"

struct lie {
	int64_t claimed; /* -1: as it is */
	uint64_t intent;
	uint64_t n;
	int64_t stamps; /* all slots are of this lap; -1: as they are */
};

struct liar {
	const struct arena *arena;
	const struct lie *lie;
};

/* A claim from `lo` on. */
#define CLAIM(lo) ((uint64_t)((lo) + 1) << 2 | RB_INTENT_CLAIMED)

static void
stamp_all(const struct seat *seat, int64_t sequence)
{
	for (int64_t i = 0; i < OTHER_SLOTS; i++)
		rb_word64_store_relaxed(rb_channel_stamp(&seat->shm, i),
					rb_stamp(sequence, RB_STAMP_EVENT));
}

static int
lie_and_die(void *arg)
{
	const struct liar *liar = arg;
	const struct lie *lie = liar->lie;
	struct seat seat;

	saw_result(
		seat_take(liar->arena, "other", RB_ROLE_PRODUCER, NULL, &seat));
	if (lie->stamps >= 0)
		stamp_all(&seat, lie->stamps);
	if (lie->claimed != -1)
		rb_seq_store_relaxed(&seat.shm.ring->claimed, lie->claimed);
	rb_word64_store_relaxed(&seat_handle(&seat)->n, lie->n);
	rb_word64_store_release(&seat_handle(&seat)->intent, lie->intent);
	die();
}

static void
tell(const struct arena *arena, const struct lie *lies, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct liar liar = { arena, &lies[i] };

		await_end(fork_off(lie_and_die, &liar));
	}
}

static void
lies_of_claims(const struct arena *arena)
{
	static const struct lie lies[] = {
		{ -1, CLAIM(0), UINT64_MAX, -1 },
		{ -1, CLAIM(0), UINT64_C(1) << 63, -1 },
		{ -1, CLAIM(0), 0, -1 },
		{ -1, CLAIM(INT64_C(1) << 60), 16, -1 },
		{ -1, UINT64_MAX, 16, -1 },
		{ -1, UINT64_MAX - 1, UINT64_MAX, -1 },
		{ -1, 3, 1, -1 },
		{ -1, UINT64_C(1) << 63, 1, -1 },
		{ 1000, CLAIM(0), UINT64_MAX, -1 },
		{ 1000, CLAIM(-1000), 16383, -1 },
		{ 1000, CLAIM(999), 1 << 30, -1 },
	};

	tell(arena, lies, RB_ARRAY_SIZE(lies));
}

static void
lies_of_cursors(const struct arena *arena)
{
	static const struct lie lies[] = {
		{ INT64_MIN, RB_INTENT_CLAIMING, 1, -1 },
		{ -2, RB_INTENT_CLAIMING, 1, -1 },
		{ INT64_C(1) << 40, RB_INTENT_CLAIMING, 1, -1 },
		{ INT64_C(1) << 59, RB_INTENT_CLAIMING, 1, -1 },
		{ INT64_C(1) << 62, RB_INTENT_CLAIMING, 1, -1 },
		{ INT64_MAX, RB_INTENT_CLAIMING, 1, -1 },
		{ INT64_MAX, CLAIM(INT64_MAX / 4 - 9), UINT64_MAX, -1 },
		{ INT64_C(1) << 40, CLAIM(1), UINT64_C(1) << 40, -1 },
	};

	tell(arena, lies, RB_ARRAY_SIZE(lies));
}

/* Then no slot looks as if something was missing, or all of them do. */
static void
lies_of_stamps(const struct arena *arena)
{
	static const struct lie lies[] = {
		{ 1000, RB_INTENT_CLAIMING, 1, INT64_C(1) << 60 },
		{ INT64_C(1) << 59, RB_INTENT_CLAIMING, 1, INT64_C(1) << 60 },
		{ INT64_C(1) << 59, RB_INTENT_CLAIMING, 1, 0 },
		{ INT64_C(1) << 59, CLAIM(0), UINT64_MAX, 500 },
		{ 10, CLAIM(0), 11, INT64_MAX / 4 - 1 },
	};

	tell(arena, lies, RB_ARRAY_SIZE(lies));
}

static int
lie_at_random(void *arg)
{
	const struct lie lie = {
		.claimed = (int64_t)(any() >> any() % 64),
		.intent = any() >> any() % 64,
		.n = any() >> any() % 64,
		.stamps = any() % 2 ? -1 : (int64_t)(any() >> (2 + any() % 62)),
	};
	struct liar liar = { arg, &lie };

	return lie_and_die(&liar);
}

static void
any_lies(const struct arena *arena)
{
	for (unsigned i = 0; i < 100 * arena->harder; i++) {
		any(); /* the child's is its own */
		await_end(fork_off(lie_at_random, (void *)arena));
	}
}

/* ------------------------------------------------------------- by their numbers */

static int
claim_and_die(void *arg)
{
	struct seat seat;
	int err = seat_take(arg, "other", RB_ROLE_PRODUCER, NULL, &seat);

	saw_result(err);
	if (err == 0)
		seat_claim(&seat, 1 + getpid() % 7);
	die();
}

#define AT_ONCE 8

static void
claims_and_dies(const struct arena *arena)
{
	pid_t pids[AT_ONCE];

	for (unsigned i = 0; i < 1000 * arena->harder / AT_ONCE; i++) {
		for (int k = 0; k < AT_ONCE; k++)
			pids[k] = fork_off(claim_and_die, (void *)arena);
		for (int k = 0; k < AT_ONCE; k++)
			await_end(pids[k]);
	}
}

/* All places that there are, over one connection: one user may not have so many. */
static unsigned
take_all_places(const struct arena *arena, struct seat seats[RB_PRODUCERS_MAX])
{
	int peer = t_peer_greet(&arena->daemon);
	unsigned n = 0;
	int err = 0;

	while (err == 0) {
		struct seat s = { .answer = t_attach_message(
					  "other", RB_ROLE_PRODUCER, NULL) };

		err = t_peer_ask(peer, &s.answer, s.fds);
		if (err < 0)
			break;
		ck_assert_uint_lt(n, RB_PRODUCERS_MAX);
		t_ok(rb_channel_attach(&s.shm, s.fds, RB_ROLE_PRODUCER));
		ck_assert(rb_presence_arrive(&s.shm, RB_ROLE_PRODUCER,
					     s.answer.index, s.answer.epoch));
		for (int k = 0; k < RB_FDS; k++)
			close(s.fds[k]);
		seats[n++] = s;
	}
	saw_result(err);
	return n;
}

/* Each has a claim open when all of them die at once. */
static int
claim_everywhere(void *arg)
{
	struct seat seats[RB_PRODUCERS_MAX];
	unsigned n = take_all_places(arg, seats);

	for (unsigned i = 0; i < n; i++)
		seat_claim(&seats[i], 9);
	die();
}

static void
claims_everywhere(const struct arena *arena)
{
	for (unsigned i = 0; i < arena->harder; i++)
		await_end(fork_off(claim_everywhere, (void *)arena));
}

/* Every stamp is of the far future but the last one, for which there is no room, as
 * a consumer stands at the start: each repair looks at all of them, for nothing. */
static void
stamp_for_nothing(const struct seat *seat)
{
	int64_t claimed = INT64_C(1) << 40;

	for (int64_t i = 0; i < OTHER_SLOTS_LARGE; i++)
		rb_word64_store_relaxed(rb_channel_stamp(&seat->shm, i),
					rb_stamp(claimed * 2, RB_STAMP_EVENT));
	rb_word64_store_relaxed(rb_channel_stamp(&seat->shm, claimed),
				rb_stamp(claimed - OTHER_SLOTS_LARGE,
					 RB_STAMP_EVENT));
	rb_seq_store_release(&seat->shm.ring->claimed, claimed);
}

static int
leave_much_to_mend(void *arg)
{
	struct seat seats[RB_PRODUCERS_MAX];
	unsigned n = take_all_places(arg, seats);

	for (unsigned i = 0; i < n; i++)
		rb_word64_store_release(&seat_handle(&seats[i])->intent,
					RB_INTENT_CLAIMING);
	stamp_for_nothing(&seats[0]);
	die();
}

/* The daemon has time for others all the same: each waits for one look, and not for
 * all of them, or this does not come to its end in time. */
static void
leaves_much_to_mend(const struct arena *arena)
{
	struct seat consumer;

	t_ok(seat_take(arena, "other", RB_ROLE_CONSUMER, NULL, &consumer));
	await_end(fork_off(leave_much_to_mend, (void *)arena));
	for (unsigned i = 0; i < 250 * arena->harder; i++) {
		struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
		uint64_t end = pair_consumed(&arena->pair) + 400000;

		while (!flow_is_at(arena, end))
			sched_yield();
		saw_result(t_peer_ask(consumer.peer, &ping, NULL));
	}
}

static int
claim_for_ever(void *arg)
{
	const struct arena *arena = arg;
	struct seat seat;

	saw_result(seat_take(arena, "other", RB_ROLE_PRODUCER, NULL, &seat));
	STORM(arena)
	seat_claim(&seat, INT64_C(1) << 20);
	die();
}

static void
claims_for_ever(const struct arena *arena)
{
	await_end(fork_off(claim_for_ever, (void *)arena));
}

/* A claim of another, so that it is taken for stuck; the daemon may kill nobody
 * who is another user. */
static void
frames_another(const struct arena *arena)
{
	struct seat victim, seat;

	t_ok(seat_take(arena, "other", RB_ROLE_PRODUCER, NULL, &victim));
	t_ok(seat_take(arena, "other", RB_ROLE_PRODUCER, NULL, &seat));
	seat_claim(&victim, 1);
	STORM(arena)
	{
		int64_t lo = seat_claim(&seat, 1);

		rb_word64_store_release(rb_channel_stamp(&seat.shm, lo),
					rb_stamp(lo, RB_STAMP_EVENT));
	}
	saw("alive");
}

const struct attack attacks_repair[] = {
	{ "lies_of_claims", "claims of everything, of nothing, of the end",
	  "ok", lies_of_claims, OTHER_MULTI, UID_STRANGER },
	{ "lies_of_cursors", "cursors far ahead, and before the start", "ok",
	  lies_of_cursors, OTHER_MULTI, UID_STRANGER },
	{ "lies_of_stamps", "stamps of the far future, or of one lap", "ok",
	  lies_of_stamps, OTHER_MULTI, UID_STRANGER },
	{ "lies_framed", "the claims where events have lengths", "ok",
	  lies_of_claims, OTHER_FRAMED, UID_STRANGER },
	{ "lies_strict", "the claims where the dead stop the stream", "ok",
	  lies_of_claims, OTHER_STRICT, UID_STRANGER },
	{ "any_lies", "100 records at random", "ok", any_lies, OTHER_MULTI,
	  UID_STRANGER },
	{ "claims_and_dies", "1,000 processes that claim and are killed", "ok",
	  claims_and_dies, OTHER_MULTI, UID_STRANGER },
	{ "claims_everywhere", "64 claims whose owners die at once", "EUSERS",
	  claims_everywhere, OTHER_MULTI, UID_STRANGER },
	{ "leaves_much_to_mend", "64 repairs that look at all, for nothing",
	  "EUSERS, ok", leaves_much_to_mend, OTHER_LARGE, UID_STRANGER },
	{ "claims_for_ever", "claims all the time, and publishes nothing", "ok",
	  claims_for_ever, OTHER_STUCK, UID_STRANGER },
	{ "frames_another", "makes another one look stuck", "alive",
	  frames_another, OTHER_STUCK, UID_STRANGER },
	{ 0 },
};
