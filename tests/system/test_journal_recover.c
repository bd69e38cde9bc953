/* SPDX-License-Identifier: MIT */
/*
 * test_journal_recover.c - whatever a ringbus-journal has left, the next one goes on
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/archive/format.h"
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

static int64_t
put_one(struct ringbus_producer *p)
{
	int64_t s = ringbus_producer_claim(p, 1, T_LONG);

	t_ok(s);
	*(int64_t *)ringbus_producer_slot(p, s) = s;
	t_ok(ringbus_producer_publish(p, s, s));
	return s;
}

static void
put_to(struct ringbus_producer *p, int64_t until)
{
	while (put_one(p) < until)
		;
}

static void
put_tombstones(struct ringbus_producer *p, int64_t n)
{
	int64_t last = ringbus_producer_claim(p, n, T_LONG);

	t_ok(last);
	t_ok(ringbus_producer_abandon(p, last - n + 1, last));
}

/* Sequences 0 to `last`, but for tombstones from 5 to 7, and from `again` on three. */
static void
stored_but(const struct t_writer *w, int64_t again, int64_t last)
{
	struct ringbus_journal *journal;
	struct ringbus_event event;

	t_ok(ringbus_journal_open(w->dir, &journal));
	for (int64_t i = 0; i <= last; i++) {
		if ((i >= 5 && i <= 7) || (i >= again && i <= again + 2))
			continue;
		ck_assert_int_eq(t_told(journal, &event), 1);
		ck_assert_int_eq(event.sequence, i);
	}
	ck_assert_int_eq(t_told(journal, &event), 0);
	ringbus_journal_close(journal);
}

/* Written, not committed; what is stored ends with an event or with tombstones, of
 * which there are more by then. */
static void
kill_with_tombstones(bool ends_with_event)
{
	int64_t stored = ends_with_event ? 8 : 7;
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(
		&b,
		"slots: 64, event_size: 8, producers: multi, " T_JOURNALLED);
	t_writer_start(&w, &b.daemon, "sync=interval", "sync_interval=1h",
		       NULL);
	p = t_produce(b.bus, NULL);
	put_to(p, 4);
	put_tombstones(p, 3);
	if (ends_with_event)
		put_to(p, 8);
	t_writer_until_stored(&w, stored);
	ck_assert_int_eq(t_writer_sequence(&b), -1);
	t_writer_kill(&w);
	put_tombstones(p, 3);
	put_to(p, 29);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	t_writer_until(&b, 29);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	stored_but(&w, stored + 1, 29);
	t_bus_end(&b);
	t_remove_tree(w.dir);
}

TEST(passes_over_what_is_stored_also_where_tombstones_are)
{
	kill_with_tombstones(true);
	kill_with_tombstones(false);
}

/* As the kernel holds it for a write that outlives who was killed. */
TEST(what_a_killed_one_has_on_its_way_is_waited_for)
{
	char path[PATH_MAX];
	struct flow f;
	int fd;

	begin(&f);
	put(&f, 0, 99);
	t_writer_last(&f.w, ".rbj", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), -1);
	t_writer_kill(&f.w);
	t_until(flock(fd, LOCK_EX | LOCK_NB) == 0);
	t_writer_launch(&f.w, &f.b.daemon, NULL);
	t_until(t_run_said(&f.w.run, "waits for what its writer has"));
	t_writer_stop(&f.w);
	t_writer_launch(&f.w, &f.b.daemon, NULL);
	t_until(t_run_said(&f.w.run, "waits for what its writer has"));
	ck_assert(!t_run_said(&f.w.run, "goes on at"));
	close(fd);
	t_until(t_run_said(&f.w.run, "goes on at 100,"));
	put(&f, 100, 199);
	t_writer_stop(&f.w);
	t_stored(&f.w, 1, 0, 199);
	end(&f);
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

	if (fd < 0) /* recovery has removed it meanwhile */
		return 0;
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

/* The segment that is written, once it has a block. */
static bool
has_block(const struct flow *f, char path[PATH_MAX])
{
	unsigned n = t_writer_count(&f->w, ".rbj");

	if (n <= t_writer_count(&f->w, ".rbi"))
		return false;
	t_writer_last(&f->w, ".rbj", path);
	return end_of(path) > 4096;
}

/* Written, and not committed as the interval is long: all of it is in the ring. */
static void
write_only(struct flow *f, int64_t first, char path[PATH_MAX])
{
	t_writer_start(&f->w, &f->b.daemon, "sync=interval", "sync_interval=1h",
		       NULL);
	/* It has made what the one before left its own, and begun another. */
	t_until(t_writer_count(&f->w, ".part") > 0);
	t_put_all(f->p, (uint64_t)first, (uint64_t)first + 99);
	t_until(has_block(f, path));
	t_writer_kill(&f->w);
}

TEST(what_was_written_and_not_committed_is_not_written_twice)
{
	struct flow f;
	char path[PATH_MAX];

	begin(&f);
	t_writer_stop(&f.w);
	write_only(&f, 0, path);
	ck_assert_int_eq(t_writer_sequence(&f.b), -1);
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	ck_assert(!t_run_said(&f.w.run, "goes on at 0,"));
	put(&f, 100, 199);
	t_writer_stop(&f.w);
	t_stored(&f.w, 1, 0, 199);
	end(&f);
}

/* As after a crash at that byte, and with other bytes there. */
TEST(goes_on_whatever_was_written_of_what_was_not_committed)
{
	struct flow f;
	char path[PATH_MAX];
	off_t at;

	begin(&f);
	t_writer_stop(&f.w);
	for (int64_t i = 0; i < 8; i++) {
		write_only(&f, i * 100, path);
		at = 4096 + (end_of(path) - 4096) * i / 8 + 11 * i;
		if (i % 2 == 0)
			ck_assert_int_eq(truncate(path, at), 0);
		else
			scribble(path, at, "spoilt", 6);
	}
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	t_writer_until(&f.b, 799);
	t_writer_stop(&f.w);
	t_stored(&f.w, 1, 0, 799);
	ck_assert(!t_run_said(&f.w.run, "a hole"));
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
	struct stat st;
	struct flow f;

	begin(&f);
	put(&f, 0, 0);
	t_writer_kill(&f.w);
	t_writer_last(&f.w, ".rbj", path);
	scribble(path, 4096 + 66, "spoilt", 6);
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	ck_assert(t_run_said(&f.w.run, "0 to 0 are neither"));
	t_until(t_run_said(&f.w.run, "is kept as"));
	t_writer_last(&f.w, ".tail", path);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_gt(st.st_size, 0);
	ck_assert_int_lt(st.st_size, 1 << 20); /* not what was only allocated */
	put(&f, 1, 999);
	t_writer_stop(&f.w);
	end(&f);
}

/* A segment of which nothing is whole goes, and what was damaged in it with what was
 * torn: all of it is in what is kept. */
TEST(keeps_all_of_a_segment_of_which_nothing_is_whole)
{
	struct rb_journal_block block;
	char path[PATH_MAX];
	struct flow f;
	off_t second;
	int fd;

	begin(&f);
	put(&f, 0, 0);
	t_writer_last(&f.w, ".rbj", path);
	second = end_of(path);
	put(&f, 1, 1);
	t_writer_kill(&f.w);
	scribble(path, 4096 + 66, "spoilt", 6);
	scribble(path, second + 66, "spoilt", 6);
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	ck_assert(t_run_said(&f.w.run, "0 to 1 are neither"));
	t_until(t_run_said(&f.w.run, "is kept as"));
	t_writer_last(&f.w, ".tail", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, &block, sizeof(block), 0), sizeof(block));
	close(fd);
	ck_assert_uint_eq(block.magic, RB_JOURNAL_BLOCK_MAGIC);
	ck_assert_int_eq(block.first, 0);
	put(&f, 2, 999);
	t_writer_stop(&f.w);
	end(&f);
}

static off_t
seal_size(const char *path)
{
	struct rb_journal_header header;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &header, sizeof(header), 0), sizeof(header));
	close(fd);
	return rb_round_up(sizeof(struct rb_journal_block), header.align);
}

/* Killed while those that are full were yet to be sealed. */
TEST(seals_what_earlier_writers_had_not_come_to)
{
	char path[PATH_MAX], index[PATH_MAX];
	struct stat st;
	struct flow f;

	begin(&f);
	put(&f, 0, 99);
	ck_assert_int_eq(kill(f.w.run.pid, SIGHUP), 0);
	t_until(t_writer_count(&f.w, ".rbi") == 1);
	put(&f, 100, 199);
	t_writer_kill(&f.w);
	/* As it was before: the SEAL is zeroes again, and more of them. */
	t_writer_last(&f.w, ".rbi", index);
	ck_assert_int_eq(unlink(index), 0);
	snprintf(path, sizeof(path), "%.*si", (int)strlen(index) - 1, index);
	path[strlen(path) - 1] = 'j';
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(truncate(path, st.st_size - seal_size(path)), 0);
	ck_assert_int_eq(truncate(path, 1 << 20), 0);
	t_writer_start(&f.w, &f.b.daemon, "io=auto", NULL);
	t_until(t_writer_count(&f.w, ".rbi") == 2);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_lt(st.st_size, 1 << 20);
	put(&f, 200, 299);
	t_writer_stop(&f.w);
	t_stored(&f.w, 1, 0, 299);
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
