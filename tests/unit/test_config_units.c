/* SPDX-License-Identifier: MIT */
/*
 * test_config_units.c - sizes, durations and bytes as text
 */
#include <inttypes.h>
#include <stdio.h>

#include "config/scalar.h"
#include "shm/base.h"
#include "tests/unit/config_expect.h"

#define MS INT64_C(1000000)

static void
assert_size(const char *text, int error, uint64_t expected)
{
	uint64_t size = 42;

	ck_assert_msg(rb_config_parse_size(text, &size) == error, "%s", text);
	ck_assert_msg(size == (error ? 42 : expected), "%s: %" PRIu64, text,
		      size);
}

TEST(sizes)
{
	assert_size("0", 0, 0);
	assert_size("65536", 0, 65536);
	assert_size("1B", 0, 1);
	assert_size("64Ki", 0, 65536);
	assert_size("64KiB", 0, 65536);
	assert_size("64K", 0, 65536);
	assert_size("64kB", 0, 64000);
	assert_size("3MiB", 0, 3 << 20);
	assert_size("3MB", 0, 3000000);
	assert_size("2GiB", 0, UINT64_C(2) << 30);
	assert_size("2GB", 0, UINT64_C(2000000000));
	assert_size("1TiB", 0, UINT64_C(1) << 40);
	assert_size("1TB", 0, UINT64_C(1000000000000));
	assert_size("18446744073709551615", 0, UINT64_MAX);
}

TEST(bad_sizes)
{
	static const char *const texts[] = { "",    "KiB",   "-1",    "+1",
					     " 1",  "1 ",    "1 KiB", "1kib",
					     "1KB", "1.5G",  "0x10",  "010",
					     "1e3", "1KiBx", "1,000" };
	size_t i;

	for (i = 0; i < RB_ARRAY_SIZE(texts); i++)
		assert_size(texts[i], -EINVAL, 0);
	assert_size("18446744073709551616", -ERANGE, 0);
	assert_size("16777216TiB", -ERANGE, 0);
	assert_size("99999999999999999999999999GiB", -ERANGE, 0);
}

static void
assert_duration(const char *text, int error, int64_t expected_ns)
{
	int64_t ns = 42;

	ck_assert_msg(rb_config_parse_duration(text, &ns) == error, "%s", text);
	ck_assert_msg(ns == (error ? 42 : expected_ns), "%s: %" PRId64, text,
		      ns);
}

TEST(durations)
{
	assert_duration("0", 0, 0);
	assert_duration("0s", 0, 0);
	assert_duration("7ns", 0, 7);
	assert_duration("250us", 0, 250000);
	assert_duration("5ms", 0, 5 * MS);
	assert_duration("30s", 0, 30000 * MS);
	assert_duration("1m30s", 0, 90000 * MS);
	assert_duration("1min30s", 0, 90000 * MS);
	assert_duration("1h", 0, 3600000 * MS);
	assert_duration("1d2h3m4s5ms6us7ns", 0, INT64_C(93784005006007));
	assert_duration("9223372036854775807ns", 0, INT64_MAX);
}

TEST(bad_durations)
{
	static const char *const texts[] = { "",     "5",     "-5s",  "5 s",
					     "s",    "5sec",  "1s1m", "1s1s",
					     "1m30", "1.5s",  "05s",  "5S",
					     "00",   "1m1min" };
	size_t i;

	for (i = 0; i < RB_ARRAY_SIZE(texts); i++)
		assert_duration(texts[i], -EINVAL, 0);
	assert_duration("9223372036854775808ns", -ERANGE, 0);
	assert_duration("9223372036854775807ns1ns", -EINVAL, 0);
	assert_duration("9223372036s999ms", -ERANGE, 0);
	assert_duration("99999999999999999999s", -ERANGE, 0);
	assert_duration("106752d", -ERANGE, 0);
}

static void
assert_bytes(const char *text, int error, unsigned n)
{
	uint8_t bytes[4] = { 42, 42, 42, 42 };
	unsigned size = 42, i;

	ck_assert_msg(rb_scalar_parse_hex(text, 3, bytes, &size) == error, "%s",
		      text);
	ck_assert_uint_eq(size, error ? 42 : n);
	for (i = 0; i < sizeof(bytes); i++)
		ck_assert_uint_eq(bytes[i], i < n ? 0xa0 + i : 42);
}

TEST(bytes_as_hex_digits)
{
	assert_bytes("a0", 0, 1);
	assert_bytes("A0a1", 0, 2);
	assert_bytes("a0A1a2", 0, 3);
	assert_bytes("a0a1a2a3", -ERANGE, 0);
}

TEST(bad_bytes)
{
	static const char *const texts[] = { "",    "a",     "a0a", "0xa0",
					     "g0",  "a ",    " a0", "a0 a1",
					     "-a0", "a0a1:", "a/",  "@0" };
	size_t i;

	for (i = 0; i < RB_ARRAY_SIZE(texts); i++)
		assert_bytes(texts[i], -EINVAL, 0);
}
