/* SPDX-License-Identifier: MIT */
/*
 * probe.h - places where a tracer may look on
 *
 * With <sys/sdt.h> each is a count of who looks on, an instruction that does nothing
 * and a note in the ELF file, by which bpftrace, perf and systemtap find them
 * (usdt:FILE:ringbus:NAME); without, it is nothing at all. None is in what programs have inlined: who traces
 * every publish builds his program with RINGBUS_NO_INLINE. docs/trace/ has scripts.
 *
 * The first argument of each is the name of the channel, as a string. `role` is 0
 * for a producer and 1 for a consumer, `index` its place in the channel.
 *
 *   claim       name, index, highest sequence, slots
 *   publish     name, index, lowest, highest sequence
 *   commit      name, index, sequence
 *   wait_begin  name, role, index, sequence that it waits for
 *   wait_end    name, role, index, sequence found or a negative errno
 *   wake        name, the address of the word of whoever is waited for
 *   repair      name, index, tombstones
 *   evict       name, index
 *   attach      name, role, index, pid
 *   detach      name, role, index
 */
#ifndef RB_PROBE_H
#define RB_PROBE_H

#include "shm/base.h"

#ifdef __has_include
#if __has_include(<sys/sdt.h>)
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

/* How many tracers look at a probe: the kernel counts them there. Without one a probe
 * costs a look at it; its arguments are not made ready for nobody. */
#define RB_PROBE_WATCHED(name) extern unsigned short ringbus_##name##_semaphore;
#define RB_PROBES(X)                                                           \
	X(claim)                                                               \
	X(publish)                                                             \
	X(commit)                                                              \
	X(wait_begin)                                                          \
	X(wait_end)                                                            \
	X(wake)                                                                \
	X(repair)                                                              \
	X(evict)                                                               \
	X(attach)                                                              \
	X(detach)

RB_PROBES(RB_PROBE_WATCHED)

#define RB_PROBE(n, name, ...)                                                 \
	do {                                                                   \
		if (rb_unlikely(ringbus_##name##_semaphore != 0))              \
			DTRACE_PROBE##n(ringbus, name, __VA_ARGS__);           \
	} while (0)
#endif
#endif

#ifndef RB_PROBE
static inline void
rb_probe_nothing(int n, ...)
{
	(void)n;
}
#define RB_PROBE(n, name, ...)                                                 \
	do {                                                                   \
		if (0)                                                         \
			rb_probe_nothing(n, __VA_ARGS__);                      \
	} while (0)
#endif

#define RB_PROBE_PRODUCER 0
#define RB_PROBE_CONSUMER 1

#endif
