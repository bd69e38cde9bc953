/* SPDX-License-Identifier: MIT */
/*
 * output.c - a buffer in front of stdout that says when a write failed
 *
 * Before it writes it waits for room and for signals at once; a signal that
 * comes later interrupts the write itself.
 */
#include "client/ctl/output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/interrupt.h"

void
output_init(struct output *out, int fd)
{
	out->fd = fd;
	out->error = 0;
	out->used = 0;
}

static int
write_all(int fd, const char *data, size_t size)
{
	ssize_t n;
	int r;

	while (size > 0) {
		r = interrupt_wait(fd, POLLOUT, -1);
		if (r < 0)
			return r;
		n = write(fd, data, size);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n < 0)
			continue;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int
output_flush(struct output *out)
{
	if (out->error == 0)
		out->error = write_all(out->fd, out->buffer, out->used);
	out->used = 0;
	return out->error;
}

void
output_write(struct output *out, const void *data, size_t size)
{
	if (size > OUTPUT_SIZE - out->used)
		output_flush(out);
	if (size > OUTPUT_SIZE) {
		if (out->error == 0)
			out->error = write_all(out->fd, data, size);
		return;
	}
	if (size > 0)
		memcpy(out->buffer + out->used, data, size);
	out->used += size;
}

void
output_string(struct output *out, const char *text)
{
	output_write(out, text, strlen(text));
}

void
output_print(struct output *out, const char *fmt, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n > 0)
		output_write(out, text, strnlen(text, sizeof(text)));
}

bool
output_is_orphan(const struct output *out)
{
	return interrupt_wait(out->fd, 0, 0) > 0;
}
