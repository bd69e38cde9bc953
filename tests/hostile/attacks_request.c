/* SPDX-License-Identifier: MIT */
/*
 * attacks_request.c - strangers who ask for what they must not have, and for more
 * than there is
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/attack.h"
#include "tests/system/util_peer.h"

static void
attach_to(const struct arena *arena, const char *channel, enum rb_role role,
	  const char *name)
{
	struct rb_control m = t_attach_message(channel, role, name);
	int peer = t_peer_greet(&arena->daemon);

	saw_result(t_peer_ask(peer, &m, NULL));
	close(peer);
}

static void
publishes(const struct arena *arena)
{
	attach_to(arena, "flow", RB_ROLE_PRODUCER, NULL);
	attach_to(arena, "flow", RB_ROLE_PRODUCER, "producer");
	attach_to(arena, "secret", RB_ROLE_PRODUCER, NULL);
}

static void
consumes(const struct arena *arena)
{
	attach_to(arena, "flow", RB_ROLE_CONSUMER, NULL);
	attach_to(arena, "flow", RB_ROLE_CONSUMER, "laggard");
	attach_to(arena, "secret", RB_ROLE_CONSUMER, NULL);
}

static void
living_name(const struct arena *arena)
{
	struct seat seat;

	attach_to(arena, "flow", RB_ROLE_CONSUMER, "reader");
	t_ok(seat_take(arena, "other", RB_ROLE_CONSUMER, "me", &seat));
	attach_to(arena, "other", RB_ROLE_CONSUMER, "me");
	seat_leave(&seat);
}

/* Who may consume there, but is not that one. */
static void
readers_name(const struct arena *arena)
{
	attach_to(arena, "flow", RB_ROLE_CONSUMER, "reader");
}

static void
about(const struct arena *arena, enum rb_control_type type, const char *channel,
      uint32_t flags)
{
	struct rb_control m = t_message(type, channel);
	int peer = t_peer_greet(&arena->daemon);

	m.flags = flags;
	saw_result(t_peer_ask(peer, &m, NULL));
	close(peer);
}

static void
ends(const struct arena *arena)
{
	about(arena, RB_CONTROL_CLOSE, "flow", 0);
	about(arena, RB_CONTROL_CLOSE, "flow", RB_CONTROL_ABORT);
	about(arena, RB_CONTROL_MEND, "flow", 0);
	about(arena, RB_CONTROL_EVICT, "flow", 0);
	about(arena, RB_CONTROL_MOVE, "flow", 0);
	about(arena, RB_CONTROL_PAUSE, "flow", 0);
	about(arena, RB_CONTROL_PAUSE, "flow", RB_CONTROL_RESUME);
	about(arena, RB_CONTROL_REMOVE, "flow", 0);
	about(arena, RB_CONTROL_OPEN, "flow", 0);
	about(arena, RB_CONTROL_REMOVE, "other", 0);
}

/* With all that a tap can find out of the pair. */
static void
detach(const struct arena *arena, uint32_t flags)
{
	int peer = t_peer_greet(&arena->daemon);
	struct seat tap;

	t_ok(seat_take(arena, "flow", RB_ROLE_TAP, NULL, &tap));
	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++)
		for (int role = RB_ROLE_PRODUCER; role <= RB_ROLE_CONSUMER;
		     role++) {
			const struct rb_meta *meta = tap.shm.meta;
			const struct rb_member *m =
				role == RB_ROLE_PRODUCER ? &meta->producers[i]
							 : &meta->consumers[i];
			struct rb_control request = t_message(RB_CONTROL_DETACH,
							      "flow");

			request.role = (uint32_t)role;
			request.index = i;
			request.epoch = rb_word32_load_acquire(&m->epoch);
			request.generation = tap.shm.generation;
			request.flags = flags;
			saw_result(t_peer_ask(peer, &request, NULL));
		}
	seat_leave(&tap);
	close(peer);
}

static void
detaches(const struct arena *arena)
{
	detach(arena, 0);
}

static void
forgets(const struct arena *arena)
{
	detach(arena, RB_CONTROL_FORGET);
}

static void
any_place(const struct arena *arena)
{
	int peer = t_peer_greet(&arena->daemon);

	for (unsigned i = 0; i < 1000 * arena->harder; i++) {
		struct rb_control m = t_message(RB_CONTROL_DETACH, "flow");

		m.role = any() % 2 ? RB_ROLE_PRODUCER : RB_ROLE_CONSUMER;
		m.index = (uint32_t)any() >> any() % 32;
		m.epoch = (uint32_t)any() >> any() % 32;
		m.generation = any() >> any() % 64;
		saw_result(t_peer_ask(peer, &m, NULL));
	}
	close(peer);
}

static void
secret(const struct arena *arena)
{
	struct rb_control m = t_message(RB_CONTROL_LIST, NULL);
	int peer = t_peer_greet(&arena->daemon);
	bool seen = false;

	for (uint32_t i = 0; t_peer_ask(peer, &m, NULL) == 0; i++) {
		seen |= strcmp(m.channel, "secret") == 0;
		m = t_message(RB_CONTROL_LIST, NULL);
		m.index = i + 1;
	}
	saw("%s", seen ? "seen" : "hidden");
	m = t_message(RB_CONTROL_LIST, NULL);
	m.index = UINT32_MAX;
	saw_result(t_peer_ask(peer, &m, NULL));
	close(peer);
	attach_to(arena, "secret", RB_ROLE_TAP, NULL);
}

static void
impossible_places(const struct arena *arena)
{
	static const int64_t from[] = { INT64_MAX, INT64_MAX - 1,
					INT64_C(1) << 62, 1000 };
	int peer = t_peer_greet(&arena->daemon);

	for (unsigned i = 0; i < RB_ARRAY_SIZE(from); i++) {
		struct rb_control m = t_attach_message("other",
						       RB_ROLE_CONSUMER, NULL);

		m.from = from[i];
		saw_result(t_peer_ask(peer, &m, NULL));
	}
	close(peer);
}

static void
impossible_stages(const struct arena *arena)
{
	static const char *const after[] = { "nobody", "a b c", "../flow",
					     "reader\n" };
	int peer = t_peer_greet(&arena->daemon);

	for (unsigned i = 0; i <= RB_ARRAY_SIZE(after); i++) {
		struct rb_control m = t_attach_message("other",
						       RB_ROLE_CONSUMER, "me");

		memset(m.text, 'x', sizeof(m.text) - 1);
		if (i < RB_ARRAY_SIZE(after))
			snprintf(m.text, sizeof(m.text), "%s", after[i]);
		saw_result(t_peer_ask(peer, &m, NULL));
	}
	close(peer);
}

static void
all_places(const struct arena *arena)
{
	int peer = t_peer_greet(&arena->daemon);

	for (int role = RB_ROLE_PRODUCER; role <= RB_ROLE_CONSUMER; role++) {
		struct rb_control answer;
		int n = 0, err;

		while ((err = t_peer_attach(peer, "other", role, NULL,
					    &answer)) == 0)
			n++;
		saw("%d", n);
		saw_result(err);
	}
	close(peer);
}

/* ------------------------------------------------------------------ creating */

static struct rb_control
creation(const char *name)
{
	struct rb_control m = t_message(RB_CONTROL_CREATE, name);

	m.slots = 16;
	m.slot_size = 64;
	return m;
}

static void
foreign_draft(const struct arena *arena)
{
	struct rb_control m = creation("draft");
	int peer = t_peer_greet(&arena->daemon);

	m.flags = RB_CONTROL_PREPARE;
	t_ok(t_peer_ask(peer, &m, NULL));
	attach_to(arena, "draft", RB_ROLE_PRODUCER, NULL);
	about(arena, RB_CONTROL_OPEN, "draft", 0);
	about(arena, RB_CONTROL_REMOVE, "draft", 0);
	about(arena, RB_CONTROL_CLOSE, "draft", RB_CONTROL_ABORT);
	close(peer);
}

static int
draft_and_die(void *arg)
{
	struct rb_control m = creation("draft");
	const struct arena *arena = arg;
	int peer = t_peer_greet(&arena->daemon);

	m.flags = RB_CONTROL_PREPARE;
	saw_result(t_peer_ask(peer, &m, NULL));
	die();
}

/* Nothing is left of it, so the next one may take the name, once the daemon has
 * seen the death. */
static void
drafts(const struct arena *arena)
{
	for (unsigned i = 0; i < 10 * arena->harder; i++) {
		int peer = t_peer_greet(&arena->daemon);
		struct rb_control m;

		await_end(fork_off(draft_and_die, (void *)arena));
		do
			m = creation("draft");
		while (t_peer_ask(peer, &m, NULL) == -EEXIST);
		saw_result(m.result);
		close(peer);
		about(arena, RB_CONTROL_REMOVE, "draft", 0);
	}
}

static void
creates_for_ever(const struct arena *arena)
{
	int peer = t_peer_greet(&arena->daemon);
	struct rb_control m;
	char name[32];
	int n = 0;

	do {
		snprintf(name, sizeof(name), "mine-%d", n++);
		m = creation(name);
	} while (n < 100 && t_peer_ask(peer, &m, NULL) == 0);
	saw_result(m.result);
	while (--n > 0) {
		snprintf(name, sizeof(name), "mine-%d", n - 1);
		m = t_message(RB_CONTROL_REMOVE, name);
		saw_result(t_peer_ask(peer, &m, NULL));
	}
	close(peer);
}

/* More than max_size, up to what no machine has. */
static void
creates_the_largest(const struct arena *arena)
{
	int peer = t_peer_greet(&arena->daemon);

	for (unsigned bits = 22; bits <= 31; bits++) {
		struct rb_control m = creation("mine");

		m.slots = UINT64_C(1) << bits;
		m.slot_size = 256;
		saw_result(t_peer_ask(peer, &m, NULL));
	}
	close(peer);
}

static const struct rb_control impossible[] = {
	{ .slots = 0, .slot_size = 64 },
	{ .slots = 1, .slot_size = 64 },
	{ .slots = 3, .slot_size = 64 },
	{ .slots = UINT64_C(1) << 32, .slot_size = 64 },
	{ .slots = UINT64_C(1) << 63, .slot_size = 64 },
	{ .slots = UINT64_MAX, .slot_size = 64 },
	{ .slots = 16, .slot_size = 0 },
	{ .slots = 16, .slot_size = RB_SLOT_SIZE_MAX + 1 },
	{ .slots = 16, .slot_size = UINT64_C(1) << 63 },
	{ .slots = 16, .slot_size = UINT64_MAX },
	{ .slots = 1u << 31, .slot_size = RB_SLOT_SIZE_MAX },
	{ .slots = 16, .slot_size = 64, .history = 9 },
	{ .slots = 16, .slot_size = 64, .history = UINT64_MAX },
	{ .slots = 16, .slot_size = 48, .framing = RB_FRAMED },
	{ .slots = 16, .slot_size = 64, .framing = 2 },
	{ .slots = 16, .slot_size = 64, .framing = UINT32_MAX },
	{ .slots = 16, .slot_size = 64, .producers = 2 },
	{ .slots = 16, .slot_size = 64, .wait = RB_WAIT_KINDS },
	{ .slots = 16, .slot_size = 64, .wait = UINT32_MAX },
	{ .slots = 16, .slot_size = 64, .clear = 2 },
	{ .slots = 16, .slot_size = 64, .type_version = 1 },
	{ .slots = 16, .slot_size = 64, .type_name = "../x" },
};

static void
creates_the_impossible(const struct arena *arena)
{
	int peer = t_peer_greet(&arena->daemon);

	for (unsigned i = 0; i < RB_ARRAY_SIZE(impossible); i++) {
		struct rb_control m = impossible[i];

		m.version = RB_CONTROL_VERSION;

		m.type = RB_CONTROL_CREATE;
		snprintf(m.channel, sizeof(m.channel), "mine");
		saw_result(t_peer_ask(peer, &m, NULL));
		about(arena, RB_CONTROL_REMOVE, "mine", 0);
	}
	close(peer);
}

static void
taken_names(const struct arena *arena)
{
	static const char *const names[] = { "flow", "secret", "other" };
	int peer = t_peer_greet(&arena->daemon);

	for (unsigned i = 0; i < RB_ARRAY_SIZE(names); i++)
		for (unsigned flags = 0; flags <= RB_CONTROL_PREPARE;
		     flags += RB_CONTROL_PREPARE) {
			struct rb_control m = creation(names[i]);

			m.flags = flags;
			saw_result(t_peer_ask(peer, &m, NULL));
		}
	close(peer);
}

static int
plan(int peer, unsigned i, uint64_t mask)
{
	struct rb_control m = t_message(RB_CONTROL_PLAN, NULL);

	snprintf(m.name, sizeof(m.name), "c%u", i);
	m.mask = mask;
	return t_peer_ask(peer, &m, NULL);
}

static void
plans_too_many(const struct arena *arena)
{
	int peer = t_peer_greet(&arena->daemon);
	struct rb_control m = creation("mine");

	for (unsigned i = 0; i <= RB_CONSUMERS_MAX; i++)
		saw_result(plan(peer, i, 0));
	close(peer); /* and never asks for the channel */
	saw_closed_by(arena, false, &m, sizeof(m));
}

/* Who waits for oneself, for each other, for somebody who is not planned. */
static void
plans_a_cycle(const struct arena *arena)
{
	static const uint64_t masks[][2] = { { 1, 0 },
					     { 2, 1 },
					     { UINT64_C(1) << 63, 0 },
					     { UINT64_MAX, UINT64_MAX } };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(masks); i++) {
		struct rb_control m = creation("mine");
		int peer = t_peer_greet(&arena->daemon);

		plan(peer, 0, masks[i][0]);
		plan(peer, 1, masks[i][1]);
		saw_result(t_peer_ask(peer, &m, NULL));
		close(peer);
	}
}

/* Who may not create anything. */
static void
creates_anyway(const struct arena *arena)
{
	struct rb_control m = creation("mine");
	int peer = t_peer_greet(&arena->daemon);

	saw_result(t_peer_ask(peer, &m, NULL));
	close(peer);
}

#define A_STRANGER OTHER_NONE, UID_STRANGER

const struct attack attacks_request[] = {
	{ "publishes", "attaches to publish where it must not", "EACCES",
	  publishes, A_STRANGER },
	{ "consumes", "attaches to consume where it must not", "EACCES",
	  consumes, A_STRANGER },
	{ "living_name", "takes the name of a living consumer", "EACCES, EBUSY",
	  living_name, OTHER_MULTI, UID_STRANGER },
	{ "readers_name", "the same, as one who may consume", "EBUSY",
	  readers_name, OTHER_NONE, UID_LAGGARD },
	{ "ends", "ends, aborts, mends, opens, removes what is not its own",
	  "EACCES", ends, OTHER_MULTI, UID_STRANGER },
	{ "detaches", "detaches others, by their true numbers", "ESTALE",
	  detaches, A_STRANGER },
	{ "forgets", "has the places of others forgotten", "ESTALE", forgets,
	  A_STRANGER },
	{ "any_place", "detaches whom it can guess", "ESTALE", any_place,
	  A_STRANGER },
	{ "secret", "looks for a channel that it must not see",
	  "hidden, ENOENT, EACCES", secret, A_STRANGER },
	{ "impossible_places", "starts at events that are yet to come",
	  "ERANGE", impossible_places, OTHER_MULTI, UID_STRANGER },
	{ "impossible_stages", "comes after consumers that there are not",
	  "ENOENT", impossible_stages, OTHER_MULTI, UID_STRANGER },
	{ "all_places", "takes every place, and one more", "64, EUSERS",
	  all_places, OTHER_MULTI, UID_STRANGER },
	{ "foreign_draft", "uses a channel that another one prepares", "ENOENT",
	  foreign_draft, A_STRANGER },
	{ "drafts", "prepares channels and is killed", "ok", drafts,
	  A_STRANGER },
	{ "creates_for_ever", "more channels than there may be", "EUSERS, ok",
	  creates_for_ever, A_STRANGER },
	{ "creates_the_largest", "channels larger than they may be", "EUSERS",
	  creates_the_largest, A_STRANGER },
	{ "creates_the_impossible", "sizes and kinds that make no channel",
	  "EINVAL, ENOENT", creates_the_impossible, A_STRANGER },
	{ "creates_anyway", "a channel, without leave", "EACCES",
	  creates_anyway, OTHER_NONE, UID_LAGGARD },
	{ "taken_names", "channels of names that are taken", "EEXIST",
	  taken_names, OTHER_MULTI, UID_STRANGER },
	{ "plans_too_many", "plans 65 consumers", "ok, EUSERS, closed",
	  plans_too_many, A_STRANGER },
	{ "plans_a_cycle", "plans consumers that wait for themselves", "EINVAL",
	  plans_a_cycle, A_STRANGER },
	{ 0 },
};
