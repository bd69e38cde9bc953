/* SPDX-License-Identifier: MIT */
/*
 * link.h - what replicate and replica say to each other
 *
 * A stream of records, each a head and its body, padded to 8 bytes. After each
 * batch comes a record with the sequence of its last event, which the replica
 * sends back once it has dealt with everything before it.
 */
#ifndef DEMO_LINK_H
#define DEMO_LINK_H

#include <stddef.h>
#include <stdint.h>

#define LINK_EVENT 1
#define LINK_BATCH 2

struct link_head {
	uint32_t kind;
	uint32_t size; /* of the body, without padding */
};

static inline size_t
link_pad(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

#endif
