/* SPDX-License-Identifier: MIT */
/*
 * journal_trim.c - remove the oldest segments of a journal
 *
 * Whole files alone, and never the last one. What is to stay becomes a sequence: the
 * first of the oldest segment that does.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "client/ctl/journal.h"
#include "client/ctl/json.h"

struct trim_args {
	const char *dir;
	int64_t epoch;
	struct journal_point before;
	uint64_t keep_size; /* 0: not given */
};

/* Goes by size, from the newest on: the oldest that still fits. */
static int
find_by_size(struct journal *j, uint64_t keep, struct ringbus_segment *ret)
{
	uint64_t size = j->info.bytes;
	int found;

	for (unsigned i = 0;; i++) {
		struct ringbus_segment s = { .size = sizeof(s) };

		found = ringbus_journal_segment(j->handle, i, &s);
		if (found <= 0 && found != -EBADMSG)
			return found;
		*ret = s;
		if (size <= keep)
			return 1;
		size -= size < s.bytes ? size : s.bytes;
	}
}

/* The oldest that has something from then on. */
static int
find_by_time(struct journal *j, int64_t time_ns, struct ringbus_segment *ret)
{
	int found;

	for (unsigned i = 0;; i++) {
		struct ringbus_segment s = { .size = sizeof(s) };

		found = ringbus_journal_segment(j->handle, i, &s);
		if (found <= 0)
			return found;
		*ret = s;
		if (s.last_ns >= time_ns)
			return 1;
	}
}

/* Removes what is before the segment that was found. Whether none was, as all are too
 * much: then all before the last, which *keep is. */
static int64_t
trim(struct journal *j, const struct trim_args *args)
{
	struct ringbus_segment keep = { .size = sizeof(keep) };
	int found;

	if (args->keep_size == 0 && args->before.kind == JOURNAL_SEQUENCE)
		return ringbus_journal_trim(j->handle, args->epoch,
					    args->before.at);
	found = args->keep_size > 0 ? find_by_size(j, args->keep_size, &keep)
				    : find_by_time(j, args->before.at, &keep);
	if (found < 0)
		return found;
	return keep.epoch == 0 ? 0
			       : ringbus_journal_trim(j->handle, keep.epoch,
						      keep.first);
}

static enum ctl_exit
tell(const struct journal *j, int64_t n)
{
	struct output out;
	struct json json;

	output_init(&out, STDOUT_FILENO);
	if (j->ctl->common.json) {
		json_begin(&json, &out);
		json_string(&json, "channel", j->info.channel);
		json_int(&json, "removed", n);
		json_end(&json);
	} else {
		output_print(&out, "%" PRId64 " files removed\n", n);
	}
	return ctl_finish(j->ctl, &out);
}

static enum ctl_exit
check_args(struct ctl *ctl, const struct trim_args *args)
{
	bool has_point = args->before.kind != JOURNAL_NOWHERE;

	if (has_point == (args->keep_size > 0))
		return ctl_misused(ctl, "either --before or --keep-size");
	if (args->epoch != JOURNAL_EPOCH_LAST &&
	    args->before.kind != JOURNAL_SEQUENCE)
		return ctl_misused(ctl, "--epoch is for a sequence in "
					"--before");
	if (args->epoch == JOURNAL_EPOCH_ALL)
		return ctl_misused(ctl, "a sequence is of one epoch");
	return CTL_OK;
}

static enum ctl_exit
run_trim(struct ctl *ctl, void *args_)
{
	const struct trim_args *args = args_;
	enum ctl_exit code = check_args(ctl, args);
	struct journal j;
	int64_t n;

	if (code != CTL_OK)
		return code;
	code = journal_open(&j, ctl, args->dir);
	if (code == CTL_OK) {
		n = trim(&j, args);
		code = n < 0 ? journal_failed(&j, (int)n) : tell(&j, n);
	}
	journal_close(&j);
	return code;
}

#define AT(name_) offsetof(struct trim_args, name_)

static const struct options_entry trim_options[] = {
	{ 'd', "dir", "DIR", &options_text, AT(dir),
	  "the folder of the journal, instead of asking the daemon" },
	{ 0, "before", "POINT", &journal_point_type, AT(before),
	  "remove what is before this sequence or time" },
	{ 'e', "epoch", "EPOCH", &journal_epoch_type, AT(epoch),
	  "of that sequence (the last)" },
	{ 0, "keep-size", "SIZE", &options_size, AT(keep_size),
	  "remove the oldest until no more than this is left" },
	{ 0 },
};

static const struct trim_args trim_defaults = { 0 };

const struct ctl_verb ctl_journal_trim = {
	.name = "journal trim",
	.operands = "[CHANNEL]",
	.brief = "Remove the oldest files of a channel's journal",
	.help = "Whole files, and never the last. A POINT is a sequence, or a "
		"time: 2026-11-26T22:15:03Z or\n@1795558503.\n",
	.max_operands = 1,
	.options = trim_options,
	.defaults = &trim_defaults,
	.args_size = sizeof(trim_defaults),
	.run = run_trim,
};
