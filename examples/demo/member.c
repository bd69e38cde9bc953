/* SPDX-License-Identifier: MIT */
/*
 * member.c - see member.h
 */
#include "examples/demo/member.h"

#include <errno.h>
#include <unistd.h>

#include "examples/demo/roles.h"

/* Commits at least this often, so that those behind need not wait for as much
 * as a whole ring. */
#define BATCH_MAX 2048

const char *const role_names[N_ROLES] = { "producer", "journal", "replicate",
					  "replica", "app" };

int
role_ready(const struct demo *demo, enum role role)
{
	if (write(demo->ready[1], "", 1) != 1)
		return board_fail(demo, role, "the parent is gone");
	return 0;
}

static int
attach(struct member *m)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	int err;

	/* The daemon finds the name in the channel's configuration, and so
	 * knows after whom we come. */
	o.name = role_names[m->role];
	err = ringbus_connect(m->demo->place.socket, &m->bus);
	if (err < 0)
		return board_fail_bus(m->demo, m->role, "cannot connect", err,
				      NULL);
	err = ringbus_consumer_open(m->bus, m->demo->channel, &o, &m->consumer);
	if (err < 0)
		return board_fail_bus(m->demo, m->role, "cannot attach", err,
				      m->bus);
	return 0;
}

/* What the event processor calls. */
struct handling {
	struct member *member;
	const struct stage *stage;
};

/* Any failure has been told, so that the number does not matter. */
static int
fail(struct member *m)
{
	m->has_failed = true;
	return -ECANCELED;
}

static int
begin_batch(void *context, int64_t batch_size, int64_t queue_depth)
{
	const struct handling *h = context;
	int64_t committed = ringbus_consumer_sequence(h->member->consumer);

	(void)batch_size;
	if (h->stage->begin != NULL &&
	    h->stage->begin(h->member, committed + queue_depth) < 0)
		return fail(h->member);
	return 0;
}

static int
handle_event(void *context, const struct ringbus_event *event, int end_of_batch)
{
	const struct handling *h = context;
	struct member *m = h->member;

	m->sequence = event->sequence;
	if (h->stage->event(m, event) < 0)
		return fail(m);
	if (!end_of_batch)
		return RINGBUS_CONTINUE;
	if (h->stage->end != NULL && h->stage->end(m) < 0)
		return fail(m);
	board_note(m->demo, m->role, m->sequence, m->report.tally.n_events);
	return RINGBUS_CONTINUE; /* and now the batch is committed */
}

static int
consume(struct member *m, const struct stage *stage)
{
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct handling handling = { m, stage };
	int err;

	handlers.context = &handling;
	handlers.on_batch_start = begin_batch;
	handlers.on_event = handle_event;
	handlers.max_batch = BATCH_MAX;
	err = ringbus_consumer_run(m->consumer, &handlers);
	if (err == -ESHUTDOWN)
		return 0; /* the producer has ended the stream */
	if (!m->has_failed)
		board_fail_bus(m->demo, m->role, "cannot consume", err, m->bus);
	return -1;
}

int
member_run(struct member *m, const struct stage *stage)
{
	int failed;

	m->sequence = -1;
	failed = attach(m) < 0 || role_ready(m->demo, m->role) < 0 ||
		 consume(m, stage) < 0;
	if (!failed)
		board_report(m->demo, m->role, &m->report);
	ringbus_close(m->bus); /* and with it the consumer */
	return failed;
}
