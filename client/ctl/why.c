/* SPDX-License-Identifier: MIT */
/*
 * why.c - who waits for whom, by name and by how much
 *
 * Read from shared memory through a tap, all of it once, and then from /proc what
 * the processes are doing that others wait for. Everybody goes on meanwhile: what
 * is the same twice is so. Only those are told that are held up by somebody: a
 * consumer that has read everything waits for nobody.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/json.h"
#include "client/ctl/process.h"
#include "client/ctl/waits.h"
#include "client/ctl/when.h"
#include "client/ctl/words.h"

/* -------------------------------------------------------------------- text */

#define WHO_SIZE 160

static const char *
describe(const struct why *why, const struct ringbus_member *m, char *text)
{
	const char *state = words_state(m->state);
	bool is_there = m->state == RINGBUS_MEMBER_ATTACHED;

	if (m->group)
		snprintf(text, WHO_SIZE, "group %s (%u workers)", m->name,
			 view_count_workers(&why->view, m));
	else if (m->pid <= 0)
		snprintf(text, WHO_SIZE, "%s %s (%s)", words_role(m->role),
			 m->name, state);
	else
		snprintf(text, WHO_SIZE, "%s %s (pid %" PRId64 ", %s%s%s)",
			 words_role(m->role), m->name, m->pid,
			 is_there ? "" : state, is_there ? "" : ", ",
			 process_state(m->pid));
	return text;
}

/* For how long, where that is known; and on, to who is at the root of it. */
static void
print_rest(const struct why *why, const struct wait *wait, struct output *out)
{
	int64_t ns = waits_longest(why, wait);
	const struct ringbus_member *m = wait->blocker;
	char text[WHO_SIZE];

	if (ns > 0)
		output_print(out, ", for %s", when_format_span(ns, text));
	for (unsigned i = 0; m != NULL && i < RINGBUS_MEMBERS_MAX; i++) {
		m = waits_blocker_of(why, m);
		if (m != NULL)
			output_print(out, ", which waits for %s",
				     describe(why, m, text));
	}
	output_string(out, "\n");
}

static void
print_pause(const struct why *why, const struct wait *wait, struct output *out)
{
	char since[WHEN_TEXT];

	output_print(out,
		     "producers wait for an operator, who has paused the "
		     "channel since %s; `ringbusctl channel resume %s` lets "
		     "them go on",
		     when_format(why->view.info.paused_ns, since),
		     why->view.info.name);
	print_rest(why, wait, out);
}

static void
print_space(const struct why *why, const struct wait *wait, struct output *out)
{
	const struct ringbus_member *m = wait->blocker;
	char who[WHO_SIZE] = "each other";

	if (m != NULL)
		describe(why, m, who);
	output_print(out, "producers wait for %s: 0 of %" PRId64 " slots free",
		     who, why->capacity);
	if (m != NULL && m->role == RINGBUS_CONSUMER)
		output_print(out, ", it is at %" PRId64 ", %" PRId64 " behind",
			     m->sequence, m->lag);
	print_rest(why, wait, out);
}

static void
print_event(const struct why *why, const struct wait *wait, struct output *out)
{
	const struct ringbus_hole *hole = &why->hole;
	const char *name = why->view.info.name;
	char who[WHO_SIZE] = "a producer";

	if (wait->blocker != NULL)
		describe(why, wait->blocker, who);
	if (waits_at_break(why) && !why->has_hole)
		output_print(out, "the stream stops at %" PRId64,
			     why->view.info.broken);
	else if (waits_at_break(why))
		output_print(out,
			     "the stream stops at %" PRId64 ": %s died with "
			     "%" PRId64 "..%" PRId64 " claimed and not "
			     "published; `ringbusctl mend %s` gives that up",
			     hole->sequence, who, hole->first, hole->last,
			     name);
	else if (hole->state == RINGBUS_HOLE_CLAIMED)
		output_print(out,
			     "consumers wait at %" PRId64 " for %s, which has "
			     "claimed %" PRId64 "..%" PRId64 " and not "
			     "published",
			     hole->sequence, who, hole->first, hole->last);
	else
		output_print(out,
			     "consumers wait at %" PRId64 " for %s, which is "
			     "just claiming",
			     hole->sequence, who);
	print_rest(why, wait, out);
}

static void
print_stage(const struct why *why, const struct wait *wait, struct output *out)
{
	char who[WHO_SIZE];

	output_print(out, "%s waits for %s: %" PRId64 " behind",
		     wait->who->name, describe(why, wait->blocker, who),
		     wait->blocker->lag);
	print_rest(why, wait, out);
}

static void
print_text(const struct why *why, struct output *out)
{
	static void (*const print[])(const struct why *, const struct wait *,
				     struct output *) = {
		[WAIT_OPERATOR] = print_pause,
		[WAIT_SPACE] = print_space,
		[WAIT_EVENT] = print_event,
		[WAIT_STAGE] = print_stage,
	};

	for (unsigned i = 0; i < why->n_waits; i++)
		print[why->waits[i].kind](why, &why->waits[i], out);
	if (why->n_waits == 0)
		output_string(out, "nobody waits\n");
}

/* -------------------------------------------------------------------- JSON */

static void
write_who(struct json *json, const struct why *why, const struct wait *wait)
{
	json_open(json, "who", '[');
	for (unsigned i = 0; i < why->view.n_members; i++) {
		const struct ringbus_member *m = &why->view.members[i];

		if (waits_has(why, wait, m))
			json_string(json, NULL, m->name);
	}
	json_close(json, ']');
}

static void
write_blocker(struct json *json, const struct ringbus_member *m)
{
	json_string(json, "role", words_role(m->role));
	json_string(json, "name", m->name);
	json_int(json, "pid", m->pid);
	json_string(json, "state", words_state(m->state));
	if (m->pid > 0)
		json_string(json, "process", process_state(m->pid));
	if (m->role == RINGBUS_CONSUMER) {
		json_int(json, "sequence", m->sequence);
		json_int(json, "lag", m->lag);
	}
}

/* Whom the blocker waits for, whom that one does, and so on. */
static void
write_roots(struct json *json, const struct why *why,
	    const struct ringbus_member *m)
{
	json_open(json, "which_waits_for", '[');
	for (unsigned i = 0; m != NULL && i < RINGBUS_MEMBERS_MAX; i++) {
		m = waits_blocker_of(why, m);
		if (m != NULL)
			json_string(json, NULL, m->name);
	}
	json_close(json, ']');
}

static void
write_wait(struct json *json, const struct why *why, const struct wait *wait)
{
	static const char *const kinds[] = {
		[WAIT_OPERATOR] = "operator",
		[WAIT_SPACE] = "space",
		[WAIT_EVENT] = "event",
		[WAIT_STAGE] = "stage",
	};

	json_open(json, NULL, '{');
	json_string(json, "for", kinds[wait->kind]);
	write_who(json, why, wait);
	if (wait->blocker != NULL)
		write_blocker(json, wait->blocker);
	if (wait->kind == WAIT_OPERATOR)
		json_int(json, "paused_ns", why->view.info.paused_ns);
	if (wait->kind == WAIT_EVENT && why->has_hole) {
		json_int(json, "at", why->hole.sequence);
		json_int(json, "first", why->hole.first);
		json_int(json, "last", why->hole.last);
	}
	json_int(json, "waiting_ns", waits_longest(why, wait));
	write_roots(json, why, wait->blocker);
	json_close(json, '}');
}

static void
write_json(const struct why *why, struct output *out)
{
	struct json json;

	json_begin(&json, out);
	json_string(&json, "channel", why->view.info.name);
	json_int(&json, "capacity", why->capacity);
	json_int(&json, "free", why->free);
	json_int(&json, "broken", why->view.info.broken);
	json_open(&json, "waits", '[');
	for (unsigned i = 0; i < why->n_waits; i++)
		write_wait(&json, why, &why->waits[i]);
	json_close(&json, ']');
	json_end(&json);
}

static enum ctl_exit
run_why(struct ctl *ctl, void *args)
{
	const struct ringbus_channel *channel;
	enum ctl_exit code = ctl_look_at(ctl, &channel);
	struct output out;
	struct why why;
	int r;

	(void)args;
	if (code != CTL_OK)
		return code;
	r = waits_read(channel, &why);
	if (r < 0)
		return ctl_failed(ctl, r);
	output_init(&out, STDOUT_FILENO);
	if (ctl->common.json)
		write_json(&why, &out);
	else
		print_text(&why, &out);
	return ctl_finish(ctl, &out);
}

const struct ctl_verb ctl_why = {
	.name = "why",
	.operands = "CHANNEL",
	.brief = "Tell who waits for whom, and by how much",
	.help = "Of each process that others wait for it tells whether it "
		"runs, sleeps or is stopped.\nPids are those of the PID "
		"namespace that the daemon is in.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_why,
};
