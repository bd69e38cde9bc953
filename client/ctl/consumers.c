/* SPDX-License-Identifier: MIT */
/*
 * consumers.c - list the consumers of a channel
 */
#include <inttypes.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/io.h"
#include "client/ctl/json.h"
#include "client/ctl/table.h"
#include "client/ctl/view.h"
#include "client/ctl/words.h"

static const struct table_column columns[] = {
	{ "NAME", false },  { "PID", true },     { "STATE", false },
	{ "SLOW", false },  { "GATES", false },  { "NEXT", true },
	{ "LAG", true },    { "WORKERS", true }, { "IO", false },
	{ "IO-LAG", true },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* A worker is a part of its group here. */
static bool
is_listed(const struct ringbus_member *m)
{
	return m->role == RINGBUS_CONSUMER && m->worker_of < 0;
}

static int
add_row(struct table *table, const struct view *view,
	const struct ringbus_member *m)
{
	const struct ringbus_io *io = view_io(view, m);
	int r = table_add(table, "%s", m->name);

	r |= m->pid > 0 ? table_add(table, "%" PRId64, m->pid)
			: table_add(table, "-");
	r |= table_add(table, "%s", words_state(m->state));
	r |= table_add(table, "%s", words_slow(m->slow));
	r |= table_add(table, "%s", m->gates ? "yes" : "no");
	r |= table_add(table, "%" PRId64, m->sequence + 1);
	r |= table_add(table, "%" PRId64, m->lag);
	r |= m->group ? table_add(table, "%u", view_count_workers(view, m))
		      : table_add(table, "-");
	r |= table_add(table, "%s", io_word(io));
	r |= io != NULL ? table_add(table, "%" PRId64, io->lag)
			: table_add(table, "-");
	return r;
}

static int
print_table(const struct view *view, struct output *out)
{
	struct table table;
	int r = 0;

	table_init(&table, columns, N_COLUMNS);
	for (unsigned i = 0; i < view->n_members; i++)
		if (is_listed(&view->members[i]))
			r |= add_row(&table, view, &view->members[i]);
	if (r == 0)
		table_print(&table, out);
	table_deinit(&table);
	return r;
}

static void
write_row(const struct view *view, const struct ringbus_member *m,
	  struct output *out)
{
	struct json json;

	json_begin(&json, out);
	json_string(&json, "channel", view->info.name);
	json_string(&json, "name", m->name);
	json_int(&json, "pid", m->pid);
	json_string(&json, "state", words_state(m->state));
	json_string(&json, "slow", words_slow(m->slow));
	json_bool(&json, "gates", m->gates != 0);
	json_int(&json, "next", m->sequence + 1);
	json_int(&json, "lag", m->lag);
	json_bool(&json, "group", m->group != 0);
	json_uint(&json, "workers", view_count_workers(view, m));
	io_write(view_io(view, m), &json);
	json_end(&json);
}

static void
write_rows(const struct view *view, struct output *out)
{
	for (unsigned i = 0; i < view->n_members; i++)
		if (is_listed(&view->members[i]))
			write_row(view, &view->members[i], out);
}

static enum ctl_exit
run_consumers(struct ctl *ctl, void *args)
{
	const struct ringbus_channel *channel;
	enum ctl_exit code = ctl_look_at(ctl, &channel);
	struct output out;
	struct view view;
	int r;

	(void)args;
	if (code != CTL_OK)
		return code;
	r = view_read(channel, &view);
	output_init(&out, STDOUT_FILENO);
	if (r == 0 && ctl->common.json)
		write_rows(&view, &out);
	else if (r == 0)
		r = print_table(&view, &out);
	return r < 0 ? ctl_failed(ctl, r) : ctl_finish(ctl, &out);
}

const struct ctl_verb ctl_consumers = {
	.name = "consumer ls",
	.alias = "consumers",
	.operands = "CHANNEL",
	.brief = "List the consumers of a channel, and what each reads next",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_consumers,
};
