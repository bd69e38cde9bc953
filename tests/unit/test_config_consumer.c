/* SPDX-License-Identifier: MIT */
/*
 * test_config_consumer.c - what a consumer is: slow, a group, kept
 */
#include <stdio.h>

#include "shm/base.h"
#include "tests/unit/config_expect.h"

/* A channel with consumers, the keys of `a` starting in column 23 of line 3. */
#define CONSUMER(keys) CHANNEL("consumers: { a: { " keys " } }")

/* The same with more keys of the channel below, from line 4 on. */
#define CONSUMER_AND(keys, lines)                                              \
	CHANNEL("consumers: { a: { " keys " } }\n    " lines)

/* The first consumer of a good text, its config being the caller's. */
static const struct rb_config_consumer *
first_consumer(const char *text, struct rb_config **ret)
{
	*ret = parses(text);
	ck_assert_uint_ge(only_channel(*ret)->n_consumers, 1);
	return &only_channel(*ret)->consumers[0];
}

/* -------------------------------------------------------------------- keys */

TEST(slow_names_are_in_the_order_of_the_enum)
{
	static const char *const names[] = {
		[RB_CONFIG_GATE] = "gate",
		[RB_CONFIG_EVICT] = "evict, max_lag: 5",
		[RB_CONFIG_PARK] = "park, max_lag: 5",
		[RB_CONFIG_LOSSY] = "lossy",
	};
	struct rb_config *config;
	char text[128];
	size_t i;

	for (i = 0; i < RB_ARRAY_SIZE(names); i++) {
		snprintf(text, sizeof(text), CONSUMER("slow: %s"), names[i]);
		ck_assert_uint_eq(first_consumer(text, &config)->slow, i);
		rb_config_free(config);
	}
}

TEST(limits)
{
	struct rb_config *config;
	const struct rb_config_consumer *a = first_consumer(
		CONSUMER("slow: evict, max_lag: 65535, max_stall: 1m30s"),
		&config);

	ck_assert_uint_eq(a->max_lag, 65535);
	ck_assert_int_eq(a->max_stall_ns, INT64_C(90000000000));
	ck_assert_int_eq(a->on_death, RB_CONFIG_RELEASE);
	rb_config_free(config);
	a = first_consumer(CONSUMER("slow: evict, max_stall: 1ms"), &config);
	ck_assert_uint_eq(a->max_lag, 0);
	ck_assert_int_eq(a->max_stall_ns, 1000000);
	rb_config_free(config);
}

TEST(park_takes_the_history)
{
	struct rb_config *config;
	const struct rb_config_consumer *a = first_consumer(
		CONSUMER_AND("slow: park", "history: 512"), &config);

	ck_assert_uint_eq(a->max_lag, 512);
	rb_config_free(config);
	a = first_consumer(CONSUMER_AND("slow: park, max_lag: 0",
					"history: 512"),
			   &config);
	ck_assert_uint_eq(a->max_lag, 512);
	rb_config_free(config);
	a = first_consumer(CONSUMER_AND("slow: park, max_lag: 7",
					"history: 512"),
			   &config);
	ck_assert_uint_eq(a->max_lag, 7);
	rb_config_free(config);
	a = first_consumer(
		"defaults: { history: 128 }\n" CONSUMER("slow: park"), &config);
	ck_assert_uint_eq(a->max_lag, 128);
	rb_config_free(config);
}

TEST(only_park_takes_the_history)
{
	struct rb_config *config;
	const struct rb_config_consumer *a = first_consumer(
		CONSUMER_AND("slow: evict, max_stall: 1s", "history: 512"),
		&config);

	ck_assert_uint_eq(a->max_lag, 0);
	rb_config_free(config);
}

/* What becomes of a consumer with these keys when its process dies. */
static void
assert_on_death(const char *keys, enum rb_config_on_death expected)
{
	struct rb_config *config;
	char text[160];

	snprintf(text, sizeof(text), CONSUMER("%s"), keys);
	ck_assert_msg(first_consumer(text, &config)->on_death == expected, "%s",
		      keys);
	rb_config_free(config);
}

TEST(on_death_follows_from_the_kind)
{
	assert_on_death("slow: gate", RB_CONFIG_RELEASE);
	assert_on_death("slow: lossy", RB_CONFIG_RELEASE);
	assert_on_death("slow: evict, max_lag: 1", RB_CONFIG_RELEASE);
	assert_on_death("slow: park, max_lag: 1", RB_CONFIG_KEEP);
	assert_on_death("group: true", RB_CONFIG_KEEP);
	assert_on_death("group: false", RB_CONFIG_RELEASE);
}

TEST(on_death_can_be_said)
{
	assert_on_death("slow: lossy, on_death: keep", RB_CONFIG_KEEP);
	assert_on_death("slow: evict, max_lag: 1, on_death: keep",
			RB_CONFIG_KEEP);
	assert_on_death("slow: park, max_lag: 1, on_death: keep",
			RB_CONFIG_KEEP);
	assert_on_death("group: true, on_death: keep", RB_CONFIG_KEEP);
	assert_on_death("on_death: release, group: true", RB_CONFIG_RELEASE);
}

TEST(those_that_are_kept_may_be_kept_for_a_time)
{
	struct rb_config *config;
	const struct rb_config_consumer *a = first_consumer(
		CONSUMER("keep_for: 3s, slow: park, max_lag: 1"), &config);

	ck_assert_int_eq(a->keep_for_ns, INT64_C(3000000000));
	rb_config_free(config);
	a = first_consumer(CONSUMER("keep_for: 3s, group: true"), &config);
	ck_assert_int_eq(a->keep_for_ns, INT64_C(3000000000));
	rb_config_free(config);
}

TEST(group_with_a_key)
{
	struct rb_config *config;
	const struct rb_config_consumer *a = first_consumer(
		CONSUMER("group: true, key: { offset: 8, size: 56 }"), &config);

	ck_assert(a->group);
	ck_assert_uint_eq(a->key_offset, 8);
	ck_assert_uint_eq(a->key_size, 56);
	rb_config_free(config);
	a = first_consumer(CONSUMER("key: { size: 4, x-what: id }, "
				    "group: true"),
			   &config);
	ck_assert_uint_eq(a->key_offset, 0);
	ck_assert_uint_eq(a->key_size, 4);
	rb_config_free(config);
}

TEST(key_of_a_framed_channel_may_be_anywhere_in_the_largest_event)
{
	static const char text[] = "channels:\n  log:\n    framing: framed\n"
				   "    slots: 64\n    slot_size: 32\n"
				   "    consumers:\n      a:\n"
				   "        group: true\n"
				   "        key: { offset: %s, size: 256 }\n";
	struct rb_config *config;
	char buffer[256];

	snprintf(buffer, sizeof(buffer), text, "256");
	ck_assert_uint_eq(first_consumer(buffer, &config)->key_offset, 256);
	rb_config_free(config);
	snprintf(buffer, sizeof(buffer), text, "257");
	refuses(buffer, "test:9:16: consumer 'a': 'key' takes the bytes from "
			"257 to 512, but the largest event has 512\n");
}

TEST(lossy_and_park_may_come_after_others)
{
	struct rb_config *config = parses(
		CHANNEL("consumers:\n"
			"      a: { slow: lossy, after: c }\n"
			"      b: { slow: park, max_lag: 3, after: c }\n"
			"      c: { slow: evict, max_lag: 3, after: d }\n"
			"      d: { group: true }"));
	const struct rb_config_consumer *c = only_channel(config)->consumers;

	ck_assert_uint_eq(c[0].after, 4);
	ck_assert_uint_eq(c[1].after, 4);
	ck_assert_uint_eq(c[2].after, 8);
	rb_config_free(config);
}

/* ------------------------------------------------------------ wrong values */

REFUSES(unknown_slow, CONSUMER("slow: stall"),
	"test:3:29: 'slow' must be one of gate, evict, park, lossy, not "
	"'stall'\n")
REFUSES(max_lag_with_a_unit, CONSUMER("slow: evict, max_lag: 1s"),
	"test:3:45: 'max_lag' must be a whole number, not '1s'\n")
REFUSES(max_lag_beyond_all_slots, CONSUMER("slow: evict, max_lag: 2147483649"),
	"test:3:45: 'max_lag' must be from 0 to 2147483648, not "
	"'2147483649'\n")
REFUSES(max_stall_without_a_unit, CONSUMER("slow: evict, max_stall: 5"),
	"test:3:47: 'max_stall' must be a duration such as 250ms or 1m30s, "
	"not '5'\n")
REFUSES(max_stall_too_long, CONSUMER("slow: evict, max_stall: 366d"),
	"test:3:47: 'max_stall' must be from 0 to 365d, not '366d'\n")
REFUSES(group_that_is_a_name, CONSUMER("group: workers"),
	"test:3:30: 'group' must be true or false, not 'workers'\n")
REFUSES(key_that_is_a_number, CONSUMER("group: true, key: 8"),
	"test:3:41: 'key' must be a mapping of keys, not a single value\n")
REFUSES(key_of_no_bytes, CONSUMER("group: true, key: { size: 0 }"),
	"test:3:49: 'size' must be from 1 to 256, not '0'\n")
REFUSES(key_too_large, CONSUMER("group: true, key: { size: 257 }"),
	"test:3:49: 'size' must be from 1 to 256, not '257'\n")
REFUSES(key_too_far, CONSUMER("group: true, key: { size: 1, offset: 17MiB }"),
	"test:3:60: 'offset' must be from 0 to 16MiB, not '17MiB'\n")

TEST(slow_gets_a_suggestion)
{
	hints(CONSUMER("slow: parked, max_lag: 5"), "did you mean 'park'?");
}

/* ------------------------------------------------------------- broken rules */

REFUSES(evict_without_a_limit, CONSUMER("slow: evict"),
	"test:3:23: consumer 'a': 'slow: evict' without a limit evicts nobody\n"
	"    consumers: { a: { slow: evict } }\n"
	"                      ^\n"
	"hint: add max_lag or max_stall\n")
REFUSES(park_without_a_lag, CONSUMER("max_stall: 1s, slow: park"),
	"test:3:38: consumer 'a': 'slow: park' needs a 'max_lag', as there is "
	"no 'history' that it could be\n"
	"    consumers: { a: { max_stall: 1s, slow: park } }\n"
	"                                     ^\n"
	"hint: add max_lag, or give the channel a history\n")
REFUSES(lag_that_is_never_reached,
	CONSUMER_AND("slow: evict, max_lag: 1024", "slots: 1024"),
	"test:3:36: consumer 'a': 'max_lag' is 1024 and never exceeded: "
	"producers run ahead by at most 1024 slots, 'slots' less 'history'\n"
	"    consumers: { a: { slow: evict, max_lag: 1024 } }\n"
	"                                   ^\n"
	"hint: take a smaller max_lag, or more slots\n")
REFUSES(lag_that_history_leaves_no_room_for,
	CONSUMER_AND("max_lag: 900, slow: park",
		     "slots: 1024\n    history: 124"),
	"test:3:23: consumer 'a': 'max_lag' is 900 and never exceeded: "
	"producers run ahead by at most 900 slots, 'slots' less 'history'\n")
REFUSES(history_that_is_no_limit,
	CONSUMER_AND("slow: park", "slots: 1024\n    history: 512"),
	"test:3:23: consumer 'a': 'max_lag' is 512, like 'history', and never "
	"exceeded: producers run ahead by at most 512 slots, 'slots' less "
	"'history'\n")
REFUSES(max_lag_that_a_large_event_does_not_reach,
	CONSUMER_AND("slow: evict, max_lag: 800",
		     "slots: 1024\n    framing: framed"),
	"test:3:36: consumer 'a': 'max_lag' is 800 and never exceeded: "
	"producers run ahead by at most 768 slots, 'slots' less 'history' less "
	"the largest event\n"
	"    consumers: { a: { slow: evict, max_lag: 800 } }\n"
	"                                   ^\n"
	"hint: take a smaller max_lag, or more slots\n")
REFUSES(park_where_slots_are_cleared,
	CONSUMER_AND("slow: park, max_lag: 3", "clear: zero"),
	"test:3:23: consumer 'a': 'slow: park' keeps what 'clear: zero' is to "
	"wipe\n"
	"    consumers: { a: { slow: park, max_lag: 3 } }\n"
	"                      ^\n"
	"hint: take slow: evict, or no clear\n")
REFUSES(max_lag_that_gates, CONSUMER("max_lag: 3"),
	"test:3:23: consumer 'a': 'max_lag' has no meaning with 'slow: gate'\n"
	"    consumers: { a: { max_lag: 3 } }\n"
	"                      ^\n"
	"hint: it goes with slow: evict and slow: park\n")
REFUSES(max_stall_of_a_lossy_one, CONSUMER("slow: lossy, max_stall: 3s"),
	"test:3:36: consumer 'a': 'max_stall' has no meaning with "
	"'slow: lossy'\n")
REFUSES(park_that_is_released,
	CONSUMER("slow: park, max_lag: 3, on_death: release"),
	"test:3:47: consumer 'a': 'on_death: release' would lose the place "
	"that 'slow: park' keeps\n"
	"    consumers: { a: { slow: park, max_lag: 3, on_death: release } }\n"
	"                                              ^\n"
	"hint: drop on_death, or take slow: evict\n")
REFUSES(keep_for_of_a_group_that_is_released,
	CONSUMER("group: true, on_death: release, keep_for: 3s"),
	"test:3:55: consumer 'a': 'keep_for' is only for a consumer that is "
	"kept\n")
REFUSES(lossy_group, CONSUMER("group: true, slow: lossy"),
	"test:3:36: consumer 'a': a group gates, so can't have 'slow: lossy'\n"
	"    consumers: { a: { group: true, slow: lossy } }\n"
	"                                   ^\n"
	"hint: drop one of them\n")
REFUSES(parked_group, CONSUMER("slow: park, max_lag: 3, group: true"),
	"test:3:23: consumer 'a': a group gates, so can't have 'slow: park'\n")
REFUSES(evicted_group, CONSUMER("slow: evict, max_lag: 3, group: true"),
	"test:3:23: consumer 'a': a group gates, so can't have 'slow: evict'\n")
REFUSES(key_without_a_group, CONSUMER("key: { size: 8 }"),
	"test:3:23: consumer 'a': 'key' is only for a group\n"
	"    consumers: { a: { key: { size: 8 } } }\n"
	"                      ^\n"
	"hint: add group: true\n")
REFUSES(key_without_a_size, CONSUMER("group: true, key: { offset: 8 }"),
	"test:3:36: consumer 'a': 'key' has no 'size'\n"
	"    consumers: { a: { group: true, key: { offset: 8 } } }\n"
	"                                   ^\n"
	"hint: add the number of bytes, size: 8\n")
REFUSES(key_with_nothing, CONSUMER("group: true, key:"),
	"test:3:36: consumer 'a': 'key' has no 'size'\n")
REFUSES(key_beyond_the_event,
	CONSUMER("group: true, key: { size: 8, offset: 57 }"),
	"test:3:52: consumer 'a': 'key' takes the bytes from 57 to 64, but an "
	"event has 64\n")
REFUSES(key_larger_than_the_event,
	CONSUMER_AND("group: true, key: { size: 8 }", "event_size: 7"),
	"test:3:43: consumer 'a': 'key' takes the bytes from 0 to 7, but an "
	"event has 7\n")
REFUSES(after_a_lossy_one,
	CHANNEL("consumers: { a: { slow: lossy }, b: { after: [a] } }"),
	"test:3:51: consumer 'b' can't wait for 'a', which has 'slow: lossy' "
	"and so may miss events\n"
	"    consumers: { a: { slow: lossy }, b: { after: [a] } }\n"
	"                                                  ^\n"
	"hint: one with slow: gate or evict can be waited for\n")
REFUSES(after_a_parked_one_further_down,
	CHANNEL("consumers:\n      b: { after: a }\n"
		"      a: { slow: park, max_lag: 3 }"),
	"test:4:19: consumer 'b' can't wait for 'a', which has 'slow: park' "
	"and so may miss events\n")

TEST(a_refused_value_breaks_no_other_rule_of_a_consumer)
{
	refuses(CONSUMER("slow: prak, max_lag: 3"), "test:3:29: ");
	refuses(CONSUMER("slow: prak, keep_for: 3s"), "test:3:29: ");
	refuses(CONSUMER("slow: evict, max_lag: x"), "test:3:45: ");
	refuses(CONSUMER("slow: park, on_death: x, max_lag: 3"), "test:3:45: ");
	refuses(CONSUMER("group: x, key: { size: 3 }"), "test:3:30: ");
	refuses(CONSUMER("group: true, key: { offset: 3, size: x }"),
		"test:3:60: ");
	refuses(CONSUMER_AND("slow: park", "history: x"), "test:4:14: ");
	refuses(CONSUMER_AND("slow: evict, max_lag: 65536", "slots: 100000"),
		"test:4:12: ");
	refuses(CONSUMER_AND("group: true, key: { size: 128 }",
			     "event_size: x"),
		"test:4:17: ");
	refuses("defaults: { history: x }\n" CONSUMER("slow: park"),
		"test:1:22: ");
}

TEST(history_that_is_too_long_is_told_once)
{
	refuses(CONSUMER_AND("slow: park", "slots: 16\n    history: 1024"),
		"test:5:14: channel 'orders': 'history' is 1024, ");
}

TEST(every_broken_rule_is_told)
{
	static const char *const starts[] = {
		"test:4:12: consumer 'a': 'slow: evict' without a limit ",
		"test:5:12: consumer 'b': 'max_lag' has no meaning ",
		"test:6:12: consumer 'c': 'key' is only for a group\n",
		"test:7:19: consumer 'd' can't wait for 'e', ",
	};

	refuses_all(CHANNEL("consumers:\n"
			    "      a: { slow: evict }\n"
			    "      b: { max_lag: 3 }\n"
			    "      c: { key: { size: 3 } }\n"
			    "      d: { after: e }\n"
			    "      e: { slow: lossy }"),
		    starts, RB_ARRAY_SIZE(starts));
}
