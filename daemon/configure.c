/* SPDX-License-Identifier: MIT */
/*
 * configure.c - RELOAD, REPORT: requests about the configuration
 *
 * The report is that of the last reload, whoever asked for it, or a signal.
 */
#include <errno.h>
#include <stdio.h>

#include "daemon/reload.h"
#include "daemon/request.h"
#include "daemon/rights.h"

int
rb_request_reload(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_daemon *daemon = peer->daemon;
	const struct rb_report *report = &daemon->report;
	unsigned flags = 0;
	int err = rb_rights_check_daemon(peer, answer, "reload it");

	if (err < 0)
		return err;
	if (daemon->stopping)
		return rb_request_refuse(peer, answer, -ESHUTDOWN,
					 "this ringbusd is stopping");
	if ((answer->flags & RB_CONTROL_DRY) != 0)
		flags |= RB_RELOAD_DRY;
	if ((answer->flags & RB_CONTROL_RECREATE) != 0)
		flags |= RB_RELOAD_RECREATE;
	rb_user_log(peer->user, LOG_INFO, "pid %d (uid %u) asks for a reload",
		    peer->who.pid, peer->who.uid);
	err = rb_reload(daemon, flags);
	if (err < 0)
		return rb_request_refuse(peer, answer, err, "%s",
					 report->n > 0
						 ? report->lines[report->n - 1]
						 : "out of memory");
	return 0;
}

int
rb_request_report(struct rb_peer *peer, struct rb_control *answer)
{
	const struct rb_report *report = &peer->daemon->report;
	int err = rb_rights_check_daemon(peer, answer, "see its report");

	if (err < 0)
		return err;
	if (answer->index >= report->n) {
		answer->result = -ENOENT; /* the end is no refusal */
		return -ENOENT;
	}
	snprintf(answer->text, sizeof(answer->text), "%s",
		 report->lines[answer->index]);
	return 0;
}
