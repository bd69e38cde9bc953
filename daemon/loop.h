/* SPDX-License-Identifier: MIT */
/*
 * loop.h - the event loop, on io_uring
 *
 * A watch waits for one thing at a time: a connection, a message, a descriptor
 * that becomes readable, a time. When it comes, the watch's callback is called,
 * and the watch is idle until it is told again what to wait for.
 *
 * The kernel writes into a watch while it waits. So its memory is the loop's:
 * rb_watch_free() may be called at any time, also by its own callback, the
 * callback is never called after it, and the memory goes when the kernel has
 * let go of it.
 *
 * A loop that can no longer talk to the kernel ends with an error; there is
 * nothing that a single watch could do about it.
 */
#ifndef RB_DAEMON_LOOP_H
#define RB_DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct rb_loop;
struct rb_watch;

/* `result` is that of the system call: >= 0, or a negative errno. */
typedef void (*rb_watch_fn)(void *context, int result);

/* `n_watches` is how many may be busy at one time; more are only slower. 0, or a
 * negative errno, and has said why and what to do. */
int rb_loop_new(unsigned n_watches, struct rb_loop **ret);

/* Frees all watches too. */
struct rb_loop *rb_loop_free(struct rb_loop *loop);

/*
 * Runs until rb_loop_stop(): 0; or the error that ended it. `turned` is called
 * after each round of callbacks. May be called again.
 */
typedef void (*rb_loop_turned_fn)(void *context);
int rb_loop_run(struct rb_loop *loop, rb_loop_turned_fn turned, void *context);
void rb_loop_stop(struct rb_loop *loop);

/* What rounds have taken, from the first callback to the end of `turned`: while one
 * lasts, nobody else is served. */
struct rb_loop_times {
	uint64_t n_rounds;
	uint64_t n_slow; /* above 10 ms */
	int64_t longest_ns;
};
struct rb_loop_times rb_loop_times(const struct rb_loop *loop);

/* An idle watch. 0 or -ENOMEM. */
int rb_watch_new(struct rb_loop *loop, rb_watch_fn fn, void *context,
		 struct rb_watch **ret);
struct rb_watch *rb_watch_free(struct rb_watch *watch);

/* The result is a new descriptor. */
void rb_watch_accept(struct rb_watch *watch, int fd);

/*
 * One message of the control protocol; the result is its length, 0 at the end of
 * the connection. Of a longer one only so much arrives that it can be told from
 * the right length. Descriptors that come with it are dropped by the kernel, where
 * socket.h could not keep them away.
 */
void rb_watch_receive(struct rb_watch *watch, int fd);
const void *rb_watch_message(const struct rb_watch *watch);

/* `fd` is readable, or hung up. */
void rb_watch_poll(struct rb_watch *watch, int fd);

/* `ns` from now, and a time of sleep (suspend) counts; if it waits for a time already, that one is replaced. */
void rb_watch_timer(struct rb_watch *watch, int64_t ns);

#endif
