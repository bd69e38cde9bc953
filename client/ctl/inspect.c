/* SPDX-License-Identifier: MIT */
/*
 * inspect.c - what is wrong with channels in a folder, and what is in them
 *
 * For what `dump` made, or for what a daemon that is gone has left. First what is
 * wrong, as fsck(8) does; then, if it can be mapped at all, what `show` tells, and the
 * last events.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/format.h"
#include "client/ctl/json.h"
#include "client/ctl/reader.h"
#include "client/ctl/show.h"

#define LINE_SIZE 256

struct inspect_args {
	uint64_t events;
};

struct inspection {
	struct ctl *ctl;
	const struct inspect_args *args;
	struct output out;
	bool is_damaged; /* one of them is */
};

/* --------------------------------------------------------------- what is wrong */

static void
tell(struct inspection *in, struct json *json, const char *name, int kind,
     const char *line)
{
	if (!in->ctl->common.json) {
		output_print(&in->out, "%s: %s", name,
			     kind == 2 ? "note: " : "damaged: ");
		output_string(&in->out, line);
		output_string(&in->out, "\n");
		return;
	}
	json_open(json, NULL, '{');
	json_bool(json, "damage", kind != 2);
	json_string(json, "text", line);
	json_close(json, '}');
}

/* Whether it is damaged. */
static bool
tell_all(struct inspection *in, const char *name, struct json *json)
{
	struct ringbus *bus = in->ctl->bus;
	bool is_damaged = false;
	char line[LINE_SIZE];
	int kind;

	for (unsigned i = 0;; i++) {
		kind = ringbus_inspect(bus, name, i, line, sizeof(line));
		if (kind == 0)
			return is_damaged;
		is_damaged |= kind != 2;
		tell(in, json, name, kind,
		     kind < 0 ? ringbus_error(bus) : line);
		if (kind < 0)
			return true;
	}
}

static bool
find_damage(struct inspection *in, const char *name)
{
	struct json json;
	bool is_damaged;

	if (!in->ctl->common.json) {
		is_damaged = tell_all(in, name, NULL);
		if (!is_damaged)
			output_print(&in->out, "%s: sound\n", name);
		return is_damaged;
	}
	json_begin(&json, &in->out);
	json_string(&json, "channel", name);
	json_open(&json, "findings", '[');
	is_damaged = tell_all(in, name, &json);
	json_close(&json, ']');
	json_bool(&json, "damaged", is_damaged);
	json_end(&json);
	return is_damaged;
}

/* ---------------------------------------------------------------- what is in it */

static void
print_events(struct inspection *in, const char *name, struct reader *reader,
	     const struct ringbus_info *info)
{
	const struct format format = {
		.kind = in->ctl->common.json ? FORMAT_JSON : FORMAT_HEX,
		.channel = name,
		.is_fixed = info->framing == RINGBUS_FIXED,
	};
	struct ringbus_event event;

	while (reader_next(reader, RINGBUS_NOW, &event) == 0)
		format_event(&format, &event, &in->out);
}

static int
show(struct inspection *in, const char *name, struct reader *reader)
{
	struct view view;
	int r = view_read(reader_channel(reader), &view);

	if (r == 0 && in->ctl->common.json)
		show_write(&view, &in->out);
	else if (r == 0)
		r = show_print(&view, &in->out);
	if (r == 0 && in->args->events > 0)
		print_events(in, name, reader, &view.info);
	return r;
}

/* The last slots: of a framed channel these are fewer events. */
static int64_t
find_start(struct inspection *in, const char *name)
{
	struct ringbus_info info = { .size = sizeof(info) };
	int64_t start = 0, n = (int64_t)in->args->events;
	struct ringbus_tap *tap;

	if (ringbus_tap_open(in->ctl->bus, name, NULL, &tap) < 0)
		return 0;
	if (ringbus_channel_info(ringbus_tap_channel(tap), &info) == 0 &&
	    info.cursor >= n)
		start = info.cursor - n + 1;
	ringbus_tap_close(tap);
	return start;
}

static void
inspect(struct inspection *in, const char *name)
{
	struct reader_options options = { .from = 0 };
	struct reader reader;

	in->is_damaged |= find_damage(in, name);
	options.from = find_start(in, name);
	if (reader_open(&reader, in->ctl->bus, name, &options) < 0)
		return;
	show(in, name, &reader);
	reader_close(&reader);
	if (!in->ctl->common.json)
		output_string(&in->out, "\n");
}

/* Names first: what is inspected in between would list them anew. */
static int
inspect_all(struct inspection *in)
{
	char name[RINGBUS_NAME_SIZE];
	int r = 0;

	for (unsigned i = 0; r == 0; i++) {
		r = ringbus_list(in->ctl->bus, i, name);
		if (r == 0)
			inspect(in, name);
	}
	return r == -ENOENT ? 0 : r;
}

static enum ctl_exit
run_inspect(struct ctl *ctl, void *args)
{
	struct inspection in = { .ctl = ctl, .args = args };
	enum ctl_exit code;
	int r = 0;

	if (ctl->common.shm_dir != NULL)
		return ctl_misused(ctl, "the folder is its first operand");
	ctl->common.shm_dir = ctl->operands[0];
	code = ctl_connect_to_look(ctl);
	if (code != CTL_OK)
		return code;
	output_init(&in.out, STDOUT_FILENO);
	if (ctl->n_operands > 1)
		inspect(&in, ctl->operands[1]);
	else
		r = inspect_all(&in);
	if (r < 0)
		return ctl_refused(ctl, r);
	code = ctl_finish(ctl, &in.out);
	return code == CTL_OK && in.is_damaged ? CTL_DEGRADED : code;
}

#define AT(name_) offsetof(struct inspect_args, name_)

static const struct options_entry inspect_options[] = {
	{ 'n', "events", "N", &options_number, AT(events),
	  "also the events in the last N slots (16)" },
	{ 0 },
};

static const struct inspect_args inspect_defaults = { .events = 16 };

const struct ctl_verb ctl_inspect = {
	.name = "inspect",
	.operands = "DIR [CHANNEL]",
	.brief = "Tell what is wrong with copies of channels, and what is in "
		 "them",
	.help = "DIR is what `dump` was given, or a folder of channels.\n",
	.min_operands = 1,
	.max_operands = 2,
	.options = inspect_options,
	.defaults = &inspect_defaults,
	.args_size = sizeof(inspect_defaults),
	.run = run_inspect,
};
