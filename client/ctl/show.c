/* SPDX-License-Identifier: MIT */
/*
 * show.c - one channel: what it is, how far it has come, who is there
 *
 * Read from shared memory through a tap, so it shows what the members see, not
 * what the daemon believes.
 */
#include "client/ctl/show.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/io.h"
#include "client/ctl/json.h"
#include "client/ctl/placement.h"
#include "client/ctl/process.h"
#include "client/ctl/table.h"
#include "client/ctl/tree.h"
#include "client/ctl/view.h"
#include "client/ctl/when.h"
#include "client/ctl/words.h"

struct show_args {
	bool is_verbose;
};

static const struct show_args show_defaults = { 0 };

static const struct table_column columns[] = {
	{ "ROLE", false },    { "NAME", false },  { "PID", true },
	{ "STATE", false },   { "SLOW", false },  { "GATES", false },
	{ "SEQUENCE", true }, { "LAG", true },    { "LOST", true },
	{ "ERRORS", true },   { "SLEEPS", true }, { "MISSED", true },
	{ "WAKES", true },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))
#define N_VERBOSE 3 /* the last ones, about waiting */

/* -------------------------------------------------------------------- JSON */

static void
write_after(struct json *json, const struct view *view, uint64_t after)
{
	const struct ringbus_member *member;
	unsigned i;

	json_open(json, "after", '[');
	for (i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		member = after >> i & 1 ? view_consumer(view, i) : NULL;
		if (member != NULL)
			json_string(json, NULL, member->name);
	}
	json_close(json, ']');
}

static void
write_consumer(struct json *json, const struct view *view,
	       const struct ringbus_member *member)
{
	json_int(json, "lag", member->lag);
	json_bool(json, "gates", member->gates != 0);
	json_string(json, "slow", words_slow(member->slow));
	json_bool(json, "group", member->group != 0);
	if (member->group)
		json_uint(json, "workers", view_count_workers(view, member));
	json_int(json, "worker_of", member->worker_of);
	write_after(json, view, member->after);
	json_int(json, "failed", member->failed);
	json_uint(json, "errors", member->errors);
	json_uint(json, "lost", member->lost);
}

static void
write_member(struct json *json, const struct view *view,
	     const struct ringbus_member *member)
{
	json_open(json, NULL, '{');
	json_string(json, "role", words_role(member->role));
	json_string(json, "name", member->name);
	json_int(json, "index", member->index);
	json_int(json, "pid", member->pid);
	json_string(json, "state", words_state(member->state));
	if (member->pid > 0)
		json_string(json, "process", process_state(member->pid));
	json_int(json, "sequence", member->sequence);
	if (member->role == RINGBUS_CONSUMER)
		write_consumer(json, view, member);
	else
		json_uint(json, "dropped", member->dropped);
	json_uint(json, "sleeps", member->sleeps);
	json_uint(json, "missed", member->missed);
	json_uint(json, "wakes", member->wakes);
	io_write(view_io(view, member), json);
	json_close(json, '}');
}

static void
write_info(struct json *json, const struct ringbus_info *info)
{
	json_string(json, "name", info->name);
	json_uint(json, "generation", info->generation);
	json_string(json, "framing", words_framing(info->framing));
	json_string(json, "producers", words_producers(info->producers));
	json_string(json, "wait", words_wait(info->wait));
	json_string(json, "clear", words_clear(info->clear));
	json_string(json, "type", info->type);
	json_uint(json, "type_version", info->type_version);
	json_string(json, "isolation", words_isolation(info->isolation));
	json_bool(json, "strict", info->strict != 0);
	json_int(json, "broken", info->broken);
	json_int(json, "stuck_after_ns", info->stuck_after_ns);
	json_bool(json, "damaged", info->damaged != 0);
	json_string(json, "stream", words_stream(info));
	json_uint(json, "repairs", info->repairs);
	json_uint(json, "tombstones", info->tombstones);
	json_uint(json, "slots", info->slots);
	json_uint(json, "slot_size", info->slot_size);
	json_uint(json, "event_size", info->event_size);
	json_uint(json, "history", info->history);
	json_uint(json, "memory", info->memory);
	json_bool(json, "ended", info->ended != 0);
	json_int(json, "paused_ns", info->paused_ns);
	json_int(json, "cursor", info->cursor);
	json_int(json, "gating", info->gating);
	json_int(json, "lag", info->cursor - info->gating);
}

void
show_write(const struct view *view, struct output *out)
{
	struct json json;
	unsigned i;

	json_begin(&json, out);
	write_info(&json, &view->info);
	placement_write(&json, view);
	json_open(&json, "members", '[');
	for (i = 0; i < view->n_members; i++)
		write_member(&json, view, &view->members[i]);
	json_close(&json, ']');
	json_end(&json);
}

/* -------------------------------------------------------------------- text */

static void
print_stream(const struct ringbus_info *info, struct output *out)
{
	char since[WHEN_TEXT];

	if (info->paused_ns != 0)
		output_print(out, "stream      paused since %s",
			     when_format(info->paused_ns, since));
	else
		output_print(out, "stream      %s",
			     info->ended ? "ended" : "open");
	if (info->broken >= 0)
		output_print(out, ", broken at %" PRId64, info->broken);
	if (info->damaged)
		output_string(out, ", damaged: a file of it was shortened");
	output_string(out, "\n");
	if (info->repairs > 0)
		output_print(out,
			     "tombstones  %" PRIu64 ", of %" PRIu64
			     " dead producers\n",
			     info->tombstones, info->repairs);
}

static void
print_info(const struct ringbus_info *info, struct output *out)
{
	char memory[TABLE_SIZE_TEXT];

	output_print(out, "channel     %s\n", info->name);
	output_print(out, "generation  %" PRIx64 "\n", info->generation);
	output_print(out, "framing     %s\n", words_framing(info->framing));
	output_print(out, "producers   %s\n", words_producers(info->producers));
	output_print(out, "wait        %s\n", words_wait(info->wait));
	if (info->type[0] != '\0')
		output_print(out, "type        %s, version %u\n", info->type,
			     info->type_version);
	if (info->clear)
		output_print(out, "clear       %s\n", words_clear(info->clear));
	if (info->isolation != RINGBUS_NAMED)
		output_print(out, "isolation   %s\n",
			     words_isolation(info->isolation));
	if (info->strict)
		output_print(out, "strict      yes\n");
	if (info->stuck_after_ns > 0)
		output_print(out, "stuck       kill after %.3f s\n",
			     (double)info->stuck_after_ns / 1e9);
	output_print(out, "slots       %" PRIu64 "\n", info->slots);
	output_print(out, "slot_size   %" PRIu64 "\n", info->slot_size);
	output_print(out, "event_size  %" PRIu64 "\n", info->event_size);
	output_print(out, "history     %" PRIu64 "\n", info->history);
	output_print(out, "memory      %s\n",
		     table_format_size(info->memory, memory));
	print_stream(info, out);
	output_print(out, "cursor      %" PRId64 "\n", info->cursor);
	output_print(out, "gating      %" PRId64 "\n", info->gating);
	output_print(out, "lag         %" PRId64 "\n",
		     info->cursor - info->gating);
}

static int
add_number(struct table *table, int64_t value, bool is_known)
{
	return is_known ? table_add(table, "%" PRId64, value)
			: table_add(table, "-");
}

static int
add_word(struct table *table, const char *word, bool is_known)
{
	return table_add(table, "%s", is_known ? word : "-");
}

static int
add_waits(struct table *table, const struct ringbus_member *member)
{
	int r = table_add(table, "%" PRIu64, member->sleeps);

	r |= table_add(table, "%" PRIu64, member->missed);
	r |= table_add(table, "%" PRIu64, member->wakes);
	return r;
}

/* Without a daemon nobody has noted who died since. */
static const char *
name_state(const struct ringbus_member *member, bool is_alone)
{
	if (is_alone && member->pid > 0 &&
	    member->state == RINGBUS_MEMBER_ATTACHED &&
	    strcmp(process_state(member->pid), "gone") == 0)
		return "gone";
	return words_state(member->state);
}

static int
add_member(struct table *table, const struct ringbus_member *member,
	   bool is_alone)
{
	bool reads = member->role == RINGBUS_CONSUMER;
	int r = table_add(table, "%s", words_member(member));

	r |= table_add(table, "%s", member->name);
	r |= add_number(table, member->pid, member->pid > 0);
	r |= table_add(table, "%s", name_state(member, is_alone));
	r |= add_word(table, words_slow(member->slow), reads);
	r |= add_word(table, member->gates ? "yes" : "no", reads);
	r |= add_number(table, member->sequence, reads);
	r |= add_number(table, member->lag, reads);
	r |= table_add(table, "%" PRIu64,
		       reads ? member->lost : member->dropped);
	r |= add_number(table, (int64_t)member->errors, reads);
	return r;
}

static int
print_members(const struct view *view, const struct show_args *args,
	      bool is_alone, struct output *out)
{
	struct table table;
	unsigned i;
	int r = 0;

	if (view->n_members == 0)
		return 0;
	table_init(&table, columns,
		   N_COLUMNS - (args->is_verbose ? 0 : N_VERBOSE));
	for (i = 0; i < view->n_members; i++) {
		r |= add_member(&table, &view->members[i], is_alone);
		if (args->is_verbose)
			r |= add_waits(&table, &view->members[i]);
	}
	if (r == 0) {
		output_string(out, "\n");
		table_print(&table, out);
	}
	table_deinit(&table);
	return r;
}

static int
print_view(const struct view *view, const struct show_args *args, bool is_alone,
	   struct output *out)
{
	int r;

	print_info(&view->info, out);
	placement_print(view, out);
	r = print_members(view, args, is_alone, out);
	tree_print(view, out);
	return r;
}

int
show_print(const struct view *view, struct output *out)
{
	return print_view(view, &show_defaults, false, out);
}

static enum ctl_exit
run_show(struct ctl *ctl, void *args_)
{
	const struct show_args *args = args_;
	const struct ringbus_channel *channel;
	enum ctl_exit code = ctl_look_at(ctl, &channel);
	struct output out;
	struct view view;
	int r;

	if (code != CTL_OK)
		return code;
	r = view_read(channel, &view);
	output_init(&out, STDOUT_FILENO);
	if (r == 0 && ctl->common.json)
		show_write(&view, &out);
	else if (r == 0)
		r = print_view(&view, args, ctl->is_alone, &out);
	return r < 0 ? ctl_failed(ctl, r) : ctl_finish(ctl, &out);
}

static const struct options_entry show_options[] = {
	{ 'v', "verbose", NULL, &options_flag,
	  offsetof(struct show_args, is_verbose),
	  "also how often members slept and woke others" },
	{ 0 },
};

const struct ctl_verb ctl_show = {
	.name = "show",
	.operands = "CHANNEL",
	.brief = "Show a channel, its members, and who comes after whom",
	.help = "LOST counts slots that were overwritten before a consumer "
		"read them, or that a producer\ndropped because the ring was "
		"full.\n",
	.min_operands = 1,
	.max_operands = 1,
	.options = show_options,
	.defaults = &show_defaults,
	.args_size = sizeof(show_defaults),
	.run = run_show,
};
