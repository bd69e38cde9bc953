/* SPDX-License-Identifier: MIT */
/*
 * sink.h - gathers small writes to a file or socket into large ones
 */
#ifndef DEMO_SINK_H
#define DEMO_SINK_H

#include <stddef.h>

#define SINK_SIZE 262144

struct sink {
	int fd;
	size_t used;
	char bytes[SINK_SIZE];
};

/* Both return 0 or a negative errno. */
int sink_put(struct sink *sink, const void *data, size_t size);
int sink_flush(struct sink *sink);

#endif
