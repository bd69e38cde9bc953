/* SPDX-License-Identifier: MIT */
/*
 * worker_pool.c - events shared out among processes, and one that dies over one
 *
 * usage: worker_pool [CHANNEL]
 *
 * A group is one consumer with many workers: each event goes to one of them, and
 * what one has and cannot finish goes to another, who is told that it is not the
 * first to try. So an event is handled at least once, and mostly just once. Here
 * whoever gets event 5 first is killed over it.
 */
#include <signal.h>

#include "examples/example.h"

static int
work(void *context, const struct ringbus_event *event, int end_of_batch)
{
	int attempt = ringbus_consumer_attempt(context);

	(void)end_of_batch;
	if (event->sequence == 5 && attempt == 1)
		raise(SIGKILL);
	printf("event %lld: worker %d, attempt %d\n",
	       (long long)event->sequence, getpid(), attempt);
	return RINGBUS_CONTINUE;
}

static int
run_worker(const char *channel)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct ringbus *bus = example_connect();
	struct ringbus_consumer *c;
	int r;

	options.name = "workers";
	must(ringbus_consumer_open(bus, channel, &options, &c), "join", bus);
	handlers.on_event = work;
	handlers.context = c;
	r = ringbus_consumer_run(c, &handlers);
	ringbus_close(bus);
	return r != -ESHUTDOWN;
}

int
main(int argc, char **argv)
{
	struct ringbus_channel_options options = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus_consumer_kind group = { .size = sizeof(group),
					       .group = 1,
					       .keep_for_ns = RINGBUS_FOREVER };
	const char *channel = argc == 2 ? argv[1] : "worker_pool";
	struct ringbus_graph *graph = ringbus_graph_new();
	struct ringbus *bus = example_connect();
	struct ringbus_producer *p;

	ringbus_stage_set(ringbus_graph_handle_with(graph, "workers", NULL),
			  &group);
	options.graph = graph;
	must(ringbus_create(bus, channel, &options), channel, bus);
	ringbus_graph_free(graph);
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			_exit(run_worker(channel));
	must(ringbus_producer_open(bus, channel, NULL, &p), channel, bus);
	for (int64_t i = 0; i < 20; i++)
		must(ringbus_producer_write(p, &i, sizeof(i), RINGBUS_FOREVER),
		     "write", bus);
	must(ringbus_end(bus, channel), "end", bus);
	example_end(bus, channel); /* not its result: one was killed */
	return 0;
}
