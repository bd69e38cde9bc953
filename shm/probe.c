/* SPDX-License-Identifier: MIT */
/*
 * probe.c - the counts of who looks on at each probe, where tracers find them
 */
#include "shm/probe.h"

#ifdef RB_PROBES
#define COUNT(name)                                                            \
	unsigned short ringbus_##name##_semaphore                              \
		__attribute__((section(".probes")));

RB_PROBES(COUNT)
#endif
