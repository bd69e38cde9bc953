/* SPDX-License-Identifier: MIT */
/*
 * test_name.c - which names are fit to become files
 */
#include "shm/limits.h"
#include "tests/t.h"

TEST(ordinary_names_are_valid)
{
	ck_assert(rb_name_is_valid("a"));
	ck_assert(rb_name_is_valid("orders"));
	ck_assert(rb_name_is_valid("Feed_2.eu-west"));
	ck_assert(rb_name_is_valid("0"));
}

TEST(names_that_lead_elsewhere_are_not)
{
	ck_assert(!rb_name_is_valid(NULL));
	ck_assert(!rb_name_is_valid(""));
	ck_assert(!rb_name_is_valid("."));
	ck_assert(!rb_name_is_valid(".."));
	ck_assert(!rb_name_is_valid(".hidden"));
	ck_assert(!rb_name_is_valid("-option"));
	ck_assert(!rb_name_is_valid("a/b"));
	ck_assert(!rb_name_is_valid("a b"));
	ck_assert(!rb_name_is_valid("a\n"));
	ck_assert(!rb_name_is_valid("\xc3\xa4"));
}

TEST(a_name_leaves_room_for_its_end)
{
	char name[RB_NAME_SIZE + 1];

	memset(name, 'x', sizeof(name));
	name[RB_NAME_SIZE - 1] = '\0';
	ck_assert(rb_name_is_valid(name));
	/* Not terminated within its size: no byte behind it is looked at. */
	name[RB_NAME_SIZE - 1] = 'x';
	name[RB_NAME_SIZE] = '/';
	ck_assert(!rb_name_is_valid(name));
}
