/* SPDX-License-Identifier: MIT */
/*
 * test_config.c - keys and values: what they mean, what is refused and where
 */
#include <inttypes.h>
#include <stdio.h>

#include "shm/base.h"
#include "tests/unit/config_expect.h"

#define MS INT64_C(1000000)

/* ---------------------------------------------------------------- defaults */

TEST(empty_text_is_a_config)
{
	struct rb_config *config = parses("");

	ck_assert_uint_eq(config->n_channels, 0);
	ck_assert_str_eq(config->socket, "");
	ck_assert_str_eq(config->shm_dir, "");
	ck_assert_int_eq(config->drain_ns, 2000 * MS);
	ck_assert_uint_eq(config->max_clients, 1024);
	ck_assert(!config->dynamic.allow.given);
	ck_assert_uint_eq(config->dynamic.max_channels, 16);
	ck_assert_uint_eq(config->dynamic.max_bytes, 256 << 20);
	rb_config_free(config);
}

TEST(empty_sections_are_fine)
{
	static const char *const texts[] = {
		"# nothing\n",
		"---\n",
		"~\n",
		"{}\n",
		"daemon:\ndynamic:\ndefaults:\nchannels:\n",
		"daemon: {}\ndynamic: {}\ndefaults: {}\nchannels: {}\n",
		"\xef\xbb\xbf# after a mark\ndaemon:\n",
	};
	size_t i;

	for (i = 0; i < RB_ARRAY_SIZE(texts); i++)
		rb_config_free(parses(texts[i]));
}

static void
assert_channel_defaults(const struct rb_config_channel *channel)
{
	ck_assert_uint_eq(channel->slots, 65536);
	ck_assert_uint_eq(channel->slot_size, 64);
	ck_assert_uint_eq(channel->history, 0);
	ck_assert_int_eq(channel->framing, RB_CONFIG_FIXED);
	ck_assert_int_eq(channel->producers, RB_CONFIG_SINGLE);
	ck_assert_int_eq(channel->wait, RB_CONFIG_BLOCKING);
	ck_assert(channel->prefault);
	ck_assert(!channel->lock);
	ck_assert(!channel->huge_pages);
	ck_assert_uint_eq(channel->max_producers, 64);
	ck_assert_uint_eq(channel->max_consumers, 64);
	ck_assert(!channel->publish.given);
	ck_assert(!channel->consume.given);
	ck_assert(!channel->tap.given);
	ck_assert_uint_eq(channel->n_consumers, 0);
}

TEST(channel_defaults)
{
	struct rb_config *config = parses("channels: { orders: }");

	ck_assert_str_eq(only_channel(config)->name, "orders");
	assert_channel_defaults(only_channel(config));
	rb_config_free(config);
}

TEST(channel_init_gives_the_same_defaults)
{
	struct rb_config_channel channel;

	memset(&channel, 0xff, sizeof(channel));
	rb_config_channel_init(&channel);
	ck_assert_str_eq(channel.name, "");
	assert_channel_defaults(&channel);
}

TEST(consumer_defaults)
{
	struct rb_config *config = parses(CHANNEL("consumers: { a: }"));
	const struct rb_config_consumer *a = only_channel(config)->consumers;

	ck_assert_uint_eq(only_channel(config)->n_consumers, 1);
	ck_assert_str_eq(a->name, "a");
	ck_assert_uint_eq(a->after, 0);
	ck_assert_int_eq(a->on_death, RB_CONFIG_RELEASE);
	ck_assert_int_eq(a->keep_for_ns, 0);
	rb_config_free(config);
}

/* ------------------------------------------------------------------ values */

TEST(daemon_and_dynamic_keys)
{
	struct rb_config *config = parses("daemon:\n"
					  "  socket: /run/a.sock\n"
					  "  shm_dir: \"/dev/shm/a b\"\n"
					  "  drain: 1m30s\n"
					  "  max_clients: 7\n"
					  "dynamic:\n"
					  "  allow: [any, group:0, user:17]\n"
					  "  max_channels: 3\n"
					  "  max_size: 1GiB\n");
	const struct rb_access_list *allow = &config->dynamic.allow;

	ck_assert_str_eq(config->socket, "/run/a.sock");
	ck_assert_str_eq(config->shm_dir, "/dev/shm/a b");
	ck_assert_int_eq(config->drain_ns, 90000 * MS);
	ck_assert_uint_eq(config->max_clients, 7);
	ck_assert(allow->given);
	ck_assert_uint_eq(allow->n_entries, 3);
	ck_assert_int_eq(allow->entries[0].kind, RB_ACCESS_ANY);
	ck_assert_int_eq(allow->entries[1].kind, RB_ACCESS_GROUP);
	ck_assert_uint_eq(allow->entries[1].id, 0);
	ck_assert_int_eq(allow->entries[2].kind, RB_ACCESS_USER);
	ck_assert_uint_eq(allow->entries[2].id, 17);
	ck_assert_uint_eq(config->dynamic.max_channels, 3);
	ck_assert_uint_eq(config->dynamic.max_bytes, 1 << 30);
	rb_config_free(config);
}

TEST(channel_keys)
{
	struct rb_config *config = parses("channels:\n  log:\n"
					  "    slots: '1024'\n"
					  "    framing: framed\n"
					  "    slot_size: 4KiB\n"
					  "    producers: multi\n"
					  "    history: 512\n"
					  "    wait: phased_backoff\n"
					  "    max_producers: 3\n"
					  "    max_consumers: 4\n"
					  "    prefault: false\n"
					  "    lock: true\n"
					  "    huge_pages: true\n");
	const struct rb_config_channel *log = only_channel(config);

	ck_assert_uint_eq(log->slots, 1024);
	ck_assert_int_eq(log->framing, RB_CONFIG_FRAMED);
	ck_assert_uint_eq(log->slot_size, 4096);
	ck_assert_int_eq(log->producers, RB_CONFIG_MULTI);
	ck_assert_uint_eq(log->history, 512);
	ck_assert_int_eq(log->wait, RB_CONFIG_PHASED_BACKOFF);
	ck_assert_uint_eq(log->max_producers, 3);
	ck_assert_uint_eq(log->max_consumers, 4);
	ck_assert(!log->prefault);
	ck_assert(log->lock);
	ck_assert(log->huge_pages);
	rb_config_free(config);
}

TEST(wait_names_are_in_the_order_of_the_enum)
{
	static const char *const names[] = {
		[RB_CONFIG_BUSY_SPIN] = "busy_spin",
		[RB_CONFIG_YIELDING] = "yielding",
		[RB_CONFIG_SLEEPING] = "sleeping",
		[RB_CONFIG_BLOCKING] = "blocking",
		[RB_CONFIG_PHASED_BACKOFF] = "phased_backoff",
	};
	struct rb_config *config;
	char text[128];
	size_t i;

	for (i = 0; i < RB_ARRAY_SIZE(names); i++) {
		snprintf(text, sizeof(text), CHANNEL("wait: %s"), names[i]);
		config = parses(text);
		ck_assert_uint_eq(only_channel(config)->wait, i);
		rb_config_free(config);
	}
}

TEST(private_keys_are_ignored_everywhere)
{
	struct rb_config *config = parses("x-top: [1, {a: b}]\n"
					  "daemon: { x-d: 1 }\n"
					  "dynamic: { x-d: 1 }\n"
					  "defaults: { x-d: 1 }\n"
					  "channels:\n"
					  "  x-not-a-channel: 3\n"
					  "  orders:\n"
					  "    x-c: { slots: 3 }\n"
					  "    access: { x-a: nobody }\n"
					  "    consumers:\n"
					  "      x-no: 1\n"
					  "      a: { x-k: 1 }\n");

	ck_assert_uint_eq(only_channel(config)->n_consumers, 1);
	rb_config_free(config);
}

TEST(defaults_hold_for_channels_that_do_not_say)
{
	struct rb_config *config = parses(
		"channels:\n"
		"  a: { slots: 16, access: { tap: [] } }\n"
		"  b: { framing: framed }\n"
		"  c: { framing: framed, slot_size: 32 }\n"
		"defaults: { slots: 1024, event_size: 24, "
		"slot_size: 128, access: { publish: any } }\n");
	const struct rb_config_channel *c = config->channels;

	ck_assert_uint_eq(config->n_channels, 3);
	ck_assert_uint_eq(c[0].slots, 16);
	ck_assert_uint_eq(c[0].slot_size, 24);
	ck_assert(c[0].tap.given);
	ck_assert_uint_eq(c[0].tap.n_entries, 0);
	ck_assert(c[0].publish.given);
	ck_assert(!c[0].consume.given);
	ck_assert_uint_eq(c[1].slots, 1024);
	ck_assert_uint_eq(c[1].slot_size, 128);
	ck_assert_uint_eq(c[2].slot_size, 32);
	ck_assert(!c[2].tap.given);
	rb_config_free(config);
}

/* ------------------------------------------------------------------- units */

static void
assert_size(const char *text, int error, uint64_t expected)
{
	uint64_t size = 42;

	ck_assert_msg(rb_config_parse_size(text, &size) == error, "%s", text);
	ck_assert_msg(size == (error ? 42 : expected), "%s: %" PRIu64, text,
		      size);
}

TEST(sizes)
{
	assert_size("0", 0, 0);
	assert_size("65536", 0, 65536);
	assert_size("1B", 0, 1);
	assert_size("64Ki", 0, 65536);
	assert_size("64KiB", 0, 65536);
	assert_size("64K", 0, 65536);
	assert_size("64kB", 0, 64000);
	assert_size("3MiB", 0, 3 << 20);
	assert_size("3MB", 0, 3000000);
	assert_size("2GiB", 0, UINT64_C(2) << 30);
	assert_size("2GB", 0, UINT64_C(2000000000));
	assert_size("1TiB", 0, UINT64_C(1) << 40);
	assert_size("1TB", 0, UINT64_C(1000000000000));
	assert_size("18446744073709551615", 0, UINT64_MAX);
}

TEST(bad_sizes)
{
	static const char *const texts[] = { "",    "KiB",   "-1",    "+1",
					     " 1",  "1 ",    "1 KiB", "1kib",
					     "1KB", "1.5G",  "0x10",  "010",
					     "1e3", "1KiBx", "1,000" };
	size_t i;

	for (i = 0; i < RB_ARRAY_SIZE(texts); i++)
		assert_size(texts[i], -EINVAL, 0);
	assert_size("18446744073709551616", -ERANGE, 0);
	assert_size("16777216TiB", -ERANGE, 0);
	assert_size("99999999999999999999999999GiB", -ERANGE, 0);
}

static void
assert_duration(const char *text, int error, int64_t expected_ns)
{
	int64_t ns = 42;

	ck_assert_msg(rb_config_parse_duration(text, &ns) == error, "%s", text);
	ck_assert_msg(ns == (error ? 42 : expected_ns), "%s: %" PRId64, text,
		      ns);
}

TEST(durations)
{
	assert_duration("0", 0, 0);
	assert_duration("0s", 0, 0);
	assert_duration("7ns", 0, 7);
	assert_duration("250us", 0, 250000);
	assert_duration("5ms", 0, 5 * MS);
	assert_duration("30s", 0, 30000 * MS);
	assert_duration("1m30s", 0, 90000 * MS);
	assert_duration("1min30s", 0, 90000 * MS);
	assert_duration("1h", 0, 3600000 * MS);
	assert_duration("1d2h3m4s5ms6us7ns", 0, INT64_C(93784005006007));
	assert_duration("9223372036854775807ns", 0, INT64_MAX);
}

TEST(bad_durations)
{
	static const char *const texts[] = { "",     "5",     "-5s",  "5 s",
					     "s",    "5sec",  "1s1m", "1s1s",
					     "1m30", "1.5s",  "05s",  "5S",
					     "00",   "1m1min" };
	size_t i;

	for (i = 0; i < RB_ARRAY_SIZE(texts); i++)
		assert_duration(texts[i], -EINVAL, 0);
	assert_duration("9223372036854775808ns", -ERANGE, 0);
	assert_duration("9223372036854775807ns1ns", -EINVAL, 0);
	assert_duration("9223372036s999ms", -ERANGE, 0);
	assert_duration("99999999999999999999s", -ERANGE, 0);
	assert_duration("106752d", -ERANGE, 0);
}

/* -------------------------------------------------------------- wrong keys */

REFUSES(unknown_key_at_the_top, "daemon:\nlisten: 1\n",
	"test:2:1: unknown key 'listen' at the top\n")
REFUSES(unknown_key_in_daemon, "daemon:\n  sock: /x\n",
	"test:2:3: unknown key 'sock' in 'daemon'\n")
REFUSES(unknown_key_in_dynamic, "dynamic: { foo: 1 }\n",
	"test:1:12: unknown key 'foo' in 'dynamic'\n")
REFUSES(unknown_key_in_defaults, "defaults: { foo: 1 }\n",
	"test:1:13: unknown key 'foo' in 'defaults'\n")
REFUSES(unknown_key_in_a_channel, CHANNEL("colour: red"),
	"test:3:5: unknown key 'colour' in channel 'orders'\n")
REFUSES(unknown_key_in_access, CHANNEL("access: { foo: any }"),
	"test:3:15: unknown key 'foo' in 'access' in channel 'orders'\n")
REFUSES(unknown_key_in_a_consumer, CHANNEL("consumers: { a: { foo: 1 } }"),
	"test:3:23: unknown key 'foo' in consumer 'a'\n")
REFUSES(consumers_are_no_default, "defaults:\n  consumers: {}\n",
	"test:2:3: 'consumers' cannot be a default\n")

TEST(misspelt_keys_get_a_suggestion)
{
	hints("chanels:\n", "did you mean 'channels'?");
	hints("daemon: { drian: 1s }", "did you mean 'drain'?");
	hints(CHANNEL("slot: 1024"), "did you mean 'slots'?");
	hints(CHANNEL("event-size: 64"), "did you mean 'event_size'?");
	hints(CHANNEL("Event_Sizes: 64"), "did you mean 'event_size'?");
	hints(CHANNEL("max_consumer: 3"), "did you mean 'max_consumers'?");
	hints(CHANNEL("producer: multi"), "did you mean 'producers'?");
	hints(CHANNEL("consumers: { a: { on-deaht: keep } }"),
	      "did you mean 'on_death'?");
}

TEST(misplaced_keys_are_sent_home)
{
	hints("socket: /x\n", "'socket' belongs in 'daemon'");
	hints("slots: 64\n", "'slots' belongs in a channel");
	hints(CHANNEL("publish: any"),
	      "'publish' belongs in 'access' of a channel");
	hints(CHANNEL("keep_for: 3s"), "'keep_for' belongs in a consumer");
}

TEST(far_words_get_no_suggestion)
{
	refuses_exactly(CHANNEL("sloot_saze: 3"),
			"test:3:5: unknown key 'sloot_saze' in channel "
			"'orders'\n    sloot_saze: 3\n    ^\n"
			"hint: did you mean 'slot_size'?\n");
	refuses_exactly(CHANNEL("waaat: 3"),
			"test:3:5: unknown key 'waaat' in channel 'orders'\n"
			"    waaat: 3\n    ^\n");
}

/* ------------------------------------------------------------ wrong values */

REFUSES(relative_path, "daemon:\n  socket: run/x\n",
	"test:2:11: 'socket' must be an absolute path, not 'run/x'\n")
REFUSES(number_with_rest, CHANNEL("history: 10x"),
	"test:3:14: 'history' must be a whole number, not '10x'\n")
REFUSES(negative_number, CHANNEL("history: -1"),
	"test:3:14: 'history' must be a whole number, not '-1'\n")
REFUSES(number_that_overflows, CHANNEL("history: 18446744073709551616"),
	"test:3:14: 'history' must be from 0 to 1073741824, not "
	"'18446744073709551616'\n")
REFUSES(count_below_its_range, "daemon: { max_clients: 0 }",
	"test:1:24: 'max_clients' must be from 1 to 65536, not '0'\n")
REFUSES(count_beyond_an_unsigned, "daemon: { max_clients: 4294967297 }",
	"test:1:24: 'max_clients' must be from 1 to 65536, not '4294967297'\n")
REFUSES(more_producers_than_ever, CHANNEL("max_producers: 65"),
	"test:3:20: 'max_producers' must be from 1 to 64, not '65'\n")
REFUSES(one_slot, CHANNEL("slots: 1"),
	"test:3:12: 'slots' must be from 2 to 2147483648, not '1'\n")
REFUSES(too_many_slots, CHANNEL("slots: 4294967296"),
	"test:3:12: 'slots' must be from 2 to 2147483648, not '4294967296'\n")
REFUSES(size_out_of_range, CHANNEL("event_size: 1GiB"),
	"test:3:17: 'event_size' must be from 1 to 16MiB, not '1GiB'\n")
REFUSES(size_with_a_wrong_unit, "dynamic: { max_size: 3Mb }",
	"test:1:22: 'max_size' must be a size such as 64, 4KiB or 2GiB, "
	"not '3Mb'\n")
REFUSES(duration_out_of_range, "daemon: { drain: 2h }",
	"test:1:18: 'drain' must be from 0 to 1h, not '2h'\n")
REFUSES(yes_is_no_boolean, CHANNEL("lock: yes"),
	"test:3:11: 'lock' must be true or false, not 'yes'\n")
REFUSES(unknown_choice, CHANNEL("framing: raw"),
	"test:3:14: 'framing' must be one of fixed, framed, not 'raw'\n")
REFUSES(list_for_a_number, CHANNEL("slots: [64]"),
	"test:3:12: 'slots' must be a whole number, not a list\n")
REFUSES(mapping_for_a_choice, CHANNEL("wait: { a: b }"),
	"test:3:11: 'wait' must be one of busy_spin, yielding, sleeping, "
	"blocking, phased_backoff, not a mapping\n")
REFUSES(no_value, "daemon:\n  drain:\n",
	"test:2:9: 'drain' must be a duration such as 250ms or 1m30s, "
	"not empty\n")
REFUSES(list_for_a_section, "daemon:\n  - socket: /x\n",
	"test:2:3: 'daemon' must be a mapping of keys, not a list\n")
REFUSES(list_for_the_channels, "channels: [a, b]\n",
	"test:1:11: 'channels' must be a mapping of keys, not a list\n")
REFUSES(value_for_a_channel, "channels: { a: 1 }",
	"test:1:16: 'a' must be a mapping of keys, not a single value\n")
REFUSES(list_for_access, CHANNEL("access: [any]"),
	"test:3:13: 'access' must be a mapping of keys, not a list\n")
REFUSES(list_for_consumers, CHANNEL("consumers: [a]"),
	"test:3:16: 'consumers' must be a mapping of keys, not a list\n")
REFUSES(list_at_the_top, "- daemon\n",
	"test:1:1: the file must be a mapping of keys, not a list\n")
REFUSES(word_at_the_top, "\nhello\n",
	"test:2:1: the file must be a mapping of keys, not a single value\n")

TEST(slots_that_are_no_power_of_two)
{
	refuses_exactly(CHANNEL("slots: 1000"),
			"test:3:12: 'slots' must be a power of two, not "
			"'1000'\n    slots: 1000\n           ^\n"
			"hint: the next power of two is 1024\n");
	hints(CHANNEL("framing: framed\n    slot_size: 3000"),
	      "the next power of two is 4KiB");
}

TEST(duration_without_a_unit)
{
	hints("daemon: { drain: 2 }",
	      "the unit is missing: ns, us, ms, s, m, h or d");
}

TEST(values_get_hints)
{
	hints(CHANNEL("slots: 01024"), "write it without leading zeros");
	hints(CHANNEL("wait: busy-spin"), "did you mean 'busy_spin'?");
	hints(CHANNEL("lock: on"), "lock: lock the segments into memory");
}

TEST(path_too_long)
{
	char text[256], path[RB_CONFIG_PATH_SIZE + 1];
	struct rb_config *config;

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[RB_CONFIG_PATH_SIZE] = '\0';
	snprintf(text, sizeof(text), "daemon: { shm_dir: %s }", path);
	refuses(text, "test:1:20: 'shm_dir' is longer than 107 bytes\n");
	path[RB_CONFIG_PATH_SIZE - 1] = '\0';
	snprintf(text, sizeof(text), "daemon: { shm_dir: %s }", path);
	config = parses(text);
	ck_assert_str_eq(config->shm_dir, path);
	rb_config_free(config);
}
