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
};

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
words_role(int role)
{
	return name_at(roles, N_NAMES(roles), role);
}

const char *
words_state(int state)
{
	return name_at(states, N_NAMES(states), state);
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

const struct options_type words_framing_type = { parse_framing,
						 "fixed or framed" };
const struct options_type words_producers_type = { parse_producers,
						   "single or multi" };
