/* SPDX-License-Identifier: MIT */
/*
 * util_nats.h - a real nats-server for a test, and bridges to it
 *
 *	struct t_nats n;
 *
 *	t_nats_start(&n);
 *	...                                   connect to n.url
 *	t_nats_stop(&n);
 *
 * It listens on a free port of this machine alone, and what it keeps lies in
 * t_tmpdir(). It may be killed and started again, with what it kept or without.
 */
#ifndef T_UTIL_NATS_H
#define T_UTIL_NATS_H

#include <limits.h>
#include <sys/types.h>

#include "tests/t.h"

struct t_nats {
	pid_t pid;
	int port;
	char url[64];
	char folder[PATH_MAX]; /* of what it keeps */
	char log[PATH_MAX];
};

/* Skips the test where there is no nats-server, or no bridge. */
void t_nats_need(void);

/* Finds a port and makes the folder; starts nothing. */
void t_nats_prepare(struct t_nats *nats);

/* Starts it, and waits until it is ready; again at the same port. */
void t_nats_launch(struct t_nats *nats);

/* The same of a server without JetStream, as a package has it. */
void t_nats_launch_plain(struct t_nats *nats);

/* All of the three. */
void t_nats_start(struct t_nats *nats);

/* SIGTERM, or SIGKILL; what it keeps stays. */
void t_nats_stop(struct t_nats *nats);
void t_nats_kill(struct t_nats *nats);

/* SIGSTOP, until it has stopped; and SIGCONT. */
void t_nats_pause(const struct t_nats *nats);
void t_nats_resume(const struct t_nats *nats);

/* What it keeps is put aside, and taken back: what came in between is lost, as if it
 * had not been synced. While it does not run. */
void t_nats_put_aside(const struct t_nats *nats);
void t_nats_take_back(const struct t_nats *nats);

/* The same of one that runs, and runs again: what it gets from the first to the second it
 * will have lost. */
void t_nats_begin_losing(struct t_nats *nats);
void t_nats_lose(struct t_nats *nats);

/* As any program may: a request, and the number "seq" of the answer, or -1. */
int64_t t_nats_request(const struct t_nats *nats, const char *subject,
		       const char *json);

/* Publishes, with headers, each of which ends with a newline. */
void t_nats_publish(const struct t_nats *nats, const char *subject,
		    const char *headers, const void *bytes, size_t size);

/* What has come for it, and it has not read: bytes in the sockets of that port. */
int64_t t_nats_unread(int port);

/* Removes a message of a stream. */
void t_nats_remove(const struct t_nats *nats, const char *stream,
		   int64_t sequence);

#endif
