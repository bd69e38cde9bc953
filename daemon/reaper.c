/* SPDX-License-Identifier: MIT */
/*
 * reaper.c - see reaper.h
 */
#include "daemon/reaper.h"

#include <inttypes.h>

#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/hosted.h"
#include "daemon/user.h"
#include "shm/count.h"
#include "shm/member.h"
#include "shm/presence.h"
#include "shm/probe.h"

/* A repair that cannot go on now waits for readers; soon at first, as nobody
 * gets past the hole, then less often, as they may have stopped. At most so much
 * time in a row, then others. */
#define REPAIR_PAUSE_MIN_NS INT64_C(1000000)
#define REPAIR_PAUSE_MAX_NS INT64_C(32000000)
#define REPAIR_BUDGET_NS INT64_C(5000000)

/* ---------------------------------------------------------------- leaving */

static bool
keeps_its_place(const struct rb_member *entry)
{
	return rb_entry_keeps(entry) && rb_entry_group(entry) < 0 &&
	       rb_entry_state(entry) != RB_MEMBER_EVICTED;
}

static void
forget_group(struct rb_channel *channel, int group)
{
	if (group >= 0 && rb_entry_state(&channel->meta->consumers[group]) ==
				  RB_MEMBER_ABSENT)
		rb_member_leave_consumer(channel, (unsigned)group, false);
}

static void
tell_kept(const struct rb_membership *m)
{
	struct rb_about about = rb_event_about(RB_EVENT_KEEP, m);

	rb_event_tell(m->user, LOG_DEBUG, &about,
		      "channel %s: the place of consumer %.64s is kept",
		      m->hosted->name, about.member);
}

static void
leave_consumer(struct rb_reaper *reaper, struct rb_membership *m, bool forget)
{
	struct rb_channel *channel = &m->hosted->channel;
	const struct rb_member *entry = rb_membership_entry(m);
	int group = rb_entry_group(entry);
	bool keep = !forget && keeps_its_place(entry);

	if (keep)
		tell_kept(m);
	rb_member_leave_consumer(channel, m->index, keep);
	if (forget)
		forget_group(channel, group);
	else if (keep || group >= 0)
		rb_expiry_expect(&reaper->expiry);
}

static void
finish(struct rb_reaper *reaper, struct rb_membership *m)
{
	rb_membership_free(m);
	reaper->left(reaper->context);
}

/* Not in the log: those who come and go in order are too many. */
static void
tell_leaving(const struct rb_membership *m)
{
	struct rb_about about = rb_event_about(RB_EVENT_DETACH, m);

	rb_event_tell(m->user, LOG_DEBUG, &about, "channel %s: %s %.64s leaves",
		      m->hosted->name, rb_membership_role_name(m->role),
		      about.member);
}

void
rb_reaper_leave(struct rb_reaper *reaper, struct rb_membership *membership,
		bool forget)
{
	tell_leaving(membership);
	if (membership->role == RB_ROLE_PRODUCER)
		rb_member_leave_producer(&membership->hosted->channel,
					 membership->index);
	else
		leave_consumer(reaper, membership, forget);
	finish(reaper, membership);
}

void
rb_reaper_drop(struct rb_reaper *reaper, struct rb_hosted *hosted)
{
	while (!LIST_EMPTY(&hosted->memberships)) {
		struct rb_membership *m = LIST_FIRST(&hosted->memberships);

		if (m->process == NULL)
			LIST_REMOVE(m, of_owner); /* of the dying */
		finish(reaper, m);
	}
}

int
rb_reaper_remove(struct rb_reaper *reaper, struct rb_hosted *hosted)
{
	rb_hosted_retire(hosted, true);
	rb_reaper_drop(reaper, hosted);
	return rb_registry_remove(reaper->registry, hosted);
}

/* --------------------------------------- who has left and could not say so */

static void
tell_gone(const struct rb_membership *m, enum rb_presence presence)
{
	const struct rb_member *entry = rb_membership_entry(m);
	struct rb_about about = rb_event_about(RB_EVENT_DETACH, m);

	rb_event_tell(m->user, LOG_INFO, &about,
		      "channel %s: %s %.64s (pid %u) %s", m->hosted->name,
		      rb_membership_role_name(m->role), entry->name,
		      rb_entry_pid(entry),
		      presence == RB_PRESENCE_NEVER
			      ? "never came: its answer was lost"
			      : "has left while nobody was told");
}

/* One that was evicted has its entry until it says that it leaves: it may still
 * be at work. */
static void
heed(struct rb_reaper *reaper, struct rb_membership *m)
{
	bool evicted = rb_entry_state(rb_membership_entry(m)) ==
		       RB_MEMBER_EVICTED;
	enum rb_presence presence;

	if (rb_hosted_is_broken(m->hosted)) /* which has lost the words too */
		return;
	presence = rb_presence_of(&m->hosted->channel, m->role, m->index,
				  m->epoch);
	if (presence == RB_PRESENCE_HERE ||
	    (presence == RB_PRESENCE_NEVER && evicted))
		return;
	tell_gone(m, presence);
	rb_reaper_leave(reaper, m,
			presence == RB_PRESENCE_FORGET ||
				(presence == RB_PRESENCE_NEVER && !m->found));
}

void
rb_reaper_heed_process(struct rb_reaper *reaper, struct rb_process *process,
		       const struct rb_peer *ending)
{
	struct rb_membership *m, *next;

	for (m = LIST_FIRST(&process->memberships); m != NULL; m = next) {
		next = LIST_NEXT(m, of_owner);
		if (m->peer == ending)
			m->peer = NULL;
		if (m->peer == NULL)
			heed(reaper, m);
	}
}

static void
heed_channel(struct rb_reaper *reaper, struct rb_hosted *hosted)
{
	struct rb_membership *m, *next;

	for (m = LIST_FIRST(&hosted->memberships); m != NULL; m = next) {
		next = LIST_NEXT(m, of_hosted);
		if (m->process != NULL)
			heed(reaper, m);
	}
}

void
rb_reaper_heed_all(struct rb_reaper *reaper)
{
	const struct rb_registry *registry = reaper->registry;

	for (unsigned i = 0; i < registry->n_hosted; i++)
		heed_channel(reaper, registry->hosted[i]);
}

/* ----------------------------------------------------------------- deaths */

static void
tell_dead_consumer(const struct rb_membership *m, bool forget)
{
	const struct rb_member *entry = rb_membership_entry(m);
	uint32_t pid = rb_entry_pid(entry);
	struct rb_about about = rb_event_about(RB_EVENT_DEATH, m);

	if (rb_entry_group(entry) >= 0)
		rb_event_tell(m->user, LOG_INFO, &about,
			      "channel %s: worker %u of group %.64s (pid %u) "
			      "died, others get what it had begun",
			      m->hosted->name, m->index, entry->name, pid);
	else
		rb_event_tell(m->user, LOG_INFO, &about,
			      "channel %s: consumer %.64s (pid %u) died, its "
			      "place is %s",
			      m->hosted->name, entry->name, pid,
			      !forget && keeps_its_place(entry) ? "kept"
								: "released");
}

static void
tell_dead_producer(const struct rb_membership *m)
{
	const struct rb_member *entry = rb_membership_entry(m);
	const struct rb_repair *r = &m->repair;
	struct rb_about about = rb_event_about(
		r->tombstones == 0 ? RB_EVENT_DEATH : RB_EVENT_REPAIR, m);

	if (r->tombstones == 0)
		rb_event_tell(
			m->user, LOG_INFO, &about,
			"channel %s: producer %.64s (pid %u) died, nothing "
			"was left claimed",
			m->hosted->name, entry->name, rb_entry_pid(entry));
	else
		rb_event_tell(
			m->user, LOG_INFO, &about,
			"channel %s: producer %.64s (pid %u) died, %" PRIu64
			" tombstones in %" PRId64 "..%" PRId64,
			m->hosted->name, entry->name, rb_entry_pid(entry),
			r->tombstones, r->first, r->last);
}

static void
tell_broken(const struct rb_membership *m)
{
	const struct rb_member *entry = rb_membership_entry(m);
	const char *name = m->hosted->name;
	struct rb_about about = rb_event_about(RB_EVENT_STOPPED, m);

	about.sequence = m->left.first + 1;
	rb_event_tell(
		m->user, LOG_ERR, &about,
		"channel %s: producer %.64s (pid %u) died with "
		"%" PRId64 "..%" PRId64 " claimed and %" PRIu64
		" slots of it not published: its stream stops there "
		"(strict). See to what is missing; then `ringbusctl mend "
		"%s` gives these slots up, `ringbusctl end --now %s` ends "
		"the stream",
		name, entry->name, rb_entry_pid(entry), m->left.first,
		m->left.last, m->left.tombstones, name, name);
}

/* The stream stops at the lowest of all that is held. */
static void
settle_broken(struct rb_hosted *hosted)
{
	const struct rb_membership *m;
	int64_t first = RB_SEQUENCE_MAX;

	LIST_FOREACH(m, &hosted->memberships, of_hosted)
	if (m->left.tombstones > 0 && m->left.first < first)
		first = m->left.first;
	rb_repair_set_broken(&hosted->channel, first);
}

/* Whether what it had claimed is not ours to give up, or cannot be told yet. */
static bool
is_held(struct rb_membership *m)
{
	struct rb_repair left = { .only_looks = true };

	if (!m->hosted->channel.strict || m->mends)
		return false;
	if (rb_repair_producer(&m->hosted->channel, m->index, &left) != 0)
		return true;
	m->left = left;
	if (left.tombstones == 0)
		return false;
	settle_broken(m->hosted);
	tell_broken(m);
	return true;
}

static void
count_death(const struct rb_membership *m)
{
	rb_count_add(&m->hosted->channel.meta->control.counters.deaths, 1);
}

static void
count_repair(const struct rb_membership *m)
{
	struct rb_channel_counters *counters =
		&m->hosted->channel.meta->control.counters;

	if (m->repair.tombstones == 0)
		return;
	rb_count_add(&counters->repairs, 1);
	rb_count_add(&counters->tombstones, m->repair.tombstones);
	RB_PROBE(3, repair, m->hosted->channel.meta->header.name, m->index,
		 m->repair.tombstones);
}

/* True once the dead producer is out. */
static bool
try_repair(struct rb_reaper *reaper, struct rb_membership *m)
{
	struct rb_channel *channel = &m->hosted->channel;

	if (rb_hosted_is_broken(m->hosted)) { /* nothing is there to mend */
		rb_member_leave_producer(channel, m->index);
		finish(reaper, m);
		return true;
	}
	if (is_held(m))
		return false;
	if (rb_repair_producer(channel, m->index, &m->repair) != 0)
		return false;
	m->left.tombstones = 0;
	if (channel->strict)
		settle_broken(m->hosted);
	tell_dead_producer(m);
	count_death(m);
	count_repair(m);
	rb_member_leave_producer(channel, m->index);
	rb_channel_wake_all(channel);
	finish(reaper, m);
	return true;
}

/* Tried ones come to the head, and are passed over until all were tried. True if
 * some are left that may be mended later. */
static bool
try_some(struct rb_reaper *reaper, int64_t until_ns)
{
	struct rb_membership *m, *next;
	unsigned n_before = reaper->n_tried, n = 0;
	bool again = n_before > 0;

	for (m = LIST_FIRST(&reaper->dying); m != NULL; m = next) {
		next = LIST_NEXT(m, of_owner);
		if (n++ < n_before || rb_membership_is_held(m))
			continue;
		if (rb_clock_ns() >= until_ns)
			return true;
		LIST_REMOVE(m, of_owner);
		if (try_repair(reaper, m))
			continue;
		LIST_INSERT_HEAD(&reaper->dying, m, of_owner);
		reaper->n_tried++;
		again |= !rb_membership_is_held(m);
	}
	reaper->n_tried = 0;
	return again;
}

/* Repairs of lies may take long each time: half of the time is for others. */
static void
on_repair(void *context, int result)
{
	struct rb_reaper *reaper = context;
	int64_t pause_ns, began_ns = rb_clock_ns();

	(void)result;
	reaper->n_rounds++;
	reaper->repairing = try_some(reaper, began_ns + REPAIR_BUDGET_NS);
	if (!reaper->repairing)
		return;
	if (reaper->repair_pause_ns < REPAIR_PAUSE_MAX_NS)
		reaper->repair_pause_ns *= 2;
	pause_ns = rb_clock_ns() - began_ns;
	if (pause_ns < reaper->repair_pause_ns)
		pause_ns = reaper->repair_pause_ns;
	rb_watch_timer(reaper->repair, pause_ns);
}

static void
repair_soon(struct rb_reaper *reaper)
{
	reaper->repair_pause_ns = REPAIR_PAUSE_MIN_NS;
	reaper->repairing = true;
	rb_watch_timer(reaper->repair, reaper->repair_pause_ns);
}

static void
bury_producer(struct rb_reaper *reaper, struct rb_membership *m)
{
	rb_member_set_dying(&m->hosted->channel, m->index);
	if (try_repair(reaper, m))
		return;
	LIST_INSERT_HEAD(&reaper->dying, m, of_owner);
	if (!rb_membership_is_held(m))
		repair_soon(reaper);
	reaper->left(reaper->context); /* nobody waits for the dead */
}

uint64_t
rb_reaper_mend(struct rb_reaper *reaper, struct rb_hosted *hosted)
{
	struct rb_membership *m;
	uint64_t n = 0;

	LIST_FOREACH(m, &reaper->dying, of_owner)
	if (m->hosted == hosted && rb_membership_is_held(m)) {
		m->mends = true;
		n += m->left.tombstones;
	}
	if (n > 0) {
		reaper->repair_pause_ns = REPAIR_PAUSE_MIN_NS;
		on_repair(reaper, 0);
	}
	return n;
}

void
rb_reaper_abandon(struct rb_reaper *reaper, struct rb_hosted *hosted)
{
	struct rb_membership *m;

	LIST_FOREACH(m, &reaper->dying, of_owner)
	if (m->hosted == hosted)
		m->mends = true;
	on_repair(reaper, 0);
}

/* It may have given its place up before, while nobody could be told. */
static void
bury_consumer(struct rb_reaper *reaper, struct rb_membership *m)
{
	struct rb_channel *channel = &m->hosted->channel;
	bool forget = rb_hosted_is_broken(m->hosted) ||
		      rb_presence_of(channel, m->role, m->index, m->epoch) ==
			      RB_PRESENCE_FORGET;

	tell_dead_consumer(m, forget);
	count_death(m);
	leave_consumer(reaper, m, forget);
	rb_channel_wake_all(channel);
	finish(reaper, m);
}

void
rb_reaper_bury(struct rb_reaper *reaper, struct rb_membership *membership)
{
	rb_membership_orphan(membership);
	if (membership->role == RB_ROLE_PRODUCER)
		bury_producer(reaper, membership);
	else
		bury_consumer(reaper, membership);
}

void
rb_reaper_bury_process(struct rb_reaper *reaper, struct rb_process *process)
{
	while (!LIST_EMPTY(&process->memberships))
		rb_reaper_bury(reaper, LIST_FIRST(&process->memberships));
}

int
rb_reaper_init(struct rb_reaper *reaper, struct rb_loop *loop,
	       struct rb_registry *registry, rb_reaper_left_fn left,
	       void *context)
{
	int err;

	*reaper = (struct rb_reaper){ .registry = registry,
				      .left = left,
				      .context = context };
	LIST_INIT(&reaper->dying);
	err = rb_watch_new(loop, on_repair, reaper, &reaper->repair);
	if (err == 0)
		err = rb_expiry_init(&reaper->expiry, loop, registry);
	return err;
}

void
rb_reaper_deinit(struct rb_reaper *reaper)
{
	while (!LIST_EMPTY(&reaper->dying)) {
		struct rb_membership *m = LIST_FIRST(&reaper->dying);

		LIST_REMOVE(m, of_owner);
		rb_membership_free(m);
	}
	reaper->repair = rb_watch_free(reaper->repair);
	rb_expiry_deinit(&reaper->expiry);
}
