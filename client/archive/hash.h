/* SPDX-License-Identifier: MIT */
/*
 * hash.h - XXH3-64, by which a journal knows its own bytes
 *
 * In one place, so that the library needs none of another, and the rest does not
 * compile it again.
 */
#ifndef RB_ARCHIVE_HASH_H
#define RB_ARCHIVE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t rb_hash(const void *data, size_t size, uint64_t seed);

#endif
