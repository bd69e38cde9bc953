/* SPDX-License-Identifier: MIT */
/*
 * judge.h - what becomes of a channel that an earlier daemon left
 *
 * What is whole and wanted is taken over. Removed is only what is provably ours
 * (rb_inspect()) and dead (no process of its member table is alive), or lost: nobody
 * can be let in any more, and nobody who is in loses anything by it. What a client
 * has broken is taken over as long as somebody lives in it, and else removed. All else
 * stays as it is, and is not served: each such channel by itself, the others are.
 * A judgement changes nothing.
 */
#ifndef RB_DAEMON_JUDGE_H
#define RB_DAEMON_JUDGE_H

#include "daemon/inspect.h"

enum rb_verdict {
	RB_VERDICT_TAKE,
	RB_VERDICT_REMOVE,
	RB_VERDICT_LEAVE,
	RB_VERDICT_LOST, /* sealed, and its memory is gone: only the folder is there */
};

struct rb_judgement {
	enum rb_verdict verdict;
	int err; /* LEAVE: for who asks for it; -ENOENT: it is no channel */
	unsigned n_alive;
	bool outdated;  /* LEAVE: of another layout: see outdated.h */
	bool drains;    /* TAKE: is to be made anew: see renewal.h */
	bool is_broken; /* TAKE: by a client, or is to be: see tamper.h */
	/*
	 * LEAVE: the path, what is wrong, and what to do. REMOVE: what it is, to
	 * continue its name; LOST likewise. TAKE: what is not as configured, or "".
	 */
	char why[RB_WHY_SIZE];
};

/* Of a new rb_hosted, which is mapped if the verdict is TAKE or REMOVE. */
void rb_judge(const struct rb_maker *maker, struct rb_hosted *hosted,
	      struct rb_judgement *ret);

/* Whose place is kept and who has yet to read something, or NULL. */
const struct rb_member *rb_judge_find_owed(const struct rb_hosted *hosted);

#endif
