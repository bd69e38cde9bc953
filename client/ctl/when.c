/* SPDX-License-Identifier: MIT */
/*
 * when.c - points and spans of time as people and RFC 3339 write them
 */
#include "client/ctl/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)

const char *
when_format(int64_t realtime_ns, char *text)
{
	time_t seconds = realtime_ns / SECOND_NS;
	char date[32] = "?";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, WHEN_TEXT, "%s.%09dZ", date,
		 (int)(realtime_ns % SECOND_NS));
	return text;
}

const char *
when_format_span(int64_t ns, char *text)
{
	int64_t minutes = ns / (60 * SECOND_NS);

	if (ns < SECOND_NS)
		snprintf(text, WHEN_TEXT, "%.1f ms", (double)ns / 1e6);
	else if (minutes < 2)
		snprintf(text, WHEN_TEXT, "%.1f s", (double)ns / 1e9);
	else if (minutes < 120)
		snprintf(text, WHEN_TEXT, "%" PRId64 " min", minutes);
	else
		snprintf(text, WHEN_TEXT, "%" PRId64 " h %" PRId64 " min",
			 minutes / 60, minutes % 60);
	return text;
}

int64_t
when_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}
