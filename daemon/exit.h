/* SPDX-License-Identifier: MIT */
/*
 * exit.h - what ringbusd's exit code says
 *
 * The larger ones are those of sysexits(3).
 */
#ifndef RB_DAEMON_EXIT_H
#define RB_DAEMON_EXIT_H

enum rb_exit {
	RB_EXIT_OK = 0,
	RB_EXIT_FAILURE = 1,
	RB_EXIT_USAGE = 2,
	RB_EXIT_CANNOT_CREATE = 73, /* folder, socket or shared memory */
	RB_EXIT_RUNNING = 75,       /* another daemon is */
	RB_EXIT_CONFIG = 78,
};

#endif
