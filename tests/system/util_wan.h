/* SPDX-License-Identifier: MIT */
/*
 * util_wan.h - from a ring on one host to a ring on another, by way of a real
 * nats-server, under events that can be checked
 *
 *	struct t_wan w = { .server_at = 1 };
 *
 *	t_wan_begin(&w);
 *	while (t_wan_goes_on(&w))
 *		t_wan_restart(&w, T_WAN_EXPORTER);
 *	t_wan_end(&w);
 *
 *	host 0: producer > ring "a" > exporter ...> nats-server
 *	host 1: consumer < ring "a" < importer <.........'
 *
 * All that is started is a process of its own, in the network of its host. A test
 * goes on for T_WAN_ROUNDS rounds of whatever it does; with WAN_EVENTS in the
 * environment until that many events have been sent, a round a second. What does
 * not work fails the test, with the last that everybody has said.
 */
#ifndef T_UTIL_WAN_H
#define T_UTIL_WAN_H

#include "tests/system/util_flow.h"
#include "tests/system/util_host.h"

#define T_WAN_PORT 4222
#define T_WAN_ROUNDS 4
#define T_WAN_PATIENCE 40 /* seconds until events come again */

enum t_wan_process {
	T_WAN_SERVER,
	T_WAN_EXPORTER,
	T_WAN_IMPORTER,
	T_WAN_PRODUCER,
	T_WAN_CONSUMER,
	T_WAN_PROCESSES
};

struct t_wan {
	/* May be set before the begin. */
	int server_at; /* the host with the server, 0 or 1 */
	bool is_framed;
	int slots[2];  /* of the rings; 0: 16384 */
	bool is_paced; /* some 100,000 events a second; else all there can be */
	int rounds;    /* 0: T_WAN_ROUNDS */
	const char *bridge[2]; /* more settings of a host's: ", window: 8" */
	const char *url;       /* of the server; NULL: its address and port */
	const char *server;    /* more of its configuration */
	/* Filled in by it. */
	struct t_host hosts[2];
	pid_t pids[T_WAN_PROCESSES]; /* 0: does not run */
	struct t_flow sent, received;
	bool is_long;
	uint64_t end; /* how many are sent in all, if nobody says stop */
	int n_rounds;
};

/* Skips the test where something that it takes is missing. */
void t_wan_begin(struct t_wan *wan);

/* In steps: hosts and server; then the bridges and the flow. */
void t_wan_prepare(struct t_wan *wan);
void t_wan_flow(struct t_wan *wan);

/* Starts what was killed, or not yet started. */
void t_wan_start(struct t_wan *wan, enum t_wan_process process);

/* SIGKILL; and start. */
void t_wan_kill(struct t_wan *wan, enum t_wan_process process);
void t_wan_restart(struct t_wan *wan, enum t_wan_process process);

/* True for another round: events have come through since the last one. */
bool t_wan_goes_on(struct t_wan *wan);

/* True once all has been sent that is to be, in the long form. */
bool t_wan_has_all_sent(const struct t_wan *wan);

/* Until that many more events have arrived at the far end. */
void t_wan_await(struct t_wan *wan, uint64_t n);

/* Kills the producer, and waits until all there is has arrived. */
void t_wan_drain(struct t_wan *wan);

/* While there is no producer: has so many more sent, and waits until they arrive. */
void t_wan_send(struct t_wan *wan, uint64_t n);

/*
 * Nothing more is sent; what was has to arrive, once and in order, and both bridges
 * have to leave as they should. Then there is nothing of it any more.
 */
void t_wan_end(struct t_wan *wan);

/* True if there is no room in the ring of a host. */
bool t_wan_is_full(const struct t_wan *wan, int host);

/* How often a process has said this. */
unsigned t_wan_said(const struct t_wan *wan, enum t_wan_process process,
		    const char *text);

/* Fails the test if one that runs has ended by itself. */
void t_wan_look(const struct t_wan *wan);

/* Fails the test, with what all have said last. */
__attribute__((noreturn, format(printf, 2, 3))) void t_wan_fail(
	const struct t_wan *wan, const char *format, ...);

#define t_wan_until(wan, cond)                                                 \
	do {                                                                   \
		struct t_deadline t_deadline_ = t_deadline(T_WAN_PATIENCE);    \
                                                                               \
		for (; !(cond); t_wan_look(wan))                               \
			if (!t_deadline_nap(&t_deadline_))                     \
				t_wan_fail(wan, "%s:%d: not in %d s: %s",      \
					   __FILE__, __LINE__, T_WAN_PATIENCE, \
					   #cond);                             \
	} while (0)

#endif
