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
 *   HELLO   versions, layout hash      0 | -EPROTONOSUPPORT
 *   ATTACH  role, channel, name, join  0, index, epoch + 3 descriptors (meta,
 *                                      ring, gates) | -ENOENT -EACCES -EBUSY
 *                                      -EUSERS -EINVAL
 *   DETACH  role, channel, index,      0 | -ESTALE
 *           epoch
 *   LIST    index                      0, channel | -ENOENT behind the last
 *   CREATE  channel, geometry          0 | -EACCES -EEXIST -EINVAL -ENOSPC
 *                                      -EUSERS
 *   REMOVE  channel                    0 | -EACCES -ENOENT -EBUSY
 *   CLOSE   channel                    0 | -EACCES -ENOENT
 *   PING                               0, pid
 *
 * A refusal says in `text` what it concerns and what to do.
 */
#ifndef RB_CONTROL_H
#define RB_CONTROL_H

#include <assert.h>
#include <stdint.h>

#include "shm/limits.h"

#define RB_CONTROL_VERSION 1
#define RB_CONTROL_SIZE 512

enum rb_control_type {
	RB_CONTROL_HELLO = 1,
	RB_CONTROL_ATTACH,
	RB_CONTROL_DETACH,
	RB_CONTROL_LIST,
	RB_CONTROL_CREATE,
	RB_CONTROL_REMOVE,
	RB_CONTROL_CLOSE,
	RB_CONTROL_PING,
};

#define RB_CONTROL_TEXT_SIZE 256

struct rb_control {
	uint32_t version;     /* RB_CONTROL_VERSION */
	uint32_t type;        /* enum rb_control_type */
	int32_t result;       /* in answers */
	uint32_t pid;         /* PING: the daemon's */
	uint64_t layout_hash; /* HELLO */

	char channel[RB_NAME_SIZE];
	char name[RB_NAME_SIZE]; /* ATTACH: the member's */
	uint32_t role;           /* enum rb_role */
	uint32_t join;           /* enum rb_join */
	uint32_t index;          /* of the member; LIST: of the channel */
	uint32_t epoch;

	uint64_t slots; /* CREATE */
	uint64_t slot_size;
	uint64_t history;
	uint32_t framing;   /* enum rb_framing */
	uint32_t producers; /* enum rb_producers */
	uint32_t wait;      /* enum rb_wait_kind */
	uint32_t reserved[13];

	char text[RB_CONTROL_TEXT_SIZE];
};

static_assert(sizeof(struct rb_control) == RB_CONTROL_SIZE, "fixed");

#endif
