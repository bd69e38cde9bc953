/* SPDX-License-Identifier: MIT */
/*
 * end.c - end the stream of a channel: at its end, or now
 *
 * Draining is watched from outside, through a tap: no place of a producer is
 * needed for it, and the channel's members are not disturbed. The tap is opened
 * before anything is ended, so that who may not look has not ended it either.
 */
#include <errno.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/json.h"

/* Between two looks at who is still reading. */
#define LOOK_NS (CTL_SLICE_NS / 10)

struct end_args {
	bool now;
	int64_t drain_ns; /* < 0: not at all */
};

/* Who is not done. */
struct laggards {
	struct ringbus_member members[RINGBUS_MEMBERS_MAX];
	unsigned n;
};

static void
find_laggards(const struct ringbus_channel *channel, struct laggards *ret)
{
	struct ringbus_member *member;

	for (ret->n = 0; ret->n < RINGBUS_MEMBERS_MAX; ret->n++) {
		member = &ret->members[ret->n];
		member->size = sizeof(*member);
		if (ringbus_channel_laggard(channel, ret->n, member) != 1)
			break;
	}
}

/* 0, or -EINTR. Who is left after that time is in *ret. */
static int
drain(const struct ringbus_channel *channel, int64_t drain_ns,
      struct laggards *ret)
{
	int64_t start = ctl_now_ns(), left;
	int r;

	for (;;) {
		find_laggards(channel, ret);
		left = drain_ns - (ctl_now_ns() - start);
		if (ret->n == 0 || left <= 0)
			return 0;
		r = interrupt_wait(-1, 0, left < LOOK_NS ? left : LOOK_NS);
		if (r < 0)
			return r;
	}
}

static void
say_laggards(const struct ctl *ctl, const struct laggards *laggards)
{
	char text[CTL_LAGGARD_TEXT];
	unsigned i;

	for (i = 0; i < laggards->n; i++)
		ctl_say(ctl, "not drained: %s",
			ctl_describe_laggard(&laggards->members[i], text));
}

static enum ctl_exit
write_laggards(const struct ctl *ctl, const struct laggards *laggards)
{
	const struct ringbus_member *member;
	struct output out;
	struct json json;
	unsigned i;

	output_init(&out, STDOUT_FILENO);
	json_begin(&json, &out);
	json_string(&json, "channel", ctl->operands[0]);
	json_bool(&json, "ended", true);
	json_open(&json, "laggards", '[');
	for (i = 0; i < laggards->n; i++) {
		member = &laggards->members[i];
		json_open(&json, NULL, '{');
		json_string(&json, "name", member->name);
		json_int(&json, "pid", member->pid);
		json_int(&json, "sequence", member->sequence);
		json_int(&json, "lag", member->lag);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_end(&json);
	return ctl_finish(ctl, &out);
}

static enum ctl_exit
report(const struct ctl *ctl, const struct laggards *laggards)
{
	enum ctl_exit code = CTL_OK;

	say_laggards(ctl, laggards);
	if (ctl->common.json)
		code = write_laggards(ctl, laggards);
	return code == CTL_OK && laggards->n > 0 ? CTL_NOT_DRAINED : code;
}

/* With the stream ended, and aborted behind the drain if asked for. */
static enum ctl_exit
end_and_drain(struct ctl *ctl, const struct end_args *args,
	      const struct ringbus_channel *channel)
{
	const char *name = ctl->operands[0];
	struct laggards laggards;
	int r = ringbus_end(ctl->bus, name);

	if (r < 0)
		return ctl_refused(ctl, r);
	if (drain(channel, args->drain_ns, &laggards) < 0)
		return CTL_INTERRUPTED;
	if (args->now && laggards.n > 0) {
		r = ringbus_abort(ctl->bus, name);
		if (r < 0)
			return ctl_refused(ctl, r);
	}
	return report(ctl, &laggards);
}

static enum ctl_exit
run_drain(struct ctl *ctl, const struct end_args *args)
{
	enum ctl_exit code = ctl_connect(ctl);
	struct ringbus_tap *tap;
	int r;

	if (code != CTL_OK)
		return code;
	r = ringbus_tap_open(ctl->bus, ctl->operands[0], NULL, &tap);
	if (r < 0)
		return ctl_refused(ctl, r);
	code = end_and_drain(ctl, args, ringbus_tap_channel(tap));
	ringbus_tap_close(tap);
	return code;
}

static enum ctl_exit
run_end(struct ctl *ctl, void *args_)
{
	const struct end_args *args = args_;

	if (args->drain_ns >= 0)
		return run_drain(ctl, args);
	return ctl_request(ctl, args->now ? ringbus_abort : ringbus_end,
			   "ended");
}

#define AT(name_) offsetof(struct end_args, name_)

static const struct options_entry end_options[] = {
	{ 0, "now", NULL, &options_flag, AT(now),
	  "consumers read nothing more, whatever is left" },
	{ 0, "drain", "TIME", &options_duration, AT(drain_ns),
	  "wait until all is read, and name who has not" },
	{ 0 },
};

static const struct end_args end_defaults = { .drain_ns = -1 };

const struct ctl_verb ctl_end = {
	.name = "channel close",
	.alias = "end",
	.operands = "CHANNEL",
	.brief = "End the stream of a channel, for good",
	.help = "Consumers read what is there and are then told that it was "
		"all. With both options,\nwho has not read all of it in TIME "
		"is cut off.\n",
	.min_operands = 1,
	.max_operands = 1,
	.options = end_options,
	.defaults = &end_defaults,
	.args_size = sizeof(end_defaults),
	.run = run_end,
};
