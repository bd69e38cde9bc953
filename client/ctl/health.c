/* SPDX-License-Identifier: MIT */
/*
 * health.c - see health.h
 */
#include "client/ctl/health.h"

#include <inttypes.h>

#include "client/ctl/words.h"

static void
judge_stream(struct verdicts *found, const char *name,
	     const struct ringbus_info *info)
{
	if (info->damaged)
		verdicts_complain(found, VERDICT_CRITICAL, "%s: is damaged",
				  name);
	if (info->broken >= 0)
		verdicts_complain(found, VERDICT_CRITICAL,
				  "%s: its stream stops at %" PRId64, name,
				  info->broken);
	if (info->paused_ns != 0)
		verdicts_complain(found, VERDICT_WARNING, "%s: is paused",
				  name);
}

static void
judge_member(struct verdicts *found, const char *name,
	     const struct ringbus_member *m)
{
	const char *role = words_role(m->role);

	if (m->state == RINGBUS_MEMBER_FAILED)
		verdicts_complain(found, VERDICT_CRITICAL,
				  "%s: %s %s has failed at %" PRId64, name,
				  role, m->name, m->failed);
	else if (m->state == RINGBUS_MEMBER_PARKED ||
		 m->state == RINGBUS_MEMBER_EVICTED ||
		 m->state == RINGBUS_MEMBER_DYING)
		verdicts_complain(found, VERDICT_WARNING, "%s: %s %s is %s",
				  name, role, m->name, words_state(m->state));
}

/* One that is gone is told of by its lag. */
static void
judge_io(struct verdicts *found, const char *name,
	 const struct ringbus_member *m, const struct ringbus_io *io)
{
	if (io != NULL && !io->up && m->state == RINGBUS_MEMBER_ATTACHED)
		verdicts_complain(
			found, VERDICT_WARNING,
			"%s: %s %s does not reach its disk or network", name,
			words_role(m->role), m->name);
}

void
health_judge(struct verdicts *found, const char *name, const struct view *view)
{
	judge_stream(found, name, &view->info);
	for (unsigned i = 0; i < view->n_members; i++) {
		const struct ringbus_member *m = &view->members[i];

		judge_member(found, name, m);
		judge_io(found, name, m, view_io(view, m));
	}
}

static void
complain_of_hole(struct verdicts *found, const char *name,
		 const struct ringbus_channel *channel,
		 const struct ringbus_hole *hole)
{
	struct ringbus_member m = { .size = sizeof(m) };

	if (hole->producer < 0 ||
	    ringbus_channel_member(channel, RINGBUS_PRODUCER,
				   (unsigned)hole->producer, &m) != 1)
		verdicts_complain(found, VERDICT_CRITICAL,
				  "%s: nobody publishes %" PRId64, name,
				  hole->sequence);
	else
		verdicts_complain(found, VERDICT_CRITICAL,
				  "%s: producer %s (pid %" PRId64
				  ") has claimed %" PRId64
				  " and does not publish it",
				  name, m.name, m.pid, hole->sequence);
}

/* One that has claimed beyond what the slowest has read waits for that, and is no
 * more stuck than the others that do. */
static bool
waits_for_room(const struct ringbus_info *info, const struct ringbus_hole *hole)
{
	return hole->last - info->gating >
	       (int64_t)(info->slots - info->history);
}

/* A stream that has stopped has a hole for good, and is told as that. */
void
health_judge_hole(struct verdicts *found, const char *name,
		  const struct ringbus_channel *channel,
		  struct health_hole *hole, int64_t now_ns)
{
	struct ringbus_hole now = { .size = sizeof(now), .sequence = -1 };
	struct ringbus_info info = { .size = sizeof(info) };

	if (ringbus_channel_info(channel, &info) < 0 || info.broken >= 0 ||
	    ringbus_channel_hole(channel, &now) != 1 ||
	    waits_for_room(&info, &now))
		now.sequence = -1;
	if (hole->since_ns == 0 || hole->sequence != now.sequence)
		*hole = (struct health_hole){ now.sequence, now_ns };
	else if (now.sequence >= 0 && now_ns - hole->since_ns >= HEALTH_HOLE_NS)
		complain_of_hole(found, name, channel, &now);
}
