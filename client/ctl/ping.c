/* SPDX-License-Identifier: MIT */
/*
 * ping.c - is the daemon there, and how fast does it answer?
 */
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/json.h"

static enum ctl_exit
run_ping(struct ctl *ctl, void *args)
{
	enum ctl_exit code = ctl_connect(ctl);
	int64_t start, pid, time_ns;
	struct output out;
	struct json json;

	(void)args;
	if (code != CTL_OK)
		return code;
	start = ctl_now_ns();
	pid = ringbus_ping(ctl->bus);
	time_ns = ctl_now_ns() - start;
	if (pid < 0)
		return ctl_refused(ctl, (int)pid);
	output_init(&out, STDOUT_FILENO);
	if (ctl->common.json) {
		json_begin(&json, &out);
		json_string(&json, "socket", ringbus_socket(ctl->bus));
		json_int(&json, "pid", pid);
		json_int(&json, "round_trip_ns", time_ns);
		json_end(&json);
	} else {
		output_print(&out, "ringbusd, pid %lld, at ", (long long)pid);
		output_string(&out, ringbus_socket(ctl->bus));
		output_print(&out, ": %.3f ms\n", (double)time_ns / 1e6);
	}
	return ctl_finish(ctl, &out);
}

const struct ctl_verb ctl_ping = {
	.name = "ping",
	.operands = "",
	.brief = "Ask the daemon for a sign of life",
	.run = run_ping,
};
