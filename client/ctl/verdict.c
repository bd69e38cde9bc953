/* SPDX-License-Identifier: MIT */
/*
 * verdict.c - see verdict.h
 */
#include "client/ctl/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/json.h"

static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

static void
append(char *text, const char *separator, const char *fmt, va_list args)
{
	size_t used = strlen(text);
	int n = snprintf(text + used, VERDICT_TEXT - used, "%s",
			 used > 0 ? separator : "");

	if (n >= 0 && used + (size_t)n < VERDICT_TEXT)
		vsnprintf(text + used + n, VERDICT_TEXT - used - (size_t)n, fmt,
			  args);
}

void
verdicts_complain(struct verdicts *verdicts, enum verdict verdict,
		  const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	append(verdicts->wrong[verdict], "; ", fmt, args);
	va_end(args);
	/* What is surely wrong counts for more than what nobody knows. */
	if (verdicts->worst != VERDICT_CRITICAL &&
	    (verdict == VERDICT_CRITICAL || verdict > verdicts->worst))
		verdicts->worst = verdict;
}

void
verdicts_note(struct verdicts *verdicts, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	append(verdicts->figures, " ", fmt, args);
	va_end(args);
}

void
verdicts_print(const struct verdicts *verdicts, struct output *out)
{
	static const enum verdict order[] = { VERDICT_CRITICAL, VERDICT_WARNING,
					      VERDICT_UNKNOWN };
	const char *separator = " - ";

	output_print(out, "RINGBUS %s", names[verdicts->worst]);
	for (unsigned i = 0; i < 3; i++) {
		if (verdicts->wrong[order[i]][0] == '\0')
			continue;
		output_string(out, separator);
		output_string(out, verdicts->wrong[order[i]]);
		separator = "; ";
	}
	if (verdicts->worst == VERDICT_OK)
		output_print(out, " - %u channel%s", verdicts->n_channels,
			     verdicts->n_channels == 1 ? "" : "s");
	if (verdicts->figures[0] != '\0') {
		output_string(out, " | ");
		output_string(out, verdicts->figures);
	}
	output_string(out, "\n");
}

void
verdicts_write(const struct verdicts *verdicts, struct output *out)
{
	struct json json;

	json_begin(&json, out);
	json_string(&json, "status", names[verdicts->worst]);
	json_int(&json, "code", verdicts->worst);
	json_uint(&json, "channels", verdicts->n_channels);
	json_string(&json, "critical", verdicts->wrong[VERDICT_CRITICAL]);
	json_string(&json, "warning", verdicts->wrong[VERDICT_WARNING]);
	json_string(&json, "unknown", verdicts->wrong[VERDICT_UNKNOWN]);
	json_string(&json, "figures", verdicts->figures);
	json_end(&json);
}
