/* SPDX-License-Identifier: MIT */
/*
 * fixture.h - a channel without a daemon: the test plays its part
 *
 * The test formats a channel in memfds, declares and joins members, and
 * repairs after deaths. Children do what a client does: they attach in their
 * own role through the descriptors they inherit, for the mapping itself does
 * not cross fork(). FORKED and THREADED tell t_start() which of the two the
 * other side is.
 */
#ifndef T_FIXTURE_H
#define T_FIXTURE_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/barrier.h"
#include "shm/channel.h"
#include "shm/event.h"
#include "shm/member.h"
#include "shm/repair.h"
#include "shm/sequencer.h"
#include "shm/tap.h"
#include "tests/t.h"

#define MS INT64_C(1000000)

/* What is left out is the usual: 16 slots of 32 bytes, one fixed event each, a
 * single producer, blocking, membarrier. */
struct shape {
	uint64_t slots;
	uint64_t slot_size;
	uint64_t history;
	enum rb_framing framing;
	enum rb_producers producers;
	unsigned wait; /* WAIT(enum rb_wait_kind) */
	enum rb_wake_mode wake;
	enum rb_clear clear;
	bool strict;
	bool latency;
	unsigned n_groups;
	const char *type; /* NULL: none */
	uint32_t type_version;
	const char *fill; /* a string, without its NUL; NULL: zeroes */
};

#define SHAPE(...) (&(const struct shape){ __VA_ARGS__ })
#define SPEC(...) (&(const struct rb_consumer_spec){ __VA_ARGS__ })
#define WAIT(kind) ((unsigned)(kind) + 1)

struct fixture {
	struct rb_channel channel; /* the daemon's mapping */
	int fds[RB_FDS];
	pid_t pid; /* of the process that it is mapped in */
};

/* What the daemon answers to an attach request. */
struct seat {
	unsigned index;
	uint32_t epoch;
	int64_t missed;
};

/* New files, formatted, not yet open: time to declare consumers. */
void fixture_format(struct fixture *f, const struct shape *shape);

/* The same, and opened. */
void fixture_open(struct fixture *f, const struct shape *shape);
void fixture_close(struct fixture *f);

/* Zeroed memfds of the right sizes, and the bell. */
void fixture_files(const struct rb_geometry *geometry, int fds[RB_FDS]);

/* Between format and open. */
void fixture_declare(struct fixture *f, unsigned index, const char *name,
		     const struct rb_consumer_spec *spec);

/* `from` is an enum rb_from or a sequence; `spec` may be NULL. */
struct seat fixture_join_producer(struct fixture *f);
struct seat fixture_join_consumer(struct fixture *f, const char *name,
				  int64_t from);
struct seat fixture_join_spec(struct fixture *f, const char *name, int64_t from,
			      const struct rb_consumer_spec *spec);

/* A worker of the declared group of that name; its own seat. */
struct seat fixture_join_worker(struct fixture *f, const char *group,
				int64_t from);

/* Joins, and takes the seat in this process. */
void fixture_producer(struct fixture *f, struct rb_sequencer *ret);
void fixture_consumer(struct fixture *f, const char *name,
		      struct rb_barrier *ret);

/* Maps the channel in that role: for a child. In this process it is the
 * daemon's own mapping. */
void fixture_attach(const struct fixture *f, enum rb_role role,
		    struct rb_channel *ret);

/* Takes a seat: in a child after attaching in that role, in a thread of this
 * process through the same mapping, so that tsan knows it as the same. */
void fixture_attach_producer(const struct fixture *f, struct seat seat,
			     struct rb_channel *channel,
			     struct rb_sequencer *ret);
void fixture_attach_consumer(const struct fixture *f, struct seat seat,
			     struct rb_channel *channel,
			     struct rb_barrier *ret);

/* The producer's process is dead: repairs its claim, and frees the entry. */
int fixture_repair(struct fixture *f, unsigned index, struct rb_repair *report);
void fixture_bury(struct fixture *f, unsigned index, struct rb_repair *report);

/* Zeroed memory that this process and its children share. Never freed. */
void *fixture_share(uint64_t size);

/* Bytes that depend on `seed` alone, and whether these are they. */
void fill(void *data, uint64_t size, uint64_t seed);
bool is_filled(const void *data, uint64_t size, uint64_t seed);

/* Claims n slots, fills each by its sequence, publishes; returns the highest
 * sequence or what the claim or the publish returned. */
int64_t put(struct rb_sequencer *s, int64_t n, int64_t timeout_ns);
void fill_slots(struct rb_sequencer *s, int64_t lo, int64_t hi);

/* The same with one framed event, filled by its first sequence; returns that. */
int64_t put_frame(struct rb_sequencer *s, uint32_t size, int64_t timeout_ns);
int64_t claim_frame(struct rb_sequencer *s, uint32_t size, int64_t timeout_ns);

/* Reads and checks all from the committed sequence up to `hi` of a channel
 * filled by put(), tombstones allowed; returns how many events there were. */
int64_t take(struct rb_barrier *b, int64_t hi);

/* Is `sequence` published? */
bool is_readable(const struct rb_channel *channel, int64_t sequence);

/* ------------------------------------------------------- the other side */

enum side {
	FORKED,
	THREADED,
};

struct task {
	enum side side;
	pid_t pid;
	pthread_t thread;
	int (*fn)(void *);
	void *arg;
	int result;
};

/* Runs fn(arg) as a child process or as a thread, and waits for its end. */
void task_start(struct task *task, enum side side, int (*fn)(void *),
		void *arg);
void task_join(struct task *task);

/* ------------------------------------------------- several tests from one */

#define KINDS(name)                                                            \
	static void name(enum rb_producers kind);                              \
	TEST(name##_single)                                                    \
	{                                                                      \
		name(RB_SINGLE);                                               \
	}                                                                      \
	TEST(name##_multi)                                                     \
	{                                                                      \
		name(RB_MULTI);                                                \
	}                                                                      \
	static void name(enum rb_producers kind)

#define KINDS_AND_SIDES(name)                                                  \
	static void name(enum rb_producers kind, enum side side);              \
	TEST(name##_single_forked)                                             \
	{                                                                      \
		name(RB_SINGLE, FORKED);                                       \
	}                                                                      \
	TEST(name##_multi_forked)                                              \
	{                                                                      \
		name(RB_MULTI, FORKED);                                        \
	}                                                                      \
	TEST(name##_single_threaded)                                           \
	{                                                                      \
		name(RB_SINGLE, THREADED);                                     \
	}                                                                      \
	TEST(name##_multi_threaded)                                            \
	{                                                                      \
		name(RB_MULTI, THREADED);                                      \
	}                                                                      \
	static void name(enum rb_producers kind, enum side side)

#endif
