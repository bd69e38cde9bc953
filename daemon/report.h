/* SPDX-License-Identifier: MIT */
/*
 * report.h - what a reload says: a line for each change, the last a verdict
 *
 * Where there are more than are kept, a new one takes the place of the one before it:
 * the verdict is there all the same, and the log has them all.
 */
#ifndef RB_DAEMON_REPORT_H
#define RB_DAEMON_REPORT_H

#include <stddef.h>

#include "shm/base.h"

#define RB_REPORT_LINES_MAX 4096

struct rb_report {
	unsigned n;
	char **lines;
};

void rb_report_clear(struct rb_report *report);

/* Adds a line, and logs it with that priority. */
void rb_report_add(struct rb_report *report, int priority, const char *fmt, ...)
	rb_printf_(3, 4);

/* The lines of a text, which are logged already. */
void rb_report_add_text(struct rb_report *report, const char *text);

#endif
