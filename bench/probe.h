/* SPDX-License-Identifier: MIT */
/*
 * probe.h - the machine's own speed, beside every figure
 */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

/* A cache line's round trip between the two cores, in ns. */
double bench_probe_ns(void);

#endif
