/* SPDX-License-Identifier: MIT */
/*
 * layout.h - every byte that the processes of a channel share
 *
 * A channel is a directory with three files, or a sealed one three memfds. Each has
 * one class of writer, and nobody maps writable what he does not write:
 *
 *   file    written by            read by     holds
 *   meta    the daemon            everybody   what the channel is, who is in it
 *   ring    producers             everybody   claims, stamps, slots
 *   gates   consumers             everybody   how far each consumer has read
 *
 * (The daemon also writes ring and gates: to format them, to place a joining
 * consumer, to wake everybody after a death and to repair what a dead producer
 * left claimed.)
 *
 *   meta   0 +--------------------------+
 *            | header                   | fixed once the magic is stored
 *        512 +--------------------------+
 *            | control                  | one line a word
 *       1024 +--------------------------+
 *            | placement                | where the memory is
 *            +--------------------------+
 *            | producers[64]            | member table, two lines each
 *            | consumers[64]            |
 *            +--------------------------+ RB_META_SIZE
 *
 *   ring   0 +--------------------------+
 *            | claimed                  | highest sequence claimed
 *            | published                | highest published (single producer)
 *            | gate                     | cached minimum of the gating set
 *            | event                    | futex word: something was published
 *            | space_wanted[64]         | who sleeps until consumer i moves
 *            | handles[64]              | intent and counters per producer
 *            +--------------------------+ geometry.stamps_offset
 *            | stamps[slots]            | multi producer or framed only
 *            +--------------------------+ geometry.times_offset
 *            | times[slots]             | only with `latency`
 *            +--------------------------+ geometry.slots_offset, a page boundary
 *            | slots                    | mapped twice, back to back
 *            +--------------------------+ geometry.ring_size
 *
 *   gates  0 +--------------------------+
 *            | data_wanted              | who sleeps until something is published
 *            | bells                    | who waits for it by descriptor
 *            | clear                    | how far slots are cleared, and by whom
 *            | consumers[64]            | sequence; event word, waiters, counters
 *            +--------------------------+ RB_GATES_SIZE
 *            | groups[n_groups]         | what the workers of each share, see
 *            |   head, work[slots]      | struct rb_group
 *            | latencies[64]            | only with `latency`
 *            +--------------------------+ geometry.gates_size
 *
 * Beside them lies `bell`, a file of one byte that nobody writes: who wakes others
 * reads it to wake those that wait by descriptor, see bell.h.
 *
 * Offsets only, never pointers; sizes are 64-bit; padding is alignment. A
 * process maps a channel only if magic, version and layout hash all agree with
 * its own build, see rb_layout_hash().
 */
#ifndef RB_LAYOUT_H
#define RB_LAYOUT_H

#include <assert.h>

#include "shm/base.h"
#include "shm/geometry.h"
#include "shm/limits.h"
#include "shm/sequence.h"
#include "shm/word.h"

#define RB_MAGIC UINT64_C(0x01737562676e6972) /* "ringbus" and a one */
#define RB_LAYOUT_VERSION 6

/* Does a publisher fence before it looks for sleepers, or does the sleeper
 * issue a membarrier? Chosen by the daemon when it creates the channel. */
enum rb_wake_mode {
	RB_WAKE_MEMBARRIER,
	RB_WAKE_FENCE,
};

/* What becomes of a slot when the last consumer is done with it. */
enum rb_clear {
	RB_CLEAR_NONE,
	RB_CLEAR_ZERO, /* consumers map the ring writable and zero it: clear.h */
};

/* Where the three segments are, and so what who may write to one can do to it. */
enum rb_isolation {
	RB_ISOLATION_NAMED,  /* files in the folder: also truncate it */
	RB_ISOLATION_SEALED, /* memfds of a sealed size */
};

/* Written once by the daemon, before the magic. */
struct rb_meta_header {
	struct rb_word64 magic; /* last, release; readers: first, acquire */
	uint32_t layout_version;
	uint32_t line;
	uint64_t layout_hash;
	uint64_t generation;
	uint8_t boot_id[16];
	char name[RB_NAME_SIZE];
	struct rb_geometry geometry;
	uint32_t wait; /* enum rb_wait_kind, for members that don't choose */
	uint32_t wake; /* enum rb_wake_mode */
	uint32_t max_producers;
	uint32_t max_consumers;
	uint32_t dynamic; /* created by request, not by the configuration */
	uint32_t creator; /* and by this uid */
	uint32_t clear;   /* enum rb_clear */
	uint32_t type_version;
	char type[RB_NAME_SIZE]; /* of the events, empty if not declared */
	uint32_t strict;    /* what died with its producer stops the stream */
	uint32_t isolation; /* enum rb_isolation */
	/* The inode of the PID namespace that the pids in the member table are
	 * of; 0: not known. Also by a daemon that takes the channel over. */
	struct rb_word64 pid_ns;
	uint64_t sum; /* see rb_header_sum(): for the next daemon */
};

/* The words of metrics.h, each of one writer: what is told of a wait, and of a
 * channel. Those of a producer and of a consumer lie in their own lines. */
#define RB_WORD_OF_CHANNEL(word) struct rb_word64 word;
#define RB_WORD_OF_PRODUCER(word)
#define RB_WORD_OF_CONSUMER(word)

struct rb_wait_counters {
#define RB_WAIT_WORD(word, producer, consumer, unit, text)                     \
	struct rb_word64 word;
#include "shm/metrics.h"
};

/* What a member says of its dealings with a disk or a network, apart from what it
 * writes for each batch of the ring. */
struct rb_io_counters {
	alignas(RB_LINE) struct rb_word32 told; /* 0: none of this is */
#define RB_IO_WORD(word, producer, consumer, kind, unit, text)                 \
	struct rb_word64 word;
#include "shm/metrics.h"
};

struct rb_channel_counters {
	alignas(RB_LINE)
#define RB_WORD(scope, word, name, kind, unit, text) RB_WORD_OF_##scope(word)
#include "shm/metrics.h"
};

#undef RB_WORD_OF_CHANNEL
#undef RB_WORD_OF_PRODUCER
#undef RB_WORD_OF_CONSUMER

/*
 * OPEN -> CLOSING -> ABORTED, or OPEN -> ABORTED; and from each of them -> BROKEN;
 * never back. While CLOSING the end becomes known, producers stop and consumers
 * read on up to the end; once ABORTED everybody leaves, whatever is left unread.
 * OPEN <-> PAUSED: for a while producers claim nothing new; all else is as open, and
 * from PAUSED it goes on to the other states as from OPEN.
 * BROKEN: a client has taken away memory of ring or gates, so that what is there
 * means nothing any more. A process that finds it out by itself has a meta of its
 * own from then on, which says so: guard.h.
 */
enum rb_stream_state {
	RB_STREAM_OPEN,
	RB_STREAM_CLOSING,
	RB_STREAM_ABORTED,
	RB_STREAM_BROKEN,
	RB_STREAM_PAUSED,
};

static inline bool
rb_stream_is_open(uint32_t state)
{
	return state == RB_STREAM_OPEN || state == RB_STREAM_PAUSED;
}

/* Written by the daemon while the channel lives. */
struct rb_meta_control {
	/* Changes with every change of gating or of a dependency. */
	alignas(RB_LINE) struct rb_word32 version;
	/* Bit i: producers wait for consumers[i]. The leaves of the graph. */
	struct rb_word64 gating;
	/* 1 + the sequence up to which nothing is cleared: see clear.h. */
	struct rb_word64 skip;
	/* The last sequence of the stream; RB_SEQUENCE_MAX until it is known. */
	struct rb_sequence end;
	alignas(RB_LINE) struct rb_word32 stream; /* enum rb_stream_state */
	/* strict: 1 + the sequence before which the stream stops, as its
	 * producer died before it published it; 0: it goes on. */
	struct rb_word64 broken;
	/* A claim that holds others up for so long is killed; 0: none is. */
	struct rb_word64 stuck_after_ns;
	/* While it is PAUSED: since when, CLOCK_REALTIME; for people. */
	struct rb_word64 paused_ns;
	/* It is about to be removed: nothing of it is to be kept. */
	struct rb_word32 retired;
	/* How members wait that don't choose, 1 + enum rb_wait_kind, once it was
	 * changed; 0: as the header says. */
	struct rb_word32 wait;
	/* Another generation follows once this one is in nobody's use. */
	struct rb_word32 drains;
	/* For people: what the daemon has done with members of the channel. */
	struct rb_channel_counters counters;
};

/*
 *      join                  death, on_death: keep
 * FREE -----> ATTACHED ---------------------------> ABSENT
 *   ^           |  |  ^                              |  |
 *   |   leave,  |  |  |           resume             |  |
 *   +-----------+  |  +------------------------------+  |
 *   |              |                                    |
 *   |              | too slow, slow: evict              |
 *   +-- EVICTED <--+                                    |
 *   +---------------------------------------------------+
 *                        keep_for is over
 *
 * DYING is ATTACHED whose process is dead and whose claim is being repaired; on a
 * strict channel, what it had claimed waits there for the operator's word.
 * A declared consumer with on_death: keep starts ABSENT. On the way from FREE a
 * consumer is JOINING: it gates already, but its place is not yet final, so
 * only ATTACHED promises what is published from now on. EVICTED gates nobody,
 * and its entry is given to nobody else before its process has left or is dead,
 * so that whatever it still stores harms nobody.
 *
 * A group has an entry of its own, which gates for all its workers: ATTACHED
 * while it has some, else ABSENT or FREE. Each worker has an entry too, which
 * gates nobody.
 */
enum rb_member_state {
	RB_MEMBER_FREE,
	RB_MEMBER_ATTACHED,
	RB_MEMBER_ABSENT,
	RB_MEMBER_DYING,
	RB_MEMBER_JOINING,
	RB_MEMBER_EVICTED,
};

enum rb_on_death {
	RB_ON_DEATH_RELEASE,
	RB_ON_DEATH_KEEP,
};

/*
 * What the channel does about a consumer that is too slow. All but GATE read
 * copies that are checked after they were made, since what they read may be
 * overwritten: see tap.h.
 */
enum rb_slow {
	RB_SLOW_GATE,  /* producers wait for it */
	RB_SLOW_EVICT, /* they do, up to a limit: then it is thrown out */
	RB_SLOW_PARK, /* they do, up to a limit: then not until it has caught up */
	RB_SLOW_LOSSY, /* they never do */
};

/* One attached producer or consumer. Writer: the daemon. */
struct rb_member {
	alignas(RB_LINE) char name[RB_NAME_SIZE];
	struct rb_word32 state;       /* enum rb_member_state */
	struct rb_word32 epoch;       /* plus one at every join */
	struct rb_word32 pid;         /* for people, and for the next daemon */
	struct rb_word32 on_death;    /* enum rb_on_death */
	struct rb_word64 start_time;  /* of pid, in clock ticks since boot */
	struct rb_word64 after;       /* consumers it is declared to wait for */
	struct rb_word64 deps;        /* those of them that are there now */
	struct rb_word64 keep_for_ns; /* how long it may stay ABSENT */
	struct rb_word64 absent_ns;   /* since when it is, CLOCK_BOOTTIME */
	struct rb_word32 declared;    /* in the configuration */
	struct rb_word32 behind;      /* may have joined behind a dependant */

	struct rb_word32 slow;         /* enum rb_slow */
	struct rb_word32 parked;       /* 1: gates nobody until it caught up */
	struct rb_word64 max_lag;      /* slots; 0: no limit */
	struct rb_word64 max_stall_ns; /* without progress; 0: no limit */
	struct rb_word32 group; /* of a group: 1 + the number of its area */
	struct rb_word32
		worker_of;        /* of a worker: 1 + the entry of its group */
	struct rb_word64 workers; /* of a group: bit i: consumer i works here */
	struct rb_word32
		key_offset;        /* of a group: what events are told apart */
	struct rb_word32 key_size; /* by, in bytes; size 0: by nothing */
	struct rb_word32 recalled; /* the epoch that is void: presence.h */
	struct rb_word32 returned; /* was parked, so what lies before it may be
				    * gone until it has come to `known` */
	/* Of the pidfd of pid, which no other process has until the next boot;
	 * 0: the kernel has none. */
	struct rb_word64 pidfd_inode;
	struct rb_word64 known; /* of a consumer: up to where producers may have
				 * known all to be read, when it took its place */
};

/* What the configuration may wish of the memory. */
enum rb_placement {
	RB_PLACEMENT_PREFAULT,
	RB_PLACEMENT_LOCK,
	RB_PLACEMENT_HUGE_PAGES,
	RB_PLACEMENT_NUMA_NODE,
	RB_PLACEMENT_CPUS,
	RB_PLACEMENTS,
};

/* For people, and for who wants to be near: see placement.h. */
struct rb_meta_placement {
	struct rb_word64 wishes[RB_PLACEMENTS];
	struct rb_word64 cpus[RB_CPUS_MAX / 64];
};

struct rb_meta {
	struct rb_meta_header header;
	alignas(512) struct rb_meta_control control;
	alignas(RB_LINE) struct rb_meta_placement placement;
	struct rb_member producers[RB_PRODUCERS_MAX];
	struct rb_member consumers[RB_CONSUMERS_MAX];
};

/*
 * What one producer handle is about to claim or has claimed, for the repair
 * after its death; see multi.c. Writer: the handle's owner.
 *
 *   intent = (lo + 1) << 2 | state
 */
enum rb_intent_state {
	RB_INTENT_IDLE,
	RB_INTENT_CLAIMING, /* the claim may or may not have happened */
	RB_INTENT_CLAIMED,  /* n slots from lo are the handle's */
};

struct rb_handle {
	alignas(RB_LINE) struct rb_word64 intent;
	struct rb_word64 n;
	struct rb_word64 presence; /* of the client: see presence.h */
	/* Of several producers the slots that it has published; of a single one
	 * the sequence at which it began. */
	struct rb_word64 published;
#define RB_WORD_OF_CHANNEL(word)
#define RB_WORD_OF_PRODUCER(word) struct rb_word64 word;
#define RB_WORD_OF_CONSUMER(word)
#define RB_WORD(scope, word, name, kind, unit, text) RB_WORD_OF_##scope(word)
#include "shm/metrics.h"
#undef RB_WORD_OF_PRODUCER
#undef RB_WORD_OF_CONSUMER
	struct rb_wait_counters waits; /* for space */
	struct rb_word32 waits_since;  /* see since.h */
	struct rb_io_counters io;
};

struct rb_ring {
	/* Writers: producers; by RMW if multi; a little ahead if single. */
	struct rb_sequence claimed;
	struct rb_sequence published; /* writer: the single producer */
	/* Writers: producers, only upwards; the daemon while there are none. */
	struct rb_sequence gate;
	/* Writers: producers, by CAS. Consumers sleep on it. */
	alignas(RB_LINE) struct rb_word32 event;
	/* Writers: producers, only upwards. Read by consumer i. */
	alignas(RB_LINE) struct rb_word32 space_wanted[RB_CONSUMERS_MAX];
	struct rb_handle handles[RB_PRODUCERS_MAX];
};

/* What a consumer says of itself; see struct rb_gate. */
enum rb_run_state {
	RB_RUN_IDLE,
	RB_RUN_RUNNING, /* in its event processor */
	RB_RUN_FAILED,  /* its processor gave up over an event */
};

struct rb_gate {
	/* Writer: the consumer, once a batch; of a group its workers, upwards. */
	struct rb_sequence sequence;
	/* Writer: the consumer, by CAS. Producers and dependants sleep on it. */
	alignas(RB_LINE) struct rb_word32 event;
	struct rb_word32 wanted;      /* writers: dependants, only upwards */
	struct rb_word32 run;         /* enum rb_run_state */
	struct rb_word32 waits_since; /* see since.h */
	struct rb_word64 failed;   /* 1 + the sequence that it failed at last */
	struct rb_word64 presence; /* of the client: see presence.h */
#define RB_WORD_OF_PRODUCER(word)
#define RB_WORD_OF_CONSUMER(word) struct rb_word64 word;
#define RB_WORD(scope, word, name, kind, unit, text) RB_WORD_OF_##scope(word)
#include "shm/metrics.h"
#undef RB_WORD_OF_CHANNEL
#undef RB_WORD_OF_PRODUCER
#undef RB_WORD_OF_CONSUMER
	struct rb_wait_counters waits; /* for events */
	struct rb_io_counters io;
};

/* Whose event word this is. */
static inline const struct rb_gate *
rb_gate_of(const struct rb_word32 *event)
{
	return (const void *)((const char *)event -
			      offsetof(struct rb_gate, event));
}

/* Who zeroes slots that everybody has read, and how far; see clear.h. Writers:
 * consumers, one at a time; the daemon for a dead one. */
struct rb_clearing {
	alignas(RB_LINE) struct rb_word32 owner; /* 1 + index; 0: nobody */
	struct rb_sequence
		begun;           /* up to here slots are zero or being zeroed */
	struct rb_sequence done; /* up to here they are zero, and free */
};

struct rb_gates {
	/* Writers: consumers, only upwards. Read by producers. */
	alignas(RB_LINE) struct rb_word32 data_wanted;
	/* Bit i: consumer i waits by descriptor. Writers: consumers, each its
	 * bit; the daemon for a dead one. */
	alignas(RB_LINE) struct rb_word64 bells;
	struct rb_clearing clear;
	struct rb_gate consumers[RB_CONSUMERS_MAX];
};

#define RB_LANES 256 /* key groups of a group of workers */

/*
 * What the workers of one group share. Writers: they, by CAS; the daemon for a
 * dead one. See group.h.
 */
struct rb_group {
	struct rb_sequence hint; /* where to look for open work: group.h */
	alignas(RB_LINE) struct rb_word32
		lanes[RB_LANES];                  /* 1 + who; 0: free */
	alignas(RB_LINE) struct rb_word64 work[]; /* one a slot */
};

/* Buckets of a histogram of latencies: see latency.h. */
#define RB_LATENCY_BUCKETS 320
#define RB_LATENCY_EXACT 16
#define RB_LATENCY_EXPONENT_MAX 41

/* Writer: the consumer, once a batch. */
struct rb_latency {
	alignas(RB_LINE) struct rb_word64 sum_ns;
	struct rb_word64 counts[RB_LATENCY_BUCKETS];
};

#define RB_META_SIZE sizeof(struct rb_meta)
#define RB_GATES_SIZE sizeof(struct rb_gates)

/*
 * The stamp of a slot says which sequence was last stored there, and what it
 * is. It only grows, so it needs no clearing between laps and knows no ABA.
 * Written by the sequence's producer, or by the daemon for a dead one.
 */
enum rb_stamp_kind {
	RB_STAMP_NONE,
	RB_STAMP_EVENT,     /* an event, or the first slot of one */
	RB_STAMP_REST,      /* a further slot of a framed event */
	RB_STAMP_TOMBSTONE, /* nothing; its producer died or gave it up */
};

static inline uint64_t
rb_stamp(int64_t sequence, enum rb_stamp_kind kind)
{
	return ((uint64_t)sequence + 1) << 2 | (uint64_t)kind;
}

static inline int64_t
rb_stamp_sequence(uint64_t stamp)
{
	return (int64_t)(stamp >> 2) - 1;
}

static inline enum rb_stamp_kind
rb_stamp_kind(uint64_t stamp)
{
	return (enum rb_stamp_kind)(stamp & 3);
}

/* In front of every event of a framed channel. */
struct rb_frame {
	struct rb_word32 size; /* of the event, without this header */
	uint32_t reserved;
};

/* Sums up the sizes and offsets above: builds that differ refuse each other. */
uint64_t rb_layout_hash(void);

/* Sums up what a header says, but for its magic and its PID namespace. A daemon
 * that finds another sum than was written down finds a damaged header. */
uint64_t rb_header_sum(const struct rb_meta_header *header);

static_assert(sizeof(struct rb_sequence) == RB_LINE, "one line");
static_assert(sizeof(struct rb_meta_header) <= 512, "before the control words");
static_assert(sizeof(struct rb_handle) == 2 * RB_LINE, "two lines");
static_assert(sizeof(struct rb_member) == 2 * RB_LINE, "two lines");
static_assert(sizeof(struct rb_gate) == 3 * RB_LINE, "three lines");
static_assert(sizeof(struct rb_meta_header) <= 512, "fits before control");
static_assert(offsetof(struct rb_meta, control) == 512, "fixed");
static_assert(offsetof(struct rb_meta, placement) == 1024, "fixed");
static_assert(offsetof(struct rb_meta, producers) == 1280, "fixed");
static_assert(offsetof(struct rb_ring, published) == 1 * RB_LINE, "own line");
static_assert(offsetof(struct rb_ring, gate) == 2 * RB_LINE, "own line");
static_assert(offsetof(struct rb_ring, event) == 3 * RB_LINE, "own line");
static_assert(offsetof(struct rb_ring, space_wanted) == 4 * RB_LINE,
	      "own lines");
static_assert(offsetof(struct rb_ring, handles) == 6 * RB_LINE, "own lines");
static_assert(offsetof(struct rb_handle, io) == RB_LINE, "own line");
static_assert(offsetof(struct rb_gate, event) == RB_LINE, "own line");
static_assert(offsetof(struct rb_gate, io) == 2 * RB_LINE, "own line");
static_assert(offsetof(struct rb_gates, bells) == RB_LINE, "own line");
static_assert(offsetof(struct rb_gates, clear) == 2 * RB_LINE, "own lines");
static_assert(sizeof(struct rb_clearing) == 3 * RB_LINE, "own lines");
static_assert(offsetof(struct rb_gates, consumers) == 5 * RB_LINE, "own lines");
static_assert(offsetof(struct rb_group, lanes) == RB_LINE, "own line");
static_assert(sizeof(struct rb_frame) == 8, "keeps events 8-byte aligned");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics are lock-free");

#endif
