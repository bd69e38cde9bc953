/* SPDX-License-Identifier: MIT */
/*
 * remove.c - remove a channel
 */
#include "client/ctl/ctl.h"

static enum ctl_exit
run_remove(struct ctl *ctl, void *args)
{
	enum ctl_exit code = ctl_connect(ctl);
	int r;

	(void)args;
	if (code != CTL_OK)
		return code;
	r = ringbus_remove(ctl->bus, ctl->operands[0]);
	return r < 0 ? ctl_refused(ctl, r) : ctl_confirm(ctl, "removed");
}

const struct ctl_verb ctl_remove = {
	.name = "channel remove",
	.alias = "remove",
	.operands = "CHANNEL",
	.brief = "Remove a channel that was made by create",
	.help = "Neither producers nor consumers may be attached to it.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_remove,
};
