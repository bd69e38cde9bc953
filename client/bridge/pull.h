/* SPDX-License-Identifier: MIT */
/*
 * pull.h - messages of a stream, one after the other, as they are asked for
 *
 * By a consumer of the stream that goes when nobody has asked it for a minute.
 * natsSubscription_Fetch() of libnats 3.4 is not for this: what was asked for and came
 * late is put behind the end of its list by the next call.
 */
#ifndef BRIDGE_PULL_H
#define BRIDGE_PULL_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/bridge/server.h"
#include "client/bridge/setup.h"

struct pull {
	natsConnection *connection;
	natsSubscription *sub; /* NULL: not begun */
	natsInbox *inbox;
	char consumer[64];
	char subject[512]; /* that asks for more */
	char more[64];     /* what it is asked */
	int batch;         /* messages at once */
	int n_asked;       /* those that may come yet */
};

/* From this message on; what is left half done is ended by pull_end(). */
natsStatus pull_begin(struct pull *p, struct server *server, jsCtx *js,
		      uint64_t first);

/* Nothing comes any more. */
void pull_end(struct pull *p, struct server *server, jsCtx *js);

bool pull_is_begun(const struct pull *p);

/*
 * The next message, for the caller to destroy, and its number in the stream: 0 if the
 * server does not say. NATS_TIMEOUT: none has come in a while; anything else: nothing
 * will, so it has to be begun anew.
 */
natsStatus pull_next(struct pull *p, natsMsg **ret, uint64_t *ret_sequence);

#endif
