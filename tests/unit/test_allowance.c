/* SPDX-License-Identifier: MIT */
/*
 * test_allowance.c - so many at once, and so many a second after that
 */
#include "daemon/allowance.h"
#include "tests/t.h"

#define SECOND INT64_C(1000000000)

/* How many of these tries get one. */
static unsigned
take(struct rb_allowance *a, unsigned n_tries, int64_t now_ns)
{
	unsigned n = 0;

	while (n_tries-- > 0)
		n += rb_allowance_take(a, now_ns);
	return n;
}

TEST(burst_is_there_at_once_and_no_more)
{
	struct rb_allowance a = { 0 };

	ck_assert(rb_allowance_is_full(&a, 5 * SECOND));
	ck_assert_uint_eq(take(&a, 1000, 5 * SECOND), RB_ALLOWANCE_BURST);
	ck_assert(!rb_allowance_is_full(&a, 5 * SECOND));
}

TEST(it_comes_back_at_its_rate)
{
	struct rb_allowance a = { 0 };
	int64_t now = 5 * SECOND;

	take(&a, RB_ALLOWANCE_BURST, now);
	ck_assert_uint_eq(take(&a, 1, now + SECOND / RB_ALLOWANCE_RATE - 1), 0);
	now += SECOND;
	ck_assert_uint_eq(take(&a, 1000, now), RB_ALLOWANCE_RATE);
	for (unsigned i = 0; i < 1000; i++) {
		now += SECOND / 1000;
		take(&a, 10, now);
	}
	ck_assert_uint_eq(take(&a, 1000, now + SECOND), RB_ALLOWANCE_RATE);
}

TEST(it_never_grows_beyond_the_burst)
{
	struct rb_allowance a = { 0 };

	take(&a, 3, SECOND);
	ck_assert(rb_allowance_is_full(&a, 2 * SECOND));
	ck_assert_uint_eq(take(&a, 1000, 1000 * SECOND), RB_ALLOWANCE_BURST);
}

TEST(what_is_overdrawn_has_to_come_back_first)
{
	struct rb_allowance a = { 0 };

	take(&a, RB_ALLOWANCE_BURST, SECOND);
	for (unsigned i = 0; i < RB_ALLOWANCE_RATE; i++)
		rb_allowance_overdraw(&a, SECOND);
	ck_assert_uint_eq(take(&a, 1000, 2 * SECOND), 0);
	ck_assert_uint_eq(take(&a, 1000, 3 * SECOND), RB_ALLOWANCE_RATE);
}
