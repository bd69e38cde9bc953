/* SPDX-License-Identifier: MIT */
/*
 * entry.h - the words of one entry of the member table
 *
 * For the daemon alone, which writes them. Most are for people and for itself,
 * or come with a state or a graph that is stored later; so they need no order.
 */
#ifndef RB_ENTRY_H
#define RB_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/layout.h"
#include "shm/member.h"

static inline uint32_t
rb_entry_get(const struct rb_word32 *word)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word32_load_relaxed(word);
}

static inline void
rb_entry_put(struct rb_word32 *word, uint32_t value)
{
	/* ORDER(none, relaxed) - what comes with it is stored with release. */
	rb_word32_store_relaxed(word, value);
}

static inline uint64_t
rb_entry_get64(const struct rb_word64 *word)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word64_load_relaxed(word);
}

/* Also of a handle whose last owner is gone and the next not here. */
static inline void
rb_entry_put64(struct rb_word64 *word, uint64_t value)
{
	/* ORDER(none, relaxed) - as above. */
	rb_word64_store_relaxed(word, value);
}

static inline void
rb_entry_set_state(struct rb_member *entry, enum rb_member_state state)
{
	/* ORDER(membership, release) - the final place, to a producer that
	 * waits for its consumers before it begins. */
	rb_word32_store_release(&entry->state, state);
}

void rb_entry_set_name(struct rb_member *entry, const char *name);

/* Not of a worker, which has its group's. */
bool rb_entry_has_name(const struct rb_member *entry, const char *name);

/* Whoever still holds the old epoch is out. Returns the new one. */
uint32_t rb_entry_raise_epoch(struct rb_member *entry);

/* A new owner; returns its epoch. */
uint32_t rb_entry_identify(struct rb_member *entry,
			   const struct rb_identity *who);

#endif
