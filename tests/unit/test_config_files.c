/* SPDX-License-Identifier: MIT */
/*
 * test_config_files.c - files, drop-ins, the shipped example and the manual
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/schema.h"
#include "shm/base.h"
#include "tests/unit/config_expect.h"

#define NOBODY 65534

/* ------------------------------------------------------------------- files */

static void
write_file(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", t_tmpdir(), name);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void
make_drop_in_dir(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/conf.d", t_tmpdir());
	ck_assert_int_eq(mkdir(path, 0777), 0);
}

static int
load(struct rb_config_report *report, struct rb_config **ret)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/ringbus.yaml", t_tmpdir());
	return rb_config_load(path, report, ret);
}

static struct rb_config *
loads(void)
{
	struct rb_config_report report;
	struct rb_config *config = NULL;
	int r = load(&report, &config);

	ck_assert_msg(r == 0, "%s", report.text ? report.text : strerror(-r));
	ck_assert_ptr_null(report.text);
	return config;
}

/* Loading fails so; `format` has one %s for each folder in front of a file. */
static void
load_fails(int error, const char *format)
{
	struct rb_config_report report;
	struct rb_config *config;
	char expected[3 * PATH_MAX];
	const char *dir = t_tmpdir();

	ck_assert_int_eq(load(&report, &config), error);
	snprintf(expected, sizeof(expected), format, dir, dir, dir);
	ck_assert_str_eq(report.text, expected);
	rb_config_report_deinit(&report);
}

TEST(missing_file)
{
	load_fails(-ENOENT,
		   "%s/ringbus.yaml: cannot read: No such file or directory\n");
}

TEST(folder_for_a_file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/ringbus.yaml", t_tmpdir());
	ck_assert_int_eq(mkdir(path, 0777), 0);
	load_fails(-EISDIR, "%s/ringbus.yaml: cannot read: Is a directory\n");
}

TEST(file_without_permission)
{
	char path[PATH_MAX];
	uid_t euid = geteuid();

	write_file("ringbus.yaml", "");
	snprintf(path, sizeof(path), "%s/ringbus.yaml", t_tmpdir());
	ck_assert_int_eq(chmod(path, 0), 0);
	ck_assert_int_eq(chmod(t_tmpdir(), 0711), 0);
	if (euid == 0)
		ck_assert_int_eq(seteuid(NOBODY), 0);
	load_fails(-EACCES,
		   "%s/ringbus.yaml: cannot read: Permission denied\n");
	ck_assert_int_eq(seteuid(euid), 0);
}

TEST(file_too_large)
{
	char path[PATH_MAX];

	write_file("ringbus.yaml", "");
	snprintf(path, sizeof(path), "%s/ringbus.yaml", t_tmpdir());
	ck_assert_int_eq(truncate(path, (1 << 20) + 1), 0);
	load_fails(-EINVAL, "%s/ringbus.yaml: larger than 1 MiB\n");
}

TEST(file_without_a_folder_in_its_name)
{
	struct rb_config_report report;
	struct rb_config *config;
	char before[PATH_MAX];

	write_file("ringbus.yaml", "channels: { a: }\n");
	make_drop_in_dir();
	write_file("conf.d/b.yaml", "channels: { b: }\n");
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	ck_assert_int_eq(chdir(t_tmpdir()), 0);
	ck_assert_int_eq(rb_config_load("ringbus.yaml", &report, &config), 0);
	ck_assert_int_eq(chdir(before), 0);
	ck_assert_uint_eq(config->n_channels, 2);
	rb_config_free(config);
}

/* ---------------------------------------------------------------- drop-ins */

TEST(drop_ins_in_byte_order)
{
	struct rb_config *config;

	write_file("ringbus.yaml", "daemon: { drain: 1s, max_clients: 5 }\n"
				   "channels: { main: }\n");
	make_drop_in_dir();
	write_file("conf.d/b.yaml", "daemon: { drain: 4s }\n"
				    "channels: { b: }\n");
	write_file("conf.d/a.yaml", "daemon: { drain: 3s, socket: /a }\n"
				    "channels: { a: }\n");
	write_file("conf.d/Z.yaml", "daemon: { drain: 2s, socket: /z }\n"
				    "channels: { z: }\n");
	write_file("conf.d/c.yml", "not: read\n");
	write_file("conf.d/.d.yaml", "not: read\n");
	write_file("conf.d/e.yaml~", "not: read\n");
	config = loads();
	ck_assert_int_eq(config->drain_ns, 4 * RB_SECOND_NS);
	ck_assert_uint_eq(config->max_clients, 5);
	ck_assert_str_eq(config->socket, "/a");
	ck_assert_uint_eq(config->n_channels, 4);
	ck_assert_str_eq(config->channels[0].name, "main");
	ck_assert_str_eq(config->channels[1].name, "z");
	ck_assert_str_eq(config->channels[2].name, "a");
	ck_assert_str_eq(config->channels[3].name, "b");
	rb_config_free(config);
}

TEST(access_of_dynamic_is_overwritten_list_by_list)
{
	const struct rb_config_access *access;
	struct rb_config *config;

	write_file("ringbus.yaml", "dynamic: { allow: any, access: { tap: [], "
				   "admin: user:1 } }\n");
	make_drop_in_dir();
	write_file("conf.d/x.yaml",
		   "dynamic: { access: { admin: creator } }\n");
	config = loads();
	access = &config->dynamic.access;
	ck_assert(config->dynamic.allow.given);
	ck_assert(access->tap.given);
	ck_assert_uint_eq(access->admin.n_entries, 1);
	ck_assert_str_eq(access->admin.words, "creator");
	ck_assert(!access->publish.given);
	rb_config_free(config);
}

TEST(defaults_of_drop_ins_hold_everywhere)
{
	struct rb_config *config;

	write_file("ringbus.yaml", "defaults: { slots: 64, history: 4 }\n"
				   "channels: { a: }\n");
	make_drop_in_dir();
	write_file("conf.d/x.yaml", "defaults: { slots: 128 }\n"
				    "dynamic: { allow: [any] }\n");
	config = loads();
	ck_assert_uint_eq(config->channels[0].slots, 128);
	ck_assert_uint_eq(config->channels[0].history, 4);
	ck_assert(config->dynamic.allow.given);
	rb_config_free(config);
}

TEST(channel_in_two_files)
{
	write_file("ringbus.yaml", "channels:\n  b: {}\n  a: {}\n");
	make_drop_in_dir();
	write_file("conf.d/x.yaml", "channels:\n\n    a: {}\n");
	load_fails(-EINVAL, "%s/conf.d/x.yaml:3:5: channel 'a' is defined "
			    "twice, first at %s/ringbus.yaml:3:3\n"
			    "    a: {}\n    ^\n");
}

TEST(problems_of_several_files)
{
	write_file("ringbus.yaml", "foo: 1\n");
	make_drop_in_dir();
	write_file("conf.d/2.yaml", "bar: 1\n");
	write_file("conf.d/1.yaml", "daemon: []\n");
	load_fails(-EINVAL,
		   "%s/ringbus.yaml:1:1: unknown key 'foo' at the top\n"
		   "foo: 1\n^\n"
		   "%s/conf.d/1.yaml:1:9: 'daemon' must be a mapping of keys, "
		   "not a list\ndaemon: []\n        ^\n"
		   "%s/conf.d/2.yaml:1:1: unknown key 'bar' at the top\n"
		   "bar: 1\n^\n");
}

TEST(broken_drop_in_ends_the_run)
{
	write_file("ringbus.yaml", "channels: { a: { slot_size: 64 } }\n");
	make_drop_in_dir();
	write_file("conf.d/x.yaml", "defaults: { framing: framed }\n}\n");
	load_fails(-EINVAL,
		   "%s/conf.d/x.yaml:2:1: not valid YAML: did not find "
		   "expected key (while parsing a block mapping, line 1)\n"
		   "}\n^\n");
}

TEST(drop_in_that_cannot_be_read)
{
	char path[PATH_MAX];

	write_file("ringbus.yaml", "");
	make_drop_in_dir();
	snprintf(path, sizeof(path), "%s/conf.d/x.yaml", t_tmpdir());
	ck_assert_int_eq(symlink("nowhere", path), 0);
	load_fails(-ENOENT, "%s/conf.d/x.yaml: cannot read: No such file or "
			    "directory\n");
}

TEST(drop_in_folder_that_is_a_file)
{
	write_file("ringbus.yaml", "");
	write_file("conf.d", "");
	load_fails(-ENOTDIR, "%s/ringbus.yaml: cannot read the drop-ins in "
			     "%s/conf.d: Not a directory\n");
}

TEST(too_many_drop_ins)
{
	char name[32];
	unsigned i;

	write_file("ringbus.yaml", "");
	make_drop_in_dir();
	for (i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "conf.d/%u.yaml", i);
		write_file(name, "");
	}
	rb_config_free(loads());
	write_file("conf.d/more.yaml", "");
	load_fails(-EINVAL, "%s/ringbus.yaml: more than 256 drop-ins in "
			    "%s/conf.d\n");
}

/* ------------------------------------------------------------- the example */

/* A file of the source tree; skips the test where there is none. */
static char *
read_source(const char *name)
{
	const char *slash = strrchr(__FILE__, '/');
	char path[PATH_MAX];
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%.*s/../../%s", (int)(slash - __FILE__),
		 __FILE__, name);
	file = fopen(path, "re");
	if (!file)
		T_SKIP("no %s: not run from the source tree", path);
	ck_assert_int_gt(getdelim(&text, &size, '\0', file), 0);
	fclose(file);
	return text;
}

TEST(example_is_built_in)
{
	char *text = read_source("config/ringbus.yaml");

	ck_assert_str_eq(text, rb_config_builtin);
	free(text);
}

TEST(example_is_good)
{
	struct rb_config *config = parses(rb_config_builtin);
	const struct rb_config_channel *orders = &config->channels[0];
	char why[256];

	ck_assert_uint_eq(config->n_channels, 2);
	ck_assert_str_eq(orders->name, "orders");
	ck_assert_uint_eq(orders->n_consumers, 3);
	ck_assert_uint_eq(orders->consumers[2].after, 3);
	ck_assert_int_eq(rb_config_channel_check(orders, why, sizeof(why)), 0);
	rb_config_free(config);
}

TEST(example_names_every_key)
{
	char word[64];
	size_t i;

	for (i = 0; i < RB_N_KEYS; i++) {
		snprintf(word, sizeof(word), "%c%s:",
			 rb_keys[i].section == RB_SECTION_TOP ? '\n' : ' ',
			 rb_keys[i].name);
		ck_assert_msg(strstr(rb_config_builtin, word) != NULL,
			      "no `%s` in ringbus.yaml", word);
	}
}

/* Takes the hashes off a block, which ends with an empty line. */
static void
uncomment(char *text, const char *head)
{
	char *line = strstr(text, head);

	ck_assert_msg(line != NULL, "no `%s`", head);
	for (line++; *line != '\n'; line = strchr(line, '\n') + 1) {
		ck_assert_msg(strncmp(line, "    # ", 6) == 0, "`%.40s`", line);
		memmove(line + 4, line + 6, strlen(line + 6) + 1);
	}
}

TEST(example_blocks_are_good_without_their_hashes)
{
	char *text = strdup(rb_config_builtin);
	const struct rb_config_channel *orders;
	struct rb_config_channel bare;
	struct rb_config *config;

	ck_assert_ptr_nonnull(text);
	uncomment(text, "\n    # journal:\n");
	uncomment(text, "\n    # bridge:\n");
	config = parses(text);
	orders = &config->channels[0];
	rb_config_channel_init(&bare);
	ck_assert(orders->journal.given && orders->bridge.given);
	ck_assert_uint_eq(orders->journal.segment_bytes,
			  bare.journal.segment_bytes);
	ck_assert_str_eq(orders->bridge.servers, bare.bridge.servers);
	ck_assert_int_eq(orders->consumers[0].on_death, RB_CONFIG_KEEP);
	rb_config_free(config);
	free(text);
}

/* What is commented out for want of a good default is good all the same. */
TEST(example_is_good_without_its_hashes)
{
	static const char *const lines[] = {
		"fill: 00ff",   "type: order",  "version: 1",
		"slow: gate",   "max_lag: 0",   "keep_for: 0",
		"max_stall: 0", "group: false", "on_death: release",
		"numa_node: 0", "cpus: 0-3,8",
	};
	char *text = strdup(rb_config_builtin), *found;
	struct rb_config *config;
	char word[64];
	size_t i;

	ck_assert_ptr_nonnull(text);
	for (i = 0; i < RB_ARRAY_SIZE(lines); i++) {
		snprintf(word, sizeof(word), " # %s\n", lines[i]);
		found = strstr(text, word);
		ck_assert_msg(found != NULL, "no `%s` in ringbus.yaml", word);
		/* In its column, as one would. */
		memmove(found + 1, found + 3, strlen(lines[i]));
		memset(found + 1 + strlen(lines[i]), ' ', 2);
	}
	config = parses(text);
	ck_assert_str_eq(config->channels[0].type, "order");
	rb_config_free(config);
	free(text);
}

/* Whatever comes: a config or a reason, and nothing else. */
static void
assert_sane(const char *text, size_t size)
{
	struct rb_config_report report;
	struct rb_config *config = NULL;
	int r = rb_config_parse("test", text, size, &report, &config);

	if (r == 0) {
		ck_assert_ptr_nonnull(config);
		ck_assert_ptr_null(report.text);
	} else {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_ptr_null(config);
		ck_assert_uint_gt(report.n_problems, 0);
		ck_assert(strncmp(report.text, "test:", 5) == 0);
	}
	rb_config_report_deinit(&report);
	rb_config_free(config);
}

TEST(example_cut_off_at_every_byte)
{
	size_t i, n = strlen(rb_config_builtin);
	char *text;

	for (i = 0; i <= n; i++) {
		/* In memory of its own, so that sanitizers see the end. */
		text = malloc(i ? i : 1);
		ck_assert_ptr_nonnull(text);
		memcpy(text, rb_config_builtin, i);
		assert_sane(text, i);
		free(text);
	}
}

TEST(example_with_wrong_bytes)
{
	size_t n = strlen(rb_config_builtin);
	char *text = malloc(n);
	uint64_t seed = 1;
	unsigned i, k;

	ck_assert_ptr_nonnull(text);
	for (i = 0; i < 2000; i++) {
		memcpy(text, rb_config_builtin, n);
		for (k = 0; k <= i % 4; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			text[(seed >> 33) % n] = (char)(seed >> 24);
		}
		assert_sane(text, n);
	}
	free(text);
}

/* -------------------------------------------------------------- the manual */

/* The block of the manual behind a headline. */
static char *
read_block(const char *headline)
{
	char *manual = read_source("docs/man/ringbus.yaml.5.scd");
	char *start = strstr(manual, headline), *end, *text;

	ck_assert_ptr_nonnull(start);
	start = strstr(start, "```\n");
	ck_assert_ptr_nonnull(start);
	start += strlen("```\n");
	end = strstr(start, "```\n");
	ck_assert_ptr_nonnull(end);
	text = strndup(start, (size_t)(end - start));
	ck_assert_ptr_nonnull(text);
	free(manual);
	return text;
}

TEST(manual_has_a_good_example)
{
	char *text = read_block("\n# EXAMPLE\n");
	struct rb_config *config;
	char *group, *p;

	/* Its groups of users need not exist here. */
	for (group = strstr(text, "[group:"); group;
	     group = strstr(group + 1, "[group:"))
		for (p = group + strlen("[group:"); *p != ']'; p++)
			*p = '1';
	config = parses(text);
	ck_assert_uint_eq(config->n_channels, 2);
	ck_assert_uint_eq(config->channels[0].n_consumers, 6);
	rb_config_free(config);
	free(text);
}
