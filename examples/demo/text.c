/* SPDX-License-Identifier: MIT */
/*
 * text.c - see text.h
 */
#include "examples/demo/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct text
grouped(int64_t number)
{
	struct text digits, out;
	uint64_t n = number < 0 ? -(uint64_t)number : (uint64_t)number;
	size_t length, used = 0;

	snprintf(digits.s, sizeof(digits.s), "%" PRIu64, n);
	length = strlen(digits.s);
	if (number < 0)
		out.s[used++] = '-';
	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out.s[used++] = ',';
		out.s[used++] = digits.s[i];
	}
	out.s[used] = '\0';
	return out;
}
