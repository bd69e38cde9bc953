/* SPDX-License-Identifier: MIT */
/*
 * test_journal_retain.c - which segments a ringbus-journal removes for their age
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/system/util_writer.h"

static void
roll(const struct t_bus *b, struct t_writer *w, struct ringbus_producer *p,
     unsigned n)
{
	t_put_all(p, 10 * n, 10 * n + 9);
	t_writer_until(b, 10 * n + 9);
	ck_assert_int_eq(kill(w->run.pid, SIGHUP), 0);
	t_until(t_writer_count(w, ".rbi") == n + 1);
}

/* A copy of a journal has other times than its blocks. */
static void
age_by_seal(const char *direct)
{
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	char path[PATH_MAX];
	struct t_bus b;

	t_bus_begin(&b, "slots: 64, event_size: 8, " T_JOURNALLED);
	t_writer_start(&w, &b.daemon, "retain_for=1h", direct, NULL);
	p = t_produce(b.bus, NULL);
	roll(&b, &w, p, 0);
	t_writer_last(&w, ".rbj", path);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	roll(&b, &w, p, 1);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, 19);
	t_bus_end(&b);
	t_remove_tree(w.dir);
}

TEST(a_segment_is_as_old_as_its_last_block_says)
{
	age_by_seal("direct=true");
	age_by_seal("direct=false");
}
