/* SPDX-License-Identifier: MIT */
/*
 * process.c - what the process of a member is doing, as /proc has it
 */
#include "client/ctl/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *
word_of_state(char state)
{
	switch (state) {
	case 'R':
		return "running";
	case 'T':
		return "stopped";
	case 't':
		return "traced";
	case 'Z':
	case 'X':
		return "zombie";
	default:
		return "sleeping";
	}
}

/* The name in front of the state may hold anything. */
const char *
process_state(int64_t pid)
{
	char path[48], stat[512];
	const char *at;
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return "gone";
	n = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	stat[n] = '\0';
	at = strrchr(stat, ')');
	return at != NULL && at[1] == ' ' ? word_of_state(at[2]) : "gone";
}
