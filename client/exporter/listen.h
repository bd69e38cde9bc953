/* SPDX-License-Identifier: MIT */
/*
 * listen.h - the sockets that scrapes come in by: inherited, or made
 */
#ifndef EXPORTER_LISTEN_H
#define EXPORTER_LISTEN_H

#define LISTEN_MAX 4

/*
 * Those that a service manager has given us (LISTEN_PID, LISTEN_FDS): how many are
 * in fds[]; 0 if it has not; -1 after a message on stderr.
 */
int listen_inherited(int fds[LISTEN_MAX]);

/*
 * One at ADDRESS:PORT; ":PORT" is every address, "[::1]:PORT" one of IPv6. Says on
 * stderr where it is. -1 after a message on stderr.
 */
int listen_at(const char *text);

#endif
