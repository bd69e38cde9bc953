/* SPDX-License-Identifier: MIT */
/*
 * create.c - create a channel, with the graph of its consumers
 */
#include <errno.h>
#include <limits.h>

#include "client/ctl/consumer.h"
#include "client/ctl/ctl.h"
#include "client/ctl/words.h"

struct create_args {
	struct ringbus_channel_options options;
	uint64_t version;
	bool strict;
	bool latency;
	struct consumer_words consumers;
};

static enum ctl_exit
create(struct ctl *ctl, const struct ringbus_channel_options *options)
{
	enum ctl_exit code = ctl_connect(ctl);
	int r;

	if (code != CTL_OK)
		return code;
	r = ringbus_create(ctl->bus, ctl->operands[0], options);
	return r < 0 ? ctl_refused(ctl, r) : ctl_confirm(ctl, "created");
}

static enum ctl_exit
run_create(struct ctl *ctl, void *args_)
{
	struct create_args *args = args_;
	struct ringbus_graph *graph = NULL;
	char why[CONSUMER_WHY_SIZE];
	enum ctl_exit code;
	int r;

	if (args->version > 0 && args->options.type == NULL)
		return ctl_misused(ctl, "--version is that of a --type");
	if (args->version > UINT_MAX)
		return ctl_misused(ctl, "--version has at most 32 bits");
	args->options.strict = args->strict;
	args->options.latency = args->latency;
	args->options.type_version = (unsigned)args->version;
	r = consumer_build_graph(&args->consumers, &graph, why);
	if (r == -EINVAL)
		return ctl_misused(ctl, "%s", why);
	if (r < 0)
		return ctl_failed(ctl, r);
	args->options.graph = graph;
	code = create(ctl, &args->options);
	ringbus_graph_free(graph);
	return code;
}

#define AT(name_) offsetof(struct create_args, name_)

static const struct options_entry create_options[] = {
	{ 0, "slots", "N", &options_count, AT(options.slots),
	  "slots, a power of two (65536)" },
	{ 0, "slot-size", "SIZE", &options_size, AT(options.slot_size),
	  "bytes of a slot; framed: a power of two (64)" },
	{ 0, "framing", "KIND", &words_framing_type, AT(options.framing),
	  "fixed: an event is a slot; framed: of any length (fixed)" },
	{ 0, "producers", "KIND", &words_producers_type, AT(options.producers),
	  "single or multi (single)" },
	{ 0, "history", "N", &options_number, AT(options.history),
	  "slots kept for late joiners, at most half (0)" },
	{ 0, "wait", "WAIT", &options_wait, AT(options.wait),
	  "how members wait that don't choose (blocking)" },
	{ 0, "clear", "KIND", &words_clear_type, AT(options.clear),
	  "zero: slots become zero when all have read them (none)" },
	{ 0, "isolation", "KIND", &words_isolation_type, AT(options.isolation),
	  "sealed: memory that no member can truncate (named)" },
	{ 0, "latency", NULL, &options_flag, AT(latency),
	  "measure how long events take from publish to commit" },
	{ 0, "strict", NULL, &options_flag, AT(strict),
	  "what dies with its producer stops the stream" },
	{ 0, "stuck-after", "TIME", &options_duration,
	  AT(options.stuck_after_ns),
	  "kill a producer that holds others up for so long" },
	{ 0, "type", "NAME", &options_text, AT(options.type),
	  "what the events are: who expects others is refused" },
	{ 0, "version", "N", &options_number, AT(version),
	  "the version of that type (0)" },
	{ 'c', "consumer", "SPEC", &consumer_words_type, AT(consumers),
	  "declare a consumer: NAME[:KEY[=VALUE]]...; many times" },
	{ 0 },
};

static const struct create_args create_defaults = {
	.options = RINGBUS_CHANNEL_OPTIONS_INIT,
};

const struct ctl_verb ctl_create = {
	.name = "channel create",
	.alias = "create",
	.operands = "CHANNEL",
	.brief = "Create a channel, if the daemon's configuration allows it",
	.help = "The keys of a consumer, with colons between:\n\n"
		"  after=NAME[,NAME]...  waits for these\n"
		"  slow=HOW              gate, evict, park or lossy (gate)\n"
		"  max_lag=N             slots, for evict and park\n"
		"  max_stall=TIME        without progress, for evict and park\n"
		"  keep=TIME             how long its place is kept, or "
		"forever\n"
		"  group                 those who open it share its events\n"
		"  key=OFFSET+SIZE       of a group: these bytes keep order\n",
	.min_operands = 1,
	.max_operands = 1,
	.options = create_options,
	.defaults = &create_defaults,
	.args_size = sizeof(create_defaults),
	.run = run_create,
};
