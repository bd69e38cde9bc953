/* SPDX-License-Identifier: MIT */
/*
 * tail.c - print what is published
 *
 * A tap by default: looking must not hold anybody up. With --gate it is a real
 * consumer, and commits what has been written and only that: the buffer is
 * flushed, and the reader commits, when it is half full or there is nothing to
 * read right now. So nobody waits for an event that has come, and a flood costs
 * one write for many.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/format.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/reader.h"
#include "client/ctl/words.h"

#define FLUSH_AT (OUTPUT_SIZE / 2)

struct tail_args {
	struct reader_options reader;
	int format;
	bool has_lengths;
	bool is_verbose;
	uint64_t count;     /* 0: all that comes */
	int64_t timeout_ns; /* of silence */
};

struct tail {
	struct ctl *ctl;
	const struct tail_args *args;
	struct reader reader;
	struct format format;
	struct output out;
	uint64_t n_events;
	int64_t lost;          /* of which somebody was told */
	int64_t lost_in_out;   /* the same for what is in the output, */
	int64_t missed_in_out; /* and of what was gone before */
	int64_t told_ns;
};

/* Written, then committed: after a failure others get it again. */
static int
settle(struct tail *tail)
{
	int r = output_flush(&tail->out);

	return r < 0 ? r : reader_commit(&tail->reader);
}

/* At most once a second, or a slow terminal would make it worse. */
static void
tell_lost(struct tail *tail, int64_t now)
{
	int64_t lost = reader_lost(&tail->reader);

	if (lost == tail->lost)
		return;
	if (tail->lost > 0 && now - tail->told_ns < CTL_SECOND_NS)
		return;
	ctl_say(tail->ctl,
		"lost %" PRId64 " slots, overwritten before they were read: "
		"write faster, or be a consumer that gates",
		lost - tail->lost);
	tail->lost = lost;
	tail->told_ns = now;
}

static void
note_gap(struct tail *tail, const struct format_gap *gap, int64_t *noted)
{
	struct format_gap more = *gap;

	if (gap->n == *noted)
		return;
	more.n -= *noted;
	*noted = gap->n;
	format_gap(&tail->format, &more, &tail->out);
}

static void
note_gaps(struct tail *tail, int64_t sequence)
{
	struct format_gap missed = { "missed", reader_missed(&tail->reader),
				     sequence };
	struct format_gap lost = { "lost", reader_lost(&tail->reader),
				   sequence };

	note_gap(tail, &missed, &tail->missed_in_out);
	if (lost.n == tail->lost_in_out)
		return;
	note_gap(tail, &lost, &tail->lost_in_out);
	tell_lost(tail, ctl_now_ns());
}

/* Waits in slices, to notice signals and a reader of ours that is gone. */
static int
wait_for_event(struct tail *tail, struct ringbus_event *ret)
{
	int64_t timeout = tail->args->timeout_ns, slice = CTL_SLICE_NS;
	int64_t start = ctl_now_ns(), waited = 0;
	int r;

	for (;;) {
		if (timeout >= 0 && timeout - waited < slice)
			slice = timeout - waited;
		r = reader_next(&tail->reader, slice, ret);
		if (r != -ETIMEDOUT && r != -EAGAIN)
			return r;
		waited = ctl_now_ns() - start;
		tell_lost(tail, start + waited);
		if (timeout >= 0 && waited >= timeout)
			return -ETIMEDOUT;
		if (interrupt_is_pending())
			return -EINTR;
		if (output_is_orphan(&tail->out))
			return -EPIPE;
	}
}

static int
next_event(struct tail *tail, struct ringbus_event *ret)
{
	int r = reader_next(&tail->reader, RINGBUS_NOW, ret);

	if (r != -EAGAIN && r != -ETIMEDOUT)
		return r;
	r = settle(tail);
	return r < 0 ? r : wait_for_event(tail, ret);
}

/* 0 after --count events, else why it stopped. */
static int
print_events(struct tail *tail)
{
	struct ringbus_event event;
	int r;

	for (;;) {
		r = next_event(tail, &event);
		if (r < 0)
			return r;
		note_gaps(tail, event.sequence);
		format_event(&tail->format, &event, &tail->out);
		if (tail->out.error != 0)
			return tail->out.error;
		if (++tail->n_events == tail->args->count)
			return 0;
		if (tail->out.used < FLUSH_AT)
			continue;
		r = settle(tail);
		if (r < 0)
			return r;
	}
}

/* ----------------------------------------------------------------- the end */

static enum ctl_exit
explain(const struct tail *tail, int err)
{
	if (tail->out.error != 0 && tail->out.error == err && err != -EPIPE &&
	    err != -EINTR) {
		ctl_say(tail->ctl, "cannot write to stdout: %s",
			strerror(-err));
		return CTL_FAILED;
	}
	switch (err) {
	case 0:
	case -EPIPE:
	case -ESHUTDOWN:
		return CTL_OK;
	case -EINTR:
		return CTL_INTERRUPTED;
	case -ETIMEDOUT:
		ctl_say(tail->ctl,
			"nothing came within --timeout, after %" PRIu64
			" events: is anybody publishing?",
			tail->n_events);
		return CTL_TIMED_OUT;
	default:
		return ctl_failed(tail->ctl, err);
	}
}

/* Nothing if it has seen everything. */
static void
tell_all_gaps(const struct tail *tail)
{
	int64_t missed = reader_missed(&tail->reader);
	int64_t lost = reader_lost(&tail->reader);

	if (missed == 0 && lost == 0)
		return;
	ctl_say(tail->ctl,
		"%" PRIu64 " events; missed %" PRId64
		" slots, gone when it came; lost %" PRId64
		" slots, overwritten before they were read",
		tail->n_events, missed, lost);
}

static enum ctl_exit
finish(struct tail *tail, int reason)
{
	int r = 0;

	tell_all_gaps(tail);
	if (tail->out.error == 0)
		r = settle(tail);
	return explain(tail, reason == 0 || reason == -ESHUTDOWN ? r : reason);
}

/* --------------------------------------------------------------- beginning */

static void
tell_attached(const struct tail *tail)
{
	const struct reader_options *options = &tail->args->reader;

	if (!tail->args->is_verbose)
		return;
	ctl_say(tail->ctl, "attached to %s as %s at sequence %" PRId64,
		tail->ctl->operands[0],
		options->gate != NULL ? options->gate : "tap",
		reader_start(&tail->reader, options->from));
}

static enum ctl_exit
follow(struct tail *tail)
{
	struct ctl *ctl = tail->ctl;
	struct ringbus_info info = { .size = sizeof(info) };
	enum ctl_exit code;
	int r;

	r = reader_open(&tail->reader, ctl->bus, ctl->operands[0],
			&tail->args->reader);
	if (tail->args->reader.gate == NULL && ctl_look_alone(ctl, r))
		r = reader_open(&tail->reader, ctl->bus, ctl->operands[0],
				&tail->args->reader);
	if (r < 0)
		return ctl_refused(ctl, r);
	r = ringbus_channel_info(reader_channel(&tail->reader), &info);
	if (r == 0) {
		tail->format = (struct format){
			.kind = ctl->common.json ? FORMAT_JSON
						 : tail->args->format,
			.channel = ctl->operands[0],
			.is_fixed = info.framing == RINGBUS_FIXED,
			.has_lengths = tail->args->has_lengths,
		};
		tell_attached(tail);
		r = print_events(tail);
	}
	code = finish(tail, r);
	reader_close(&tail->reader);
	return code;
}

static bool
wants_gate(const struct reader_options *options)
{
	return options->slow != RINGBUS_SLOW_DEFAULT || options->max_lag > 0 ||
	       options->after != NULL || options->from == RINGBUS_FROM_RESUME;
}

static enum ctl_exit
run_tail(struct ctl *ctl, void *args_)
{
	const struct tail_args *args = args_;
	struct tail tail = { .ctl = ctl, .args = args };
	enum ctl_exit code;

	if (args->reader.gate == NULL && wants_gate(&args->reader))
		return ctl_misused(ctl,
				   "--slow, --max-lag, --after and --from "
				   "resume are for a consumer: name it with "
				   "--gate");
	if (args->has_lengths &&
	    (args->format != FORMAT_RAW || ctl->common.json))
		return ctl_misused(ctl, "--lengths needs --format raw");
	/* A reader that has had enough, like head(1), is no failure. */
	signal(SIGPIPE, SIG_IGN);
	output_init(&tail.out, STDOUT_FILENO);
	code = args->reader.gate != NULL ? ctl_connect(ctl)
					 : ctl_connect_to_look(ctl);
	return code == CTL_OK ? follow(&tail) : code;
}

static int
parse_from(const char *text, void *target)
{
	static const char *const names[] = { "now", "oldest", "resume" };
	static const int64_t places[] = { RINGBUS_FROM_NOW, RINGBUS_FROM_OLDEST,
					  RINGBUS_FROM_RESUME };
	int i = options_choose(text, names, 3);

	if (i < 0)
		return options_read_sequence(text, target);
	*(int64_t *)target = places[i];
	return 0;
}

static const struct options_type from_type = {
	parse_from, "now, oldest, resume or a sequence"
};

#define AT(name_) offsetof(struct tail_args, name_)

static const struct options_entry tail_options[] = {
	{ 'g', "gate", "CONSUMER", &options_text, AT(reader.gate),
	  "be this consumer: miss nothing, producers wait" },
	{ 0, "from", "SEQUENCE", &from_type, AT(reader.from),
	  "now, oldest, resume or a sequence (now)" },
	{ 0, "slow", "HOW", &words_slow_type, AT(reader.slow),
	  "if too slow: gate, evict, park or lossy (gate)" },
	{ 0, "max-lag", "N", &options_count, AT(reader.max_lag),
	  "slots behind that are too slow, for evict and park" },
	{ 0, "after", "CONSUMERS", &options_text, AT(reader.after),
	  "come after these consumers, with commas between" },
	{ 'n', "count", "N", &options_count, AT(count), "stop after N events" },
	{ 'f', "format", "FORMAT", &format_type, AT(format),
	  "text, hex, raw or json (text)" },
	{ 'l', "lengths", NULL, &options_flag, AT(has_lengths),
	  "raw: with lengths as `pub --frames` takes them" },
	{ 'w', "wait", "WAIT", &options_wait, AT(reader.wait),
	  "how to wait for events" },
	{ 't', "timeout", "TIME", &options_duration, AT(timeout_ns),
	  "give up when nothing comes for so long" },
	{ 'v', "verbose", NULL, &options_flag, AT(is_verbose),
	  "say on stderr when attached" },
	{ 0 },
};

static const struct tail_args tail_defaults = {
	.reader = { .from = RINGBUS_FROM_NOW, .wait = RINGBUS_WAIT_DEFAULT },
	.format = FORMAT_TEXT,
	.timeout_ns = RINGBUS_FOREVER,
};

const struct ctl_verb ctl_tail = {
	.name = "tail",
	.operands = "CHANNEL",
	.brief = "Print what is published",
	.help = "Without --gate it holds nobody up. Tells on stderr what it "
		"missed. Ends with the\nstream.\n",
	.min_operands = 1,
	.max_operands = 1,
	.options = tail_options,
	.defaults = &tail_defaults,
	.args_size = sizeof(tail_defaults),
	.run = run_tail,
};
