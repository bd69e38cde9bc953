/* SPDX-License-Identifier: MIT */
/*
 * test_journal_kill.c - a ringbus-journal is killed at any moment, and its files are
 * cut and flipped meanwhile
 *
 * What it had not acknowledged may be spoilt in any way, and nothing is lost. What it
 * had is found and named where it is spoilt, and nothing wrong is told for it. A few
 * kills by default, JOURNAL_KILLS=n of them by request.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/archive/file.h"
#include "tests/system/util_writer.h"

#define KEYS "slots: 16384, event_size: 64, " T_JOURNALLED
#define ROUND 20000 /* events between two kills, at most */
#define MANY 3600   /* seconds */

struct flow {
	struct t_bus b;
	struct t_writer w;
	struct rb_word64 *stop, *last;
	pid_t pid;
	unsigned seed;
};

static int
kills(int otherwise)
{
	const char *text = getenv("JOURNAL_KILLS");

	return text == NULL ? otherwise : atoi(text);
}

/* As fast as it can, until it is told to stop. */
static int
publish(void *arg)
{
	struct flow *f = arg;
	struct ringbus *bus = t_connect(&f->b.daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);
	uint64_t next = 0;

	for (; t_read(f->stop) == 0; next += 100)
		t_put_all(p, next, next + 99);
	t_store(f->last, next - 1);
	ringbus_producer_close(p);
	ringbus_close(bus);
	return 0;
}

static void
begin(struct flow *f)
{
	*f = (struct flow){ .seed = (unsigned)getpid() };
	srandom(f->seed);
	t_bus_begin(&f->b, KEYS);
	f->stop = t_counter();
	f->last = t_counter();
	f->pid = t_child(publish, f);
}

static int64_t
below(int64_t n)
{
	return random() % n;
}

static const char *
one_of(const char *const *words)
{
	return words[below(3)];
}

static void
launch(struct flow *f)
{
	static const char *const engines[] = { "io=uring", "io=sync",
					       "direct=false" };
	static const char *const syncs[] = { "sync=always", "sync=interval",
					     "sync=none" };

	t_writer_launch(&f->w, &f->b.daemon, "segment_size=1MiB",
			one_of(engines), one_of(syncs), NULL);
}

static bool
has_ended(const struct flow *f)
{
	return t_stat_of(f->w.run.pid)[0] == 'Z';
}

/* Some time after its start, or some events later. */
static void
kill_somewhere(struct flow *f)
{
	int64_t from = t_writer_sequence(&f->b);
	int64_t until = t_now_ns() + below(8 * T_MS);

	launch(f);
	if (below(4) == 0)
		t_until(t_now_ns() >= until);
	else
		t_until_within(t_writer_sequence(&f->b) > from + below(ROUND) ||
				       has_ended(f),
			       6 * T_PATIENCE);
	if (has_ended(f))
		ck_abort_msg("it ended by itself: %s", t_run_output(&f->w.run));
	t_writer_kill(&f->w);
	remove(f->w.run.out);
}

/* ---------------------------------------------------------- what is not acknowledged */

static int
open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Once all that a killed one had on its way to it is there. */
static int
open_landed(const char *path)
{
	int fd = open_file(path);

	t_until_within(flock(fd, LOCK_SH | LOCK_NB) == 0, 6 * T_PATIENCE);
	return fd;
}

/* Where the block with this sequence ends in the last segment, or the last one that
 * is whole before it. */
static uint64_t
find_end(const struct flow *f, const char *path, int64_t sequence)
{
	int dirfd = open(f->w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	uint64_t at = RB_JOURNAL_START;
	struct rb_journal_block block;
	const void *payload;

	t_ok(rb_journal_file_open(&file, dirfd, strrchr(path, '/') + 1));
	while (rb_journal_file_load(&file, at, &block, &payload) ==
		       RB_JOURNAL_BLOCK &&
	       block.first <= sequence)
		at += rb_journal_extent(&block, file.header.slot_size,
					file.header.align);
	rb_journal_file_close(&file);
	close(dirfd);
	return at;
}

static void
flip(int fd, off_t at)
{
	unsigned char byte;

	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= (unsigned char)(1u << below(8));
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
}

/* Something that no write has left there. */
static void
scribble(int fd, off_t from, off_t size)
{
	char bytes[4096];
	size_t n = 1 + (size_t)below((int64_t)sizeof(bytes) - 1);

	if ((off_t)n > size - from)
		n = (size_t)(size - from);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)below(256);
	ck_assert_int_eq(pwrite(fd, bytes, n, from), (ssize_t)n);
}

/* Cuts, flips or overwrites from `from` on: 1 MiB at most. */
static void
spoil(int fd, off_t from, off_t size)
{
	int64_t near = below(2) == 0 ? size - from : 8192;
	off_t at = from + below(near < size - from ? near : size - from);

	switch (below(3)) {
	case 0:
		ck_assert_int_eq(ftruncate(fd, at), 0);
		break;
	case 1:
		flip(fd, at);
		break;
	default:
		scribble(fd, at, size);
	}
}

static void
spoil_unacknowledged(struct flow *f)
{
	int64_t committed = t_writer_sequence(&f->b);
	char path[PATH_MAX];
	struct stat st;
	off_t end;
	int fd;

	if (t_writer_count(&f->w, ".rbj") == 0)
		return;
	t_writer_last(&f->w, ".rbj", path);
	fd = open_landed(path);
	end = (off_t)find_end(f, path, committed);
	ck_assert_int_eq(fstat(fd, &st), 0);
	if (st.st_size > end)
		spoil(fd, end, st.st_size);
	close(fd);
}

static int64_t
finish(struct flow *f)
{
	int64_t last;

	t_writer_start(&f->w, &f->b.daemon, "segment_size=1MiB", NULL);
	t_store(f->stop, 1);
	t_join(f->pid);
	last = (int64_t)t_read(f->last);
	t_writer_until(&f->b, last);
	t_writer_stop(&f->w);
	return last;
}

TEST_TIMEOUT(all_that_it_acknowledged_is_there_in_order_and_once, MANY)
{
	struct flow f;
	int64_t last;

	begin(&f);
	for (int i = kills(15); i > 0; i--) {
		kill_somewhere(&f);
		if (below(3) > 0)
			spoil_unacknowledged(&f);
	}
	last = finish(&f);
	t_stored(&f.w, 1, 0, last);
	t_bus_end(&f.b);
}

/* --------------------------------------------------------------- what is acknowledged */

struct tally {
	int64_t next; /* sequence */
	int64_t n_lost;
	unsigned n_damages, n_holes;
};

static void
count(const struct flow *f, struct ringbus_journal *journal, int r,
      const struct ringbus_event *event, struct tally *t)
{
	if (r == RINGBUS_JOURNAL_DAMAGE) {
		t->n_damages++;
		ck_assert_ptr_nonnull(
			strstr(ringbus_journal_error(journal), ".rbj:"));
		return;
	}
	if (event->sequence != t->next)
		ck_abort_msg("seed %u: %d at %lld instead of %lld", f->seed, r,
			     (long long)event->sequence, (long long)t->next);
	t->next = event->last + 1;
	if (r == RINGBUS_JOURNAL_HOLE) {
		t->n_lost += event->last - event->sequence + 1;
		t->n_holes++;
		return;
	}
	ck_assert_int_eq(r, RINGBUS_JOURNAL_EVENT);
	ck_assert_uint_eq(t_value(event), (uint64_t)event->sequence);
}

/* Each sequence is told once: as its event, or as missing. */
static struct tally
read_all(const struct flow *f)
{
	struct ringbus_journal *journal;
	struct ringbus_event event;
	struct tally t = { 0 };
	int r;

	t_ok(ringbus_journal_open(f->w.dir, &journal));
	while ((r = ringbus_journal_next(journal, &event)) !=
	       RINGBUS_JOURNAL_END) {
		t_ok(r);
		count(f, journal, r, &event, &t);
	}
	ringbus_journal_close(journal);
	return t;
}

/* Any segment but the last. */
static void
choose(const struct flow *f, char ret[PATH_MAX])
{
	int64_t n = t_writer_count(&f->w, ".rbj"), chosen = below(n - 1);
	struct dirent **entries;
	int total = scandir(f->w.dir, &entries, NULL, alphasort);

	for (int i = 0; i < total; i++) {
		if (strstr(entries[i]->d_name, ".rbj") != NULL && chosen-- == 0)
			ck_assert_int_lt(snprintf(ret, PATH_MAX, "%s/%s",
						  f->w.dir, entries[i]->d_name),
					 PATH_MAX);
		free(entries[i]);
	}
	free(entries);
}

/* Spoilt, read, and as it was again. */
static void
spoil_and_read(struct flow *f, int64_t last, unsigned *n_found)
{
	static char bytes[2 << 20];
	char path[PATH_MAX];
	struct tally t;
	ssize_t size;
	int fd;

	choose(f, path);
	fd = open_file(path);
	size = pread(fd, bytes, sizeof(bytes), 0);
	ck_assert_int_gt(size, 4096);
	spoil(fd, below(8) == 0 ? 0 : 4096, size);
	t = read_all(f);
	ck_assert_int_eq(t.next, last + 1);
	if (t.n_lost > 0)
		ck_assert_uint_gt(t.n_damages + t.n_holes, 0);
	*n_found += t.n_damages + t.n_holes > 0;
	ck_assert_int_eq(ftruncate(fd, size), 0);
	ck_assert_int_eq(pwrite(fd, bytes, (size_t)size, 0), size);
	close(fd);
}

/* Bits that belong to nothing change nothing; nearly all belong to something. */
TEST_TIMEOUT(what_is_spoilt_of_it_is_found_and_named, MANY)
{
	unsigned n_found = 0, n = (unsigned)kills(40);
	struct flow f;
	int64_t last;

	begin(&f);
	launch(&f);
	t_until_within(t_writer_sequence(&f.b) > 5 * ROUND, 6 * T_PATIENCE);
	t_writer_kill(&f.w);
	last = finish(&f);
	ck_assert_uint_gt(t_writer_count(&f.w, ".rbj"), 1);
	for (unsigned i = 0; i < n; i++)
		spoil_and_read(&f, last, &n_found);
	ck_assert_uint_gt(n_found, n / 2);
	ck_assert_int_eq(read_all(&f).n_lost, 0);
	ck_assert_uint_eq(read_all(&f).n_damages, 0);
	t_bus_end(&f.b);
}

/* The next writer has only the ring to tell that something is missing. Whether it is:
 * there are bytes that belong to nothing. */
static bool
spoil_acknowledged(struct flow *f)
{
	int64_t committed = t_writer_sequence(&f->b);
	bool is_spoilt = false;
	char path[PATH_MAX];
	off_t end;
	int fd;

	t_writer_last(&f->w, ".rbj", path);
	fd = open_landed(path);
	end = (off_t)find_end(f, path, committed);
	if (end > 4096) {
		spoil(fd, 4096, end);
		is_spoilt = (off_t)find_end(f, path, committed) < end;
	}
	close(fd);
	return is_spoilt;
}

TEST_TIMEOUT(the_next_writer_says_what_was_spoilt, MANY)
{
	unsigned n_spoilt = 0, n = (unsigned)kills(8);
	struct tally t;
	struct flow f;
	int64_t last;

	begin(&f);
	while (n_spoilt < n) {
		int64_t from = t_writer_sequence(&f.b);

		launch(&f);
		t_until_within(t_writer_sequence(&f.b) >= from + ROUND,
			       6 * T_PATIENCE);
		t_writer_kill(&f.w);
		n_spoilt += spoil_acknowledged(&f);
		remove(f.w.run.out);
	}
	last = finish(&f);
	t = read_all(&f);
	ck_assert_int_eq(t.next, last + 1);
	ck_assert_uint_gt(t.n_damages + t.n_holes, 0);
	t_bus_end(&f.b);
}
