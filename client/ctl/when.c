/* SPDX-License-Identifier: MIT */
/*
 * when.c - points and spans of time as people and RFC 3339 write them
 */
#include "client/ctl/when.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Beyond that nanoseconds do not fit. */
#define SECONDS_MAX INT64_C(9000000000)

/* ".5" as nanoseconds, if there is such a thing at *text, which moves on. */
static int
read_fraction(const char **text, int64_t *ret)
{
	int64_t scale = SECOND_NS;

	*ret = 0;
	if (**text != '.')
		return 0;
	(*text)++;
	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (; isdigit((unsigned char)**text); (*text)++) {
		scale /= 10;
		*ret += (**text - '0') * scale;
	}
	return 0;
}

static int
parse_seconds(const char *text, int64_t *ret)
{
	int64_t fraction;
	char *end;
	long long seconds;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	seconds = strtoll(text, &end, 10);
	text = end;
	if (errno != 0 || seconds > SECONDS_MAX ||
	    read_fraction(&text, &fraction) < 0 || *text != '\0')
		return -EINVAL;
	*ret = seconds * SECOND_NS + fraction;
	return 0;
}

/* Exactly two digits, up to `max`; *text moves on. */
static int
read_two(const char **text, int max, int *ret)
{
	const char *t = *text;

	if (!isdigit((unsigned char)t[0]) || !isdigit((unsigned char)t[1]))
		return -EINVAL;
	*ret = (t[0] - '0') * 10 + t[1] - '0';
	*text += 2;
	return *ret <= max ? 0 : -EINVAL;
}

static bool
pass(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static int
read_date(const char **text, struct tm *ret)
{
	int century, year, month;

	if (read_two(text, 99, &century) < 0 || read_two(text, 99, &year) < 0 ||
	    !pass(text, '-') || read_two(text, 12, &month) < 0 || month == 0 ||
	    !pass(text, '-') || read_two(text, 31, &ret->tm_mday) < 0 ||
	    ret->tm_mday == 0)
		return -EINVAL;
	ret->tm_year = century * 100 + year - 1900;
	ret->tm_mon = month - 1;
	return 0;
}

static int
read_clock(const char **text, struct tm *ret, int64_t *ret_fraction)
{
	if (!pass(text, 'T') && !pass(text, ' '))
		return 0;
	if (read_two(text, 23, &ret->tm_hour) < 0 || !pass(text, ':') ||
	    read_two(text, 59, &ret->tm_min) < 0)
		return -EINVAL;
	if (!pass(text, ':'))
		return 0;
	if (read_two(text, 60, &ret->tm_sec) < 0)
		return -EINVAL;
	return read_fraction(text, ret_fraction);
}

/* Seconds east of UTC. */
static int
read_zone(const char **text, int *ret)
{
	int hours, minutes;
	bool west = **text == '-';

	*ret = 0;
	if (**text == '\0' || pass(text, 'Z'))
		return 0;
	if (!pass(text, '+') && !pass(text, '-'))
		return -EINVAL;
	if (read_two(text, 23, &hours) < 0 || !pass(text, ':') ||
	    read_two(text, 59, &minutes) < 0)
		return -EINVAL;
	*ret = (hours * 60 + minutes) * (west ? -60 : 60);
	return 0;
}

int
when_parse(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	int64_t fraction = 0, seconds;
	int zone, day;

	if (text[0] == '@')
		return parse_seconds(text + 1, ret);
	if (read_date(&text, &tm) < 0 ||
	    read_clock(&text, &tm, &fraction) < 0 ||
	    read_zone(&text, &zone) < 0 || *text != '\0')
		return -EINVAL;
	day = tm.tm_mday;
	seconds = timegm(&tm);
	/* The 30th of February would be another day by now. */
	if (tm.tm_mday != day || seconds < 0 || seconds > SECONDS_MAX)
		return -EINVAL;
	*ret = (seconds - zone) * SECOND_NS + fraction;
	return 0;
}

int64_t
when_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}
