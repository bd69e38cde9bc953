/* SPDX-License-Identifier: MIT */
/*
 * place.h - the folders of a run, and the configuration in them
 *
 * All that is written is there, so that neither root nor any configuration of the
 * machine is needed, and nothing is left.
 */
#ifndef DEMO_PLACE_H
#define DEMO_PLACE_H

#include <stdbool.h>

#include "examples/demo/demo.h"

/* Makes the folders. Prints what fails; 0 or -1. What was made goes away with us,
 * however we end; unless `keep`, but shared memory is never kept: nobody would ever
 * free it. */
int place_make(struct place *place, bool keep);

/* The path of a file in the folder. */
void place_path(const struct place *place, const char *name,
		char ret[DEMO_PATH_SIZE]);

/* Removes what was made, and says what is kept. */
void place_remove(struct place *place);

#endif
