/* SPDX-License-Identifier: MIT */
/*
 * notify.c - see notify.h
 */
#include "client/bridge/notify.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "client/bridge/wake.h"

static char told[256];

void
notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void
notify_status(const char *fmt, ...)
{
	char text[sizeof(told)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (strcmp(text, told) == 0)
		return;
	memcpy(told, text, sizeof(told));
	sd_notifyf(0, "STATUS=%s", told);
}

void
notify_alive(void)
{
	static int64_t next;
	int64_t now = wake_now();
	uint64_t interval_us;

	if (now < next || sd_watchdog_enabled(0, &interval_us) <= 0)
		return;
	next = now + (int64_t)interval_us * 1000 / 3;
	sd_notify(0, "WATCHDOG=1");
}
