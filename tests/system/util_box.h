/* SPDX-License-Identifier: MIT */
/*
 * util_box.h - a container: a process that shares with this machine nothing but
 * the kernel and the folder of a daemon's socket
 *
 *	struct t_box box = { .daemon = &d };
 *
 *	t_box_prepare(&d, "channels: ...");
 *	t_daemon_launch(&d, NULL);
 *	t_box_start(&box, run, arg);
 *	...
 *	t_box_kill(&box);
 *
 * It has IPC, PID, network, mount, UTS and cgroup namespaces of its own, and if
 * asked for one of users. Its root is an empty tmpfs with /proc, a /dev/shm of
 * its own, and the folder bound to /run/ringbus, read-only: where the library
 * looks first, so that it connects to NULL. There is no program in there: it
 * runs on what this test has mapped.
 */
#ifndef T_UTIL_BOX_H
#define T_UTIL_BOX_H

#include "tests/system/util_bus.h"

struct t_box {
	/* May be set before the start. */
	const struct t_daemon *daemon;
	uid_t uid; /* who its root is out here; 0: no user namespace */
	/* Filled in by it. */
	pid_t pid;
	struct rb_word64 *init; /* the pid, out here, of its first process */
	t_child_fn run;
	void *arg;
};

/* Skips the test where no container can be made. */
void t_box_need(void);

/* As t_daemon_prepare(), with the socket in a folder of its own. */
void t_box_prepare(struct t_daemon *daemon, const char *yaml);

/* Runs run(arg) as the second process in there. */
void t_box_start(struct t_box *box, t_child_fn run, void *arg);

/* SIGKILL of the first one, which takes all others with it. */
void t_box_kill(struct t_box *box);

/* Waits for its end, which has to be a success. */
void t_box_join(struct t_box *box);

/* In there: the daemon, or -1 with the reason in ringbus_error(NULL). */
struct ringbus *t_box_connect(void);

#endif
