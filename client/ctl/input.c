/* SPDX-License-Identifier: MIT */
/*
 * input.c - a stream of bytes cut into records
 *
 * One buffer: what is handed out lies in it, what is left of it moves to the
 * front when there is no room behind. It grows only for a record that is larger
 * than it and may be: nobody can make us read a terabyte into memory by sending
 * no newline.
 */
#include "client/ctl/input.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/interrupt.h"

#define BUFFER_SIZE (256 << 10)
#define LENGTH_SIZE sizeof(uint32_t)

int
input_init(struct input *input, int fd, enum input_mode mode, uint64_t limit)
{
	*input = (struct input){
		.fd = fd,
		.mode = mode,
		.limit = limit,
		.buffer = malloc(BUFFER_SIZE),
		.buffer_size = BUFFER_SIZE,
	};
	return input->buffer != NULL ? 0 : -ENOMEM;
}

void
input_deinit(struct input *input)
{
	free(input->buffer);
	input->buffer = NULL;
}

const char *
input_noun(const struct input *input)
{
	static const char *const nouns[] = {
		[INPUT_LINES] = "line",
		[INPUT_NULS] = "record",
		[INPUT_FRAMES] = "frame",
		[INPUT_WHOLE] = "input",
	};

	return nouns[input->mode];
}

int
input_rewind(struct input *input)
{
	if (lseek(input->fd, 0, SEEK_SET) < 0)
		return -errno;
	input->start = 0;
	input->scanned = 0;
	input->end = 0;
	input->number = 0;
	input->is_at_end = false;
	return 0;
}

/* ----------------------------------------------------------------- reading */

/* Makes room behind what was read. */
static int
make_room(struct input *input)
{
	size_t used = input->end - input->start;
	char *buffer;

	if (input->start > 0) {
		memmove(input->buffer, input->buffer + input->start, used);
		input->start = 0;
		input->end = used;
	}
	if (used < input->buffer_size)
		return 0;
	buffer = realloc(input->buffer, 2 * input->buffer_size);
	if (buffer == NULL)
		return -ENOMEM;
	input->buffer = buffer;
	input->buffer_size *= 2;
	return 0;
}

/* Reads what there is; waits only if that is nothing. */
static int
read_more(struct input *input)
{
	ssize_t n;
	int r;

	if (input->end == input->buffer_size) {
		r = make_room(input);
		if (r < 0)
			return r;
	}
	r = interrupt_wait(input->fd, POLLIN, -1);
	if (r < 0)
		return r;
	n = read(input->fd, input->buffer + input->end,
		 input->buffer_size - input->end);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	input->is_at_end = n == 0;
	input->end += (size_t)n;
	return 0;
}

/* ----------------------------------------------------------------- cutting */

/* Hands out `size` bytes, `skip` bytes on. */
static int
take_record(struct input *input, size_t skip, size_t size, const char **ret)
{
	*ret = input->buffer + input->start + skip;
	input->start += skip + size;
	input->scanned = 0;
	return 1;
}

/* The three cutters return what input_next() does, or -EAGAIN for a record that
 * is not yet whole. */
static int
cut_line(struct input *input, const char **ret, size_t *ret_size)
{
	char delimiter = input->mode == INPUT_NULS ? '\0' : '\n';
	char *from = input->buffer + input->start;
	size_t left = input->end - input->start;
	char *found = memchr(from + input->scanned, delimiter,
			     left - input->scanned);
	size_t size = found != NULL ? (size_t)(found - from) : left;

	if (size > input->limit) {
		input->is_cut = found == NULL;
		*ret_size = size;
		return -EMSGSIZE;
	}
	input->scanned = left;
	if (found == NULL && !input->is_at_end)
		return -EAGAIN;
	if (found == NULL && left == 0)
		return 0;
	*ret_size = size;
	take_record(input, 0, size, ret);
	if (found != NULL)
		input->start++;
	return 1;
}

static int
cut_frame(struct input *input, const char **ret, size_t *ret_size)
{
	size_t left = input->end - input->start;
	uint32_t size;

	if (left == 0 && input->is_at_end)
		return 0;
	if (left < LENGTH_SIZE)
		return input->is_at_end ? -ENODATA : -EAGAIN;
	memcpy(&size, input->buffer + input->start, sizeof(size));
	size = le32toh(size);
	if (size > input->limit) {
		*ret_size = size;
		return -EMSGSIZE;
	}
	if (left - LENGTH_SIZE < size)
		return input->is_at_end ? -ENODATA : -EAGAIN;
	*ret_size = size;
	return take_record(input, LENGTH_SIZE, size, ret);
}

static int
cut_whole(struct input *input, const char **ret, size_t *ret_size)
{
	size_t left = input->end - input->start;

	if (left > input->limit) {
		input->is_cut = true;
		*ret_size = left;
		return -EMSGSIZE;
	}
	if (!input->is_at_end)
		return -EAGAIN;
	if (input->number > 1)
		return 0;
	*ret_size = left;
	return take_record(input, 0, left, ret);
}

static int
cut_record(struct input *input, const char **ret, size_t *ret_size)
{
	switch (input->mode) {
	case INPUT_FRAMES:
		return cut_frame(input, ret, ret_size);
	case INPUT_WHOLE:
		return cut_whole(input, ret, ret_size);
	default:
		return cut_line(input, ret, ret_size);
	}
}

int
input_next(struct input *input, const char **ret, size_t *ret_size)
{
	int r;

	input->number++;
	for (;;) {
		r = cut_record(input, ret, ret_size);
		if (r != -EAGAIN)
			return r;
		r = read_more(input);
		if (r < 0)
			return r;
	}
}
