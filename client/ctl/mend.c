/* SPDX-License-Identifier: MIT */
/*
 * mend.c - let the stream of a strict channel go on
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/json.h"

static enum ctl_exit
report(const struct ctl *ctl, int64_t n)
{
	struct output out;
	struct json json;

	output_init(&out, STDOUT_FILENO);
	if (ctl->common.json) {
		json_begin(&json, &out);
		json_string(&json, "channel", ctl->operands[0]);
		json_int(&json, "slots", n);
		json_end(&json);
	} else if (n > 0) {
		output_print(&out, "%" PRId64 " slots given up\n", n);
	} else {
		output_string(&out, "nothing was missing\n");
	}
	return ctl_finish(ctl, &out);
}

static enum ctl_exit
run_mend(struct ctl *ctl, void *args)
{
	enum ctl_exit code = ctl_connect(ctl);
	int64_t n;

	(void)args;
	if (code != CTL_OK)
		return code;
	n = ringbus_mend(ctl->bus, ctl->operands[0]);
	return n < 0 ? ctl_refused(ctl, (int)n) : report(ctl, n);
}

const struct ctl_verb ctl_mend = {
	.name = "channel mend",
	.alias = "mend",
	.operands = "CHANNEL",
	.brief = "Give up what died with its producers, on a strict channel",
	.help = "The stream goes on, and readers skip these slots.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_mend,
};
