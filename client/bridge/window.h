/* SPDX-License-Identifier: MIT */
/*
 * window.h - messages that are sent and not yet acknowledged
 *
 * As we are the only writer of the stream, and each message names the one that it
 * follows, the stream sequence of each is known when it is sent. The thread of libnats
 * marks what has been acknowledged; the main thread takes what is done, in order.
 *
 * Doubt. Anything but an acknowledgement with the very sequence that was expected (an
 * error, a timeout, a duplicate, another sequence, a lost connection) makes the window
 * doubtful: from then on nothing in it counts, and only the stream can tell what it
 * has.
 */
#ifndef BRIDGE_WINDOW_H
#define BRIDGE_WINDOW_H

#include <nats/nats.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define WINDOW_WHY_SIZE 256

struct sent {
	int64_t last;  /* the last slot in it, by the source's sequence */
	int64_t index; /* of what comes after it */
	int64_t bytes;
	bool is_acked;
};

struct window {
	pthread_mutex_t lock; /* of all below */
	struct sent *sent;    /* a ring of `size` */
	unsigned size;
	uint64_t next;   /* stream sequence of the next one to send */
	uint64_t oldest; /* of the oldest in the window; next: it is empty */
	jsCtx *js;       /* whose acknowledgements count */
	bool is_doubtful, is_asleep;
	char why[WINDOW_WHY_SIZE];
};

/* 0 or -ENOMEM. */
int window_init(struct window *w, unsigned size);
void window_deinit(struct window *w);

/* Empties it: the next message will be `next`, sent by `js`. */
void window_begin(struct window *w, jsCtx *js, uint64_t next);

/* Before it is sent, so that the acknowledgement finds it. Not if it is full. */
void window_add(struct window *w, const struct sent *sent);
bool window_is_full(const struct window *w);
bool window_is_empty(const struct window *w);

/* Takes the oldest ones that are acknowledged: how many, *ret being the last. Of a
 * doubtful window none. */
unsigned window_collect(struct window *w, struct sent *ret, int64_t *ret_bytes);

/* Any thread. The first reason stays. */
__attribute__((format(printf, 2, 3))) void window_doubt(struct window *w,
							const char *fmt, ...);
/* True if it is, with the reason. */
bool window_is_doubtful(struct window *w, char why[WINDOW_WHY_SIZE]);

/* The main thread is about to sleep: true, and it is rung when something changes; or
 * false, as something has. To be followed by window_awake(). */
bool window_may_sleep(struct window *w);
void window_awake(struct window *w);

/* The jsPubAckHandler; the closure is the window. */
void window_note(jsCtx *js, natsMsg *msg, jsPubAck *ack, jsPubAckErr *error,
		 void *closure);

#endif
