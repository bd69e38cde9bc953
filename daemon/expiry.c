/* SPDX-License-Identifier: MIT */
/*
 * expiry.c - see expiry.h
 */
#include "daemon/expiry.h"

#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/hosted.h"
#include "daemon/user.h"
#include "shm/member.h"

/* When a member has to go, or INT64_MAX. */
static int64_t
expires_at(const struct rb_member *entry)
{
	uint64_t keep_for_ns = rb_entry_keep_for_ns(entry);
	uint64_t at = rb_entry_absent_ns(entry) + keep_for_ns;

	if (rb_entry_state(entry) != RB_MEMBER_ABSENT || keep_for_ns == 0)
		return INT64_MAX;
	return at < keep_for_ns || at > INT64_MAX ? INT64_MAX : (int64_t)at;
}

static void
release(const struct rb_registry *registry, struct rb_hosted *hosted,
	unsigned index)
{
	rb_event_tell(rb_registry_holder(registry, hosted, index), LOG_WARNING,
		      RB_ABOUT(RB_EVENT_EXPIRE, hosted->name,
			       hosted->channel.meta->consumers[index].name),
		      "channel %s: consumer %.64s did not attach in time "
		      "(keep_for): its place is released",
		      hosted->name,
		      hosted->channel.meta->consumers[index].name);
	rb_member_leave_consumer(&hosted->channel, index, false);
}

/* Releases whose time is over; returns when the next one's will be. */
static int64_t
expire_channel(const struct rb_registry *registry, struct rb_hosted *hosted,
	       int64_t now)
{
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		int64_t at = expires_at(&hosted->channel.meta->consumers[i]);

		if (at <= now)
			release(registry, hosted, i);
		else if (at < next)
			next = at;
	}
	return next;
}

void
rb_expiry_expect(struct rb_expiry *expiry)
{
	const struct rb_registry *registry = expiry->registry;
	int64_t now = rb_boottime_ns();
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < registry->n_hosted; i++) {
		int64_t at = expire_channel(registry, registry->hosted[i], now);

		next = at < next ? at : next;
	}
	if (next != INT64_MAX)
		rb_watch_timer(expiry->timer, next - now);
}

static void
on_expiry(void *context, int result)
{
	(void)result;
	rb_expiry_expect(context);
}

int
rb_expiry_init(struct rb_expiry *expiry, struct rb_loop *loop,
	       const struct rb_registry *registry)
{
	expiry->registry = registry;
	return rb_watch_new(loop, on_expiry, expiry, &expiry->timer);
}

void
rb_expiry_deinit(struct rb_expiry *expiry)
{
	expiry->timer = rb_watch_free(expiry->timer);
}
