/* SPDX-License-Identifier: MIT */
/*
 * hash.c - see hash.h
 */
#define XXH_INLINE_ALL
#include "client/archive/hash.h"

#include <xxhash.h>

uint64_t
rb_hash(const void *data, size_t size, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, size, seed);
}
