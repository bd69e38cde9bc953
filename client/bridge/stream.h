/* SPDX-License-Identifier: MIT */
/*
 * stream.h - the stream: that it is there, as it should be, and what is in it
 *
 * Questions return 0 or a negative errno; what has gone wrong is told, once until
 * something goes well. -EAGAIN: ask again later, as the server does not answer now.
 */
#ifndef BRIDGE_STREAM_H
#define BRIDGE_STREAM_H

#include <nats/nats.h>
#include <stdint.h>

#include "client/bridge/frame.h"
#include "client/bridge/setup.h"

struct stream_state {
	int64_t created_ns;   /* CLOCK_REALTIME: which stream it is */
	uint64_t first, last; /* of its messages; none if last < first */
	int64_t max_message;  /* headers included; not above 0: no limit */
};

/* Tells a failure, unless it was the last thing told. */
__attribute__((format(printf, 1, 2))) void stream_trouble(const char *fmt, ...);
/* All is well: the next failure is told again. */
void stream_no_trouble(void);

/*
 * Finds the stream, or makes it, if `may_make` and the setup says so. -ENOENT if it is
 * not there; -EINVAL if it cannot be used: it does not take the subject.
 */
int stream_ensure(jsCtx *js, const struct setup *setup, bool may_make,
		  struct stream_state *ret);

/* How far it is. -ENOENT if it is not there. */
int stream_look(jsCtx *js, const struct setup *setup, struct stream_state *ret);

/*
 * The message at `sequence`: what it says. -ENOENT if it is not there any more;
 * -EBADMSG if it is none of a bridge.
 */
int stream_read(jsCtx *js, const struct setup *setup, uint64_t sequence,
		struct frame *ret);

/* True if what is looked for is behind this message. */
typedef bool (*stream_before_fn)(const struct frame *frame, void *context);

/* The first message that is not before it: 0, and *ret is its number, or that after the
 * last one. -EAGAIN. */
int stream_search(jsCtx *js, const struct setup *setup,
		  const struct stream_state *state, stream_before_fn before,
		  void *context, uint64_t *ret);

#endif
