/* SPDX-License-Identifier: MIT */
/*
 * readback.c - see readback.h
 */
#include "examples/demo/readback.h"

#include "client/ringbus.h"

/* A line is in the input as it is here, behind the one before. */
static void
compare(struct readback *r, FILE *input, const char *text, size_t size)
{
	for (size_t i = 0; i < size && !r->differs; i++) {
		r->differs = getc_unlocked(input) != (unsigned char)text[i];
		r->n_equal += !r->differs;
	}
}

static void
take(struct readback *r, FILE *input, const struct ringbus_event *event)
{
	const struct line *line = event->data;

	if (tally_check(&r->tally, event->data, event->size) && input != NULL)
		compare(r, input, line->text, event->size - sizeof(*line));
}

static bool
complain(const struct demo *demo, const struct ringbus_journal *journal,
	 const char *what)
{
	const char *said = journal != NULL ? ringbus_journal_error(journal)
					   : "";

	printf("FAILED: %s: %s%s%s\n", demo->place.journal, what,
	       said[0] != '\0' ? ": " : "", said);
	return false;
}

/* The demo is one generation of its channel, so the journal is one epoch. */
static bool
read_all(const struct demo *demo, struct ringbus_journal *journal, FILE *input,
	 struct readback *ret)
{
	struct ringbus_event event;
	bool ok = true;
	int r;

	while ((r = ringbus_journal_next(journal, &event)) > 0) {
		if (r == 1)
			take(ret, input, &event);
		else if (r == RINGBUS_JOURNAL_HOLE)
			ok = complain(demo, journal, "events are missing");
		else if (r == RINGBUS_JOURNAL_DAMAGE)
			ok = complain(demo, journal, "bytes are wrong");
	}
	if (r < 0)
		ok = complain(demo, journal, ringbus_strerror(r));
	if (input != NULL && !ret->differs)
		ret->differs = getc_unlocked(input) != EOF;
	return ok;
}

bool
readback_journal(const struct demo *demo, FILE *input, struct readback *ret)
{
	struct ringbus_journal *journal = NULL;
	int err = ringbus_journal_open(demo->place.journal, &journal);
	bool ok;

	*ret = (struct readback){ 0 };
	if (err < 0)
		return complain(demo, journal, ringbus_strerror(err));
	ok = read_all(demo, journal, input, ret);
	ringbus_journal_close(journal);
	return ok;
}
