/* SPDX-License-Identifier: MIT */
/*
 * replay.h - a consumer that starts in the journal
 *
 * Until it has crossed over to the ring it reads from this. First it stands by, with
 * nothing but a tap, and gates nobody, however long that takes. Once what it wants
 * next lies in the ring, it holds that: by a nameless consumer, which gates from a
 * sequence S on. What is before S and not yet read is in the journal, or will be as
 * soon as the journal's own gate has moved there. When all up to S, and all that was
 * handed out beyond it, is committed, its name takes its place there, and the holder
 * goes. So the name never has a place behind something that was not read, whenever
 * the process dies.
 *
 *   begin.c      opens: stands by
 *   replay.c     reads ahead, and hands out
 *   backlog.c    from the journal
 *   crossing.c   holds, and crosses
 *
 * What was read ahead, at most a batch, lies here until the next wait: events are
 * copies, and what comes without an event, holes and tombstones, is between them.
 */
#ifndef RB_CLIENT_REPLAY_H
#define RB_CLIENT_REPLAY_H

#include "client/consumer.h"

#define RB_REPLAY_ITEMS 256
#define RB_REPLAY_BYTES 65536 /* and room for the largest event */

#define RB_REPLAY_ERROR_SIZE 512

struct rb_replay {
	alignas(RB_LINE) struct rb_gate gate; /* stands in for ours */
	struct ringbus *bus; /* a connection of our own: another thread may use
			      * the caller's */
	struct ringbus *callers;
	struct ringbus_journal *journal;
	int64_t epoch;
	int64_t at; /* everything before it was read from the journal */
	struct rb_range ahead; /* what was read next, and not wanted yet */
	bool is_ahead;
	bool is_over;      /* what follows there is of another epoch */
	int fault;         /* an errno for good, behind what is in `items` */
	int64_t absent_ns; /* since when nobody writes the journal; 0: somebody */

	bool is_held;
	int64_t ring_from; /* S */
	struct rb_attachment held;
	struct rb_barrier barrier; /* over that */

	struct rb_range items[RB_REPLAY_ITEMS];
	unsigned n_items;
	unsigned item; /* to hand out */
	char *bytes;
	size_t bytes_size;
	size_t used;

	/* How it wants in. */
	struct rb_attach request;
	struct rb_consumer_spec spec;
	char member[RB_NAME_SIZE];
	char type[RB_NAME_SIZE];
	char after[RB_CONTROL_TEXT_SIZE];
	char writer[RB_NAME_SIZE]; /* the consumer that writes the journal */
	char error[RB_REPLAY_ERROR_SIZE];
};

/*** begin.c **************************************************************/

/* ringbus_consumer_open() with a journal. Where that is not needed there is no
 * replay behind it. */
int rb_replay_open(struct ringbus_consumer *consumer, struct ringbus *bus,
		   const char *channel,
		   const struct ringbus_consumer_options *options);

/*** replay.c *************************************************************/

/* As the calls of ringbus.h. */
int64_t rb_replay_wait(struct ringbus_consumer *consumer, int64_t timeout_ns);
int rb_replay_next(struct ringbus_consumer *consumer,
		   struct ringbus_event *ret);
int rb_replay_commit_to(struct ringbus_consumer *consumer, int64_t sequence);

/* As rb_barrier_arm(). Nobody rings for the journal, so who waits by a descriptor
 * comes again in a moment. */
int rb_replay_arm(struct ringbus_consumer *consumer);

/* Events among what is read ahead from `sequence` on, at most `max`. */
int64_t rb_replay_count(const struct rb_replay *replay, int64_t sequence,
			int64_t max);

/*** backlog.c ************************************************************/

/* Says what ringbus_consumer_error() tells; returns `err`. */
rb_printf_(3, 4) int rb_replay_fail(struct rb_replay *replay, int err,
				    const char *format, ...);

/* Opens the journal and finds what belongs to this incarnation of the channel: the
 * first sequence of that; -ENODATA if there is nothing. */
int64_t rb_replay_open_journal(struct rb_replay *replay, const char *dir,
			       uint64_t generation);

/* Reads ahead what is before the place that is held, or out of the ring: 1 if there
 * is something, 0 if not yet, or an errno, which may be behind something. */
int rb_backlog_fill(struct ringbus_consumer *consumer);

/*** crossing.c ***********************************************************/

/* Holds the ring from `from` on, or from the oldest that is surely there. Not if that
 * is further away than a ring: then it would hold others up for nothing. */
int rb_crossing_hold(struct ringbus_consumer *consumer, int64_t from);

/* Holds, or crosses, if it is time for that. 1: crossed, and there is no replay any
 * more; 0; or an errno. */
int rb_crossing_advance(struct ringbus_consumer *consumer);

/* What is said where the channel is no more, or is about to be: all of it was read, or
 * never will be. */
int rb_crossing_say_gone(struct ringbus_consumer *consumer);

/* Leaves what is held, and all. */
void rb_crossing_close(struct ringbus_consumer *consumer);

/* In a forked child. */
void rb_crossing_disinherit(struct ringbus_consumer *consumer);

#endif
