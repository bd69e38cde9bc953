/* SPDX-License-Identifier: MIT */
/*
 * engine.c - what both kinds of engines share: choosing one, and short writes
 */
#include "client/journal/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/archive/interrupted.h"
#include "client/journal/notice.h"

int
engine_open(enum engine_choice choice, struct engine **ret)
{
	int err;

	if (choice == ENGINE_ONLY_SYNC)
		return engine_sync.open(ret);
	err = engine_uring.open(ret);
	if (err == 0)
		return 0;
	if (choice == ENGINE_ONLY_URING) {
		notice_error("no io_uring: %s: use io: auto or sync, or see "
			     "kernel.io_uring_disabled",
			     strerror(-err));
		return err;
	}
	notice_info("no io_uring: %s: writes one batch at a time",
		    strerror(-err));
	return engine_sync.open(ret);
}

void
engine_close(struct engine *engine)
{
	if (engine != NULL)
		engine->kind->close(engine);
}

void
engine_start(struct engine *engine, struct engine_job *job)
{
	job->state = ENGINE_FLYING;
	job->result = 0;
	engine->n_flying++;
	engine_begin(job);
	engine->kind->start(engine, job);
}

/* What flies can neither be touched nor be waited for then. It lands when we are gone, for
 * which the next writer waits (recover.c); so this ends as a kill does. */
static int
wait_for_one(struct engine *engine, int64_t timeout_ns)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int err = engine->kind->wait(engine, timeout_ns);

	if (err == 0 || err == -ETIME) {
		engine->n_failures = 0;
		return err;
	}
	if (++engine->n_failures == RB_JOURNAL_TRIES_MAX) {
		notice_error("%s: what is on its way to the disk cannot be "
			     "waited for: %s: see whether it goes with io: "
			     "sync",
			     engine->kind->name, strerror(-err));
		_exit(EXIT_FAILURE);
	}
	if (err != -EINTR)
		nanosleep(&pause, NULL);
	return err;
}

int
engine_wait(struct engine *engine, int64_t timeout_ns)
{
	return engine->n_flying == 0 ? 0 : wait_for_one(engine, timeout_ns);
}

void
engine_drain(struct engine *engine)
{
	while (engine->n_flying > 0)
		wait_for_one(engine, 1000000000);
}

void
engine_begin(struct engine_job *job)
{
	memcpy(job->left, job->iovecs, sizeof(job->left));
	job->at = job->offset;
	job->n_tries = 0;
}

/* Steps over `n` bytes of what is left; returns how many are left then. */
static size_t
consume(struct engine_job *job, size_t n)
{
	size_t left = 0;

	for (int i = 0; i < job->n_iovecs; i++) {
		struct iovec *v = &job->left[i];
		size_t part = n < v->iov_len ? n : v->iov_len;

		v->iov_base = (char *)v->iov_base + part;
		v->iov_len -= part;
		n -= part;
		left += v->iov_len;
	}
	return left;
}

static bool
end(struct engine *engine, struct engine_job *job, int result)
{
	job->result = result;
	job->state = ENGINE_DONE;
	engine->n_flying--;
	return true;
}

/* Nothing was done, and nothing has failed. A sync that was interrupted may have told
 * of an error nobody will be told of again. */
static bool
is_passing(struct engine_job *job, int64_t result)
{
	if (job->n_iovecs == 0 && result == -EINTR)
		return false;
	return (result == -EINTR || result == -EAGAIN) &&
	       ++job->n_tries < RB_JOURNAL_TRIES_MAX;
}

bool
engine_advance(struct engine *engine, struct engine_job *job, int64_t result)
{
	size_t n;

	if (is_passing(job, result)) {
		engine->n_retries++;
		return false;
	}
	if (result < 0 || job->n_iovecs == 0)
		return end(engine, job, (int)result);
	/* A direct write has to go on where the disk can: a part again. */
	n = (size_t)result;
	if (result == 0)
		return end(engine, job, -EIO);
	if (consume(job, n - n % job->grain) == 0)
		return end(engine, job, 0);
	job->n_tries = 0;
	job->at += (off_t)(n - n % job->grain);
	engine->n_retries++;
	/* Less than a grain at a time would go on for ever. */
	return n < job->grain ? end(engine, job, -EIO) : false;
}
