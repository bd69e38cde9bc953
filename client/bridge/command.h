/* SPDX-License-Identifier: MIT */
/*
 * command.h - the command line
 */
#ifndef BRIDGE_COMMAND_H
#define BRIDGE_COMMAND_H

#include <stdint.h>

#include "client/ctl/setting.h"

#define EXIT_USAGE 2

struct command {
	const char *socket;
	int64_t map;     /* a slot to look up, or -1 */
	int64_t message; /* a message to look up, 0 is the last, or -1 */
	struct setting_source settings; /* given on the command line */
};

/* -1: go on; else the exit code, after what there was to say. */
int command_parse(int argc, char **argv, struct command *ret);

#endif
