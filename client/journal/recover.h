/* SPDX-License-Identifier: MIT */
/*
 * recover.h - what earlier writers left, brought in order
 *
 * In two steps: first it is only looked, as only the place in the ring tells whether
 * what is torn had been acknowledged; then the last segment is cut and sealed.
 */
#ifndef JOURNAL_RECOVER_H
#define JOURNAL_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/archive/scan.h"

struct recovery {
	char name[RB_JOURNAL_NAME_SIZE]; /* the last segment; "": none */
	struct rb_journal_file file;
	struct rb_journal_scan scan;
};

#define RECOVER_STOPPED 2

/*
 * Finds the last segment and how far it is whole, once nothing is on its way to it
 * any more. One whose header is damaged is put aside, and said so. 0; RECOVER_STOPPED
 * after a signal; or a negative errno after a message: it is not of this channel, of
 * another version, or cannot be read.
 */
int recover_look(int dirfd, const char *channel, struct recovery *ret);

/*
 * Looks once more, knowing that of the channel's incarnation all before `told` was
 * acknowledged: what is torn is damage then, which stays and is said, if a whole block
 * of that follows. 0 or a negative errno after a message.
 */
int recover_judge(struct recovery *recovery, uint64_t generation, int64_t told);

/* Cuts what is torn, and keeps that as NAME.tail if `keeps_tail`; seals; removes a
 * segment that has nothing. 0 or a negative errno after a message. */
int recover_finish(int dirfd, struct recovery *recovery, bool keeps_tail);

void recover_close(struct recovery *recovery);

#endif
