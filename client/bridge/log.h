/* SPDX-License-Identifier: MIT */
/*
 * log.h - what the bridge tells people: see client/ctl/line.h
 */
#ifndef BRIDGE_LOG_H
#define BRIDGE_LOG_H

/* Of whom the lines are: the name of the channel, which has to stay. */
void log_init(const char *channel);

__attribute__((format(printf, 1, 2))) void log_info(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_warning(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *fmt, ...);

#endif
