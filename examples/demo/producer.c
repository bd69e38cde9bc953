/* SPDX-License-Identifier: MIT */
/*
 * producer.c - publishes orders of its own making, or the lines of a file
 *
 * Orders show the fixed channel: claim many slots, fill them where they are,
 * publish them together. Lines show the framed one: claim as much as the line
 * needs, copy it there, publish.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "examples/demo/board.h"
#include "examples/demo/roles.h"

#define BURST 256

struct publisher {
	const struct demo *demo;
	struct ringbus *bus;
	struct ringbus_producer *producer;
	struct report report;
};

static int
fail(struct publisher *p, const char *what, int64_t err)
{
	return board_fail_bus(p->demo, ROLE_PRODUCER, what, (int)err, p->bus);
}

static int
publish_orders(struct publisher *p)
{
	struct tally *tally = &p->report.tally;

	while (tally->n_events < p->demo->n_orders) {
		uint64_t left = p->demo->n_orders - tally->n_events;
		int64_t n = left < BURST ? (int64_t)left : BURST;
		/* Waits while the slowest consumer is a whole ring behind. */
		int64_t highest = ringbus_producer_claim(p->producer, n,
							 RINGBUS_FOREVER);
		int64_t lowest = highest - n + 1;
		int err;

		if (highest < 0)
			return fail(p, "cannot claim", highest);
		for (int64_t s = lowest; s <= highest; s++) {
			struct order *order = ringbus_producer_slot(p->producer,
								    s);

			order_fill(order, tally->n_events);
			tally_count(tally, &order->stamp);
		}
		err = ringbus_producer_publish(p->producer, lowest, highest);
		if (err < 0)
			return fail(p, "cannot publish", err);
		board_note(p->demo, ROLE_PRODUCER, highest, tally->n_events);
	}
	return 0;
}

/* A line with its newline, or as much of it as there is or fits. Unlike
 * getline(3) it needs no memory for a file without newlines. */
static size_t
read_line(FILE *file, char text[DEMO_TEXT_MAX])
{
	size_t n = 0;
	int c = 0;

	while (n < DEMO_TEXT_MAX && c != '\n' &&
	       (c = getc_unlocked(file)) != EOF)
		text[n++] = (char)c;
	return n;
}

static int
publish_line(struct publisher *p, const char *text, size_t text_size)
{
	struct tally *tally = &p->report.tally;
	size_t size = sizeof(struct line) + text_size;
	void *place;
	int64_t sequence = ringbus_producer_claim_event(
		p->producer, size, RINGBUS_FOREVER, &place);
	struct line *line = place;
	int err;

	if (sequence < 0)
		return fail(p, "cannot claim", sequence);
	memcpy(line->text, text, text_size);
	event_seal(&line->stamp, size, tally->n_events);
	tally_count(tally, &line->stamp);
	err = ringbus_producer_publish_event(p->producer, sequence);
	if (err < 0)
		return fail(p, "cannot publish", err);
	board_note(p->demo, ROLE_PRODUCER, sequence, tally->n_events);
	return 0;
}

static int
publish_lines(struct publisher *p)
{
	FILE *file = fopen(p->demo->input, "re");
	static char text[DEMO_TEXT_MAX];
	int failed = 0;
	size_t size;

	if (file == NULL)
		return board_fail(p->demo, ROLE_PRODUCER, "cannot open %s: %s",
				  p->demo->input, strerror(errno));
	while (failed == 0 && (size = read_line(file, text)) > 0)
		failed = publish_line(p, text, size);
	if (failed == 0 && ferror(file))
		failed = board_fail(p->demo, ROLE_PRODUCER,
				    "cannot read %s: %s", p->demo->input,
				    strerror(errno));
	fclose(file);
	return failed;
}

static int
attach(struct publisher *p)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	int err = ringbus_connect(p->demo->place.socket, &p->bus);

	if (err < 0)
		return fail(p, "cannot connect", err);
	o.name = role_names[ROLE_PRODUCER];
	err = ringbus_producer_open(p->bus, p->demo->channel, &o, &p->producer);
	return err < 0 ? fail(p, "cannot attach", err) : 0;
}

/* A consumer sees what is published after it has attached, so that nobody may
 * publish before all of them are there. */
static int
await_go(struct publisher *p)
{
	char byte;

	if (read(p->demo->go[0], &byte, 1) != 1)
		return board_fail(p->demo, ROLE_PRODUCER, "nobody said go");
	return 0;
}

static int
publish(struct publisher *p)
{
	int err;

	if ((p->demo->input != NULL ? publish_lines(p) : publish_orders(p)) < 0)
		return -1;
	err = ringbus_end(p->bus, p->demo->channel);
	return err < 0 ? fail(p, "cannot end the stream", err) : 0;
}

int
role_producer(const struct demo *demo)
{
	struct publisher p = { .demo = demo };
	int failed = attach(&p) < 0 || role_ready(demo, ROLE_PRODUCER) < 0 ||
		     await_go(&p) < 0 || publish(&p) < 0;

	if (!failed)
		board_report(demo, ROLE_PRODUCER, &p.report);
	ringbus_close(p.bus);
	return failed;
}
