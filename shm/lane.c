/* SPDX-License-Identifier: MIT */
/*
 * lane.c - see lane.h
 */
#include "shm/lane.h"

#define HASH_START UINT64_C(14695981039346656037)
#define HASH_PRIME UINT64_C(1099511628211)

/* Every bit of x tells in every bit of the result (the end of MurmurHash3). */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

/*
 * FNV-1a. The event may be one that others have been done with since, so that a
 * producer is writing there: what comes out then is not used, for its word of
 * work cannot be had any more. Hence no complaint from the thread sanitizer.
 */
__attribute__((no_sanitize("thread"))) unsigned
rb_lane_of(const void *key, uint64_t size)
{
	const uint8_t *bytes = key;
	uint64_t hash = HASH_START;

	if (size == 0)
		return 0;
	for (uint64_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * HASH_PRIME;
	return mix(hash) % RB_LANES;
}

int
rb_lane_owner(unsigned lane, uint64_t workers)
{
	uint64_t best = 0;
	int owner = -1;

	for (; workers != 0; workers &= workers - 1) {
		int i = __builtin_ctzll(workers);
		uint64_t draw = mix((uint64_t)(i + 1) << 32 | lane);

		if (owner < 0 || draw > best) {
			best = draw;
			owner = i;
		}
	}
	return owner;
}

static void
deal(struct rb_lanes *lanes, unsigned self, uint64_t workers)
{
	lanes->workers = workers;
	lanes->due = (struct rb_lane_set){ 0 };
	for (unsigned i = 0; i < RB_LANES; i++)
		if (rb_lane_owner(i, workers) == (int)self)
			rb_lane_add(&lanes->due, i);
}

/* From one owner to the other; 0 is nobody. */
static bool
hand_over(struct rb_group *group, unsigned lane, uint32_t from, uint32_t to)
{
	struct rb_word32 *word = &group->lanes[lane];

	/* ORDER(none, relaxed) - checked by the CAS. */
	if (rb_word32_load_relaxed(word) != from)
		return false;
	/* ORDER(lane, acq_rel) - all that was done and returned of the lane, to
	 * its next owner, which looks for the first event that is open. */
	return rb_word32_cas_acq_rel(word, &from, to);
}

/* One lane that is held and not due, or the other way round. */
static int
settle(struct rb_lanes *lanes, struct rb_group *group, unsigned self,
       unsigned lane)
{
	if (rb_lane_is_in(&lanes->held, lane)) {
		hand_over(group, lane, self + 1, 0);
		rb_lane_remove(&lanes->held, lane);
		return RB_LANES_GIVEN;
	}
	if (!hand_over(group, lane, 0, self + 1))
		return 0;
	rb_lane_add(&lanes->held, lane);
	return RB_LANES_TAKEN;
}

int
rb_lanes_settle(struct rb_lanes *lanes, struct rb_group *group, unsigned self,
		uint64_t workers)
{
	int happened = 0;

	if (rb_unlikely(workers != lanes->workers))
		deal(lanes, self, workers);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(lanes->due.bits); i++) {
		uint64_t wrong = (lanes->due.bits[i] ^ lanes->held.bits[i]) &
				 ~lanes->busy.bits[i];

		for (; rb_unlikely(wrong != 0); wrong &= wrong - 1)
			happened |= settle(
				lanes, group, self,
				64 * i + (unsigned)__builtin_ctzll(wrong));
	}
	return happened;
}

void
rb_lanes_free(struct rb_group *group, unsigned self)
{
	for (unsigned i = 0; i < RB_LANES; i++)
		hand_over(group, i, self + 1, 0);
}
