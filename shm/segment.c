/* SPDX-License-Identifier: MIT */
/*
 * segment.c - see segment.h
 *
 * A forked child must not be able to write into a ring after its parent's pidfd
 * fired, so no mapping of ours crosses fork(): a child that touches it faults.
 */
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shm/base.h"

/* Linux 5.14; absent from the headers of some builders. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
/* Linux 6.3. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define HUGE_PAGE (UINT64_C(2) << 20)

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* What is too large as a whole is not to take from others, piece by piece, what
 * there is. */
static int
check_room(int fd, uint64_t size)
{
	struct statfs fs;
	struct stat st;
	uint64_t has;

	if (size <= RB_SEGMENT_PIECE)
		return 0;
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	has = (uint64_t)st.st_blocks * 512;
	if (fs.f_blocks == 0 || size <= has) /* 0: without a limit */
		return 0;
	return (size - has) / (uint64_t)fs.f_bsize >= fs.f_bavail + 1 ? -ENOSPC
								      : 0;
}

static int
allocate_piece(int fd, uint64_t offset, uint64_t size)
{
	int err;

	do
		err = posix_fallocate(fd, (off_t)offset, (off_t)size);
	while (err == EINTR);
	return -err;
}

int
rb_segment_allocate(int fd, uint64_t size, rb_segment_piece_fn fn)
{
	int err = check_room(fd, size);

	for (uint64_t at = 0; at < size && err == 0; at += RB_SEGMENT_PIECE) {
		if (fn != NULL)
			fn();
		err = allocate_piece(fd, at,
				     rb_min_u64(size - at, RB_SEGMENT_PIECE));
	}
	return err;
}

int
rb_segment_create(int dirfd, const char *name, uint64_t size,
		  rb_segment_piece_fn fn)
{
	rb_cleanup_(rb_closep) int fd = -1;
	int err;

	fd = openat(dirfd, name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* The mode whatever an ACL of the folder says of what is made in it. */
	err = fchmod(fd, 0600) < 0 ? -errno : rb_segment_allocate(fd, size, fn);
	if (err < 0) {
		unlinkat(dirfd, name, 0);
		return err;
	}
	return rb_take_fd(&fd);
}

static int
new_memfd(const char *name)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, flags);
	return fd;
}

int
rb_segment_create_sealed(const char *name, uint64_t size,
			 rb_segment_piece_fn fn)
{
	rb_cleanup_(rb_closep) int fd = new_memfd(name);
	int err;

	/* The mode first: a memfd is born open to all, and whoever has it for
	 * reading could open it anew for writing by way of /proc. */
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return -errno;
	err = rb_segment_allocate(fd, size, fn);
	if (err < 0)
		return err;
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	return rb_take_fd(&fd);
}

bool
rb_segment_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

int
rb_segment_open(int dirfd, const char *name, bool writable)
{
	rb_cleanup_(rb_closep) int fd = -1;
	int mode = writable ? O_RDWR : O_RDONLY;
	struct stat st;

	fd = openat(dirfd, name, mode | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return -EBADMSG;
	return rb_take_fd(&fd);
}

int
rb_segment_reopen(int fd, bool writable)
{
	int mode = writable ? O_RDWR : O_RDONLY;
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, mode | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

static int
check_size(int fd, uint64_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return (uint64_t)st.st_size < size ? -EBADMSG : 0;
}

/* Of mmap(): EAGAIN says that all is to be locked, and that is more than may be.
 * It would not help to try again. */
static int
why_unmapped(void)
{
	return errno == EAGAIN ? -ENOMEM : -errno;
}

/* Address space; of something large so that a huge page of the file can be one of
 * the mapping, too. */
static void *
reserve(uint64_t size)
{
	uint64_t spare = size < HUGE_PAGE ? 0 : HUGE_PAGE;
	uint64_t before;
	char *p;

	size = rb_round_up(size, (uint64_t)sysconf(_SC_PAGESIZE));
	p = mmap(NULL, size + spare, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED || spare == 0)
		return p;
	before = -(uintptr_t)p % HUGE_PAGE;
	if (before > 0)
		munmap(p, before);
	if (before < spare)
		munmap(p + before + size, spare - before);
	return p + before;
}

/* Puts a part of the file at its place in the reserved address space. */
static int
place(char *at, int fd, uint64_t offset, uint64_t size, int prot)
{
	void *p = mmap(at, size, prot, MAP_SHARED | MAP_FIXED, fd,
		       (off_t)offset);

	return p == MAP_FAILED ? why_unmapped() : 0;
}

int
rb_segment_map(struct rb_segment *segment, int fd, uint64_t size,
	       uint64_t mirror, bool writable)
{
	int err = check_size(fd, size);

	return err < 0 ? err
		       : rb_segment_map_short(segment, fd, size, mirror,
					      writable);
}

int
rb_segment_map_short(struct rb_segment *segment, int fd, uint64_t size,
		     uint64_t mirror, bool writable)
{
	int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	struct rb_segment s = { .size = size, .mapping = size };
	int err;

	if (mirror != 0)
		s.mapping += size - mirror;
	s.base = reserve(s.mapping);
	if (s.base == MAP_FAILED)
		return why_unmapped();
	err = place(s.base, fd, 0, size, prot);
	if (err == 0 && mirror != 0)
		err = place((char *)s.base + size, fd, mirror, size - mirror,
			    prot);
	if (err == 0 && madvise(s.base, s.mapping, MADV_DONTFORK) < 0)
		err = -errno;
	if (err < 0) {
		rb_segment_unmap(&s);
		return err;
	}
	madvise(s.base, s.mapping, MADV_DONTDUMP); /* only saves disk */
	*segment = s;
	return 0;
}

bool
rb_segment_disinherit(struct rb_segment *segment)
{
	if (mmap(segment->base, segment->mapping, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			 MAP_FIXED_NOREPLACE,
		 -1, 0) == segment->base)
		return true;
	*segment = RB_SEGMENT_NULL;
	return false;
}

void
rb_segment_unmap(struct rb_segment *segment)
{
	if (segment->base != NULL)
		munmap(segment->base, segment->mapping);
	*segment = RB_SEGMENT_NULL;
}

int
rb_segment_populate(const struct rb_segment *segment, bool writable)
{
	int advice = writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

	if (madvise(segment->base, segment->size, advice) < 0)
		return errno == EINVAL ? 0 : -errno; /* before Linux 5.14 */
	return 0;
}
