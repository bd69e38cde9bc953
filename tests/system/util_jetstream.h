/* SPDX-License-Identifier: MIT */
/*
 * util_jetstream.h - what a nats-server has, asked by hand
 *
 * As an operator would with a tool of theirs: a connection of its own, in the
 * network of a host, one request, and the answer, which is JSON.
 */
#ifndef T_UTIL_JETSTREAM_H
#define T_UTIL_JETSTREAM_H

#include "tests/system/util_host.h"

#define T_JS_ANSWER 4096

/* What the server at this address says; "" if it does not. */
void t_js_ask(const struct t_host *host, const char *address, int port,
	      const char *subject, const char *json, char ret[T_JS_ANSWER]);

/* The number of that name in it; -1 if there is none. */
int64_t t_js_number(const char *json, const char *name);

/* The same configuration of a stream with another limit of its bytes. */
void t_js_limit(const struct t_host *host, const char *address, int port,
		const char *stream, int64_t bytes);

#endif
