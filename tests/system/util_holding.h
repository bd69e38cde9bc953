/* SPDX-License-Identifier: MIT */
/*
 * util_holding.h - what a daemon holds, to be counted before and after
 */
#ifndef T_UTIL_HOLDING_H
#define T_UTIL_HOLDING_H

#include "tests/system/util_daemon.h"

struct t_holding {
	unsigned n_fds;
	unsigned
		n_mappings; /* shared ones, as segments are; its heap has others */
	unsigned n_entries; /* of its shared memory folder, hidden ones too */
	unsigned rss_kib;
};

struct t_holding t_daemon_holds(const struct t_daemon *daemon);

/* Its descriptors once it has seen all that happened before, with those by which
 * this is made sure. */
unsigned t_daemon_count_fds(const struct t_daemon *daemon);

/*
 * A connection to it, that is the only one of this process: what others had, the
 * daemon has closed. While it is open, a count stands for nobody's.
 */
int t_daemon_witness(const struct t_daemon *daemon);

/* From now on it can open so many descriptors more. */
void t_daemon_spare_fds(const struct t_daemon *daemon, unsigned n);

#endif
