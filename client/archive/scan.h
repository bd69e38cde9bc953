/* SPDX-License-Identifier: MIT */
/*
 * scan.h - how far a segment is whole, for who is to go on writing it
 *
 * All hashes are looked at. Behind the last whole block there is what a crash has
 * left, nothing that anybody was told of: cut the file at chain.offset in any case,
 * and go on there. Damage is another thing: what stood there was acknowledged once.
 * It is counted, the first of it is named, and the scan goes on behind it; it stays in
 * the file, where each reader finds it.
 */
#ifndef RB_ARCHIVE_SCAN_H
#define RB_ARCHIVE_SCAN_H

#include "client/archive/file.h"

struct rb_journal_scan {
	struct rb_journal_chain chain; /* what the next block goes on from */
	uint64_t n_blocks;
	int64_t first_ns;  /* time of the first block; 0: there is none */
	bool is_sealed;    /* nothing follows */
	bool is_torn;      /* something is behind the last whole block */
	bool is_unchained; /* what comes next need not know the one before */
	int64_t told; /* everything before this sequence was acknowledged, as
		       * who scans knows; 0: not known */
	uint64_t n_damages;
	struct rb_journal_chain intact; /* as it was before the first */
};

/* From the beginning of a file that is open. */
void rb_journal_scan_begin(struct rb_journal_scan *scan,
			   const struct rb_journal_file *file);

/* From where it has come to the end, by now, of the file: 0 or a negative errno.
 * May be called again for what was written since, or once `told` is known: what was
 * torn is damage then, if a block follows all of which is before that. */
int rb_journal_scan(struct rb_journal_scan *scan, struct rb_journal_file *file);

/* Goes back before the first damage, as if all from there on were torn: who scans knows
 * that nobody was told of it. */
void rb_journal_scan_back(struct rb_journal_scan *scan);

#endif
