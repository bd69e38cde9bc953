/* SPDX-License-Identifier: MIT */
/*
 * test_config_channel.c - checks across the keys of a channel, and its consumers
 */
#include <stdio.h>

#include "shm/base.h"
#include "tests/unit/config_expect.h"

/* ------------------------------------------------------------- across keys */

REFUSES(unknown_latency, CHANNEL("latency: 5us"),
	"test:3:14: 'latency' must be true or false, not '5us'\n")
REFUSES(history_beyond_half, CHANNEL("history: 513\n    slots: 1024"),
	"test:3:14: channel 'orders': 'history' is 513, more than half of "
	"1024 slots\n")
REFUSES(event_size_when_framed, CHANNEL("framing: framed\n    event_size: 64"),
	"test:4:5: 'event_size' is for framing: fixed; a framed channel has "
	"a 'slot_size'\n")
REFUSES(slot_size_when_fixed, CHANNEL("slot_size: 64"),
	"test:3:5: 'slot_size' is for framing: framed; a fixed channel has "
	"an 'event_size'\n")
REFUSES(framed_slot_size_no_power,
	CHANNEL("framing: framed\n    slot_size: 48"),
	"test:4:16: 'slot_size' must be a power of two, not '48'\n")
REFUSES(framed_slot_size_too_small,
	CHANNEL("framing: framed\n    slot_size: 8"),
	"test:4:16: 'slot_size' must be from 16 to 16MiB, not '8'\n")
REFUSES(ring_too_large, CHANNEL("event_size: 16MiB\n    slots: 131072"),
	"test:4:12: channel 'orders': 131072 slots of 16MiB are more than "
	"1TiB\n")
REFUSES(more_consumers_than_allowed,
	CHANNEL("max_consumers: 1\n    consumers: { a: , b: }"),
	"test:3:20: channel 'orders': 2 consumers, but 'max_consumers' is 1\n")
REFUSES(keep_for_without_keep, CHANNEL("consumers: { a: { keep_for: 3s } }"),
	"test:3:23: consumer 'a': 'keep_for' is only for a consumer that is "
	"kept\n")
REFUSES(keep_for_with_release,
	CHANNEL("consumers: { a: { on_death: release, keep_for: 3s } }"),
	"test:3:42: consumer 'a': 'keep_for' is only for a consumer that is "
	"kept\n")
REFUSES(no_place_for_a_worker,
	CHANNEL("max_consumers: 2\n    consumers: { a: , b: { group: true } }"),
	"test:3:20: channel 'orders': 2 consumers and 'max_consumers' 2 leave "
	"no place for the workers of a group\n")
REFUSES(stuck_of_a_single_producer, CHANNEL("stuck: kill"),
	"test:3:12: channel 'orders': 'stuck: kill' is for several producers: "
	"a single one holds up nobody but itself\n")
REFUSES(clear_with_history, CHANNEL("history: 8\n    clear: zero"),
	"test:4:12: channel 'orders': 'clear: zero' leaves nothing for a "
	"'history' of 8 slots\n"
	"    clear: zero\n"
	"           ^\n"
	"hint: drop one of them\n")
REFUSES(version_without_type, CHANNEL("version: 3"),
	"test:3:14: channel 'orders': 'version' is 3, but of no 'type'\n"
	"    version: 3\n"
	"             ^\n"
	"hint: add a type, or drop the version\n")

TEST(blame_goes_to_the_channel_not_its_defaults)
{
	refuses("defaults: { history: 1024 }\n"
		"channels:\n"
		"  a: {}\n"
		"  b: { slots: 1024 }\n",
		"test:4:15: channel 'b': 'history' is 1024, more than half of "
		"1024 slots\n");
	refuses("defaults: { clear: zero }\n" CHANNEL("history: 1024"),
		"test:4:14: channel 'orders': 'clear: zero' ");
	refuses("defaults: { version: 2 }\n" CHANNEL("slots: 1024"),
		"test:1:22: channel 'orders': 'version' is 2, ");
	refuses("defaults: { history: 1024, slots: 1024 }\n"
		"channels: { a: {} }\n",
		"test:1:22: channel 'a': 'history' is 1024, more than half of "
		"1024 slots\n");
}

TEST(a_refused_value_breaks_no_other_rule)
{
	refuses(CHANNEL("slots: 1000\n    history: 40000"), "test:3:12: ");
	refuses(CHANNEL("framing: frame\n    slot_size: 64"), "test:3:14: ");
	refuses("defaults: { framing: frame }\n" CHANNEL("slot_size: 64"),
		"test:1:22: ");
	refuses(CHANNEL("consumers: { a: { on_death: kep, keep_for: 1s } }"),
		"test:3:33: ");
	refuses(CHANNEL("type: a b\n    version: 2"), "test:3:11: ");
	refuses(CHANNEL("clear: zeroes\n    history: 2"), "test:3:12: ");
}

/* ------------------------------------------------------------------- names */

REFUSES(channel_name_with_a_slash, "channels:\n  a/b: {}\n",
	"test:2:3: bad channel name 'a/b'\n")
REFUSES(channel_name_with_a_dot_in_front, "channels:\n  ..: {}\n",
	"test:2:3: bad channel name '..'\n")
REFUSES(consumer_name_with_a_dash_in_front, CHANNEL("consumers: { -a: }"),
	"test:3:18: bad consumer name '-a'\n")
REFUSES(empty_channel_name, "channels:\n  '': {}\n",
	"test:2:3: bad channel name ''\n")

TEST(names)
{
	char name[RB_NAME_SIZE + 1];

	memset(name, 'n', sizeof(name));
	name[RB_NAME_SIZE] = '\0';
	ck_assert(!rb_name_is_valid(name));
	name[RB_NAME_SIZE - 1] = '\0';
	ck_assert(rb_name_is_valid(name));
	ck_assert(rb_name_is_valid("a"));
	ck_assert(rb_name_is_valid("_"));
	ck_assert(rb_name_is_valid("A.z_0-9"));
	ck_assert(rb_name_is_valid("0"));
	ck_assert(!rb_name_is_valid(""));
	ck_assert(!rb_name_is_valid("."));
	ck_assert(!rb_name_is_valid(".a"));
	ck_assert(!rb_name_is_valid("-a"));
	ck_assert(!rb_name_is_valid("a b"));
	ck_assert(!rb_name_is_valid("a/b"));
	ck_assert(!rb_name_is_valid("\xc3\xa4"));
}

/* --------------------------------------------------------------- consumers */

TEST(after_becomes_masks)
{
	struct rb_config *config = parses(
		CHANNEL("consumers:\n"
			"      app: { after: [journal, replicate], "
			"on_death: keep, keep_for: 30s }\n"
			"      journal:\n"
			"      replicate: { on_death: keep }\n"
			"      last: { after: app }\n"
			"      none: { after: [] }"));
	const struct rb_config_channel *orders = only_channel(config);
	const struct rb_config_consumer *c = orders->consumers;

	ck_assert_uint_eq(orders->n_consumers, 5);
	ck_assert_str_eq(c[0].name, "app");
	ck_assert_uint_eq(c[0].after, 0x6);
	ck_assert_int_eq(c[0].on_death, RB_CONFIG_KEEP);
	ck_assert_int_eq(c[0].keep_for_ns, INT64_C(30000000000));
	ck_assert_uint_eq(c[1].after, 0);
	ck_assert_int_eq(c[2].on_death, RB_CONFIG_KEEP);
	ck_assert_int_eq(c[2].keep_for_ns, 0);
	ck_assert_uint_eq(c[3].after, 0x1);
	ck_assert_uint_eq(c[4].after, 0);
	rb_config_free(config);
}

REFUSES(after_unknown_consumer,
	CHANNEL("consumers: { journal: , b: { after: [jurnal] } }"),
	"test:3:42: consumer 'b' waits for 'jurnal', which channel 'orders' "
	"does not declare\n")
REFUSES(after_itself, CHANNEL("consumers: { a: { after: a } }"),
	"test:3:30: consumer 'a' waits for itself\n")
REFUSES(after_the_same_twice, CHANNEL("consumers: { a: , b: {after: [a, a]} }"),
	"test:3:38: 'a' is named twice\n")
REFUSES(after_a_mapping, CHANNEL("consumers: { a: , b: {after: {a: } } }"),
	"test:3:34: 'after' must be a consumer or a list of them, not a "
	"mapping\n")
REFUSES(after_nothing, CHANNEL("consumers:\n      a:\n        after:"),
	"test:5:15: 'after' must be a consumer or a list of them, not empty\n")
REFUSES(cycle_of_two,
	CHANNEL("consumers: { a: { after: b }, b: { after: a } }"),
	"test:3:30: consumers wait for each other: a -> b -> a\n")
REFUSES(cycle_behind_a_stage,
	CHANNEL("consumers:\n"
		"      first: { after: c }\n"
		"      a: { after: [free, b] }\n"
		"      b: { after: c }\n"
		"      c: { after: a }\n"
		"      free:"),
	"test:5:19: consumers wait for each other: a -> b -> c -> a\n")

TEST(unknown_consumer_gets_a_suggestion)
{
	hints(CHANNEL("consumers: { journal: , b: { after: [jurnal] } }"),
	      "did you mean 'journal'?");
}

TEST(every_cycle_is_told)
{
	static const char *const starts[] = {
		"test:4:19: consumers wait for each other: a -> b -> a\n",
		"test:6:19: consumers wait for each other: c -> d -> c\n",
	};

	refuses_all(CHANNEL("consumers:\n"
			    "      a: { after: b }\n"
			    "      b: { after: a }\n"
			    "      c: { after: [a, d] }\n"
			    "      d: { after: c }"),
		    starts, RB_ARRAY_SIZE(starts));
}

/* A channel with n consumers, each after the one before it. */
static char *
chain_text(unsigned n)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	unsigned i;

	fputs("channels:\n  orders:\n    consumers:\n      c0:\n", file);
	for (i = 1; i < n; i++)
		fprintf(file, "      c%u: { after: c%u }\n", i, i - 1);
	fclose(file);
	return text;
}

TEST(as_many_consumers_as_there_are)
{
	char *text = chain_text(64);
	struct rb_config *config = parses(text);

	ck_assert_uint_eq(only_channel(config)->n_consumers, 64);
	ck_assert_uint_eq(only_channel(config)->consumers[63].after,
			  UINT64_C(1) << 62);
	rb_config_free(config);
	free(text);
	text = chain_text(65);
	refuses(text, "test:68:7: more than 64 consumers\n");
	free(text);
}

/* ---------------------------------------------------- channels by request */

static void
set_name(char name[RB_NAME_SIZE], const char *text)
{
	snprintf(name, RB_NAME_SIZE, "%s", text);
}

static struct rb_config_channel
good_channel(void)
{
	struct rb_config_channel channel;

	rb_config_channel_init(&channel);
	set_name(channel.name, "orders");
	channel.n_consumers = 2;
	set_name(channel.consumers[0].name, "a");
	set_name(channel.consumers[1].name, "b");
	channel.consumers[1].after = 1;
	return channel;
}

static void
assert_broken(const struct rb_config_channel *channel, const char *expected)
{
	char why[256] = "";

	ck_assert_int_eq(rb_config_channel_check(channel, why, sizeof(why)),
			 -EINVAL);
	ck_assert_str_eq(why, expected);
}

TEST(check_of_a_good_channel)
{
	struct rb_config_channel channel = good_channel();
	char why[8] = "same";

	ck_assert_int_eq(rb_config_channel_check(&channel, why, sizeof(why)),
			 0);
	ck_assert_str_eq(why, "same");
	channel.framing = RB_CONFIG_FRAMED;
	ck_assert_int_eq(rb_config_channel_check(&channel, why, sizeof(why)),
			 0);
	ck_assert_str_eq(why, "same");
}

/* One check: spoil a good channel by a statement, expect the sentence. */
#define BREAKS(name, statement, sentence)                                      \
	TEST(name)                                                             \
	{                                                                      \
		struct rb_config_channel c = good_channel();                   \
                                                                               \
		statement;                                                     \
		assert_broken(&c, sentence);                                   \
	}

BREAKS(check_name, set_name(c.name, "../x"),
       "a channel name is 1 to 63 of A-Z a-z 0-9 . _ - and starts with "
       "neither a dot nor a dash")
BREAKS(check_name_without_an_end, memset(c.name, 'a', sizeof(c.name)),
       "a channel name is 1 to 63 of A-Z a-z 0-9 . _ - and starts with "
       "neither a dot nor a dash")
BREAKS(check_slots, c.slots = 1000,
       "'slots' is 1000, not a power of two; the next is 1024")
BREAKS(check_slot_size, c.slot_size = 0,
       "'event_size' is 0, not a number from 1 to 16777216")
BREAKS(check_frame_size, (c.framing = RB_CONFIG_FRAMED, c.slot_size = 24),
       "'slot_size' is 24, not a power of two; the next is 32")
BREAKS(check_enum, c.wait = (enum rb_config_wait)5,
       "'wait' is 5, not a number from 0 to 4")
BREAKS(check_clear_kind, c.clear = (enum rb_config_clear)2,
       "'clear' is 2, not a number from 0 to 1")
BREAKS(check_isolation, c.isolation = (enum rb_config_isolation)2,
       "'isolation' is 2, not a number from 0 to 1")
BREAKS(check_type, set_name(c.type, "a b"),
       "a type name is 1 to 63 of A-Z a-z 0-9 . _ - and starts with neither a "
       "dot nor a dash")
BREAKS(check_type_without_an_end, memset(c.type, 'a', sizeof(c.type)),
       "a type name is 1 to 63 of A-Z a-z 0-9 . _ - and starts with neither a "
       "dot nor a dash")
BREAKS(check_version, c.version = 1,
       "'version' is 1, but of no 'type'; add a type, or drop the version")
BREAKS(check_fill, c.fill_size = 65, "'fill' has 65 bytes, more than 64")
BREAKS(check_stuck, (c.stuck = RB_CONFIG_STUCK_KILL),
       "'stuck: kill' is for several producers: a single one holds up nobody "
       "but itself; take producers: multi, or drop it")
BREAKS(check_stuck_kind, c.stuck = (enum rb_config_stuck)2,
       "'stuck' is 2, not a number from 0 to 1")
BREAKS(check_stuck_after, c.stuck_after_ns = -1,
       "'stuck_after' must be from 1000000 to 1d")
BREAKS(check_clear, (c.clear = RB_CONFIG_CLEAR_ZERO, c.history = 2),
       "'clear: zero' leaves nothing for a 'history' of 2 slots; drop one of "
       "them")
BREAKS(check_places_for_workers,
       (c.max_consumers = 2, c.consumers[1].group = true),
       "2 consumers and 'max_consumers' 2 leave no place for the workers of a "
       "group")
BREAKS(check_history, c.history = 40000,
       "'history' is 40000, more than half of 65536 slots")
BREAKS(check_ring_size, (c.slots = 1 << 20, c.slot_size = 16 << 20),
       "1048576 slots of 16MiB are more than 1TiB")
BREAKS(check_n_consumers, c.max_consumers = 1,
       "2 consumers, but 'max_consumers' is 1")
BREAKS(check_same_consumers, set_name(c.consumers[1].name, "a"),
       "consumer 'a' is declared twice")
BREAKS(check_self, c.consumers[0].after = 1, "consumer 'a' waits for itself")
BREAKS(check_absent, c.consumers[0].after = 4,
       "consumer 'a' waits for one that does not exist")
BREAKS(check_cycle, c.consumers[0].after = 2,
       "consumers wait for each other: a -> b -> a")
BREAKS(check_on_death, c.consumers[0].on_death = (enum rb_config_on_death)2,
       "consumer 'a': 'on_death' is 2, not a number from 0 to 1")
BREAKS(check_keep_for, c.consumers[0].keep_for_ns = 1,
       "consumer 'a': 'keep_for' is only for a consumer that is kept; add "
       "on_death: keep")
BREAKS(check_keep_for_range,
       (c.consumers[0].on_death = RB_CONFIG_KEEP,
	c.consumers[0].keep_for_ns = -1),
       "consumer 'a': 'keep_for' must be from 0 to 365d")
BREAKS(check_too_many_consumers, c.n_consumers = 65,
       "65 consumers, but 'max_consumers' is 64")

TEST(latency_is_measured_where_asked_for)
{
	struct rb_config *config = parses(CHANNEL("latency: true"));

	ck_assert(config->channels[0].latency);
	rb_config_free(config);
}
