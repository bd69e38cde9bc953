/* SPDX-License-Identifier: MIT */
/*
 * test_sequence.c - counters, shared words, and the arithmetic of base.h
 *
 * Q and U: the cases of the Disruptor's SequenceTest and UtilTest that have a
 * counterpart here.
 */
#include "shm/sequence.h"

#include "shm/word.h"
#include "tests/fixture.h"

#define N_ADDS 20000

TEST(q03_add_returns_the_value_before)
{
	struct rb_sequence seq = { .value = RB_SEQUENCE_INITIAL };

	ck_assert_int_eq(rb_seq_add_acq_rel(&seq, 4), -1);
	ck_assert_int_eq(rb_seq_add_acq_rel(&seq, 1), 3);
	ck_assert_int_eq(rb_seq_load_acquire(&seq), 4);
}

TEST(swap_succeeds_only_from_the_value_found)
{
	struct rb_sequence seq = { .value = 5 };
	int64_t found = 4;

	ck_assert(!rb_seq_cas_acq_rel(&seq, &found, 9));
	ck_assert_int_eq(found, 5);
	while (!rb_seq_cas_acq_rel(&seq, &found, 9))
		ck_assert_int_eq(found, 5);
	ck_assert_int_eq(rb_seq_load_relaxed(&seq), 9);
}

TEST(raise_never_lowers)
{
	struct rb_sequence seq = { .value = 5 };

	rb_seq_raise_release(&seq, 3);
	ck_assert_int_eq(rb_seq_load_relaxed(&seq), 5);
	rb_seq_raise_release(&seq, 7);
	ck_assert_int_eq(rb_seq_load_relaxed(&seq), 7);
}

struct counters {
	struct rb_sequence added;
	struct rb_sequence raised;
	struct rb_word32 word;
};

static int
count_up(void *arg)
{
	struct counters *counters = arg;

	for (int i = 0; i < N_ADDS; i++) {
		rb_seq_raise_release(&counters->raised,
				     rb_seq_add_acq_rel(&counters->added, 1));
		rb_word32_add_acq_rel(&counters->word, 1);
	}
	return 0;
}

TEST(q02_increments_of_two_processes_all_count)
{
	struct counters *counters = fixture_share(sizeof(*counters));
	pid_t child = t_child(count_up, counters);

	ck_assert_int_eq(count_up(counters), 0);
	t_join(child);
	ck_assert_int_eq(rb_seq_load_relaxed(&counters->added), 2 * N_ADDS);
	ck_assert_int_eq(rb_seq_load_relaxed(&counters->raised),
			 2 * N_ADDS - 1);
	ck_assert_uint_eq(rb_word32_load_relaxed(&counters->word), 2 * N_ADDS);
}

TEST(word_swap_tells_what_it_found)
{
	struct rb_word32 word = { .value = 1 };
	uint32_t found = 0;

	ck_assert(!rb_word32_cas_acq_rel(&word, &found, 2));
	ck_assert_uint_eq(found, 1);
	ck_assert(rb_word32_cas_relaxed(&word, &found, 2));
	ck_assert_uint_eq(rb_word32_load_acquire(&word), 2);
}

TEST(u01_powers_of_two_are_known)
{
	ck_assert(!rb_is_power_of_two(0));
	ck_assert(rb_is_power_of_two(1));
	ck_assert(!rb_is_power_of_two(1000));
	ck_assert(rb_is_power_of_two(1024));
	ck_assert(rb_is_power_of_two(UINT64_C(1) << 63));
	ck_assert(!rb_is_power_of_two(UINT64_MAX));
}

TEST(u02_rounding_goes_up_to_any_multiple)
{
	ck_assert_uint_eq(rb_round_up(0, 8), 0);
	ck_assert_uint_eq(rb_round_up(1, 8), 8);
	ck_assert_uint_eq(rb_round_up(8, 8), 8);
	ck_assert_uint_eq(rb_round_up(13, 12), 24);
}

TEST(u03_minimum_of_two)
{
	ck_assert_uint_eq(rb_min_u64(3, 4), 3);
	ck_assert_uint_eq(rb_min_u64(UINT64_MAX, 4), 4);
}
