/* SPDX-License-Identifier: MIT */
/*
 * stuck.c - see stuck.h
 *
 * Of a hole whose claim is written down the owner is known. One that was claimed
 * and not yet written down is of a producer that is in the few instructions
 * between; others come through there all the time. So from look to look only
 * those remain suspects that are found there each time, and nobody is killed
 * before there is one left.
 */
#include "daemon/stuck.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/access.h"
#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/process.h"
#include "daemon/user.h"
#include "shm/count.h"
#include "shm/hole.h"

#define LOOKS 10 /* in the time that is allowed */
#define PAUSE_MIN_NS INT64_C(1000000)
#define PAUSE_MAX_NS INT64_C(500000000)

/* A look so much later than planned proves nothing: we were stopped as well, and
 * with us perhaps who we look at. */
#define FROZEN_NS INT64_C(1000000000)

static int64_t
allowed_ns(const struct rb_hosted *hosted)
{
	const struct rb_meta_control *control = &hosted->channel.meta->control;
	uint64_t ns = rb_entry_get64(&control->stuck_after_ns);

	return ns < INT64_MAX ? (int64_t)ns : INT64_MAX;
}

static bool
has_producer(const struct rb_hosted *hosted)
{
	const struct rb_membership *m;

	LIST_FOREACH(m, &hosted->memberships, of_hosted)
	if (m->role == RB_ROLE_PRODUCER && m->process != NULL)
		return true;
	return false;
}

static bool
is_watched(const struct rb_hosted *hosted)
{
	return allowed_ns(hosted) != 0 && has_producer(hosted) &&
	       !rb_hosted_is_broken(hosted);
}

static int64_t
pause_of(const struct rb_hosted *hosted)
{
	int64_t ns = allowed_ns(hosted) / LOOKS;

	if (ns < PAUSE_MIN_NS)
		return PAUSE_MIN_NS;
	return ns < PAUSE_MAX_NS ? ns : PAUSE_MAX_NS;
}

static struct rb_membership *
find_producer(struct rb_hosted *hosted, unsigned index)
{
	struct rb_membership *m;

	LIST_FOREACH(m, &hosted->memberships, of_hosted)
	if (m->role == RB_ROLE_PRODUCER && m->index == index &&
	    m->process != NULL && !m->process->dead)
		return m;
	return NULL;
}

/* Who may be at fault for this hole now: if nobody has written it down, also who
 * keeps us from mending that of a dead one. */
static uint64_t
suspects_of(struct rb_hosted *hosted, const struct rb_hole *hole)
{
	const struct rb_channel *channel = &hosted->channel;
	uint64_t suspects = hole->claiming;

	if (!rb_hole_is_in_the_way(channel, hole) ||
	    !rb_hole_has_room(channel, hole))
		return 0;
	if (hole->state == RB_INTENT_CLAIMED)
		suspects = UINT64_C(1) << hole->producer;
	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++)
		if (suspects >> i & 1 && find_producer(hosted, i) == NULL)
			suspects &= ~(UINT64_C(1) << i); /* it is dead */
	return suspects;
}

/* Books one look; true if the same have held others up for too long. */
static bool
is_overdue(struct rb_hosted *hosted, const struct rb_hole *hole,
	   uint64_t suspects)
{
	struct rb_holdup *h = &hosted->holdup;
	int64_t now_ns = rb_clock_ns();

	if (now_ns - h->looked_ns > pause_of(hosted) + FROZEN_NS ||
	    h->sequence != hole->sequence)
		h->since_ns = 0;
	h->looked_ns = now_ns;
	h->sequence = hole->sequence;
	h->suspects = h->since_ns == 0 ? suspects : h->suspects & suspects;
	if (h->suspects == 0)
		h->since_ns = 0;
	else if (h->since_ns == 0)
		h->since_ns = now_ns;
	return h->since_ns != 0 && now_ns - h->since_ns > allowed_ns(hosted) &&
	       (h->suspects & (h->suspects - 1)) == 0;
}

static void
tell(const struct rb_membership *m, const struct rb_hole *hole, int err)
{
	const struct rb_member *entry = rb_membership_entry(m);
	const struct rb_holdup *h = &m->hosted->holdup;
	double seconds = (double)(h->looked_ns - h->since_ns) / 1e9;
	struct rb_about about = rb_event_about(RB_EVENT_KILL, m);

	about.sequence = hole->sequence + 1;

	if (err == 0)
		rb_event_tell(m->user, LOG_WARNING, &about,
			      "channel %s: producer %.64s (pid %u) has held "
			      "up others at %" PRId64 " for %.3f s, with "
			      "%" PRId64 "..%" PRId64 " claimed: killed "
			      "(stuck: kill)",
			      m->hosted->name, entry->name, m->process->pid,
			      hole->sequence, seconds, hole->first, hole->last);
	else
		rb_event_tell(m->user, LOG_ERR, &about,
			      "channel %s: producer %.64s (pid %u) has held up "
			      "others at %" PRId64 " for %.3f s, and cannot be "
			      "killed (stuck: kill): %s; ringbusd goes on "
			      "waiting. For processes of other users it needs "
			      "CAP_KILL",
			      m->hosted->name, entry->name, m->process->pid,
			      hole->sequence, seconds, strerror(-err));
}

static void
tell_spared(const struct rb_membership *m, const struct rb_hole *hole)
{
	rb_user_log(m->user, LOG_WARNING,
		    "channel %s: producer %.64s (pid %u) holds up others at "
		    "%" PRId64 " and is waited for: uid %u created the "
		    "channel, which kills no process of another user",
		    m->hosted->name, rb_membership_entry(m)->name,
		    m->process->pid, hole->sequence, m->hosted->creator);
}

/* Who publishes can make it look as if another held him up. So a channel that a
 * client has made is no way to kill whom he could not kill himself. */
static bool
may_be_killed(const struct rb_membership *m)
{
	const struct rb_hosted *hosted = m->hosted;
	const struct rb_credentials creator = { .uid = hosted->creator };

	return !hosted->dynamic || rb_access_is_owner(&creator) ||
	       (m->user != NULL && m->user->uid == hosted->creator);
}

/* By its pidfd, so that nobody else who has the pid by now is hit. Its death is
 * told by the same pidfd. */
static void
kill_once(struct rb_membership *m, const struct rb_hole *hole)
{
	int err = 0;

	if (m->condemned)
		return;
	m->condemned = true;
	if (!may_be_killed(m)) {
		tell_spared(m, hole);
		return;
	}
	if (syscall(SYS_pidfd_send_signal, m->process->pidfd, SIGKILL, NULL,
		    0) < 0)
		err = -errno;
	if (err == 0)
		rb_count_add(&m->hosted->channel.meta->control.counters.kills,
			     1);
	if (err != -ESRCH) /* else it is dead already */
		tell(m, hole, err);
}

static void
visit_channel(struct rb_hosted *hosted)
{
	struct rb_membership *m;
	struct rb_hole hole;
	unsigned index;

	if (!rb_hole_find(&hosted->channel, &hole)) {
		hosted->holdup.since_ns = 0;
		return;
	}
	if (!is_overdue(hosted, &hole, suspects_of(hosted, &hole)))
		return;
	index = (unsigned)__builtin_ctzll(hosted->holdup.suspects);
	m = find_producer(hosted, index);
	if (m != NULL)
		kill_once(m, &hole);
}

static void
on_tick(void *context, int result)
{
	struct rb_stuck *stuck = context;
	int64_t next_ns = INT64_MAX;

	(void)result;
	for (unsigned i = 0; i < stuck->registry->n_hosted; i++) {
		struct rb_hosted *hosted = stuck->registry->hosted[i];

		if (!is_watched(hosted))
			continue;
		visit_channel(hosted);
		if (pause_of(hosted) < next_ns)
			next_ns = pause_of(hosted);
	}
	if (next_ns != INT64_MAX)
		rb_watch_timer(stuck->tick, next_ns);
}

/* A timer that waits for longer already is set anew. */
void
rb_stuck_watch(struct rb_stuck *stuck, struct rb_hosted *hosted)
{
	if (!is_watched(hosted))
		return;
	rb_watch_timer(stuck->tick, PAUSE_MIN_NS);
}

int
rb_stuck_init(struct rb_stuck *stuck, struct rb_loop *loop,
	      struct rb_registry *registry)
{
	*stuck = (struct rb_stuck){ .registry = registry };
	return rb_watch_new(loop, on_tick, stuck, &stuck->tick);
}

void
rb_stuck_deinit(struct rb_stuck *stuck)
{
	stuck->tick = rb_watch_free(stuck->tick);
}
