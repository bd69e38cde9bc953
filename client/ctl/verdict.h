/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - what a monitoring plug-in says: a verdict, why, and figures
 *
 * After the guidelines for such plug-ins. All that is wrong is told, the worst first;
 * what is too long for a line is cut off.
 */
#ifndef CTL_VERDICT_H
#define CTL_VERDICT_H

#include "client/ctl/output.h"

/* Also the exit codes. */
enum verdict {
	VERDICT_OK,
	VERDICT_WARNING,
	VERDICT_CRITICAL,
	VERDICT_UNKNOWN,
};

#define VERDICT_TEXT 4096

/* Zeroed: all is well so far. */
struct verdicts {
	enum verdict worst;
	char wrong[4][VERDICT_TEXT]; /* of each kind, one behind the other */
	char figures[VERDICT_TEXT];
	unsigned n_channels;
};

void verdicts_complain(struct verdicts *verdicts, enum verdict verdict,
		       const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A figure: 'label'=value;warn;crit;min;max. */
void verdicts_note(struct verdicts *verdicts, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void verdicts_print(const struct verdicts *verdicts, struct output *out);
void verdicts_write(const struct verdicts *verdicts, struct output *out);

#endif
