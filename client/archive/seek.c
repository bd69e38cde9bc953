/* SPDX-License-Identifier: MIT */
/*
 * seek.c - to a sequence or a time, in a journal
 *
 * The segment by the names and headers of all; in it by the index where there is one;
 * from there on, or from the beginning, by the headers of the blocks. What is damaged
 * on the way is passed: it is told to who reads there. Payloads are looked at when
 * they are read.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "client/archive/index.h"
#include "client/archive/reader.h"

/* Segments may be removed while they are looked for. */
#define TURNS 100

#define HERE 2

struct target {
	bool is_time;
	int64_t value;
	uint64_t sure;  /* from there on payloads are looked at, too */
	uint64_t acked; /* what the last block says of those before it */
};

/* Whether it is in this block, or before it. */
static bool
is_here(const struct target *t, const struct rb_journal_block *b)
{
	return t->is_time ? b->time_ns >= t->value
			  : rb_journal_behind(b) > t->value;
}

/* Whether it may be behind where this block begins. */
static bool
may_follow(const struct target *t, const struct rb_journal_block *b)
{
	return t->is_time ? b->time_ns < t->value
			  : b->first - (int64_t)b->skipped <= t->value;
}

static void
pass(struct ringbus_journal *j, const struct rb_journal_block *b)
{
	struct rb_journal_chain *c = &j->chain;

	c->offset += rb_journal_extent(b, c->slot_size, c->align);
	if (b->first < c->next)
		return;
	j->is_unchained = false;
	c->previous = b->hash;
	c->next = rb_journal_behind(b);
	c->time_ns = b->time_ns;
}

/* Over what is no block, if the target may be behind the damage: 1; HERE if it is in
 * it, or 0 at the end. */
static int
pass_damage(struct ringbus_journal *j, const struct target *t,
	    struct rb_journal_wrong *wrong)
{
	struct rb_journal_block block;
	uint64_t next;
	int r;

	wrong->is_ended = j->has_seal || j->has_successor;
	r = rb_journal_file_judge(&j->file, wrong, &next);
	j->is_probed = r == 0; /* who reads on need not do it again */
	if (r <= 0 || r == RB_JOURNAL_WHOLE)
		return r <= 0 ? r : 1;
	r = rb_journal_file_peek(&j->file, next, &block);
	if (r != RB_JOURNAL_BLOCK || !may_follow(t, &block))
		return r < 0 ? r : HERE;
	j->chain.offset = next;
	j->is_unchained = true;
	return 1;
}

static int
look(struct ringbus_journal *j, const struct target *t,
     struct rb_journal_block *ret)
{
	const void *payload;

	return j->chain.offset < t->sure
		       ? rb_journal_file_peek(&j->file, j->chain.offset, ret)
		       : rb_journal_file_load(&j->file, j->chain.offset, ret,
					      &payload);
}

/* From chain.offset on: 1 if it was found, 0 at the end. */
static int
walk(struct ringbus_journal *j, struct target *t)
{
	struct rb_journal_wrong wrong = { 0 };
	int r = 1;

	while (r > 0) {
		wrong.offset = j->chain.offset;
		r = look(j, t, &wrong.block);
		if (r == RB_JOURNAL_BLOCK) {
			t->acked = rb_journal_acked(&wrong.block, wrong.offset);
			if (wrong.block.kind == RB_JOURNAL_SEAL)
				return 0;
			if (is_here(t, &wrong.block))
				return 1;
			pass(j, &wrong.block);
		} else if (r >= 0) {
			wrong.found = (enum rb_journal_found)r;
			r = pass_damage(j, t, &wrong);
			if (r == HERE)
				return 1;
		}
	}
	return r;
}

/*
 * The same. What was not yet acknowledged at the tail may not be whole, and be cut
 * away by the next writer, with us behind it: there it is gone again, by payloads.
 */
static int
walk_surely(struct ringbus_journal *j, struct target *t)
{
	const struct rb_journal_chain chain = j->chain;
	const bool is_unchained = j->is_unchained;
	int r;

	t->sure = t->acked = UINT64_MAX;
	r = walk(j, t);
	if (r < 0 || j->has_seal || j->has_successor)
		return r;
	j->chain = chain;
	j->is_unchained = is_unchained;
	t->sure = t->acked;
	return walk(j, t);
}

/* An index that leads nowhere is not believed. */
static void
jump(struct ringbus_journal *j, const struct target *t)
{
	const struct rb_journal_index_entry *e;
	struct rb_journal_index index = { 0 };
	struct rb_journal_block block;
	int64_t size = rb_journal_file_size(&j->file);

	if (!j->has_seal || size < 0 ||
	    rb_journal_index_read(&index, j->dirfd, &j->file.header,
				  (uint64_t)size) < 0)
		return;
	e = t->is_time ? rb_journal_index_before(&index, t->value)
		       : rb_journal_index_at(&index, t->value);
	if (e != NULL && e->offset % j->chain.align == 0 &&
	    e->offset > RB_JOURNAL_START &&
	    rb_journal_file_peek(&j->file, e->offset, &block) ==
		    RB_JOURNAL_BLOCK &&
	    may_follow(t, &block)) {
		j->chain.offset = e->offset;
		j->chain.next = block.first - (int64_t)block.skipped;
		j->is_unchained = true;
	}
	rb_journal_index_deinit(&index);
}

/* Nothing from before is still to be told. */
static void
begin(struct ringbus_journal *j, const struct rb_journal_id *id)
{
	j->epoch = id->epoch;
	j->tells_epoch = false;
	j->hole_first = j->hole_behind = 0;
	j->place.size = 0;
	j->offset = 0;
	j->error[0] = '\0';
}

/* Of one that cannot be read the damage comes next. */
static int
stay_before(struct ringbus_journal *j, const struct rb_journal_id *id)
{
	begin(j, id);
	j->tells_mended = false;
	j->id = (struct rb_journal_id){ id->epoch, id->first - 1 };
	j->limit = INT64_MAX;
	j->next = j->chain.next = id->first;
	return 1;
}

/* In a segment of the list: 1 if it was found, 0 if it can only be
 * behind it, -ESTALE if that is gone, or another negative errno. */
static int
seek_in(struct ringbus_journal *j, const struct rb_journal_id *id,
	struct target *t)
{
	int r = rb_journal_enter(j, id);

	if (r == -EBADMSG || r == -EPROTONOSUPPORT)
		return stay_before(j, id);
	if (r <= 0)
		return r < 0 ? r : -ESTALE;
	begin(j, id);
	jump(j, t);
	r = walk_surely(j, t);
	if (r < 0)
		return rb_journal_refuse(j, r, j->name, "%" PRIu64 ": %s",
					 j->chain.offset, strerror(-r));
	j->next = j->chain.next;
	return r;
}

/* ------------------------------------------------------------------ to a sequence */

static int
seek_sequence(struct ringbus_journal *j, const struct rb_journal_id *id,
	      int64_t sequence)
{
	struct target t = { .value = sequence };
	int r = seek_in(j, id, &t);

	if (r < 0)
		return r;
	/* What the end of this one and the next do not have will be a hole. */
	if (r == 0 && j->limit == INT64_MAX && sequence > j->chain.next)
		return -ERANGE;
	j->next = sequence;
	rb_journal_add_hole(j, sequence, id->first);
	return 0;
}

/* The first and the last of an epoch, as indexes; false if there is none. */
static bool
find_epoch(const struct ringbus_journal *j, int64_t epoch, size_t *ret_first,
	   size_t *ret_last)
{
	const struct rb_journal_id before = { .epoch = epoch, .first = -1 };
	const struct rb_journal_id behind = { .epoch = epoch,
					      .first = INT64_MAX };

	*ret_first = rb_journal_list_behind(&j->list, &before);
	*ret_last = rb_journal_list_behind(&j->list, &behind);
	if (*ret_first == *ret_last)
		return false;
	*ret_last -= 1;
	return true;
}

static int
seek(struct ringbus_journal *j, int64_t epoch, int64_t sequence)
{
	size_t first, last;
	int err = rb_journal_list_read(&j->list, j->dirfd);
	struct rb_journal_id id = { .first = sequence };

	if (err < 0)
		return rb_journal_refuse(j, err, ".", "0: %s", strerror(-err));
	if (j->list.n == 0)
		return -ENOENT;
	if (epoch == 0)
		epoch = j->list.ids[j->list.n - 1].epoch;
	if (!find_epoch(j, epoch, &first, &last))
		return -ENOENT;
	if (sequence == RINGBUS_FROM_NOW) {
		id = j->list.ids[last];
		err = seek_in(j, &id, &(struct target){ .value = INT64_MAX });
		return err < 0 ? err : 0;
	}
	if (sequence == RINGBUS_FROM_OLDEST)
		sequence = j->list.ids[first].first;
	id = (struct rb_journal_id){ .epoch = epoch, .first = sequence };
	last = rb_journal_list_behind(&j->list, &id);
	id = j->list.ids[last > first ? last - 1 : first];
	return seek_sequence(j, &id, sequence);
}

int
ringbus_journal_seek(struct ringbus_journal *journal, int64_t epoch,
		     int64_t sequence)
{
	int err, cancel, turns = TURNS;

	if (epoch < 0 || sequence < RINGBUS_FROM_OLDEST)
		return -EINVAL;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	do {
		err = seek(journal, epoch, sequence);
	} while (err == -ESTALE && --turns > 0);
	pthread_setcancelstate(cancel, NULL);
	return err;
}

/* --------------------------------------------------------------------- to a time */

/* When a segment was begun; that of one that tells nothing is before all. */
static int64_t
created(const struct ringbus_journal *j, size_t i)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	char name[RB_JOURNAL_NAME_SIZE];
	int64_t ns = 0;

	rb_journal_name(name, j->list.ids[i].epoch, j->list.ids[i].first,
			"rbj");
	if (rb_journal_file_open(&file, j->dirfd, name) == 0)
		ns = file.header.created_ns;
	rb_journal_file_close(&file);
	return ns;
}

static int
seek_time(struct ringbus_journal *j, int64_t realtime_ns)
{
	struct target t = { .is_time = true, .value = realtime_ns };
	int r = rb_journal_list_read(&j->list, j->dirfd);
	size_t i;

	if (r < 0)
		return rb_journal_refuse(j, r, ".", "0: %s", strerror(-r));
	if (j->list.n == 0)
		return -ENOENT;
	i = j->list.n - 1;
	while (i > 0 && created(j, i) > realtime_ns)
		i--;
	/* What is not in it can only be where the next one begins. */
	do {
		struct rb_journal_id id = j->list.ids[i];

		r = seek_in(j, &id, &t);
		i = rb_journal_list_behind(&j->list, &id);
	} while (r == 0 && i < j->list.n);
	return r < 0 ? r : 0;
}

int
ringbus_journal_seek_time(struct ringbus_journal *journal, int64_t realtime_ns)
{
	int err, cancel, turns = TURNS;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	do {
		err = seek_time(journal, realtime_ns);
	} while (err == -ESTALE && --turns > 0);
	pthread_setcancelstate(cancel, NULL);
	return err;
}
