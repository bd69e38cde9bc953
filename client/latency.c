/* SPDX-License-Identifier: MIT */
/*
 * latency.c - the histograms that consumers keep, for people
 */
#include "shm/latency.h"

#include <errno.h>

#include "client/internal.h"
#include "shm/count.h"

static_assert(RINGBUS_LATENCY_BUCKETS == RB_LATENCY_BUCKETS, "as in memory");

/* No sum of them overflows, whatever stands there. */
#define COUNT_MAX (UINT64_MAX / RB_CONSUMERS_MAX / RB_LATENCY_BUCKETS)

static void
add(const struct rb_channel *c, unsigned index, struct ringbus_latency *ret)
{
	const struct rb_latency *l = &c->latencies[index];

	ret->sum_ns += rb_count_of(&l->sum_ns);
	for (unsigned i = 0; i < RB_LATENCY_BUCKETS; i++) {
		uint64_t n = rb_min_u64(rb_count_of(&l->counts[i]), COUNT_MAX);

		ret->counts[i] += n;
		ret->count += n;
	}
}

int
ringbus_channel_latency(const struct ringbus_channel *channel, unsigned index,
			struct ringbus_latency *ret)
{
	const struct rb_channel *c = &channel->shm;
	struct ringbus_latency latency = { .size = sizeof(latency) };
	struct ringbus_member member = { .size = sizeof(member) };
	uint64_t who = UINT64_C(1) << index % RB_CONSUMERS_MAX;
	int found;

	if (ret->size != sizeof(latency))
		return -EINVAL;
	found = ringbus_channel_member(channel, RINGBUS_CONSUMER, index,
				       &member);
	if (found <= 0 || c->times == NULL)
		return found < 0 ? found : 0;
	if (member.group)
		/* ORDER(none, relaxed) - to look at. */
		who = rb_word64_load_relaxed(
			&c->meta->consumers[index].workers);
	for (; who != 0; who &= who - 1)
		add(c, (unsigned)__builtin_ctzll(who), &latency);
	*ret = latency;
	return 1;
}

int64_t
ringbus_latency_bound(unsigned bucket)
{
	return bucket < RB_LATENCY_BUCKETS ? rb_latency_bound(bucket) : -EINVAL;
}

int64_t
ringbus_latency_quantile(const struct ringbus_latency *latency, double q)
{
	double below = q * (double)latency->count;
	uint64_t rank, seen = 0;

	if (!(q >= 0 && q <= 1))
		return -EINVAL;
	if (latency->count == 0)
		return -EAGAIN;
	rank = (uint64_t)below;
	if (rank == 0 || (double)rank < below)
		rank++;
	for (unsigned i = 0; i < RB_LATENCY_BUCKETS; i++) {
		seen += latency->counts[i];
		if (seen >= rank)
			return rb_latency_bound(i);
	}
	return INT64_MAX;
}
