/* SPDX-License-Identifier: MIT */
/*
 * reader.c - a tap and a consumer behind one face
 *
 * Few events need more than the first buffer; the tap says when one does.
 */
#include "client/ctl/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE 4096

/* "a,b" as the library takes it: "a b". */
static char *
copy_names(const char *names)
{
	char *copy = strdup(names), *p;

	for (p = copy; p != NULL && *p != '\0'; p++)
		if (*p == ',')
			*p = ' ';
	return copy;
}

static int
open_consumer(struct reader *reader, struct ringbus *bus, const char *channel,
	      const struct reader_options *options)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	char *after = NULL;
	int r;

	if (options->after != NULL) {
		after = copy_names(options->after);
		if (after == NULL)
			return -ENOMEM;
	}
	o.name = options->gate;
	o.from = options->from;
	o.wait = options->wait;
	o.after = after;
	o.slow = options->slow;
	o.max_lag = options->max_lag;
	r = ringbus_consumer_open(bus, channel, &o, &reader->consumer);
	free(after);
	return r;
}

static int
open_tap(struct reader *reader, struct ringbus *bus, const char *channel,
	 const struct reader_options *options)
{
	struct ringbus_tap_options o = RINGBUS_TAP_OPTIONS_INIT;

	reader->buffer = malloc(BUFFER_SIZE);
	if (reader->buffer == NULL)
		return -ENOMEM;
	reader->buffer_size = BUFFER_SIZE;
	o.from = options->from;
	o.wait = options->wait;
	return ringbus_tap_open(bus, channel, &o, &reader->tap);
}

int
reader_open(struct reader *reader, struct ringbus *bus, const char *channel,
	    const struct reader_options *options)
{
	int r;

	*reader = (struct reader){ 0 };
	if (options->gate != NULL)
		return open_consumer(reader, bus, channel, options);
	r = open_tap(reader, bus, channel, options);
	if (r < 0)
		reader_close(reader);
	return r;
}

void
reader_close(struct reader *reader)
{
	ringbus_tap_close(reader->tap);
	ringbus_consumer_close(reader->consumer);
	free(reader->buffer);
	*reader = (struct reader){ 0 };
}

const struct ringbus_channel *
reader_channel(const struct reader *reader)
{
	return reader->tap != NULL ? ringbus_tap_channel(reader->tap)
				   : ringbus_consumer_channel(reader->consumer);
}

static int
grow(struct reader *reader, size_t size)
{
	char *buffer = realloc(reader->buffer, size);

	if (buffer == NULL)
		return -ENOMEM;
	reader->buffer = buffer;
	reader->buffer_size = size;
	return 0;
}

static int
next_of_tap(struct reader *reader, int64_t timeout_ns,
	    struct ringbus_event *ret)
{
	int64_t sequence;
	size_t size = 0;
	int r;

	for (;;) {
		sequence = ringbus_tap_read(reader->tap, reader->buffer,
					    reader->buffer_size, &size,
					    timeout_ns);
		if (sequence != -EMSGSIZE)
			break;
		r = grow(reader, size);
		if (r < 0)
			return r;
	}
	if (sequence < 0)
		return (int)sequence;
	ret->data = reader->buffer;
	ret->size = size;
	ret->sequence = sequence;
	return 0;
}

static int
next_of_consumer(struct reader *reader, int64_t timeout_ns,
		 struct ringbus_event *ret)
{
	int64_t available;
	int r;

	for (;;) {
		r = ringbus_consumer_next(reader->consumer, ret);
		if (r != 0)
			return r < 0 ? r : 0;
		available = ringbus_consumer_wait(reader->consumer, timeout_ns);
		if (available < 0)
			return (int)available;
	}
}

int
reader_next(struct reader *reader, int64_t timeout_ns,
	    struct ringbus_event *ret)
{
	if (reader->tap != NULL)
		return next_of_tap(reader, timeout_ns, ret);
	return next_of_consumer(reader, timeout_ns, ret);
}

int
reader_commit(struct reader *reader)
{
	if (reader->consumer == NULL)
		return 0;
	return ringbus_consumer_commit(reader->consumer);
}

int64_t
reader_missed(const struct reader *reader)
{
	return reader->consumer != NULL
		       ? ringbus_consumer_missed(reader->consumer)
		       : 0;
}

int64_t
reader_lost(const struct reader *reader)
{
	return reader->tap != NULL ? ringbus_tap_lost(reader->tap)
				   : ringbus_consumer_lost(reader->consumer);
}

int64_t
reader_start(const struct reader *reader, int64_t from)
{
	struct ringbus_info info = { .size = sizeof(info) };
	int64_t oldest;

	if (reader->consumer != NULL)
		return ringbus_consumer_sequence(reader->consumer) + 1;
	if (from >= 0 || ringbus_channel_info(reader_channel(reader), &info))
		return from;
	oldest = info.cursor + 1 - (int64_t)info.slots;
	if (from == RINGBUS_FROM_OLDEST)
		return oldest > 0 ? oldest : 0;
	return info.cursor + 1;
}
