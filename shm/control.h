/* SPDX-License-Identifier: MIT */
/*
 * control.h - what client and daemon say to each other over the socket
 *
 * AF_UNIX, SOCK_SEQPACKET: one message a packet, each RB_CONTROL_SIZE bytes, in
 * the machine's byte order. The client speaks first, HELLO before all else, and
 * waits for the answer to each request; the daemon never speaks unasked. The
 * answer repeats the type and carries 0 or a negative errno in `result`.
 *
 *   client                             daemon
 *   HELLO   versions, layout hash      0 | -EPROTONOSUPPORT -EUSERS -EXDEV
 *   ATTACH  role, channel, name, from, 0, index, epoch, missed, generation
 *           spec, after, type          + 4 descriptors (meta, ring, gates, bell)
 *                                      | -ENOENT -EACCES -EBUSY -EUSERS -EINVAL
 *                                      -ERANGE -EPROTOTYPE; -EBADMSG
 *                                      -EPROTONOSUPPORT if it is not served
 *   DETACH  role, channel, index,      0 | -ESTALE
 *           epoch, generation,
 *           flags: FORGET
 *   LIST    index                      0, channel | -ENOENT behind the last
 *   PLAN    name, spec, mask, flags    0 | -EINVAL -EUSERS
 *   CREATE  channel, geometry, type,   0 | -EACCES -EEXIST -EINVAL -ENOSPC
 *           fill, flags: PREPARE       -EUSERS -EBADMSG
 *   OPEN    channel                    0 | -EACCES -ENOENT -EBADMSG
 *   REMOVE  channel                    0 | -EACCES -ENOENT -EBUSY
 *   CLOSE   channel, flags: ABORT      0 | -EACCES -ENOENT -EBADMSG
 *   MEND    channel                    0, missed | -EACCES -ENOENT -EBADMSG
 *   PING                               0, pid
 *   PAUSE   channel, flags: RESUME     0 | -EACCES -ENOENT -ESHUTDOWN -EBADMSG
 *   EVICT   channel, name              0 | -EACCES -ENOENT -EBUSY -EBADMSG
 *   MOVE    channel, name, from        0, from | -EACCES -ENOENT -EBUSY -ERANGE
 *                                      -EINVAL -EBADMSG
 *   RELOAD  flags: DRY, RECREATE       0 | -EACCES -EINVAL -EBUSY -ENOSPC ...
 *   REPORT  index                      0, text | -EACCES -ENOENT behind the last
 *   EVENTS  from: an event's number    0, from: the next one's, text | -EAGAIN
 *   STATUS  index                      0, text | -ENOENT behind the last
 *   SETTING channel, name: the key,    0, text | -EACCES -ENOENT; -EINVAL if
 *           flags: VALUE, text         the value in `text` is none
 *
 * PLAN adds one consumer, or with the flag RESET none, to the plan of the next
 * channel that this connection creates: they are numbered in the order in which
 * they are planned, and `mask` are the numbers of those it comes after, earlier
 * or later ones. CREATE uses the plan and forgets it. A channel created with
 * PREPARE lets in nobody but its creator until OPEN.
 *
 * A refusal says in `text` what it concerns and what to do.
 */
#ifndef RB_CONTROL_H
#define RB_CONTROL_H

#include <assert.h>
#include <stdint.h>

#include "shm/limits.h"

#define RB_CONTROL_VERSION 6
#define RB_CONTROL_SIZE 1536

enum rb_control_type {
	RB_CONTROL_HELLO = 1,
	RB_CONTROL_ATTACH,
	RB_CONTROL_DETACH,
	RB_CONTROL_LIST,
	RB_CONTROL_PLAN,
	RB_CONTROL_CREATE,
	RB_CONTROL_OPEN,
	RB_CONTROL_REMOVE,
	RB_CONTROL_CLOSE,
	RB_CONTROL_MEND,
	RB_CONTROL_PING,
	RB_CONTROL_PAUSE,
	RB_CONTROL_EVICT,
	RB_CONTROL_MOVE,
	RB_CONTROL_RELOAD,
	RB_CONTROL_REPORT,
	RB_CONTROL_EVENTS,
	RB_CONTROL_STATUS,
	RB_CONTROL_SETTING,
};

#define RB_CONTROL_LAST RB_CONTROL_SETTING

enum rb_control_flag {
	RB_CONTROL_FORGET = 1,    /* DETACH: the place is not kept */
	RB_CONTROL_RESET = 2,     /* PLAN: begin anew */
	RB_CONTROL_PREPARE = 4,   /* CREATE: let in nobody yet */
	RB_CONTROL_ABORT = 8,     /* CLOSE: whatever is unread */
	RB_CONTROL_DRY = 16,      /* RELOAD: only report */
	RB_CONTROL_RECREATE = 32, /* RELOAD: end and make anew what is used */
	RB_CONTROL_RESUME = 64,   /* PAUSE: no longer */
	RB_CONTROL_VALUE = 128,   /* SETTING: what does this value mean? */
};

#define RB_CONTROL_FLAGS_ALL 255

#define RB_CONTROL_TEXT_SIZE 1024

struct rb_control {
	uint32_t version;     /* RB_CONTROL_VERSION */
	uint32_t type;        /* enum rb_control_type */
	int32_t result;       /* in answers */
	uint32_t pid;         /* PING: the daemon's */
	uint64_t layout_hash; /* HELLO */
	uint32_t flags;       /* enum rb_control_flag */

	uint32_t role; /* enum rb_role */
	char channel[RB_NAME_SIZE];
	char name[RB_NAME_SIZE]; /* of the member; SETTING: of the key */
	uint32_t index;          /* of the member; LIST: of the channel */
	uint32_t epoch;

	/* ATTACH, CREATE: what the events are; empty: not said. */
	char type_name[RB_NAME_SIZE];
	uint32_t type_version;

	/* ATTACH as consumer, PLAN: what kind of one. */
	uint32_t slow;        /* enum rb_slow */
	uint32_t is_slow_set; /* 0: as declared */
	uint32_t on_death;    /* enum rb_on_death */
	uint32_t is_group;    /* PLAN */
	uint32_t key_offset;
	uint32_t key_size;
	uint32_t padding;
	uint64_t max_lag;
	uint64_t max_stall_ns;
	uint64_t keep_for_ns;
	uint64_t mask;  /* PLAN: whom it comes after */
	int64_t from;   /* ATTACH: a sequence or enum rb_from */
	int64_t missed; /* in the answer to ATTACH; to MEND: slots given up */

	uint64_t slots; /* CREATE */
	uint64_t slot_size;
	uint64_t history;
	uint64_t stuck_after_ns; /* 0: nobody is killed for being stuck */
	uint32_t framing;        /* enum rb_framing */
	uint32_t producers;      /* enum rb_producers */
	uint32_t wait;           /* enum rb_wait_kind */
	uint32_t clear;          /* enum rb_clear */
	uint32_t strict;
	uint32_t fill_size; /* of the pattern for new slots; 0: zeroes */
	uint8_t fill[RB_FILL_SIZE];
	uint64_t generation; /* of the channel: ATTACH's answer, DETACH */
	uint32_t isolation;  /* CREATE: enum rb_isolation */
	uint32_t latency;    /* CREATE: 1: is measured */
	uint8_t reserved[60];

	/* In an answer what is wrong, or what was asked for; in ATTACH the names
	 * of those to come after, with blanks between, if it is not as
	 * declared; in SETTING a value as the file would have it. */
	char text[RB_CONTROL_TEXT_SIZE];
};

static_assert(sizeof(struct rb_control) == RB_CONTROL_SIZE, "fixed");

#endif
