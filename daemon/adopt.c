/* SPDX-License-Identifier: MIT */
/*
 * adopt.c - see adopt.h
 */
#include "daemon/adopt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/judge.h"
#include "daemon/leavings.h"
#include "daemon/log.h"
#include "daemon/pages.h"
#include "daemon/renewal.h"
#include "daemon/shape.h"
#include "shm/member.h"

/* ------------------------------------------------------------- not to serve */

static int
refuse(struct rb_daemon *daemon, struct rb_hosted *hosted,
       const struct rb_judgement *judgement)
{
	bool wanted = hosted->config != NULL;
	int err = 0;

	if (judgement->err == -ENOENT && !wanted) {
		rb_log_info("%s/%s is no channel: left alone",
			    daemon->registry.maker.shm_dir, hosted->name);
	} else {
		rb_event_tell(NULL, LOG_ERR,
			      RB_ABOUT(RB_EVENT_REFUSE, hosted->name),
			      "channel %s is not served: %s", hosted->name,
			      judgement->why);
		err = rb_registry_refuse(&daemon->registry, hosted->name,
					 judgement->err, judgement->why);
		if (err == 0)
			SLIST_FIRST(&daemon->registry.refused)->outdated =
				judgement->outdated;
	}
	rb_hosted_free(hosted);
	return err;
}

static int
discard(struct rb_daemon *daemon, struct rb_hosted *hosted, const char *why)
{
	struct rb_judgement j = { .verdict = RB_VERDICT_LEAVE,
				  .err = -EBADMSG };
	int err;

	if (hosted->channel.meta != NULL) /* for its taps */
		rb_hosted_retire(hosted, true);
	err = rb_folder_remove(&daemon->registry.maker, hosted);
	if (err == 0) {
		rb_log_info("channel %s of an earlier daemon %s: removed",
			    hosted->name, why);
		rb_hosted_free(hosted);
		return 0;
	}
	snprintf(
		j.why, sizeof(j.why),
		"%s/%s: %.90s, and cannot be removed: %s; remove it, and start "
		"ringbusd again",
		daemon->registry.maker.shm_dir, hosted->name, why,
		strerror(-err));
	return refuse(daemon, hosted, &j);
}

/* Who they are is not to be known without its memory. */
static void
tell_lost(const struct rb_hosted *hosted)
{
	rb_log_warning("channel %s: who is still in it goes on, but nobody can "
		       "join them; start them anew",
		       hosted->name);
}

/* ------------------------------------------------------------------- to serve */

/* One whose user cannot be told is nobody's. 0 or -ENOMEM. */
static int
charge_member(struct rb_daemon *daemon, struct rb_membership *membership)
{
	const struct rb_process *process = membership->process;
	struct rb_user *user;
	uid_t uid;

	if (rb_process_uid(process->pid, process->pidfd, &uid) < 0)
		return 0;
	if (rb_user_get(&daemon->users, uid, &user) < 0)
		return -ENOMEM;
	rb_membership_charge(membership, user);
	return 0;
}

static int
charge_channel(struct rb_daemon *daemon, struct rb_hosted *hosted)
{
	struct rb_user *user;

	if (!hosted->dynamic)
		return 0;
	if (rb_user_get(&daemon->users, hosted->creator, &user) < 0)
		return -ENOMEM;
	rb_hosted_charge(hosted, user);
	return 0;
}

/* A living one is watched; -ESRCH is a dead one and goes to the reaper. */
static int
take_member(struct rb_hosted *hosted, enum rb_role role, unsigned index,
	    void *context)
{
	const struct rb_member *entry = rb_hosted_entry(hosted, role, index);
	uint32_t pid = rb_entry_pid(entry);
	uint64_t start_time = rb_entry_start_time(entry);
	struct rb_daemon *daemon = context;
	struct rb_process *process = NULL;
	struct rb_membership *membership;
	int fd = rb_process_open(pid, start_time, rb_entry_pidfd_inode(entry));
	int err;

	if (fd < 0 && fd != -ESRCH)
		return fd;
	if (fd >= 0) {
		err = rb_process_get(&daemon->processes, pid, start_time, fd,
				     &process);
		if (err < 0)
			return err;
	}
	err = rb_membership_new(hosted, process, role, index, &membership);
	if (err < 0) {
		if (process != NULL)
			rb_process_release(process);
		return err;
	}
	membership->found = true; /* as far as we know */
	/* What he knows it by, unless that was raised to tell him. */
	if (rb_entry_state(entry) != RB_MEMBER_EVICTED &&
	    !rb_hosted_is_broken(hosted))
		membership->epoch = rb_entry_epoch(entry);
	if (process != NULL)
		return charge_member(daemon, membership);
	rb_reaper_bury(&daemon->reaper, membership);
	return 0;
}

/* What was begun stays begun: another daemon can go on from there. */
static int
give_up(struct rb_daemon *daemon, struct rb_hosted *hosted, int err)
{
	struct rb_judgement j = { .verdict = RB_VERDICT_LEAVE,
				  .err = -EBADMSG };

	rb_reaper_drop(&daemon->reaper, hosted);
	snprintf(j.why, sizeof(j.why),
		 "%s/%s: ringbusd cannot watch its members: %s: left as it is; "
		 "see to that, and start ringbusd again",
		 daemon->registry.maker.shm_dir, hosted->name,
		 err == -EUSERS ? "too many channels" : strerror(-err));
	return refuse(daemon, hosted, &j);
}

static void
finish_what_was_begun(struct rb_hosted *hosted,
		      const struct rb_judgement *judgement)
{
	if (judgement->is_broken) {
		rb_channel_break(&hosted->channel);
		return;
	}
	if (judgement->drains || hosted->drains)
		rb_renewal_begin(hosted);
	rb_member_adopt(&hosted->channel);
	if (hosted->config != NULL) {
		rb_shape_tune(hosted);
		rb_pages_place(hosted, hosted->config);
	}
}

static int
take_over(struct rb_daemon *daemon, struct rb_hosted *hosted,
	  const struct rb_judgement *judgement)
{
	int err = rb_registry_add(&daemon->registry, hosted);

	if (err < 0)
		return give_up(daemon, hosted, err);
	rb_event_tell(NULL, LOG_INFO, RB_ABOUT(RB_EVENT_ADOPT, hosted->name),
		      "channel %s: taken over from an earlier daemon",
		      hosted->name);
	if (judgement->why[0] != '\0')
		rb_log_error("channel %s %s", hosted->name, judgement->why);
	finish_what_was_begun(hosted, judgement);
	err = charge_channel(daemon, hosted);
	if (err == 0)
		err = rb_hosted_visit(hosted, take_member, daemon);
	if (err < 0) {
		rb_registry_forget(&daemon->registry, hosted);
		return give_up(daemon, hosted, err);
	}
	rb_entry_put64(&hosted->channel.meta->header.pid_ns,
		       daemon->registry.maker.pid_ns);
	rb_daemon_watch(daemon, hosted);
	return 0;
}

/* -------------------------------------------------------------------- all */

static int
adopt_channel(struct rb_daemon *daemon, const char *name)
{
	struct rb_judgement judgement;
	struct rb_hosted *hosted;
	int err = rb_hosted_new(name, rb_config_find(daemon->config, name),
				&hosted);

	if (err < 0)
		return err;
	rb_judge(&daemon->registry.maker, hosted, &judgement);
	if (judgement.verdict == RB_VERDICT_LEAVE)
		return refuse(daemon, hosted, &judgement);
	if (judgement.verdict == RB_VERDICT_REMOVE)
		return discard(daemon, hosted, judgement.why);
	if (judgement.verdict == RB_VERDICT_LOST) {
		tell_lost(hosted);
		return discard(daemon, hosted, judgement.why);
	}
	return take_over(daemon, hosted, &judgement);
}

static int
adopt(void *context, const char *name, enum rb_leaving leaving)
{
	struct rb_daemon *daemon = context;
	const struct rb_maker *maker = &daemon->registry.maker;

	switch (leaving) {
	case RB_LEAVING_CHANNEL:
		return adopt_channel(daemon, name);
	case RB_LEAVING_HALF:
		rb_folder_remove_leftover(maker, name);
		return 0;
	case RB_LEAVING_OTHER:
		break;
	}
	rb_log_info("%s/%s is no channel: left alone", maker->shm_dir, name);
	return 0;
}

int
rb_adopt_all(struct rb_daemon *daemon)
{
	return rb_leavings_visit(&daemon->registry.maker, adopt, daemon);
}
