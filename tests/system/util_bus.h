/* SPDX-License-Identifier: MIT */
/*
 * util_bus.h - a daemon with one channel, and short words for using it
 *
 *	struct t_bus b;
 *
 *	t_bus_begin(&b, "slots: 16, event_size: 8");
 *	p = t_produce(b.bus, NULL);
 *	c = t_consume(b.bus, NULL);
 *	t_put(p, 1);
 *	t_take(c, 1, 1);
 *	t_bus_end(&b);
 *
 * The channel is called "a". Events of put and take are 64-bit numbers. Whatever
 * does not work fails the test, with what the daemon had to say about it.
 */
#ifndef T_UTIL_BUS_H
#define T_UTIL_BUS_H

#include "client/ringbus.h"
#include "shm/geometry.h"
#include "shm/word.h"
#include "tests/system/util_daemon.h"

#define T_MS INT64_C(1000000)
#define T_SECOND (1000 * T_MS)
#define T_LONG (T_PATIENCE * T_SECOND) /* that must not go by */

struct t_bus {
	struct t_daemon daemon;
	struct ringbus *bus;
};

/* Starts the daemon with these keys for the channel "a", and connects. */
__attribute__((format(printf, 2, 3))) void t_bus_begin(struct t_bus *b,
						       const char *keys, ...);

/* The same with a whole configuration. */
void t_bus_begin_with(struct t_bus *b, const char *yaml);

/* Closes the connection and stops the daemon. */
void t_bus_end(struct t_bus *b);

/* "single" or "multi", for the configuration. */
const char *t_kind(enum rb_producers kind);

struct ringbus *t_connect(const struct t_daemon *daemon);

/* Fails the test unless err >= 0. */
#define t_bus_ok(bus, expr)                                                    \
	do {                                                                   \
		int64_t t_e_ = (expr);                                         \
                                                                               \
		if (t_e_ < 0)                                                  \
			ck_abort_msg("%s: %s; %s", #expr,                      \
				     ringbus_strerror((int)t_e_),              \
				     ringbus_error(bus));                      \
	} while (0)

/* Handles of "a". The options may be NULL. */
struct ringbus_producer *t_produce(
	struct ringbus *bus, const struct ringbus_producer_options *options);
struct ringbus_consumer *t_consume(
	struct ringbus *bus, const struct ringbus_consumer_options *options);
struct ringbus_tap *t_tap(struct ringbus *bus, int64_t from);

/* The same by name, from now on or from the oldest. */
struct ringbus_consumer *t_consume_as(struct ringbus *bus, const char *name,
				      int64_t from);

/* Writes a number without waiting; returns its sequence. */
int64_t t_put(struct ringbus_producer *p, uint64_t value);

/* Writes first..last, waiting for room. */
void t_put_all(struct ringbus_producer *p, uint64_t first, uint64_t last);

/* Reads the next event, waiting for it, and does not commit. */
void t_next(struct ringbus_consumer *c, struct ringbus_event *ret);

uint64_t t_value(const struct ringbus_event *event);

/* Reads first..last, one by one, and commits. */
void t_take(struct ringbus_consumer *c, uint64_t first, uint64_t last);

/* Nothing more is there now. */
void t_nothing(struct ringbus_consumer *c);

/*
 * A process that reads all of "a" as a consumer of that name, but is stopped
 * before the first event: SIGCONT lets it go on, up to the end of the stream.
 */
pid_t t_stopped_consumer(const struct t_bus *b, const char *name);

/* What the channel says. */
struct ringbus_info t_info(const struct ringbus_channel *channel);

/* The member of this name; fails if there is none. */
struct ringbus_member t_member(const struct ringbus_channel *channel, int role,
			       const char *name);

/* True if this is a member, in any state but `declared`. For t_until(). */
bool t_has_member(const struct ringbus_channel *channel, int role,
		  const char *name);

/* A number that this process and its children share, from 0 on. */
struct rb_word64 *t_counter(void);
uint64_t t_read(const struct rb_word64 *counter);
void t_store(struct rb_word64 *counter, uint64_t value);

#endif
