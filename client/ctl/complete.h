/* SPDX-License-Identifier: MIT */
/*
 * complete.h - how a command line that is being typed could go on
 *
 * Answered from the tables that parse, and for names of channels and consumers
 * by looking, so that no shell has to know any of it.
 */
#ifndef CTL_COMPLETE_H
#define CTL_COMPLETE_H

#include "client/ctl/ctl.h"
#include "client/ctl/output.h"

/*
 * The words behind "ringbusctl", of which the last is the one at the cursor;
 * it may be "". A line for each way to go on: the word, a tab, and what it
 * means; or a tab and "FILE" or "DIR" where a path is wanted.
 */
void complete_words(struct ctl *ctl, char *const words[], int n,
		    struct output *out);

#endif
