/* SPDX-License-Identifier: MIT */
/*
 * reload.c - have the daemon read its configuration anew, or say what that would do
 *
 * The report is the daemon's; each line of it is a line here.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/json.h"

#define LINE_SIZE 1024

struct reload_args {
	bool dry_run;
	bool recreate;
};

static void
write_line(const struct ctl *ctl, struct output *out, const char *line)
{
	struct json json;

	if (!ctl->common.json) {
		output_print(out, "%s\n", line);
		return;
	}
	json_begin(&json, out);
	json_string(&json, "report", line);
	json_end(&json);
}

/* 0, or why it cannot be had. */
static int
write_report(const struct ctl *ctl, struct output *out)
{
	char line[LINE_SIZE];
	int r = 0;

	for (unsigned i = 0; r == 0; i++) {
		r = ringbus_report(ctl->bus, i, line, sizeof(line));
		if (r == 0)
			write_line(ctl, out, line);
	}
	return r == -ENOENT ? 0 : r;
}

static void
write_verdict(struct output *out, bool worked, bool dry_run)
{
	struct json json;

	json_begin(&json, out);
	json_bool(&json, dry_run ? "possible" : "reloaded", worked);
	json_end(&json);
}

/* Of a reload that the daemon has thought about, whatever came of it, there is a
 * report. */
static bool
is_verdict(int r)
{
	return r != -EACCES && r != -ESHUTDOWN && r != -ECONNRESET &&
	       r != -ETIMEDOUT && r != -EPROTO && r != -EPROTONOSUPPORT;
}

static enum ctl_exit
run_reload(struct ctl *ctl, void *args_)
{
	const struct reload_args *args = args_;
	enum ctl_exit code = ctl_connect(ctl);
	unsigned flags = (args->dry_run ? RINGBUS_RELOAD_DRY : 0) |
			 (args->recreate ? RINGBUS_RELOAD_RECREATE : 0);
	struct output out;
	int r, report;

	if (code != CTL_OK)
		return code;
	r = ringbus_reload(ctl->bus, flags);
	if (!is_verdict(r))
		return ctl_refused(ctl, r);
	output_init(&out, STDOUT_FILENO);
	report = write_report(ctl, &out);
	if (report == 0 && ctl->common.json)
		write_verdict(&out, r == 0, args->dry_run);
	code = ctl_finish(ctl, &out);
	if (report < 0)
		return ctl_refused(ctl, report);
	return code == CTL_OK && r < 0 ? CTL_FAILED : code;
}

#define AT(name_) offsetof(struct reload_args, name_)

static const struct options_entry reload_options[] = {
	{ 'n', "dry-run", NULL, &options_flag, AT(dry_run),
	  "only say what would become of each change" },
	{ 0, "recreate", NULL, &options_flag, AT(recreate),
	  "end what is in use and has to be made anew" },
	{ 0 },
};

static const struct reload_args reload_defaults = { 0 };

const struct ctl_verb ctl_reload = {
	.name = "reload",
	.operands = "",
	.brief = "Have the daemon read its configuration anew",
	.help = "All of it or nothing; a line for each change says what "
		"becomes of it. With\n--recreate a channel that is in use and "
		"has to be made anew ends: its consumers\nread to the end, and "
		"it is made anew once all have left.\n",
	.options = reload_options,
	.defaults = &reload_defaults,
	.args_size = sizeof(reload_defaults),
	.run = run_reload,
};

/* --------------------------------------------------------------- config diff */

static enum ctl_exit
run_diff(struct ctl *ctl, void *args)
{
	struct reload_args dry = { .dry_run = true };

	(void)args;
	return run_reload(ctl, &dry);
}

const struct ctl_verb ctl_config_diff = {
	.name = "config diff",
	.operands = "",
	.brief = "What a reload would change, and what that takes",
	.help = "The same as `reload --dry-run`: the daemon compares its file "
		"with what it has.\n",
	.run = run_diff,
};
