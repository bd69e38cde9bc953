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
#include "client/ctl/view.h"
#include "client/ctl/words.h"

enum wait_kind {
	WAIT_SPACE, /* producers, for a consumer or a hole */
	WAIT_EVENT, /* consumers, for a producer */
	WAIT_STAGE, /* a consumer, for one that it comes after */
};

struct wait {
	enum wait_kind kind;
	const struct ringbus_member *who;     /* of WAIT_STAGE */
	const struct ringbus_member *blocker; /* NULL: not known */
};

struct why {
	struct view view;
	struct ringbus_hole hole;
	bool has_hole;
	int64_t capacity;
	int64_t free;
	struct wait waits[RINGBUS_MEMBERS_MAX + 2];
	unsigned n_waits;
};

/* ----------------------------------------------------------------- finding */

static void
add(struct why *why, enum wait_kind kind, const struct ringbus_member *who,
    const struct ringbus_member *blocker)
{
	why->waits[why->n_waits++] = (struct wait){ kind, who, blocker };
}

/* It reads, or will when it comes back: not a worker, which is its group. */
static bool
is_reader(const struct ringbus_member *m)
{
	return m->role == RINGBUS_CONSUMER && m->worker_of < 0 &&
	       m->state != RINGBUS_MEMBER_DECLARED &&
	       m->state != RINGBUS_MEMBER_EVICTED;
}

static const struct ringbus_member *
find_slowest(const struct view *view)
{
	const struct ringbus_member *slowest = NULL;

	for (unsigned i = 0; i < view->n_members; i++) {
		const struct ringbus_member *m = &view->members[i];

		if (m->gates && is_reader(m) &&
		    (slowest == NULL || m->sequence < slowest->sequence))
			slowest = m;
	}
	return slowest;
}

static const struct ringbus_member *
find_producer(const struct view *view, int index)
{
	for (unsigned i = 0; i < view->n_members; i++)
		if (view->members[i].role == RINGBUS_PRODUCER &&
		    (int)view->members[i].index == index)
			return &view->members[i];
	return NULL;
}

static const struct ringbus_member *
owner_of_hole(const struct why *why)
{
	return why->has_hole ? find_producer(&why->view, why->hole.producer)
			     : NULL;
}

/* Where nobody gates, producers do not lap what is not published. */
static void
find_space(struct why *why)
{
	const struct ringbus_info *info = &why->view.info;
	const struct ringbus_member *slowest = find_slowest(&why->view);
	int64_t gating = info->gating;

	if (slowest == NULL && why->has_hole)
		gating = why->hole.sequence - 1;
	why->capacity = (int64_t)(info->slots - info->history);
	why->free = why->capacity - (info->cursor - gating);
	if (why->free > why->capacity)
		why->free = why->capacity;
	if (why->free > 0)
		return;
	why->free = 0;
	if (slowest == NULL)
		slowest = owner_of_hole(why);
	add(why, WAIT_SPACE, NULL, slowest);
}

static bool
stands_at(const struct ringbus_member *m, int64_t sequence)
{
	return is_reader(m) && m->sequence == sequence - 1;
}

static bool
stands_at_hole(const struct why *why, const struct ringbus_member *m)
{
	return why->has_hole && stands_at(m, why->hole.sequence);
}

static bool
is_at_break(const struct why *why)
{
	int64_t broken = why->view.info.broken;

	return broken >= 0 && (!why->has_hole || why->hole.sequence == broken);
}

static void
find_event(struct why *why)
{
	bool waits = is_at_break(why);

	for (unsigned i = 0; i < why->view.n_members && !waits; i++)
		waits = stands_at_hole(why, &why->view.members[i]);
	if (waits)
		add(why, WAIT_EVENT, NULL, owner_of_hole(why));
}

/* Those that it waits for: who is not there stands for those before it. */
static uint64_t
deps_of(const struct view *view, uint64_t after)
{
	uint64_t deps = 0, seen = 0;

	while ((after &= ~seen) != 0) {
		unsigned i = (unsigned)__builtin_ctzll(after);
		const struct ringbus_member *m = view_consumer(view, i);

		seen |= UINT64_C(1) << i;
		if (m == NULL)
			continue;
		if (is_reader(m))
			deps |= UINT64_C(1) << i;
		else
			after |= m->after;
	}
	return deps;
}

static const struct ringbus_member *
find_stage_before(const struct view *view, const struct ringbus_member *who)
{
	const struct ringbus_member *slowest = NULL;

	for (uint64_t deps = deps_of(view, who->after); deps != 0;
	     deps &= deps - 1) {
		const struct ringbus_member *m = view_consumer(
			view, (unsigned)__builtin_ctzll(deps));

		if (slowest == NULL || m->sequence < slowest->sequence)
			slowest = m;
	}
	return slowest;
}

/* It has done all that it was given, and the one before it has more to do. */
static void
find_stages(struct why *why)
{
	const struct view *view = &why->view;

	for (unsigned i = 0; i < view->n_members; i++) {
		const struct ringbus_member *m = &view->members[i], *before;

		if (!is_reader(m) || stands_at_hole(why, m))
			continue;
		before = find_stage_before(view, m);
		if (before != NULL && before->lag > 0 &&
		    m->sequence >= before->sequence)
			add(why, WAIT_STAGE, m, before);
	}
}

static int
read_all(const struct ringbus_channel *channel, struct why *why)
{
	int r;

	memset(why, 0, sizeof(*why));
	r = view_read(channel, &why->view);
	if (r < 0)
		return r;
	why->hole.size = sizeof(why->hole);
	why->has_hole = ringbus_channel_hole(channel, &why->hole) == 1;
	find_space(why);
	find_event(why);
	find_stages(why);
	return 0;
}

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
	output_string(out, "\n");
}

static void
print_event(const struct why *why, const struct wait *wait, struct output *out)
{
	const struct ringbus_hole *hole = &why->hole;
	const char *name = why->view.info.name;
	char who[WHO_SIZE] = "a producer";

	if (wait->blocker != NULL)
		describe(why, wait->blocker, who);
	if (is_at_break(why) && !why->has_hole)
		output_print(out, "the stream stops at %" PRId64 "\n",
			     why->view.info.broken);
	else if (is_at_break(why))
		output_print(out,
			     "the stream stops at %" PRId64 ": %s died with "
			     "%" PRId64 "..%" PRId64 " claimed and not "
			     "published; `ringbusctl mend %s` gives that up\n",
			     hole->sequence, who, hole->first, hole->last,
			     name);
	else if (hole->state == RINGBUS_HOLE_CLAIMED)
		output_print(out,
			     "consumers wait at %" PRId64 " for %s, which has "
			     "claimed %" PRId64 "..%" PRId64 " and not "
			     "published\n",
			     hole->sequence, who, hole->first, hole->last);
	else
		output_print(out,
			     "consumers wait at %" PRId64 " for %s, which is "
			     "just claiming\n",
			     hole->sequence, who);
}

static void
print_stage(const struct why *why, const struct wait *wait, struct output *out)
{
	char who[WHO_SIZE];

	output_print(out, "%s waits for %s: %" PRId64 " behind\n",
		     wait->who->name, describe(why, wait->blocker, who),
		     wait->blocker->lag);
}

static void
print_text(const struct why *why, struct output *out)
{
	static void (*const print[])(const struct why *, const struct wait *,
				     struct output *) = {
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
		bool waits = m == wait->who;

		if (wait->kind == WAIT_SPACE)
			waits = m->role == RINGBUS_PRODUCER &&
				m != wait->blocker;
		else if (wait->kind == WAIT_EVENT)
			waits = stands_at_hole(why, m);
		if (waits)
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

static void
write_wait(struct json *json, const struct why *why, const struct wait *wait)
{
	static const char *const kinds[] = {
		[WAIT_SPACE] = "space",
		[WAIT_EVENT] = "event",
		[WAIT_STAGE] = "stage",
	};

	json_open(json, NULL, '{');
	json_string(json, "for", kinds[wait->kind]);
	write_who(json, why, wait);
	if (wait->blocker != NULL)
		write_blocker(json, wait->blocker);
	if (wait->kind == WAIT_EVENT && why->has_hole) {
		json_int(json, "at", why->hole.sequence);
		json_int(json, "first", why->hole.first);
		json_int(json, "last", why->hole.last);
	}
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
	enum ctl_exit code = ctl_connect_to_look(ctl);
	struct ringbus_tap *tap;
	struct output out;
	struct why why;
	int r;

	(void)args;
	if (code != CTL_OK)
		return code;
	r = ctl_open_tap(ctl, ctl->operands[0], NULL, &tap);
	if (r < 0)
		return ctl_refused(ctl, r);
	r = read_all(ringbus_tap_channel(tap), &why);
	ringbus_tap_close(tap);
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
