/* SPDX-License-Identifier: MIT */
/*
 * program.h - the programs that are not ours: daemon, journal, bridge, server
 *
 * Each is the one beside this program, else that of PATH, or of the folders of
 * system programs, which is not in everybody's. What it says goes into a file in the
 * demo's folder.
 */
#ifndef DEMO_PROGRAM_H
#define DEMO_PROGRAM_H

#include <stdbool.h>

#include "examples/demo/demo.h"

/* Whether there is one. */
bool program_exists(const char *program);

/* Become them; they say it as NAME.log. */
__attribute__((noreturn)) void program_become_daemon(const struct demo *demo);
__attribute__((noreturn)) void program_become_journal(const struct demo *demo);
__attribute__((noreturn)) void program_become_bridge(const struct demo *demo,
						     const char *name,
						     const char *channel);
__attribute__((noreturn)) void program_become_server(const struct demo *demo);

/* Prints what it said so far. */
void program_show_log(const struct demo *demo, const char *name);

/* Whether the daemon answers. */
bool daemon_answers(const struct place *place);

/* The port that the server has chosen; 0 as long as it has not. */
unsigned server_port(const struct place *place, pid_t pid);

#endif
