/* SPDX-License-Identifier: MIT */
/*
 * journal_ls.c - list the segments of a journal
 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "client/ctl/journal.h"
#include "client/ctl/json.h"
#include "client/ctl/table.h"
#include "client/ctl/when.h"

struct ls_args {
	const char *dir;
};

static const struct table_column columns[] = {
	{ "EPOCH", true },  { "FIRST", true },       { "LAST", true },
	{ "SIZE", true },   { "FROM", false },       { "TO", false },
	{ "STATE", false }, { "GENERATION", false }, { "FILE", false },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct listing {
	struct journal journal;
	struct table table;
	struct output out;
	bool has_damage;
};

static const char *
state_of(const struct ringbus_segment *s, int found)
{
	if (found == -EPROTONOSUPPORT)
		return "unknown";
	if (found < 0)
		return "damaged";
	return s->sealed ? "sealed" : "open";
}

static int
add_time(struct table *table, int64_t ns)
{
	char text[WHEN_TEXT];

	return ns > 0 ? table_add(table, "%s", when_format(ns, text))
		      : table_add(table, "-");
}

static int
add_row(struct listing *l, const struct ringbus_segment *s, int found)
{
	char size[TABLE_SIZE_TEXT];
	struct table *t = &l->table;
	int r = table_add(t, "%" PRId64, s->epoch);

	r |= table_add(t, "%" PRId64, s->first);
	r |= found == 1 ? table_add(t, "%" PRId64, s->last) : table_add(t, "?");
	r |= table_add(t, "%s", table_format_size(s->bytes, size));
	r |= add_time(t, s->first_ns);
	r |= add_time(t, s->last_ns);
	r |= table_add(t, "%s", state_of(s, found));
	r |= found == 1 ? table_add(t, "%" PRIx64, s->generation)
			: table_add(t, "?");
	r |= table_add(t, "%s", s->file);
	return r;
}

static void
write_row(struct listing *l, const struct ringbus_segment *s, int found)
{
	struct json json;

	json_begin(&json, &l->out);
	json_string(&json, "channel", l->journal.info.channel);
	json_string(&json, "file", s->file);
	json_int(&json, "epoch", s->epoch);
	json_int(&json, "first", s->first);
	json_uint(&json, "bytes", s->bytes);
	if (found == 1) {
		json_int(&json, "last", s->last);
		json_uint(&json, "generation", s->generation);
		json_int(&json, "first_ns", s->first_ns);
		json_int(&json, "last_ns", s->last_ns);
	}
	json_string(&json, "state", state_of(s, found));
	json_end(&json);
}

static int
list(struct listing *l)
{
	bool json = l->journal.ctl->common.json;
	int found, r = 0;

	for (unsigned i = 0; r == 0; i++) {
		struct ringbus_segment s = { .size = sizeof(s) };

		found = ringbus_journal_segment(l->journal.handle, i, &s);
		if (found == 0)
			break;
		if (found < 0 && found != -EBADMSG && found != -EPROTONOSUPPORT)
			return found;
		l->has_damage |= found < 0;
		if (json)
			write_row(l, &s, found);
		else
			r = add_row(l, &s, found);
	}
	if (r == 0 && !json)
		table_print(&l->table, &l->out);
	return r;
}

static enum ctl_exit
run_ls(struct ctl *ctl, void *args_)
{
	const struct ls_args *args = args_;
	struct listing l = { 0 };
	enum ctl_exit code = journal_open_any(&l.journal, ctl, args->dir);
	int r;

	output_init(&l.out, STDOUT_FILENO);
	table_init(&l.table, columns, N_COLUMNS);
	if (code == CTL_OK) {
		r = list(&l);
		code = r < 0 ? journal_failed(&l.journal, r)
			     : ctl_finish(ctl, &l.out);
	}
	if (code == CTL_OK && l.has_damage)
		code = CTL_FAILED;
	table_deinit(&l.table);
	journal_close(&l.journal);
	return code;
}

static const struct options_entry ls_options[] = {
	{ 'd', "dir", "DIR", &options_text, offsetof(struct ls_args, dir),
	  "the folder of the journal, instead of asking the daemon" },
	{ 0 },
};

static const struct ls_args ls_defaults = { 0 };

const struct ctl_verb ctl_journal_ls = {
	.name = "journal ls",
	.operands = "[CHANNEL]",
	.brief = "List the files of a channel's journal",
	.help = "Oldest first. An epoch is one incarnation of the channel.\n",
	.max_operands = 1,
	.options = ls_options,
	.defaults = &ls_defaults,
	.args_size = sizeof(ls_defaults),
	.run = run_ls,
};
