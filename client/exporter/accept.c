/* SPDX-License-Identifier: MIT */
/*
 * accept.c - see accept.h
 */
#include "client/exporter/accept.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OPEN_METRICS "application/openmetrics-text"
#define TEXT "text/plain"

/* The value of a parameter of one entry, which ends at `end`; or NULL. */
static const char *
parameter(const char *entry, const char *end, const char *key)
{
	size_t n = strlen(key);
	const char *at = entry;

	while ((at = memchr(at, ';', (size_t)(end - at))) != NULL) {
		at++;
		at += strspn(at, " \t");
		if (at + n < end && strncasecmp(at, key, n) == 0 &&
		    at[n] == '=')
			return at + n + 1;
	}
	return NULL;
}

/* 1.0, or none: that we have. */
static bool
is_our_version(const char *entry, const char *end)
{
	const char *version = parameter(entry, end, "version");

	return version == NULL || strncmp(version, "1.0.0", 5) == 0;
}

static double
quality(const char *entry, const char *end)
{
	const char *q = parameter(entry, end, "q");

	return q == NULL ? 1 : strtod(q, NULL);
}

bool
accept_prefers_open_metrics(const char *accepted)
{
	double open = 0, text = 0;
	const char *end;

	for (const char *at = accepted; at != NULL && *at != '\0'; at = end) {
		at += strspn(at, ", \t");
		end = at + strcspn(at, ",");
		if (strncasecmp(at, OPEN_METRICS, strlen(OPEN_METRICS)) == 0 &&
		    is_our_version(at, end) && quality(at, end) > open)
			open = quality(at, end);
		else if (strncasecmp(at, TEXT, strlen(TEXT)) == 0 &&
			 quality(at, end) > text)
			text = quality(at, end);
	}
	return open > 0 && open >= text;
}
