/* SPDX-License-Identifier: MIT */
/*
 * test_config.c - keys and values: what they mean, what is refused and where
 */
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
	ck_assert_int_eq(channel->clear, RB_CONFIG_CLEAR_NONE);
	ck_assert(!channel->strict);
	ck_assert(!channel->latency);
	ck_assert_int_eq(channel->stuck, RB_CONFIG_STUCK_WAIT);
	ck_assert_int_eq(channel->stuck_after_ns, 5000 * MS);
	ck_assert_str_eq(channel->type, "");
	ck_assert_uint_eq(channel->version, 0);
	ck_assert_uint_eq(channel->fill_size, 0);
	ck_assert_uint_eq(channel->max_producers, 64);
	ck_assert_uint_eq(channel->max_consumers, 64);
	ck_assert(!channel->access.publish.given);
	ck_assert(!channel->access.consume.given);
	ck_assert(!channel->access.tap.given);
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
	ck_assert_int_eq(a->slow, RB_CONFIG_GATE);
	ck_assert_uint_eq(a->max_lag, 0);
	ck_assert_int_eq(a->max_stall_ns, 0);
	ck_assert(!a->group);
	ck_assert_uint_eq(a->key_offset, 0);
	ck_assert_uint_eq(a->key_size, 0);
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

TEST(keys_about_events)
{
	static const uint8_t fill[] = { 0x00, 0xfF, 0xa1 };
	struct rb_config *config = parses(CHANNEL("clear: zero\n"
						  "    fill: 00fFA1\n"
						  "    type: order\n"
						  "    version: 4294967295"));
	const struct rb_config_channel *orders = only_channel(config);

	ck_assert_int_eq(orders->clear, RB_CONFIG_CLEAR_ZERO);
	ck_assert_int_eq(orders->isolation, RB_CONFIG_NAMED);
	ck_assert_str_eq(orders->type, "order");
	ck_assert_uint_eq(orders->version, UINT32_MAX);
	ck_assert_uint_eq(orders->fill_size, sizeof(fill));
	ck_assert_mem_eq(orders->fill, fill, sizeof(fill));
	rb_config_free(config);
	config = parses(CHANNEL("clear: none\n    type: 7\n"
				"    isolation: sealed"));
	ck_assert_int_eq(only_channel(config)->isolation, RB_CONFIG_SEALED);
	ck_assert_int_eq(only_channel(config)->clear, RB_CONFIG_CLEAR_NONE);
	ck_assert_str_eq(only_channel(config)->type, "7");
	rb_config_free(config);
}

TEST(keys_about_producers_that_fail)
{
	struct rb_config *config = parses(CHANNEL("producers: multi\n"
						  "    strict: true\n"
						  "    stuck: kill\n"
						  "    stuck_after: 250ms"));
	const struct rb_config_channel *orders = only_channel(config);

	ck_assert(orders->strict);
	ck_assert_int_eq(orders->stuck, RB_CONFIG_STUCK_KILL);
	ck_assert_int_eq(orders->stuck_after_ns, 250 * MS);
	rb_config_free(config);
	config = parses(CHANNEL("strict: false\n    stuck: wait"));
	ck_assert(!only_channel(config)->strict);
	ck_assert_int_eq(only_channel(config)->stuck, RB_CONFIG_STUCK_WAIT);
	rb_config_free(config);
}

TEST(fill_is_at_most_64_bytes)
{
	char *text = repeat("channels: { a: { fill: '", "a5", RB_FILL_SIZE,
			    "' } }");
	struct rb_config *config = parses(text);
	unsigned i;

	ck_assert_uint_eq(only_channel(config)->fill_size, RB_FILL_SIZE);
	for (i = 0; i < RB_FILL_SIZE; i++)
		ck_assert_uint_eq(only_channel(config)->fill[i], 0xa5);
	rb_config_free(config);
	free(text);
	text = repeat("channels: { a: { fill: ", "a5", RB_FILL_SIZE + 1,
		      " } }");
	refuses(text, "test:1:24: 'fill' has 65 bytes, more than 64\n");
	free(text);
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
		"slot_size: 128, fill: '0102', type: t, version: 2, "
		"access: { publish: any } }\n");
	const struct rb_config_channel *c = config->channels;

	ck_assert_uint_eq(config->n_channels, 3);
	ck_assert_uint_eq(c[0].slots, 16);
	ck_assert_uint_eq(c[0].slot_size, 24);
	ck_assert(c[0].access.tap.given);
	ck_assert_uint_eq(c[0].access.tap.n_entries, 0);
	ck_assert(c[0].access.publish.given);
	ck_assert(!c[0].access.consume.given);
	ck_assert_str_eq(c[0].type, "t");
	ck_assert_uint_eq(c[0].version, 2);
	ck_assert_uint_eq(c[0].fill_size, 2);
	ck_assert_uint_eq(c[0].fill[1], 2);
	ck_assert_uint_eq(c[1].slots, 1024);
	ck_assert_uint_eq(c[1].slot_size, 128);
	ck_assert_uint_eq(c[2].slot_size, 32);
	ck_assert(!c[2].access.tap.given);
	rb_config_free(config);
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
REFUSES(unknown_key_in_a_key,
	CHANNEL("consumers: { a: { group: true, key: { foo: 1, size: 1 } } }"),
	"test:3:43: unknown key 'foo' in 'key' of consumer 'a'\n")
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
	hints(CHANNEL("consumers: { a: { maxlag: 3 } }"),
	      "did you mean 'max_lag'?");
	hints(CHANNEL("consumers: { a: { group: true, "
		      "key: { ofset: 0, size: 1 } } }"),
	      "did you mean 'offset'?");
}

TEST(misplaced_keys_are_sent_home)
{
	hints("socket: /x\n", "'socket' belongs in 'daemon'");
	hints("slots: 64\n", "'slots' belongs in a channel");
	hints("access: {}\n", "'access' belongs in a channel");
	hints(CHANNEL("publish: any"),
	      "'publish' belongs in 'access' of a channel");
	hints(CHANNEL("keep_for: 3s"), "'keep_for' belongs in a consumer");
	hints(CHANNEL("slow: park"), "'slow' belongs in a consumer");
	hints(CHANNEL("consumers: { a: { offset: 3 } }"),
	      "'offset' belongs in 'key' of a consumer");
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
REFUSES(unknown_strict, CHANNEL("strict: kill"),
	"test:3:13: 'strict' must be true or false, not 'kill'\n")
REFUSES(unknown_stuck, CHANNEL("stuck: stop"),
	"test:3:12: 'stuck' must be one of wait, kill, not 'stop'\n")
REFUSES(stuck_after_nothing, CHANNEL("stuck_after: 0"),
	"test:3:18: 'stuck_after' must be ")
REFUSES(unknown_clear, CHANNEL("clear: ones"),
	"test:3:12: 'clear' must be one of none, zero, not 'ones'\n")
REFUSES(unknown_isolation, CHANNEL("isolation: memfd"),
	"test:3:16: 'isolation' must be one of named, sealed, not 'memfd'\n")
REFUSES(fill_that_is_no_bytes, CHANNEL("fill: 00fg"),
	"test:3:11: 'fill' must be bytes as hex digits, such as 00ff, not "
	"'00fg'\n")
REFUSES(fill_without_bytes, CHANNEL("fill: ''"),
	"test:3:11: 'fill' must be bytes as hex digits, such as 00ff, not ''\n")
REFUSES(list_for_a_fill, CHANNEL("fill: [00, ff]"),
	"test:3:11: 'fill' must be bytes as hex digits, such as 00ff, not a "
	"list\n")
REFUSES(type_that_is_no_name, CHANNEL("type: a b"),
	"test:3:11: 'type' must be a name, not 'a b'\n")
REFUSES(type_that_is_empty, CHANNEL("type:"),
	"test:3:10: 'type' must be a name, not empty\n")
REFUSES(version_beyond_32_bits, CHANNEL("type: t\n    version: 4294967296"),
	"test:4:14: 'version' must be from 0 to 4294967295, not "
	"'4294967296'\n")
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
	hints(CHANNEL("clear: zeros"), "did you mean 'zero'?");
	hints(CHANNEL("fill: 0x00"), "write it without 0x");
	hints(CHANNEL("fill: '00f'"), "each byte is two digits");
	hints(CHANNEL("fill: zz"),
	      "fill: what new slots are filled with, 1 to 64 bytes as hex "
	      "digits");
	hints(CHANNEL("type: -t"), "1 to 63 of A-Z a-z 0-9 . _ - and neither a "
				   "dot nor a dash in front");
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
