/* SPDX-License-Identifier: MIT */
/*
 * test_geometry.c - what fits, where it lies, and which lies are found
 */
#include "shm/geometry.h"

#include <errno.h>

#include "shm/layout.h"
#include "tests/t.h"

static struct rb_geometry
make(uint64_t slots, uint64_t slot_size, uint64_t history,
     enum rb_framing framing, enum rb_producers producers)
{
	struct rb_geometry g;

	t_ok(rb_geometry_init(&g, slots, slot_size, history, framing,
			      producers));
	return g;
}

static int
try(uint64_t slots, uint64_t slot_size, uint64_t history,
    enum rb_framing framing)
{
	struct rb_geometry g = { .slots = 99 };
	int err = rb_geometry_init(&g, slots, slot_size, history, framing,
				   RB_MULTI);

	if (err < 0) /* written on success only */
		ck_assert_uint_eq(g.slots, 99);
	return err;
}

TEST(slots_are_a_power_of_two_within_bounds)
{
	ck_assert_int_eq(try(0, 8, 0, RB_FIXED), -EINVAL);
	ck_assert_int_eq(try(1, 8, 0, RB_FIXED), -EINVAL);
	ck_assert_int_eq(try(2, 8, 0, RB_FIXED), 0);
	ck_assert_int_eq(try(3, 8, 0, RB_FIXED), -EINVAL);
	ck_assert_int_eq(try(RB_SLOTS_MAX, 8, 0, RB_FIXED), 0);
	ck_assert_int_eq(try(RB_SLOTS_MAX * 2, 8, 0, RB_FIXED), -EINVAL);
	ck_assert_int_eq(try(UINT64_C(1) << 63, 8, 0, RB_FIXED), -EINVAL);
}

TEST(slot_sizes_are_within_bounds)
{
	ck_assert_int_eq(try(16, 0, 0, RB_FIXED), -EINVAL);
	ck_assert_int_eq(try(16, 1, 0, RB_FIXED), 0);
	ck_assert_int_eq(try(16, RB_SLOT_SIZE_MAX, 0, RB_FIXED), 0);
	ck_assert_int_eq(try(16, RB_SLOT_SIZE_MAX + 1, 0, RB_FIXED), -EINVAL);
	ck_assert_int_eq(try(16, UINT64_MAX, 0, RB_FIXED), -EINVAL);
}

TEST(framed_slots_are_powers_of_two)
{
	ck_assert_int_eq(try(16, 8, 0, RB_FRAMED), -EINVAL);
	ck_assert_int_eq(try(16, 16, 0, RB_FRAMED), 0);
	ck_assert_int_eq(try(16, 24, 0, RB_FRAMED), -EINVAL);
	ck_assert_int_eq(try(16, 24, 0, RB_FIXED), 0);
}

TEST(history_leaves_half_of_the_ring)
{
	ck_assert_int_eq(try(16, 8, 8, RB_FIXED), 0);
	ck_assert_int_eq(try(16, 8, 9, RB_FIXED), -EINVAL);
	ck_assert_int_eq(try(16, 8, UINT64_MAX, RB_FIXED), -EINVAL);
}

TEST(a_ring_has_an_upper_size)
{
	ck_assert_int_eq(try(RB_SLOTS_MAX, 512, 0, RB_FIXED), 0);
	ck_assert_int_eq(try(RB_SLOTS_MAX, 513, 0, RB_FIXED), -EINVAL);
	ck_assert_int_eq(try(RB_SLOTS_MAX, RB_SLOT_SIZE_MAX, 0, RB_FIXED),
			 -EINVAL);
}

TEST(kinds_are_known_ones)
{
	struct rb_geometry g;

	ck_assert_int_eq(rb_geometry_init(&g, 16, 16, 0, 2, RB_MULTI), -EINVAL);
	ck_assert_int_eq(rb_geometry_init(&g, 16, 16, 0, RB_FIXED, 2), -EINVAL);
}

TEST(slots_fill_whole_pages_and_are_aligned)
{
	const uint64_t sizes[] = { 1, 7, 8, 12, 64, 100, 4096, 5000 };

	for (uint64_t slots = 2; slots <= 65536; slots *= 2)
		for (size_t i = 0; i < RB_ARRAY_SIZE(sizes); i++) {
			struct rb_geometry g = make(slots, sizes[i], 0,
						    RB_FIXED, RB_MULTI);

			ck_assert_uint_ge(g.slot_size, sizes[i]);
			ck_assert_uint_eq(g.slot_size % 8, 0);
			ck_assert_uint_eq(g.event_size, sizes[i]);
			ck_assert_uint_eq(
				rb_geometry_slots_size(&g) % g.page_size, 0);
			ck_assert_uint_eq(g.slots_offset % g.page_size, 0);
			ck_assert_uint_eq(g.ring_size,
					  g.slots_offset +
						  rb_geometry_slots_size(&g));
		}
}

TEST(only_who_needs_stamps_has_them)
{
	struct rb_geometry g = make(1024, 16, 0, RB_FIXED, RB_SINGLE);

	ck_assert_uint_eq(g.stamps_offset, 0);
	g = make(1024, 16, 0, RB_FIXED, RB_MULTI);
	ck_assert_uint_eq(g.stamps_offset, sizeof(struct rb_ring));
	ck_assert_uint_ge(g.slots_offset, g.stamps_offset + 1024 * 8);
	g = make(1024, 16, 0, RB_FRAMED, RB_SINGLE);
	ck_assert_uint_ne(g.stamps_offset, 0);
}

TEST(framed_events_go_up_to_a_quarter)
{
	struct rb_geometry g = make(1024, 64, 0, RB_FRAMED, RB_MULTI);

	ck_assert_uint_eq(g.event_size, 1024 * 64 / 4);
	ck_assert_int_eq(rb_geometry_frame_slots(&g, 0), 1);
	ck_assert_int_eq(rb_geometry_frame_slots(&g, 56), 1);
	ck_assert_int_eq(rb_geometry_frame_slots(&g, 57), 2);
	ck_assert_int_eq(rb_geometry_frame_slots(&g, 120), 2);
	ck_assert_int_eq(rb_geometry_frame_slots(&g, g.event_size), 257);
}

TEST(the_largest_framed_event_always_fits_a_claim)
{
	for (uint64_t slots = 2; slots <= 4096; slots *= 2)
		for (uint64_t size = 16; size <= 8192; size *= 2) {
			struct rb_geometry g = make(slots, size, slots / 2,
						    RB_FRAMED, RB_SINGLE);

			ck_assert_int_le(rb_geometry_frame_slots(&g,
								 g.event_size),
					 (int64_t)(g.slots - g.history));
		}
}

TEST(an_honest_geometry_passes)
{
	struct rb_geometry g = make(1024, 100, 10, RB_FIXED, RB_MULTI);

	ck_assert_int_eq(rb_geometry_check(&g), 0);
	g = make(1024, 128, 512, RB_FRAMED, RB_SINGLE);
	ck_assert_int_eq(rb_geometry_check(&g), 0);
}

#define LIE(field, value)                                                      \
	do {                                                                   \
		struct rb_geometry lie_ = honest;                              \
                                                                               \
		lie_.field = (value);                                          \
		ck_assert_int_eq(rb_geometry_check(&lie_), -EBADMSG);          \
	} while (0)

static void
tell_lies(struct rb_geometry honest)
{
	LIE(slots, honest.slots * 2);
	LIE(slots, honest.slots - 1);
	LIE(slots, 0);
	LIE(slots, UINT64_C(1) << 62);
	LIE(slot_size, honest.slot_size * 2);
	LIE(slot_size, 0);
	LIE(slot_size, UINT64_MAX);
	LIE(event_size, honest.slot_size * honest.slots);
	LIE(event_size, 0);
	LIE(event_size, UINT64_MAX);
	LIE(history, honest.slots);
	LIE(history, UINT64_MAX);
	LIE(page_size, 0);
	LIE(page_size, 512);
	LIE(page_size, honest.page_size + 8);
	LIE(page_size, UINT64_C(1) << 63);
	LIE(stamps_offset, honest.stamps_offset + 8);
	LIE(stamps_offset, UINT64_MAX);
	LIE(slots_offset, honest.slots_offset + honest.page_size);
	LIE(slots_offset, 0);
	LIE(ring_size, honest.ring_size - honest.page_size);
	LIE(ring_size, UINT64_MAX);
	LIE(n_groups, honest.n_groups + 1);
	LIE(n_groups, RB_CONSUMERS_MAX + 1);
	LIE(n_groups, UINT32_MAX);
	LIE(gates_size, honest.gates_size - 8);
	LIE(gates_size, honest.gates_size + honest.page_size);
	LIE(gates_size, 0);
	LIE(gates_size, UINT64_MAX);
	LIE(times_offset, 1);
	LIE(times_offset, UINT64_MAX);
	LIE(reserved, 1);
	LIE(framing, 2);
	LIE(framing, UINT32_MAX);
	LIE(producers, 2);
}

TEST(every_lie_is_found_in_fixed)
{
	tell_lies(make(1024, 64, 16, RB_FIXED, RB_MULTI));
	tell_lies(make(16, 24, 0, RB_FIXED, RB_SINGLE));
}

TEST(every_lie_is_found_in_framed)
{
	tell_lies(make(1024, 64, 16, RB_FRAMED, RB_MULTI));
	tell_lies(make(64, 64, 0, RB_FRAMED, RB_SINGLE));
}

static struct rb_geometry
with_groups(struct rb_geometry g, unsigned n_groups)
{
	t_ok(rb_geometry_set_groups(&g, n_groups));
	return g;
}

TEST(every_lie_is_found_with_groups)
{
	tell_lies(with_groups(make(64, 64, 16, RB_FIXED, RB_MULTI), 1));
	tell_lies(with_groups(make(1024, 64, 0, RB_FRAMED, RB_MULTI), 5));
}

TEST(each_group_has_a_word_a_slot)
{
	struct rb_geometry g = make(64, 64, 0, RB_FIXED, RB_SINGLE);
	uint64_t work = sizeof(struct rb_group) + 64 * 8;

	ck_assert_uint_eq(g.gates_size, RB_GATES_SIZE);
	ck_assert_uint_eq(with_groups(g, 1).gates_size, RB_GATES_SIZE + work);
	ck_assert_uint_eq(with_groups(g, 3).gates_size,
			  RB_GATES_SIZE + 3 * work);
	ck_assert_uint_eq(with_groups(with_groups(g, 3), 0).gates_size,
			  RB_GATES_SIZE);
	ck_assert_int_eq(rb_geometry_set_groups(&g, RB_CONSUMERS_MAX), 0);
	ck_assert_int_eq(rb_geometry_check(&g), 0);
	ck_assert_int_eq(rb_geometry_set_groups(&g, RB_CONSUMERS_MAX + 1),
			 -EINVAL);
	ck_assert_uint_eq(g.n_groups, RB_CONSUMERS_MAX);
}

/* Of a ring of two slots each area is still a multiple of a line. */
TEST(small_groups_are_aligned)
{
	struct rb_geometry g = with_groups(
		make(2, 4096, 0, RB_FIXED, RB_SINGLE), 2);

	ck_assert_uint_eq((g.gates_size - RB_GATES_SIZE) % (2 * RB_LINE), 0);
	ck_assert_int_eq(rb_geometry_check(&g), 0);
}

TEST(total_counts_groups)
{
	struct rb_geometry g = make(65536, 64, 0, RB_FIXED, RB_MULTI);
	uint64_t without = rb_geometry_total(&g);

	g = with_groups(g, 2);
	ck_assert_uint_ge(rb_geometry_total(&g) - without, 2 * 65536 * 8);
	ck_assert_uint_eq(rb_geometry_total(&g) % g.page_size, 0);
}

TEST(total_counts_all_three_files)
{
	struct rb_geometry g = make(1024, 64, 0, RB_FIXED, RB_MULTI);

	ck_assert_uint_ge(rb_geometry_total(&g),
			  g.ring_size + RB_META_SIZE + RB_GATES_SIZE);
	ck_assert_uint_eq(rb_geometry_total(&g) % g.page_size, 0);
}
