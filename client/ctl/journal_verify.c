/* SPDX-License-Identifier: MIT */
/*
 * journal_verify.c - read all of a journal, and say what is wrong with it
 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "client/ctl/interrupt.h"
#include "client/ctl/journal.h"
#include "client/ctl/json.h"
#include "client/ctl/progress.h"
#include "client/ctl/table.h"

/* Events between two looks at signals and the clock. */
#define LOOK_EVERY 4096

struct verify_args {
	struct journal_part part;
};

struct verify {
	struct journal journal;
	struct output out;
	struct progress progress;
	uint64_t n_epochs;
};

static void
write_finding(struct verify *v, int found, const struct ringbus_event *event)
{
	const struct ringbus_journal_place *place = &v->journal.place;
	struct json json;

	json_begin(&json, &v->out);
	json_string(&json, "channel", v->journal.info.channel);
	json_int(&json, "epoch", place->epoch);
	json_string(&json, "file", place->file);
	json_int(&json, "offset", place->offset);
	if (found == RINGBUS_JOURNAL_DAMAGE) {
		json_string(&json, "damage",
			    ringbus_journal_error(v->journal.handle));
	} else {
		json_int(&json, "missing", event->sequence);
		json_int(&json, "last", event->last);
	}
	json_end(&json);
}

static void
print_finding(struct verify *v, int found, const struct ringbus_event *event)
{
	const struct ringbus_journal_place *place = &v->journal.place;

	progress_clear(&v->progress);
	if (v->journal.ctl->common.json)
		write_finding(v, found, event);
	else if (found == RINGBUS_JOURNAL_DAMAGE)
		output_print(&v->out, "%s\n",
			     ringbus_journal_error(v->journal.handle));
	else
		output_print(&v->out,
			     "%s:%" PRId64 ": epoch %" PRId64
			     ": sequences %" PRId64 " to %" PRId64
			     " are missing\n",
			     place->file, place->offset, place->epoch,
			     event->sequence, event->last);
	output_flush(&v->out);
}

static int
read_all(struct verify *v)
{
	struct journal *j = &v->journal;
	struct ringbus_event event;
	int64_t epoch = 0;
	int found;

	while ((found = journal_next(j, &event)) > 0) {
		if (j->place.epoch != epoch)
			v->n_epochs++;
		epoch = j->place.epoch;
		if (found == RINGBUS_JOURNAL_HOLE ||
		    found == RINGBUS_JOURNAL_DAMAGE)
			print_finding(v, found, &event);
		if (j->n_events % LOOK_EVERY != 0)
			continue;
		progress_show(&v->progress, j->n_events);
		if (interrupt_is_pending())
			return -EINTR;
	}
	return found;
}

static void
write_summary(struct verify *v)
{
	const struct journal *j = &v->journal;
	struct json json;

	json_begin(&json, &v->out);
	json_string(&json, "channel", j->info.channel);
	json_uint(&json, "segments", j->info.segments);
	json_uint(&json, "epochs", v->n_epochs);
	json_uint(&json, "events", j->n_events);
	json_uint(&json, "bytes", j->n_bytes);
	json_uint(&json, "damages", j->n_damages);
	json_int(&json, "missing_slots", j->n_missing);
	json_bool(&json, "whole", journal_verdict(j) == CTL_OK);
	json_end(&json);
}

static void
summarize(struct verify *v)
{
	const struct journal *j = &v->journal;
	const char *tail = ringbus_journal_error(j->handle);
	char size[TABLE_SIZE_TEXT];

	if (j->ctl->common.json) {
		write_summary(v);
		return;
	}
	if (j->info.segments == 0) {
		output_string(&v->out, "there are no files of a journal\n");
		return;
	}
	if (journal_verdict(j) == CTL_OK && tail[0] != '\0')
		output_print(&v->out, "%s\n", tail);
	output_print(&v->out,
		     "%s: %" PRIu64 " files, %" PRIu64 " epochs, %" PRIu64
		     " events of %s: ",
		     j->info.channel, j->info.segments, v->n_epochs,
		     j->n_events, table_format_size(j->n_bytes, size));
	if (journal_verdict(j) == CTL_OK)
		output_string(&v->out, "whole\n");
	else
		output_print(&v->out,
			     "%" PRIu64 " damages, %" PRId64
			     " slots are missing\n",
			     j->n_damages, j->n_missing);
}

static enum ctl_exit
verify(struct verify *v, const struct journal_part *part)
{
	struct journal *j = &v->journal;
	enum ctl_exit code = journal_begin(j, part);
	int r;

	if (code != CTL_OK)
		return code;
	progress_init(&v->progress, j->ctl, false);
	r = read_all(v);
	progress_clear(&v->progress);
	if (r < 0)
		return journal_failed(j, r);
	summarize(v);
	code = ctl_finish(j->ctl, &v->out);
	return code == CTL_OK ? journal_verdict(j) : code;
}

static enum ctl_exit
run_verify(struct ctl *ctl, void *args_)
{
	const struct verify_args *args = args_;
	struct verify v = { 0 };
	enum ctl_exit code = journal_open_any(&v.journal, ctl, args->part.dir);

	output_init(&v.out, STDOUT_FILENO);
	if (code == CTL_OK)
		code = verify(&v, &args->part);
	journal_close(&v.journal);
	return code;
}

#define AT(name_) offsetof(struct verify_args, part.name_)

static const struct options_entry verify_options[] = {
	{ 'd', "dir", "DIR", &options_text, AT(dir),
	  "the folder of the journal, instead of asking the daemon" },
	{ 'e', "epoch", "EPOCH", &journal_epoch_type, AT(epoch),
	  "one epoch, or all (all)" },
	{ 0 },
};

static const struct verify_args verify_defaults = {
	.part = { .epoch = JOURNAL_EPOCH_ALL },
};

const struct ctl_verb ctl_journal_verify = {
	.name = "journal verify",
	.operands = "[CHANNEL]",
	.brief = "Read all of a journal, and name what is damaged or missing",
	.help = "Ends with 1 if anything is. What was still being written is "
		"neither.\n",
	.max_operands = 1,
	.options = verify_options,
	.defaults = &verify_defaults,
	.args_size = sizeof(verify_defaults),
	.run = run_verify,
};
