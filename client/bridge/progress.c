/* SPDX-License-Identifier: MIT */
/*
 * progress.c - see progress.h
 */
#include "client/bridge/progress.h"

#include <inttypes.h>

#include "client/bridge/exporter.h"
#include "client/bridge/importer.h"
#include "client/bridge/notify.h"

static void
notify(const struct setup *setup, const struct ringbus_io *io)
{
	if (!io->up)
		notify_status("waiting for stream %s at %s", setup->stream,
			      setup->servers);
	else if (setup_is_import(setup))
		notify_status("importing from %s: %" PRId64
			      " slots not here yet",
			      setup->stream, io->lag);
	else
		notify_status("exporting to %s: %" PRId64
			      " slots not acknowledged",
			      setup->stream, io->lag);
}

void
progress_of_export(const struct exporter *e)
{
	struct ringbus_info info = { .size = sizeof(info) };
	struct ringbus_io io = { .size = sizeof(io) };
	int64_t lag;

	ringbus_channel_info(ringbus_consumer_channel(e->consumer), &info);
	lag = info.cursor - ringbus_consumer_sequence(e->consumer);
	io.bytes = e->bytes;
	io.batches = e->messages;
	io.errors = e->refusals;
	io.retries = e->resyncs > 0 ? e->resyncs - 1 : 0;
	io.lag = lag > 0 ? lag : 0;
	io.up = e->in_sync && !(e->is_refused && lag > 0);
	ringbus_consumer_io(e->consumer, &io);
	notify(e->setup, &io);
}

void
progress_of_import(const struct importer *m)
{
	struct ringbus_io io = { .size = sizeof(io) };

	io.bytes = m->bytes;
	io.batches = m->messages;
	io.errors = m->errors;
	io.retries = m->attempts > 0 ? m->attempts - 1 : 0;
	if (m->has_base && m->stream_end > importer_index(m))
		io.lag = m->stream_end - importer_index(m);
	io.up = pull_is_begun(&m->pull) && server_is_up(&m->server);
	ringbus_producer_io(m->producer, &io);
	notify(m->setup, &io);
}
