/* SPDX-License-Identifier: MIT */
/*
 * keeper.c - see keeper.h
 *
 * One lock, held for the few words below and never while a disk is asked. What the
 * thread makes is its own until its state says that it is ready, and is given back
 * between two pieces of zeroes when the writer asks.
 */
#include "client/journal/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/journal/notice.h"
#include "client/journal/retain.h"

#define SEALS_MAX 8 /* handed over and not yet sealed */

/* Between two pieces of 1 MiB of zeroes. */
#define ZERO_PAUSE_NS (INT64_C(1000000000) / 64)
#define RETRY_NS                                                               \
	INT64_C(10000000000) /* to make a spare that nobody waits for */
#define RETAIN_NS INT64_C(30000000000)

enum spare_state {
	SPARE_WANTED,
	SPARE_BUSY, /* in the thread's hands */
	SPARE_READY,
	SPARE_FAILED,
};

struct keeper {
	const struct settings *settings;
	int dirfd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* for both sides */
	enum spare_state state;
	struct spare spare;
	uint64_t size; /* that the next spare is to have */
	int error;     /* why there is none */
	bool has_said_so;
	struct segment *seals[SEALS_MAX];
	unsigned n_seals;
	char current[RB_JOURNAL_NAME_SIZE];   /* what the writer is at */
	int64_t zero_ns, retry_ns, retain_ns; /* when to go on with these */
	bool is_ending;
};

/* ----------------------------------------------------------------- the thread */

static void
tell_failure(struct keeper *k, uint64_t size, int err)
{
	if (!k->has_said_so)
		notice_warning("the next segment of %llu bytes cannot be made "
			       "in %s: %s: %s",
			       (unsigned long long)size, k->settings->dir,
			       strerror(-err), notice_remedy(err));
	k->has_said_so = true;
}

/* A stream that has used up a segment before zeroes would have filled the next one
 * has better things to do with the disk. */
static int64_t
zeroing_ns(uint64_t size)
{
	return (int64_t)(size / SPARE_PIECE) * ZERO_PAUSE_NS;
}

static void
make_spare(struct keeper *k)
{
	uint64_t size = k->size;
	struct spare spare;
	int err;

	k->state = SPARE_BUSY;
	pthread_mutex_unlock(&k->lock);
	err = spare_make(k->dirfd, size, k->settings->direct, &spare);
	pthread_mutex_lock(&k->lock);
	k->error = err;
	k->state = err < 0 ? SPARE_FAILED : SPARE_READY;
	if (err < 0) {
		k->retry_ns = notice_now_ns() + RETRY_NS;
		tell_failure(k, size, err);
	} else {
		k->spare = spare;
		k->has_said_so = false;
		k->zero_ns = notice_now_ns() + zeroing_ns(size);
	}
	pthread_cond_broadcast(&k->changed);
}

static void
zero_spare(struct keeper *k)
{
	struct spare spare = k->spare;
	int r;

	k->state = SPARE_BUSY;
	pthread_mutex_unlock(&k->lock);
	r = spare_zero(&spare);
	if (r < 0)
		spare_drop(k->dirfd, &spare);
	pthread_mutex_lock(&k->lock);
	k->spare = spare;
	k->zero_ns = r == 0 ? INT64_MAX : notice_now_ns() + ZERO_PAUSE_NS;
	k->state = SPARE_READY;
	if (r < 0) {
		k->error = r;
		k->state = SPARE_FAILED;
		k->retry_ns = notice_now_ns() + RETRY_NS;
		tell_failure(k, spare.size, r);
	}
	pthread_cond_broadcast(&k->changed);
}

/* What is not sealed yet, or written still, is none of it. */
static void
retain(struct keeper *k)
{
	char until[RB_JOURNAL_NAME_SIZE];

	k->retain_ns = notice_now_ns() + RETAIN_NS;
	memcpy(until, k->n_seals > 0 ? k->seals[0]->name : k->current,
	       sizeof(until));
	pthread_mutex_unlock(&k->lock);
	retain_apply(k->dirfd, k->settings, until);
	pthread_mutex_lock(&k->lock);
}

static void
seal_one(struct keeper *k)
{
	struct segment *segment = k->seals[0];
	char name[RB_JOURNAL_NAME_SIZE];
	int err;

	memcpy(name, segment->name, sizeof(name));
	pthread_mutex_unlock(&k->lock);
	err = segment_seal(k->dirfd, segment);
	if (err < 0)
		notice_error("%s/%s cannot be sealed: %s%s", k->settings->dir,
			     name, strerror(-err),
			     k->settings->sync == JOURNAL_NONE
				     ? ": with sync: none events in it may be "
				       "lost"
				     : "; what it has is safe");
	pthread_mutex_lock(&k->lock);
	k->n_seals--;
	memmove(k->seals, k->seals + 1, k->n_seals * sizeof(k->seals[0]));
	pthread_cond_broadcast(&k->changed);
	retain(k);
}

/* The next thing that there is to do: true, or false and when there will be. */
static bool
step(struct keeper *k, int64_t *ret_due)
{
	int64_t now = notice_now_ns();

	*ret_due = k->retain_ns;
	if (k->n_seals > 0)
		seal_one(k);
	else if (k->is_ending)
		return false;
	else if (k->state == SPARE_WANTED ||
		 (k->state == SPARE_FAILED && now >= k->retry_ns))
		make_spare(k);
	else if (now >= k->retain_ns)
		retain(k);
	else if (k->state == SPARE_READY && now >= k->zero_ns)
		zero_spare(k);
	else {
		int64_t next = k->state == SPARE_READY ? k->zero_ns
						       : k->retry_ns;

		*ret_due = next < k->retain_ns ? next : k->retain_ns;
		return false;
	}
	return true;
}

static void *
run(void *arg)
{
	struct keeper *k = arg;
	int64_t due;

	pthread_mutex_lock(&k->lock);
	for (;;) {
		struct timespec time;

		if (step(k, &due))
			continue;
		if (k->is_ending)
			break;
		time.tv_sec = due / 1000000000;
		time.tv_nsec = due % 1000000000;
		pthread_cond_timedwait(&k->changed, &k->lock, &time);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

/* ------------------------------------------------------------- the other side */

static void
init_lock(struct keeper *k)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&k->lock, NULL);
}

static void
release(struct keeper *k)
{
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

int
keeper_start(const struct settings *settings, int dirfd, struct keeper **ret)
{
	struct keeper *k = calloc(1, sizeof(*k));
	sigset_t all, old;
	int err;

	if (k == NULL)
		return -ENOMEM;
	k->settings = settings;
	k->dirfd = dirfd;
	k->size = (uint64_t)settings->segment_size;
	k->spare.fd = -1;
	init_lock(k);
	/* They are for the thread that waits. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	err = -pthread_create(&k->thread, NULL, run, k);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err < 0) {
		release(k);
		return err;
	}
	*ret = k;
	return 0;
}

void
keeper_stop(struct keeper *k)
{
	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	k->is_ending = true;
	pthread_cond_broadcast(&k->changed);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	spare_drop(k->dirfd, &k->spare);
	release(k);
}

/* Asks for one that is large enough, where there is none that is. */
static void
want(struct keeper *k, uint64_t size)
{
	k->size = size;
	k->state = SPARE_WANTED;
	pthread_cond_broadcast(&k->changed);
	while (k->state == SPARE_WANTED || k->state == SPARE_BUSY)
		pthread_cond_wait(&k->changed, &k->lock);
}

int
keeper_take(struct keeper *k, uint64_t size, struct spare *ret)
{
	uint64_t usual = (uint64_t)k->settings->segment_size;
	int err = 0;

	size = size > usual ? size : usual;
	pthread_mutex_lock(&k->lock);
	while (k->state == SPARE_WANTED || k->state == SPARE_BUSY)
		pthread_cond_wait(&k->changed, &k->lock);
	if (k->state == SPARE_FAILED || k->spare.size < size) {
		if (k->spare.fd >= 0)
			spare_drop(k->dirfd, &k->spare);
		want(k, size);
	}
	k->size = usual;
	if (k->state == SPARE_READY) {
		*ret = k->spare;
		k->spare.fd = -1;
		k->state = SPARE_WANTED;
		pthread_cond_broadcast(&k->changed);
	} else {
		err = k->error;
	}
	pthread_mutex_unlock(&k->lock);
	return err;
}

void
keeper_seal(struct keeper *k, struct segment *segment)
{
	pthread_mutex_lock(&k->lock);
	while (k->n_seals == SEALS_MAX)
		pthread_cond_wait(&k->changed, &k->lock);
	k->seals[k->n_seals++] = segment;
	pthread_cond_broadcast(&k->changed);
	pthread_mutex_unlock(&k->lock);
}

void
keeper_note(struct keeper *k, const char *name)
{
	pthread_mutex_lock(&k->lock);
	snprintf(k->current, sizeof(k->current), "%s", name);
	pthread_mutex_unlock(&k->lock);
}
