/* SPDX-License-Identifier: MIT */
/*
 * readback.h - what is in the journal, read as anybody may
 */
#ifndef DEMO_READBACK_H
#define DEMO_READBACK_H

#include <stdbool.h>
#include <stdio.h>

#include "examples/demo/demo.h"
#include "examples/demo/event.h"

struct readback {
	struct tally tally;
	uint64_t n_equal; /* bytes of text that are those of the input */
	bool differs;     /* and then one that is not */
};

/* Reads all of it; `input` is what its lines have to be, or NULL. Prints what is
 * wrong with the files; false then. */
bool readback_journal(const struct demo *demo, FILE *input,
		      struct readback *ret);

#endif
