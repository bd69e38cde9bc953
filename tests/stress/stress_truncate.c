/* SPDX-License-Identifier: MIT */
/*
 * stress_truncate.c - a channel is truncated again and again, anywhere, in full
 * flow, and is made anew each time; the one beside it goes on
 */
#include <stdlib.h>

#include "tests/stress/stress.h"
#include "tests/system/util_victim.h"

static const t_victim_fn acts[] = {
	t_victim_publish, t_victim_consume, t_victim_publish_batches,
	t_victim_run,     t_victim_tap,     t_victim_lag,
	t_victim_poll,    t_victim_span,
};

#define ACTS (sizeof(acts) / sizeof(acts[0]))

/* Two that publish and two others; at a random moment, to a random size. */
static void
cut_once(struct t_victims *v, unsigned *random)
{
	enum rb_file file = rand_r(random) % 2 != 0 ? RB_FILE_RING
						    : RB_FILE_GATES;
	uint64_t moves = 1 + (uint64_t)rand_r(random) % 200;

	t_victims_add(v, t_victim_publish);
	t_victims_add(v, t_victim_publish_batches);
	for (int i = 0; i < 2; i++)
		t_victims_add(v, acts[(unsigned)rand_r(random) % ACTS]);
	t_victims_await(v, 1);
	t_until(t_read(v->all[0].moves) >= moves);
	t_victims_cut(v, file, rand_r(random) % t_victims_size(v, file));
	t_victims_end(v);
	t_victims_renew(v);
}

TEST_TIMEOUT(channel_is_truncated_again_and_again, STRESS_TIMEOUT)
{
	int64_t n = stress_count(100, 1000);
	struct t_victims v;
	unsigned random = 1;

	t_victims_begin(&v, T_FLOW);
	for (int64_t i = 0; i < n; i++)
		cut_once(&v, &random);
	t_victims_finish(&v);
}
