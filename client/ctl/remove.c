/* SPDX-License-Identifier: MIT */
/*
 * remove.c - remove a channel
 */
#include "client/ctl/ctl.h"

static enum ctl_exit
run_remove(struct ctl *ctl, void *args)
{
	(void)args;
	return ctl_request(ctl, ringbus_remove, "removed");
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
