/* SPDX-License-Identifier: MIT */
/*
 * copy.h - what the replica does with what arrives: checks it, and keeps lines in
 * a file
 */
#ifndef DEMO_COPY_H
#define DEMO_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "examples/demo/board.h"
#include "examples/demo/sink.h"

struct copy {
	const struct demo *demo;
	struct report report;
	struct sink file; /* of lines */
};

/* Each returns 0, or -1 after board_fail(). */
int copy_open(struct copy *copy, const struct demo *demo);
int copy_take(struct copy *copy, const void *event, size_t size);

/* After a batch; `sequence` is of its last event, for the board. */
int copy_flush(struct copy *copy, int64_t sequence);

#endif
