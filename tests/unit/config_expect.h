/* SPDX-License-Identifier: MIT */
/*
 * config_expect.h - parse a text and expect a config, or certain problems
 *
 * Texts are called `test` in messages, so a refusal reads `test:3:5: ...`.
 */
#ifndef CONFIG_EXPECT_H
#define CONFIG_EXPECT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "tests/t.h"

/* The config; the caller frees it. */
static inline struct rb_config *
parses(const char *text)
{
	struct rb_config_report report;
	struct rb_config *config = NULL;
	int r = rb_config_parse("test", text, strlen(text), &report, &config);

	ck_assert_msg(r == 0, "%s", report.text ? report.text : "no report");
	ck_assert_ptr_null(report.text);
	ck_assert_uint_eq(report.n_problems, 0);
	ck_assert_ptr_nonnull(config);
	return config;
}

/* The only channel of a config. */
static inline const struct rb_config_channel *
only_channel(const struct rb_config *config)
{
	ck_assert_uint_eq(config->n_channels, 1);
	return &config->channels[0];
}

/* The report on a text with that many problems; the caller deinits it. */
static inline struct rb_config_report
reports(const char *text, size_t size, unsigned n_problems)
{
	struct rb_config untouched, *config = &untouched;
	struct rb_config_report report;
	int r = rb_config_parse("test", text, size, &report, &config);

	ck_assert_int_eq(r, -EINVAL);
	ck_assert_ptr_eq(config, &untouched);
	ck_assert_ptr_nonnull(report.text);
	ck_assert_msg(report.n_problems == n_problems, "%u problems: %s",
		      report.n_problems, report.text);
	return report;
}

/* One problem, the report of which starts so. */
static inline void
refuses(const char *text, const char *start)
{
	struct rb_config_report report = reports(text, strlen(text), 1);

	ck_assert_msg(strncmp(report.text, start, strlen(start)) == 0,
		      "not `%s` but: %s", start, report.text);
	rb_config_report_deinit(&report);
}

/* One problem, the report of which is this to the last byte. */
static inline void
refuses_exactly(const char *text, const char *whole)
{
	struct rb_config_report report = reports(text, strlen(text), 1);

	ck_assert_str_eq(report.text, whole);
	rb_config_report_deinit(&report);
}

/* One problem, the last line of which is this hint. */
static inline void
hints(const char *text, const char *hint)
{
	struct rb_config_report report = reports(text, strlen(text), 1);
	const char *found = strstr(report.text, "\nhint: ");

	ck_assert_msg(found != NULL, "no hint: %s", report.text);
	found += strlen("\nhint: ");
	ck_assert_msg(strncmp(found, hint, strlen(hint)) == 0 &&
			      strcmp(found + strlen(hint), "\n") == 0,
		      "not `%s` but: %s", hint, report.text);
	rb_config_report_deinit(&report);
}

/* Several problems: these are the starts of their lines, in this order. */
static inline void
refuses_all(const char *text, const char *const *starts, unsigned n)
{
	struct rb_config_report report = reports(text, strlen(text), n);
	const char *at = report.text;
	unsigned i;

	for (i = 0; i < n; i++) {
		at = strstr(at, starts[i]);
		ck_assert_msg(at != NULL, "`%s` is not in its place in: %s",
			      starts[i], report.text);
		ck_assert(at == report.text || at[-1] == '\n');
		at++;
	}
	rb_config_report_deinit(&report);
}

/* `head`, `unit` n times, `tail`: a text to be freed. */
static inline char *
repeat(const char *head, const char *unit, size_t n, const char *tail)
{
	char *text = NULL;
	size_t size, i;
	FILE *file = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(file);
	fputs(head, file);
	for (i = 0; i < n; i++)
		fputs(unit, file);
	fputs(tail, file);
	ck_assert_int_eq(fclose(file), 0);
	return text;
}

/* A text that has to be refused, as a test of its own. */
#define REFUSES(name, text, start)                                             \
	TEST(name)                                                             \
	{                                                                      \
		refuses(text, start);                                          \
	}

/* Lines of a channel, which start in the fifth column of line 3. */
#define CHANNEL(lines) "channels:\n  orders:\n    " lines "\n"

#endif
