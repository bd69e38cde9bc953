/* SPDX-License-Identifier: MIT */
/*
 * util_host.h - machines that are none: a network, a /dev/shm and a /run each
 *
 *	struct t_host a = { .name = "a" }, b = { .name = "b" };
 *
 *	t_host_open(&a, "channels: ...");
 *	t_host_open(&b, "channels: ...");
 *	t_host_connect(&a, &b);
 *	t_daemon_launch_in ...
 *
 * A host has its daemon, at the usual places of the file system that its own
 * processes see; out here they are below /proc/PID/root, so that host.daemon can
 * be talked to as any other. Two hosts have one cable, and no other network than
 * that and `lo`.
 */
#ifndef T_UTIL_HOST_H
#define T_UTIL_HOST_H

#include "tests/system/util_daemon.h"

struct t_host {
	const char *name;    /* set before it is opened */
	const char *address; /* once it is connected */
	pid_t keeper;        /* holds the namespaces */
	struct t_daemon daemon;
};

/* Skips the test where no host can be made. */
void t_host_need(void);

/* Makes it, and starts its daemon. */
void t_host_open(struct t_host *host, const char *yaml);

/* Stops its daemon; what it still runs has lost its place. */
void t_host_close(struct t_host *host);

/* As t_child(), in there. */
pid_t t_host_child(const struct t_host *host, t_child_fn fn, void *arg);

/* As t_spawn(), in there, with its output at the end of this file. */
pid_t t_host_spawn(const struct t_host *host, const char *log,
		   const char *const argv[]);

/* Runs a line of shell in there, which has to succeed. */
__attribute__((format(printf, 2, 3))) void t_host_sh(const struct t_host *host,
						     const char *format, ...);

/* After a kill, or with another configuration. */
void t_host_restart_daemon(struct t_host *host);

/* One cable between both. */
void t_host_connect(struct t_host *a, struct t_host *b);

/* The plug is pulled at `host`, which can know it; and put in again. */
void t_host_unplug(const struct t_host *host);
void t_host_plug(const struct t_host *host);

/* What `host` sends is lost on the way, and nobody is told; and no longer. */
void t_host_lose(const struct t_host *host, const struct t_host *to);
void t_host_find(const struct t_host *host, const struct t_host *to);

#endif
