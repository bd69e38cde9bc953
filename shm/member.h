/* SPDX-License-Identifier: MIT */
/*
 * member.h - who takes part in a channel: join and leave, under flow
 *
 * For the daemon alone, which writes the member table; everybody else reads it.
 * All state is in the segments, nothing in the daemon's heap: a restarted daemon
 * goes on from what it finds.
 */
#ifndef RB_MEMBER_H
#define RB_MEMBER_H

#include <stdint.h>

#include "shm/channel.h"

/* Who is joining. */
struct rb_identity {
	const char *name;
	uint32_t pid;
	uint64_t start_time;
};

/* Where a consumer starts. */
enum rb_join {
	RB_JOIN_NOW,    /* with what is published after it has joined */
	RB_JOIN_OLDEST, /* with the oldest event that is surely there */
};

/*
 * Declares consumer `index` of a channel that is not yet open: its name, whom
 * it waits for (bits of lower or higher indices; the caller has checked that
 * there is no cycle) and what its death means. With RB_ON_DEATH_KEEP it gates
 * from the first event on, attached or not.
 */
void rb_member_declare(struct rb_channel *channel, unsigned index,
		       const char *name, uint64_t after,
		       enum rb_on_death on_death, uint64_t keep_for_ns);

/*
 * The consumer called `name`: the index of its entry, or of a free one. -EBUSY
 * if it is attached, -EUSERS if the table is full.
 */
int rb_member_find_consumer(const struct rb_channel *channel, const char *name);

/*
 * Attaches consumer `index`. An absent one resumes at its own sequence; a new
 * one is placed by `join`, so that it misses nothing from there on. Returns its
 * new epoch; its sequence is in its gate.
 */
uint32_t rb_member_join_consumer(struct rb_channel *channel, unsigned index,
				 const struct rb_identity *who,
				 enum rb_join join);

/*
 * Takes consumer `index` out: producers and dependants no longer wait for it.
 * With `keep`, it stays as absent and they do.
 */
void rb_member_leave_consumer(struct rb_channel *channel, unsigned index,
			      bool keep);

/*
 * A free producer entry: its index, -EBUSY if the channel's single producer is
 * there, -EUSERS if the table is full.
 */
int rb_member_find_producer(const struct rb_channel *channel);

/* Attaches producer `index`, marks it as dead and to be repaired, and takes it
 * out. Join returns the new epoch. */
uint32_t rb_member_join_producer(struct rb_channel *channel, unsigned index,
				 const struct rb_identity *who);
void rb_member_set_dying(struct rb_channel *channel, unsigned index);
void rb_member_leave_producer(struct rb_channel *channel, unsigned index);

/*
 * After the death of another daemon, which may have come to nobody knows where
 * in one of the functions above: who was joining is dropped (it has no answer
 * yet), and the graph agrees with the members again.
 */
void rb_member_adopt(struct rb_channel *channel);

/*
 * Ends the stream: producers stop, the end becomes known, consumers read on up
 * to it; with `abort` everybody leaves at once. Wakes all.
 */
void rb_channel_close_stream(struct rb_channel *channel, bool abort);

/* Members attached, absent or dying. */
unsigned rb_member_count(const struct rb_channel *channel);

#endif
