/* SPDX-License-Identifier: MIT */
/*
 * notice.c - see notice.h
 */
#include "client/journal/notice.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "client/ctl/line.h"

#define STATUS_SIZE 1024

static int64_t beat_ns, next_beat_ns;

void
notice_init(const char *channel)
{
	uint64_t usec = 0;

	line_init("ringbus-journal", channel);
	if (sd_watchdog_enabled(0, &usec) > 0)
		beat_ns = (int64_t)usec * 1000 / 2;
}

void
notice(int priority, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line_write(priority, fmt, args);
	va_end(args);
}

void
notice_ready(void)
{
	sd_notify(0, "READY=1");
}

void
notice_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

const char *
notice_remedy(int err)
{
	switch (-err) {
	case ENOSPC:
	case EDQUOT:
		return "make room, or set retain_size";
	case EFBIG:
		return "take a smaller segment_size, or see `ulimit -f`";
	case ENOENT:
		return "the folder is gone: start anew";
	default:
		return "see the kernel's log";
	}
}

void
notice_status(const char *fmt, ...)
{
	char text[STATUS_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	sd_notifyf(0, "STATUS=%s", text);
}

void
notice_alive(void)
{
	int64_t now = beat_ns != 0 ? notice_now_ns() : 0;

	if (beat_ns == 0 || now < next_beat_ns)
		return;
	next_beat_ns = now + beat_ns / 2;
	sd_notify(0, "WATCHDOG=1");
}

static int64_t
read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t
notice_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
notice_time_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}
