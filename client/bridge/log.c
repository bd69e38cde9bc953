/* SPDX-License-Identifier: MIT */
/*
 * log.c - see log.h
 */
#include "client/bridge/log.h"

#include <stdarg.h>
#include <syslog.h>

#include "client/ctl/line.h"

void
log_init(const char *channel)
{
	line_init("ringbus-bridge", channel);
}

void
log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line_write(LOG_INFO, fmt, args);
	va_end(args);
}

void
log_warning(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line_write(LOG_WARNING, fmt, args);
	va_end(args);
}

void
log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line_write(LOG_ERR, fmt, args);
	va_end(args);
}
