/* SPDX-License-Identifier: MIT */
/*
 * notify.h - what the service manager is told
 */
#ifndef BRIDGE_NOTIFY_H
#define BRIDGE_NOTIFY_H

/* Its place in the channel is taken. */
void notify_ready(void);
void notify_stopping(void);

/* What it is at; told once each time it changes. */
__attribute__((format(printf, 1, 2))) void notify_status(const char *fmt, ...);

/* A sign of life, if one is wanted and due. To be called once a second. */
void notify_alive(void);

#endif
