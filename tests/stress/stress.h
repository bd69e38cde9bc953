/* SPDX-License-Identifier: MIT */
/*
 * stress.h - how much is much
 *
 * `make test` runs these programs as a few seconds' sample; `make stress` sets
 * STRESS and runs them in full.
 */
#ifndef T_STRESS_H
#define T_STRESS_H

#include <stdint.h>
#include <stdlib.h>

#define STRESS_TIMEOUT 3600

static inline int64_t
stress_count(int64_t sample, int64_t full)
{
	return getenv("STRESS") != NULL ? full : sample;
}

/* Per event: check writes to a pipe for each of its own assertions. */
#define stress_assert(cond)                                                    \
	do {                                                                   \
		if (!(cond))                                                   \
			ck_abort_msg("%s", #cond);                             \
	} while (0)

#endif
