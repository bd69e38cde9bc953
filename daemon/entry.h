/* SPDX-License-Identifier: MIT */
/*
 * entry.h - what the daemon reads of its own member tables
 *
 * The daemon is the only writer of a channel's meta file, so it needs no order
 * to read there.
 */
#ifndef RB_DAEMON_ENTRY_H
#define RB_DAEMON_ENTRY_H

#include "shm/layout.h"

static inline enum rb_member_state
rb_entry_state(const struct rb_member *entry)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word32_load_relaxed(&entry->state);
}

/* Somebody is in it, dead or alive. */
static inline bool
rb_entry_is_taken(const struct rb_member *entry)
{
	enum rb_member_state state = rb_entry_state(entry);

	return state == RB_MEMBER_ATTACHED || state == RB_MEMBER_DYING;
}

static inline uint32_t
rb_entry_epoch(const struct rb_member *entry)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word32_load_relaxed(&entry->epoch);
}

static inline uint32_t
rb_entry_pid(const struct rb_member *entry)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word32_load_relaxed(&entry->pid);
}

static inline uint64_t
rb_entry_start_time(const struct rb_member *entry)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word64_load_relaxed(&entry->start_time);
}

static inline bool
rb_entry_keeps(const struct rb_member *entry)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word32_load_relaxed(&entry->on_death) == RB_ON_DEATH_KEEP;
}

static inline uint64_t
rb_entry_after(const struct rb_member *entry)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word64_load_relaxed(&entry->after);
}

static inline uint64_t
rb_entry_keep_for_ns(const struct rb_member *entry)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word64_load_relaxed(&entry->keep_for_ns);
}

static inline uint64_t
rb_entry_absent_ns(const struct rb_member *entry)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word64_load_relaxed(&entry->absent_ns);
}

static inline bool
rb_entry_is_declared(const struct rb_member *entry)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word32_load_relaxed(&entry->declared) != 0;
}

#endif
