/* SPDX-License-Identifier: MIT */
/*
 * scalar.h - numbers with and without units, from text and back; bytes
 *
 * All of them: 0, -EINVAL for what is no such thing, -ERANGE for what does not
 * fit (numbers into 64 bits); the output is written on success only. Sizes and
 * durations are in config.h, as the programs take them too.
 */
#ifndef RB_CONFIG_SCALAR_H
#define RB_CONFIG_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/limits.h"

/* Decimal digits and nothing else; no leading zero, which might mean octal. */
int rb_scalar_parse_number(const char *text, uint64_t *ret);

/* `true` or `false`. */
int rb_scalar_parse_bool(const char *text, bool *ret);

/* Two hex digits a byte, of either case, 1 to `max` bytes. */
int rb_scalar_parse_hex(const char *text, unsigned max, uint8_t *ret,
			unsigned *ret_size);

/* In the largest unit that needs no fraction: "64KiB", "90s". */
void rb_scalar_format_size(uint64_t value, char *text, size_t size);
void rb_scalar_format_duration(int64_t value_ns, char *text, size_t size);

/*
 * A list such as "0-3,8" of numbers below RB_CPUS_MAX, in rising order, into a set of
 * RB_CPUS_MAX bits. How many they are; -EINVAL for what is no such list, -ERANGE for
 * a number that is too large.
 */
int rb_scalar_parse_list(const char *text, uint64_t ret[RB_CPUS_MAX / 64]);

#endif
