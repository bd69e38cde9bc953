/* SPDX-License-Identifier: MIT */
/*
 * event.h - what happens to channels and members, for the log and for those who ask
 *
 * An event is a line in the log, with fields where that is the journal, under the
 * allowance of the user who is its cause; and an entry of a ring in memory, of which
 * clients read by number what they may look at. The ring keeps the last
 * RB_EVENTS_KEPT of them and knows how many are gone.
 *
 * Numbers go up by one. The first of a daemon is the time of its start, in
 * microseconds since 1970, so that those of the next one are higher (unless the clock
 * is set back, or there were more than a million events a second).
 */
#ifndef RB_DAEMON_EVENT_H
#define RB_DAEMON_EVENT_H

#include <stdint.h>

#include "daemon/membership.h"
#include "daemon/user.h"

#define RB_EVENTS_KEPT 1024

enum rb_event_kind {
#define RB_EVENT(kind, name, id) RB_EVENT_##kind,
#include "daemon/events.h"
	RB_EVENT_KINDS,
};

/* What an event is about; what is left out is not known or does not apply. */
struct rb_about {
	enum rb_event_kind kind;
	const char *channel;
	const char *member;
	int64_t pid;
	int64_t sequence; /* 1 + it: 0 says nothing */
};

#define RB_ABOUT(kind_, ...)                                                   \
	(&(const struct rb_about){ .kind = (kind_), ##__VA_ARGS__ })

/* CLOCK_REALTIME, as events have it. */
int64_t rb_realtime_ns(void);

/* Before the first event. 0 or -ENOMEM. */
int rb_event_init(void);

/* Nothing is kept any more. */
void rb_event_deinit(void);

/* The number of the next one. */
int64_t rb_event_next(void);

/* `user` as for rb_user_log(). LOG_DEBUG leaves the log alone. */
void rb_event_tell(struct rb_user *user, int priority,
		   const struct rb_about *about, const char *fmt, ...)
	rb_printf_(4, 5);

/* About a member, while its entry says who it is. */
struct rb_about rb_event_about(enum rb_event_kind kind,
			       const struct rb_membership *membership);

/*
 * The first event from number *id on, its JSON into `json`. 1 and *id its number; or
 * 0 if there is none, and *id that of the next to come. One that may not be looked
 * at, as its channel tells ("" if it is about none), is the caller's to pass over.
 */
int rb_event_read(int64_t *id, char *json, size_t size,
		  const char **ret_channel);

#endif
