/* SPDX-License-Identifier: MIT */
/*
 * host.h - a real daemon in this process, that runs only when it is told to
 *
 * It has a folder of its own for its socket and its channels. Clients are sockets
 * of this same process. What there is to do for it, it does in host_settle(), and
 * nothing in between: so an input has the same course each time.
 */
#ifndef FUZZ_HOST_H
#define FUZZ_HOST_H

#include "daemon/daemon.h"
#include "tests/fuzz/fuzz.h"

/* The name of the one channel of its configuration. */
#define HOST_CHANNEL "declared"

/* Made at the first call. */
struct rb_daemon *host_get(void);

/* Until nobody has said anything that it has not heard. */
void host_settle(void);

/* A new connection to it; no message is sent. */
int host_connect(void);

/* The channel of the configuration is made anew, whatever became of it. */
void host_renew(void);

/* How much of everything the process holds: what comes has to go. */
struct host_census {
	unsigned n_fds;
	unsigned n_files; /* in the folder of the channels */
	unsigned n_hosted;
	unsigned n_peers;
	unsigned n_greeted;
	unsigned n_processes;
	unsigned n_memberships;
	unsigned n_dying;
};

void host_count(struct host_census *ret);
void host_expect_same(const struct host_census *before,
		      const struct host_census *after);

#endif
