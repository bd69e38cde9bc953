/* SPDX-License-Identifier: MIT */
/*
 * test_journal_sealed.c - a ringbus-journal finds damage in what the one before it had
 * sealed, and was killed before it had committed any of it
 */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/archive/scan.h"
#include "tests/system/util_writer.h"

struct sealed {
	struct t_bus b;
	struct t_writer w;
	struct ringbus_producer *p;
	char path[PATH_MAX]; /* of the segment */
};

static struct rb_journal_chain
scan(const struct sealed *s)
{
	int dirfd = open(s->w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	struct rb_journal_scan scan;

	t_ok(rb_journal_file_open(&file, dirfd, strrchr(s->path, '/') + 1));
	rb_journal_scan_begin(&scan, &file);
	t_ok(rb_journal_scan(&scan, &file));
	rb_journal_file_close(&file);
	close(dirfd);
	return scan.chain;
}

static int
open_segment(const struct sealed *s)
{
	int fd = open(s->path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	t_until(flock(fd, LOCK_SH | LOCK_NB) == 0);
	return fd;
}

/* Cut behind it, or not: it was killed before that. */
static void
seal(const struct sealed *s, bool cuts)
{
	struct rb_journal_block block = { .kind = RB_JOURNAL_SEAL };
	int fd = open_segment(s);
	struct rb_journal_chain chain = scan(s);
	off_t at = (off_t)chain.offset;

	block.first = chain.next;
	rb_journal_block_encode(&chain, &block, NULL, chain.offset);
	ck_assert_int_eq(pwrite(fd, &block, sizeof(block), at), sizeof(block));
	if (cuts)
		ck_assert_int_eq(ftruncate(fd, (off_t)chain.offset), 0);
	close(fd);
}

/* Two blocks, the second one from sequence 50 on: where that begins. */
static off_t
begin(struct sealed *s, bool cuts)
{
	off_t second;

	*s = (struct sealed){ 0 };
	t_bus_begin(&s->b, "slots: 4096, event_size: 64, " T_JOURNALLED);
	s->p = t_produce(s->b.bus, NULL);
	t_writer_start(&s->w, &s->b.daemon, "sync=interval", "sync_interval=1h",
		       NULL);
	t_put_all(s->p, 0, 49);
	t_writer_until_stored(&s->w, 49);
	t_writer_last(&s->w, ".rbj", s->path);
	second = (off_t)scan(s).offset;
	t_put_all(s->p, 50, 99);
	t_writer_until_stored(&s->w, 99);
	t_writer_kill(&s->w);
	ck_assert_int_eq(t_writer_sequence(&s->b), -1);
	seal(s, cuts);
	return second;
}

static void
spoil(const struct sealed *s, off_t block)
{
	int fd = open_segment(s);

	ck_assert_int_eq(pwrite(fd, "spoilt", 6, block + 100), 6);
	close(fd);
}

/* From `first` on it was damaged, and all of it is told once. */
static void
end(struct sealed *s, const char *first)
{
	t_writer_start(&s->w, &s->b.daemon, "io=auto", NULL);
	t_put_all(s->p, 100, 199);
	t_writer_until(&s->b, 199);
	t_writer_stop(&s->w);
	t_stored(&s->w, 1, 0, 199);
	ck_assert(t_run_said(&s->w.run, "the ring still has all from"));
	ck_assert(t_run_said(&s->w.run, first));
	ck_assert_uint_eq(t_writer_count(&s->w, ".rbi"),
			  t_writer_count(&s->w, ".rbj"));
	ck_assert_uint_eq(t_writer_count(&s->w, ".tail"), 0);
	ringbus_producer_close(s->p);
	t_bus_end(&s->b);
}

TEST(what_was_never_committed_is_written_again_from_its_damage_on)
{
	struct sealed s;

	spoil(&s, begin(&s, true));
	end(&s, "from 50 on");
}

TEST(so_is_a_segment_whose_first_block_is_damaged)
{
	struct sealed s;

	begin(&s, true);
	spoil(&s, RB_JOURNAL_START);
	end(&s, "from 0 on");
}

/* What it had to do after that is done by the next one. */
TEST(a_segment_that_was_sealed_and_not_cut_is_brought_to_its_end)
{
	struct sealed s;
	struct stat file;

	begin(&s, false);
	ck_assert_int_eq(stat(s.path, &file), 0);
	ck_assert_int_gt(file.st_size, (off_t)scan(&s).offset);
	t_writer_start(&s.w, &s.b.daemon, "io=auto", NULL);
	t_until(t_writer_count(&s.w, ".rbi") == 1);
	ck_assert_int_eq(stat(s.path, &file), 0);
	ck_assert_int_eq(file.st_size, (off_t)scan(&s).offset);
	t_put_all(s.p, 100, 199);
	t_writer_until(&s.b, 199);
	t_writer_stop(&s.w);
	t_stored(&s.w, 1, 0, 199);
	ringbus_producer_close(s.p);
	t_bus_end(&s.b);
}
