/* SPDX-License-Identifier: MIT */
/*
 * test_report.c - of a report that is too long the verdict is there all the same
 */
#include "daemon/report.h"

#include "tests/t.h"

TEST(lines_come_in_their_order)
{
	struct rb_report report = { 0 };

	rb_report_add_text(&report, "one\ntwo\nthree");
	ck_assert_uint_eq(report.n, 3);
	ck_assert_str_eq(report.lines[0], "one");
	ck_assert_str_eq(report.lines[2], "three");
	rb_report_clear(&report);
	ck_assert_uint_eq(report.n, 0);
}

TEST(verdict_is_the_last_of_too_many_lines)
{
	struct rb_report report = { 0 };

	for (unsigned i = 0; i < RB_REPORT_LINES_MAX + 9; i++)
		rb_report_add_text(&report, i == 0 ? "first" : "another");
	rb_report_add_text(&report, "verdict");
	ck_assert_uint_eq(report.n, RB_REPORT_LINES_MAX);
	ck_assert_str_eq(report.lines[0], "first");
	ck_assert_str_eq(report.lines[report.n - 1], "verdict");
	rb_report_clear(&report);
}
