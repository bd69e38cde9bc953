/* SPDX-License-Identifier: MIT */
/*
 * batch.c - see batch.h
 */
#include "client/bridge/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/bridge/frame.h"

static int
make_room(struct batch *b, size_t size)
{
	size_t room = b->room > b->max_bytes ? b->room : b->max_bytes;
	char *bytes;

	if (b->used + size <= b->room)
		return 0;
	if (room < b->used + size)
		room = b->used + size;
	bytes = realloc(b->bytes, room);
	if (bytes == NULL)
		return -ENOMEM;
	b->bytes = bytes;
	b->room = room;
	return 0;
}

static void
put_length(char *at, size_t size)
{
	for (unsigned i = 0; i < FRAME_LENGTH; i++)
		at[i] = (char)(size >> 8 * i);
}

int
batch_add(struct batch *b, const struct ringbus_event *event)
{
	size_t length = b->framing == RINGBUS_FRAMED ? FRAME_LENGTH : 0;
	size_t size = length + event->size;

	if (b->count > 0 &&
	    (b->count == b->max_events || event->sequence != b->last + 1 ||
	     b->used + size > b->max_bytes))
		return 0;
	if (make_room(b, size) < 0)
		return -ENOMEM;
	if (length > 0)
		put_length(b->bytes + b->used, event->size);
	if (event->size > 0)
		memcpy(b->bytes + b->used + length, event->data, event->size);
	b->used += size;
	if (b->count++ == 0)
		b->first = event->sequence;
	b->last = event->last;
	return 1;
}

bool
batch_is_full(const struct batch *b)
{
	return b->count == b->max_events || b->used >= b->max_bytes;
}

void
batch_deinit(struct batch *b)
{
	free(b->bytes);
	b->bytes = NULL;
}
