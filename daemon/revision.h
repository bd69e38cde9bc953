/* SPDX-License-Identifier: MIT */
/*
 * revision.h - what becomes of each channel by another configuration
 *
 * Decides, and changes nothing but the report. What is wanted either can be had
 * now, all of it, or the report says what stands against it:
 *
 *   is there   is wanted           then
 *   no         yes                 MAKE
 *   yes        the same            KEEP
 *   yes        with what is live   KEEP, with that
 *   yes        otherwise           REPLACE, if nobody is in it and no kept
 *                                  consumer has anything unread;
 *                                  DRAIN, if that is asked for; else in the way
 *   broken     yes                 REPLACE once nobody is in it, till then KEEP
 *   yes        no                  RETIRE
 */
#ifndef RB_DAEMON_REVISION_H
#define RB_DAEMON_REVISION_H

#include "daemon/daemon.h"
#include "daemon/report.h"

enum rb_fate {
	RB_FATE_KEEP,
	RB_FATE_MAKE,
	RB_FATE_REPLACE,
	RB_FATE_DRAIN,
	RB_FATE_RETIRE,
};

struct rb_revised {
	enum rb_fate fate;
	struct rb_hosted *hosted; /* NULL: there is none */
	const struct rb_config_channel
		*before; /* by which it was made, or NULL */
	const struct rb_config_channel *config; /* NULL: no more */
	struct rb_hosted *made;                 /* in its stead, not placed */
};

struct rb_revision {
	struct rb_daemon *daemon;
	const struct rb_config *config;
	struct rb_report *report;
	bool recreate; /* what is used may be drained */
	unsigned n_blocked;
	unsigned n_changes;
	unsigned n;
	struct rb_revised *all;
};

/* Fills in `all` for what is set in front of it. 0 or -ENOMEM. */
int rb_revision_decide(struct rb_revision *revision);
void rb_revision_deinit(struct rb_revision *revision);

#endif
