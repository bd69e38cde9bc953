/* SPDX-License-Identifier: MIT */
/*
 * test_config_outlet.c - the blocks `journal` and `bridge`, and their consumers
 */
#include <stdio.h>

#include "shm/base.h"
#include "tests/unit/config_expect.h"

#define MS INT64_C(1000000)

/* Keys of a block, which start in column 16 and 15 of line 3. */
#define JOURNAL(keys) CHANNEL("journal: { " keys " }")
#define BRIDGE(keys) CHANNEL("bridge: { " keys " }")

/* -------------------------------------------------------------------- keys */

static void
assert_journal_defaults(const struct rb_config_journal *j)
{
	ck_assert_str_eq(j->dir, "");
	ck_assert_str_eq(j->consumer, "journal");
	ck_assert_int_eq(j->sync, RB_CONFIG_SYNC_ALWAYS);
	ck_assert_int_eq(j->sync_interval_ns, 5 * MS);
	ck_assert_uint_eq(j->segment_bytes, 256 << 20);
	ck_assert_uint_eq(j->retain_bytes, 0);
	ck_assert_int_eq(j->retain_ns, 0);
	ck_assert_int_eq(j->on_full, RB_CONFIG_FULL_STALL);
	ck_assert(j->direct);
	ck_assert_int_eq(j->io, RB_CONFIG_IO_AUTO);
}

static void
assert_bridge_defaults(const struct rb_config_bridge *b)
{
	ck_assert_int_eq(b->direction, RB_CONFIG_EXPORT);
	ck_assert_str_eq(b->servers, "nats://127.0.0.1:4222");
	ck_assert_str_eq(b->consumer, "replicate");
	ck_assert_uint_eq(b->max_events, 1024);
	ck_assert_uint_eq(b->max_bytes, 64 << 10);
	ck_assert_int_eq(b->linger_ns, MS / 5);
	ck_assert_uint_eq(b->window, 256);
	ck_assert(b->manage_stream);
	ck_assert_uint_eq(b->replicas, 1);
	ck_assert_int_eq(b->duplicates_ns, 30000 * MS);
	ck_assert_uint_eq(b->stream_bytes, 0);
	ck_assert_int_eq(b->stream_age_ns, 0);
	ck_assert_int_eq(b->start, RB_CONFIG_OLDEST);
	ck_assert_str_eq(b->state, "");
	ck_assert(!b->tls);
}

TEST(blocks_have_defaults)
{
	struct rb_config *config = parses(CHANNEL("journal:\n    bridge: {}"));
	const struct rb_config_channel *c = only_channel(config);

	ck_assert(c->journal.given);
	ck_assert(c->bridge.given);
	assert_journal_defaults(&c->journal);
	assert_bridge_defaults(&c->bridge);
	ck_assert_str_eq(c->bridge.stream, "orders");
	ck_assert_str_eq(c->bridge.subject, "ringbus.orders");
	rb_config_free(config);
}

TEST(without_them_there_is_none)
{
	struct rb_config *config = parses("channels: { orders: }");
	struct rb_config_channel made;

	ck_assert(!only_channel(config)->journal.given);
	ck_assert(!only_channel(config)->bridge.given);
	ck_assert_uint_eq(only_channel(config)->n_consumers, 0);
	memset(&made, 0xff, sizeof(made));
	rb_config_channel_init(&made);
	ck_assert(!made.journal.given && !made.bridge.given);
	assert_journal_defaults(&made.journal);
	assert_bridge_defaults(&made.bridge);
	rb_config_free(config);
}

TEST(every_key_of_a_journal)
{
	struct rb_config *config = parses(
		JOURNAL("dir: /var/j, consumer: disk, sync: interval, "
			"sync_interval: 20ms, segment_size: 1MiB, "
			"retain_size: 2MiB, retain_for: 7d, on_full: drop, "
			"direct: false, io: sync"));
	const struct rb_config_journal *j = &only_channel(config)->journal;

	ck_assert_str_eq(j->dir, "/var/j");
	ck_assert_str_eq(j->consumer, "disk");
	ck_assert_int_eq(j->sync, RB_CONFIG_SYNC_INTERVAL);
	ck_assert_int_eq(j->sync_interval_ns, 20 * MS);
	ck_assert_uint_eq(j->segment_bytes, 1 << 20);
	ck_assert_uint_eq(j->retain_bytes, 2 << 20);
	ck_assert_int_eq(j->retain_ns, 7 * 86400 * 1000 * MS);
	ck_assert_int_eq(j->on_full, RB_CONFIG_FULL_DROP);
	ck_assert(!j->direct);
	ck_assert_int_eq(j->io, RB_CONFIG_IO_SYNC);
	rb_config_free(config);
}

TEST(every_key_of_a_bridge)
{
	struct rb_config *config = parses(
		BRIDGE("direction: import, servers: [nats://a, tls://b:4223], "
		       "stream: S-1, subject: a.b, max_events: 1, "
		       "max_bytes: 1KiB, linger: 0, window: 1, "
		       "manage_stream: false, replicas: 3, duplicates: 2m, "
		       "stream_size: 1GiB, stream_age: 1h, start: newest, "
		       "state: /s, nkey: /n, ca: /ca, certificate: /c, "
		       "key: /k, tls: true, tls_name: nats.example"));
	const struct rb_config_bridge *b = &only_channel(config)->bridge;

	ck_assert_int_eq(b->direction, RB_CONFIG_IMPORT);
	ck_assert_str_eq(b->servers, "nats://a,tls://b:4223");
	ck_assert_str_eq(b->stream, "S-1");
	ck_assert_str_eq(b->subject, "a.b");
	ck_assert_uint_eq(b->max_events, 1);
	ck_assert_uint_eq(b->max_bytes, 1024);
	ck_assert_int_eq(b->linger_ns, 0);
	ck_assert_uint_eq(b->window, 1);
	ck_assert(!b->manage_stream);
	ck_assert_uint_eq(b->replicas, 3);
	ck_assert_int_eq(b->duplicates_ns, 120000 * MS);
	ck_assert_uint_eq(b->stream_bytes, 1 << 30);
	ck_assert_int_eq(b->stream_age_ns, 3600000 * MS);
	ck_assert_int_eq(b->start, RB_CONFIG_NEWEST);
	ck_assert_str_eq(b->state, "/s");
	ck_assert_str_eq(b->nkey, "/n");
	ck_assert_str_eq(b->ca, "/ca");
	ck_assert_str_eq(b->certificate, "/c");
	ck_assert_str_eq(b->key, "/k");
	ck_assert(b->tls);
	ck_assert_str_eq(b->tls_name, "nats.example");
	rb_config_free(config);
}

TEST(defaults_give_values_but_no_block)
{
	struct rb_config *config = parses(
		"defaults:\n"
		"  journal: { sync: interval, sync_interval: 9ms }\n"
		"  bridge: { window: 7 }\n"
		"channels:\n"
		"  orders: { journal: { sync: none } }\n"
		"  log:\n");
	const struct rb_config_channel *orders = rb_config_find(config,
								"orders");
	const struct rb_config_channel *log = rb_config_find(config, "log");

	ck_assert(orders->journal.given);
	ck_assert_int_eq(orders->journal.sync, RB_CONFIG_SYNC_NONE);
	ck_assert_int_eq(orders->journal.sync_interval_ns, 9 * MS);
	ck_assert(!orders->bridge.given);
	ck_assert(!log->journal.given);
	ck_assert_uint_eq(log->n_consumers, 0);
	ck_assert_int_eq(log->journal.sync, RB_CONFIG_SYNC_INTERVAL);
	ck_assert_uint_eq(log->bridge.window, 7);
	ck_assert_str_eq(log->bridge.subject, "ringbus.log");
	rb_config_free(config);
}

TEST(stream_has_no_dots)
{
	struct rb_config *config = parses("channels: { a.b.c: { bridge: } }");

	ck_assert_str_eq(only_channel(config)->bridge.stream, "a_b_c");
	ck_assert_str_eq(only_channel(config)->bridge.subject, "ringbus.a.b.c");
	rb_config_free(config);
}

TEST(servers)
{
	static const char *const good[] = {
		"nats://h",     "tls://h.example:1", "nats://10.0.0.1:65535",
		"nats://[::1]", "tls://[::1]:4222",  "nats://a,tls://b:5",
	};
	struct rb_config *config;
	char text[128];

	for (size_t i = 0; i < RB_ARRAY_SIZE(good); i++) {
		snprintf(text, sizeof(text), BRIDGE("servers: '%s'"), good[i]);
		config = parses(text);
		ck_assert_str_eq(only_channel(config)->bridge.servers, good[i]);
		rb_config_free(config);
	}
}

TEST(no_servers)
{
	static const char *const bad[] = {
		"h:4222",         "http://h",    "nats://",      "nats://h:0",
		"nats://h:65536", "nats://h:",   "nats://h:42x", "nats://h/x",
		"nats://a b",     "nats://[::1", "nats://[]:4",  "nats://a,",
		",nats://a",      "tls://",      "nats://:4222", "",
	};
	char text[128];

	for (size_t i = 0; i < RB_ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), BRIDGE("servers: '%s'"), bad[i]);
		refuses(text, "test:3:24: 'servers' must be URLs such as "
			      "nats://host:4222 or tls://host:4222, not '");
	}
}

TEST(too_many_servers)
{
	const char *unit = ", nats://0123456789abcdefg";
	char *text = repeat("channels: { a: { bridge: { servers: [nats://abcd",
			    unit, 20, "] } } }");

	rb_config_free(parses(text));
	free(text);
	text = repeat("channels: { a: { bridge: { servers: [nats://abcde", unit,
		      20, "] } } }");
	refuses(text, "test:1:37: 'servers' is longer than 511 bytes\n");
	free(text);
}

TEST(subjects)
{
	static const char *const bad[] = { "a b",   "a..b",     ".a",
					   "a.",    "a.*",      "a.>",
					   "$JS.a", "\xc3\xa4", "" };
	char text[128];

	for (size_t i = 0; i < RB_ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), BRIDGE("subject: '%s'"), bad[i]);
		refuses(text, "test:3:24: 'subject' must be a subject such as "
			      "ringbus.orders, not '");
	}
	hints(BRIDGE("subject: a.*"), "one subject, without wildcards");
	hints(BRIDGE("subject: $SYS.x"),
	      "what begins with $ belongs to the server");
}

REFUSES(password_in_a_server, BRIDGE("servers: nats://me:secret@h"),
	"test:3:24: 'servers' must be URLs such as nats://host:4222 or "
	"tls://host:4222, not 'nats://me:secret@h'\n"
	"    bridge: { servers: nats://me:secret@h }\n"
	"                       ^\n"
	"hint: who may attach would see a password here: name a file, by "
	"credentials or nkey\n")
REFUSES(servers_as_a_mapping, BRIDGE("servers: { a: b }"),
	"test:3:24: 'servers' must be URLs such as nats://host:4222 or "
	"tls://host:4222, not a mapping\n")
REFUSES(no_server_at_all, BRIDGE("servers: []"),
	"test:3:24: 'servers' must be URLs such as nats://host:4222 or "
	"tls://host:4222, not a list\n")
REFUSES(one_of_several_servers, BRIDGE("servers: [nats://a, b]"),
	"test:3:35: 'servers' must be URLs such as nats://host:4222 or "
	"tls://host:4222, not 'b'\n")
REFUSES(dir_not_absolute, JOURNAL("dir: journal"),
	"test:3:21: 'dir' must be an absolute path, not 'journal'\n")
REFUSES(stream_with_a_dot, BRIDGE("stream: a.b"),
	"test:3:23: 'stream' must be a stream of letters, digits, _ and -, "
	"not 'a.b'\n")
REFUSES(tls_name_with_a_port, BRIDGE("tls_name: h:4222"),
	"test:3:25: 'tls_name' must be the name or the address of a host, not "
	"'h:4222'\n")
REFUSES(small_segment, JOURNAL("segment_size: 1000KiB"),
	"test:3:30: 'segment_size' must be from 1MiB to 1TiB, not '1000KiB'\n")
REFUSES(unknown_sync, JOURNAL("sync: allways"),
	"test:3:22: 'sync' must be one of always, interval, none, not "
	"'allways'\n"
	"    journal: { sync: allways }\n"
	"                     ^\n"
	"hint: did you mean 'always'?\n")
REFUSES(unknown_on_full, JOURNAL("on_full: wait"),
	"test:3:25: 'on_full' must be one of stall, drop, not 'wait'\n")
REFUSES(unknown_io, JOURNAL("io: aio"),
	"test:3:20: 'io' must be one of auto, uring, sync, not 'aio'\n")
REFUSES(unknown_direction, BRIDGE("direction: both"),
	"test:3:26: 'direction' must be one of export, import, not 'both'\n")
REFUSES(unknown_start, BRIDGE("direction: import, start: now"),
	"test:3:41: 'start' must be one of oldest, newest, not 'now'\n")
REFUSES(too_many_replicas, BRIDGE("replicas: 6"),
	"test:3:25: 'replicas' must be from 1 to 5, not '6'\n")
REFUSES(no_window, BRIDGE("window: 0"),
	"test:3:23: 'window' must be from 1 to 65536, not '0'\n")
REFUSES(short_duplicates, BRIDGE("duplicates: 99ms"),
	"test:3:27: 'duplicates' must be from 100ms to 365d, not '99ms'\n")
REFUSES(unknown_key_of_a_journal, JOURNAL("synk: always"),
	"test:3:16: unknown key 'synk' in 'journal' in channel 'orders'\n"
	"    journal: { synk: always }\n"
	"               ^\n"
	"hint: did you mean 'sync'?\n")
REFUSES(key_of_the_other_block, JOURNAL("window: 4"),
	"test:3:16: unknown key 'window' in 'journal' in channel 'orders'\n"
	"    journal: { window: 4 }\n"
	"               ^\n"
	"hint: 'window' belongs in 'bridge' of a channel\n")
REFUSES(journal_as_a_word, CHANNEL("journal: yes"),
	"test:3:14: 'journal' must be a mapping of keys, not a single value\n")

/* ------------------------------------------------------------- across keys */

REFUSES(interval_without_interval, JOURNAL("sync_interval: 9ms"),
	"test:3:16: channel 'orders': 'sync_interval' is only for 'sync: "
	"interval'\n"
	"    journal: { sync_interval: 9ms }\n"
	"               ^\n"
	"hint: add sync: interval, or drop it\n")
REFUSES(retain_of_less_than_two,
	JOURNAL("retain_size: 3MiB, segment_size: 2MiB"),
	"test:3:29: channel 'orders': 'retain_size' is 3MiB, less than two "
	"segments of 2MiB: the one that is being written is never removed\n")
REFUSES(import_of_many,
	CHANNEL("producers: multi\n    bridge: { direction: import }"),
	"test:4:26: channel 'orders': 'direction: import' needs 'producers: "
	"single': with others publishing in between, the bridge could not "
	"tell after a crash what it has published\n")
REFUSES(consumer_of_an_import, BRIDGE("direction: import, consumer: c"),
	"test:3:34: channel 'orders': 'consumer' is only for 'direction: "
	"export'\n")
REFUSES(start_of_an_export, BRIDGE("start: newest"),
	"test:3:15: channel 'orders': 'start' is only for 'direction: "
	"import'\n")
REFUSES(state_of_an_export, BRIDGE("state: /s"),
	"test:3:15: channel 'orders': 'state' is only for 'direction: "
	"import'\n")
REFUSES(certificate_alone, BRIDGE("certificate: /c"),
	"test:3:28: channel 'orders': 'certificate' is of no use without "
	"'key'\n")
REFUSES(key_alone, BRIDGE("key: /k"),
	"test:3:20: channel 'orders': 'key' is of no use without "
	"'certificate'\n")
REFUSES(two_identities, BRIDGE("credentials: /c, nkey: /n"),
	"test:3:28: channel 'orders': 'credentials' and 'nkey' are two ways "
	"to say who one is\n")
REFUSES(shared_consumer,
	CHANNEL("journal: { consumer: x }\n    bridge: { consumer: x }"),
	"test:4:25: channel 'orders': 'journal' and 'bridge' both read as "
	"consumer 'x': each has to have a place of its own\n")
REFUSES(shared_by_default,
	CHANNEL("bridge:\n    journal: { consumer: replicate }"),
	"test:4:26: channel 'orders': 'journal' and 'bridge' both read as "
	"consumer 'replicate'")
REFUSES(subject_from_a_name, "channels:\n  a..b:\n    bridge:\n",
	"test:3:12: channel 'a..b': 'ringbus.a..b' is no subject of NATS\n")

REFUSES(dir_as_a_default, "defaults: { journal: { dir: /j } }",
	"test:1:24: 'dir' cannot be a default\n")
REFUSES(state_as_a_default, "defaults: { bridge: { state: /s } }",
	"test:1:23: 'state' cannot be a default\n")
REFUSES(subject_as_a_default, "defaults: { bridge: { subject: s } }",
	"test:1:23: 'subject' cannot be a default\n")
REFUSES(two_journals_in_a_folder,
	"channels:\n"
	"  a: { journal: { dir: /j } }\n"
	"  b: { journal: }\n"
	"  c: { journal: { dir: /j } }\n"
	"  d: { journal: }\n",
	"test:4:3: channel 'c' has the 'dir' of the journal of 'a'\n")
REFUSES(two_bridges_with_a_state,
	"channels:\n"
	"  a: { bridge: { direction: import, state: /s } }\n"
	"  b: { bridge: { direction: import, state: /s } }\n",
	"test:3:3: channel 'b' has the 'state' of the bridge of 'a'\n")

TEST(half_a_pair_in_the_defaults)
{
	rb_config_free(parses("defaults: { bridge: { certificate: /c } }\n"
			      "channels: { a: { bridge: { key: /k } }, b: }"));
	refuses("defaults: { bridge: { certificate: /c } }\n"
		"channels: { a: { bridge: } }",
		"test:1:36: channel 'a': 'certificate' is of no use without "
		"'key'\n");
}

/* --------------------------------------------------------------- consumers */

static const struct rb_config_consumer *
consumer_named(const struct rb_config *config, const char *name)
{
	const struct rb_config_channel *c = only_channel(config);

	for (unsigned i = 0; i < c->n_consumers; i++)
		if (strcmp(c->consumers[i].name, name) == 0)
			return &c->consumers[i];
	ck_abort_msg("no consumer %s", name);
}

TEST(blocks_declare_consumers_that_are_kept)
{
	struct rb_config *config = parses(
		CHANNEL("journal:\n    bridge:\n"
			"    consumers: { app: { after: [journal, replicate] } "
			"}"));

	ck_assert_uint_eq(only_channel(config)->n_consumers, 3);
	ck_assert_uint_eq(consumer_named(config, "app")->after, 6);
	ck_assert_int_eq(consumer_named(config, "app")->on_death,
			 RB_CONFIG_RELEASE);
	ck_assert_int_eq(consumer_named(config, "journal")->on_death,
			 RB_CONFIG_KEEP);
	ck_assert_int_eq(consumer_named(config, "replicate")->on_death,
			 RB_CONFIG_KEEP);
	ck_assert_str_eq(rb_config_origin(config,
					  "channels.orders.consumers.journal"),
			 "test:3:5");
	rb_config_free(config);
}

TEST(declared_ones_are_kept_too)
{
	struct rb_config *config = parses(
		CHANNEL("journal: { consumer: disk }\n"
			"    consumers: { disk: { after: first }, first: }"));

	ck_assert_uint_eq(only_channel(config)->n_consumers, 2);
	ck_assert_int_eq(consumer_named(config, "disk")->on_death,
			 RB_CONFIG_KEEP);
	ck_assert_uint_eq(consumer_named(config, "disk")->after, 2);
	ck_assert_int_eq(consumer_named(config, "first")->on_death,
			 RB_CONFIG_RELEASE);
	rb_config_free(config);
}

TEST(import_declares_nobody)
{
	struct rb_config *config = parses(BRIDGE("direction: import"));

	ck_assert_uint_eq(only_channel(config)->n_consumers, 0);
	rb_config_free(config);
	refuses(CHANNEL("bridge: { direction: import }\n"
			"    consumers: { app: { after: replicate } }"),
		"test:4:32: consumer 'app' waits for 'replicate', which "
		"channel 'orders' does not declare\n");
}

/* With a journal, and its consumer having these keys. */
#define WITH(keys) CHANNEL("journal:\n    consumers: { journal: { " keys " } }")

REFUSES(released_journal, WITH("on_death: release"),
	"test:4:29: consumer 'journal': ringbus-journal reads by this name, "
	"and with 'on_death: release' what is published while it does not run "
	"would pass it by\n"
	"    consumers: { journal: { on_death: release } }\n"
	"                            ^\n"
	"hint: drop on_death, or take on_death: keep\n")
REFUSES(lossy_journal, WITH("slow: lossy"),
	"test:4:29: consumer 'journal': ringbus-journal reads by this name, "
	"and with 'slow: lossy' producers may overwrite what it has yet to "
	"read\n")
REFUSES(parked_journal, WITH("slow: park, max_lag: 4"),
	"test:4:29: consumer 'journal': ringbus-journal reads by this name, "
	"and with 'slow: park' ")
REFUSES(evicted_journal, WITH("slow: evict, max_lag: 4"),
	"test:4:29: consumer 'journal': ringbus-journal reads by this name, "
	"and with 'slow: evict' ")
REFUSES(journal_of_a_group, WITH("group: true"),
	"test:4:29: consumer 'journal': ringbus-journal reads by this name "
	"and has to see every event, which no worker of a group does\n")
REFUSES(released_bridge,
	CHANNEL("bridge: { consumer: b }\n"
		"    consumers: { b: { on_death: release } }"),
	"test:4:23: consumer 'b': ringbus-bridge reads by this name, and with "
	"'on_death: release' ")

TEST(kept_for_a_while_is_a_choice)
{
	struct rb_config *config = parses(WITH("keep_for: 1h"));

	ck_assert_int_eq(only_channel(config)->consumers[0].keep_for_ns,
			 3600000 * MS);
	rb_config_free(config);
}

TEST(no_place_for_the_journal)
{
	char line[32], *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(file);
	fputs(CHANNEL("journal:\n    consumers:"), file);
	for (int i = 0; i < RB_CONSUMERS_MAX; i++) {
		snprintf(line, sizeof(line), "      c%d:\n", i);
		fputs(line, file);
	}
	ck_assert_int_eq(fclose(file), 0);
	refuses(text, "test:3:5: consumer 'journal' is one more than 64 "
		      "consumers\n");
	free(text);
}
