/* SPDX-License-Identifier: MIT */
/*
 * bell.c - see bell.h
 */
#include "shm/bell.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/channel.h"

void
rb_bell_ring(const struct rb_channel *channel)
{
	/* ORDER(bell, seq_cst) - the new count of the event, or what else we
	 * changed, comes before the look at who waits; pairs with
	 * rb_barrier_arm(). */
	rb_fence_seq_cst();
	/* ORDER(none, relaxed) - the fence above orders it. */
	if (rb_word64_load_relaxed(&channel->gates->bells) == 0 ||
	    channel->bell < 0)
		return;
	rb_bell_strike(channel);
}

void
rb_bell_strike(const struct rb_channel *channel)
{
	char byte;

	/* Not pread(), which is a point where a thread may be cancelled. */
	syscall(SYS_pread64, channel->bell, &byte, (size_t)1, INT64_C(0));
}
