/* SPDX-License-Identifier: MIT */
/*
 * lies.h - words of the three segments that are not what they should be
 */
#ifndef FUZZ_LIES_H
#define FUZZ_LIES_H

#include "shm/channel.h"
#include "tests/fuzz/fuzz.h"

/*
 * Writes one word of a file through a mapping that may: which word and what into
 * it, the input says. Likely is what could be there, by its form; possible is
 * anything anywhere.
 */
void lies_tell(struct input *in, struct rb_channel *channel, enum rb_file file);

#endif
