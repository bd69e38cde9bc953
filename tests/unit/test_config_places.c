/* SPDX-License-Identifier: MIT */
/*
 * test_config_places.c - nodes and CPUs in a configuration
 */
#include <stdio.h>

#include "shm/base.h"
#include "tests/unit/config_expect.h"

TEST(keys_about_places)
{
	struct rb_config *config = parses(
		CHANNEL("numa_node: 65\n    cpus: 0-1,5,62-64,1023"));
	const struct rb_config_channel *orders = only_channel(config);

	ck_assert_uint_eq(orders->numa_node.words[0], 0);
	ck_assert_uint_eq(orders->numa_node.words[1], 2);
	ck_assert_uint_eq(orders->cpus.words[0],
			  UINT64_C(0x23) | UINT64_C(3) << 62);
	ck_assert_uint_eq(orders->cpus.words[1], 1);
	ck_assert_uint_eq(orders->cpus.words[15], UINT64_C(1) << 63);
	rb_config_free(config);
}

TEST(lists_of_cpus_that_are_none_are_refused)
{
	static const char *const lists[] = { "",      "x",     "1,",  ",1",
					     "1--2",  "3-1",   "1-",  "1,1",
					     "1-3,2", "2,1",   "1 2", "-1",
					     "01",    "1-3-5", "0x1", "1;2" };
	char yaml[128];

	for (unsigned i = 0; i < RB_ARRAY_SIZE(lists); i++) {
		snprintf(yaml, sizeof(yaml), "channels: { a: { cpus: '%s' } }",
			 lists[i]);
		refuses(yaml, "test:1:24: 'cpus' must be numbers in rising "
			      "order, such as "
			      "0-3,8");
	}
	refuses("channels: { a: { cpus: '1,1024' } }",
		"test:1:24: 'cpus' has a number above 1023");
	refuses("channels: { a: { numa_node: 0-1 } }",
		"test:1:29: 'numa_node' is one number, not 2");
	refuses("channels: { a: { numa_node: -1 } }",
		"test:1:29: 'numa_node' must be");
}
