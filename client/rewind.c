/* SPDX-License-Identifier: MIT */
/*
 * rewind.c - whether a batch is handed out again, and after which pause
 *
 * LMAX's BatchRewindStrategy in one place. Attempts count from 1 and begin anew
 * once something is committed.
 */
#include <errno.h>

#include "client/consumer.h"

/* Of a back-off that does not say. */
#define PAUSE_FIRST_NS INT64_C(1000000)
#define PAUSE_MAX_NS INT64_C(1000000000)

static int64_t
pause_of(const struct ringbus_handlers *h, int attempt)
{
	int64_t max = h->rewind_pause_max_ns > 0 ? h->rewind_pause_max_ns
						 : PAUSE_MAX_NS;
	int64_t ns = h->rewind_pause_ns;

	if (h->rewind == RINGBUS_REWIND_ALWAYS)
		return 0;
	if (h->rewind == RINGBUS_REWIND_PAUSE)
		return ns;
	if (ns == 0)
		ns = PAUSE_FIRST_NS;
	for (; attempt > 1 && ns < max; attempt--)
		ns = ns > max / 2 ? max : 2 * ns;
	return ns < max ? ns : max;
}

/* Sleeps like who waits for an event that never comes, so that a halt ends it
 * at once. */
static void
rest(const struct ringbus_consumer *c, int64_t ns)
{
	struct rb_word32 event = { 0 }, wanted = { 0 };
	const struct rb_event never = { &event, &wanted };
	struct rb_wait wait;

	rb_wait_begin(&wait, RB_WAIT_BLOCKING, ns, NULL, &c->barrier.alerted);
	while (!rb_consumer_is_halted(c) && rb_wait_turn(&wait, &never) == 0)
		;
}

int
rb_rewind_ask(struct rb_batch *b)
{
	const struct ringbus_handlers *h = b->handlers;
	int64_t ns;

	if (h->rewind == RINGBUS_REWIND_NEVER)
		return -ENOTSUP;
	if (b->attempt < INT32_MAX)
		b->attempt++;
	if (h->rewind_max > 0 && b->attempt >= h->rewind_max)
		return -ELOOP;
	ns = pause_of(h, b->attempt);
	if (ns > 0)
		rest(b->consumer, ns);
	return 0;
}
