/* SPDX-License-Identifier: MIT */
/*
 * words.c - the numbers of the public API as words
 *
 * Arrays by number, read in both directions.
 */
#include "client/ctl/words.h"

#include <errno.h>

#include "client/ringbus.h"

#define N_NAMES(names) ((int)(sizeof(names) / sizeof((names)[0])))

static const char *const framings[] = {
	[RINGBUS_FIXED] = "fixed",
	[RINGBUS_FRAMED] = "framed",
};

static const char *const producers_names[] = {
	[RINGBUS_SINGLE] = "single",
	[RINGBUS_MULTI] = "multi",
};

static const char *const isolations[] = {
	[RINGBUS_NAMED] = "named",
	[RINGBUS_SEALED] = "sealed",
};

static const char *const roles[] = {
	[RINGBUS_PRODUCER] = "producer",
	[RINGBUS_CONSUMER] = "consumer",
};

static const char *const states[] = {
	[0] = "?",
	[RINGBUS_MEMBER_ATTACHED] = "attached",
	[RINGBUS_MEMBER_ABSENT] = "absent",
	[RINGBUS_MEMBER_DYING] = "dying",
	[RINGBUS_MEMBER_DECLARED] = "declared",
	[RINGBUS_MEMBER_EVICTED] = "evicted",
	[RINGBUS_MEMBER_FAILED] = "failed",
	[RINGBUS_MEMBER_PARKED] = "parked",
};

static const char *const slows[] = {
	[RINGBUS_SLOW_DEFAULT] = "",    [RINGBUS_SLOW_GATE] = "gate",
	[RINGBUS_SLOW_EVICT] = "evict", [RINGBUS_SLOW_PARK] = "park",
	[RINGBUS_SLOW_LOSSY] = "lossy",
};

static const char *const clears[] = { "none", "zero" };

static const char *
name_at(const char *const names[], int n, int i)
{
	return i >= 0 && i < n ? names[i] : "?";
}

const char *
words_framing(int framing)
{
	return name_at(framings, N_NAMES(framings), framing);
}

const char *
words_producers(int producers)
{
	return name_at(producers_names, N_NAMES(producers_names), producers);
}

const char *
words_isolation(int isolation)
{
	return name_at(isolations, N_NAMES(isolations), isolation);
}

const char *
words_role(int role)
{
	return name_at(roles, N_NAMES(roles), role);
}

const char *
words_member(const struct ringbus_member *member)
{
	if (member->role == RINGBUS_CONSUMER && member->group)
		return "group";
	if (member->role == RINGBUS_CONSUMER && member->worker_of >= 0)
		return "worker";
	return words_role(member->role);
}

const char *
words_state(int state)
{
	return name_at(states, N_NAMES(states), state);
}

const char *
words_slow(int slow)
{
	return name_at(slows, N_NAMES(slows), slow);
}

const char *
words_clear(int clear)
{
	return clears[clear != 0];
}

/* The worst that is so. */
const char *
words_stream(const struct ringbus_info *info)
{
	if (info->damaged)
		return "damaged";
	if (info->ended)
		return "ended";
	if (info->broken >= 0)
		return "broken";
	return info->paused_ns != 0 ? "paused" : "open";
}

const char *
words_wait(int wait)
{
	const char *name = ringbus_wait_name(wait);

	return name != NULL ? name : "?";
}

static int
store_choice(const char *text, const char *const names[], int n, int *target)
{
	int i = options_choose(text, names, n);

	if (i < 0)
		return i;
	*target = i;
	return 0;
}

static int
parse_framing(const char *text, void *target)
{
	return store_choice(text, framings, N_NAMES(framings), target);
}

static int
parse_producers(const char *text, void *target)
{
	return store_choice(text, producers_names, N_NAMES(producers_names),
			    target);
}

static int
parse_isolation(const char *text, void *target)
{
	return store_choice(text, isolations, N_NAMES(isolations), target);
}

/* The default is not a word: it is what one has who says nothing. */
static int
parse_slow(const char *text, void *target)
{
	int i = options_choose(text, slows + 1, N_NAMES(slows) - 1);

	if (i < 0)
		return i;
	*(int *)target = i + 1;
	return 0;
}

static int
parse_clear(const char *text, void *target)
{
	return store_choice(text, clears, N_NAMES(clears), target);
}

const struct options_type words_framing_type = { parse_framing,
						 "fixed or framed" };
const struct options_type words_producers_type = { parse_producers,
						   "single or multi" };
const struct options_type words_isolation_type = { parse_isolation,
						   "named or sealed" };
const struct options_type words_slow_type = { parse_slow, "one of gate, evict, "
							  "park, lossy" };
const struct options_type words_clear_type = { parse_clear, "none or zero" };
