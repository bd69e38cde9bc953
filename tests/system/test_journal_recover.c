/* SPDX-License-Identifier: MIT */
/*
 * test_journal_recover.c - whatever a ringbus-journal has left, the next one goes on
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_writer.h"

#define KEYS "slots: 4096, event_size: 64, " T_JOURNALLED

struct flow {
	struct t_bus b;
	struct t_writer w;
	struct ringbus_producer *p;
};

static void
begin(struct flow *f)
{
	*f = (struct flow){ 0 };
	t_bus_begin(&f->b, KEYS);
	t_writer_start(&f->w, &f->b.daemon, "segment_size=1MiB", NULL);
	f->p = t_produce(f->b.bus, NULL);
}

static void
end(struct flow *f)
{
	ringbus_producer_close(f->p);
	t_bus_end(&f->b);
}

static void
put(struct flow *f, uint64_t first, uint64_t last)
{
	t_put_all(f->p, first, last);
	t_writer_until(&f->b, (int64_t)last);
}

/* Stores on another process' behalf what was in the ring all the time. */
static int
publish_all(void *arg)
{
	const struct t_daemon *daemon = arg;
	struct ringbus *bus = t_connect(daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);

	t_put_all(p, 0, 99999);
	ringbus_close(bus);
	return 0;
}

TEST(killed_under_flow_it_loses_and_repeats_nothing)
{
	struct t_writer w = { 0 };
	struct t_bus b;
	pid_t pid;

	t_bus_begin(&b, KEYS);
	pid = t_child(publish_all, &b.daemon);
	for (int i = 1; i <= 8; i++) {
		t_writer_start(&w, &b.daemon, "segment_size=1MiB", NULL);
		t_writer_until(&b, i * 10000);
		t_writer_kill(&w);
	}
	t_writer_start(&w, &b.daemon, "segment_size=1MiB", NULL);
	t_join(pid);
	t_writer_until(&b, 99999);
	t_writer_stop(&w);
	t_stored(&w, 1, 0, 99999);
	t_bus_end(&b);
}

static void
scribble(const char *path, off_t at, const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, text, size, at), (ssize_t)size);
	close(fd);
}

/* Where the last block of an open segment ends: all behind it is zero. */
static off_t
end_of(const char *path)
{
	char page[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t at = 0, found = 0;

	ck_assert_int_ge(fd, 0);
	while (pread(fd, page, sizeof(page), at) == sizeof(page)) {
		for (size_t i = 0; i < sizeof(page); i++)
			if (page[i] != 0)
				found = at + 4096;
		at += 4096;
	}
	close(fd);
	return found;
}

TEST(cuts_what_was_written_in_part)
{
	struct flow f;
	char path[PATH_MAX];
	struct stat st;

	begin(&f);
	put(&f, 0, 999);
	t_writer_kill(&f.w);
	t_writer_last(&f.w, ".rbj", path);
	scribble(path, end_of(path), "RBLK and what else there is", 27);
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	ck_assert(t_run_said(&f.w.run, "goes on at 1000,"));
	t_until(stat(path, &st) == 0 && st.st_size < 1 << 20);
	put(&f, 1000, 1999);
	t_writer_stop(&f.w);
	t_stored(&f.w, 1, 0, 1999);
	ck_assert_uint_eq(t_writer_count(&f.w, ".tail"), 0);
	end(&f);
}

/* The last segment again and again as it may be after a crash at that byte. */
TEST(goes_on_behind_a_segment_that_is_cut_anywhere)
{
	struct flow f;
	char path[PATH_MAX];
	off_t size;

	begin(&f);
	put(&f, 0, 99);
	for (int64_t i = 0; i < 6; i++) {
		/* In the ring only: published while nobody stores. */
		t_writer_kill(&f.w);
		t_put_all(f.p, (uint64_t)(100 + i * 100),
			  (uint64_t)(199 + i * 100));
		t_writer_start(&f.w, &f.b.daemon, "sync=none", NULL);
		t_writer_until(&f.b, 199 + i * 100);
	}
	t_writer_kill(&f.w);
	t_writer_last(&f.w, ".rbj", path);
	size = end_of(path);
	ck_assert_int_eq(truncate(path, size), 0);
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	put(&f, 700, 799);
	t_writer_stop(&f.w);
	t_stored(&f.w, 1, 0, 799);
	end(&f);
}

/* Events that were acknowledged and are not there: a hole, told to the reader. */
TEST(what_is_missing_is_a_hole)
{
	struct ringbus_journal *journal;
	struct ringbus_event event;
	char path[PATH_MAX];
	struct flow f;

	begin(&f);
	put(&f, 0, 999);
	ck_assert_int_eq(kill(f.w.run.pid, SIGHUP), 0);
	t_until(t_writer_count(&f.w, ".rbi") == 1);
	put(&f, 1000, 1999);
	t_writer_kill(&f.w);
	t_writer_last(&f.w, ".rbj", path);
	ck_assert_int_eq(unlink(path), 0);
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	ck_assert(t_run_said(&f.w.run, "1000 to 1999"));
	put(&f, 2000, 2999);
	t_writer_stop(&f.w);
	t_ok(ringbus_journal_open(f.w.dir, &journal));
	for (int64_t i = 0; i < 1000; i++)
		ck_assert_int_eq(t_told(journal, &event), 1);
	ck_assert_int_eq(t_told(journal, &event), RINGBUS_JOURNAL_HOLE);
	ck_assert_int_eq(event.sequence, 1000);
	ck_assert_int_eq(event.last, 1999);
	for (int64_t i = 2000; i < 3000; i++) {
		ck_assert_int_eq(t_told(journal, &event), 1);
		ck_assert_int_eq(event.sequence, i);
	}
	ringbus_journal_close(journal);
	end(&f);
}

TEST(keeps_what_it_cuts_where_something_is_missing)
{
	char path[PATH_MAX];
	struct flow f;

	begin(&f);
	put(&f, 0, 999);
	t_writer_kill(&f.w);
	t_writer_last(&f.w, ".rbj", path);
	/* The first block: nothing of it is whole any more. */
	scribble(path, 4096 + 100, "spoilt", 6);
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	ck_assert(t_run_said(&f.w.run, "a hole") ||
		  t_run_said(&f.w.run, "damage"));
	put(&f, 1000, 1999);
	t_writer_stop(&f.w);
	end(&f);
}

TEST(puts_a_segment_without_a_header_aside)
{
	char path[PATH_MAX], zeroes[4096] = "";
	struct flow f;

	begin(&f);
	put(&f, 0, 999);
	ck_assert_int_eq(kill(f.w.run.pid, SIGHUP), 0);
	t_until(t_writer_count(&f.w, ".rbi") == 1);
	put(&f, 1000, 1999);
	t_writer_kill(&f.w);
	t_writer_last(&f.w, ".rbj", path);
	scribble(path, 0, zeroes, sizeof(zeroes));
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	ck_assert(t_run_said(&f.w.run, ".bad"));
	ck_assert_uint_eq(t_writer_count(&f.w, ".bad"), 1);
	put(&f, 2000, 2999);
	t_writer_stop(&f.w);
	end(&f);
}

TEST(refuses_the_folder_of_another_channel)
{
	struct flow f;
	struct t_run run;
	char dir[PATH_MAX + 8];

	*(&f) = (struct flow){ 0 };
	t_bus_begin_with(&f.b, "channels: { a: { " KEYS
			       " }, b: { slots: 64, event_size: 8 } }");
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	f.p = t_produce(f.b.bus, NULL);
	put(&f, 0, 9);
	t_writer_stop(&f.w);
	run = (struct t_run){ .socket = f.b.daemon.socket };
	snprintf(dir, sizeof(dir), "-odir=%s", f.w.dir);
	t_run_start(&run, "ringbus-journal", dir, "b", NULL);
	t_run_ends(&run, 1);
	ck_assert(t_run_said(&run, "is of channel a"));
	end(&f);
}
