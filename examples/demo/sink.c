/* SPDX-License-Identifier: MIT */
/*
 * sink.c - see sink.h
 */
#include "examples/demo/sink.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int
sink_flush(struct sink *sink)
{
	size_t done = 0;

	while (done < sink->used) {
		ssize_t n = write(sink->fd, sink->bytes + done,
				  sink->used - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	sink->used = 0;
	return 0;
}

int
sink_put(struct sink *sink, const void *data, size_t size)
{
	while (size > 0) {
		size_t room = SINK_SIZE - sink->used;
		size_t n = size < room ? size : room;
		int err;

		memcpy(sink->bytes + sink->used, data, n);
		sink->used += n;
		data = (const char *)data + n;
		size -= n;
		err = sink->used == SINK_SIZE ? sink_flush(sink) : 0;
		if (err < 0)
			return err;
	}
	return 0;
}
