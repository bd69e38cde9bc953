/* SPDX-License-Identifier: MIT */
/*
 * engine_sync.c - one job after the other, by pwritev(2) and fdatasync(2)
 *
 * Where there is no io_uring. A job has ended when it was started.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/journal/engine.h"

static int
open_sync(struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return -ENOMEM;
	e->kind = &engine_sync;
	*ret = e;
	return 0;
}

static void
close_sync(struct engine *engine)
{
	free(engine);
}

static int64_t
or_errno(int64_t result)
{
	return result < 0 ? -errno : result;
}

static void
start(struct engine *e, struct engine_job *job)
{
	bool is_write = job->n_iovecs > 0;
	int64_t r;

	do
		r = or_errno(is_write ? pwritev(job->fd, job->left,
						job->n_iovecs, job->at)
				      : fdatasync(job->fd));
	while (!engine_advance(e, job, r));
	if (job->result < 0 || !is_write || !job->durable)
		return;
	/* Never again if it fails, so not after an interruption either. */
	job->result = (int)or_errno(fdatasync(job->fd));
}

static int
wait(struct engine *e, int64_t timeout_ns)
{
	(void)e, (void)timeout_ns;
	return 0;
}

const struct engine_kind engine_sync = {
	.name = "sync",
	.open = open_sync,
	.close = close_sync,
	.start = start,
	.wait = wait,
};
