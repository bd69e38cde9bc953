/* SPDX-License-Identifier: MIT */
/*
 * engine.h - writes and syncs on their way: by io_uring, or one by one
 *
 * A job is one write, or one fdatasync, of a file. It is the caller's, is started,
 * and has ended when engine_wait() has returned with its `state` DONE; until then
 * neither it nor the memory that it writes may be touched. A short write is
 * continued here, and a write that needs room that there isn't is an error, so a
 * job has either done all or has failed. Jobs end in any order.
 */
#ifndef JOURNAL_ENGINE_H
#define JOURNAL_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define ENGINE_IOVECS 3
#define ENGINE_JOBS_MAX 8 /* on their way at once */

enum engine_state {
	ENGINE_IDLE,
	ENGINE_FLYING,
	ENGINE_DONE
};

struct engine_job {
	int fd;
	off_t offset;
	struct iovec iovecs[ENGINE_IOVECS];
	int n_iovecs;   /* 0: an fdatasync */
	bool durable;   /* a write that is synced before it ends */
	unsigned grain; /* a short write goes on at a multiple of this */
	enum engine_state state;
	int result; /* 0 or a negative errno */
	/* The engine's own. */
	struct iovec left[ENGINE_IOVECS];
	off_t at;
	unsigned n_tries;
};

struct engine;

struct engine_kind {
	const char *name;
	bool is_asynchronous; /* several at once are worth it */
	int (*open)(struct engine **ret);
	void (*close)(struct engine *engine);
	void (*start)(struct engine *engine, struct engine_job *job);
	int (*wait)(struct engine *engine, int64_t timeout_ns);
};

extern const struct engine_kind engine_uring;
extern const struct engine_kind engine_sync;

struct engine {
	const struct engine_kind *kind;
	unsigned n_flying;
	unsigned n_retries;  /* short writes and interruptions, in all */
	unsigned n_failures; /* of waits, in a row */
};

enum engine_choice {
	ENGINE_ANY,
	ENGINE_ONLY_URING,
	ENGINE_ONLY_SYNC
};

/* 0, or a negative errno after a message. */
int engine_open(enum engine_choice choice, struct engine **ret);

/* Nothing may be flying. NULL is allowed. */
void engine_close(struct engine *engine);

/* Starts a job; what cannot be started ends at once, with its error. */
void engine_start(struct engine *engine, struct engine_job *job);

/* Waits until a job that was flying has ended: 0; or -ETIME after the time, or
 * -EINTR after a signal, or another errno of the kind's. At once if nothing flies. If
 * it goes on failing the program is ended. */
int engine_wait(struct engine *engine, int64_t timeout_ns);

/* Waits for all of them, whatever signals come. */
void engine_drain(struct engine *engine);

/*
 * For the kinds: sets `left` and `at` to the whole of a job; and takes note of a
 * write's result. True: the job has ended; false: what is left is to be started.
 */
void engine_begin(struct engine_job *job);
bool engine_advance(struct engine *engine, struct engine_job *job,
		    int64_t result);

#endif
