/* SPDX-License-Identifier: MIT */
/*
 * channel.c - create a channel, remove it, end its stream
 *
 * One request to the daemon each. Silent if it worked, but for --json.
 */
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/json.h"
#include "client/ctl/words.h"

/* With --json: that it was done. */
static enum ctl_exit
confirm(const struct ctl *ctl, const char *what)
{
	struct output out;
	struct json json;

	if (!ctl->common.json)
		return CTL_OK;
	output_init(&out, STDOUT_FILENO);
	json_begin(&json, &out);
	json_string(&json, "channel", ctl->operands[0]);
	json_bool(&json, what, true);
	json_end(&json);
	return ctl_finish(ctl, &out);
}

static enum ctl_exit
request(struct ctl *ctl, int (*call)(struct ringbus *, const char *),
	const char *done)
{
	enum ctl_exit code = ctl_connect(ctl);
	int r;

	if (code != CTL_OK)
		return code;
	r = call(ctl->bus, ctl->operands[0]);
	return r < 0 ? ctl_refused(ctl, r) : confirm(ctl, done);
}

static enum ctl_exit
run_remove(struct ctl *ctl, void *args)
{
	(void)args;
	return request(ctl, ringbus_remove, "removed");
}

static enum ctl_exit
run_end(struct ctl *ctl, void *args)
{
	(void)args;
	return request(ctl, ringbus_end, "ended");
}

const struct ctl_verb ctl_remove = {
	.name = "remove",
	.operands = "CHANNEL",
	.brief = "Remove a channel that was made by create",
	.help = "Neither producers nor consumers may be attached to it.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_remove,
};

const struct ctl_verb ctl_end = {
	.name = "end",
	.operands = "CHANNEL",
	.brief = "End the stream of a channel, for good",
	.help = "Consumers read what is there and are then told that it was "
		"all.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_end,
};

/* ------------------------------------------------------------------ create */

static enum ctl_exit
run_create(struct ctl *ctl, void *args)
{
	const struct ringbus_channel_options *options = args;
	enum ctl_exit code = ctl_connect(ctl);
	int r;

	if (code != CTL_OK)
		return code;
	r = ringbus_create(ctl->bus, ctl->operands[0], options);
	return r < 0 ? ctl_refused(ctl, r) : confirm(ctl, "created");
}

#define AT(name_) offsetof(struct ringbus_channel_options, name_)

static const struct options_entry create_options[] = {
	{ 0, "slots", "N", &options_count, AT(slots),
	  "slots, a power of two (65536)" },
	{ 0, "slot-size", "SIZE", &options_size, AT(slot_size),
	  "bytes of a slot; framed: a power of two (64)" },
	{ 0, "framing", "KIND", &words_framing_type, AT(framing),
	  "fixed: an event is a slot; framed: of any length (fixed)" },
	{ 0, "producers", "KIND", &words_producers_type, AT(producers),
	  "single or multi (single)" },
	{ 0, "history", "N", &options_number, AT(history),
	  "slots kept for late joiners, at most half (0)" },
	{ 0, "wait", "WAIT", &options_wait, AT(wait),
	  "how members wait that don't choose (blocking)" },
	{ 0 },
};

static const struct ringbus_channel_options create_defaults =
	RINGBUS_CHANNEL_OPTIONS_INIT;

const struct ctl_verb ctl_create = {
	.name = "create",
	.operands = "CHANNEL",
	.brief = "Create a channel, if the daemon's configuration allows it",
	.min_operands = 1,
	.max_operands = 1,
	.options = create_options,
	.defaults = &create_defaults,
	.args_size = sizeof(create_defaults),
	.run = run_create,
};
