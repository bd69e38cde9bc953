/* SPDX-License-Identifier: MIT */
/*
 * tree.h - who comes after whom, as a tree
 *
 *	producers
 *	├─ journal
 *	│  └─ app (after journal, replicate)
 *	├─ replicate
 *	│  └─ app (above)
 *	└─ workers (group of 4)
 *
 * A consumer that comes after several stands below each of them. The first time
 * it is drawn in full, with all it comes after and all that comes after it;
 * later it is only referred to.
 */
#ifndef CTL_TREE_H
#define CTL_TREE_H

#include "client/ctl/output.h"
#include "client/ctl/view.h"

/* Nothing for a channel without consumers. */
void tree_print(const struct view *view, struct output *out);

#endif
