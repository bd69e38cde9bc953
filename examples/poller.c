/* SPDX-License-Identifier: MIT */
/*
 * poller.c - a program that has other things to do than to wait for events
 *
 * usage: poller CHANNEL
 *
 * An event loop of its own, here around standard input, looks in on the channel
 * whenever it comes by, and takes no more events than it has time for. It prints
 * a sum for each line that is typed, and ends with the stream or its input.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "client/ringbus.h"

#define AT_ONCE 100 /* events, then it is somebody else's turn */
#define LOOK_MS 5   /* between two looks at a channel that was empty */

struct state {
	size_t n_events, n_bytes;
};

/* Another number than 0 would end this poll. */
static int
count(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct state *state = context;

	(void)end_of_batch;
	state->n_events++;
	state->n_bytes += event->size;
	return 0;
}

/* 0 once the input has ended. */
static int
look_at_input(const struct state *state, int timeout_ms)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[256];

	if (poll(&input, 1, timeout_ms) <= 0)
		return 1;
	dprintf(1, "%zu events, %zu bytes\n", state->n_events, state->n_bytes);
	return read(STDIN_FILENO, line, sizeof(line)) > 0;
}

static int
loop(struct ringbus_consumer *consumer)
{
	struct state state = { 0 };
	int64_t n = 0;

	while (look_at_input(&state, n > 0 ? 0 : LOOK_MS)) {
		/* Handles what is there now, commits it, never waits. */
		n = ringbus_consumer_poll(consumer, AT_ONCE, count, &state);
		if (n < 0)
			return n == -ESHUTDOWN ? 0 : (int)n;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct ringbus_consumer *consumer;
	struct ringbus *bus = NULL;
	int err = argc == 2 ? ringbus_connect(NULL, &bus) : -EINVAL;

	if (err == 0)
		err = ringbus_consumer_open(bus, argv[1], NULL, &consumer);
	err = err == 0 ? loop(consumer) : err;
	if (err < 0)
		fprintf(stderr, "poller: %s\n", ringbus_strerror(err));
	ringbus_close(bus);
	return err < 0;
}
