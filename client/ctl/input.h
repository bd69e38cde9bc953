/* SPDX-License-Identifier: MIT */
/*
 * input.h - a stream of bytes cut into records
 *
 * Reads as much as there is and hands out each record as soon as it is whole:
 * nothing waits for a buffer to fill. Records are contiguous in memory and lie
 * in the buffer until the next call.
 */
#ifndef CTL_INPUT_H
#define CTL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum input_mode {
	INPUT_LINES,  /* each ends with a newline, the last may lack it */
	INPUT_NULS,   /* the same with a NUL */
	INPUT_FRAMES, /* a length of 32 bits, little-endian, and the bytes */
	INPUT_WHOLE,  /* everything is one record */
};

struct input {
	int fd;
	enum input_mode mode;
	uint64_t limit; /* bytes of the largest record */
	char *buffer;
	size_t buffer_size;
	size_t start;    /* of what is not yet handed out */
	size_t scanned;  /* bytes from there on that hold no delimiter */
	size_t end;      /* of what was read */
	uint64_t number; /* of the record that was handed out, from 1 on */
	bool is_at_end;
	bool is_cut; /* the record too large may go on */
};

/* 0 or -ENOMEM. The descriptor stays the caller's. */
int input_init(struct input *input, int fd, enum input_mode mode,
	       uint64_t limit);
void input_deinit(struct input *input);

/*
 * The next record: 1, or 0 at the end of the input, or
 *
 *   -EMSGSIZE  record `number` is larger than the limit; *ret_size tells how
 *              large, or if is_cut how large at least
 *   -ENODATA   the input ends within a frame
 *   -EINTR     a signal; -ENOMEM; or why reading failed
 */
int input_next(struct input *input, const char **ret, size_t *ret_size);

/* Back to the beginning of a file; -ESPIPE if it is none. */
int input_rewind(struct input *input);

/* "line", "record", "frame", "input": of messages. */
const char *input_noun(const struct input *input);

#endif
