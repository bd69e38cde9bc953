/* SPDX-License-Identifier: MIT */
/*
 * wait.c - until a channel is there, or is as a script needs it
 *
 * For what starts before the daemon does: whatever is not there yet is looked for
 * again, with naps between, as long as there is time. Once the channel is open, its
 * memory tells the rest, and a daemon that dies is not missed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/words.h"

/* Between two looks; the first comes soon. */
#define NAP_MIN_NS (CTL_SLICE_NS / 50)
#define NAP_MAX_NS (CTL_SLICE_NS / 2)

enum wait_kind {
	WAIT_PRESENT,
	WAIT_CONSUMER,
	WAIT_PRODUCER,
	WAIT_SEQUENCE,
	WAIT_DRAINED,
	WAIT_ENDED,
};

/* What is waited for. */
struct wish {
	enum wait_kind kind;
	const char *name; /* of the member; NULL: any */
	int64_t sequence;
};

struct wait_args {
	struct wish wish;
	int64_t timeout_ns;
};

#define WHY_SIZE 512

struct wait {
	struct ctl *ctl;
	const struct wish *wish;
	struct ringbus_tap *tap;
	char why[WHY_SIZE]; /* it is not yet so */
};

/* ------------------------------------------------------------------ looking */

static bool
is_attached(const struct ringbus_member *m)
{
	return m->state == RINGBUS_MEMBER_ATTACHED ||
	       m->state == RINGBUS_MEMBER_PARKED;
}

static bool
has_any(const struct ringbus_channel *channel, int role)
{
	struct ringbus_member m = { .size = sizeof(m) };

	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++)
		if (ringbus_channel_member(channel, role, i, &m) == 1 &&
		    is_attached(&m))
			return true;
	return false;
}

static bool
has_member(struct wait *wait, const struct ringbus_channel *channel, int role)
{
	struct ringbus_member m = { .size = sizeof(m) };
	const char *name = wait->wish->name;
	int found;

	if (name == NULL) {
		snprintf(wait->why, WHY_SIZE, "no %s is attached",
			 words_role(role));
		return has_any(channel, role);
	}
	found = ringbus_channel_find(channel, role, name, &m);
	snprintf(wait->why, WHY_SIZE, "%s %s is %s", words_role(role), name,
		 found == 1 ? words_state(m.state) : "not there");
	return found == 1 && is_attached(&m);
}

/* Of several producers what is claimed may have a hole. */
static bool
is_published(struct wait *wait, const struct ringbus_channel *channel,
	     const struct ringbus_info *info)
{
	struct ringbus_hole hole = { .size = sizeof(hole) };
	int64_t last = info->cursor;

	if (info->producers == RINGBUS_MULTI &&
	    ringbus_channel_hole(channel, &hole) == 1)
		last = hole.sequence - 1;
	snprintf(wait->why, WHY_SIZE, "it is at %" PRId64, last);
	return last >= wait->wish->sequence;
}

static bool
is_drained(struct wait *wait, const struct ringbus_channel *channel)
{
	struct ringbus_member m = { .size = sizeof(m) };
	char text[CTL_LAGGARD_TEXT];

	if (ringbus_channel_laggard(channel, 0, &m) != 1)
		return true;
	snprintf(wait->why, WHY_SIZE, "%s", ctl_describe_laggard(&m, text));
	return false;
}

static bool
is_so(struct wait *wait, const struct ringbus_channel *channel,
      const struct ringbus_info *info)
{
	switch (wait->wish->kind) {
	case WAIT_PRESENT:
		return true;
	case WAIT_CONSUMER:
		return has_member(wait, channel, RINGBUS_CONSUMER);
	case WAIT_PRODUCER:
		return has_member(wait, channel, RINGBUS_PRODUCER);
	case WAIT_SEQUENCE:
		return is_published(wait, channel, info);
	case WAIT_DRAINED:
		return is_drained(wait, channel);
	case WAIT_ENDED:
		break;
	}
	snprintf(wait->why, WHY_SIZE, "its stream is open");
	return info->ended != 0;
}

/* 1: it is so; 0: not yet; or an errno. What has ended may be made anew. */
static int
look(struct wait *wait)
{
	const struct ringbus_channel *channel = ringbus_tap_channel(wait->tap);
	struct ringbus_info info = { .size = sizeof(info) };
	int r = ringbus_channel_info(channel, &info);

	if (r < 0)
		return r;
	if (is_so(wait, channel, &info))
		return 1;
	if (info.ended) {
		ringbus_tap_close(wait->tap);
		wait->tap = NULL;
	}
	return 0;
}

/* ------------------------------------------------------------------ opening */

/* It may be there a moment later. */
static bool
is_passing(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -ECONNRESET ||
	       err == -ETIMEDOUT || err == -ESHUTDOWN || err == -EUSERS;
}

static int
open_bus(struct wait *wait)
{
	const struct ctl_common *common = &wait->ctl->common;
	int r;

	if (wait->ctl->bus != NULL)
		return 0;
	r = common->shm_dir != NULL
		    ? ringbus_open_folder(common->shm_dir, &wait->ctl->bus)
		    : ringbus_connect_within(common->socket, CTL_SECOND_NS,
					     &wait->ctl->bus);
	if (r < 0)
		snprintf(wait->why, WHY_SIZE, "%s: %s", ringbus_error(NULL),
			 ringbus_strerror(r));
	return r;
}

static int
open_tap(struct wait *wait)
{
	const char *name = wait->ctl->operands[0];
	int r = open_bus(wait);

	if (r < 0 || wait->tap != NULL)
		return r;
	r = ringbus_tap_open(wait->ctl->bus, name, NULL, &wait->tap);
	if (r == 0)
		return 0;
	snprintf(wait->why, WHY_SIZE, "%s", ringbus_error(wait->ctl->bus));
	if (r == -ECONNRESET || r == -ETIMEDOUT) {
		ringbus_close(wait->ctl->bus);
		wait->ctl->bus = NULL;
	}
	return r;
}

/* ------------------------------------------------------------------ waiting */

static int
turn(struct wait *wait)
{
	int r = open_tap(wait);

	if (r == 0)
		return look(wait);
	return is_passing(r) ? 0 : r;
}

static int
wait_for(struct wait *wait, int64_t timeout_ns)
{
	int64_t start = ctl_now_ns(), nap = NAP_MIN_NS, left;
	int r;

	for (;;) {
		r = turn(wait);
		if (r != 0)
			return r;
		left = timeout_ns < 0 ? nap
				      : timeout_ns - (ctl_now_ns() - start);
		if (left <= 0)
			return -ETIMEDOUT;
		r = interrupt_wait(-1, 0, left < nap ? left : nap);
		if (r < 0)
			return r;
		nap = nap * 2 < NAP_MAX_NS ? nap * 2 : NAP_MAX_NS;
	}
}

static enum ctl_exit
run_wait(struct ctl *ctl, void *args_)
{
	const struct wait_args *args = args_;
	struct wait wait = { .ctl = ctl, .wish = &args->wish };
	int r = wait_for(&wait, args->timeout_ns);

	ringbus_tap_close(wait.tap);
	if (r == 1)
		return CTL_OK;
	if (r == -EINTR)
		return CTL_INTERRUPTED;
	if (r == -ETIMEDOUT)
		ctl_say(ctl, "not within --timeout: %s", wait.why);
	else if (wait.why[0] != '\0')
		ctl_say(ctl, "%s", wait.why);
	else
		return ctl_failed(ctl, r);
	return ctl_exit_code(r);
}

/* ------------------------------------------------------------------ options */

/* The part of `text` behind "KEY="; NULL if it is another key. */
static const char *
value_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	return strncmp(text, key, length) == 0 && text[length] == '='
		       ? text + length + 1
		       : NULL;
}

static int
parse_wish(const char *text, void *target)
{
	static const char *const plain[] = {
		[WAIT_PRESENT] = "present",   [WAIT_CONSUMER] = "consumer",
		[WAIT_PRODUCER] = "producer", [WAIT_SEQUENCE] = "",
		[WAIT_DRAINED] = "drained",   [WAIT_ENDED] = "ended",
	};
	const char *consumer = value_of(text, "consumer");
	const char *producer = value_of(text, "producer");
	const char *sequence = value_of(text, "seq");
	struct wish wish = { .name = consumer != NULL ? consumer : producer };
	int i = options_choose(text, plain, 6);

	if (wish.name != NULL)
		wish.kind = consumer != NULL ? WAIT_CONSUMER : WAIT_PRODUCER;
	else if (sequence != NULL)
		wish.kind = WAIT_SEQUENCE;
	else if (i >= 0 && i != WAIT_SEQUENCE)
		wish.kind = (enum wait_kind)i;
	else
		return -EINVAL;
	if ((wish.name != NULL && wish.name[0] == '\0') ||
	    (sequence != NULL &&
	     options_read_sequence(sequence, &wish.sequence) < 0))
		return -EINVAL;
	*(struct wish *)target = wish;
	return 0;
}

static const struct options_type wish_type = {
	parse_wish, "one of present, consumer[=NAME], producer[=NAME], seq=N, "
		    "drained, ended"
};

#define AT(name_) offsetof(struct wait_args, name_)

static const struct options_entry wait_options[] = {
	{ 0, "for", "WHAT", &wish_type, AT(wish),
	  "present, consumer=NAME, producer, seq=N, drained or ended" },
	{ 't', "timeout", "TIME", &options_duration, AT(timeout_ns),
	  "give up after so long" },
	{ 0 },
};

static const struct wait_args wait_defaults = {
	.wish = { .kind = WAIT_PRESENT },
	.timeout_ns = RINGBUS_FOREVER,
};

const struct ctl_verb ctl_wait = {
	.name = "wait",
	.operands = "CHANNEL",
	.brief = "Wait until a channel is there, or is as a script needs it",
	.help = "The daemon need not be there yet.\n",
	.min_operands = 1,
	.max_operands = 1,
	.options = wait_options,
	.defaults = &wait_defaults,
	.args_size = sizeof(wait_defaults),
	.run = run_wait,
};
