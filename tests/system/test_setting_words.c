/* SPDX-License-Identifier: MIT */
/*
 * test_setting_words.c - a program's settings: from the configuration, or from words
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/setting.h"
#include "tests/fixture.h"
#include "tests/system/util_bus.h"

struct target {
	char dir[32];
	int64_t interval_ns;
	int64_t segment;
	bool direct;
	int sync;
};

static const char *const syncs[] = { "always", "interval", "none", NULL };

static const struct setting table[] = {
	{ "dir", SETTING_TEXT, offsetof(struct target, dir), 32, NULL },
	{ "sync_interval", SETTING_NUMBER, offsetof(struct target, interval_ns),
	  0, NULL },
	{ "segment_size", SETTING_NUMBER, offsetof(struct target, segment), 0,
	  NULL },
	{ "direct", SETTING_FLAG, offsetof(struct target, direct), 0, NULL },
	{ "sync", SETTING_WORD, offsetof(struct target, sync), 0, syncs },
	{ NULL, SETTING_TEXT, 0, 0, NULL },
};

/* With these words of the command line. */
static int
read_with(struct ringbus *bus, const char *const *words, struct target *ret,
	  char *why)
{
	struct setting_source source = { .bus = bus,
					 .channel = "a",
					 .block = "journal" };
	int err;

	for (; words != NULL && *words != NULL; words++)
		ck_assert_int_eq(setting_give(&source, *words), 0);
	err = setting_read(&source, table, ret);
	ck_assert_msg((err < 0) == (source.why[0] != '\0'), "%d: %s", err,
		      source.why);
	if (why != NULL)
		snprintf(why, SETTING_WHY_SIZE, "%s", source.why);
	return err;
}

#define WORDS(...)                                                             \
	(const char *const[])                                                  \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}

static const char journal[] = "slots: 64, journal: { dir: /j, sync: interval, "
			      "sync_interval: 7ms, direct: false }";

TEST(configuration_is_read)
{
	struct target t = { .direct = true };
	struct t_bus b;

	t_bus_begin(&b, "%s", journal);
	ck_assert_int_eq(read_with(b.bus, NULL, &t, NULL), 0);
	ck_assert_str_eq(t.dir, "/j");
	ck_assert_int_eq(t.sync, 1);
	ck_assert_int_eq(t.interval_ns, 7000000);
	ck_assert_int_eq(t.segment, 256 << 20);
	ck_assert(!t.direct);
	t_bus_end(&b);
}

TEST(words_come_first_and_the_last_counts)
{
	struct target t = { 0 };
	struct t_bus b;

	t_bus_begin(&b, "%s", journal);
	ck_assert_int_eq(read_with(b.bus,
				   WORDS("sync=none", "segment_size=2MiB",
					 "sync_interval=1s1ms", "direct=true",
					 "dir=/x=y", "sync=always"),
				   &t, NULL),
			 0);
	ck_assert_str_eq(t.dir, "/x=y");
	ck_assert_int_eq(t.sync, 0);
	ck_assert_int_eq(t.interval_ns, 1001000000);
	ck_assert_int_eq(t.segment, 2 << 20);
	ck_assert(t.direct);
	t_bus_end(&b);
}

static void
assert_refused(struct ringbus *bus, const char *word, int err,
	       const char *wanted)
{
	char why[SETTING_WHY_SIZE];
	struct target t;
	int r = read_with(bus, WORDS("sync=none", word), &t, why);

	ck_assert_msg(r == err, "%s: %d, not %d: %s", word, r, err, why);
	ck_assert_msg(strcmp(why, wanted) == 0, "%s: `%s`, not `%s`", word, why,
		      wanted);
}

TEST(wrong_words_are_told_as_in_the_file)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 64");
	assert_refused(b.bus, "sync=allways", -EINVAL,
		       "channel a: 'sync' must be one of always, interval, "
		       "none, not 'allways'; did you mean 'always'?");
	assert_refused(b.bus, "sync_interval=5", -EINVAL,
		       "channel a: 'sync_interval' must be a duration such "
		       "as 250ms or 1m30s, not '5'; the unit is missing: ns, "
		       "us, ms, s, m, h or d");
	assert_refused(b.bus, "segment_size=1KiB", -EINVAL,
		       "channel a: 'segment_size' must be from 1MiB to "
		       "1TiB, not '1KiB'; segment_size: bytes of one file");
	assert_refused(b.bus, "dir=", -EINVAL,
		       "channel a: 'dir' must be an absolute path, not ''; "
		       "dir: the folder of its files");
	assert_refused(b.bus, "synk=none", -ENOENT,
		       "channel a: there is no setting 'journal.synk': see "
		       "JOURNAL and BRIDGE in ringbus.yaml(5)");
	assert_refused(b.bus, "window=4", -ENOENT,
		       "channel a: there is no setting 'journal.window': "
		       "see JOURNAL and BRIDGE in ringbus.yaml(5)");
	assert_refused(b.bus, "sync", -EINVAL, "sync: is no KEY=VALUE");
	assert_refused(b.bus, "=none", -EINVAL, "=none: is no KEY=VALUE");
	t_bus_end(&b);
}

/* The bytes of a value are no more than a value. */
TEST(value_is_no_yaml)
{
	static const char *const words[] = {
		"dir=\"}",         "dir=\\",        "dir=a\" }, b: {",
		"dir=\x01",        "dir=\xff",      "dir=\n/a",
		"sync=always # x", "sync='always'", "sync=\"always\"",
		"direct=[true]",   "direct={}",     "segment_size=&a 1MiB",
	};
	struct target t;
	struct t_bus b;

	t_bus_begin(&b, "slots: 64");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_msg(read_with(b.bus, WORDS(words[i]), &t, NULL) ==
				      -EINVAL,
			      "%s", words[i]);
	ck_assert_int_eq(
		read_with(b.bus, WORDS("dir=/a\"\\ {b}: #c"), &t, NULL), 0);
	ck_assert_str_eq(t.dir, "/a\"\\ {b}: #c");
	t_bus_end(&b);
}

TEST(text_has_to_fit)
{
	char path[2048], why[SETTING_WHY_SIZE];
	struct target t;
	struct t_bus b;

	t_bus_begin(&b, "slots: 64");
	memset(path, 'x', sizeof(path));
	memcpy(path, "dir=/", 5);
	path[4 + 31] = '\0';
	ck_assert_int_eq(read_with(b.bus, WORDS(path), &t, NULL), 0);
	ck_assert_str_eq(t.dir, path + 4);
	path[4 + 31] = 'x';
	path[4 + 32] = '\0';
	ck_assert_int_eq(read_with(b.bus, WORDS(path), &t, why), -ENOSPC);
	ck_assert_str_eq(why, "dir: is too long");
	path[4 + 32] = 'x';
	path[4 + 256] = '\0';
	ck_assert_int_eq(read_with(b.bus, WORDS(path), &t, why), -EINVAL);
	ck_assert_str_eq(why, "channel a: 'dir' is longer than 255 bytes");
	for (size_t n = 1000; n < 1200; n++) {
		path[4 + 256] = 'x';
		path[n] = '\0';
		ck_assert_int_eq(read_with(b.bus, WORDS(path), &t, why),
				 -EINVAL);
		path[n] = 'x';
	}
	t_bus_end(&b);
}

TEST(block_is_there_or_not)
{
	struct setting_source source = { .channel = "a", .block = "journal" };
	struct t_bus b;

	t_bus_begin(&b, "slots: 64, journal: {}");
	source.bus = b.bus;
	ck_assert_int_eq(setting_has_block(&source), 1);
	source.block = "bridge";
	ck_assert_int_eq(setting_has_block(&source), 0);
	source.channel = "b";
	ck_assert_int_eq(setting_has_block(&source), -ENOENT);
	ck_assert_str_eq(source.why, "channel b: there is none of this "
				     "name; ringbusctl ls lists them");
	t_bus_end(&b);
}

TEST(too_many_words_are_refused)
{
	struct setting_source source = { .channel = "a", .block = "journal" };

	for (int i = 0; i < SETTING_GIVEN_MAX; i++)
		ck_assert_int_eq(setting_give(&source, "sync=none"), 0);
	ck_assert_int_eq(setting_give(&source, "sync=none"), -ENOSPC);
	ck_assert_int_eq(source.n_given, SETTING_GIVEN_MAX);
}
