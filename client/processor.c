/* SPDX-License-Identifier: MIT */
/*
 * processor.c - hands events to a callback: LMAX's event poller and batch event
 * processor
 *
 * The event after the current one is looked up first, so that the handler can
 * be told whether the current one ends the batch, also where tombstones follow.
 */
#include <errno.h>

#include "client/internal.h"

/* One batch: what the last wait found, at most `max` events of it. Commits
 * what was handled. *ret_n counts it. */
static int
process(struct ringbus_consumer *c, int64_t max, ringbus_handler_fn handler,
	void *context, int64_t *ret_n)
{
	struct ringbus_event event, ahead;
	int more = max > 0 ? ringbus_consumer_next(c, &ahead) : 0;
	int64_t n = 0;
	int verdict = 0, err;

	while (more > 0 && verdict == 0) {
		event = ahead;
		more = n + 1 < max ? ringbus_consumer_next(c, &ahead) : 0;
		verdict = handler(context, &event, more <= 0);
		if (verdict < 0)
			c->next = event.sequence;
		else if (verdict > 0 && more > 0)
			c->next = ahead.sequence;
		n += verdict >= 0;
	}
	*ret_n = n;
	err = ringbus_consumer_commit(c);
	if (verdict != 0)
		return verdict;
	return more < 0 ? more : err;
}

int64_t
ringbus_consumer_poll(struct ringbus_consumer *consumer, int64_t max,
		      ringbus_handler_fn handler, void *context)
{
	int64_t found = ringbus_consumer_wait(consumer, RINGBUS_NOW);
	int64_t n;
	int verdict;

	if (found < 0)
		return found == -EAGAIN ? 0 : found;
	verdict = process(consumer, max, handler, context, &n);
	return verdict < 0 ? verdict : n;
}

int
ringbus_consumer_run(struct ringbus_consumer *consumer,
		     ringbus_handler_fn handler, void *context)
{
	int verdict = 0;

	while (verdict == 0) {
		int64_t found = ringbus_consumer_wait(consumer,
						      RINGBUS_FOREVER);
		int64_t n;

		if (found < 0)
			return found == -ECANCELED ? 0 : (int)found;
		verdict = process(consumer, INT64_MAX, handler, context, &n);
	}
	return verdict;
}
