/* SPDX-License-Identifier: MIT */
/*
 * engine_uring.c - several jobs at once, by io_uring
 *
 * A write that is to be durable carries its sync with it (RWF_DSYNC): one
 * operation, which tells each batch its own error.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "client/journal/engine.h"

struct uring {
	struct engine engine; /* first */
	struct io_uring ring;
};

static int
open_uring(struct engine **ret)
{
	struct uring *u = calloc(1, sizeof(*u));
	int err;

	if (u == NULL)
		return -ENOMEM;
	u->engine.kind = &engine_uring;
	err = io_uring_queue_init(ENGINE_JOBS_MAX, &u->ring,
				  IORING_SETUP_SINGLE_ISSUER |
					  IORING_SETUP_DEFER_TASKRUN);
	if (err == -EINVAL) /* before Linux 6.1 */
		err = io_uring_queue_init(ENGINE_JOBS_MAX, &u->ring, 0);
	if (err < 0) {
		free(u);
		return err;
	}
	*ret = &u->engine;
	return 0;
}

static void
close_uring(struct engine *engine)
{
	struct uring *u = (struct uring *)engine;

	io_uring_queue_exit(&u->ring);
	free(u);
}

static void
start(struct engine *engine, struct engine_job *job)
{
	struct uring *u = (struct uring *)engine;
	/* There is one: never more jobs than entries fly. */
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (job->n_iovecs == 0)
		io_uring_prep_fsync(sqe, job->fd, IORING_FSYNC_DATASYNC);
	else
		io_uring_prep_writev2(sqe, job->fd, job->left,
				      (unsigned)job->n_iovecs,
				      (uint64_t)job->at,
				      job->durable ? RWF_DSYNC : 0);
	io_uring_sqe_set_data(sqe, job);
	/* If that fails it stays in the queue, and goes with the next wait. */
	io_uring_submit(&u->ring);
}

/* Takes what has ended; what has only come to a part of it goes on. */
static bool
reap(struct uring *u)
{
	struct io_uring_cqe *cqe;
	bool has_ended = false;

	while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
		struct engine_job *job = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&u->ring, cqe);
		if (engine_advance(&u->engine, job, result))
			has_ended = true;
		else
			start(&u->engine, job);
	}
	return has_ended;
}

static int
wait(struct engine *engine, int64_t timeout_ns)
{
	struct __kernel_timespec time = {
		.tv_sec = timeout_ns / 1000000000,
		.tv_nsec = timeout_ns % 1000000000,
	};
	struct uring *u = (struct uring *)engine;
	struct io_uring_cqe *cqe;
	int err = 0;

	while (!reap(u)) {
		if (err < 0)
			return err;
		err = io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &time,
						       NULL);
		err = err < 0 ? err : 0;
	}
	return 0;
}

const struct engine_kind engine_uring = {
	.name = "uring",
	.is_asynchronous = true,
	.open = open_uring,
	.close = close_uring,
	.start = start,
	.wait = wait,
};
