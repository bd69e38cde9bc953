/* SPDX-License-Identifier: MIT */
/*
 * pause.c - hold the producers of a channel, and let them go on
 */
#include "client/ctl/ctl.h"

static enum ctl_exit
run_pause(struct ctl *ctl, void *args)
{
	(void)args;
	return ctl_request(ctl, ringbus_pause, "paused");
}

const struct ctl_verb ctl_pause = {
	.name = "channel pause",
	.alias = "pause",
	.operands = "CHANNEL",
	.brief = "Hold producers back, as if the ring were full",
	.help = "What they have claimed they may publish, and consumers read "
		"on. It stays so until\n`channel resume`, also over a restart "
		"of the daemon.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_pause,
};

static enum ctl_exit
run_resume(struct ctl *ctl, void *args)
{
	(void)args;
	return ctl_request(ctl, ringbus_resume, "resumed");
}

const struct ctl_verb ctl_resume = {
	.name = "channel resume",
	.alias = "resume",
	.operands = "CHANNEL",
	.brief = "Let producers go on that a pause holds",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_resume,
};
