/* SPDX-License-Identifier: MIT */
/*
 * test_config_user.c - the keys that say what one user may have
 */
#include "tests/unit/config_expect.h"

TEST(defaults_of_one_user)
{
	struct rb_config *config = parses("channels: { a: }");

	ck_assert_uint_eq(config->max_clients_per_user, 0);
	ck_assert_uint_eq(config->max_members_per_user, 1024);
	ck_assert_uint_eq(config->dynamic.max_channels_per_user, 0);
	ck_assert_uint_eq(config->dynamic.max_bytes_per_user, 0);
	ck_assert_uint_eq(only_channel(config)->max_members_per_user, 0);
	rb_config_free(config);
}

TEST(values_of_one_user)
{
	struct rb_config *config = parses(
		"daemon:\n"
		"  max_clients_per_user: 5\n"
		"  max_members_per_user: 131072\n"
		"dynamic:\n"
		"  max_channels_per_user: 2\n"
		"  max_size_per_user: 1MiB\n"
		"channels:\n"
		"  a: { max_members_per_user: 128 }\n");

	ck_assert_uint_eq(config->max_clients_per_user, 5);
	ck_assert_uint_eq(config->max_members_per_user, 131072);
	ck_assert_uint_eq(config->dynamic.max_channels_per_user, 2);
	ck_assert_uint_eq(config->dynamic.max_bytes_per_user, 1 << 20);
	ck_assert_uint_eq(only_channel(config)->max_members_per_user, 128);
	rb_config_free(config);
}

TEST(members_of_one_user_may_be_a_default)
{
	struct rb_config *config = parses(
		"defaults: { max_members_per_user: 3 }\n"
		"channels: { a: }\n");

	ck_assert_uint_eq(only_channel(config)->max_members_per_user, 3);
	rb_config_free(config);
}

REFUSES(more_clients_of_a_user_than_ever,
	"daemon: { max_clients_per_user: 65537 }",
	"test:1:33: 'max_clients_per_user' must be from 0 to 65536, not "
	"'65537'\n")
REFUSES(no_members_of_a_user, "daemon: { max_members_per_user: 0 }",
	"test:1:33: 'max_members_per_user' must be from 1 to 131072, not "
	"'0'\n")
REFUSES(more_channels_of_a_user_than_ever,
	"dynamic: { max_channels_per_user: 1025 }",
	"test:1:35: 'max_channels_per_user' must be from 0 to 1024, not "
	"'1025'\n")
REFUSES(larger_channels_of_a_user_than_ever,
	"dynamic: { max_size_per_user: 2TiB }",
	"test:1:31: 'max_size_per_user' must be from 0 to 1TiB, not '2TiB'\n")
REFUSES(more_members_of_a_user_than_places,
	CHANNEL("max_members_per_user: 129"),
	"test:3:27: 'max_members_per_user' must be from 0 to 128, not "
	"'129'\n")
