/* SPDX-License-Identifier: MIT */
/*
 * journal_dump.c - print the events of a journal
 *
 * As tail prints those of a channel; JSON tells also where and when each was stored.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "client/ctl/format.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/journal.h"

struct dump_args {
	struct journal_part part;
	int format;
	bool has_lengths;
	uint64_t count; /* 0: all */
};

struct dump {
	struct journal journal;
	struct format_stamp stamp;
	struct format format;
	struct output out;
};

/* What the events of an epoch are like: a channel that was made anew may have been
 * made otherwise. */
static int
learn(struct dump *d, int64_t epoch)
{
	struct ringbus_segment s;
	unsigned index = 0;
	int found;

	do
		found = journal_find(&d->journal, epoch, &index, &s);
	while (found > 0 && journal_is_outside(&d->journal, &s));
	if (found > 0)
		d->format.is_fixed = s.framing == RINGBUS_FIXED;
	return found < 0 ? found : 0;
}

static void
print(struct dump *d, int found, const struct ringbus_event *event)
{
	const struct journal *j = &d->journal;
	struct format_gap gap = { "lost", event->last - event->sequence + 1,
				  event->last + 1 };

	d->stamp = (struct format_stamp){ j->place.epoch, j->place.time_ns };
	if (found == RINGBUS_JOURNAL_EVENT) {
		format_event(&d->format, event, &d->out);
		return;
	}
	journal_tell(j, found, event);
	if (found == RINGBUS_JOURNAL_HOLE)
		format_gap(&d->format, &gap, &d->out);
}

static int
print_all(struct dump *d, uint64_t count)
{
	struct ringbus_event event;
	int found;

	while ((found = journal_next(&d->journal, &event)) > 0) {
		print(d, found, &event);
		if (found == RINGBUS_JOURNAL_EPOCH)
			found = learn(d, d->journal.place.epoch);
		if (found < 0)
			return found;
		if (d->out.error != 0)
			return d->out.error;
		if (interrupt_is_pending())
			return -EINTR;
		if (d->journal.n_events == count)
			return 0;
	}
	return found;
}

static enum ctl_exit
dump(struct dump *d, const struct dump_args *args)
{
	struct journal *j = &d->journal;
	enum ctl_exit code = journal_begin(j, &args->part);
	int r;

	if (code != CTL_OK)
		return code;
	d->format = (struct format){
		.kind = j->ctl->common.json ? FORMAT_JSON : args->format,
		.channel = j->info.channel,
		.stamp = &d->stamp,
		.has_lengths = args->has_lengths,
	};
	r = learn(d, j->part.epoch);
	if (r == 0)
		r = print_all(d, args->count > 0 ? args->count : UINT64_MAX);
	if (r == -EPIPE)
		return CTL_OK;
	if (r < 0 && r != d->out.error)
		return journal_failed(j, r);
	code = ctl_finish(j->ctl, &d->out);
	return code == CTL_OK ? journal_verdict(j) : code;
}

static enum ctl_exit
run_dump(struct ctl *ctl, void *args_)
{
	const struct dump_args *args = args_;
	struct dump d = { 0 };
	enum ctl_exit code;

	if (args->has_lengths &&
	    (args->format != FORMAT_RAW || ctl->common.json))
		return ctl_misused(ctl, "--lengths needs --format raw");
	/* A reader that has had enough, like head(1), is no failure. */
	signal(SIGPIPE, SIG_IGN);
	output_init(&d.out, STDOUT_FILENO);
	code = journal_open_any(&d.journal, ctl, args->part.dir);
	if (code == CTL_OK)
		code = dump(&d, args);
	journal_close(&d.journal);
	return code;
}

#define AT(name_) offsetof(struct dump_args, name_)

static const struct options_entry dump_options[] = {
	{ 'd', "dir", "DIR", &options_text, AT(part.dir),
	  "the folder of the journal, instead of asking the daemon" },
	{ 0, "from", "POINT", &journal_point_type, AT(part.from),
	  "begin at this sequence or time" },
	{ 0, "to", "POINT", &journal_point_type, AT(part.to),
	  "end behind this sequence or time" },
	{ 'e', "epoch", "EPOCH", &journal_epoch_type, AT(part.epoch),
	  "one epoch, or all (the last; with times all)" },
	{ 'n', "count", "N", &options_count, AT(count), "stop after N events" },
	{ 0, "format", "FORMAT", &format_type, AT(format),
	  "text, hex, raw or json (json)" },
	{ 0, "lengths", NULL, &options_flag, AT(has_lengths),
	  "raw: 32 bits little-endian before each event" },
	{ 0 },
};

static const struct dump_args dump_defaults = { .format = FORMAT_JSON };

const struct ctl_verb ctl_journal_dump = {
	.name = "journal dump",
	.operands = "[CHANNEL]",
	.brief = "Print the events of a journal",
	.help = "A POINT is a sequence, or a time: 2026-11-26T22:15:03Z or "
		"@1795558503. Ends with 1 if\nanything is damaged or missing "
		"there.\n",
	.max_operands = 1,
	.options = dump_options,
	.defaults = &dump_defaults,
	.args_size = sizeof(dump_defaults),
	.run = run_dump,
};
