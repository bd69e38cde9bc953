/* SPDX-License-Identifier: MIT */
/*
 * gating.h - how far producers may go: the minimum of the gating sequences
 *
 * Producers wait for the leaves of the consumer graph only; whoever a leaf
 * waits for is ahead of it. The daemon changes the set while producers run, so
 * the minimum counts only if the set was the same before and after it was taken
 * (docs/memory-order.md, edge `membership`).
 */
#ifndef RB_GATING_H
#define RB_GATING_H

#include <stdint.h>

#include "shm/channel.h"

#define RB_NOBODY (-1)

/*
 * The smallest sequence of the consumers that gate, or `floor` if that is
 * smaller or nobody gates. *ret_blocker is the consumer it belongs to, or
 * RB_NOBODY for the floor.
 *
 * A consumer's word is input: a value above `floor` cannot hold anybody up, and
 * one below the last minimum (`known`) cannot take back room already used.
 */
int64_t rb_gating_minimum(const struct rb_channel *channel, int64_t known,
			  int64_t floor, int *ret_blocker);

#endif
