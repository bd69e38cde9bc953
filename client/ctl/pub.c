/* SPDX-License-Identifier: MIT */
/*
 * pub.c - publish what comes in
 *
 * Each record is copied once, from the input buffer into its slot, and is
 * published before the next is looked at: what is whole is never held back. All
 * that can block (the input, the ring, the pace) is waited for together with
 * the signals, and nothing is ever claimed meanwhile, so that an interrupted
 * pub leaves nothing half done.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/input.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/json.h"
#include "client/ctl/progress.h"

/* Events between two looks at the clock. */
#define SHOW_EVERY 1024

struct when_full {
	int policy;         /* RINGBUS_FULL_... */
	int64_t timeout_ns; /* of RINGBUS_FULL_DEADLINE */
};

struct pub_args {
	const char *file;
	const char *name;
	int delimiter; /* an input_mode */
	int wait;
	bool frames;
	bool whole;
	bool repeat;
	bool end;
	uint64_t count; /* 0: all there is */
	uint64_t rate;  /* 0: as fast as it goes */
	struct when_full when_full;
};

struct pub {
	struct ctl *ctl;
	const struct pub_args *args;
	struct ringbus_producer *producer;
	struct ringbus_info info;
	struct input input;
	struct progress progress;
	uint64_t n_events;
	uint64_t n_dropped;
	uint64_t n_bytes;
	int64_t due_ns; /* of the next event, if there is a rate */
};

/* ------------------------------------------------------------------ events */

/* Waits until the next event is due. Who comes much too late, because the ring
 * was full or there was no input, does not make up for it in a burst. */
static int
keep_pace(struct pub *pub)
{
	int64_t now;
	int r;

	if (pub->args->rate == 0)
		return 0;
	now = ctl_now_ns();
	if (pub->due_ns == 0 || now - pub->due_ns > CTL_SECOND_NS)
		pub->due_ns = now;
	while (now < pub->due_ns) {
		r = interrupt_wait(-1, 0, pub->due_ns - now);
		if (r < 0)
			return r;
		progress_show(&pub->progress, pub->n_events);
		now = ctl_now_ns();
	}
	pub->due_ns += CTL_SECOND_NS / (int64_t)pub->args->rate;
	return 0;
}

/* Claims in slices, so that we notice signals and can tell who blocks. */
static int64_t
claim_patiently(struct pub *pub, size_t size, void **ret)
{
	const struct when_full *full = &pub->args->when_full;
	bool ends = full->policy == RINGBUS_FULL_DEADLINE;
	int64_t slice = CTL_SLICE_NS, waited = 0, sequence;

	for (;;) {
		if (ends && full->timeout_ns - waited < slice)
			slice = full->timeout_ns - waited;
		sequence = ringbus_producer_claim_event(pub->producer, size,
							slice, ret);
		if (sequence != -ETIMEDOUT && sequence != -EAGAIN)
			return sequence;
		waited = progress_blocked(&pub->progress, pub->producer, slice);
		if (ends && waited >= full->timeout_ns)
			return -ETIMEDOUT;
		if (interrupt_is_pending())
			return -EINTR;
	}
}

static int64_t
claim_event(struct pub *pub, size_t size, void **ret)
{
	int policy = pub->args->when_full.policy;

	if (policy == RINGBUS_FULL_BLOCK || policy == RINGBUS_FULL_DEADLINE)
		return claim_patiently(pub, size, ret);
	return ringbus_producer_claim_event(pub->producer, size,
					    RINGBUS_BY_POLICY, ret);
}

static int
publish_event(struct pub *pub, const char *data, size_t size)
{
	int64_t sequence;
	void *slot;
	int r;

	sequence = claim_event(pub, size, &slot);
	if (sequence == -ENOBUFS) {
		pub->n_dropped++;
		return 0;
	}
	if (sequence < 0)
		return (int)sequence;
	progress_unblocked(&pub->progress);
	memcpy(slot, data, size);
	if (pub->info.framing == RINGBUS_FIXED)
		memset((char *)slot + size, 0, pub->info.event_size - size);
	r = ringbus_producer_publish_event(pub->producer, sequence);
	if (r < 0)
		return r;
	pub->n_events++;
	pub->n_bytes += size;
	return 0;
}

/* The next record, from the beginning again if we are to repeat. */
static int
next_record(struct pub *pub, const char **ret, size_t *ret_size)
{
	int r = input_next(&pub->input, ret, ret_size);

	/* An input without any record would be repeated for ever. */
	if (r != 0 || !pub->args->repeat || pub->n_events + pub->n_dropped == 0)
		return r;
	r = input_rewind(&pub->input);
	return r < 0 ? r : input_next(&pub->input, ret, ret_size);
}

/* ------------------------------------------------------------ explanations */

static void
report_too_large(const struct pub *pub, size_t size)
{
	bool is_fixed = pub->info.framing == RINGBUS_FIXED;
	bool is_cut = pub->input.is_cut;

	ctl_say(pub->ctl,
		"%s %" PRIu64 " has %s%" PRIu64 " bytes, an event of this "
		"channel at most %" PRIu64 ": %s; %" PRIu64
		" events were published",
		input_noun(&pub->input), pub->input.number,
		is_cut ? "more than " : "",
		is_cut ? pub->info.event_size : size, pub->info.event_size,
		is_fixed ? "split it, or use a channel with larger slots or "
			   "framed events"
			 : "split it, or use a channel with more slots",
		pub->n_events);
}

static enum ctl_exit
explain_input(struct pub *pub, int err, size_t size)
{
	const char *file = pub->args->file;

	progress_clear(&pub->progress);
	switch (err) {
	case 0:
		return CTL_OK;
	case -EINTR:
		return CTL_INTERRUPTED;
	case -EMSGSIZE:
		report_too_large(pub, size);
		return CTL_BAD_DATA;
	case -ENODATA:
		ctl_say(pub->ctl,
			"the input ends within frame %" PRIu64
			": it was cut short, or has no length in front of "
			"each event",
			pub->input.number);
		return CTL_BAD_DATA;
	default:
		ctl_say(pub->ctl, "cannot read %s: %s",
			file != NULL ? file : "stdin", strerror(-err));
		return CTL_FAILED;
	}
}

static enum ctl_exit
explain_channel(struct pub *pub, int err)
{
	char text[CTL_LAGGARD_TEXT];

	progress_clear(&pub->progress);
	if (err == -EINTR)
		return CTL_INTERRUPTED;
	if (err != -ETIMEDOUT && err != -EAGAIN)
		return ctl_failed(pub->ctl, err);
	ctl_say(pub->ctl,
		"the ring is full: %s: wait longer with --when-full, or see "
		"`ringbusctl show %s`",
		progress_name_blocker(pub->producer, text),
		pub->ctl->operands[0]);
	return CTL_TIMED_OUT;
}

/* ------------------------------------------------------------- the whole */

static enum ctl_exit
publish_all(struct pub *pub)
{
	const char *data = NULL;
	size_t size = 0;
	uint64_t n_done;
	int r;

	for (;;) {
		r = next_record(pub, &data, &size);
		if (r <= 0)
			return explain_input(pub, r, size);
		r = keep_pace(pub);
		if (r == 0)
			r = publish_event(pub, data, size);
		if (r < 0)
			return explain_channel(pub, r);
		n_done = pub->n_events + pub->n_dropped;
		if (n_done == pub->args->count)
			return CTL_OK;
		if (n_done % SHOW_EVERY == 0)
			progress_show(&pub->progress, pub->n_events);
	}
}

static enum ctl_exit
summarize(const struct pub *pub)
{
	struct output out;
	struct json json;

	if (pub->n_dropped > 0)
		ctl_say(pub->ctl,
			"dropped %" PRIu64 " of %" PRIu64
			" events, as the ring was full",
			pub->n_dropped, pub->n_events + pub->n_dropped);
	if (!pub->ctl->common.json)
		return CTL_OK;
	output_init(&out, STDOUT_FILENO);
	json_begin(&json, &out);
	json_string(&json, "channel", pub->ctl->operands[0]);
	json_uint(&json, "events", pub->n_events);
	json_uint(&json, "bytes", pub->n_bytes);
	json_uint(&json, "dropped", pub->n_dropped);
	json_end(&json);
	return ctl_finish(pub->ctl, &out);
}

static enum ctl_exit
end_stream(const struct pub *pub)
{
	int r;

	if (!pub->args->end)
		return CTL_OK;
	r = ringbus_end(pub->ctl->bus, pub->ctl->operands[0]);
	return r < 0 ? ctl_refused(pub->ctl, r) : CTL_OK;
}

/* --------------------------------------------------------------- beginning */

static enum input_mode
choose_mode(const struct pub_args *args)
{
	if (args->frames)
		return INPUT_FRAMES;
	return args->whole ? INPUT_WHOLE : (enum input_mode)args->delimiter;
}

static int
open_producer(struct pub *pub)
{
	struct ringbus_producer_options options = RINGBUS_PRODUCER_OPTIONS_INIT;
	int r;

	options.name = pub->args->name;
	options.wait = pub->args->wait;
	options.full = pub->args->when_full.policy;
	options.full_timeout_ns = pub->args->when_full.timeout_ns;
	r = ringbus_producer_open(pub->ctl->bus, pub->ctl->operands[0],
				  &options, &pub->producer);
	if (r < 0)
		return r;
	pub->info.size = sizeof(pub->info);
	return ringbus_channel_info(ringbus_producer_channel(pub->producer),
				    &pub->info);
}

static enum ctl_exit
publish_from(struct pub *pub, int fd)
{
	enum ctl_exit code = ctl_connect(pub->ctl);
	int r;

	if (code != CTL_OK)
		return code;
	r = open_producer(pub);
	if (r < 0)
		return ctl_refused(pub->ctl, r);
	r = input_init(&pub->input, fd, choose_mode(pub->args),
		       pub->info.event_size);
	if (r < 0)
		return ctl_failed(pub->ctl, r);
	progress_init(&pub->progress, pub->ctl, isatty(fd) == 1);
	code = publish_all(pub);
	progress_clear(&pub->progress);
	if (code == CTL_OK)
		code = end_stream(pub);
	input_deinit(&pub->input);
	ringbus_producer_close(pub->producer);
	return code == CTL_OK ? summarize(pub) : code;
}

static enum ctl_exit
check_args(const struct ctl *ctl, struct pub_args *args)
{
	if (ctl->n_operands == 2 && args->file != NULL)
		return ctl_misused(ctl, "two files: %s and %s",
				   ctl->operands[1], args->file);
	if (ctl->n_operands == 2)
		args->file = ctl->operands[1];
	if (args->frames + args->whole + (args->delimiter >= 0) > 1)
		return ctl_misused(ctl, "--delimiter, --frames and --whole "
					"exclude each other");
	if (args->delimiter < 0)
		args->delimiter = INPUT_LINES;
	return CTL_OK;
}

static enum ctl_exit
run_pub(struct ctl *ctl, void *args_)
{
	struct pub_args *args = args_;
	struct pub pub = { .ctl = ctl, .args = args };
	enum ctl_exit code = check_args(ctl, args);
	int fd = STDIN_FILENO;

	if (code != CTL_OK)
		return code;
	if (args->file != NULL && strcmp(args->file, "-") != 0) {
		fd = open(args->file, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			ctl_say(ctl, "cannot open %s: %s", args->file,
				strerror(errno));
			return CTL_FAILED;
		}
	}
	if (args->repeat && lseek(fd, 0, SEEK_CUR) < 0)
		code = ctl_misused(ctl, "--repeat needs a file, not a pipe");
	else
		code = publish_from(&pub, fd);
	if (fd != STDIN_FILENO)
		close(fd);
	return code;
}

static int
parse_delimiter(const char *text, void *target)
{
	static const char *const names[] = {
		[INPUT_LINES] = "nl",
		[INPUT_NULS] = "nul",
	};
	int mode = options_choose(text, names, 2);

	if (mode < 0)
		return mode;
	*(int *)target = mode;
	return 0;
}

static const struct options_type delimiter_type = { parse_delimiter,
						    "nl or nul" };

static int
parse_when_full(const char *text, void *target)
{
	static const char *const names[] = { "block", "fail", "drop" };
	static const int policies[] = { RINGBUS_FULL_BLOCK, RINGBUS_FULL_FAIL,
					RINGBUS_FULL_DROP };
	int i = options_choose(text, names, 3);
	struct when_full *ret = target;

	if (i < 0 && options_duration.parse(text, &ret->timeout_ns) < 0)
		return -EINVAL;
	if (i >= 0)
		ret->policy = policies[i];
	else
		ret->policy = ret->timeout_ns > 0 ? RINGBUS_FULL_DEADLINE
						  : RINGBUS_FULL_FAIL;
	return 0;
}

static const struct options_type when_full_type = {
	parse_when_full, "one of block, fail, drop, or a time such as 5s"
};

#define AT(name_) offsetof(struct pub_args, name_)

static const struct options_entry pub_options[] = {
	{ 'f', "file", "FILE", &options_text, AT(file),
	  "read this file; the same as the operand" },
	{ 'd', "delimiter", "KIND", &delimiter_type, AT(delimiter),
	  "what ends an event: nl or nul (nl)" },
	{ 0, "frames", NULL, &options_flag, AT(frames),
	  "a 32-bit little-endian length precedes each event" },
	{ 0, "whole", NULL, &options_flag, AT(whole),
	  "the whole input is one event" },
	{ 'r', "rate", "N[/s]", &options_rate, AT(rate),
	  "publish N events a second, steadily" },
	{ 'n', "count", "N", &options_count, AT(count), "stop after N events" },
	{ 0, "repeat", NULL, &options_flag, AT(repeat),
	  "start the file over at its end" },
	{ 0, "end", NULL, &options_flag, AT(end),
	  "end the stream when done, for good" },
	{ 'w', "wait", "WAIT", &options_wait, AT(wait),
	  "how to wait while the ring is full" },
	{ 0, "when-full", "TIME", &when_full_type, AT(when_full),
	  "block, fail, drop, or a time to wait (block)" },
	{ 0, "name", "NAME", &options_text, AT(name),
	  "what `show` calls this producer" },
	{ 0 },
};

static const struct pub_args pub_defaults = {
	.name = "ringbusctl",
	.delimiter = -1,
	.wait = RINGBUS_WAIT_DEFAULT,
};

const struct ctl_verb ctl_pub = {
	.name = "pub",
	.operands = "CHANNEL [FILE]",
	.brief = "Publish the lines of a file or of stdin",
	.help = "Each line is an event, without its newline. On a channel of "
		"fixed events the rest of\nthe slot becomes zero. Waits while "
		"the ring is full, and says for whom.\n",
	.min_operands = 1,
	.max_operands = 2,
	.options = pub_options,
	.defaults = &pub_defaults,
	.args_size = sizeof(pub_defaults),
	.run = run_pub,
};
