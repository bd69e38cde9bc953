/* SPDX-License-Identifier: MIT */
/*
 * util_hole.h - a producer that claims and does not publish, and what it leaves
 * when it is killed
 *
 * Of T_HOLE..T_HOLE_LAST: 0..1 and 5..6 are published, each with its sequence as
 * the number.
 */
#ifndef T_UTIL_HOLE_H
#define T_UTIL_HOLE_H

#include "tests/system/util_bus.h"

#define T_STRICT "slots: 16, event_size: 8, producers: multi, strict: true"

#define T_HOLE 2
#define T_HOLE_LAST 4
#define T_LAST 6
#define T_HOLE_SIZE (T_HOLE_LAST - T_HOLE + 1)

/*
 * A process that claims n slots as "feed", waiting for room, and pauses there;
 * with n 0 it publishes one instead. Returns when it has: *ret_told would then be
 * readable, for who does not want to wait for that.
 */
pid_t t_feed(const struct t_bus *b, const char *channel, int64_t n);
pid_t t_feed_start(const struct t_bus *b, const char *channel, int64_t n,
		   int *ret_told);

/* The channel's info says so. */
bool t_is_broken_at(const struct ringbus_channel *channel, int64_t sequence);

/* On "a": the above, with the producer dead and the stream stopped. */
struct ringbus_producer *t_break_stream(const struct t_bus *b);

/* Gives it up. */
void t_mend(const struct t_bus *b);

/* It is given what comes before the hole, and then told; as often as it asks. */
void t_read_to_the_hole(struct ringbus_consumer *c);
void t_stands_at_the_hole(struct ringbus_consumer *c);

/* What comes behind it, and then nothing. */
void t_read_on(struct ringbus_consumer *c);

#endif
