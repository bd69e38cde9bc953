/* SPDX-License-Identifier: MIT */
/*
 * test_segment_sealed.c - memory without a name: whose size is for good, and what
 * who may only read it cannot make of it
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/base.h"
#include "shm/segment.h"
#include "tests/system/util_user.h"

#define PAGE 4096
#define STRANGER 65534

static int
make(void)
{
	int fd = rb_segment_create_sealed("test/ring", 3 * PAGE, NULL);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void
path_of(int fd, char path[64])
{
	snprintf(path, 64, "/proc/self/fd/%d", fd);
}

TEST(sealed_memory_is_private_whole_and_zero)
{
	int fd = make();
	struct stat st;
	char byte = 1;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_nlink, 0);
	ck_assert_int_eq(st.st_size, 3 * PAGE);
	ck_assert_int_ge(st.st_blocks * 512, 3 * PAGE);
	ck_assert_int_eq(pread(fd, &byte, 1, 2 * PAGE), 1);
	ck_assert_int_eq(byte, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert(rb_segment_is_sealed(fd));
	close(fd);
}

TEST(sealed_size_is_for_good)
{
	int fd = make();
	struct stat st;

	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(fd, 3 * PAGE - 1), -1);
	ck_assert_int_eq(ftruncate(fd, 4 * PAGE), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(pwrite(fd, "x", 1, 3 * PAGE), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(fallocate(fd, 0, 3 * PAGE, PAGE), -1);
	ck_assert_int_eq(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE), -1);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 3 * PAGE);
	close(fd);
}

/* Who could seal it against writing would stop its writers. */
TEST(nobody_adds_a_seal)
{
	const int seals[] = { F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL };
	int fd = make();

	for (size_t i = 0; i < RB_ARRAY_SIZE(seals); i++) {
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals[i]), -1);
		ck_assert_int_eq(errno, EPERM);
	}
	close(fd);
}

/* The kernel lets writers do this; they could as well write zeroes. */
TEST(hole_reads_as_zeroes_and_can_be_written_again)
{
	struct rb_segment segment;
	int fd = make();
	char *base;

	t_ok(rb_segment_map(&segment, fd, 3 * PAGE, 0, true));
	base = segment.base;
	base[PAGE] = 'a';
	ck_assert_int_eq(fallocate(fd,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, 3 * PAGE),
			 0);
	ck_assert_int_eq(base[PAGE], 0);
	base[PAGE] = 'b';
	ck_assert_int_eq(base[PAGE], 'b');
	rb_segment_unmap(&segment);
	close(fd);
}

static void
punch(int fd)
{
	ck_assert_int_eq(fallocate(fd,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, PAGE),
			 -1);
}

TEST(reopened_for_reading_it_cannot_be_written)
{
	struct rb_segment segment;
	int fd = make();
	int reader = rb_segment_reopen(fd, false);
	int writer = rb_segment_reopen(fd, true);

	t_ok(reader);
	t_ok(writer);
	ck_assert_int_ne(fcntl(reader, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(rb_segment_map(&segment, reader, 3 * PAGE, 0, true),
			 -EACCES);
	t_ok(rb_segment_map(&segment, reader, 3 * PAGE, 0, false));
	ck_assert_int_eq(mprotect(segment.base, PAGE, PROT_READ | PROT_WRITE),
			 -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_int_eq(pwrite(reader, "x", 1, 0), -1);
	punch(reader);
	/* And it is the same memory. */
	ck_assert_int_eq(pwrite(writer, "x", 1, 0), 1);
	ck_assert_int_eq(*(char *)segment.base, 'x');
	rb_segment_unmap(&segment);
	close(writer);
	close(reader);
	close(fd);
}

static int
reopen_writable(void *arg)
{
	int reader = *(int *)arg;
	char path[64];

	path_of(reader, path);
	ck_assert_int_eq(rb_segment_reopen(reader, true), -EACCES);
	ck_assert_int_eq(open(path, O_WRONLY | O_CLOEXEC), -1);
	ck_assert_int_eq(truncate(path, 0), -1);
	ck_assert_int_eq(fchmod(reader, 0666), -1);
	ck_assert_int_eq(fchown(reader, STRANGER, -1), -1);
	return 0;
}

TEST(reader_of_another_user_cannot_make_it_writable)
{
	int fd = make();
	int reader = rb_segment_reopen(fd, false);

	t_need_root();
	t_ok(reader);
	t_join(t_child_as(T_USER(STRANGER), reopen_writable, &reader));
	close(reader);
	close(fd);
}

static int
make_too_much(void *arg)
{
	const struct rlimit limit = { 2 * PAGE, 2 * PAGE };
	int next = dup(STDIN_FILENO);

	(void)arg;
	close(next);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(rb_segment_create_sealed("test/ring", 3 * PAGE, NULL),
			 -EFBIG);
	ck_assert_int_eq(dup(STDIN_FILENO), next);
	return 0;
}

TEST(too_little_room_is_an_error_and_leaves_nothing)
{
	t_join(t_child(make_too_much, NULL));
}

TEST(other_files_are_not_sealed)
{
	int plain = memfd_create("plain", MFD_CLOEXEC);
	int half = memfd_create("half", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int file = open(t_shm_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int pipe_fds[2];

	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(half, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW),
			 0);
	ck_assert(!rb_segment_is_sealed(plain));
	ck_assert(!rb_segment_is_sealed(half));
	ck_assert(!rb_segment_is_sealed(file));
	ck_assert(!rb_segment_is_sealed(pipe_fds[0]));
	ck_assert(!rb_segment_is_sealed(-1));
	close(plain);
	close(half);
	close(file);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
