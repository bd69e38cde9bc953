/* SPDX-License-Identifier: MIT */
/*
 * translator.c - LMAX's event translators: claim, have it written, publish
 *
 * Whatever the translator does, nothing stays claimed: a claim that is not
 * published is given up when its scope is left, be it by a C++ exception or by
 * pthread_exit(). This file is compiled with -fexceptions, so that the clean-up
 * attribute holds for these too.
 *
 * Everything that could be refused is refused before the claim, so that no
 * translator is called in vain.
 */
#include <errno.h>

#include "client/internal.h"

struct claim {
	struct ringbus_producer *producer; /* NULL: published */
	int64_t lowest;
	int64_t highest;
};

/* Of a single producer also what the translator itself has claimed behind it:
 * the end of what is claimed is all that can be given up. */
static void
give_up(struct claim *claim)
{
	struct ringbus_producer *p = claim->producer;

	if (p != NULL)
		rb_sequencer_abandon(&p->sequencer, claim->lowest,
				     rb_channel_is_multi(p->sequencer.channel)
					     ? claim->highest
					     : p->sequencer.next);
}

/* By the calls that our user has: with one more copy of what a publish is, the
 * compiler would inline none of them. */
static int
publish(struct claim *claim)
{
	struct ringbus_producer *p = claim->producer;
	int err = rb_channel_is_framed(p->sequencer.channel)
			  ? ringbus_producer_publish_event(p, claim->lowest)
			  : ringbus_producer_publish(p, claim->lowest,
						     claim->highest);

	if (err != -EINVAL) /* it was still ours */
		claim->producer = NULL;
	return err;
}

/* A single producer publishes in order: what it has claimed before comes first.
 * Of several each has one claim, and claiming tells. */
static bool
is_in_order(const struct ringbus_producer *p)
{
	const struct rb_sequencer *s = &p->sequencer;

	return rb_channel_is_multi(s->channel) || s->published == s->next;
}

int64_t
ringbus_producer_publish_with(struct ringbus_producer *producer, size_t size,
			      int64_t timeout_ns,
			      ringbus_translator_fn translator, void *context)
{
	rb_cleanup_(give_up) struct claim claim = { 0 };
	void *slot;
	int64_t sequence;
	int err;

	if (translator == NULL || !is_in_order(producer))
		return -EINVAL;
	sequence = ringbus_producer_claim_event(producer, size, timeout_ns,
						&slot);
	if (sequence < 0)
		return sequence;
	claim.lowest = sequence;
	claim.highest = rb_producer_last_slot(producer, sequence);
	claim.producer = producer;
	err = translator(context, slot, size, sequence);
	if (err >= 0)
		err = publish(&claim);
	return err < 0 ? err : sequence;
}

static int
translate_all(const struct claim *claim, ringbus_translator_fn translator,
	      void *context)
{
	struct ringbus_producer *p = claim->producer;
	size_t size = p->attachment.channel.shm.geometry.event_size;
	int err = 0;

	for (int64_t i = claim->lowest; i <= claim->highest && err >= 0; i++)
		err = translator(context, ringbus_producer_slot(p, i), size, i);
	return err;
}

int64_t
ringbus_producer_publish_batch_with(struct ringbus_producer *producer,
				    int64_t n, int64_t timeout_ns,
				    ringbus_translator_fn translator,
				    void *context)
{
	rb_cleanup_(give_up) struct claim claim = { 0 };
	int64_t highest;
	int err;

	if (translator == NULL || !is_in_order(producer))
		return -EINVAL;
	highest = ringbus_producer_claim(producer, n, timeout_ns);
	if (highest < 0)
		return highest;
	claim.lowest = highest - n + 1;
	claim.highest = highest;
	claim.producer = producer;
	err = translate_all(&claim, translator, context);
	if (err >= 0)
		err = publish(&claim);
	return err < 0 ? err : highest;
}
