/* SPDX-License-Identifier: MIT */
/*
 * server.h - the connection to the NATS servers, and JetStream on it
 *
 * It is made again for ever, by libnats as long as it was there once and by us when
 * libnats has given up, as after a refusal, or because it is the turn of another server.
 * When it is there again the main thread is woken.
 */
#ifndef BRIDGE_SERVER_H
#define BRIDGE_SERVER_H

#include <nats/nats.h>
#include <stdbool.h>

#include "client/bridge/setup.h"

#define SERVER_WHY 256
#define SERVER_WAIT_MS 5000 /* for an answer of JetStream */

/* The connection is lost; `context` as of the server. In a thread of libnats. */
typedef void (*server_lost_fn)(void *context);

struct server {
	const struct setup *setup;
	server_lost_fn on_lost; /* NULL: nobody wants to know */
	void *context;
	natsOptions *options;
	natsConnection *connection;
	char *servers; /* what the list points into */
	const char *list[SETUP_SERVERS_MAX];
	unsigned n, turn; /* list[turn % n] is next, or was it */
	/* Of each, bit i: that it fails by natsStatus i. */
	uint64_t told[SETUP_SERVERS_MAX];
	char forbidden[SERVER_WHY]; /* was told; of libnats' thread */
};

/* Reads what the setup names (certificates and so on). 0, or -EINVAL after it has told
 * what is wrong with them. */
int server_init(struct server *s, const struct setup *setup);
/* There are no threads of libnats any more when this returns. */
void server_deinit(struct server *s);

/* What libnats says of what has just failed, without where in its source. */
const char *server_why(natsStatus status);

/* True while there is a connection. */
bool server_is_up(const struct server *s);

/* One attempt at the server whose turn it is, if there is no connection and libnats does
 * not see to it. 0, or -EAGAIN after it has told why not, the first time. */
int server_connect(struct server *s);

/* Tells why libnats does not get the connection back, once a time. Now and then. */
void server_look(struct server *s);

/* At each of them, once. */
int server_connect_any(struct server *s);

/* Of this connection, with acknowledgements of what it publishes to `handler`, if that
 * is not NULL. NULL after it has told why not. */
jsCtx *server_stream_context(struct server *s, jsPubAckHandler handler,
			     void *closure, int64_t window);

/* How often the connection was lost and made again, for as long as it is the same. */
uint64_t server_reconnects(const struct server *s);

/* What it takes at most, headers included. */
int64_t server_max_payload(const struct server *s);

#endif
