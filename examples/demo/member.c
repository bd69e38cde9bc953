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

/* Some of what the last wait found. */
static int
read_batch(struct member *m, const struct stage *stage)
{
	struct ringbus_event event;
	int err = 0, more = 1, n = 0;

	while (err == 0 && n < BATCH_MAX &&
	       (more = ringbus_consumer_next(m->consumer, &event)) > 0) {
		m->sequence = event.sequence;
		err = stage->event(m, &event);
		n++;
	}
	if (more < 0)
		return board_fail_bus(m->demo, m->role, "cannot read", more,
				      m->bus);
	return err;
}

static int
finish_batch(struct member *m, const struct stage *stage)
{
	int err = stage->end != NULL ? stage->end(m) : 0;

	if (err < 0)
		return err;
	board_note(m->demo, m->role, m->sequence, m->report.tally.n_events);
	err = ringbus_consumer_commit(m->consumer);
	if (err < 0)
		return board_fail_bus(m->demo, m->role, "cannot commit", err,
				      m->bus);
	return 0;
}

static int
consume(struct member *m, const struct stage *stage)
{
	for (;;) {
		int64_t highest = ringbus_consumer_wait(m->consumer,
							RINGBUS_FOREVER);

		if (highest == -ESHUTDOWN)
			return 0; /* the producer has ended the stream */
		if (highest < 0)
			return board_fail_bus(m->demo, m->role, "cannot wait",
					      (int)highest, m->bus);
		if (stage->begin != NULL && stage->begin(m, highest) < 0)
			return -1;
		if (read_batch(m, stage) < 0 || finish_batch(m, stage) < 0)
			return -1;
	}
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
