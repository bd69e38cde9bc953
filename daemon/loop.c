/* SPDX-License-Identifier: MIT */
/*
 * loop.c - see loop.h
 */
#include "daemon/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <liburing.h>

#include "daemon/log.h"
#include "shm/control.h"
#include "shm/wait.h"

#define ENTRIES 256
#define NSEC 1000000000

/*
 * What the kernel has done is told when we ask for it, and not by interrupting
 * us. Above all, a killed daemon has then nothing left to do for the ring: it
 * would wait for a kernel thread to do that, on a busy machine for seconds, and
 * the next one for its lock. Since Linux 6.1.
 */
#define SETUP_BETTER (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

struct rb_watch {
	struct rb_loop *loop;
	rb_watch_fn fn; /* NULL: freed by its owner */
	void *context;
	bool busy;
	int result; /* once it is ready */
	struct __kernel_timespec timeout;
	/* One more than a message has: a longer one shows. */
	alignas(8) char message[RB_CONTROL_SIZE + 1];
	LIST_ENTRY(rb_watch) of_loop;
	STAILQ_ENTRY(rb_watch) of_ready;
};

/* Longer than this one that waits for an answer should not be kept waiting. */
#define SLOW_NS INT64_C(10000000)

struct rb_loop {
	struct io_uring ring;
	bool stopped;
	int error;
	LIST_HEAD(rb_watch_list, rb_watch) watches;
	/* Done by the kernel, not yet called back. */
	STAILQ_HEAD(rb_watch_queue, rb_watch) ready;
	int64_t round_ns; /* when this round began */
	struct rb_loop_times times;
};

static void
explain(int err)
{
	if (err == -ENOSYS)
		rb_log_error("this kernel has no io_uring: ringbusd needs "
			     "Linux 5.15 or later");
	else if (err == -EPERM)
		rb_log_error("io_uring is forbidden here: allow it by sysctl "
			     "kernel.io_uring_disabled=0, or in the seccomp "
			     "profile of the container");
	else if (err == -ENOMEM)
		rb_log_error("no memory for io_uring: raise the limit of "
			     "locked memory (ulimit -l, LimitMEMLOCK=)");
	else
		rb_log_error("cannot set up io_uring: %s", strerror(-err));
}

static int
set_up(struct io_uring *ring, unsigned n_watches, unsigned flags)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | flags,
		.cq_entries = n_watches < 2 * ENTRIES ? 2 * ENTRIES : n_watches,
	};

	return io_uring_queue_init_params(ENTRIES, ring, &params);
}

int
rb_loop_new(unsigned n_watches, struct rb_loop **ret)
{
	struct rb_loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (loop == NULL)
		return -ENOMEM;
	err = set_up(&loop->ring, n_watches, SETUP_BETTER);
	if (err == -EINVAL)
		err = set_up(&loop->ring, n_watches, 0);
	if (err < 0) {
		explain(err);
		free(loop);
		return err;
	}
	LIST_INIT(&loop->watches);
	STAILQ_INIT(&loop->ready);
	*ret = loop;
	return 0;
}

void
rb_loop_stop(struct rb_loop *loop)
{
	loop->stopped = true;
}

static void
fail(struct rb_loop *loop, int err)
{
	if (loop->error == 0)
		loop->error = err;
}

/* Takes what is done, and calls nobody back: good at any time. */
static unsigned
collect(struct rb_loop *loop)
{
	struct io_uring_cqe *cqe;
	unsigned n = 0;

	for (; io_uring_peek_cqe(&loop->ring, &cqe) == 0; n++) {
		struct rb_watch *watch = io_uring_cqe_get_data(cqe);

		if (watch != NULL) {
			watch->result = cqe->res;
			STAILQ_INSERT_TAIL(&loop->ready, watch, of_ready);
		}
		io_uring_cqe_seen(&loop->ring, cqe);
	}
	return n;
}

/* Room for one submission; NULL if the loop is broken. The kernel takes none
 * (EBUSY) while it has completions for which there was no room. */
static struct io_uring_sqe *
next_entry(struct rb_loop *loop)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);
	int err;

	if (sqe != NULL)
		return sqe;
	do
		err = io_uring_submit(&loop->ring);
	while (err == -EBUSY && collect(loop) > 0);
	sqe = io_uring_get_sqe(&loop->ring);
	if (sqe == NULL)
		fail(loop, err < 0 ? err : -EBUSY);
	return sqe;
}

static struct io_uring_sqe *
begin(struct rb_watch *watch)
{
	struct io_uring_sqe *sqe = next_entry(watch->loop);

	watch->busy = sqe != NULL;
	return sqe;
}

static void
destroy(struct rb_watch *watch)
{
	LIST_REMOVE(watch, of_loop);
	free(watch);
}

static void
complete(struct rb_watch *watch)
{
	watch->busy = false;
	if (watch->fn == NULL)
		destroy(watch);
	else
		watch->fn(watch->context, watch->result);
}

static void
count_round(struct rb_loop *loop)
{
	int64_t ns = rb_clock_ns() - loop->round_ns;

	loop->times.n_rounds++;
	loop->times.n_slow += ns > SLOW_NS;
	if (ns > loop->times.longest_ns)
		loop->times.longest_ns = ns;
}

struct rb_loop_times
rb_loop_times(const struct rb_loop *loop)
{
	return loop->times;
}

static int
turn(struct rb_loop *loop)
{
	struct rb_watch *watch;
	int err = io_uring_submit_and_wait(&loop->ring, 1);

	loop->round_ns = rb_clock_ns();
	if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY)
		return err;
	collect(loop);
	while ((watch = STAILQ_FIRST(&loop->ready)) != NULL) {
		STAILQ_REMOVE_HEAD(&loop->ready, of_ready);
		complete(watch);
	}
	return 0;
}

int
rb_loop_run(struct rb_loop *loop, rb_loop_turned_fn turned, void *context)
{
	int err = 0;

	while (!loop->stopped && err == 0) {
		err = turn(loop);
		turned(context);
		count_round(loop);
		if (err == 0)
			err = loop->error;
	}
	loop->stopped = false; /* for the next time */
	if (err < 0)
		rb_log_error("io_uring failed: %s", strerror(-err));
	return err;
}

/* Waits until the kernel has let go of every watch. */
struct rb_loop *
rb_loop_free(struct rb_loop *loop)
{
	struct rb_watch *watch, *next;

	if (loop == NULL)
		return NULL;
	for (watch = LIST_FIRST(&loop->watches); watch != NULL; watch = next) {
		next = LIST_NEXT(watch, of_loop);
		if (watch->fn != NULL)
			rb_watch_free(watch);
	}
	while (!LIST_EMPTY(&loop->watches) && loop->error == 0)
		fail(loop, turn(loop));
	io_uring_queue_exit(&loop->ring);
	free(loop);
	return NULL;
}

int
rb_watch_new(struct rb_loop *loop, rb_watch_fn fn, void *context,
	     struct rb_watch **ret)
{
	struct rb_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return -ENOMEM;
	watch->loop = loop;
	watch->fn = fn;
	watch->context = context;
	LIST_INSERT_HEAD(&loop->watches, watch, of_loop);
	*ret = watch;
	return 0;
}

struct rb_watch *
rb_watch_free(struct rb_watch *watch)
{
	struct io_uring_sqe *sqe;

	if (watch == NULL)
		return NULL;
	watch->fn = NULL;
	if (!watch->busy) {
		destroy(watch);
		return NULL;
	}
	sqe = next_entry(watch->loop);
	if (sqe != NULL) {
		io_uring_prep_cancel(sqe, watch, 0);
		io_uring_sqe_set_data(sqe, NULL);
	}
	return NULL;
}

void
rb_watch_accept(struct rb_watch *watch, int fd)
{
	struct io_uring_sqe *sqe = begin(watch);

	if (sqe == NULL)
		return;
	io_uring_prep_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
	io_uring_sqe_set_data(sqe, watch);
}

void
rb_watch_receive(struct rb_watch *watch, int fd)
{
	struct io_uring_sqe *sqe = begin(watch);

	if (sqe == NULL)
		return;
	io_uring_prep_recv(sqe, fd, watch->message, sizeof(watch->message), 0);
	io_uring_sqe_set_data(sqe, watch);
}

const void *
rb_watch_message(const struct rb_watch *watch)
{
	return watch->message;
}

void
rb_watch_poll(struct rb_watch *watch, int fd)
{
	struct io_uring_sqe *sqe = begin(watch);

	if (sqe == NULL)
		return;
	io_uring_prep_poll_add(sqe, fd, POLLIN);
	io_uring_sqe_set_data(sqe, watch);
}

void
rb_watch_timer(struct rb_watch *watch, int64_t ns)
{
	bool replaces = watch->busy;
	struct io_uring_sqe *sqe = next_entry(watch->loop);

	if (sqe == NULL)
		return;
	watch->timeout.tv_sec = ns / NSEC;
	watch->timeout.tv_nsec = ns % NSEC;
	watch->busy = true;
	if (replaces) {
		io_uring_prep_timeout_update(sqe, &watch->timeout,
					     (uintptr_t)watch, 0);
		io_uring_sqe_set_data(sqe, NULL);
	} else {
		io_uring_prep_timeout(sqe, &watch->timeout, 0,
				      IORING_TIMEOUT_BOOTTIME);
		io_uring_sqe_set_data(sqe, watch);
	}
}
