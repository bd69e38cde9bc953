/* SPDX-License-Identifier: MIT */
/*
 * test_journal_refused.c - what is said where a journal cannot be written or trimmed
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/geometry.h"
#include "tests/system/util_writer.h"
#include "tests/util_journal.h"

#define SMALL "slots: 64, event_size: 8, " T_JOURNALLED

TEST(a_second_writer_is_refused)
{
	struct t_writer w = { 0 }, other = { 0 };
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	t_writer_launch(&other, &b.daemon, "consumer=other", NULL);
	t_run_ends(&other.run, 1);
	ck_assert(t_run_said(&other.run, "another ringbus-journal"));
	t_writer_stop(&w);
	t_bus_end(&b);
}

TEST(refuses_what_it_is_told_wrongly)
{
	struct t_run run;
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	run = (struct t_run){ .socket = b.daemon.socket };
	t_run_start(&run, "ringbus-journal", "-o", "sink=always", "a", NULL);
	t_run_ends(&run, 78);
	ck_assert(t_run_said(&run, "sink"));
	t_run_start(&run, "ringbus-journal", "-o", "sync=sometimes", "a", NULL);
	t_run_ends(&run, 78);
	t_run_start(&run, "ringbus-journal", NULL);
	t_run_ends(&run, 2);
	t_bus_end(&b);
}

/* A socket that cannot be: what is wrong with it stands beside its name. */
TEST(says_why_there_is_no_daemon)
{
	char path[200] = "/";
	struct t_run run = { 0 };

	memset(path + 1, 'x', sizeof(path) - 2);
	t_run_start(&run, "ringbus-journal", "-s", path, "a", NULL);
	t_run_ends(&run, 1);
	ck_assert(t_run_said(&run, ringbus_strerror(-ENAMETOOLONG)));
	path[50] = '\0';
	ck_assert(t_run_said(&run, path));
}

/* A segment that is a folder does not go: that is all that there is to say. */
TEST(says_why_a_file_cannot_be_removed)
{
	char path[PATH_MAX + RB_JOURNAL_NAME_SIZE];
	struct t_run run = { 0 };
	struct t_journal j;

	t_journal_open(&j, t_tmpdir(), 8, RB_FIXED, 64);
	t_journal_put(&j, 10);
	snprintf(path, sizeof(path), "%s/%s", t_tmpdir(), j.name);
	t_journal_seal(&j);
	t_journal_put(&j, 10);
	t_journal_close(&j);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	t_run_start(&run, "ringbusctl", "journal", "trim", "--dir", t_tmpdir(),
		    "--before", "10", NULL);
	t_run_ends(&run, 1);
	ck_assert(t_run_said(&run, "cannot be removed: Is a directory"));
	ck_assert(!t_run_said(&run, "an unexpected error"));
}
