/* SPDX-License-Identifier: MIT */
/*
 * quote.h - a text between double quotes, as JSON and YAML both have it
 */
#ifndef RB_DAEMON_QUOTE_H
#define RB_DAEMON_QUOTE_H

#include <stdio.h>

static inline void
rb_quote(FILE *file, const char *text)
{
	fputc('"', file);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(file, "\\%c", *c);
		else if (*c < 0x20)
			fprintf(file, "\\u%04x", *c);
		else
			fputc(*c, file);
	}
	fputc('"', file);
}

#endif
