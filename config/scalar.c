/* SPDX-License-Identifier: MIT */
/*
 * scalar.c - numbers with and without units, from text and back; bytes
 *
 * Written by hand instead of strtoull(), which skips blanks, takes signs and
 * wraps negative numbers. Every step is checked for overflow.
 */
#include "config/scalar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "shm/base.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* The largest first within a family; what we print is named first. */
static const struct unit size_units[] = {
	{ "TiB", UINT64_C(1) << 40 },
	{ "GiB", UINT64_C(1) << 30 },
	{ "MiB", UINT64_C(1) << 20 },
	{ "KiB", UINT64_C(1) << 10 },
	{ "", 1 },
	{ "B", 1 },
	{ "Ti", UINT64_C(1) << 40 },
	{ "Gi", UINT64_C(1) << 30 },
	{ "Mi", UINT64_C(1) << 20 },
	{ "Ki", UINT64_C(1) << 10 },
	{ "T", UINT64_C(1) << 40 },
	{ "G", UINT64_C(1) << 30 },
	{ "M", UINT64_C(1) << 20 },
	{ "K", UINT64_C(1) << 10 },
	{ "TB", UINT64_C(1000000000000) },
	{ "GB", UINT64_C(1000000000) },
	{ "MB", UINT64_C(1000000) },
	{ "kB", UINT64_C(1000) },
};

/* The largest first; what we print is named first. */
static const struct unit duration_units[] = {
	{ "d", UINT64_C(86400000000000) }, { "h", UINT64_C(3600000000000) },
	{ "m", UINT64_C(60000000000) },    { "min", UINT64_C(60000000000) },
	{ "s", UINT64_C(1000000000) },     { "ms", UINT64_C(1000000) },
	{ "us", UINT64_C(1000) },          { "ns", 1 },
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits and moves *text behind them. */
static int
read_digits(const char **text, uint64_t *ret)
{
	const char *p = *text;
	uint64_t value = 0;
	bool is_over = false;

	if (!is_digit(p[0]) || (p[0] == '0' && is_digit(p[1])))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		is_over |= __builtin_mul_overflow(value, 10, &value);
		is_over |= __builtin_add_overflow(value, *p - '0', &value);
	}
	*text = p;
	*ret = value;
	return is_over ? -ERANGE : 0;
}

int
rb_scalar_parse_number(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	int r = read_digits(&text, &value);

	if (r != -EINVAL && *text)
		return -EINVAL;
	if (r == 0)
		*ret = value;
	return r;
}

int
rb_scalar_parse_bool(const char *text, bool *ret)
{
	bool is_true = strcmp(text, "true") == 0;

	if (!is_true && strcmp(text, "false") != 0)
		return -EINVAL;
	*ret = is_true;
	return 0;
}

/* The worth of a hex digit, or -1. Not by <ctype.h>, which asks the locale. */
static int
digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
rb_scalar_parse_hex(const char *text, unsigned max, uint8_t *ret,
		    unsigned *ret_size)
{
	size_t i, n = strlen(text);

	if (n == 0 || n % 2 != 0)
		return -EINVAL;
	for (i = 0; i < n; i++)
		if (digit_value(text[i]) < 0)
			return -EINVAL;
	if (n / 2 > max)
		return -ERANGE;
	for (i = 0; i < n / 2; i++)
		ret[i] = (uint8_t)(digit_value(text[2 * i]) << 4 |
				   digit_value(text[2 * i + 1]));
	*ret_size = (unsigned)(n / 2);
	return 0;
}

/* "3" or "3-5", above what came before; moves *text behind it. */
static int
read_span(const char **text, uint64_t above, uint64_t *ret_first,
	  uint64_t *ret_last)
{
	int r = read_digits(text, ret_first);

	*ret_last = *ret_first;
	if (r == 0 && **text == '-') {
		(*text)++;
		r = read_digits(text, ret_last);
	}
	if (r < 0)
		return r;
	if (*ret_first < above || *ret_last < *ret_first)
		return -EINVAL;
	return *ret_last < RB_CPUS_MAX ? 0 : -ERANGE;
}

int
rb_scalar_parse_list(const char *text, uint64_t ret[RB_CPUS_MAX / 64])
{
	uint64_t set[RB_CPUS_MAX / 64] = { 0 };
	uint64_t first, last = 0;
	int r, n = 0;

	for (;;) {
		r = read_span(&text, n > 0 ? last + 1 : 0, &first, &last);
		if (r < 0)
			return r;
		for (uint64_t i = first; i <= last; i++, n++)
			set[i / 64] |= UINT64_C(1) << i % 64;
		if (*text != ',')
			break;
		text++;
	}
	if (*text != '\0')
		return -EINVAL;
	memcpy(ret, set, sizeof(set));
	return n;
}

int
rb_config_parse_size(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	int r = read_digits(&text, &value);
	size_t i;

	if (r == -EINVAL)
		return r;
	for (i = 0; i < RB_ARRAY_SIZE(size_units); i++)
		if (strcmp(text, size_units[i].name) == 0)
			break;
	if (i == RB_ARRAY_SIZE(size_units))
		return -EINVAL;
	if (r < 0 ||
	    __builtin_mul_overflow(value, size_units[i].factor, &value))
		return -ERANGE;
	*ret = value;
	return 0;
}

/* Reads a unit smaller than *factor, and moves *text behind it. */
static int
read_duration_unit(const char **text, uint64_t *factor)
{
	size_t i, n = 0;

	while ((*text)[n] && !is_digit((*text)[n]))
		n++;
	for (i = 0; i < RB_ARRAY_SIZE(duration_units); i++) {
		if (strlen(duration_units[i].name) != n ||
		    strncmp(*text, duration_units[i].name, n) != 0 ||
		    duration_units[i].factor >= *factor)
			continue;
		*text += n;
		*factor = duration_units[i].factor;
		return 0;
	}
	return -EINVAL;
}

int
rb_config_parse_duration(const char *text, int64_t *ret_ns)
{
	uint64_t part, factor = UINT64_MAX;
	int64_t sum = 0;
	bool is_over = false;
	int r;

	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	do {
		r = read_digits(&text, &part);
		if (r == -EINVAL)
			return r;
		is_over |= r < 0;
		r = read_duration_unit(&text, &factor);
		if (r < 0)
			return r;
		is_over |= __builtin_mul_overflow(part, factor, &part);
		is_over |= __builtin_add_overflow(sum, part, &sum);
	} while (*text);
	if (is_over)
		return -ERANGE;
	*ret_ns = sum;
	return 0;
}

void
rb_scalar_format_size(uint64_t value, char *text, size_t size)
{
	size_t i = 0;

	while (value == 0 ? size_units[i].factor != 1
			  : value % size_units[i].factor != 0)
		i++;
	snprintf(text, size, "%" PRIu64 "%s", value / size_units[i].factor,
		 size_units[i].name);
}

void
rb_scalar_format_duration(int64_t value_ns, char *text, size_t size)
{
	uint64_t value = (uint64_t)value_ns;
	size_t i = 0;

	if (value == 0) {
		snprintf(text, size, "0");
		return;
	}
	while (value % duration_units[i].factor != 0)
		i++;
	snprintf(text, size, "%" PRIu64 "%s", value / duration_units[i].factor,
		 duration_units[i].name);
}
