/* SPDX-License-Identifier: MIT */
/*
 * warden.c - see warden.h
 */
#include "daemon/warden.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/kind.h"
#include "daemon/lag.h"
#include "daemon/log.h"
#include "shm/count.h"
#include "shm/member.h"

#define PAUSE_BEHIND_NS INT64_C(5000000)
#define PAUSE_CALM_NS INT64_C(100000000)

/* A look this long after the last proves nothing. */
#define FROZEN_NS INT64_C(1000000000)

/* One that is parked again and again is told of no more often than this. */
#define QUIET_NS INT64_C(10000000000)

/* One look at one consumer. */
struct look {
	struct rb_hosted *hosted;
	unsigned index;
	const struct rb_member *entry;
	int64_t now_ns;
	int64_t max_lag;      /* 0: no limit */
	int64_t max_stall_ns; /* likewise */
	bool behind;          /* there is something that it could read */
	bool moved;           /* since the last look */
	struct rb_user *user; /* who is there, or was; NULL: not known */
};

static int64_t
clamp(uint64_t n)
{
	return n < INT64_MAX ? (int64_t)n : INT64_MAX;
}

/* An absent one that is parked does nothing until it attaches. */
static bool
is_limited(const struct rb_member *entry)
{
	enum rb_member_state state = rb_entry_state(entry);
	enum rb_slow slow = rb_entry_slow(entry);

	if (slow != RB_SLOW_EVICT && slow != RB_SLOW_PARK)
		return false;
	return state == RB_MEMBER_ATTACHED ||
	       (state == RB_MEMBER_ABSENT && !rb_entry_is_parked(entry));
}

static struct look
begin_look(struct rb_hosted *hosted, unsigned index)
{
	const struct rb_channel *channel = &hosted->channel;
	const struct rb_member *entry = &channel->meta->consumers[index];
	uint64_t max_lag = rb_kind_max_lag(rb_entry_slow(entry),
					   rb_entry_max_lag(entry),
					   channel->geometry.history);
	struct look look = {
		.hosted = hosted,
		.index = index,
		.entry = entry,
		.now_ns = rb_clock_ns(),
		.max_lag = clamp(max_lag),
		.max_stall_ns = clamp(rb_entry_max_stall_ns(entry)),
	};

	look.behind = rb_lag_exceeds(channel, index, 0);
	return look;
}

static struct rb_stall *
stall_of(const struct look *look)
{
	return &look->hosted->stalls[look->index];
}

/* Has it stood at one place for too long, with something to read at the first
 * look and at all since? */
static bool
has_stalled(struct look *look)
{
	struct rb_stall *s = stall_of(look);
	int64_t sequence = rb_lag_sequence(&look->hosted->channel, look->index);
	uint32_t epoch = rb_entry_epoch(look->entry);

	look->moved = s->epoch == epoch && s->sequence != sequence;
	if (s->epoch != epoch) /* another, or one that resumes as parked */
		*s = (struct rb_stall){
			.epoch = epoch,
			.told = s->told && rb_entry_is_parked(look->entry),
		};
	/* We may have been stopped as well, and with us who we look at. */
	if (look->now_ns - s->looked_ns > FROZEN_NS)
		s->since_ns = 0;
	s->looked_ns = look->now_ns;
	s->sequence = sequence;
	if (!look->behind)
		s->since_ns = 0;
	else if (look->moved || s->since_ns == 0)
		s->since_ns = look->now_ns;
	return look->max_stall_ns != 0 && s->since_ns != 0 &&
	       look->now_ns - s->since_ns > look->max_stall_ns;
}

/* ------------------------------------------------------------------ telling */

static void
tell_limit(const struct look *look, enum rb_event_kind kind, const char *what,
	   bool too_far)
{
	int64_t lag = rb_lag(&look->hosted->channel, look->index);
	double seconds = (double)(look->now_ns - stall_of(look)->since_ns);
	char who[32] = "absent", why[128];

	if (rb_entry_state(look->entry) == RB_MEMBER_ATTACHED)
		snprintf(who, sizeof(who), "pid %u", rb_entry_pid(look->entry));
	if (too_far)
		snprintf(why, sizeof(why),
			 "%" PRId64 " slots behind, max_lag is %" PRId64, lag,
			 look->max_lag);
	else
		snprintf(why, sizeof(why),
			 "%" PRId64 " slots behind and no progress for %.3f s, "
			 "max_stall is %.3f s",
			 lag, seconds / 1e9, (double)look->max_stall_ns / 1e9);
	rb_event_tell(look->user, LOG_WARNING,
		      RB_ABOUT(kind, look->hosted->name, look->entry->name,
			       rb_entry_pid(look->entry)),
		      "channel %s: consumer %.64s (%s) %s: %s",
		      look->hosted->name, look->entry->name, who, what, why);
}

static void
tell_parked(const struct look *look, bool too_far)
{
	struct rb_stall *s = stall_of(look);

	s->told = look->now_ns >= s->quiet_until_ns;
	if (!s->told)
		return;
	s->quiet_until_ns = look->now_ns + QUIET_NS;
	tell_limit(look, RB_EVENT_PARK, "parked", too_far);
}

static void
tell_caught_up(const struct look *look)
{
	if (stall_of(look)->told)
		rb_event_tell(look->user, LOG_INFO,
			      RB_ABOUT(RB_EVENT_UNPARK, look->hosted->name,
				       look->entry->name,
				       rb_entry_pid(look->entry)),
			      "channel %s: consumer %.64s (pid %u) has caught "
			      "up: it gates again",
			      look->hosted->name, look->entry->name,
			      rb_entry_pid(look->entry));
}

/* ------------------------------------------------------------------- acting */

static void
restrain(const struct look *look, bool too_far)
{
	struct rb_channel *channel = &look->hosted->channel;

	if (rb_entry_slow(look->entry) == RB_SLOW_PARK) {
		tell_parked(look, too_far);
		rb_member_set_parked(channel, look->index, true);
	} else if (rb_entry_state(look->entry) == RB_MEMBER_ABSENT) {
		tell_limit(look, RB_EVENT_EVICT, "has lost its place", too_far);
		rb_count_add(&channel->meta->control.counters.evictions, 1);
		rb_member_leave_consumer(channel, look->index, false);
	} else {
		tell_limit(look, RB_EVENT_EVICT, "evicted", too_far);
		rb_member_evict(channel, look->index);
	}
}

/* One that was parked for standing still has to move first. */
static bool
has_caught_up(const struct look *look)
{
	return !look->behind ||
	       (look->moved && !rb_lag_exceeds(&look->hosted->channel,
					       look->index, look->max_lag / 2));
}

static void
judge(struct look *look)
{
	bool stalled = has_stalled(look);
	struct rb_channel *channel = &look->hosted->channel;
	bool too_far;

	if (!rb_entry_is_parked(look->entry)) {
		too_far = look->max_lag != 0 &&
			  rb_lag_exceeds(channel, look->index, look->max_lag);
		if (too_far || stalled)
			restrain(look, too_far);
	} else if (has_caught_up(look)) {
		rb_member_set_parked(channel, look->index, false);
		tell_caught_up(look);
	}
}

/* When to look again, INT64_MAX for never. */
static int64_t
visit_channel(const struct rb_registry *registry, struct rb_hosted *hosted)
{
	int64_t pause_ns = INT64_MAX;

	if (rb_hosted_is_broken(hosted)) /* nobody is slow any more */
		hosted->limited = 0;
	for (uint64_t left = hosted->limited; left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		struct look look;

		if (!is_limited(&hosted->channel.meta->consumers[i])) {
			hosted->limited &= ~(UINT64_C(1) << i);
			continue;
		}
		look = begin_look(hosted, i);
		look.user = rb_registry_holder(registry, hosted, i);
		judge(&look);
		if (look.behind)
			pause_ns = PAUSE_BEHIND_NS;
		else if (pause_ns == INT64_MAX)
			pause_ns = PAUSE_CALM_NS;
	}
	return pause_ns;
}

static void
on_tick(void *context, int result)
{
	struct rb_warden *warden = context;
	int64_t next_ns = INT64_MAX;

	(void)result;
	for (unsigned i = 0; i < warden->registry->n_hosted; i++) {
		struct rb_hosted *hosted = warden->registry->hosted[i];
		int64_t pause_ns = visit_channel(warden->registry, hosted);

		next_ns = pause_ns < next_ns ? pause_ns : next_ns;
	}
	warden->runs = next_ns != INT64_MAX;
	if (warden->runs)
		rb_watch_timer(warden->tick, next_ns);
}

void
rb_warden_watch(struct rb_warden *warden, struct rb_hosted *hosted,
		unsigned index)
{
	if (!is_limited(&hosted->channel.meta->consumers[index]))
		return;
	hosted->limited |= UINT64_C(1) << index;
	if (!warden->runs)
		rb_watch_timer(warden->tick, PAUSE_BEHIND_NS);
	warden->runs = true;
}

void
rb_warden_watch_all(struct rb_warden *warden, struct rb_hosted *hosted)
{
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		rb_warden_watch(warden, hosted, i);
}

int
rb_warden_init(struct rb_warden *warden, struct rb_loop *loop,
	       struct rb_registry *registry)
{
	*warden = (struct rb_warden){ .registry = registry };
	return rb_watch_new(loop, on_tick, warden, &warden->tick);
}

void
rb_warden_deinit(struct rb_warden *warden)
{
	warden->tick = rb_watch_free(warden->tick);
}
