/* SPDX-License-Identifier: MIT */
/*
 * util_matrix.h - who can do what: what is expected, what came, and the table of it
 */
#ifndef T_UTIL_MATRIX_H
#define T_UTIL_MATRIX_H

#include <signal.h>

#include "tests/system/util_acts.h"

enum {
	STRANGER,
	TAP,
	CONSUMER,
	PRODUCER,
	ROLES
};

enum isolation {
	NAMED,
	SEALED,
	ISOLATIONS
};

/* What a role gets of a file: a descriptor to read, or also to write. */
enum right {
	NO,
	RO,
	RW
};

#define N_FILE_ACTS 24
#define N_PATH_ACTS 9
#define N_PROCESS_ACTS 7
#define N_SCENE_ACTS 23

/* Results: 0 if it was let; an errno; the death of who tried; no such descriptor. */
#define DIES(signo) (1000 + (signo))
#define NOT_TRIED (-1)

struct file_act {
	const char *name;
	int (*act)(const struct t_prey *);
	int ro; /* with a descriptor to read */
	int rw[ISOLATIONS];
};

struct path_act {
	const char *name;
	int (*act)(const struct t_prey *);
	int result[ISOLATIONS]; /* whatever the role */
};

struct process_act {
	const char *name;
	int (*act)(pid_t);
	int result; /* whatever the role */
};

struct scene_act {
	const char *name;
	int (*act)(const struct t_scene *);
	int result[ROLES];
};

extern const char *const isolations[ISOLATIONS];
extern const enum right rights[2][ROLES][RB_FDS];
extern const struct file_act file_acts[N_FILE_ACTS];
extern const struct path_act path_acts[N_PATH_ACTS];
extern const struct process_act process_acts[N_PROCESS_ACTS];
extern const struct scene_act scene_acts[N_SCENE_ACTS];

/* What came of it. */
struct matrix {
	enum isolation isolation;
	enum rb_clear clear;
	int file[ROLES][N_FILE_ACTS][RB_FDS];
	int path[ROLES][N_PATH_ACTS][RB_FDS];
	int process[ROLES][N_PROCESS_ACTS][2]; /* the daemon, a peer */
	int scene[ROLES][N_SCENE_ACTS];
};

/* Prints all of it, and fails the test if a cell is not as expected. */
void matrix_compare(const struct matrix *m);

#endif
