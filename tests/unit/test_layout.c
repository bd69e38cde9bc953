/* SPDX-License-Identifier: MIT */
/*
 * test_layout.c - hot words stand alone, stamps and the hash say what they mean
 */
#include "shm/layout.h"

#include "tests/t.h"

/* What is written often, with who writes it: blocks may be shared by words of
 * one writer only. */
struct hot {
	uint64_t offset;
	int writer;
};

static void
expect_apart(const struct hot *hot, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (hot[i].writer != hot[j].writer)
				ck_assert_uint_ne(hot[i].offset / RB_LINE,
						  hot[j].offset / RB_LINE);
}

TEST(hot_words_of_the_ring_stand_alone)
{
	struct hot hot[4 + 2 * RB_PRODUCERS_MAX] = {
		{ offsetof(struct rb_ring, claimed), 0 },
		{ offsetof(struct rb_ring, published), 1 },
		{ offsetof(struct rb_ring, gate), 2 },
		{ offsetof(struct rb_ring, event), 3 },
	};

	for (int i = 0; i < RB_PRODUCERS_MAX; i++) {
		uint64_t handle = offsetof(struct rb_ring, handles) +
				  (uint64_t)i * sizeof(struct rb_handle);

		hot[4 + 2 * i] = (struct hot){ handle, 4 + 2 * i };
		hot[5 + 2 * i] = (struct hot){
			handle + offsetof(struct rb_handle, io), 5 + 2 * i
		};
	}
	expect_apart(hot, RB_ARRAY_SIZE(hot));
}

TEST(space_wishes_share_no_line_with_a_cursor)
{
	struct hot hot[] = {
		{ offsetof(struct rb_ring, event), 0 },
		{ offsetof(struct rb_ring, space_wanted), 1 },
		{ offsetof(struct rb_ring, space_wanted[RB_CONSUMERS_MAX - 1]),
		  1 },
		{ offsetof(struct rb_ring, handles), 2 },
	};

	expect_apart(hot, RB_ARRAY_SIZE(hot));
}

TEST(hot_words_of_the_gates_stand_alone)
{
	struct hot hot[5 + 3 * RB_CONSUMERS_MAX] = {
		{ offsetof(struct rb_gates, data_wanted), 0 },
		{ offsetof(struct rb_gates, bells), 1 },
		{ offsetof(struct rb_gates, clear.owner), 2 },
		{ offsetof(struct rb_gates, clear.begun), 3 },
		{ offsetof(struct rb_gates, clear.done), 4 },
	};

	for (int i = 0; i < RB_CONSUMERS_MAX; i++) {
		uint64_t gate = offsetof(struct rb_gates, consumers) +
				(uint64_t)i * sizeof(struct rb_gate);

		hot[5 + 3 * i] = (struct hot){
			gate + offsetof(struct rb_gate, sequence), 5 + 3 * i
		};
		hot[6 + 3 * i] = (struct hot){
			gate + offsetof(struct rb_gate, event), 6 + 3 * i
		};
		hot[7 + 3 * i] = (struct hot){
			gate + offsetof(struct rb_gate, io), 7 + 3 * i
		};
	}
	expect_apart(hot, RB_ARRAY_SIZE(hot));
}

TEST(hot_words_of_a_group_stand_alone)
{
	struct hot hot[] = {
		{ offsetof(struct rb_group, hint), 0 },
		{ offsetof(struct rb_group, lanes), 1 },
		{ offsetof(struct rb_group, work), 2 },
	};

	expect_apart(hot, RB_ARRAY_SIZE(hot));
	ck_assert_uint_eq(RB_GATES_SIZE % RB_LINE, 0);
}

TEST(what_every_publish_reads_stands_apart_from_what_joins_write)
{
	struct hot hot[] = {
		{ offsetof(struct rb_meta, control.stream), 0 },
		{ offsetof(struct rb_meta, control.version), 1 },
		{ offsetof(struct rb_meta, control.gating), 1 },
		{ offsetof(struct rb_meta, control.end), 2 },
		{ offsetof(struct rb_meta, producers), 3 },
		{ offsetof(struct rb_meta, consumers), 4 },
	};

	expect_apart(hot, RB_ARRAY_SIZE(hot));
}

TEST(stamps_tell_sequence_and_kind)
{
	const int64_t sequences[] = { -1, 0, 1, 4095, INT64_C(1) << 60 };

	for (size_t i = 0; i < RB_ARRAY_SIZE(sequences); i++)
		for (int kind = RB_STAMP_NONE; kind <= RB_STAMP_TOMBSTONE;
		     kind++) {
			uint64_t stamp = rb_stamp(sequences[i], kind);

			ck_assert_int_eq(rb_stamp_sequence(stamp),
					 sequences[i]);
			ck_assert_int_eq(rb_stamp_kind(stamp), kind);
		}
}

TEST(a_zeroed_stamp_is_no_sequence)
{
	ck_assert_int_eq(rb_stamp_sequence(0), -1);
	ck_assert_int_eq(rb_stamp_kind(0), RB_STAMP_NONE);
}

TEST(stamps_of_later_laps_are_larger_whatever_their_kind)
{
	ck_assert_uint_lt(rb_stamp(5, RB_STAMP_TOMBSTONE),
			  rb_stamp(21, RB_STAMP_EVENT));
}

TEST(the_hash_is_stable_and_not_zero)
{
	ck_assert_uint_ne(rb_layout_hash(), 0);
	ck_assert_uint_eq(rb_layout_hash(), rb_layout_hash());
}

TEST(the_magic_spells_the_name)
{
	ck_assert_int_eq(memcmp(&(uint64_t){ RB_MAGIC }, "ringbus\1", 8), 0);
}
