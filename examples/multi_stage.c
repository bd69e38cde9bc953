/* SPDX-License-Identifier: MIT */
/*
 * multi_stage.c - stages in processes of their own, each behind the last one
 *
 * usage: multi_stage [CHANNEL]
 *
 *	          +-> journal ---+
 *	producer -+              +-> app
 *	          +-> replicate -+
 *
 * Who creates a channel declares its graph, or ringbus.yaml(5) does. All stages
 * read the same memory; `app` is shown what both others have committed.
 */
#include "examples/example.h"

static int
handle(void *context, const struct ringbus_event *event, int end_of_batch)
{
	(void)end_of_batch; /* the commit follows, and lets others in */
	printf("%s has %lld\n", (const char *)context,
	       (long long)event->sequence);
	return RINGBUS_CONTINUE;
}

static int
run_stage(const char *channel, const char *stage)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct ringbus *bus = example_connect();
	struct ringbus_consumer *c;
	int r;

	options.name = stage; /* our place in the graph */
	handlers.on_event = handle;
	handlers.context = (void *)stage;
	must(ringbus_consumer_open(bus, channel, &options, &c), stage, bus);
	r = ringbus_consumer_run(c, &handlers);
	ringbus_close(bus);
	return r != -ESHUTDOWN;
}

int
main(int argc, char **argv)
{
	static const char *const stages[] = { "app", "journal", "replicate" };
	struct ringbus_channel_options options = RINGBUS_CHANNEL_OPTIONS_INIT;
	/* Their places are kept from the beginning: nobody misses an event,
	 * however late it starts. */
	struct ringbus_consumer_kind kept = { .size = sizeof(kept),
					      .keep_for_ns = RINGBUS_FOREVER };
	const char *channel = argc == 2 ? argv[1] : "multi_stage";
	struct ringbus_graph *graph = ringbus_graph_new();
	struct ringbus *bus = example_connect();
	struct ringbus_stage first, last;
	struct ringbus_producer *p;

	first = ringbus_graph_handle_with(graph, "journal", "replicate", NULL);
	last = ringbus_stage_then(first, "app", NULL);
	ringbus_stage_set(ringbus_stage_and(first, last), &kept);
	options.graph = graph;
	must(ringbus_create(bus, channel, &options), channel, bus);
	ringbus_graph_free(graph);
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			_exit(run_stage(channel, stages[i]));
	must(ringbus_producer_open(bus, channel, NULL, &p), channel, bus);
	for (int64_t i = 0; i < 20; i++)
		must(ringbus_producer_write(p, &i, sizeof(i), RINGBUS_FOREVER),
		     "write", bus);
	must(ringbus_end(bus, channel), "end", bus);
	return example_end(bus, channel);
}
