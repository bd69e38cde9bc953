/* SPDX-License-Identifier: MIT */
/*
 * util_plan.c - the row of acts that follows from a seed
 *
 * Nothing but the seed goes into it: neither what the clock says nor what
 * became of earlier acts.
 */
#include "tests/torture/torture.h"

/* splitmix64 */
uint64_t
torture_draw(uint64_t *random)
{
	uint64_t x = *random += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static int64_t
draw_between(uint64_t *random, int64_t low, int64_t high)
{
	return low + (int64_t)(torture_draw(random) % (uint64_t)(high - low));
}

struct torture_shape
torture_shape(uint64_t seed)
{
	uint64_t random = ~seed;
	struct torture_shape shape;

	shape.slots = UINT64_C(512) << draw_between(&random, 0, 5);
	shape.clear = draw_between(&random, 0, 3) == 0;
	shape.keyed = draw_between(&random, 0, 3) == 0;
	return shape;
}

void
torture_plan_begin(struct torture_plan *plan, uint64_t seed)
{
	*plan = (struct torture_plan){ .random = seed };
}

struct torture_act
torture_plan_next(struct torture_plan *plan)
{
	struct torture_act act = { .deed = TORTURE_KILL };
	uint64_t *random = &plan->random;

	plan->at_ns += draw_between(random, 2 * T_MS, 18 * T_MS);
	act.at_ns = plan->at_ns;
	act.victim = (unsigned)draw_between(random, 0, SEATS);
	if (draw_between(random, 0, 3) == 0)
		act.deed = draw_between(random, 0, 3) == 0 ? TORTURE_STOP_KILL
							   : TORTURE_STOP;
	act.length_ns = draw_between(random, 0, 20 * T_MS);
	return act;
}
