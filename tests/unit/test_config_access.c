/* SPDX-License-Identifier: MIT */
/*
 * test_config_access.c - access lists: of channels, and of those that clients
 * create
 */
#include "tests/unit/config_expect.h"

#define DYNAMIC(lines) "dynamic:\n  access:\n    " lines "\n"

/* ------------------------------------------------------------- of a channel */

TEST(access_by_name_is_resolved)
{
	struct rb_config *config = parses(CHANNEL(
		"access: { publish: user:root, tap: [group:root, any] }"));
	const struct rb_config_channel *orders = only_channel(config);

	ck_assert_uint_eq(orders->access.publish.n_entries, 1);
	ck_assert_int_eq(orders->access.publish.entries[0].kind,
			 RB_ACCESS_USER);
	ck_assert_uint_eq(orders->access.publish.entries[0].id, 0);
	ck_assert_uint_eq(orders->access.tap.n_entries, 2);
	ck_assert_int_eq(orders->access.tap.entries[0].kind, RB_ACCESS_GROUP);
	ck_assert_int_eq(orders->access.tap.entries[1].kind, RB_ACCESS_ANY);
	rb_config_free(config);
}

REFUSES(unknown_user, CHANNEL("access:\n      tap: [any, user:no_such_u]"),
	"test:4:18: this system has no 'user:no_such_u'\n"
	"      tap: [any, user:no_such_u]\n"
	"                 ^\n"
	"hint: create it, or write user:UID\n")
REFUSES(unknown_group, CHANNEL("access: { tap: [group:no_such_g] }"),
	"test:3:21: this system has no 'group:no_such_g'\n"
	"    access: { tap: [group:no_such_g] }\n"
	"                    ^\n"
	"hint: create it, or write group:GID\n")
REFUSES(access_without_a_kind, CHANNEL("access: { tap: [root] }"),
	"test:3:21: 'tap' lists 'root'\n")
REFUSES(access_without_a_name, CHANNEL("access: { tap: ['user:'] }"),
	"test:3:21: 'tap' lists 'user:'\n")
REFUSES(uid_that_means_nobody, CHANNEL("access: { tap: [user:4294967295] }"),
	"test:3:21: 'tap' lists 'user:4294967295'\n")
REFUSES(access_that_is_empty, CHANNEL("access: { tap: }"),
	"test:3:20: 'tap' must be a list of any, user:NAME, group:NAME, "
	"not empty\n")
REFUSES(access_entry_that_is_a_list, CHANNEL("access: { tap: [any, [any]] }"),
	"test:3:26: 'tap' must be a list of any, user:NAME, group:NAME, "
	"not a list\n")

TEST(access_list_too_long)
{
	char *text = repeat("dynamic:\n  allow: [any", ", any",
			    RB_ACCESS_MAX - 1, "]\n");

	rb_config_free(parses(text));
	free(text);
	text = repeat("dynamic:\n  allow: [any", ", any", RB_ACCESS_MAX, "]\n");
	refuses(text, "test:2:10: 'allow' has 33 entries, more than 32\n");
	free(text);
}

TEST(admins_are_a_list_of_their_own)
{
	struct rb_config *config = parses(
		"defaults: { access: { admin: [user:1, group:2] } }\n"
		"channels:\n"
		"  a:\n"
		"  b: { access: { admin: [] } }\n");
	const struct rb_access_list *a = &config->channels[0].access.admin;
	const struct rb_access_list *b = &config->channels[1].access.admin;

	ck_assert(a->given);
	ck_assert_uint_eq(a->n_entries, 2);
	ck_assert_int_eq(a->entries[1].kind, RB_ACCESS_GROUP);
	ck_assert_uint_eq(a->entries[1].id, 2);
	ck_assert(b->given);
	ck_assert_uint_eq(b->n_entries, 0);
	ck_assert(!config->dynamic.access.admin.given);
	rb_config_free(config);
}

/* ------------------------------------------------------------------- words */

TEST(words_are_kept_as_they_are_written)
{
	struct rb_config *config = parses(
		CHANNEL("access: { publish: ['user:0', group:root], tap: any, "
			"consume: [] }"));
	const struct rb_config_access *access = &only_channel(config)->access;

	ck_assert_str_eq(access->publish.words, "user:0, group:root");
	ck_assert_uint_eq(access->publish.n_words, 2);
	ck_assert_str_eq(access->tap.words, "any");
	ck_assert_uint_eq(access->tap.n_words, 1);
	ck_assert_str_eq(access->consume.words, "");
	ck_assert_uint_eq(access->consume.n_words, 0);
	rb_config_free(config);
}

#define LONG_LIST "channels:\n  a:\n    access:\n      tap: "

/* 14 bytes each, with ", " between: 12 of them in 200. Then `any`, for which
 * there would be room, but not for what comes before it. */
TEST(words_beyond_the_room_are_counted)
{
	char *text = repeat(LONG_LIST "[user:100000000", ", user:100000000",
			    RB_ACCESS_MAX - 2, ", any]\n");
	struct rb_config *config = parses(text);
	const struct rb_access_list *tap = &only_channel(config)->access.tap;

	ck_assert_uint_eq(tap->n_entries, RB_ACCESS_MAX);
	ck_assert_uint_eq(tap->n_words, 12);
	ck_assert_ptr_null(strstr(tap->words, "any"));
	ck_assert_str_eq(strrchr(tap->words, ','), ", user:100000000");
	rb_config_free(config);
	free(text);
}

/* ------------------------------------------------------------ of dynamic ones */

TEST(channels_of_clients_have_lists_too)
{
	struct rb_config *config = parses(
		DYNAMIC("publish: creator\n"
			"    consume: [creator, 'group:7']\n"
			"    tap: []"));
	const struct rb_config_access *access = &config->dynamic.access;

	ck_assert(access->publish.given);
	ck_assert_uint_eq(access->publish.n_entries, 1);
	ck_assert_int_eq(access->publish.entries[0].kind, RB_ACCESS_CREATOR);
	ck_assert_str_eq(access->publish.words, "creator");
	ck_assert_uint_eq(access->consume.n_entries, 2);
	ck_assert_int_eq(access->consume.entries[1].kind, RB_ACCESS_GROUP);
	ck_assert_uint_eq(access->consume.entries[1].id, 7);
	ck_assert(access->tap.given);
	ck_assert_uint_eq(access->tap.n_entries, 0);
	ck_assert(!access->admin.given);
	rb_config_free(config);
}

REFUSES(creator_of_a_declared_channel, CHANNEL("access: { tap: [creator] }"),
	"test:3:21: 'tap' lists 'creator'\n"
	"    access: { tap: [creator] }\n"
	"                    ^\n"
	"hint: only channels of clients have a creator: see 'access' of "
	"'dynamic'\n")
REFUSES(creator_as_a_default, "defaults: { access: { admin: creator } }\n",
	"test:1:30: 'admin' lists 'creator'\n")
REFUSES(creator_among_those_who_create, "dynamic: { allow: [any, creator] }\n",
	"test:1:25: 'allow' lists 'creator'\n")
REFUSES(misspelt_creator, DYNAMIC("tap: [creater]"),
	"test:3:11: 'tap' lists 'creater'\n"
	"    tap: [creater]\n"
	"          ^\n"
	"hint: write any, creator, user:NAME, user:UID, group:NAME or "
	"group:GID\n")
REFUSES(number_as_a_list, DYNAMIC("tap: { a: 1 }"),
	"test:3:10: 'tap' must be a list of any, creator, user:NAME, "
	"group:NAME, not a mapping\n")
REFUSES(unknown_key_in_access_of_dynamic, DYNAMIC("taps: any"),
	"test:3:5: unknown key 'taps' in 'access' of 'dynamic'\n"
	"    taps: any\n"
	"    ^\n"
	"hint: did you mean 'tap'?\n")
REFUSES(list_as_access_of_dynamic, "dynamic: { access: [any] }\n",
	"test:1:20: 'access' must be a mapping of keys, not a list\n")

TEST(lists_of_dynamic_are_no_defaults)
{
	struct rb_config *config = parses(
		"dynamic: { access: { tap: [] } }\n"
		"channels: { a: { access: { admin: [] } } }\n");

	ck_assert(!only_channel(config)->access.tap.given);
	ck_assert(!config->dynamic.access.admin.given);
	rb_config_free(config);
}
