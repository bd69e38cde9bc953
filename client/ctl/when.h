/* SPDX-License-Identifier: MIT */
/*
 * when.h - points and spans of time as people and RFC 3339 write them
 */
#ifndef CTL_WHEN_H
#define CTL_WHEN_H

#include <stdint.h>

#define WHEN_TEXT 48

/* "2026-11-26T22:15:03.123456789Z" of nanoseconds since the epoch, into WHEN_TEXT
 * bytes, which it returns. */
const char *when_format(int64_t realtime_ns, char *text);

/* "3.2 ms", "12.0 s", "3 h 5 min", for people; likewise. */
const char *when_format_span(int64_t ns, char *text);

/* Nanoseconds since the epoch of what RFC 3339 writes, of which the time, its seconds
 * and the zone (else UTC) may be missing, and a blank be in the place of the T; or of
 * "@SECONDS". 0 or -EINVAL. */
int when_parse(const char *text, int64_t *ret);

/* CLOCK_REALTIME. */
int64_t when_now_ns(void);

#endif
