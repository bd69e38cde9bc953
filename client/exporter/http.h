/* SPDX-License-Identifier: MIT */
/*
 * http.h - answers scrapes at some sockets, until it is told to stop
 *
 * One thread, one loop: the channels' handles belong to it. What a client can make
 * wait is bounded: so many connections, so many bytes of a request, so long for one
 * of them.
 */
#ifndef EXPORTER_HTTP_H
#define EXPORTER_HTTP_H

#include "client/exporter/source.h"

/* Takes over the sockets. 0 once SIGINT or SIGTERM came; -1 after a message on
 * stderr. */
int http_serve(struct source *source, const int *fds, int n_fds);

#endif
