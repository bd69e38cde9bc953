/* SPDX-License-Identifier: MIT */
/*
 * test_segment.c - files of shared memory: whole, mirrored, and nobody else's
 */
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shm/word.h"
#include "tests/t.h"

#define PAGE 4096

static int
open_dir(void)
{
	int fd = open(t_shm_dir(), O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

TEST(created_file_is_private_whole_and_zero)
{
	int dir = open_dir();
	int fd = rb_segment_create(dir, "ring", 3 * PAGE, NULL);
	struct stat st;
	char byte = 1;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_size, 3 * PAGE);
	ck_assert_int_ge(st.st_blocks * 512, 3 * PAGE);
	ck_assert_int_eq(pread(fd, &byte, 1, 2 * PAGE), 1);
	ck_assert_int_eq(byte, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(unlinkat(dir, "ring", 0), 0);
	close(fd);
	close(dir);
}

TEST(taken_name_is_refused_and_left_alone)
{
	int dir = open_dir();
	int fd = rb_segment_create(dir, "ring", PAGE, NULL);

	ck_assert_int_eq(rb_segment_create(dir, "ring", 2 * PAGE, NULL),
			 -EEXIST);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), PAGE);
	ck_assert_int_eq(unlinkat(dir, "ring", 0), 0);
	close(fd);
	close(dir);
}

static unsigned n_pieces;

static void
count_piece(void)
{
	n_pieces++;
}

TEST(somebody_hears_of_each_piece_of_a_large_file)
{
	int dir = open_dir();
	struct stat st;
	int fd;

	n_pieces = 0;
	fd = rb_segment_create(dir, "ring", RB_SEGMENT_PIECE + PAGE,
			       count_piece);
	if (fd == -ENOSPC)
		T_SKIP("less than %d MiB of shared memory", 65);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlinkat(dir, "ring", 0), 0);
	ck_assert_uint_eq(n_pieces, 2);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, RB_SEGMENT_PIECE + PAGE);
	ck_assert_uint_ge((uint64_t)st.st_blocks * 512,
			  RB_SEGMENT_PIECE + PAGE);
	close(fd);
	close(dir);
}

TEST(what_is_too_large_as_a_whole_takes_nothing_from_others)
{
	int dir = open_dir();
	struct statfs fs;

	n_pieces = 0;
	ck_assert_int_eq(fstatfs(dir, &fs), 0);
	if (fs.f_blocks == 0)
		T_SKIP("shared memory has no limit here");
	ck_assert_int_eq(rb_segment_create(dir, "ring", UINT64_C(1) << 50,
					   count_piece),
			 -ENOSPC);
	ck_assert_uint_eq(n_pieces, 0);
	ck_assert_int_lt(faccessat(dir, "ring", F_OK, 0), 0);
	close(dir);
}

static int
fill_small_tmpfs(void *path)
{
	int dir, err;

	ck_assert_int_eq(mount("tmpfs", path, "tmpfs", 0, "size=64k"), 0);
	dir = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
	err = rb_segment_create(dir, "ring", UINT64_C(1) << 20, NULL);
	ck_assert_int_eq(err, -ENOSPC);
	ck_assert_int_lt(faccessat(dir, "ring", F_OK, 0), 0);
	ck_assert_int_eq(errno, ENOENT);
	err = rb_segment_create(dir, "ring", 32 << 10, NULL);
	ck_assert_int_ge(err, 0); /* nothing was left allocated */
	return 0;
}

TEST(full_tmpfs_is_an_error_and_leaves_nothing)
{
	if (!t_own_mounts())
		T_SKIP("cannot mount a tmpfs of its own");
	t_join(t_child(fill_small_tmpfs, (void *)t_tmpdir()));
}

TEST(link_is_not_followed)
{
	int dir = open_dir();
	int fd = rb_segment_create(dir, "real", PAGE, NULL);

	ck_assert_int_eq(symlinkat("real", dir, "soft"), 0);
	ck_assert_int_eq(linkat(dir, "real", dir, "hard", 0), 0);
	ck_assert_int_eq(rb_segment_open(dir, "soft", false), -ELOOP);
	ck_assert_int_eq(rb_segment_open(dir, "hard", false), -EBADMSG);
	ck_assert_int_eq(rb_segment_open(dir, "none", false), -ENOENT);
	ck_assert_int_eq(unlinkat(dir, "hard", 0), 0);
	ck_assert_int_eq(unlinkat(dir, "soft", 0), 0);
	ck_assert_int_eq(unlinkat(dir, "real", 0), 0);
	close(fd);
	close(dir);
}

TEST(what_is_no_plain_file_is_refused_without_waiting)
{
	int dir = open_dir();

	ck_assert_int_eq(mkfifoat(dir, "pipe", 0600), 0);
	ck_assert_int_eq(rb_segment_open(dir, "pipe", false), -EBADMSG);
	ck_assert_int_eq(unlinkat(dir, "pipe", 0), 0);
	ck_assert_int_eq(rb_segment_open(dir, ".", false), -EBADMSG);
	close(dir);
}

/* A segment of `pages`, the last `mirrored` of them twice. */
static struct rb_segment
map_pages(int pages, int mirrored, bool writable)
{
	int fd = memfd_create("segment", MFD_CLOEXEC);
	struct rb_segment segment;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, pages * PAGE), 0);
	t_ok(rb_segment_map(&segment, fd, (uint64_t)pages * PAGE,
			    mirrored > 0 ? (uint64_t)(pages - mirrored) * PAGE
					 : 0,
			    writable));
	close(fd);
	return segment;
}

TEST(mirror_shows_the_same_bytes)
{
	struct rb_segment segment = map_pages(3, 2, true);
	char *base = segment.base;

	ck_assert_uint_eq(segment.mapping, 5 * PAGE);
	base[PAGE] = 'a';
	rb_fence_compiler(); /* which knows of no mirrors */
	ck_assert_int_eq(base[3 * PAGE], 'a');
	base[5 * PAGE - 1] = 'z';
	rb_fence_compiler();
	ck_assert_int_eq(base[3 * PAGE - 1], 'z');
	memcpy(base + 3 * PAGE - 4, "contiguous", 10);
	rb_fence_compiler();
	ck_assert_int_eq(memcmp(base + PAGE, "iguous", 6), 0);
	rb_segment_unmap(&segment);
	ck_assert_ptr_null(segment.base);
	rb_segment_unmap(&segment);
}

TEST(short_file_is_not_mapped)
{
	struct rb_segment segment = RB_SEGMENT_NULL;
	int fd = memfd_create("segment", MFD_CLOEXEC);

	ck_assert_int_eq(ftruncate(fd, PAGE - 1), 0);
	ck_assert_int_eq(rb_segment_map(&segment, fd, PAGE, 0, false),
			 -EBADMSG);
	ck_assert_ptr_null(segment.base);
	close(fd);
}

TEST(read_only_descriptor_does_not_become_writable)
{
	int dir = open_dir();
	int fd = rb_segment_create(dir, "ring", PAGE, NULL);
	struct rb_segment segment;

	close(fd);
	fd = rb_segment_open(dir, "ring", false);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(rb_segment_map(&segment, fd, PAGE, 0, true), -EACCES);
	ck_assert_int_eq(unlinkat(dir, "ring", 0), 0);
	close(fd);
	close(dir);
}

static int
write_byte(void *arg)
{
	struct rb_segment segment = map_pages(1, 0, false);

	(void)arg;
	*(char *)segment.base = 1;
	return 0;
}

TEST(read_only_mapping_cannot_be_written)
{
	signal(SIGSEGV, SIG_DFL); /* not the sanitizer's report */
	t_join_signal(t_child(write_byte, NULL), SIGSEGV);
}

static int
touch(void *arg)
{
	return *(char *)arg;
}

TEST(forked_child_has_no_mapping)
{
	struct rb_segment segment = map_pages(2, 1, true);
	char *base = segment.base;

	signal(SIGSEGV, SIG_DFL);
	t_join_signal(t_child(touch, base), SIGSEGV);
	t_join_signal(t_child(touch, base + PAGE), SIGSEGV);
	t_join_signal(t_child(touch, base + 2 * PAGE), SIGSEGV);
	rb_segment_unmap(&segment);
}

TEST(populate_makes_every_page_present)
{
	struct rb_segment segment = map_pages(4, 2, true);
	unsigned char present[6];

	t_ok(rb_segment_populate(&segment, true));
	ck_assert_int_eq(mincore(segment.base, 6 * PAGE, present), 0);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(present[i] & 1, 1);
	rb_segment_unmap(&segment);
}
