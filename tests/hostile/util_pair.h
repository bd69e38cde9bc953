/* SPDX-License-Identifier: MIT */
/*
 * util_pair.h - a producer and a consumer in full flow, each a user of its own
 *
 * Events are numbered from 0 on, full of random bytes, and have a checksum. The
 * consumer demands that each comes, once, in order and undamaged; it waits on the
 * futex and, now and then, on its descriptor. Either dies at the first thing that
 * is wrong.
 */
#ifndef T_UTIL_PAIR_H
#define T_UTIL_PAIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pair_words;

struct pair {
	struct pair_words *words; /* shared by all processes of the test */
	pid_t producer;
	pid_t consumer;
};

#define PAIR_EVENT_SIZE 64

/* On the channel `flow` of the daemon at this socket. Both are members then. */
void pair_start(struct pair *pair, const char *socket);

/* So many events have arrived unharmed. */
uint64_t pair_consumed(const struct pair *pair);

/* Both live. */
bool pair_lives(const struct pair *pair);

/* No further event after this many, and the last of those sent has arrived; both
 * leave, unharmed. Returns how many there were. */
uint64_t pair_stop(struct pair *pair, uint64_t at_least);

#endif
