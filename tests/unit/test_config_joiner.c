/* SPDX-License-Identifier: MIT */
/*
 * test_config_joiner.c - the rules of a consumer, for those that come in by
 * another way than a file
 */
#include <stdio.h>

#include "tests/unit/config_expect.h"

/* `a`, and `b` after it, on a channel of 1024 slots and events of 64 bytes. */
static struct rb_config_channel
good_channel(void)
{
	struct rb_config_channel channel;

	rb_config_channel_init(&channel);
	snprintf(channel.name, sizeof(channel.name), "orders");
	channel.slots = 1024;
	channel.n_consumers = 2;
	snprintf(channel.consumers[0].name, RB_NAME_SIZE, "a");
	snprintf(channel.consumers[1].name, RB_NAME_SIZE, "b");
	channel.consumers[1].after = 1;
	return channel;
}

static struct rb_config_consumer
joiner(void)
{
	struct rb_config_consumer consumer = { .name = "late" };

	return consumer;
}

static void
assert_joins(const struct rb_config_channel *channel,
	     const struct rb_config_consumer *consumer)
{
	char why[RB_CONFIG_WHY_SIZE] = "same";
	int r = rb_config_consumer_check(channel, consumer, why, sizeof(why));

	ck_assert_msg(r == 0, "%s", why);
	ck_assert_str_eq(why, "same");
}

/* The same sentence for one who joins, and for one who is declared. */
static void
assert_refused(const struct rb_config_channel *channel,
	       const struct rb_config_consumer *consumer, const char *expected)
{
	struct rb_config_channel with = *channel;
	char why[RB_CONFIG_WHY_SIZE] = "";

	ck_assert_int_eq(rb_config_consumer_check(channel, consumer, why,
						  sizeof(why)),
			 -EINVAL);
	ck_assert_str_eq(why, expected);
	with.consumers[with.n_consumers++] = *consumer;
	memset(why, 0, sizeof(why));
	ck_assert_int_eq(rb_config_channel_check(&with, why, sizeof(why)),
			 -EINVAL);
	ck_assert_str_eq(why, expected);
}

/* One check: spoil a good consumer by a statement, expect the sentence. */
#define BREAKS(name, statement, sentence)                                      \
	TEST(name)                                                             \
	{                                                                      \
		struct rb_config_channel channel = good_channel();             \
		struct rb_config_consumer c = joiner();                        \
                                                                               \
		statement;                                                     \
		assert_refused(&channel, &c, sentence);                        \
	}

TEST(all_kinds_may_join)
{
	struct rb_config_channel channel = good_channel();
	struct rb_config_consumer c = joiner();

	assert_joins(&channel, &c);
	c.after = 3;
	assert_joins(&channel, &c);
	c.slow = RB_CONFIG_LOSSY;
	assert_joins(&channel, &c);
	c.slow = RB_CONFIG_EVICT;
	c.max_stall_ns = 1;
	assert_joins(&channel, &c);
	c.slow = RB_CONFIG_PARK;
	c.on_death = RB_CONFIG_KEEP;
	c.max_lag = 1023;
	assert_joins(&channel, &c);
	c = joiner();
	c.group = true;
	assert_joins(&channel, &c);
	c.key_size = 64;
	assert_joins(&channel, &c);
}

TEST(who_joins_may_come_after_one_that_is_not_in_the_configuration)
{
	struct rb_config_channel channel = good_channel();
	struct rb_config_consumer c = joiner();

	c.after = UINT64_C(1) << 63;
	assert_joins(&channel, &c);
}

TEST(park_without_a_lag_is_one_with_the_history)
{
	struct rb_config_channel channel = good_channel();
	struct rb_config_consumer c = joiner();

	c.slow = RB_CONFIG_PARK;
	c.on_death = RB_CONFIG_KEEP;
	channel.history = 100;
	assert_joins(&channel, &c);
	ck_assert_uint_eq(c.max_lag, 0);
	channel.history = 512;
	assert_refused(&channel, &c,
		       "consumer 'late': 'max_lag' is 512, like 'history', and "
		       "never exceeded: producers run ahead by at most 512 "
		       "slots, 'slots' less 'history'; take a smaller max_lag, "
		       "or more slots");
}

BREAKS(join_name, c.name[0] = '-',
       "a consumer name is 1 to 63 of A-Z a-z 0-9 . _ - and starts with "
       "neither a dot nor a dash")
BREAKS(join_name_without_an_end, memset(c.name, 'a', sizeof(c.name)),
       "a consumer name is 1 to 63 of A-Z a-z 0-9 . _ - and starts with "
       "neither a dot nor a dash")
BREAKS(join_slow, c.slow = (enum rb_config_slow)4,
       "consumer 'late': 'slow' is 4, not a number from 0 to 3")
BREAKS(join_on_death, c.on_death = (enum rb_config_on_death)2,
       "consumer 'late': 'on_death' is 2, not a number from 0 to 1")
BREAKS(join_keep_for, c.keep_for_ns = 1,
       "consumer 'late': 'keep_for' is only for a consumer that is kept; add "
       "on_death: keep")
BREAKS(join_keep_for_range,
       (c.on_death = RB_CONFIG_KEEP, c.keep_for_ns = INT64_MAX),
       "consumer 'late': 'keep_for' must be from 0 to 365d")
BREAKS(join_max_lag_range, (c.slow = RB_CONFIG_EVICT, c.max_lag = UINT64_MAX),
       "consumer 'late': 'max_lag' is 18446744073709551615, not a number from "
       "0 to 2147483648")
BREAKS(join_max_stall_range, (c.slow = RB_CONFIG_EVICT, c.max_stall_ns = -1),
       "consumer 'late': 'max_stall' must be from 0 to 365d")
BREAKS(join_limits, c.max_stall_ns = 1,
       "consumer 'late': 'max_stall' has no meaning with 'slow: gate'; it goes "
       "with slow: evict and slow: park")
BREAKS(join_evict, c.slow = RB_CONFIG_EVICT,
       "consumer 'late': 'slow: evict' without a limit evicts nobody; add "
       "max_lag or max_stall")
BREAKS(join_evict_lag, (c.slow = RB_CONFIG_EVICT, c.max_lag = 1024),
       "consumer 'late': 'max_lag' is 1024 and never exceeded: producers run "
       "ahead by at most 1024 slots, 'slots' less 'history'; take a smaller "
       "max_lag, or more slots")
BREAKS(join_park, (c.slow = RB_CONFIG_PARK, c.on_death = RB_CONFIG_KEEP),
       "consumer 'late': 'slow: park' needs a 'max_lag', as there is no "
       "'history' that it could be; add max_lag, or give the channel a history")
BREAKS(join_park_released, (c.slow = RB_CONFIG_PARK, c.max_lag = 3),
       "consumer 'late': 'on_death: release' would lose the place that "
       "'slow: park' keeps; drop on_death, or take slow: evict")
BREAKS(join_group, (c.slow = RB_CONFIG_LOSSY, c.group = true),
       "consumer 'late': a group gates, so can't have 'slow: lossy'; drop one "
       "of them")
BREAKS(join_key, c.key_size = 8,
       "consumer 'late': 'key' is only for a group; add group: true")
BREAKS(join_key_range, (c.group = true, c.key_size = 257),
       "consumer 'late': 'size' is 257, not a number from 1 to 256")
BREAKS(join_key_offset_range,
       (c.group = true, c.key_size = 1, c.key_offset = UINT64_MAX),
       "consumer 'late': 'offset' is 18446744073709551615, not a number from 0 "
       "to 16777216")
BREAKS(join_key_size, (c.group = true, c.key_offset = 8),
       "consumer 'late': 'key' has no 'size'; add the number of bytes, size: 8")
BREAKS(join_key_place, (c.group = true, c.key_size = 64, c.key_offset = 1),
       "consumer 'late': 'key' takes the bytes from 1 to 64, but an event has "
       "64")
BREAKS(join_after_lossy,
       (channel.consumers[0].slow = RB_CONFIG_LOSSY,
	channel.consumers[1].after = 0, c.after = 1),
       "consumer 'late' can't wait for 'a', which has 'slow: lossy' and so may "
       "miss events")
BREAKS(join_after_park,
       (channel.consumers[1].slow = RB_CONFIG_PARK,
	channel.consumers[1].max_lag = 3,
	channel.consumers[1].on_death = RB_CONFIG_KEEP, c.after = 3),
       "consumer 'late' can't wait for 'b', which has 'slow: park' and so may "
       "miss events")

TEST(long_cycle_is_told_as_far_as_it_fits)
{
	struct rb_config_channel channel = good_channel();
	char why[RB_CONFIG_WHY_SIZE];
	unsigned i;

	channel.n_consumers = RB_CONSUMERS_MAX;
	for (i = 0; i < RB_CONSUMERS_MAX; i++) {
		snprintf(channel.consumers[i].name, RB_NAME_SIZE, "%u%040d", i,
			 0);
		channel.consumers[i].after = UINT64_C(1)
					     << (i + 1) % RB_CONSUMERS_MAX;
	}
	ck_assert_int_eq(rb_config_channel_check(&channel, why, sizeof(why)),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "consumers wait for each other: 00"));
	ck_assert_ptr_nonnull(strstr(why, " -> 10"));
}
