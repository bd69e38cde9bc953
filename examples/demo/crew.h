/* SPDX-License-Identifier: MIT */
/*
 * crew.h - the processes of the demo: start, watch, end
 *
 * The parent takes SIGCHLD and the signals that ask it to stop from a
 * descriptor, so that it can wait for them and for other things at once. What it
 * started dies with it, even if it is killed.
 */
#ifndef DEMO_CREW_H
#define DEMO_CREW_H

#include <stdbool.h>
#include <sys/types.h>

#include "examples/demo/demo.h"

/* Places in the crew behind the five roles: who never ends by himself. */
#define CREW_DAEMON N_ROLES
#define CREW_SERVER (N_ROLES + 1) /* of NATS */
#define CREW_COPY (N_ROLES + 2)   /* brings the stream back from there */
#define CREW_SIZE (N_ROLES + 3)

struct crew {
	const struct demo *demo;
	int signals; /* signalfd */
	pid_t pids[CREW_SIZE];
	int stopped_by;  /* the signal that asked us to stop */
	bool failed;     /* someone ended as nobody should; was printed */
	unsigned n_done; /* roles that ended well */
};

/* Prints what fails; 0 or -1. */
int crew_init(struct crew *crew, const struct demo *demo);

/* Each waits until it answers. */
int crew_start_server(struct crew *crew, unsigned *ret_port);
int crew_start_daemon(struct crew *crew);

/* The roles, and what they need of NATS. */
int crew_start_roles(struct crew *crew);

/* Waits for signals or until `fd` (-1: none) is readable, and collects and
 * reports the dead. False if the demo is to stop. */
bool crew_wait(struct crew *crew, int fd, int timeout_ms);

/* Has the programs among the roles end, which have a life beyond this stream. */
void crew_end_programs(struct crew *crew);

/* Ends those that still run, at once, and then the daemon, cleanly. */
void crew_stop(struct crew *crew);

#endif
