/* SPDX-License-Identifier: MIT */
/*
 * epoll_poller.c - events of a channel among the other things of an event loop
 *
 * usage: epoll_poller CHANNEL
 *
 * Waits for the channel and for standard input at once. Says how many events it
 * has seen for each line that is typed; ends with its input or the stream. The
 * consumer's descriptor wakes it only while it is armed, and arming looks again:
 * so none is missed, and publishers pay nothing for a reader that is busy.
 */
#include <sys/epoll.h>

#include "examples/example.h"

#define AT_ONCE 100 /* events, then it is somebody else's turn */

static int
count(void *context, const struct ringbus_event *event, int end_of_batch)
{
	(void)event;
	(void)end_of_batch;
	++*(uint64_t *)context;
	return RINGBUS_CONTINUE;
}

/* How long epoll may sleep now: -1 for ever, 0 not at all; -2 at the end. */
static int
look_at_channel(struct ringbus_consumer *c, uint64_t *n_events)
{
	int r = ringbus_consumer_poll(c, AT_ONCE, count, n_events);

	if (r == RINGBUS_PROCESSING)
		return 0;
	if (r == RINGBUS_IDLE || r == RINGBUS_GATING)
		r = ringbus_consumer_arm(c);
	if (r == RINGBUS_END)
		return -2;
	return must(r, "poll", NULL) == 1 ? 0 : -1;
}

static void
watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		must(-errno, "epoll_ctl", NULL);
}

int
main(int argc, char **argv)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), timeout = 0, n;
	struct ringbus *bus = example_connect();
	struct ringbus_consumer *c;
	struct epoll_event ready;
	uint64_t n_events = 0;
	char line[256];

	if (argc != 2)
		return 2;
	must(ringbus_consumer_open(bus, argv[1], NULL, &c), argv[1], bus);
	watch(epoll, (int)must(ringbus_consumer_fd(c), "fd", bus));
	watch(epoll, STDIN_FILENO);
	while ((timeout = look_at_channel(c, &n_events)) != -2) {
		n = epoll_wait(epoll, &ready, 1, timeout);
		if (n < 1 || ready.data.fd != STDIN_FILENO)
			continue;
		if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
			break;
		printf("%llu events\n", (unsigned long long)n_events);
	}
	ringbus_close(bus);
	return 0;
}
