/* SPDX-License-Identifier: MIT */
/*
 * peer_nats.c - see peer_nats.h
 */
#include "bench/peer_nats.h"

#include <nats/nats.h>
#include <stdio.h>
#include <string.h>

#include "bench/payload.h"
#include "bench/setup.h"

#define UNDER_WAY 32000 /* more are not quicker */
#define STALL_MS 1000
#define BUFFER_SIZE 262144
#define EVENT_MAX 4096

static natsConnection *connection;
static jsCtx *js;
static char subject[64];
static char failure[128];

static void
check(const char *what, natsStatus status)
{
	if (status != NATS_OK)
		bench_fail("%s: %s", what, natsStatus_GetText(status));
}

/* A refused one is not an event that has been stored. */
static void
note_failure(jsCtx *context, jsPubAckErr *error, void *closure)
{
	(void)context;
	(void)closure;
	snprintf(failure, sizeof(failure), "%s", error->ErrText);
}

static void
connect_to(const char *url)
{
	natsOptions *o = NULL;

	check("options", natsOptions_Create(&o));
	check("url", natsOptions_SetURL(o, url));
	check("buffer", natsOptions_SetIOBufSize(o, BUFFER_SIZE));
	check("connect", natsConnection_Connect(&connection, o));
	natsOptions_Destroy(o);
}

void
peer_nats_open(const char *url, const char *stream)
{
	const char *subjects[] = { subject };
	jsStreamConfig config;
	jsOptions o;

	snprintf(subject, sizeof(subject), "one.%s", stream);
	connect_to(url);
	jsOptions_Init(&o);
	o.PublishAsync.MaxPending = UNDER_WAY;
	o.PublishAsync.StallWait = STALL_MS;
	o.PublishAsync.ErrHandler = note_failure;
	check("JetStream", natsConnection_JetStream(&js, connection, &o));
	jsStreamConfig_Init(&config);
	config.Name = stream;
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	config.Storage = js_FileStorage;
	check("stream", js_AddStream(NULL, js, &config, NULL, NULL));
}

double
peer_nats_publish(int64_t n, size_t size)
{
	int64_t start_ns = bench_clock_ns();
	char event[EVENT_MAX];

	for (int64_t i = 0; i < n; i++) {
		bench_fill(event, size, (uint64_t)i);
		check("publish",
		      js_PublishAsync(js, subject, event, (int)size, NULL));
	}
	check("acknowledgements", js_PublishAsyncComplete(js, NULL));
	if (failure[0] != '\0')
		bench_fail("not stored: %s", failure);
	return (double)n * 1e3 / (double)(bench_clock_ns() - start_ns);
}

void
peer_nats_close(void)
{
	jsCtx_Destroy(js);
	natsConnection_Destroy(connection);
	nats_Close();
}
