/* SPDX-License-Identifier: MIT */
/*
 * demo.h - what all processes of the demo know
 *
 *	             +-> journal --------------------------+
 *	producer ----+                                     +--> app
 *	             +-> replicate -----------------------+
 *	                     |
 *	                  NATS --> copy --> replica
 *
 * One channel, its members each a process. `journal` is ringbus-journal, which writes
 * every event to files. `replicate` is ringbus-bridge, which sends it to a private
 * nats-server; a second one brings it into the channel `copy`, as on another machine,
 * where `replica` sees it. Where there is no NATS, `replicate` is ours and sends it
 * to `replica` directly. `app` sees it when journal and replicate are done. The parent
 * starts them, watches them, shows them, and at the end compares what each of them
 * saw.
 */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum role {
	ROLE_PRODUCER,
	ROLE_JOURNAL,
	ROLE_REPLICATE,
	ROLE_REPLICA,
	ROLE_APP,
	N_ROLES,
};

extern const char *const role_names[N_ROLES];

#define DEMO_PATH_SIZE 512
#define DEMO_EVENTS UINT64_C(10000000)

/* A line of the input that is longer goes in pieces. */
#define DEMO_TEXT_MAX 65536

/* The files of this run; see place.h. */
struct place {
	char dir[DEMO_PATH_SIZE / 2]; /* everything that is no shared memory */
	char shm[DEMO_PATH_SIZE / 2];
	char config[DEMO_PATH_SIZE];
	char socket[DEMO_PATH_SIZE];
	char journal[DEMO_PATH_SIZE]; /* a folder */
	char replica[DEMO_PATH_SIZE]; /* only of an input file */
	bool keep;
	pid_t janitor; /* removes the folders, 0 before there are any */
	int alive;     /* it does so once nobody has this pipe any more */
};

struct demo {
	const char *input;   /* the file to publish; NULL: orders */
	uint64_t n_orders;   /* how many, if there is no input */
	const char *channel; /* "orders" or "lines" */
	bool has_nats;       /* else replicate and replica are ours alone */
	unsigned port;       /* of the private nats-server */
	struct place place;
	int board;   /* see board.h */
	int link[2]; /* replicate's end, replica's end */
	int ready
		[2]; /* each process of ours writes a byte once it is attached */
	int go[2];   /* the producer waits for a byte */
};

/* Whether the process of this role is a program with a life outside the demo. */
static inline bool
is_program(const struct demo *demo, enum role role)
{
	return role == ROLE_JOURNAL ||
	       (role == ROLE_REPLICATE && demo->has_nats);
}

#endif
