/* SPDX-License-Identifier: MIT */
/*
 * gating.h - how far producers may go: the minimum of the gating sequences
 *
 * Producers wait for the leaves of the consumer graph only; whoever a leaf
 * waits for is ahead of it. The daemon changes the set while producers run, so
 * the minimum counts only if the set was the same before and after it was taken
 * (docs/memory-order.md, edge `membership`).
 *
 * Where slots are cleared (clear.h), what is read and not yet zero is not free,
 * nor is what is just being zeroed, whoever gates by then.
 */
#ifndef RB_GATING_H
#define RB_GATING_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/channel.h"

#define RB_NOBODY (-1)
#define RB_OPERATOR (-2) /* has paused the channel */

/*
 * The smallest sequence of the consumers that gate, or `floor` if that is
 * smaller or nobody gates. *ret_blocker is the consumer it belongs to, or
 * RB_NOBODY for the floor. If only the clearing is behind, it is who clears, or
 * any consumer that gates.
 *
 * A consumer's word is input: a value above `floor` cannot hold anybody up, and
 * one below the last minimum (`known`) cannot take back room already used.
 */
int64_t rb_gating_minimum(const struct rb_channel *channel, int64_t known,
			  int64_t floor, int *ret_blocker);

/*
 * What everybody who gates has read, cleared or not; RB_SEQUENCE_INITIAL if
 * nobody gates. *ret_version is the set's: as long as the graph has it, this is
 * so.
 */
int64_t rb_gating_read(const struct rb_channel *channel, uint32_t *ret_version);

/*
 * Whether a consumer comes no further: its event processor has given up, of a
 * group those of all workers; or it has read all that such a one before it has.
 * Who waits until all is read does not wait for it.
 */
bool rb_gating_is_stuck(const struct rb_channel *channel, unsigned index);

#endif
