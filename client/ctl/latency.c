/* SPDX-License-Identifier: MIT */
/*
 * latency.c - how long events took between two looks at the histograms
 *
 * A group's histogram is that of the workers it has: one that leaves takes its
 * counts away. So a group is the sum of what its workers' have grown by.
 */
#include "client/ctl/latency.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

static void
add(const struct ringbus_latency *passed, struct ringbus_latency *ret)
{
	unsigned i;

	for (i = 0; i < RINGBUS_LATENCY_BUCKETS; i++)
		ret->counts[i] += passed->counts[i];
	ret->count += passed->count;
}

/* Somebody else may have come to that place just now: nothing goes backwards. */
static void
subtract(const struct ringbus_latency *now, const struct ringbus_latency *seen,
	 struct ringbus_latency *ret)
{
	unsigned i;

	for (i = 0; i < RINGBUS_LATENCY_BUCKETS; i++) {
		if (now->counts[i] <= seen->counts[i])
			continue;
		ret->counts[i] = now->counts[i] - seen->counts[i];
		ret->count += ret->counts[i];
	}
}

static void
look_at(struct latencies *l, const struct ringbus_channel *channel,
	const struct ringbus_member *member, bool is_known)
{
	struct ringbus_latency now = { .size = sizeof(now) };
	unsigned i = member->index;

	if (ringbus_channel_latency(channel, i, &now) != 1)
		return;
	if (is_known)
		subtract(&now, &l->seen[i], &l->passed[i]);
	l->seen[i] = now;
	add(&l->passed[i], &l->all);
	if (member->worker_of >= 0 && member->worker_of < RINGBUS_MEMBERS_MAX)
		add(&l->passed[i], &l->passed[member->worker_of]);
}

static void
forget(struct ringbus_latency *passed)
{
	if (passed->count > 0)
		*passed = (struct ringbus_latency){ 0 };
}

void
latencies_look(struct latencies *latencies,
	       const struct ringbus_channel *channel, const struct view *view,
	       uint64_t known)
{
	const struct ringbus_member *member;
	unsigned i;

	forget(&latencies->all);
	for (i = 0; i < RINGBUS_MEMBERS_MAX; i++)
		forget(&latencies->passed[i]);
	if (!view->info.latency)
		return;
	for (i = 0; i < view->n_members; i++) {
		member = &view->members[i];
		if (member->role == RINGBUS_CONSUMER && !member->group)
			look_at(latencies, channel, member,
				known >> member->index & 1);
	}
}

int64_t
latencies_quantile(const struct latencies *latencies,
		   const struct ringbus_member *member, double q)
{
	if (member == NULL)
		return ringbus_latency_quantile(&latencies->all, q);
	if (member->role != RINGBUS_CONSUMER)
		return -EAGAIN;
	return ringbus_latency_quantile(&latencies->passed[member->index], q);
}

const char *
latency_format(int64_t ns, char text[LATENCY_TEXT])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double t = (double)ns;
	int i = 0;

	if (ns < 0 || ns == INT64_MAX) {
		snprintf(text, LATENCY_TEXT, "%s", ns < 0 ? "-" : ">1h");
		return text;
	}
	for (; t >= 999.5 && i < 3; i++)
		t /= 1000;
	snprintf(text, LATENCY_TEXT, "%.*f%s",
		 i == 0 || t >= 99.95 ? 0
		 : t >= 9.995         ? 1
				      : 2,
		 t < 9999 ? t : 9999, units[i]);
	return text;
}

void
latencies_write(const struct latencies *latencies,
		const struct ringbus_member *member, struct json *json)
{
	int64_t p50 = latencies_quantile(latencies, member, 0.5);
	int64_t p99 = latencies_quantile(latencies, member, 0.99);

	if (p50 < 0)
		return;
	json_int(json, "p50_ns", p50);
	json_int(json, "p99_ns", p99);
}
