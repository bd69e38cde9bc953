/* SPDX-License-Identifier: MIT */
/*
 * command.h - the command line
 */
#ifndef JOURNAL_COMMAND_H
#define JOURNAL_COMMAND_H

#define EXIT_USAGE 2

#define COMMAND_SETTINGS 32

struct command {
	const char *socket;
	const char *channel;
	const char *settings[COMMAND_SETTINGS]; /* KEY=VALUE */
	int n_settings;
};

/* -1: go on; else the exit code, after what there was to say. */
int command_parse(int argc, char **argv, struct command *ret);

#endif
