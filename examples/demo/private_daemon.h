/* SPDX-License-Identifier: MIT */
/*
 * private_daemon.h - a ringbusd of our own, in folders of its own
 *
 * Needs neither root nor systemd nor any configuration of the machine.
 */
#ifndef DEMO_PRIVATE_DAEMON_H
#define DEMO_PRIVATE_DAEMON_H

#include <stdbool.h>

#include "examples/demo/demo.h"

/* Makes the folders and the configuration. Prints what fails; 0 or -1. What was
 * made goes away with us, however we end; unless `keep`, but shared memory is
 * never kept: nobody would ever free it. */
int place_make(struct place *place, bool keep);

/* Removes what was made, and says what is kept. */
void place_remove(struct place *place);

/* Becomes ringbusd: the one beside this program, or else that of PATH. */
__attribute__((noreturn)) void daemon_become(const struct place *place);

/* Whether it answers. */
bool daemon_answers(const struct place *place);

/* Prints what it said so far. */
void daemon_show_log(const struct place *place);

#endif
