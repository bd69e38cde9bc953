/* SPDX-License-Identifier: MIT */
/*
 * remote.h - another process that a test drives call by call
 *
 *	struct t_remote p, c;
 *
 *	t_remote_start(&p, &b.daemon);
 *	t_remote_start(&c, &b.daemon);
 *	t_remote_join(&c, "reader", RINGBUS_FROM_NOW);
 *	t_remote_produce(&p, NULL);
 *	t_remote_begin_wait(&c, RINGBUS_FOREVER);
 *	t_until(t_remote_sleeps(&c));
 *	ck_assert_int_eq(t_remote_write(&p, 7, RINGBUS_NOW), 0);
 *	ck_assert_int_eq(t_remote_collect(&c), 0);
 *	t_remote_end(&p);
 *	t_remote_end(&c);
 *
 * A remote is a forked child with a connection of its own, at most one producer
 * and one consumer, both of the channel "a" of util_bus.h. It uses the public
 * library alone. Each call goes over a socket as a request, is made there, and
 * comes back as its result; so the test decides in which order things happen in
 * which process. A call that may block can be begun now and collected later.
 *
 * Requests are functions of this program: t_remote_call() has any one run there.
 * As the child is a fork, literals, functions and what t_counter() gave before
 * the start are the same there; all else goes along by its bytes. The strings of
 * a consumer's options do so too.
 */
#ifndef T_REMOTE_H
#define T_REMOTE_H

#include "client/ringbus.h"
#include "tests/system/util_bus.h"

#define T_REMOTE_ARG 1024 /* bytes of an argument, at most */

/* What a call finds in the other process. */
struct t_place {
	struct ringbus *bus;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	void *own; /* whatever functions of the test keep there */
};

/*
 * What is run there. `arg` is a copy of the caller's, and copied back. A failed
 * assertion fails the test.
 */
typedef int64_t (*t_remote_fn)(struct t_place *place, void *arg);

struct t_remote {
	pid_t pid;
	int fds[2];              /* to its main thread, to its second one */
	struct rb_word64 *stage; /* of the call: 1 being made, 2 made */
	bool is_begun;
	void *arg; /* of the call that is begun */
	size_t arg_size;
	int64_t numbers[2]; /* such an argument of a begun call below */
};

/* Forks, and connects there. */
void t_remote_start(struct t_remote *r, const struct t_daemon *daemon);

/* Closes what is open there, and waits for its end. */
void t_remote_end(struct t_remote *r);

/* SIGKILL at whatever it does, also inside a call. */
void t_remote_kill(struct t_remote *r);

/* Has fn(place, arg) run there, by its main thread, and waits for the result.
 * NULL, 0: no argument. */
int64_t t_remote_call(struct t_remote *r, t_remote_fn fn, void *arg,
		      size_t arg_size);

/* The same in two: `arg` has to live until it is collected. */
void t_remote_begin(struct t_remote *r, t_remote_fn fn, void *arg,
		    size_t arg_size);
int64_t t_remote_collect(struct t_remote *r);

/* Runs fn in a second thread of that process, while a call is begun or not. */
int64_t t_remote_meanwhile(struct t_remote *r, t_remote_fn fn, void *arg,
			   size_t arg_size);

/* For t_until(): the begun call is being made; it sleeps in the kernel; it has
 * ended. */
bool t_remote_is_inside(const struct t_remote *r);
bool t_remote_sleeps(const struct t_remote *r);
bool t_remote_is_done(const struct t_remote *r);

/* --------------------------------------------------------- producers */

/* Opens. The first returns the error, the other fails the test with it. */
int64_t t_remote_try_produce(struct t_remote *r,
			     const struct ringbus_producer_options *options);
void t_remote_produce(struct t_remote *r,
		      const struct ringbus_producer_options *options);

/* Claims, and writes into each slot its sequence. */
int64_t t_remote_claim(struct t_remote *r, int64_t n, int64_t timeout_ns);
void t_remote_begin_claim(struct t_remote *r, int64_t n, int64_t timeout_ns);

int64_t t_remote_publish(struct t_remote *r, int64_t lowest, int64_t highest);

/* Claims, fills and publishes n; returns the highest. */
int64_t t_remote_put(struct t_remote *r, int64_t n, int64_t timeout_ns);
void t_remote_begin_put(struct t_remote *r, int64_t n, int64_t timeout_ns);

/* An event with this number in it. */
int64_t t_remote_write(struct t_remote *r, uint64_t value, int64_t timeout_ns);
void t_remote_begin_write(struct t_remote *r, uint64_t value,
			  int64_t timeout_ns);

int64_t t_remote_remaining(struct t_remote *r);
int64_t t_remote_drain(struct t_remote *r, int64_t timeout_ns);
void t_remote_begin_drain(struct t_remote *r, int64_t timeout_ns);

/* From the second thread. */
void t_remote_cancel(struct t_remote *r);

void t_remote_close_producer(struct t_remote *r);

/* --------------------------------------------------------- consumers */

int64_t t_remote_try_consume(struct t_remote *r,
			     const struct ringbus_consumer_options *options);
void t_remote_consume(struct t_remote *r,
		      const struct ringbus_consumer_options *options);
void t_remote_join(struct t_remote *r, const char *name, int64_t from);

int64_t t_remote_wait(struct t_remote *r, int64_t timeout_ns);
void t_remote_begin_wait(struct t_remote *r, int64_t timeout_ns);

/* 1, 0 or an error; *ret_value is the number in the event, and may be NULL. */
int64_t t_remote_next(struct t_remote *r, uint64_t *ret_value);

int64_t t_remote_commit(struct t_remote *r);

/* Reads first..last, waiting for them, and commits each; another number fails
 * the test. */
void t_remote_take(struct t_remote *r, uint64_t first, uint64_t last);

/* There is nothing to read there now. */
void t_remote_nothing(struct t_remote *r);

int64_t t_remote_sequence(struct t_remote *r);

/* From the second thread. */
void t_remote_halt(struct t_remote *r);

void t_remote_close_consumer(struct t_remote *r);

/* What the daemon said about its last refusal of that process. Valid until the
 * next call of this. */
const char *t_remote_error(struct t_remote *r);

/* ------------------------------------------- the usual beginning and end */

/* A daemon with the channel "a", a producer in one process, a consumer called
 * "c" in another, and a look at the channel from a third, the test. */
struct t_pair {
	struct t_bus b;
	const struct ringbus_channel *channel;
	struct t_remote p, c;
};

/* 16 slots of 8 bytes, blocking; or with these keys of the channel. */
void t_pair_begin(struct t_pair *x, enum rb_producers kind);
void t_pair_begin_with(struct t_pair *x, enum rb_producers kind,
		       const char *keys);
void t_pair_end(struct t_pair *x);

/* One more process. */
void t_pair_consumer(struct t_pair *x, struct t_remote *ret, const char *name);

#endif
