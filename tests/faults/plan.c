/* SPDX-License-Identifier: MIT */
/*
 * plan.c - which calls fail, and how
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/faults/plan.h"
#include "tests/faults/shim.h"

#define FDS_MAX 1024
#define RANGES_MAX 256

struct range {
	off_t offset;
	size_t size;
};

struct file {
	bool is_watched;
	unsigned n_ranges;
	struct range ranges[RANGES_MAX];
};

struct faults *shim_faults;
static struct file files[FDS_MAX];

/* Before the first call of the program, which has one thread then. */
__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("T_FAULTS");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	void *page;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	page = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	close(fd);
	shim_faults = page == MAP_FAILED ? NULL : page;
}

bool
shim_is_folder(const char *path)
{
	return shim_faults != NULL && strcmp(path, shim_faults->dir) == 0;
}

void
shim_watch(int fd, bool is_watched)
{
	if (fd < 0 || fd >= FDS_MAX)
		return;
	files[fd].is_watched = is_watched;
	files[fd].n_ranges = 0;
}

bool
shim_is_watched(int fd)
{
	return fd >= 0 && fd < FDS_MAX && files[fd].is_watched;
}

static bool
is_meant(int kind, unsigned classes)
{
	return kind != FAULT_SHORT || (classes & SHIM_WRITE) != 0;
}

enum shim_verdict
shim_ask(unsigned classes, const char *name)
{
	struct faults *f = shim_faults;
	int kind = f == NULL ? 0 : f->kind;
	uint64_t n;

	if (f == NULL || !is_meant(kind, classes))
		return SHIM_PASS;
	n = ++f->n_calls;
	if (n < f->from || n >= f->behind)
		return SHIM_PASS;
	if (f->n_fired++ == 0)
		snprintf(f->first, sizeof(f->first), "%s", name);
	if (kind == FAULT_SHORT)
		return SHIM_CUT;
	return kind == FAULT_LATE ? SHIM_LATE : SHIM_FAIL;
}

int
shim_error(void)
{
	return shim_faults->error;
}

size_t
shim_total(const struct iovec *iovecs, int n)
{
	size_t total = 0;

	for (int i = 0; i < n; i++)
		total += iovecs[i].iov_len;
	return total;
}

/* Half of it, at a sector where it has several. */
size_t
shim_cut(const struct iovec *iovecs, int n, struct iovec *ret, int *ret_n)
{
	size_t left = shim_total(iovecs, n) / 2, size;

	if (left >= 512)
		left -= left % 512;
	size = left;
	*ret_n = 0;
	for (int i = 0; i < n && i < SHIM_IOVECS && left > 0; i++) {
		ret[i] = iovecs[i];
		if (ret[i].iov_len > left)
			ret[i].iov_len = left;
		left -= ret[i].iov_len;
		*ret_n = i + 1;
	}
	return size;
}

void
shim_dirty(int fd, off_t offset, size_t size)
{
	struct file *f = &files[fd];

	if (f->n_ranges < RANGES_MAX)
		f->ranges[f->n_ranges++] = (struct range){ offset, size };
}

void
shim_clean(int fd)
{
	files[fd].n_ranges = 0;
}

/* As the kernel may, after a sync that failed: the pages count as clean, and have
 * what the disk has. Nobody writes anything else than once in these files, so that
 * is zeroes. */
void
shim_revert(int fd)
{
	static const char zeroes[1 << 20];
	struct file *f = &files[fd];
	char path[64];
	int other;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = SHIM_REAL(open)(path, O_WRONLY | O_CLOEXEC);
	for (unsigned i = 0; other >= 0 && i < f->n_ranges; i++) {
		struct range *r = &f->ranges[i];

		if (r->size <= sizeof(zeroes) &&
		    SHIM_REAL(pwrite)(other, zeroes, r->size, r->offset) < 0)
			abort();
	}
	if (other >= 0)
		SHIM_REAL(close)(other);
	f->n_ranges = 0;
}
