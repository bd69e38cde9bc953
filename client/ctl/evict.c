/* SPDX-License-Identifier: MIT */
/*
 * evict.c - take the place of a consumer away
 */
#include "client/ctl/ask.h"

struct evict_args {
	bool is_sure;
};

static enum ctl_exit
run_evict(struct ctl *ctl, void *args_)
{
	const struct evict_args *args = args_;
	enum ctl_exit code = ctl_connect(ctl);
	int r;

	if (code == CTL_OK)
		code = ask(ctl, args->is_sure,
			   "Take the place of consumer %s on channel %s away, "
			   "with all that it has not read?",
			   ctl->operands[1], ctl->operands[0]);
	if (code != CTL_OK)
		return code;
	r = ringbus_evict(ctl->bus, ctl->operands[0], ctl->operands[1]);
	return r < 0 ? ctl_refused(ctl, r) : ctl_confirm(ctl, "evicted");
}

static const struct options_entry evict_options[] = {
	{ 'y', "yes", NULL, &options_flag, offsetof(struct evict_args, is_sure),
	  "do not ask" },
	{ 0 },
};

static const struct evict_args evict_defaults = { 0 };

const struct ctl_verb ctl_evict = {
	.name = "consumer evict",
	.alias = "evict",
	.operands = "CHANNEL NAME",
	.brief = "Take the place of a consumer away: nobody waits for it",
	.help = "Of one that is absent and whose place was kept; or of one "
		"that reads copies (evict,\npark, lossy) and is told. One that "
		"reads in the ring has to end first. On a terminal\nit is "
		"asked before.\n",
	.min_operands = 2,
	.max_operands = 2,
	.options = evict_options,
	.defaults = &evict_defaults,
	.args_size = sizeof(evict_defaults),
	.run = run_evict,
};
