/* SPDX-License-Identifier: MIT */
/*
 * allowance.c - see allowance.h
 */
#include "daemon/allowance.h"

#define ONE_NS (INT64_C(1000000000) / RB_ALLOWANCE_RATE)
#define BURST_NS (RB_ALLOWANCE_BURST * ONE_NS)

void
rb_allowance_overdraw(struct rb_allowance *allowance, int64_t now_ns)
{
	if (allowance->full_at_ns < now_ns)
		allowance->full_at_ns = now_ns;
	allowance->full_at_ns += ONE_NS;
}

bool
rb_allowance_take(struct rb_allowance *allowance, int64_t now_ns)
{
	if (allowance->full_at_ns + ONE_NS - now_ns > BURST_NS)
		return false;
	rb_allowance_overdraw(allowance, now_ns);
	return true;
}

bool
rb_allowance_is_full(const struct rb_allowance *allowance, int64_t now_ns)
{
	return allowance->full_at_ns <= now_ns;
}
