/* SPDX-License-Identifier: MIT */
/*
 * util_victim.h - who is in a channel when somebody truncates it
 *
 *	struct t_victims v;
 *
 *	t_victims_begin(&v, T_FLOW);
 *	t_victims_add(&v, t_victim_consume);
 *	t_victims_await(&v, 3);               all are at it
 *	t_victims_cut(&v, RB_FILE_RING, 0);   by a producer that may write it
 *	t_victims_end(&v);                    all were told so, in their next call
 *	t_victims_renew(&v);                  and a reload makes the channel anew
 *
 * The channel is called "a". Beside it goes on "b", of which each event is
 * checked. An event is a number that is not 0, again and again; who reads finds
 * no other in what he could commit, unless a page was cut in its middle: the
 * kernel fills the rest of it with zeroes, and nothing faults.
 */
#ifndef T_UTIL_VICTIM_H
#define T_UTIL_VICTIM_H

#include "tests/system/util_bus.h"
#include "tests/system/util_peer.h"

#define T_VICTIMS_MAX 16

/* "a" for a flow, or one in which all fall asleep: its one consumer that gates,
 * which is the attacker's, does not read. */
#define T_FLOW "slots: 4096, event_size: 64, producers: multi"
#define T_CALM                                                                 \
	"slots: 64, event_size: 64, producers: multi, wait: blocking,"         \
	" consumers: { team: { group: true, slow: gate } }"

struct t_victim {
	const struct t_daemon *daemon;
	struct rb_word64 *moves; /* of its own, to see that it is at it */
	struct rb_word64 *error; /* that it got, as a positive number */
	struct rb_word64 *blurs; /* not 0: a page was cut in its middle */
};

/* What one does until a call fails; returns the error. */
typedef int (*t_victim_fn)(struct t_victim *self, struct ringbus *bus);

int t_victim_publish(struct t_victim *self, struct ringbus *bus);
int t_victim_publish_batches(struct t_victim *self, struct ringbus *bus);
int t_victim_consume(struct t_victim *self, struct ringbus *bus);
int t_victim_span(struct t_victim *self, struct ringbus *bus);
int t_victim_run(struct t_victim *self, struct ringbus *bus);
int t_victim_poll(struct t_victim *self, struct ringbus *bus);
int t_victim_lag(struct t_victim *self, struct ringbus *bus);
int t_victim_tap(struct t_victim *self, struct ringbus *bus);
int t_victim_work(struct t_victim *self, struct ringbus *bus);
int t_victim_drain(struct t_victim *self, struct ringbus *bus);
int t_victim_sleep_by_fd(struct t_victim *self, struct ringbus *bus);

struct t_victims {
	struct t_daemon d;
	char keys[512];
	/* The attacker, by hand. */
	int peer;
	struct rb_control producer, consumer;
	int fds[RB_FILES]; /* that it may write; of meta none */
	unsigned n;
	struct t_victim all[T_VICTIMS_MAX];
	pid_t pids[T_VICTIMS_MAX];
	pid_t bystander;
	struct rb_word64 *passed; /* events of "b" */
	struct rb_word64 *stop;
	struct rb_word64 *blurs;
};

/* Starts daemon, attacker and bystander. */
void t_victims_begin(struct t_victims *v, const char *keys);
void t_victims_add(struct t_victims *v, t_victim_fn act);

/* Until each has moved so often, the first time when it is let in; or until all
 * are asleep. */
void t_victims_await(struct t_victims *v, uint64_t n);
void t_victims_await_sleep(struct t_victims *v);

/* The size that a file should have; and shortens it. */
off_t t_victims_size(const struct t_victims *v, enum rb_file file);
void t_victims_cut(struct t_victims *v, enum rb_file file, off_t size);

/* All got -EBADMSG and ended; nobody is let in; "b" has gone on meanwhile. */
void t_victims_end(struct t_victims *v);

/* The attacker leaves, and SIGHUP makes the channel anew: it is in again. */
void t_victims_renew(struct t_victims *v);

/* Stops everything. */
void t_victims_finish(struct t_victims *v);

#endif
