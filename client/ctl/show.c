/* SPDX-License-Identifier: MIT */
/*
 * show.c - one channel: what it is, how far it has come, who is there
 *
 * Read from shared memory through a tap, so it shows what the members see, not
 * what the daemon believes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/json.h"
#include "client/ctl/table.h"
#include "client/ctl/words.h"

#define MEMBERS_MAX 64

static const struct table_column columns[] = {
	{ "ROLE", false },  { "NAME", false },    { "PID", true },
	{ "STATE", false }, { "SEQUENCE", true }, { "LAG", true },
	{ "GATES", false }, { "AFTER", false },   { "SLEEPS", true },
	{ "MISSED", true }, { "WAKES", true },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* A copy of all that is shown, made at once. */
struct view {
	struct ringbus_info info;
	struct ringbus_member members[2 * MEMBERS_MAX];
	unsigned n_members;
};

static void
read_members(const struct ringbus_channel *channel, int role, struct view *view)
{
	struct ringbus_member *member;
	unsigned i;

	for (i = 0; i < MEMBERS_MAX; i++) {
		member = &view->members[view->n_members];
		member->size = sizeof(*member);
		if (ringbus_channel_member(channel, role, i, member) == 1)
			view->n_members++;
	}
}

static int
read_view(const struct ringbus_channel *channel, struct view *view)
{
	memset(view, 0, sizeof(*view));
	view->info.size = sizeof(view->info);
	read_members(channel, RINGBUS_PRODUCER, view);
	read_members(channel, RINGBUS_CONSUMER, view);
	return ringbus_channel_info(channel, &view->info);
}

/* The name of consumer `index`, or NULL if it has gone. */
static const char *
name_consumer(const struct view *view, unsigned index)
{
	const struct ringbus_member *member;
	unsigned i;

	for (i = 0; i < view->n_members; i++) {
		member = &view->members[i];
		if (member->role == RINGBUS_CONSUMER && member->index == index)
			return member->name;
	}
	return NULL;
}

/* -------------------------------------------------------------------- JSON */

static void
write_after(struct json *json, const struct view *view, uint64_t after)
{
	const char *name;
	unsigned i;

	json_open(json, "after", '[');
	for (i = 0; i < MEMBERS_MAX; i++) {
		name = after >> i & 1 ? name_consumer(view, i) : NULL;
		if (name != NULL)
			json_string(json, NULL, name);
	}
	json_close(json, ']');
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
	if (member->role == RINGBUS_CONSUMER) {
		json_int(json, "sequence", member->sequence);
		json_int(json, "lag", member->lag);
		json_bool(json, "gates", member->gates != 0);
		write_after(json, view, member->after);
	}
	json_uint(json, "sleeps", member->sleeps);
	json_uint(json, "missed", member->missed);
	json_uint(json, "wakes", member->wakes);
	json_close(json, '}');
}

static void
write_view(const struct view *view, struct output *out)
{
	const struct ringbus_info *info = &view->info;
	struct json json;
	unsigned i;

	json_begin(&json, out);
	json_string(&json, "name", info->name);
	json_uint(&json, "generation", info->generation);
	json_string(&json, "framing", words_framing(info->framing));
	json_string(&json, "producers", words_producers(info->producers));
	json_string(&json, "wait", words_wait(info->wait));
	json_uint(&json, "slots", info->slots);
	json_uint(&json, "slot_size", info->slot_size);
	json_uint(&json, "event_size", info->event_size);
	json_uint(&json, "history", info->history);
	json_uint(&json, "memory", info->memory);
	json_bool(&json, "ended", info->ended != 0);
	json_int(&json, "cursor", info->cursor);
	json_int(&json, "gating", info->gating);
	json_int(&json, "lag", info->cursor - info->gating);
	json_open(&json, "members", '[');
	for (i = 0; i < view->n_members; i++)
		write_member(&json, view, &view->members[i]);
	json_close(&json, ']');
	json_end(&json);
}

/* -------------------------------------------------------------------- text */

static void
print_info(const struct ringbus_info *info, struct output *out)
{
	char memory[TABLE_SIZE_TEXT];

	output_print(out, "channel     %s\n", info->name);
	output_print(out, "generation  %" PRIu64 "\n", info->generation);
	output_print(out, "framing     %s\n", words_framing(info->framing));
	output_print(out, "producers   %s\n", words_producers(info->producers));
	output_print(out, "wait        %s\n", words_wait(info->wait));
	output_print(out, "slots       %" PRIu64 "\n", info->slots);
	output_print(out, "slot_size   %" PRIu64 "\n", info->slot_size);
	output_print(out, "event_size  %" PRIu64 "\n", info->event_size);
	output_print(out, "history     %" PRIu64 "\n", info->history);
	output_print(out, "memory      %s\n",
		     table_format_size(info->memory, memory));
	output_print(out, "stream      %s\n", info->ended ? "ended" : "open");
	output_print(out, "cursor      %" PRId64 "\n", info->cursor);
	output_print(out, "gating      %" PRId64 "\n", info->gating);
	output_print(out, "lag         %" PRId64 "\n",
		     info->cursor - info->gating);
}

/* "journal,replicate" */
static int
add_after(struct table *table, const struct view *view, uint64_t after)
{
	char text[MEMBERS_MAX * RINGBUS_NAME_SIZE] = "";
	size_t used = 0;
	const char *name;
	unsigned i;

	for (i = 0; i < MEMBERS_MAX; i++) {
		name = after >> i & 1 ? name_consumer(view, i) : NULL;
		if (name != NULL)
			used += (size_t)snprintf(text + used,
						 sizeof(text) - used, "%s%s",
						 used > 0 ? "," : "", name);
	}
	return table_add(table, "%s", used > 0 ? text : "-");
}

static int
add_number(struct table *table, int64_t value, bool is_known)
{
	return is_known ? table_add(table, "%" PRId64, value)
			: table_add(table, "-");
}

static int
add_member(struct table *table, const struct view *view,
	   const struct ringbus_member *member)
{
	bool reads = member->role == RINGBUS_CONSUMER;
	int r = table_add(table, "%s", words_role(member->role));

	r |= table_add(table, "%s", member->name);
	r |= add_number(table, member->pid, member->pid > 0);
	r |= table_add(table, "%s", words_state(member->state));
	r |= add_number(table, member->sequence, reads);
	r |= add_number(table, member->lag, reads);
	r |= table_add(table, "%s",
		       !reads          ? "-"
		       : member->gates ? "yes"
				       : "no");
	r |= add_after(table, view, reads ? member->after : 0);
	r |= table_add(table, "%" PRIu64, member->sleeps);
	r |= table_add(table, "%" PRIu64, member->missed);
	r |= table_add(table, "%" PRIu64, member->wakes);
	return r;
}

static int
print_members(const struct view *view, struct output *out)
{
	struct table table;
	unsigned i;
	int r = 0;

	if (view->n_members == 0)
		return 0;
	table_init(&table, columns, N_COLUMNS);
	for (i = 0; i < view->n_members; i++)
		r |= add_member(&table, view, &view->members[i]);
	if (r == 0) {
		output_string(out, "\n");
		table_print(&table, out);
	}
	table_deinit(&table);
	return r;
}

static enum ctl_exit
run_show(struct ctl *ctl, void *args)
{
	enum ctl_exit code = ctl_connect(ctl);
	struct ringbus_tap *tap;
	struct output out;
	struct view view;
	int r;

	(void)args;
	if (code != CTL_OK)
		return code;
	r = ringbus_tap_open(ctl->bus, ctl->operands[0], NULL, &tap);
	if (r < 0)
		return ctl_refused(ctl, r);
	r = read_view(ringbus_tap_channel(tap), &view);
	ringbus_tap_close(tap);
	output_init(&out, STDOUT_FILENO);
	if (r == 0 && ctl->common.json) {
		write_view(&view, &out);
	} else if (r == 0) {
		print_info(&view.info, &out);
		r = print_members(&view, &out);
	}
	return r < 0 ? ctl_failed(ctl, r) : ctl_finish(ctl, &out);
}

const struct ctl_verb ctl_show = {
	.name = "show",
	.operands = "CHANNEL",
	.brief = "Show a channel and its members",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_show,
};
