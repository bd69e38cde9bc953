/* SPDX-License-Identifier: MIT */
/*
 * read.c - what comes next in a journal
 *
 * A step hands out what is known, or takes one block, or goes on to one segment;
 * steps are made until there is something to tell. Each of them moves on in the
 * files, so that they end, whatever is in those.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "client/archive/reader.h"

#define AGAIN 100 /* nothing to tell yet */

/* Behind a tail that was looked at before, so much is looked at with each call. */
#define PROBE_SIZE (UINT64_C(64) << 10)

/* ------------------------------------------------------------------- telling */

static void
set_place(struct ringbus_journal *j, int64_t sequence, uint64_t offset)
{
	struct ringbus_journal_place *p = &j->place;

	p->size = sizeof(*p);
	p->epoch = j->id.epoch;
	p->generation = j->file.fd >= 0 ? j->file.header.generation : 0;
	p->sequence = sequence;
	p->time_ns = j->chain.time_ns;
	p->offset = (int64_t)offset;
	memcpy(p->file, j->name, sizeof(p->file));
}

/* Bytes at an offset are wrong, as j->error says. */
static int
tell_damage(struct ringbus_journal *j, uint64_t offset)
{
	set_place(j, j->next, offset);
	return RINGBUS_JOURNAL_DAMAGE;
}

static int
fail(struct ringbus_journal *j, int err)
{
	return rb_journal_refuse(j, err, j->name, "%" PRIu64 ": %s",
				 j->chain.offset, strerror(-err));
}

/* What was found before there was anything to look for. */
static int
tell_first(struct ringbus_journal *j, struct ringbus_event *ret)
{
	if (j->tells_epoch) {
		j->tells_epoch = false;
		set_place(j, j->next, 0);
		return RINGBUS_JOURNAL_EPOCH;
	}
	if (j->tells_mended) {
		j->tells_mended = false;
		rb_journal_refuse(j, 0, j->name,
				  "0: one of the two headers is damaged");
		return tell_damage(j, 0);
	}
	if (j->hole_first < j->hole_behind) {
		ret->sequence = j->hole_first;
		ret->last = j->hole_behind - 1;
		j->hole_first = j->hole_behind;
		set_place(j, ret->sequence, j->offset);
		return RINGBUS_JOURNAL_HOLE;
	}
	return AGAIN;
}

/* ------------------------------------------------- events of the block at hand */

/* The one at j->slot, whose header may say anything: the slots that it takes, or 0. */
static uint64_t
find_event(const struct ringbus_journal *j, struct ringbus_event *ret)
{
	const struct rb_journal_header *h = &j->file.header;
	const char *slot = j->payload + j->slot * h->slot_size;
	struct ringbus_frame frame;
	uint64_t n = 1;

	ret->data = slot;
	ret->size = h->event_size;
	ret->sequence = j->block.first + (int64_t)j->slot;
	if (h->framing == RINGBUS_FRAMED) {
		memcpy(&frame, slot, sizeof(frame));
		ret->data = slot + sizeof(frame);
		ret->size = frame.size;
		n = (frame.size + sizeof(frame) + h->slot_size - 1) /
		    h->slot_size;
		if (frame.size > h->event_size || n > j->block.count - j->slot)
			return 0;
	}
	ret->last = ret->sequence + (int64_t)n - 1;
	return n;
}

static int
refuse_frame(struct ringbus_journal *j, int64_t sequence)
{
	uint64_t at = rb_journal_payload_at(&j->block, j->file.header.align);

	at += j->offset + j->slot * j->file.header.slot_size;
	rb_journal_drop_block(j);
	rb_journal_add_hole(j, sequence, rb_journal_behind(&j->block));
	rb_journal_refuse(j, 0, j->name,
			  "%" PRIu64 ": the event's size cannot be", at);
	return tell_damage(j, at);
}

static int
tell_lost(struct ringbus_journal *j)
{
	rb_journal_drop_block(j);
	rb_journal_add_hole(j, j->block.first, rb_journal_behind(&j->block));
	return AGAIN;
}

static int
tell_event(struct ringbus_journal *j, const struct ringbus_event *event)
{
	j->next = event->last + 1;
	set_place(
		j, event->sequence,
		j->offset + (uint64_t)((const char *)event->data - j->payload) +
			rb_journal_payload_at(&j->block, j->file.header.align));
	return RINGBUS_JOURNAL_EVENT;
}

static int
next_event(struct ringbus_journal *j, struct ringbus_event *ret)
{
	struct ringbus_event event;

	if (j->slot < j->block.count && j->block.kind == RB_JOURNAL_LOST)
		return tell_lost(j);
	while (j->slot < j->block.count) {
		int64_t sequence = j->block.first + (int64_t)j->slot;
		uint64_t n;

		if (sequence >= j->limit)
			break;
		n = find_event(j, &event);
		if (n == 0)
			return refuse_frame(j, sequence);
		j->slot += n;
		if (sequence >= j->next) {
			*ret = event;
			return tell_event(j, ret);
		}
	}
	rb_journal_drop_block(j);
	return AGAIN;
}

/* ------------------------------------------------------------------ the next block */

/* A whole one, at chain.offset. */
static int
take(struct ringbus_journal *j, const struct rb_journal_block *b,
     const void *payload)
{
	struct rb_journal_chain *c = &j->chain;
	uint64_t offset = c->offset;
	int64_t begin = b->first - (int64_t)b->skipped;

	if (!j->is_unchained && b->previous != c->previous) {
		j->is_unchained = true; /* it may come all the same */
		rb_journal_refuse(j, 0, j->name,
				  "%" PRIu64 ": the block does not follow the "
				  "one before it",
				  offset);
		return tell_damage(j, offset);
	}
	c->offset += rb_journal_extent(b, c->slot_size, c->align);
	if (b->first < c->next) {
		j->is_unchained = true;
		rb_journal_refuse(j, 0, j->name,
				  "%" PRIu64 ": the block goes back to "
				  "sequence %" PRId64,
				  offset, b->first);
		return tell_damage(j, offset);
	}
	j->offset = offset;
	rb_journal_add_hole(j, c->next, begin);
	c->next = rb_journal_behind(b);
	c->previous = b->hash;
	c->time_ns = b->time_ns;
	j->is_unchained = false;
	begin = b->first < j->limit ? b->first : j->limit;
	if (j->next < begin)
		j->next = begin;
	j->block = *b;
	j->payload = payload;
	j->slot = 0;
	if (b->kind == RB_JOURNAL_SEAL)
		rb_journal_file_close(&j->file);
	return AGAIN;
}

static int
damage_at(struct ringbus_journal *j, const struct rb_journal_wrong *wrong)
{
	static const char *const what[] = {
		[RB_JOURNAL_NOTHING] = "zeroes where a block was",
		[RB_JOURNAL_TORN] = "the block's bytes are not those that "
				    "were written",
		[RB_JOURNAL_GARBAGE] = "no block, and no end",
	};

	rb_journal_refuse(j, 0, j->name, "%" PRIu64 ": %s", wrong->offset,
			  what[wrong->found]);
	return tell_damage(j, wrong->offset);
}

/* The end for now; what is there instead of nothing is told. */
static int
end_at(struct ringbus_journal *j, const struct rb_journal_wrong *wrong)
{
	j->place.size = 0;
	j->error[0] = '\0';
	if (wrong->found != RB_JOURNAL_NOTHING)
		rb_journal_refuse(j, 0, j->name,
				  "%" PRIu64 ": a block that is not whole: "
				  "torn, or yet being written",
				  wrong->offset);
	return RINGBUS_JOURNAL_END;
}

/* Where all was looked at once, only the writer has come since: a part of it each
 * time. */
static int
judge_again(struct ringbus_journal *j, const struct rb_journal_wrong *wrong,
	    uint64_t *ret)
{
	int64_t size = rb_journal_file_size(&j->file);
	uint64_t to, at, from = j->probed;
	int r;

	if (size < 0)
		return (int)size;
	if (from <= wrong->offset || from >= (uint64_t)size)
		from = wrong->offset + j->file.header.align;
	to = rb_min_u64(from + PROBE_SIZE, (uint64_t)size);
	rb_journal_file_refresh(&j->file);
	r = rb_journal_file_probe(&j->file, from, to, &at);
	j->probed = to;
	return r <= 0 ? r : rb_journal_file_judge(&j->file, wrong, ret);
}

static int
judge(struct ringbus_journal *j, const struct rb_journal_wrong *wrong,
      uint64_t *ret)
{
	if (j->is_probed && !wrong->is_ended)
		return judge_again(j, wrong, ret);
	j->is_probed = true;
	return rb_journal_file_judge(&j->file, wrong, ret);
}

/* The file was removed, and another may have its name. */
static int
enter_again(struct ringbus_journal *j)
{
	j->id.first--;
	rb_journal_file_close(&j->file);
	return AGAIN;
}

/* There is no whole block at chain.offset. */
static int
at_tail(struct ringbus_journal *j, struct rb_journal_wrong *wrong)
{
	uint64_t next;
	int r;

	if (!j->has_successor) {
		r = rb_journal_see_successor(j);
		/* Once more: it may have been written before that one came. */
		if (r < 0 || j->has_successor)
			return r < 0 ? r : AGAIN;
		if (rb_journal_file_is_gone(&j->file))
			return enter_again(j);
	}
	wrong->is_ended = j->has_seal || j->has_successor;
	r = judge(j, wrong, &next);
	if (r < 0)
		return fail(j, r);
	if (r == RB_JOURNAL_WHOLE)
		return AGAIN;
	if (r > 0) {
		j->chain.offset = next;
		j->is_unchained = true;
		return damage_at(j, wrong);
	}
	if (!wrong->is_ended)
		return end_at(j, wrong);
	r = wrong->found == RB_JOURNAL_NOTHING && !j->has_seal
		    ? AGAIN
		    : damage_at(j, wrong);
	rb_journal_file_close(&j->file);
	return r;
}

/* At a tail, which is asked for often, by its header first. */
static int
load(struct ringbus_journal *j, struct rb_journal_block *ret,
     const void **ret_payload)
{
	if (j->is_probed) {
		int r;

		rb_journal_file_refresh(&j->file);
		r = rb_journal_file_peek(&j->file, j->chain.offset, ret);
		if (r != RB_JOURNAL_BLOCK)
			return r;
	}
	return rb_journal_file_load(&j->file, j->chain.offset, ret,
				    ret_payload);
}

static int
next_segment(struct ringbus_journal *j)
{
	struct rb_journal_id id;
	int r = rb_journal_see_successor(j);

	if (r < 0)
		return r;
	if (!j->has_successor) {
		j->place.size = 0;
		j->error[0] = '\0';
		return RINGBUS_JOURNAL_END;
	}
	id = j->list.ids[rb_journal_list_behind(&j->list, &j->id)];
	r = rb_journal_enter(j, &id);
	if (r < 0 && r != -EBADMSG && r != -EPROTONOSUPPORT)
		return r;
	j->id = id; /* also of one that is gone, or no segment */
	if (r == 0)
		return AGAIN;
	/* Of one that cannot be read its name says what there was. */
	j->tells_epoch = j->epoch != 0 && j->epoch != id.epoch;
	if (j->epoch != id.epoch)
		j->next = id.first;
	j->epoch = id.epoch;
	j->offset = 0;
	if (r < 0)
		return tell_damage(j, 0);
	rb_journal_add_hole(j, j->next, id.first);
	return AGAIN;
}

static int
next_block(struct ringbus_journal *j)
{
	struct rb_journal_wrong wrong = { .offset = j->chain.offset };
	const void *payload;
	int r;

	if (j->file.fd < 0)
		return next_segment(j);
	if (j->chain.next >= j->limit) {
		rb_journal_file_close(&j->file);
		return AGAIN;
	}
	r = load(j, &wrong.block, &payload);
	if (r < 0)
		return fail(j, r);
	if (r == RB_JOURNAL_BLOCK)
		return take(j, &wrong.block, payload);
	wrong.found = (enum rb_journal_found)r;
	return at_tail(j, &wrong);
}

static int
next(struct ringbus_journal *j, struct ringbus_event *ret)
{
	int r;

	*ret = (struct ringbus_event){ 0 };
	do {
		r = tell_first(j, ret);
		if (r == AGAIN)
			r = next_event(j, ret);
		if (r == AGAIN && j->hole_first == j->hole_behind)
			r = next_block(j);
	} while (r == AGAIN);
	if (r == RINGBUS_JOURNAL_DAMAGE || r == RINGBUS_JOURNAL_EPOCH)
		ret->sequence = ret->last = j->next;
	return r;
}

int
ringbus_journal_next(struct ringbus_journal *journal, struct ringbus_event *ret)
{
	int r, cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	r = next(journal, ret);
	pthread_setcancelstate(cancel, NULL);
	return r;
}
