/* SPDX-License-Identifier: MIT */
/*
 * scan.c - see scan.h
 */
#include "client/archive/scan.h"

#include <errno.h>

void
rb_journal_scan_begin(struct rb_journal_scan *scan,
		      const struct rb_journal_file *file)
{
	*scan = (struct rb_journal_scan){ 0 };
	rb_journal_chain_begin(&scan->chain, &file->header);
}

/* Where the scan is. */
static void
note_damage(struct rb_journal_scan *scan)
{
	if (scan->n_damages++ == 0)
		scan->intact = scan->chain;
	scan->is_unchained = true;
}

/* A whole block. What goes back in the sequence is none of this place. */
static void
take(struct rb_journal_scan *scan, const struct rb_journal_block *block)
{
	struct rb_journal_chain *c = &scan->chain;
	bool follows = scan->is_unchained || block->previous == c->previous;
	bool goes_back = block->first < c->next;

	if (!follows || goes_back)
		note_damage(scan);
	c->offset += rb_journal_extent(block, c->slot_size, c->align);
	c->previous = block->hash;
	if (goes_back)
		return;
	if (scan->n_blocks++ == 0)
		scan->first_ns = block->time_ns;
	scan->is_unchained = false;
	scan->is_sealed = block->kind == RB_JOURNAL_SEAL;
	c->next = rb_journal_behind(block);
	c->time_ns = block->time_ns;
}

int
rb_journal_scan(struct rb_journal_scan *scan, struct rb_journal_file *file)
{
	struct rb_journal_wrong wrong = { .told = scan->told };
	const void *payload;
	uint64_t next;
	int r;

	scan->is_torn = false;
	while (!scan->is_sealed) {
		wrong.offset = scan->chain.offset;
		r = rb_journal_file_load(file, wrong.offset, &wrong.block,
					 &payload);
		if (r < 0)
			return r;
		if (r == RB_JOURNAL_BLOCK) {
			take(scan, &wrong.block);
			continue;
		}
		wrong.found = (enum rb_journal_found)r;
		r = rb_journal_file_judge(file, &wrong, &next);
		if (r < 0)
			return r;
		if (r == RB_JOURNAL_WHOLE)
			continue;
		scan->is_torn = wrong.found != RB_JOURNAL_NOTHING;
		if (r == 0)
			break;
		note_damage(scan);
		scan->chain.offset = next;
	}
	return 0;
}

void
rb_journal_scan_back(struct rb_journal_scan *scan)
{
	scan->chain = scan->intact;
	scan->n_damages = 0;
	scan->is_sealed = false;
	scan->is_torn = true;
	scan->is_unchained = false;
}
