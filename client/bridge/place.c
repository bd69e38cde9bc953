/* SPDX-License-Identifier: MIT */
/*
 * place.c - the consumer of an export
 *
 * What it has read and not committed is read again by opening it anew: its place is
 * kept in between, and producers go on waiting for it.
 */
#include <errno.h>

#include "client/bridge/exporter.h"
#include "client/bridge/log.h"
#include "client/bridge/notify.h"
#include "client/bridge/progress.h"
#include "client/bridge/wake.h"

#define RETRY_NS INT64_C(200000000)
#define PATIENCE_NS INT64_C(5000000000)

static int
open_once(struct exporter *e)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	int err;

	o.name = e->setup->consumer;
	o.from = RINGBUS_FROM_OLDEST;
	o.keep_for_ns = RINGBUS_FOREVER;
	err = ringbus_consumer_open(e->bus, e->setup->channel, &o,
				    &e->consumer);
	if (err != -EINVAL)
		return err;
	/* The configuration declares it, and says for how long. */
	o.keep_for_ns = 0;
	return ringbus_consumer_open(e->bus, e->setup->channel, &o,
				     &e->consumer);
}

/* Things that pass by themselves: always that one before us is dead and not yet
 * buried, once we have had the place more. */
static bool
may_pass(int err, bool is_first)
{
	if (is_first)
		return err == -EBUSY;
	return err == -ECONNRESET || err == -ECONNREFUSED ||
	       err == -ETIMEDOUT || err == -EBUSY || err == -EAGAIN ||
	       err == -ENOMEM || err == -EMFILE;
}

void
place_close(struct exporter *e)
{
	wake_watch_consumer(NULL);
	ringbus_consumer_close(e->consumer);
	e->consumer = NULL;
	e->has_read = false;
}

int
place_open(struct exporter *e)
{
	bool is_first = e->consumer == NULL;
	int64_t end = wake_now() + PATIENCE_NS;
	int err;

	place_close(e);
	err = open_once(e);
	while (may_pass(err, is_first) && !wake_is_stopped() &&
	       (!is_first || wake_now() < end)) {
		stream_trouble("waits for its place in the channel: %s",
			       ringbus_strerror(err));
		notify_alive();
		wake_sleep(RETRY_NS);
		err = open_once(e);
	}
	if (err < 0) {
		log_error("cannot read the channel: %s%s%s",
			  ringbus_strerror(err),
			  ringbus_error(e->bus)[0] != '\0' ? ": " : "",
			  ringbus_error(e->bus));
		return err;
	}
	wake_watch_consumer(e->consumer);
	/* One that is new has told nothing; of a stream that is full it is one of many. */
	progress_of_export(e);
	return 0;
}
