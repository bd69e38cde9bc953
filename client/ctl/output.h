/* SPDX-License-Identifier: MIT */
/*
 * output.h - a buffer in front of stdout that says when a write failed
 *
 * A consumer may commit only what has been written, so that writing has to be
 * under control: nothing is written before the buffer is full or flushed, and
 * the first error stays and stops everything after it.
 */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#define OUTPUT_SIZE 65536

struct output {
	int fd;
	int error; /* the first that happened, or 0 */
	size_t used;
	char buffer[OUTPUT_SIZE];
};

void output_init(struct output *out, int fd);

void output_write(struct output *out, const void *data, size_t size);
void output_string(struct output *out, const char *text);
void output_print(struct output *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes everything out. 0, or the first error: -EPIPE if the reader is gone,
 * -EINTR if we have been interrupted. */
int output_flush(struct output *out);

/* True if nobody will ever read what we write. */
bool output_is_orphan(const struct output *out);

#endif
