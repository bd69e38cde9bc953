/* SPDX-License-Identifier: MIT */
/*
 * status.c - how the daemon fares; or what it has left, if it is gone
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/json.h"
#include "client/ctl/when.h"

/* One line "key=value", cut in two. */
struct line {
	char text[RINGBUS_STATUS_SIZE];
	const char *key;
	const char *value;
};

#define LINES_MAX 128

struct status {
	struct line lines[LINES_MAX];
	unsigned n;
	unsigned n_warnings;
};

static bool
is_warning(const struct line *line)
{
	return strcmp(line->key, "warning") == 0;
}

static bool
is_error(const struct line *line)
{
	return strcmp(line->key, "error") == 0;
}

/* 0, or why it could not be read. */
static int
read_status(struct ctl *ctl, struct status *ret)
{
	int r = 0;

	for (ret->n = 0; ret->n < LINES_MAX; ret->n++) {
		struct line *line = &ret->lines[ret->n];
		char *equal;

		r = ringbus_status(ctl->bus, ret->n, line->text,
				   sizeof(line->text));
		if (r < 0)
			break;
		equal = strchr(line->text, '=');
		if (equal == NULL)
			return -EPROTO;
		*equal = '\0';
		line->key = line->text;
		line->value = equal + 1;
		ret->n_warnings += is_warning(line);
	}
	return r == -ENOENT ? 0 : r;
}

/* -------------------------------------------------------------------- text */

static void
print_error(const struct line *line, struct output *out)
{
	int64_t first, last;
	char since[WHEN_TEXT], until[WHEN_TEXT];
	uint64_t n;
	int at = 0;

	if (sscanf(line->value, "%" SCNu64 " %" SCNd64 " %" SCNd64 " %n", &n,
		   &first, &last, &at) < 3)
		return;
	output_print(out, "error       %s\n", line->value + at);
	output_print(out, "            %" PRIu64 " times, from %s to %s\n", n,
		     when_format(first * CTL_SECOND_NS, since),
		     when_format(last * CTL_SECOND_NS, until));
}

static void
print_status(const struct status *status, struct output *out)
{
	for (unsigned i = 0; i < status->n; i++) {
		const struct line *line = &status->lines[i];

		if (is_error(line))
			print_error(line, out);
		else
			output_print(out, "%-22s  %s\n", line->key,
				     line->value);
	}
}

/* -------------------------------------------------------------------- JSON */

static void
write_value(struct json *json, const struct line *line)
{
	char *end;
	long long number = strtoll(line->value, &end, 10);

	if (line->value[0] != '\0' && *end == '\0')
		json_int(json, line->key, number);
	else
		json_string(json, line->key, line->value);
}

static void
write_list(struct json *json, const struct status *status, const char *key,
	   bool (*belongs)(const struct line *))
{
	json_open(json, key, '[');
	for (unsigned i = 0; i < status->n; i++)
		if (belongs(&status->lines[i]))
			json_string(json, NULL, status->lines[i].value);
	json_close(json, ']');
}

static void
write_status(const struct status *status, struct output *out)
{
	struct json json;

	json_begin(&json, out);
	json_bool(&json, "running", true);
	for (unsigned i = 0; i < status->n; i++)
		if (!is_warning(&status->lines[i]) &&
		    !is_error(&status->lines[i]))
			write_value(&json, &status->lines[i]);
	write_list(&json, status, "warnings", is_warning);
	write_list(&json, status, "errors", is_error);
	json_end(&json);
}

/* ------------------------------------------------------------ nobody is there */

/* What it has left, so that one sees that nothing is lost. */
static enum ctl_exit
tell_leavings(struct ctl *ctl, struct output *out)
{
	char name[RINGBUS_NAME_SIZE];
	struct json json;
	unsigned n = 0;
	enum ctl_exit code;

	while (ringbus_list(ctl->bus, n, name) == 0)
		n++;
	if (ctl->common.json) {
		json_begin(&json, out);
		json_bool(&json, "running", false);
		json_uint(&json, "channels", n);
		json_end(&json);
	} else {
		output_print(out, "no daemon; %u channels are there\n", n);
	}
	code = ctl_finish(ctl, out);
	return code == CTL_OK ? CTL_ABSENT : code;
}

static enum ctl_exit
run_status(struct ctl *ctl, void *args)
{
	static struct status status;
	enum ctl_exit code = ctl_connect_to_look(ctl);
	struct output out;
	int r;

	(void)args;
	if (code != CTL_OK)
		return code;
	output_init(&out, STDOUT_FILENO);
	if (ctl->is_alone)
		return tell_leavings(ctl, &out);
	r = read_status(ctl, &status);
	if (r < 0)
		return ctl_refused(ctl, r);
	if (ctl->common.json)
		write_status(&status, &out);
	else
		print_status(&status, &out);
	code = ctl_finish(ctl, &out);
	return code == CTL_OK && status.n_warnings > 0 ? CTL_BUSY : code;
}

const struct ctl_verb ctl_status = {
	.name = "status",
	.operands = "",
	.brief = "Tell how the daemon fares, and what it warns of",
	.help = "The exit code is 6 if there is a warning, and 3 if there is "
		"no daemon; then it tells what\nthe folder has.\n",
	.run = run_status,
};
