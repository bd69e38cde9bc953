/* SPDX-License-Identifier: MIT */
/*
 * reset.c - move the place of a consumer that is absent
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ask.h"
#include "client/ctl/json.h"

struct reset_args {
	int64_t to;
	bool is_to_set;
	bool is_sure;
};

/* Stores it, and that it was given, side by side. */
static int
parse_to(const char *text, void *target)
{
	struct reset_args *args = target;

	args->is_to_set = true;
	if (strcmp(text, "oldest") == 0)
		args->to = RINGBUS_FROM_OLDEST;
	else if (strcmp(text, "newest") == 0)
		args->to = RINGBUS_FROM_NOW;
	else
		return options_read_sequence(text, &args->to);
	return 0;
}

static const struct options_type reset_to_type = {
	parse_to, "oldest, newest or a sequence"
};

static enum ctl_exit
report(const struct ctl *ctl, int64_t next)
{
	struct output out;
	struct json json;

	output_init(&out, STDOUT_FILENO);
	if (ctl->common.json) {
		json_begin(&json, &out);
		json_string(&json, "channel", ctl->operands[0]);
		json_string(&json, "consumer", ctl->operands[1]);
		json_int(&json, "next", next);
		json_end(&json);
	} else {
		output_print(&out, "%s goes on at %" PRId64 "\n",
			     ctl->operands[1], next);
	}
	return ctl_finish(ctl, &out);
}

static enum ctl_exit
run_reset(struct ctl *ctl, void *args_)
{
	const struct reset_args *args = args_;
	enum ctl_exit code;
	int64_t next;

	if (!args->is_to_set)
		return ctl_misused(ctl, "where to is missing: --to");
	code = ctl_connect(ctl);
	if (code == CTL_OK)
		code = ask(ctl, args->is_sure,
			   "Move consumer %s on channel %s, past what it has "
			   "not read, or back to read it again?",
			   ctl->operands[1], ctl->operands[0]);
	if (code != CTL_OK)
		return code;
	next = ringbus_reset(ctl->bus, ctl->operands[0], ctl->operands[1],
			     args->to);
	return next < 0 ? ctl_refused(ctl, (int)next) : report(ctl, next);
}

static const struct options_entry reset_options[] = {
	{ 't', "to", "PLACE", &reset_to_type, 0,
	  "oldest, newest, or the sequence to read next" },
	{ 'y', "yes", NULL, &options_flag, offsetof(struct reset_args, is_sure),
	  "do not ask" },
	{ 0 },
};

static const struct reset_args reset_defaults = { 0 };

const struct ctl_verb ctl_reset = {
	.name = "consumer reset",
	.operands = "CHANNEL NAME",
	.brief = "Move the place of a consumer that is absent",
	.help = "Only of one whose place is kept while nobody is there; of a "
		"group too. Back it goes as\nfar as nothing can have been "
		"overwritten. On a terminal it is asked before.\n",
	.min_operands = 2,
	.max_operands = 2,
	.options = reset_options,
	.defaults = &reset_defaults,
	.args_size = sizeof(reset_defaults),
	.run = run_reset,
};
