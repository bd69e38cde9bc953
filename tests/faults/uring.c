/* SPDX-License-Identifier: MIT */
/*
 * uring.c - writes and syncs by io_uring: what goes in, and what is said to come out
 *
 * A job that is not to be made goes to the kernel as one that does nothing, and its
 * completion is rewritten before the program looks.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/faults/shim.h"

#define FLIGHTS_MAX 16

/* A job on its way. */
struct flight {
	bool is_on;
	uint64_t user_data;
	int fd;
	bool is_sync, is_durable;
	int error;   /* that it ends with; 0: its own */
	uint64_t id; /* of its record; or how many there were, of a sync */
	struct iovec part[SHIM_IOVECS];
};

static struct flight flights[FLIGHTS_MAX];
static unsigned n_seen; /* submission entries */

static struct flight *
take_flight(const struct io_uring_sqe *sqe)
{
	struct flight *f = flights;

	while (f->is_on)
		if (++f == flights + FLIGHTS_MAX)
			abort();
	*f = (struct flight){
		.is_on = true,
		.user_data = sqe->user_data,
		.fd = sqe->fd,
		.is_sync = sqe->opcode == IORING_OP_FSYNC,
	};
	return f;
}

static void
do_nothing(struct io_uring_sqe *sqe)
{
	uint64_t user_data = sqe->user_data;

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_NOP;
	sqe->fd = -1;
	sqe->user_data = user_data;
}

static void
look_at_write(struct flight *f, struct io_uring_sqe *sqe)
{
	const struct iovec *iovecs = (const struct iovec *)(uintptr_t)sqe->addr;
	enum shim_verdict verdict;
	int n = (int)sqe->len;

	f->is_durable = (sqe->rw_flags & RWF_DSYNC) != 0;
	verdict = shim_ask(SHIM_WRITE | (f->is_durable ? SHIM_SYNC : 0),
			   "io_uring write");
	f->error = verdict == SHIM_FAIL || verdict == SHIM_LATE ? shim_error()
								: 0;
	if (verdict == SHIM_FAIL) {
		do_nothing(sqe);
		return;
	}
	if (verdict == SHIM_CUT) {
		shim_cut(iovecs, n, f->part, &n);
		iovecs = f->part;
		sqe->addr = (uintptr_t)iovecs;
		sqe->len = (unsigned)n;
	}
	f->id = shim_note_write(f->fd, iovecs, n, (off_t)sqe->off);
	if (!f->is_durable)
		shim_dirty(f->fd, (off_t)sqe->off, shim_total(iovecs, n));
}

static void
look_at_sync(struct flight *f, struct io_uring_sqe *sqe)
{
	enum shim_verdict verdict = shim_ask(SHIM_SYNC, "io_uring fsync");

	f->id = shim_records();
	if (verdict == SHIM_PASS)
		return;
	f->error = shim_error();
	if (verdict == SHIM_LATE)
		return;
	shim_revert(f->fd);
	do_nothing(sqe);
}

static void
look_at(struct io_uring_sqe *sqe)
{
	struct flight *f;

	if (!shim_is_watched(sqe->fd))
		return;
	if (sqe->opcode != IORING_OP_FSYNC && sqe->opcode != IORING_OP_WRITEV)
		abort(); /* one more that has to be known here */
	f = take_flight(sqe);
	if (f->is_sync)
		look_at_sync(f, sqe);
	else
		look_at_write(f, sqe);
}

static void
look_before(struct io_uring *ring)
{
	for (; n_seen != ring->sq.sqe_tail; n_seen++)
		look_at(&ring->sq.sqes[n_seen & ring->sq.ring_mask]);
}

static void
land(struct flight *f, struct io_uring_cqe *cqe)
{
	f->is_on = false;
	if (f->error != 0)
		cqe->res = -f->error;
	if (cqe->res < 0)
		return;
	if (!f->is_sync) {
		shim_note_done(f->id, f->is_durable);
		return;
	}
	shim_clean(f->fd);
	shim_note(FAULTS_SYNC, f->fd, f->id, 0);
}

static void
look_behind(struct io_uring *ring)
{
	unsigned tail = io_uring_smp_load_acquire(ring->cq.ktail);

	for (unsigned i = *ring->cq.khead; i != tail; i++) {
		struct io_uring_cqe *cqe =
			&ring->cq.cqes[i & ring->cq.ring_mask];

		for (struct flight *f = flights; f < flights + FLIGHTS_MAX; f++)
			if (f->is_on && f->user_data == cqe->user_data)
				land(f, cqe);
	}
}

/* What liburing itself may say: it was not made, and is to be tried again. */
static bool
refuses(const char *name)
{
	return shim_ask(SHIM_OTHER, name) != SHIM_PASS;
}

SHIM_EXPORT int
io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
	n_seen = 0;
	if (refuses("io_uring_setup"))
		return -shim_error();
	return SHIM_REAL(io_uring_queue_init)(entries, ring, flags);
}

SHIM_EXPORT int
io_uring_submit(struct io_uring *ring)
{
	int r;

	look_before(ring);
	if (refuses("io_uring_submit"))
		return shim_error() == EINTR ? -EINTR : -EAGAIN;
	r = SHIM_REAL(io_uring_submit)(ring);
	look_behind(ring);
	return r;
}

SHIM_EXPORT int
io_uring_submit_and_wait_timeout(struct io_uring *ring,
				 struct io_uring_cqe **ret, unsigned n,
				 struct __kernel_timespec *time,
				 sigset_t *signals)
{
	int r;

	look_before(ring);
	if (refuses("io_uring_wait"))
		return -EINTR;
	r = SHIM_REAL(io_uring_submit_and_wait_timeout)(ring, ret, n, time,
							signals);
	look_behind(ring);
	return r;
}

SHIM_EXPORT int
__io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **ret,
		   unsigned n_submit, unsigned n, sigset_t *signals)
{
	int r;

	look_before(ring);
	r = SHIM_REAL(__io_uring_get_cqe)(ring, ret, n_submit, n, signals);
	look_behind(ring);
	return r;
}
