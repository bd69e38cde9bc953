/* SPDX-License-Identifier: MIT */
/*
 * attacks_consumer.c - a second consumer on the very channel of the pair, which
 * producers wait for up to a limit: it holds them up so far, and no further
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/attack.h"
#include "tests/system/util_bus.h"

static struct seat
laggard(const struct arena *arena)
{
	struct seat seat;
	int err;

	/* The one before is dead, and the daemon may not know it yet. */
	do
		err = seat_take(arena, "flow", RB_ROLE_CONSUMER, "laggard",
				&seat);
	while (err == -EBUSY);
	t_ok(err);
	return seat;
}

static bool
is_evicted(const struct seat *seat)
{
	const struct rb_member *m =
		&seat->shm.meta->consumers[seat->answer.index];

	return t_member_state(m) == RB_MEMBER_EVICTED;
}

static void
saw_eviction(const struct arena *arena, const struct seat *seat)
{
	uint64_t end = flow_after(arena, 100000);

	saw("%s", is_evicted(seat) ? "evicted" : "not evicted");
	while (!flow_is_at(arena, end))
		sched_yield();
}

/* By the library, which is told. */
static void
never_reads(const struct arena *arena)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = t_connect(&arena->daemon);
	struct ringbus_consumer *c = NULL;
	int64_t got;

	o.name = "laggard";
	t_bus_ok(bus, ringbus_consumer_open(bus, "flow", &o, &c));
	do
		got = ringbus_consumer_wait(c, T_SECOND);
	while (got >= 0 || got == -ETIMEDOUT);
	saw_result(got);
	ringbus_close(bus);
}

static void
goes_backwards(const struct arena *arena)
{
	struct seat seat = laggard(arena);
	int64_t at = rb_seq_load_acquire(&seat_gate(&seat)->sequence);

	while (!is_evicted(&seat))
		rb_seq_store_release(&seat_gate(&seat)->sequence, at--);
	saw_eviction(arena, &seat);
}

static void
stays_behind(const struct arena *arena)
{
	static const int64_t places[] = { -1, 0, INT64_MIN, -2 };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(places); i++) {
		struct seat seat = laggard(arena);

		while (!is_evicted(&seat))
			rb_seq_store_release(&seat_gate(&seat)->sequence,
					     places[i]);
		saw_eviction(arena, &seat);
		seat_leave(&seat);
	}
}

/* Says that it has read what nobody has published: that is its own loss. */
static void
runs_ahead(const struct arena *arena)
{
	static const int64_t places[] = { INT64_MAX, INT64_MAX - 1,
					  INT64_C(1) << 62, INT64_C(1) << 40 };
	struct seat seat = laggard(arena);

	for (unsigned i = 0; i < RB_ARRAY_SIZE(places); i++)
		STORM(arena)
	rb_seq_store_release(&seat_gate(&seat)->sequence, places[i]);
	saw("ok");
}

static void
flaps(const struct arena *arena)
{
	static const int64_t places[] = {
		INT64_MAX, 0, INT64_MIN, -1, 1 << 20, INT64_C(1) << 62
	};
	struct seat seat = laggard(arena);

	while (!is_evicted(&seat))
		rb_seq_store_release(&seat_gate(&seat)->sequence,
				     places[any() % RB_ARRAY_SIZE(places)]);
	saw_eviction(arena, &seat);
}

/* Beside its gate all words of its own, that others look at. */
static void
flaps_its_words(const struct arena *arena)
{
	struct seat seat = laggard(arena);
	struct rb_gate *gate = seat_gate(&seat);

	while (!is_evicted(&seat)) {
		rb_word32_store_relaxed(&gate->event, (uint32_t)any());
		rb_word32_store_relaxed(&gate->wanted, (uint32_t)any());
		rb_word64_store_relaxed(&gate->failed, any());
		rb_word32_store_relaxed(&gate->run, (uint32_t)any());
		rb_word64_store_relaxed(&gate->presence, any());
		rb_word64_store_relaxed(&gate->lost, any());
	}
	saw_eviction(arena, &seat);
}

static int
be_stopped(void *arg)
{
	laggard(arg);
	kill(getpid(), SIGSTOP);
	return 0;
}

/* Stopped with its place, until it is nobody's any more. */
static void
stops(const struct arena *arena)
{
	pid_t pid = fork_off(be_stopped, (void *)arena);
	struct seat tap;
	int status;

	t_ok(seat_take(arena, "flow", RB_ROLE_TAP, NULL, &tap));
	waitpid(pid, &status, WUNTRACED);
	tap.answer.index = 1; /* as they are declared */
	while (!is_evicted(&tap))
		sched_yield();
	saw_eviction(arena, &tap);
	kill_off(pid);
}

/* After it was thrown out it writes on. */
static void
lingers(const struct arena *arena)
{
	struct seat seat = laggard(arena);

	while (!is_evicted(&seat))
		sched_yield();
	STORM(arena)
	rb_seq_store_release(&seat_gate(&seat)->sequence,
			     (int64_t)(any() >> any() % 64));
	saw("%s", is_evicted(&seat) ? "evicted" : "in again");
}

static int
come_and_die(void *arg)
{
	laggard(arg);
	saw("in");
	die();
}

static void
comes_and_dies(const struct arena *arena)
{
	for (unsigned i = 0; i < 100 * arena->harder; i++)
		await_end(fork_off(come_and_die, (void *)arena));
}

#define A_LAGGARD OTHER_NONE, UID_LAGGARD

const struct attack attacks_consumer[] = {
	{ "never_reads", "commits nothing", "ESTALE", never_reads, A_LAGGARD },
	{ "goes_backwards", "moves its gate back, one by one", "evicted",
	  goes_backwards, A_LAGGARD },
	{ "stays_behind", "keeps its gate at the start, and before it",
	  "evicted", stays_behind, A_LAGGARD },
	{ "runs_ahead", "sets its gate to the far future", "ok", runs_ahead,
	  A_LAGGARD },
	{ "flaps", "sets its gate to both ends in turn", "evicted", flaps,
	  A_LAGGARD },
	{ "flaps_its_words", "random wishes and states in its words", "evicted",
	  flaps_its_words, A_LAGGARD },
	{ "stops", "is stopped, with its place", "evicted", stops, A_LAGGARD },
	{ "lingers", "moves its gate after it was evicted", "evicted", lingers,
	  A_LAGGARD },
	{ "comes_and_dies", "joins and is killed, 100 times", "in",
	  comes_and_dies, A_LAGGARD },
	{ 0 },
};
