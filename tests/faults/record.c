/* SPDX-License-Identifier: MIT */
/*
 * record.c - what reaches the disk, in the order in which it is said
 *
 * A write is noted before it is made, and all that promises something after it was
 * made: whoever sees that a promise counts sees it among the records.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/faults/plan.h"
#include "tests/faults/shim.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool
is_on(void)
{
	return shim_faults != NULL && shim_faults->capacity > 0;
}

uint64_t
shim_records(void)
{
	return is_on() ? shim_faults->n_records : 0;
}

static uint64_t
inode(int fd)
{
	struct stat st;

	return fd >= 0 && SHIM_REAL(fstat)(fd, &st) == 0 ? st.st_ino : 0;
}

/* Under the lock: room for one, or the test is wrong. */
static char *
append(const struct faults_record *r)
{
	struct faults *f = shim_faults;
	char *at = f->records + f->used;
	uint64_t size = sizeof(*r) + ((r->length + 7) & ~UINT64_C(7));

	if (f->used + size > f->capacity)
		abort();
	memcpy(at, r, sizeof(*r));
	f->used += size;
	return at + sizeof(*r);
}

void
shim_note(enum faults_op op, int fd, uint64_t id, uint64_t size)
{
	struct faults_record r = {
		.op = op, .file = inode(fd), .id = id, .size = size
	};

	if (!is_on())
		return;
	pthread_mutex_lock(&lock);
	append(&r);
	shim_faults->n_records++;
	pthread_mutex_unlock(&lock);
}

void
shim_note_names(enum faults_op op, int fd, const char *name, const char *other)
{
	struct faults_record r = { .op = op,
				   .file = inode(fd),
				   .length = 2L * FAULTS_NAME_SIZE };
	char *data;

	if (!is_on())
		return;
	pthread_mutex_lock(&lock);
	data = append(&r);
	snprintf(data, FAULTS_NAME_SIZE, "%s", name);
	snprintf(data + FAULTS_NAME_SIZE, FAULTS_NAME_SIZE, "%s",
		 other == NULL ? "" : other);
	shim_faults->n_records++;
	pthread_mutex_unlock(&lock);
}

uint64_t
shim_note_write(int fd, const struct iovec *iovecs, int n, off_t offset)
{
	struct faults_record r = {
		.op = FAULTS_WRITE,
		.file = inode(fd),
		.offset = (uint64_t)offset,
		.length = shim_total(iovecs, n),
	};
	uint64_t id;
	char *data;

	if (!is_on())
		return 0;
	r.size = r.length;
	pthread_mutex_lock(&lock);
	data = append(&r);
	for (int i = 0; i < n; i++) {
		memcpy(data, iovecs[i].iov_base, iovecs[i].iov_len);
		data += iovecs[i].iov_len;
	}
	id = shim_faults->n_records++;
	pthread_mutex_unlock(&lock);
	return id;
}

void
shim_note_done(uint64_t id, bool is_durable)
{
	struct faults_record r = { .op = FAULTS_DONE,
				   .is_durable = is_durable,
				   .id = id };

	if (!is_on())
		return;
	pthread_mutex_lock(&lock);
	append(&r);
	shim_faults->n_records++;
	pthread_mutex_unlock(&lock);
}
