/* SPDX-License-Identifier: MIT */
/*
 * channel.h - one process's view of a channel: its three segments, checked
 *
 * The daemon formats a channel; everybody attaches to it with the descriptors
 * that the daemon gives out. Attaching believes nothing: magic, version, layout
 * hash and geometry are checked on a private copy, and only that copy is used
 * for addresses afterwards.
 */
#ifndef RB_CHANNEL_H
#define RB_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/guard.h"
#include "shm/layout.h"
#include "shm/segment.h"
#include "shm/wait.h"

/* Decides which segments are mapped writable. */
enum rb_role {
	RB_ROLE_TAP,      /* none */
	RB_ROLE_PRODUCER, /* ring */
	RB_ROLE_CONSUMER, /* gates */
	RB_ROLE_DAEMON,   /* all */
};

enum rb_file {
	RB_FILE_META,
	RB_FILE_RING,
	RB_FILE_GATES,
};

#define RB_FILES 3 /* that are mapped */

/* The descriptor that comes with them: of the file that wakers read. */
#define RB_FD_BELL 3
#define RB_FDS 4

/* "meta", "ring", "gates", "bell". */
extern const char *const rb_file_names[RB_FDS];

bool rb_role_writes(enum rb_role role, enum rb_file file, enum rb_clear clear);

struct rb_channel {
	struct rb_meta *meta;
	struct rb_ring *ring;
	struct rb_gates *gates;
	struct rb_word64 *stamps;     /* NULL: the channel has none */
	struct rb_word64 *times;      /* NULL: latency is not measured */
	struct rb_latency *latencies; /* NULL: the same */
	char *slots;
	uint64_t mask; /* slots - 1 */
	struct rb_geometry geometry;
	uint64_t generation;
	enum rb_wait_kind wait; /* the channel's default */
	enum rb_clear clear;
	enum rb_isolation isolation;
	bool strict;       /* what died with its producer stops the stream */
	bool fence;        /* wakers must fence */
	bool disinherited; /* of a parent process: nothing of it is there */
	int bell;          /* the caller's descriptor, or -1: see bell.h */
	struct rb_segment segments[RB_FILES];
	struct rb_guard *guard; /* of the segments; may be NULL */
};

#define RB_CHANNEL_NULL ((struct rb_channel){ .bell = -1 })

/* What a channel is made of, beside its geometry. */
struct rb_channel_format {
	const char *name;
	uint64_t generation;
	uint8_t boot_id[16];
	uint64_t pid_ns; /* 0: not known */
	enum rb_wait_kind wait;
	enum rb_wake_mode wake;
	uint32_t max_producers;
	uint32_t max_consumers;
	bool dynamic;
	uint32_t creator;
	enum rb_clear clear;
	enum rb_isolation isolation;
	bool strict;
	uint64_t stuck_after_ns; /* 0: nobody is killed for being stuck */
	const char *type;        /* NULL: not declared */
	uint32_t type_version;
	const uint8_t *fill; /* the pattern of new slots; NULL: zeroes */
	size_t fill_size;
};

/* Bytes of one of the files. */
uint64_t rb_channel_file_size(const struct rb_geometry *geometry,
			      enum rb_file file);

/*
 * Maps three new, zeroed files for the daemon and writes everything but the
 * magic, so that nobody takes the channel for ready. Then the daemon declares
 * the consumers, and rb_channel_open() stores the magic.
 */
int rb_channel_format(struct rb_channel *channel, const int fds[RB_FILES],
		      const struct rb_geometry *geometry,
		      const struct rb_channel_format *format);
void rb_channel_open(struct rb_channel *channel);

/*
 * Maps a channel in the given role; a consumer also maps the ring writable where
 * it has to clear it. The descriptors stay the caller's and may be closed at
 * once. -EPROTONOSUPPORT for another layout (version, hash or
 * page size), -EBADMSG for files that are no channel or lie about it. The daemon
 * may find ring and gates shortened: then it has to break the channel.
 */
int rb_channel_attach(struct rb_channel *channel, const int fds[RB_FILES],
		      enum rb_role role);

/*
 * In a forked child, which has not inherited the mapping: memory of its own in
 * its place, in which nobody has the place that we had, and no claim and no look
 * for events goes well. Without memory for it nothing is touched, and who uses
 * the channel all the same faults.
 */
void rb_channel_disinherit(struct rb_channel *channel);

/* Why a handle is no longer its holder's: -ESTALE, or -ECHILD if it is that of
 * the parent process, or -EBADMSG if the channel is broken. */
int rb_channel_why_lost(const struct rb_channel *channel);

/* Unmaps; harmless on RB_CHANNEL_NULL. */
void rb_channel_detach(struct rb_channel *channel);

/* Wakes everybody who sleeps anywhere on this channel, once. Daemon only. */
void rb_channel_wake_all(struct rb_channel *channel);

/*
 * Producers claim nothing from now on, as if the ring were full, until it is set to
 * 0; what is claimed they publish, and consumers read on. A producer may yet claim
 * what it had found room for. `since_ns` is for people. Only of a stream that is
 * open. Daemon only.
 */
void rb_channel_set_paused(struct rb_channel *channel, int64_t since_ns);

/*
 * Ends the stream: producers stop, the end becomes known, consumers read on up
 * to it; with `abort` everybody leaves at once. Wakes all.
 */
void rb_channel_close_stream(struct rb_channel *channel, bool abort);

/* A client has taken memory of it away: says so for good, and wakes all. Daemon
 * only. */
void rb_channel_break(struct rb_channel *channel);

/* The same in a meta, or in a copy of it that only this process has: the state, and
 * consumers have lost their places, as those who count what was read as done look at
 * nothing else. */
void rb_channel_say_broken(struct rb_meta *meta);

/*
 * Memory of the channel was taken away, as far as this process knows. Looked at
 * after what was read there, by whoever hands it out: that may have been zeroes in
 * the place of events.
 */
static inline bool
rb_channel_is_broken(const struct rb_channel *channel)
{
	/* ORDER(none, compiler) - what we have read comes before this look: it
	 * is our own signal handler that has told us. */
	rb_fence_compiler();
	/* ORDER(none, relaxed) - a state that stays once set. */
	return rb_word32_load_relaxed(&channel->meta->control.stream) ==
	       RB_STREAM_BROKEN;
}

/* Whoever claims has to wait until the operator lets producers go on. */
static inline bool
rb_channel_is_paused(const struct rb_channel *channel)
{
	/* ORDER(none, relaxed) - who sees it late claims once more. */
	return rb_word32_load_relaxed(&channel->meta->control.stream) ==
	       RB_STREAM_PAUSED;
}

/* Contiguous up to a whole ring from any sequence on. */
static inline void *
rb_channel_slot(const struct rb_channel *channel, int64_t sequence)
{
	return channel->slots + ((uint64_t)sequence & channel->mask) *
					channel->geometry.slot_size;
}

static inline struct rb_word64 *
rb_channel_stamp(const struct rb_channel *channel, int64_t sequence)
{
	return &channel->stamps[(uint64_t)sequence & channel->mask];
}

/* When this slot was published; where times are. */
static inline struct rb_word64 *
rb_channel_time(const struct rb_channel *channel, int64_t sequence)
{
	return &channel->times[(uint64_t)sequence & channel->mask];
}

/* The work area of group number `n`, below n_groups. */
static inline struct rb_group *
rb_channel_group(const struct rb_channel *channel, unsigned n)
{
	uint64_t size = sizeof(struct rb_group) +
			rb_round_up(channel->geometry.slots * 8, RB_LINE);

	return (void *)((char *)channel->gates + RB_GATES_SIZE + n * size);
}

static inline bool
rb_channel_is_multi(const struct rb_channel *channel)
{
	return channel->geometry.producers == RB_MULTI;
}

/*
 * Where the stream of a strict channel stops: at what a dead producer had claimed
 * and not published. RB_SEQUENCE_MAX: nowhere. Only who would have to wait has to
 * ask.
 */
static inline int64_t
rb_channel_broken_at(const struct rb_channel *channel)
{
	uint64_t broken;

	if (rb_likely(!channel->strict))
		return RB_SEQUENCE_MAX;
	/* ORDER(broken, acquire) - the dead one's entry says that it is dying:
	 * who is told to look finds whom it was. */
	broken = rb_word64_load_acquire(&channel->meta->control.broken);
	return broken == 0 || broken > RB_SEQUENCE_MAX ? RB_SEQUENCE_MAX
						       : (int64_t)broken - 1;
}

static inline bool
rb_channel_is_framed(const struct rb_channel *channel)
{
	return channel->geometry.framing == RB_FRAMED;
}

#endif
