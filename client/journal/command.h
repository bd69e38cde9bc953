/* SPDX-License-Identifier: MIT */
/*
 * command.h - the command line
 */
#ifndef JOURNAL_COMMAND_H
#define JOURNAL_COMMAND_H

#include "client/ctl/setting.h"

#define EXIT_USAGE 2

struct command {
	const char *socket;
	struct setting_source settings; /* given on the command line */
};

/* -1: go on; else the exit code, after what there was to say. */
int command_parse(int argc, char **argv, struct command *ret);

#endif
