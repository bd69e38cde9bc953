/* SPDX-License-Identifier: MIT */
/*
 * events.c - what happens to channels and members, as JSON Lines
 *
 * The daemon keeps the last of them and is asked for one after the other. Who follows
 * asks again a few times a second, also the daemon that comes next.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/output.h"

struct events_args {
	bool follows;
	uint64_t since;
};

/* Names need no escape. Those that are about no channel concern all of them. */
static bool
is_wanted(const struct ctl *ctl, const char *json)
{
	char key[RINGBUS_NAME_SIZE + 16];

	if (ctl->n_operands == 0 || strstr(json, ",\"channel\":\"") == NULL)
		return true;
	snprintf(key, sizeof(key), ",\"channel\":\"%.63s\"", ctl->operands[0]);
	return strstr(json, key) != NULL;
}

/* A daemon that is gone may come back. */
static bool
is_worth_a_wait(int err)
{
	return err == -EAGAIN || err == -ECONNRESET || err == -ETIMEDOUT ||
	       err == -ENOENT || err == -ECONNREFUSED;
}

/* All that is there. -EAGAIN, or what else there is nothing more for. */
static int
print_events(struct ctl *ctl, int64_t *id, struct output *out)
{
	char json[RINGBUS_EVENT_SIZE];
	int r;

	while ((r = ringbus_event_next(ctl->bus, id, json, sizeof(json))) > 0) {
		if (!is_wanted(ctl, json))
			continue;
		output_string(out, json);
		output_string(out, "\n");
	}
	return r;
}

static enum ctl_exit
run_events(struct ctl *ctl, void *args_)
{
	const struct events_args *args = args_;
	enum ctl_exit code = ctl_connect(ctl);
	int64_t id = (int64_t)args->since;
	struct output out;
	int r;

	if (code != CTL_OK)
		return code;
	output_init(&out, STDOUT_FILENO);
	for (;;) {
		r = print_events(ctl, &id, &out);
		code = ctl_finish(ctl, &out);
		if (code != CTL_OK)
			return code;
		if (!args->follows || !is_worth_a_wait(r))
			return r == -EAGAIN ? CTL_OK : ctl_refused(ctl, r);
		if (output_is_orphan(&out))
			return CTL_OK;
		if (interrupt_wait(-1, 0, CTL_SLICE_NS) < 0)
			return CTL_INTERRUPTED;
	}
}

#define AT(name_) offsetof(struct events_args, name_)

static const struct options_entry events_options[] = {
	{ 'f', "follow", NULL, &options_flag, AT(follows),
	  "go on with what happens from now on" },
	{ 0, "since", "ID", &options_number, AT(since),
	  "begin with this one, as far back as the daemon knows" },
	{ 0 },
};

static const struct events_args events_defaults = { 0 };

const struct ctl_verb ctl_events = {
	.name = "events",
	.operands = "[CHANNEL]",
	.brief = "Print what has happened to channels and members",
	.help = "JSON Lines, also without --json. The daemon knows the last "
		"1024 since it has started;\n\"lost\" says how many more there "
		"were.\n",
	.max_operands = 1,
	.options = events_options,
	.defaults = &events_defaults,
	.args_size = sizeof(events_defaults),
	.run = run_events,
};
