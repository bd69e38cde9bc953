/* SPDX-License-Identifier: MIT */
/*
 * report.c - see report.h
 */
#include "daemon/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

void
rb_report_clear(struct rb_report *report)
{
	while (report->n > 0)
		free(report->lines[--report->n]);
	free(report->lines);
	*report = (struct rb_report){ 0 };
}

/* Takes the line, NULL if there was no memory for it. */
static void
take_line(struct rb_report *report, char *line)
{
	char **lines = NULL;

	if (line != NULL && report->n == RB_REPORT_LINES_MAX)
		free(report->lines[--report->n]);
	if (line != NULL)
		lines = reallocarray(report->lines, report->n + 1,
				     sizeof(*lines));
	if (lines == NULL) {
		free(line);
		return;
	}
	report->lines = lines;
	report->lines[report->n++] = line;
}

void
rb_report_add(struct rb_report *report, int priority, const char *fmt, ...)
{
	char *line = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&line, fmt, args) < 0)
		line = NULL;
	va_end(args);
	if (line != NULL)
		rb_log(priority, "%s", line);
	take_line(report, line);
}

void
rb_report_add_text(struct rb_report *report, const char *text)
{
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, "\n");

		take_line(report, strndup(text, n));
		text += n + (text[n] == '\n');
	}
}
