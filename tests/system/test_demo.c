/* SPDX-License-Identifier: MIT */
/*
 * test_demo.c - the demo: its verdicts, and that it leaves nothing behind
 */
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "tests/system/util_program.h"
#include "tests/t.h"

#define ENDLESS "DEMO_EVENTS=1000000000000"

/* Path of the one file that matches, or NULL. */
static const char *
find(const char *pattern)
{
	static char path[PATH_MAX];
	glob_t found;
	bool any = glob(pattern, 0, NULL, &found) == 0;

	if (any)
		snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
	globfree(&found);
	return any ? path : NULL;
}

static const char *
find_temporary(const struct t_run *run, const char *name)
{
	char pattern[PATH_MAX];

	snprintf(pattern, sizeof(pattern), "%s/ringbus-demo-%d-*%s", t_tmpdir(),
		 run->pid, name);
	return find(pattern);
}

static void
assert_shm_is_clean(const struct t_run *run)
{
	char pattern[64];

	snprintf(pattern, sizeof(pattern), "/dev/shm/ringbus-demo-%d-*",
		 run->pid);
	ck_assert_ptr_null(find(pattern));
}

static void
assert_clean(const struct t_run *run)
{
	assert_shm_is_clean(run);
	ck_assert_ptr_null(find_temporary(run, ""));
}

/* The demo goes by NATS where there is one; most tests need none. */
static void
do_without_nats(void)
{
	setenv("DEMO_NATS", "no", 1);
}

static void
need_nats(void)
{
	if (access(t_program("ringbus-bridge"), X_OK) < 0)
		T_SKIP("ringbus-bridge is not built");
	if (system("PATH=$PATH:/usr/sbin command -v nats-server "
		   ">/dev/null") != 0)
		T_SKIP("nats-server is missing");
}

/* Each of those that were asked has the same row. */
static void
run_orders(unsigned n_rows)
{
	struct t_run run = { .setting = "DEMO_EVENTS=200000" };

	t_run_start(&run, "demo", NULL);
	t_run_ends(&run, 0);
	ck_assert_uint_eq(t_run_count(&run, "200,000        0        199,999"),
			  n_rows);
	ck_assert(t_run_said(&run, "app never ran ahead of journal"));
	ck_assert(t_run_said(&run, "\nall agree\n"));
	assert_clean(&run);
}

TEST(all_agree_on_orders)
{
	do_without_nats();
	run_orders(5);
}

/* Of a bridge nothing is known but what comes out at its other end. */
TEST(all_agree_on_orders_by_nats)
{
	need_nats();
	run_orders(4);
}

static void
run_file(const char *path)
{
	struct t_run run = { 0 };

	t_run_start(&run, "demo", path, NULL);
	t_run_ends(&run, 0);
	ck_assert(t_run_said(&run, "journal equals the input: "));
	ck_assert(t_run_said(&run, "replica equals the input: "));
	ck_assert(t_run_said(&run, "\nall agree\n"));
	assert_clean(&run);
}

static void
write_lines(FILE *file)
{
	for (int i = 0; i < 30000; i++)
		fprintf(file, "%*d\n", i % 200, i);
	fputs("\n\n", file);
	fwrite("a\0b\n", 1, 4, file);
	/* Longer than one event of the demo, and no newline at the end. */
	for (int i = 0; i < 200000; i++)
		fputc('a' + i % 26, file);
}

static void
run_text(void (*write)(FILE *file))
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/input", t_tmpdir());
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	write(file);
	ck_assert_int_eq(fclose(file), 0);
	run_file(path);
}

TEST(all_agree_on_lines)
{
	do_without_nats();
	run_text(write_lines);
}

TEST(all_agree_on_lines_by_nats)
{
	need_nats();
	run_text(write_lines);
}

static void
write_nothing(FILE *file)
{
	(void)file;
}

TEST(all_agree_on_nothing)
{
	do_without_nats();
	run_text(write_nothing);
}

TEST(all_agree_on_real_logs)
{
	static const char *const names[] = { "Apache_2k.log", "HDFS_2k.log",
					     "OpenSSH_2k.log" };
	const char *dir = t_data_dir();
	char path[PATH_MAX];

	do_without_nats();
	if (dir == NULL)
		T_SKIP("no folder with sample data");
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		run_file(path);
	}
}

/* The pid of the child whose name is `comm`, 0 if there is none (yet). */
static pid_t
find_child(pid_t parent, const char *comm)
{
	char path[64], name[32] = "";
	FILE *children, *file;
	pid_t found = 0;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent,
		 parent);
	children = fopen(path, "re");
	while (children != NULL && found == 0 &&
	       fscanf(children, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		file = fopen(path, "re");
		if (file != NULL && fscanf(file, "%31s", name) == 1 &&
		    strcmp(name, comm) == 0)
			found = pid;
		if (file != NULL)
			fclose(file);
	}
	if (children != NULL)
		fclose(children);
	return found;
}

/* Events flow once the journal has some: before that there is no segment. */
static bool
is_under_way(const struct t_run *run)
{
	return find_temporary(run, "/journal/*.rbj") != NULL;
}

/* The process is named by its role. */
static void
kill_one(const char *process, const char *name)
{
	struct t_run run = { .setting = ENDLESS };
	char expected[128];
	pid_t victim;

	t_run_start(&run, "demo", NULL);
	t_until(is_under_way(&run));
	victim = find_child(run.pid, process);
	ck_assert_int_gt(victim, 0);
	ck_assert_int_eq(kill(victim, SIGKILL), 0);
	t_run_ends(&run, 1);
	snprintf(expected, sizeof(expected),
		 "demo: %s (pid %d) was killed by signal 9", name, victim);
	ck_assert_msg(t_run_said(&run, expected), "%s: it said: %s", expected,
		      t_run_output(&run));
	ck_assert(!t_run_said(&run, "all agree"));
	assert_clean(&run);
}

TEST(a_killed_process_is_named)
{
	do_without_nats();
	kill_one("producer", "producer");
	kill_one("ringbus-journal", "journal");
	kill_one("replicate", "replicate");
	kill_one("replica", "replica");
	kill_one("app", "app");
}

TEST(a_killed_daemon_is_named)
{
	do_without_nats();
	kill_one("ringbusd", "ringbusd");
}

TEST(a_killed_server_is_named)
{
	need_nats();
	kill_one("nats-server", "nats-server");
}

TEST(an_interrupt_cleans_up)
{
	struct t_run run = { .setting = ENDLESS };

	do_without_nats();
	t_run_start(&run, "demo", NULL);
	t_until(is_under_way(&run));
	ck_assert_int_eq(kill(run.pid, SIGINT), 0);
	t_run_ends(&run, 128 + SIGINT);
	assert_clean(&run);
}

TEST(a_killed_demo_leaves_nothing)
{
	struct t_run run = { .setting = ENDLESS };
	char why[128];

	t_run_start(&run, "demo", NULL);
	t_until(is_under_way(&run));
	ck_assert_int_eq(kill(run.pid, SIGKILL), 0);
	ck_assert(t_ended(run.pid, SIGKILL, why, sizeof(why)));
	t_until(find_temporary(&run, "") == NULL);
	assert_shm_is_clean(&run);
}

/* Changes a byte of the first event where it lies. No symbol has an x in it. */
static void
spoil_journal(const char *dir)
{
	struct ringbus_journal_place place = { .size = sizeof(place) };
	struct ringbus_journal *journal;
	struct ringbus_event event;
	char path[PATH_MAX];
	int fd;

	t_ok(ringbus_journal_open(dir, &journal));
	t_until(ringbus_journal_next(journal, &event) == RINGBUS_JOURNAL_EVENT);
	t_ok(ringbus_journal_place(journal, &place));
	snprintf(path, sizeof(path), "%.4000s/%s", dir, place.file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "x", 1, place.offset + 33), 1);
	close(fd);
	ringbus_journal_close(journal);
}

/* The verdict can be bad: a byte of the journal changes behind its back. */
TEST(a_changed_journal_is_noticed)
{
	struct t_run run = { .setting = "DEMO_EVENTS=4000000" };

	do_without_nats();
	t_run_start(&run, "demo", NULL);
	t_until(is_under_way(&run));
	spoil_journal(find_temporary(&run, "/journal"));
	t_run_ends(&run, 1);
	ck_assert(t_run_said(&run, "bytes are wrong"));
	ck_assert(t_run_said(&run, "DISAGREES: the journal has "));
	ck_assert(t_run_said(&run, "\nNOT all agree\n"));
	assert_clean(&run);
}

TEST(what_is_kept_is_the_journal)
{
	struct t_run run = { .setting = "DEMO_EVENTS=1000" };
	const char *dir;
	struct ringbus_journal_info info = { .size = sizeof(info) };
	struct ringbus_journal *journal;

	do_without_nats();
	setenv("KEEP", "1", 1);
	t_run_start(&run, "demo", NULL);
	t_run_ends(&run, 0);
	dir = find_temporary(&run, "/journal");
	ck_assert_ptr_nonnull(dir);
	ck_assert_int_eq(ringbus_journal_open(dir, &journal), 0);
	ck_assert_int_eq(ringbus_journal_info(journal, &info), 0);
	ck_assert_str_eq(info.channel, "orders");
	ck_assert_int_eq(info.last, 999);
	ringbus_journal_close(journal);
	ck_assert(t_run_said(&run, "kept: "));
	assert_shm_is_clean(&run);
}

static void
refuse(const char *setting, const char *file, const char *why)
{
	struct t_run run = { .setting = setting };

	t_run_start(&run, "demo", file, NULL);
	t_run_ends(&run, 2);
	ck_assert_msg(t_run_said(&run, why), "%s", why);
	assert_clean(&run);
}

TEST(nonsense_is_refused)
{
	refuse("DEMO_EVENTS=ten", NULL, "DEMO_EVENTS has to be a number");
	refuse("DEMO_EVENTS=0", NULL, "DEMO_EVENTS has to be a number");
	refuse(NULL, "/nonexistent", "cannot read /nonexistent");
	refuse(NULL, "/dev", "/dev is not a regular file");
}
