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

#include <stdbool.h>
#include <stdint.h>

#include "shm/channel.h"

/* Who is joining. */
struct rb_identity {
	const char *name;
	uint32_t pid;
	uint64_t start_time;
	uint64_t pidfd_inode; /* 0: not known */
};

/* Where a consumer starts that does not resume; else a sequence. */
enum rb_from {
	RB_FROM_NOW = -1,    /* with what is published after it has joined */
	RB_FROM_OLDEST = -2, /* with the oldest event that is surely there */
	RB_FROM_RESUME = -3, /* nowhere: it resumes, or does not join */
};

/* What kind of consumer one is. All zeroes: gates, and goes with its process. */
struct rb_consumer_spec {
	uint64_t after; /* bit i: waits for consumer i */
	enum rb_on_death on_death;
	uint64_t keep_for_ns; /* 0: for ever */
	enum rb_slow slow;
	uint64_t max_lag;
	uint64_t max_stall_ns;
	bool is_group;
	uint32_t key_offset;
	uint32_t key_size;
};

/* A consumer that wants in. */
struct rb_join {
	struct rb_identity who;
	int64_t from;                        /* enum rb_from, or a sequence */
	const struct rb_consumer_spec *spec; /* NULL: as declared */
};

/* What it got. */
struct rb_joined {
	uint32_t epoch;
	int64_t missed; /* slots that it asked for and are gone */
};

/*
 * Declares consumer `index` of a channel that is not yet open: its name and its
 * kind (`after` may name lower and higher indices; the caller has checked that
 * there is no cycle). With RB_ON_DEATH_KEEP it gates from the first event on,
 * attached or not. A group takes the next of the geometry's areas.
 */
void rb_member_declare(struct rb_channel *channel, unsigned index,
		       const char *name, const struct rb_consumer_spec *spec);

/*
 * Declares one more consumer, no group, of a channel that may be in use; with
 * RB_ON_DEATH_KEEP it gates from now on. Its index; -EUSERS if the table is full,
 * -EBUSY if one of this name is there.
 */
int rb_member_declare_late(struct rb_channel *channel, const char *name,
			   const struct rb_consumer_spec *spec);

/* It is declared no more: its place goes, or if it is attached goes with it. */
void rb_member_undeclare(struct rb_channel *channel, unsigned index);

/*
 * What is done about a declared consumer, anew: all of the spec but whom it comes
 * after and whether it is a group; of one that has a place also not `slow`. A
 * place that is kept no more goes; one that is kept from now on gates from now on.
 */
void rb_member_set_policy(struct rb_channel *channel, unsigned index,
			  const struct rb_consumer_spec *spec);

/*
 * The consumer called `name`: the index of its entry, or of a free one. -EBUSY
 * if it is attached or was evicted and has not left, -EUSERS if the table is
 * full. Of a group it is the group's own entry, attached or not.
 */
int rb_member_find_consumer(const struct rb_channel *channel, const char *name);

/* A consumer's entry that is free for anybody, or -EUSERS. */
int rb_member_find_free(const struct rb_channel *channel);

/* The entry called `name` whatever its state, but no worker's; or -ENOENT. */
int rb_member_find_named(const struct rb_channel *channel, const char *name);

/*
 * Attaches consumer `index`. An absent one resumes at its own sequence; a new
 * one is placed by `from`, so that it misses nothing from there on; its sequence
 * is in its gate. Who resumes, or is declared, is what it was: `spec` is for
 * others. 0; -ENOENT if it has nothing to resume; -ERANGE for a sequence that is
 * not yet published; then nothing has changed.
 */
int rb_member_join_consumer(struct rb_channel *channel, unsigned index,
			    const struct rb_join *join, struct rb_joined *ret);

/*
 * Attaches a worker to the group with entry `group`; *ret_index is its own. The
 * group is attached, resumes or is placed as above. -EUSERS if the table is full,
 * else as above.
 */
int rb_member_join_worker(struct rb_channel *channel, unsigned group,
			  const struct rb_join *join, unsigned *ret_index,
			  struct rb_joined *ret);

/*
 * Takes consumer `index` out: producers and dependants no longer wait for it,
 * and those that come after one that is not declared come after whom it came
 * after. With `keep`, it stays as absent and they wait. Of a worker the work it
 * had begun goes to others; with the last one its group leaves, by the group's
 * own on_death.
 */
void rb_member_leave_consumer(struct rb_channel *channel, unsigned index,
			      bool keep);

/*
 * An attached consumer is too slow: it gates no longer, nobody waits for it, and
 * it is told by its epoch. Its entry stays taken until it leaves.
 */
void rb_member_evict(struct rb_channel *channel, unsigned index);

/*
 * It gates no longer until it has caught up, and keeps its place; and back. Not
 * where slots are cleared: what it passes on its way back may be written on old
 * leave while it is cleared.
 */
void rb_member_set_parked(struct rb_channel *channel, unsigned index,
			  bool parked);

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

/* Has a free producer entry tell nothing of whom it last was. */
void rb_member_wipe_producer(struct rb_channel *channel, unsigned index);

/*
 * After the death of another daemon, which may have come to nobody knows where
 * in one of the functions above: who was joining is dropped (it has no answer
 * yet), and the graph agrees with the members again.
 */
void rb_member_adopt(struct rb_channel *channel);

/* Processes that are members, and places that are kept for some. */
unsigned rb_member_count(const struct rb_channel *channel);

#endif
