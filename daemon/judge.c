/* SPDX-License-Identifier: MIT */
/*
 * judge.c - see judge.h
 *
 * The folder is ours alone to write, so what is in a member table was written
 * by a daemon; names are printed with a bound all the same.
 */
#include "daemon/judge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/entry.h"
#include "daemon/lag.h"
#include "daemon/process.h"
#include "daemon/shape.h"
#include "daemon/table.h"

/* ----------------------------------------------------------------- members */

/* Who is in the table, and what can be said of them. */
struct census {
	unsigned n_taken;
	unsigned n_alive;
	unsigned n_unknown;
	int err;        /* of the first unknown one */
	char first[96]; /* the first that is alive or unknown */
};

static int
count(struct rb_hosted *hosted, enum rb_role role, unsigned index,
      void *context)
{
	const struct rb_member *entry = rb_hosted_entry(hosted, role, index);
	struct census *census = context;
	int fd = rb_process_open(rb_entry_pid(entry),
				 rb_entry_start_time(entry),
				 rb_entry_pidfd_inode(entry));

	census->n_taken++;
	if (fd == -ESRCH)
		return 0;
	if (census->n_alive + census->n_unknown == 0)
		snprintf(census->first, sizeof(census->first),
			 "%s %.64s (pid %u)", rb_membership_role_name(role),
			 entry->name, rb_entry_pid(entry));
	if (fd < 0 && census->n_unknown++ == 0)
		census->err = fd;
	census->n_alive += fd >= 0;
	rb_closep(&fd);
	return 0;
}

static bool
is_of_other_namespace(const struct rb_maker *maker,
		      const struct rb_hosted *hosted)
{
	uint64_t ns = rb_entry_get64(&hosted->channel.meta->header.pid_ns);

	return ns != 0 && maker->pid_ns != 0 && ns != maker->pid_ns;
}

/* ---------------------------------------------------------------- verdicts */

static void
leave(const struct rb_maker *maker, const struct rb_hosted *hosted, int err,
      const char *why, struct rb_judgement *ret)
{
	const char *help = "stop its members, remove the folder";

	ret->verdict = RB_VERDICT_LEAVE;
	ret->outdated = err == -EPROTONOSUPPORT;
	if (ret->outdated) {
		ret->err = -EAGAIN;
		snprintf(ret->why, sizeof(ret->why),
			 "%s/%s: %s: nobody is let in, and it is made anew "
			 "once its members have left; to read what is in it go "
			 "back to that ringbus",
			 maker->shm_dir, hosted->name, why);
		return;
	}
	if (err == -ENOENT)
		help = "see to it, or give the channel another name";
	ret->err = err == -ENOENT ? err : -EBADMSG;
	snprintf(ret->why, sizeof(ret->why),
		 "%s/%s: %s: left as it is; %s, and start ringbusd again",
		 maker->shm_dir, hosted->name, why, help);
}

static void
remove_it(const char *why, struct rb_judgement *ret)
{
	ret->verdict = RB_VERDICT_REMOVE;
	snprintf(ret->why, sizeof(ret->why), "%s", why);
}

static bool
is_of_this_boot(const struct rb_maker *maker, const struct rb_hosted *hosted)
{
	const uint8_t *boot_id = hosted->channel.meta->header.boot_id;

	return memcmp(boot_id, maker->boot_id, sizeof(maker->boot_id)) == 0;
}

/* Why nobody can say who lives in it; false if that can be said. */
static bool
is_beyond_us(const struct rb_maker *maker, const struct rb_hosted *hosted,
	     const struct census *census, char *why, size_t size)
{
	uint64_t ns = rb_entry_get64(&hosted->channel.meta->header.pid_ns);

	if (!is_of_this_boot(maker, hosted) && census->n_alive > 0)
		snprintf(why, size, "is of an earlier boot, and yet %s lives",
			 census->first);
	else if (census->n_taken > 0 && is_of_other_namespace(maker, hosted))
		snprintf(why, size,
			 "its members are known by pids of another PID "
			 "namespace (%" PRIu64 ", ours is %" PRIu64
			 "), so that nobody here can tell who lives",
			 ns, maker->pid_ns);
	else if (census->n_unknown > 0)
		snprintf(why, size, "nobody can tell whether %s lives: %s",
			 census->first, strerror(-census->err));
	else
		return false;
	return true;
}

/* Of one that is in use: an operator who changed the configuration does not
 * want those stopped who run. */
static void
take_used(const struct rb_hosted *hosted, const struct census *census,
	  struct rb_judgement *ret)
{
	const char *key = rb_shape_find_difference(hosted);

	ret->n_alive = census->n_alive;
	if (hosted->drains)
		snprintf(ret->why, sizeof(ret->why),
			 "drains, and %s is still in it: it is made anew once "
			 "all have left",
			 census->first);
	else if (key != NULL)
		snprintf(ret->why, sizeof(ret->why),
			 "is not what the configuration says (%s), and %s is "
			 "still in it: it stays as it was; for the new "
			 "definition stop its members, or have it drained "
			 "(ringbusctl reload --recreate)",
			 key, census->first);
}

/* Where a daemon has stopped, it would have removed all. */
const struct rb_member *
rb_judge_find_owed(const struct rb_hosted *hosted)
{
	const struct rb_channel *c = &hosted->channel;

	if (rb_entry_get(&c->meta->control.retired) != 0)
		return NULL;
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		if (rb_entry_state(&c->meta->consumers[i]) ==
			    RB_MEMBER_ABSENT &&
		    rb_lag(c, i) > 0)
			return &c->meta->consumers[i];
	return NULL;
}

static void
judge_unused(const struct rb_hosted *hosted, struct rb_judgement *ret)
{
	const struct rb_member *owed = rb_judge_find_owed(hosted);
	const char *key = rb_shape_find_difference(hosted);
	char why[96];

	if (hosted->config == NULL &&
	    (owed == NULL || hosted->channel.meta->header.dynamic == 0)) {
		remove_it("is in nobody's use", ret);
	} else if (key != NULL && owed != NULL) {
		ret->drains = true;
		snprintf(
			ret->why, sizeof(ret->why),
			"is not what the configuration says (%s), and consumer "
			"%.64s, whose place is kept, has yet to read it: it "
			"drains, and is made anew thereafter",
			key, owed->name);
	} else if (key != NULL) {
		snprintf(why, sizeof(why),
			 "is not what the configuration says (%s)", key);
		remove_it(why, ret);
	} else if (rb_stream_is_open(rb_hosted_stream(hosted))) {
		return;
	} else if (owed == NULL) {
		remove_it("has ended", ret);
	} else {
		snprintf(ret->why, sizeof(ret->why),
			 "has ended, and consumer %.64s has yet to read it to "
			 "its end: it stays as it is until then, and is made "
			 "anew %s",
			 owed->name,
			 hosted->drains ? "thereafter"
					: "by the next start of ringbusd");
	}
}

/* A member, of which the dead are many perhaps, has truncated it. */
static void
judge_broken(const struct rb_finding *finding, const struct census *census,
	     struct rb_judgement *ret)
{
	char what[RB_WHY_SIZE / 2 + 64];

	snprintf(what, sizeof(what), "is broken: %s",
		 finding->is_short ? finding->why
				   : "a client has truncated a file of it");
	if (census->n_alive == 0) {
		remove_it(what, ret);
		return;
	}
	ret->is_broken = true;
	ret->n_alive = census->n_alive;
	snprintf(ret->why, sizeof(ret->why),
		 "%s, and %s is still in it: nobody is let in; stop its "
		 "members, then reload ringbusd",
		 what, census->first);
}

static void
judge_mapped(const struct rb_maker *maker, struct rb_hosted *hosted,
	     const struct rb_finding *finding, struct rb_judgement *ret)
{
	struct census census = { 0 };
	char why[RB_WHY_SIZE / 2];

	if (!rb_table_is_sound(&hosted->channel, why, sizeof(why))) {
		leave(maker, hosted, -EBADMSG, why, ret);
		return;
	}
	rb_hosted_visit(hosted, count, &census);
	if (is_beyond_us(maker, hosted, &census, why, sizeof(why)))
		leave(maker, hosted, -EBADMSG, why, ret);
	else if (!is_of_this_boot(maker, hosted))
		remove_it("is of an earlier boot", ret);
	else if (finding->is_short || rb_hosted_is_broken(hosted))
		judge_broken(finding, &census, ret);
	else if (census.n_alive > 0)
		take_used(hosted, &census, ret);
	else
		judge_unused(hosted, ret);
}

void
rb_judge(const struct rb_maker *maker, struct rb_hosted *hosted,
	 struct rb_judgement *ret)
{
	struct rb_finding finding;
	int err = rb_inspect(maker, hosted->name, &finding);

	*ret = (struct rb_judgement){ .verdict = RB_VERDICT_TAKE };
	if (err == -ENODATA) {
		ret->verdict = RB_VERDICT_LOST;
		snprintf(ret->why, sizeof(ret->why), "%s", finding.why);
		return;
	}
	if (err < 0) {
		leave(maker, hosted, err, finding.why, ret);
		return;
	}
	err = rb_folder_open(maker, hosted, finding.sealed);
	if (err == 0) {
		judge_mapped(maker, hosted, &finding, ret);
		return;
	}
	/* What the inspection has not found, or what we have too little of. */
	snprintf(finding.why, sizeof(finding.why), "cannot be mapped: %s",
		 strerror(-err));
	leave(maker, hosted, -EBADMSG, finding.why, ret);
}
