/* SPDX-License-Identifier: MIT */
/*
 * command.h - the command line
 */
#ifndef EXPORTER_COMMAND_H
#define EXPORTER_COMMAND_H

#include <stdint.h>

#define EXIT_USAGE 2

struct command {
	const char *listen; /* NULL: the usual place */
	const char *socket;
	const char *shm_dir;
	const char *textfile;
	int64_t interval_ns; /* 0: once */
};

/* -1: go on; else the exit code, after what there was to say. */
int command_parse(int argc, char **argv, struct command *ret);

#endif
