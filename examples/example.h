/* SPDX-License-Identifier: MIT */
/*
 * example.h - the beginning and the end of most examples, and errors
 *
 * They create a channel of their own, which the daemon's configuration has to
 * allow (`dynamic: { allow: [any] }`), and remove it in the end. On an error
 * they say what failed, and exit: a real program would do better.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/ringbus.h"

/* All errors of the library are negative; the daemon may have said more, and of
 * no bus it is known where a failed connect has looked. */
static inline int64_t
must(int64_t result, const char *what, const struct ringbus *bus)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "%s: %s %s\n", what, ringbus_strerror(result),
		ringbus_error(bus));
	exit(1);
}

/* Each process connects by itself. What a child has inherited belongs to its
 * parent, and is left alone: it ends by _exit(). */
static inline struct ringbus *
example_connect(void)
{
	struct ringbus *bus;

	setvbuf(stdout, NULL, _IOLBF, 0);
	must(ringbus_connect(NULL, &bus), "connect", NULL);
	return bus;
}

/* When all children are gone and our own handles closed, nobody is attached. */
static inline int
example_end(struct ringbus *bus, const char *channel)
{
	int status, failed = 0;

	while (wait(&status) > 0)
		failed |= status;
	ringbus_close(bus);
	bus = example_connect();
	must(ringbus_remove(bus, channel), "remove", bus);
	ringbus_close(bus);
	return failed != 0;
}

#endif
