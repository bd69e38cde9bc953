/* SPDX-License-Identifier: MIT */
/*
 * ls.c - all channels in a table
 *
 * The daemon gives the names; the rest is looked up in each channel itself,
 * through a tap. One that we may not look at is listed all the same.
 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/json.h"
#include "client/ctl/table.h"
#include "client/ctl/words.h"

static const struct table_column columns[] = {
	{ "NAME", false },   { "FRAMING", false },  { "PRODUCERS", false },
	{ "SLOTS", true },   { "SLOT_SIZE", true }, { "MEMORY", true },
	{ "CURSOR", true },  { "GATING", true },    { "LAG", true },
	{ "MEMBERS", true }, { "STREAM", false },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct row {
	const char *name;
	const char *error; /* NULL: the rest is known */
	bool is_damaged;   /* with an error */
	struct ringbus_info info;
	int n_attached;
};

static int
count_attached(const struct ringbus_channel *channel, int role)
{
	struct ringbus_member member = { .size = sizeof(member) };
	unsigned i;
	int n = 0;

	/* Also one that is parked or has failed, but no group: it has no
	 * process of its own. */
	for (i = 0; i < RINGBUS_MEMBERS_MAX; i++)
		if (ringbus_channel_member(channel, role, i, &member) == 1 &&
		    member.pid > 0 && member.state != RINGBUS_MEMBER_DYING)
			n++;
	return n;
}

/* Fills a row, or its error. -ENOENT: it has just been removed. */
static int
look_at(struct ctl *ctl, struct row *row)
{
	struct ringbus_tap *tap;
	int r = ringbus_tap_open(ctl->bus, row->name, NULL, &tap);

	if (r == 0) {
		const struct ringbus_channel *channel = ringbus_tap_channel(
			tap);

		row->info.size = sizeof(row->info);
		r = ringbus_channel_info(channel, &row->info);
		row->n_attached = count_attached(channel, RINGBUS_PRODUCER) +
				  count_attached(channel, RINGBUS_CONSUMER);
		ringbus_tap_close(tap);
	} else {
		row->error = ringbus_error(ctl->bus);
		row->is_damaged = r == -EBADMSG;
	}
	if (r < 0 && (row->error == NULL || row->error[0] == '\0'))
		row->error = ringbus_strerror(r);
	return r == -ENOENT || r == -ECONNRESET || r == -ETIMEDOUT ? r : 0;
}

static int
add_row(struct table *table, const struct row *row)
{
	const struct ringbus_info *info = &row->info;
	char memory[TABLE_SIZE_TEXT];
	size_t i;
	int r = table_add(table, "%s", row->name);

	if (row->error != NULL) {
		for (i = 1; i < N_COLUMNS - 1; i++)
			r |= table_add(table, "-");
		r |= table_add(table, row->is_damaged ? "damaged" : "-");
		return r;
	}
	r |= table_add(table, "%s", words_framing(info->framing));
	r |= table_add(table, "%s", words_producers(info->producers));
	r |= table_add(table, "%" PRIu64, info->slots);
	r |= table_add(table, "%" PRIu64, info->slot_size);
	r |= table_add(table, "%s", table_format_size(info->memory, memory));
	r |= table_add(table, "%" PRId64, info->cursor);
	r |= table_add(table, "%" PRId64, info->gating);
	r |= table_add(table, "%" PRId64, info->cursor - info->gating);
	r |= table_add(table, "%d", row->n_attached);
	r |= table_add(table, "%s", words_stream(info));
	return r;
}

static void
write_row(struct output *out, const struct row *row)
{
	const struct ringbus_info *info = &row->info;
	struct json json;

	json_begin(&json, out);
	json_string(&json, "name", row->name);
	if (row->error != NULL) {
		json_string(&json, "error", row->error);
		json_end(&json);
		return;
	}
	json_string(&json, "framing", words_framing(info->framing));
	json_string(&json, "producers", words_producers(info->producers));
	json_uint(&json, "slots", info->slots);
	json_uint(&json, "slot_size", info->slot_size);
	json_uint(&json, "memory", info->memory);
	json_int(&json, "cursor", info->cursor);
	json_int(&json, "gating", info->gating);
	json_int(&json, "lag", info->cursor - info->gating);
	json_int(&json, "members", row->n_attached);
	json_bool(&json, "ended", info->ended != 0);
	json_string(&json, "stream", words_stream(info));
	json_end(&json);
}

/* Lists channel after channel; 0 behind the last one. */
static int
list_all(struct ctl *ctl, struct table *table, struct output *out)
{
	char name[RINGBUS_NAME_SIZE];
	unsigned i;
	int r;

	for (i = 0;; i++) {
		struct row row = { .name = name };

		r = ringbus_list(ctl->bus, i, name);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		r = look_at(ctl, &row);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (ctl->common.json)
			write_row(out, &row);
		else if (add_row(table, &row) != 0)
			return -ENOMEM;
	}
}

static enum ctl_exit
run_ls(struct ctl *ctl, void *args)
{
	enum ctl_exit code = ctl_connect_to_look(ctl);
	struct output out;
	struct table table;
	int r;

	(void)args;
	if (code != CTL_OK)
		return code;
	output_init(&out, STDOUT_FILENO);
	table_init(&table, columns, N_COLUMNS);
	r = list_all(ctl, &table, &out);
	if (ctl_look_alone(ctl, r)) {
		table_deinit(&table);
		table_init(&table, columns, N_COLUMNS);
		output_init(&out, STDOUT_FILENO);
		r = list_all(ctl, &table, &out);
	}
	if (r == 0 && !ctl->common.json)
		table_print(&table, &out);
	table_deinit(&table);
	return r < 0 ? ctl_refused(ctl, r) : ctl_finish(ctl, &out);
}

const struct ctl_verb ctl_ls = {
	.name = "ls",
	.operands = "",
	.brief = "List the channels",
	.help = "LAG is how far the slowest consumer that gates is behind. A "
		"channel that may not be\nlooked at has '-' everywhere; --json "
		"tells why.\n",
	.run = run_ls,
};
