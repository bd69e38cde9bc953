/* SPDX-License-Identifier: MIT */
/*
 * entry.h - what the words of a member's entry mean to the daemon
 */
#ifndef RB_DAEMON_ENTRY_H
#define RB_DAEMON_ENTRY_H

#include "shm/entry.h"

static inline enum rb_member_state
rb_entry_state(const struct rb_member *entry)
{
	return rb_entry_get(&entry->state);
}

static inline bool
rb_entry_is_group(const struct rb_member *entry)
{
	return rb_entry_get(&entry->group) != 0;
}

/* Of a worker the entry of its group, else -1. */
static inline int
rb_entry_group(const struct rb_member *entry)
{
	return (int)rb_entry_get(&entry->worker_of) - 1;
}

/* A process is in it, dead or alive; in a group there are only its workers. */
static inline bool
rb_entry_is_taken(const struct rb_member *entry)
{
	enum rb_member_state state = rb_entry_state(entry);

	return (state == RB_MEMBER_ATTACHED || state == RB_MEMBER_DYING ||
		state == RB_MEMBER_EVICTED) &&
	       !rb_entry_is_group(entry);
}

static inline uint32_t
rb_entry_epoch(const struct rb_member *entry)
{
	return rb_entry_get(&entry->epoch);
}

static inline uint32_t
rb_entry_pid(const struct rb_member *entry)
{
	return rb_entry_get(&entry->pid);
}

static inline uint64_t
rb_entry_start_time(const struct rb_member *entry)
{
	return rb_entry_get64(&entry->start_time);
}

/* Of the pidfd; 0 if it is not known. */
static inline uint64_t
rb_entry_pidfd_inode(const struct rb_member *entry)
{
	return rb_entry_get64(&entry->pidfd_inode);
}

static inline bool
rb_entry_keeps(const struct rb_member *entry)
{
	return rb_entry_get(&entry->on_death) == RB_ON_DEATH_KEEP;
}

static inline uint64_t
rb_entry_after(const struct rb_member *entry)
{
	return rb_entry_get64(&entry->after);
}

/* Consumers that it waits for now. */
static inline uint64_t
rb_entry_deps(const struct rb_member *entry)
{
	return rb_entry_get64(&entry->deps);
}

static inline enum rb_slow
rb_entry_slow(const struct rb_member *entry)
{
	return rb_entry_get(&entry->slow);
}

static inline bool
rb_entry_is_parked(const struct rb_member *entry)
{
	return rb_entry_get(&entry->parked) != 0;
}

static inline uint64_t
rb_entry_max_lag(const struct rb_member *entry)
{
	return rb_entry_get64(&entry->max_lag);
}

static inline uint64_t
rb_entry_max_stall_ns(const struct rb_member *entry)
{
	return rb_entry_get64(&entry->max_stall_ns);
}

static inline uint32_t
rb_entry_key_offset(const struct rb_member *entry)
{
	return rb_entry_get(&entry->key_offset);
}

static inline uint32_t
rb_entry_key_size(const struct rb_member *entry)
{
	return rb_entry_get(&entry->key_size);
}

static inline uint64_t
rb_entry_keep_for_ns(const struct rb_member *entry)
{
	return rb_entry_get64(&entry->keep_for_ns);
}

static inline uint64_t
rb_entry_absent_ns(const struct rb_member *entry)
{
	return rb_entry_get64(&entry->absent_ns);
}

static inline bool
rb_entry_is_declared(const struct rb_member *entry)
{
	return rb_entry_get(&entry->declared) != 0;
}

#endif
