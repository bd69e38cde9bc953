/* SPDX-License-Identifier: MIT */
/*
 * util_span.h - short words for events by the run
 *
 * Of fixed channels each event is its own sequence as a number, of framed ones it is
 * filled by it.
 */
#ifndef T_UTIL_SPAN_H
#define T_UTIL_SPAN_H

#include "tests/system/util_bus.h"

/* 16 numbers; or 64 slots of 64 bytes. */
void t_span_begin(struct t_bus *b, enum rb_producers kind);
void t_span_begin_framed(struct t_bus *b, enum rb_producers kind);

int t_span_of(struct ringbus_consumer *c, int64_t max,
	      struct ringbus_span *ret);

/* The next run is this one; or there is none, and the reader stands at `first`. */
void t_expect_span(struct ringbus_consumer *c, int64_t max, int64_t first,
		   int64_t last, int64_t skipped);
void t_expect_no_span(struct ringbus_consumer *c, int64_t first,
		      int64_t skipped);

/* Numbers; n tombstones; an event of `size` bytes, of which it returns the
 * sequence. */
void t_put_to(struct ringbus_producer *p, int64_t next, int64_t last);
void t_abandon(struct ringbus_producer *p, int64_t n);
int64_t t_write_filled(struct ringbus_producer *p, size_t size);

#endif
