/* SPDX-License-Identifier: MIT */
/*
 * util_two.h - from channel "a" to channel "b" of one daemon, by two bridges and a
 * real nats-server
 *
 *	struct t_two t;
 *
 *	t_two_begin(&t, &t_two_plain);
 *	t_put_all(t.p, 1, 100);
 *	t_take(t.c, 1, 100);
 *	t_two_end(&t);
 *
 * Whoever of them it is may be stopped, killed and started again in between.
 */
#ifndef T_UTIL_TWO_H
#define T_UTIL_TWO_H

#include "tests/system/util_bus.h"
#include "tests/system/util_nats.h"
#include "tests/system/util_program.h"

struct t_two {
	struct t_nats nats;
	struct t_bus b;
	struct t_run to, from;      /* the bridges */
	struct ringbus_producer *p; /* of "a" */
	struct ringbus_consumer *c; /* of "b", from the oldest on */
};

/* The keys of the channels, and more keys of their bridges, or NULL. */
struct t_two_kinds {
	const char *a, *b;
	const char *to, *from;
};

/* 64-bit numbers. */
extern const struct t_two_kinds t_two_plain;

/* Skips the test where something is missing. Without the bridges, and all of it. */
void t_two_prepare(struct t_two *t, const struct t_two_kinds *kinds);
void t_two_begin(struct t_two *t, const struct t_two_kinds *kinds);

/* The same again, backwards. Bridges have to end well. */
void t_two_finish(struct t_two *t);
void t_two_end(struct t_two *t);

/* The configuration of both channels, of a server that is prepared. */
void t_two_configure(const struct t_two *t, const struct t_two_kinds *kinds,
		     char *yaml, size_t size);

void t_bridge_start(struct t_run *run, const struct t_bus *b,
		    const char *channel);
void t_bridge_stop(struct t_run *run);

/* The consumer "app", from the oldest on. */
struct ringbus_consumer *t_two_consume(struct ringbus *bus,
				       const char *channel);

/* What that member tells of the outside; all 0 if it is not there, or tells nothing. */
struct ringbus_io t_io_of(const struct ringbus_channel *channel, int role,
			  const char *name);

/* The exporter's place; and true once it is behind all that is in "a". */
int64_t t_two_acked(const struct t_two *t);
bool t_two_all_is_acked(const struct t_two *t);

/* Exchanges the configuration of the stream for the usual one with `more`, in JSON. */
void t_two_update(const struct t_two *t, const char *more);

/* first..last go from "a" to "b", and are acknowledged. */
void t_two_pass(struct t_two *t, uint64_t first, uint64_t last);

#endif
