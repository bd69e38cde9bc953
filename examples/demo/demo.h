/* SPDX-License-Identifier: MIT */
/*
 * demo.h - what all processes of the demo know
 *
 *	             +-> journal ----------------+
 *	producer ----+                           +--> app
 *	             +-> replicate <-> replica --+
 *
 * One channel, five processes. `journal` writes every event to a file,
 * `replicate` sends it to the process `replica` and waits until that has it,
 * and `app` sees it when both are done. The parent starts them, watches them,
 * shows them, and at the end compares what each of them saw.
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

/* The private daemon's files; see private_daemon.h. */
struct place {
	char dir[DEMO_PATH_SIZE / 2]; /* everything that is no shared memory */
	char shm[DEMO_PATH_SIZE / 2];
	char config[DEMO_PATH_SIZE];
	char socket[DEMO_PATH_SIZE];
	char log[DEMO_PATH_SIZE]; /* what the daemon says */
	char journal[DEMO_PATH_SIZE];
	char replica[DEMO_PATH_SIZE]; /* only of an input file */
	bool keep;
	pid_t janitor; /* removes the folders, 0 before there are any */
	int alive;     /* it does so once nobody has this pipe any more */
};

struct demo {
	const char *input;   /* the file to publish; NULL: orders */
	uint64_t n_orders;   /* how many, if there is no input */
	const char *channel; /* "orders" or "lines" */
	struct place place;
	int board;    /* see board.h */
	int link[2];  /* replicate's end, replica's end */
	int ready[2]; /* each process writes a byte once it is attached */
	int go[2];    /* the producer waits for a byte */
};

#endif
