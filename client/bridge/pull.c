/* SPDX-License-Identifier: MIT */
/*
 * pull.c - see pull.h
 */
#include "client/bridge/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64
#define BYTES_MAX (INT64_C(64) << 20) /* libnats drops what is more */
#define PATIENCE_MS 250
#define END_MS 500
#define INACTIVE_NS INT64_C(60000000000)

/* So many at once, however long they are. */
static int
batch_of(const struct server *server)
{
	int64_t max = server_max_payload(server);

	if (max <= BYTES_MAX / BATCH)
		return BATCH;
	return max < BYTES_MAX ? (int)(BYTES_MAX / max) : 1;
}

/* Given up by the server a little before we do. */
static void
prepare_asking(struct pull *p, const struct server *server)
{
	p->batch = batch_of(server);
	p->n_asked = 0;
	snprintf(p->more, sizeof(p->more),
		 "{\"batch\":%d,\"expires\":%d000000}", p->batch,
		 PATIENCE_MS - 10);
}

static natsStatus
add_consumer(struct pull *p, const struct setup *setup, jsCtx *js,
	     uint64_t first)
{
	jsConsumerConfig config;
	jsConsumerInfo *info = NULL;
	natsStatus status;

	jsConsumerConfig_Init(&config);
	config.DeliverPolicy = js_DeliverByStartSequence;
	config.OptStartSeq = first;
	config.AckPolicy = js_AckNone;
	config.FilterSubject = setup->subject;
	config.InactiveThreshold = INACTIVE_NS;
	status = js_AddConsumer(&info, js, setup->stream, &config, NULL, NULL);
	if (status != NATS_OK)
		return status;
	snprintf(p->consumer, sizeof(p->consumer), "%s", info->Name);
	jsConsumerInfo_Destroy(info);
	snprintf(p->subject, sizeof(p->subject),
		 "$JS.API.CONSUMER.MSG.NEXT.%s.%s", setup->stream, p->consumer);
	return NATS_OK;
}

natsStatus
pull_begin(struct pull *p, struct server *server, jsCtx *js, uint64_t first)
{
	natsStatus status = add_consumer(p, server->setup, js, first);

	p->connection = server->connection;
	prepare_asking(p, server);
	if (status == NATS_OK)
		status = natsInbox_Create(&p->inbox);
	if (status == NATS_OK)
		status = natsConnection_SubscribeSync(&p->sub, p->connection,
						      p->inbox);
	return status;
}

/* Without us it goes by itself, later. */
static void
delete_consumer(const struct pull *p, const struct setup *setup, jsCtx *js)
{
	jsOptions options;

	jsOptions_Init(&options);
	options.Wait = END_MS;
	if (p->consumer[0] != '\0' && js != NULL)
		js_DeleteConsumer(js, setup->stream, p->consumer, &options,
				  NULL);
}

/* The thread that reads may have a message for the subscription in hand, which libnats
 * 3.4 does not keep for that: it is freed when that thread has gone on. */
void
pull_end(struct pull *p, struct server *server, jsCtx *js)
{
	if (p->sub != NULL)
		natsSubscription_Unsubscribe(p->sub);
	if (server_is_up(server)) {
		delete_consumer(p, server->setup, js);
		natsConnection_FlushTimeout(server->connection, END_MS);
	}
	natsSubscription_Destroy(p->sub);
	natsInbox_Destroy(p->inbox);
	memset(p, 0, sizeof(*p));
}

bool
pull_is_begun(const struct pull *p)
{
	return p->sub != NULL;
}

/* $JS.ACK.STREAM.CONSUMER.N.SEQUENCE.N.TIME.N, and newer servers may have two names
 * more in front of the stream's. */
static uint64_t
sequence_of(const natsMsg *msg)
{
	const char *at = natsMsg_GetReply(msg);
	int n_dots = 0, wanted;

	for (const char *c = at; c != NULL && *c != '\0'; c++)
		n_dots += *c == '.';
	wanted = n_dots < 10 ? 5 : 7;
	for (; at != NULL && wanted > 0; wanted--) {
		at = strchr(at, '.');
		at += at != NULL;
	}
	return at != NULL && n_dots >= 8 ? strtoull(at, NULL, 10) : 0;
}

/* What the server says about what was asked for; true if this is no message of the
 * stream. */
static bool
is_word(natsMsg *msg, natsStatus *ret)
{
	const char *code = NULL;

	if (natsMsg_GetDataLength(msg) > 0 ||
	    natsMsgHeader_Get(msg, "Status", &code) != NATS_OK || code == NULL)
		return false;
	/* 404 and 408: no more for now. */
	*ret = strcmp(code, "404") == 0 || strcmp(code, "408") == 0
		       ? NATS_TIMEOUT
		       : NATS_NOT_FOUND;
	return true;
}

static natsStatus
ask(struct pull *p)
{
	if (p->n_asked > 0)
		return NATS_OK;
	p->n_asked = p->batch;
	return natsConnection_PublishRequestString(p->connection, p->subject,
						   p->inbox, p->more);
}

natsStatus
pull_next(struct pull *p, natsMsg **ret, uint64_t *ret_sequence)
{
	natsMsg *msg = NULL;
	natsStatus status = ask(p);

	if (status == NATS_OK)
		status = natsSubscription_NextMsg(&msg, p->sub, PATIENCE_MS);
	if (status == NATS_OK && is_word(msg, &status)) {
		natsMsg_Destroy(msg);
		p->n_asked = 0;
		return status;
	}
	if (status != NATS_OK) {
		p->n_asked = 0;
		return status;
	}
	p->n_asked--;
	*ret = msg;
	*ret_sequence = sequence_of(msg);
	return NATS_OK;
}
