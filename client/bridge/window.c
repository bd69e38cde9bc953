/* SPDX-License-Identifier: MIT */
/*
 * window.c - see window.h
 */
#include "client/bridge/window.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/bridge/wake.h"

int
window_init(struct window *w, unsigned size)
{
	memset(w, 0, sizeof(*w));
	pthread_mutex_init(&w->lock, NULL);
	w->size = size;
	w->sent = calloc(size, sizeof(*w->sent));
	return w->sent != NULL ? 0 : -ENOMEM;
}

void
window_deinit(struct window *w)
{
	free(w->sent);
	w->sent = NULL;
	pthread_mutex_destroy(&w->lock);
}

void
window_begin(struct window *w, jsCtx *js, uint64_t next)
{
	pthread_mutex_lock(&w->lock);
	w->js = js;
	w->next = next;
	w->oldest = next;
	w->is_doubtful = false;
	pthread_mutex_unlock(&w->lock);
}

void
window_add(struct window *w, const struct sent *sent)
{
	pthread_mutex_lock(&w->lock);
	w->sent[w->next % w->size] = *sent;
	w->next++;
	pthread_mutex_unlock(&w->lock);
}

bool
window_is_full(const struct window *w)
{
	/* Only the main thread changes either. */
	return w->next - w->oldest == w->size;
}

bool
window_is_empty(const struct window *w)
{
	return w->next == w->oldest;
}

static bool
oldest_is_acked(const struct window *w)
{
	return !window_is_empty(w) && w->sent[w->oldest % w->size].is_acked;
}

unsigned
window_collect(struct window *w, struct sent *ret, int64_t *ret_bytes)
{
	unsigned n = 0;
	int64_t bytes = 0;

	pthread_mutex_lock(&w->lock);
	for (; !w->is_doubtful && oldest_is_acked(w); n++) {
		*ret = w->sent[w->oldest % w->size];
		bytes += ret->bytes;
		w->oldest++;
	}
	pthread_mutex_unlock(&w->lock);
	*ret_bytes = bytes;
	return n;
}

/* Rings at most once a sleep: acknowledgements come by the thousand. */
static void
rouse(struct window *w)
{
	if (!w->is_asleep)
		return;
	w->is_asleep = false;
	wake_ring();
}

static void
doubt_args(struct window *w, const char *fmt, va_list args)
{
	if (w->is_doubtful)
		return;
	w->is_doubtful = true;
	vsnprintf(w->why, sizeof(w->why), fmt, args);
	rouse(w);
}

void
window_doubt(struct window *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	pthread_mutex_lock(&w->lock);
	doubt_args(w, fmt, args);
	pthread_mutex_unlock(&w->lock);
	va_end(args);
}

bool
window_is_doubtful(struct window *w, char why[WINDOW_WHY_SIZE])
{
	bool yes;

	pthread_mutex_lock(&w->lock);
	yes = w->is_doubtful;
	if (yes)
		memcpy(why, w->why, sizeof(w->why));
	pthread_mutex_unlock(&w->lock);
	return yes;
}

bool
window_may_sleep(struct window *w)
{
	bool yes;

	pthread_mutex_lock(&w->lock);
	yes = !w->is_doubtful && !oldest_is_acked(w);
	w->is_asleep = yes;
	pthread_mutex_unlock(&w->lock);
	return yes;
}

void
window_awake(struct window *w)
{
	pthread_mutex_lock(&w->lock);
	w->is_asleep = false;
	pthread_mutex_unlock(&w->lock);
}

__attribute__((format(printf, 2, 3))) static void
doubt(struct window *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	doubt_args(w, fmt, args);
	va_end(args);
}

static void
note_ack(struct window *w, const jsPubAck *ack)
{
	uint64_t sequence = ack->Sequence;

	/* What it is a duplicate of may hold fewer events than this one. */
	if (ack->Duplicate)
		doubt(w, "message %" PRIu64 " was there already", sequence);
	else if (sequence < w->oldest || sequence >= w->next)
		doubt(w,
		      "a message became number %" PRIu64 ", not one of %" PRIu64
		      " to %" PRIu64,
		      sequence, w->oldest, w->next - 1);
	else {
		w->sent[sequence % w->size].is_acked = true;
		if (sequence == w->oldest)
			rouse(w);
	}
}

/* A stream with discard: new that is full, or an account that may have no more. */
static const char *
hint(jsErrCode code)
{
	switch (code) {
	case JSStreamStoreFailedErr:
	case JSAccountResourcesExceededErr:
	case JSStorageResourcesExceededErr:
	case JSInsufficientResourcesErr:
		return ": make room on the server, or raise its limits; until "
		       "then producers wait";
	default:
		return "";
	}
}

void
window_note(jsCtx *js, natsMsg *msg, jsPubAck *ack, jsPubAckErr *error,
	    void *closure)
{
	struct window *w = closure;

	pthread_mutex_lock(&w->lock);
	if (js == w->js) {
		if (ack != NULL)
			note_ack(w, ack);
		else
			doubt(w, "a message was refused: %s%s",
			      error->ErrText != NULL
				      ? error->ErrText
				      : natsStatus_GetText(error->Err),
			      hint(error->ErrCode));
	}
	pthread_mutex_unlock(&w->lock);
	natsMsg_Destroy(msg);
}
