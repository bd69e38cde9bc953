/* SPDX-License-Identifier: MIT */
/*
 * reader.c - the replica behind NATS: reads what the bridge has brought back
 *
 * A stream of NATS has no end that anybody could tell, so it is done when it has as
 * many events as the producer says that it has published.
 */
#include <errno.h>

#include "client/ringbus.h"
#include "examples/demo/copy.h"
#include "examples/demo/roles.h"

#define LOOK_NS INT64_C(10000000) /* whether that is all */
#define PATIENCE_NS INT64_C(60000000000)

struct reader {
	struct copy copy;
	struct ringbus *bus;
	struct ringbus_consumer *consumer;
	int64_t heard_ns; /* when the last event came */
};

static int
fail(const struct reader *r, const char *what, int64_t err)
{
	return board_fail_bus(r->copy.demo, ROLE_REPLICA, what, (int)err,
			      r->bus);
}

static int
attach(struct reader *r)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	int err = ringbus_connect(r->copy.demo->place.socket, &r->bus);

	if (err < 0)
		return fail(r, "cannot connect", err);
	o.name = role_names[ROLE_REPLICA];
	err = ringbus_consumer_open(r->bus, "copy", &o, &r->consumer);
	return err < 0 ? fail(r, "cannot attach", err) : 0;
}

static bool
has_all(const struct reader *r)
{
	struct report producer;

	board_read_report(r->copy.demo, ROLE_PRODUCER, &producer);
	return producer.is_complete &&
	       r->copy.report.tally.n_events >= producer.tally.n_events;
}

static int
take_batch(struct reader *r)
{
	struct ringbus_event event = { .sequence = -1 };
	int err;

	while (ringbus_consumer_next(r->consumer, &event) > 0)
		if (copy_take(&r->copy, event.data, event.size) < 0)
			return -1;
	if (copy_flush(&r->copy, event.sequence) < 0)
		return -1;
	r->heard_ns = now_ns();
	err = ringbus_consumer_commit(r->consumer);
	return err < 0 ? fail(r, "cannot commit", err) : 0;
}

static int
read_all(struct reader *r)
{
	r->heard_ns = now_ns();
	while (!has_all(r)) {
		int64_t found = ringbus_consumer_wait(r->consumer, LOOK_NS);

		if (found >= 0 && take_batch(r) < 0)
			return -1;
		if (found < 0 && found != -ETIMEDOUT)
			return fail(r, "cannot consume", found);
		if (now_ns() - r->heard_ns > PATIENCE_NS)
			return board_fail(r->copy.demo, ROLE_REPLICA,
					  "nothing comes out of the stream");
	}
	return 0;
}

int
role_reader(const struct demo *demo)
{
	static struct reader r;
	int failed = copy_open(&r.copy, demo) < 0 || attach(&r) < 0 ||
		     role_ready(demo, ROLE_REPLICA) < 0 || read_all(&r) < 0;

	if (!failed)
		board_report(demo, ROLE_REPLICA, &r.copy.report);
	ringbus_close(r.bus);
	return failed;
}
