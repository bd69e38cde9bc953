/* SPDX-License-Identifier: MIT */
/*
 * bridge.c - list the channels that go to other machines or come from there
 *
 * What a bridge does is in the configuration, how it fares in the channel: of an
 * exporting one at its consumer, of an importing one at the producer.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/io.h"
#include "client/ctl/json.h"
#include "client/ctl/table.h"
#include "client/ctl/view.h"

static const struct table_column columns[] = {
	{ "CHANNEL", false }, { "DIRECTION", false }, { "STREAM", false },
	{ "PID", true },      { "IO", false },        { "LAG", true },
	{ "MESSAGES", true }, { "BYTES", true },      { "ERRORS", true },
	{ "RETRIES", true },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct row {
	char name[RINGBUS_NAME_SIZE];
	char direction[RINGBUS_SETTING_SIZE];
	char stream[RINGBUS_SETTING_SIZE];
	char consumer[RINGBUS_SETTING_SIZE];
	int64_t pid; /* 0: it does not run */
	bool has_io;
	struct ringbus_io io;
};

static int
ask(struct ctl *ctl, const char *channel, const char *key,
    char value[RINGBUS_SETTING_SIZE])
{
	return ringbus_setting(ctl->bus, channel, key, value,
			       RINGBUS_SETTING_SIZE);
}

static bool
is_bridge(const struct row *row, const struct ringbus_member *m)
{
	if (strcmp(row->direction, "import") == 0)
		return m->role == RINGBUS_PRODUCER;
	return m->role == RINGBUS_CONSUMER &&
	       strcmp(m->name, row->consumer) == 0;
}

static void
take_member(struct row *row, const struct view *view)
{
	for (unsigned i = 0; i < view->n_members; i++) {
		const struct ringbus_member *m = &view->members[i];
		const struct ringbus_io *io = view_io(view, m);

		if (!is_bridge(row, m))
			continue;
		row->pid = m->pid;
		row->has_io = io != NULL;
		if (io != NULL)
			row->io = *io;
	}
}

static int
look_at_members(struct ctl *ctl, struct row *row)
{
	struct ringbus_tap *tap = NULL;
	struct view view;
	int r = ringbus_tap_open(ctl->bus, row->name, NULL, &tap);

	if (r < 0)
		return r;
	r = view_read(ringbus_tap_channel(tap), &view);
	if (r == 0)
		take_member(row, &view);
	ringbus_tap_close(tap);
	return r;
}

/* 1 if it has a bridge, else 0 or an errno. One that may not be looked at is one of
 * which no more is known. */
static int
look_at(struct ctl *ctl, struct row *row)
{
	char value[RINGBUS_SETTING_SIZE];
	int r = ask(ctl, row->name, "bridge", value);

	if (r < 0 || strcmp(value, "true") != 0)
		return r == -ENOENT || r == -EACCES ? 0 : r;
	r = ask(ctl, row->name, "bridge.direction", row->direction);
	if (r >= 0)
		r = ask(ctl, row->name, "bridge.stream", row->stream);
	if (r >= 0)
		r = ask(ctl, row->name, "bridge.consumer", row->consumer);
	if (r >= 0)
		r = look_at_members(ctl, row);
	return r < 0 && r != -EACCES && r != -EBADMSG ? r : 1;
}

static int
add_number(struct table *table, const struct row *row, int64_t value)
{
	return row->has_io ? table_add(table, "%" PRId64, value)
			   : table_add(table, "-");
}

static int
add_row(struct table *table, const struct row *row)
{
	int r = table_add(table, "%s", row->name);

	r |= table_add(table, "%s", row->direction);
	r |= table_add(table, "%s", row->stream);
	r |= row->pid > 0 ? table_add(table, "%" PRId64, row->pid)
			  : table_add(table, "-");
	r |= table_add(table, "%s", io_word(row->has_io ? &row->io : NULL));
	r |= add_number(table, row, row->io.lag);
	r |= add_number(table, row, row->io.batches);
	r |= add_number(table, row, row->io.bytes);
	r |= add_number(table, row, row->io.errors);
	r |= add_number(table, row, row->io.retries);
	return r;
}

static void
write_row(struct output *out, const struct row *row)
{
	struct json json;

	json_begin(&json, out);
	json_string(&json, "channel", row->name);
	json_string(&json, "direction", row->direction);
	json_string(&json, "stream", row->stream);
	json_int(&json, "pid", row->pid);
	io_write(row->has_io ? &row->io : NULL, &json);
	json_end(&json);
}

static int
tell(const struct ctl *ctl, const struct row *row, struct table *table,
     struct output *out)
{
	if (!ctl->common.json)
		return add_row(table, row) != 0 ? -ENOMEM : 0;
	write_row(out, row);
	return 0;
}

static int
list_all(struct ctl *ctl, struct table *table, struct output *out)
{
	for (unsigned i = 0;; i++) {
		struct row row = { .pid = 0 };
		int r = ringbus_list(ctl->bus, i, row.name);

		if (r == -ENOENT)
			return 0;
		if (r >= 0)
			r = look_at(ctl, &row);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 1 && tell(ctl, &row, table, out) < 0)
			return -ENOMEM;
	}
}

/* The one that is asked for. */
static int
list_one(struct ctl *ctl, struct table *table, struct output *out)
{
	struct row row = { .pid = 0 };
	char value[RINGBUS_SETTING_SIZE];
	int r;

	snprintf(row.name, sizeof(row.name), "%s", ctl->operands[0]);
	r = ask(ctl, row.name, "bridge", value);
	if (r >= 0)
		r = look_at(ctl, &row);
	return r == 1 ? tell(ctl, &row, table, out) : r;
}

static enum ctl_exit
run_bridge(struct ctl *ctl, void *args)
{
	enum ctl_exit code = ctl_connect(ctl);
	struct output out;
	struct table table;
	int r;

	(void)args;
	if (code != CTL_OK)
		return code;
	output_init(&out, STDOUT_FILENO);
	table_init(&table, columns, N_COLUMNS);
	r = ctl->n_operands > 0 ? list_one(ctl, &table, &out)
				: list_all(ctl, &table, &out);
	if (r == 0 && !ctl->common.json)
		table_print(&table, &out);
	table_deinit(&table);
	return r < 0 ? ctl_refused(ctl, r) : ctl_finish(ctl, &out);
}

const struct ctl_verb ctl_bridge = {
	.name = "bridge status",
	.operands = "[CHANNEL]",
	.max_operands = 1,
	.brief = "List the bridges to NATS JetStream, and how far they are",
	.help = "LAG is in slots: of an export those that are not "
		"acknowledged, "
		"of an import those of\nthe stream that are not here yet. "
		"'ringbus-bridge --map' finds the message of a slot.\n",
	.run = run_bridge,
};
