/* SPDX-License-Identifier: MIT */
/*
 * journal.c - see journal.h
 */
#include "client/ctl/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/ctl/when.h"

/* ------------------------------------------------------------------- options */

static int
parse_point(const char *text, void *target)
{
	struct journal_point *ret = target;

	ret->kind = JOURNAL_SEQUENCE;
	if (options_read_sequence(text, &ret->at) == 0)
		return 0;
	ret->kind = JOURNAL_TIME;
	return when_parse(text, &ret->at);
}

const struct options_type journal_point_type = {
	parse_point, "a sequence, a time such as 2026-11-26T22:15:03Z, or "
		     "@SECONDS since 1970"
};

static int
parse_epoch(const char *text, void *target)
{
	int64_t *ret = target;

	if (strcmp(text, "all") == 0) {
		*ret = JOURNAL_EPOCH_ALL;
		return 0;
	}
	return options_read_sequence(text, ret) < 0 || *ret == 0 ? -EINVAL : 0;
}

const struct options_type journal_epoch_type = {
	parse_epoch, "an epoch, from 1 on, or all"
};

/* ------------------------------------------------------------------- opening */

enum ctl_exit
journal_failed(const struct journal *j, int err)
{
	const char *what = j->handle != NULL ? ringbus_journal_error(j->handle)
					     : "";

	if (err == -EINTR)
		return CTL_INTERRUPTED;
	/* It says why, where it is about a file; and the words for -EBADMSG are
	 * those for the memory of a channel. */
	if (what[0] != '\0' &&
	    (err == -EBADMSG || strstr(what, strerror(-err)) != NULL))
		ctl_say(j->ctl, "%s", what);
	else
		ctl_say(j->ctl, "%s%s%s", what, what[0] != '\0' ? ": " : "",
			err == -ENOENT || err == -EACCES
				? strerror(-err)
				: ringbus_strerror(err));
	return ctl_exit_code(err);
}

/* The folder that the daemon knows of. */
static enum ctl_exit
find_folder(struct ctl *ctl, char *ret)
{
	enum ctl_exit code;
	int r;

	if (ctl->n_operands == 0)
		return ctl_misused(ctl, "a channel, or --dir and the folder of "
					"its journal");
	code = ctl_connect(ctl);
	if (code != CTL_OK)
		return code;
	r = ringbus_setting(ctl->bus, ctl->operands[0], "journal.dir", ret,
			    RINGBUS_SETTING_SIZE);
	return r < 0 ? ctl_refused(ctl, r) : CTL_OK;
}

static enum ctl_exit
open_folder(struct journal *j, struct ctl *ctl, const char *dir)
{
	char folder[RINGBUS_SETTING_SIZE];
	enum ctl_exit code = CTL_OK;
	int r;

	*j = (struct journal){ .ctl = ctl, .info.size = sizeof(j->info) };
	if (dir == NULL)
		code = find_folder(ctl, folder);
	if (code != CTL_OK)
		return code;
	if (dir == NULL)
		dir = folder;
	r = ringbus_journal_open(dir, &j->handle);
	if (r == 0)
		return CTL_OK;
	ctl_say(ctl,
		"%s: %s: is that the folder of a journal, and may it be read?",
		dir, strerror(-r));
	return ctl_exit_code(r);
}

enum ctl_exit
journal_open(struct journal *j, struct ctl *ctl, const char *dir)
{
	enum ctl_exit code = open_folder(j, ctl, dir);
	int r;

	if (code != CTL_OK)
		return code;
	r = ringbus_journal_info(j->handle, &j->info);
	return r < 0 ? journal_failed(j, r) : CTL_OK;
}

/* The epochs of damaged files are known by their names. */
static void
know_names(struct journal *j)
{
	struct ringbus_segment s = { .size = sizeof(s) };
	unsigned i = 0;

	j->info = (struct ringbus_journal_info){ .size = sizeof(j->info),
						 .segments = 1 };
	while (ringbus_journal_segment(j->handle, i++, &s) != 0 && s.epoch != 0)
		j->info.epoch = s.epoch;
}

enum ctl_exit
journal_open_any(struct journal *j, struct ctl *ctl, const char *dir)
{
	enum ctl_exit code = open_folder(j, ctl, dir);
	int r;

	if (code != CTL_OK)
		return code;
	r = ringbus_journal_info(j->handle, &j->info);
	if (r != -EBADMSG && r != -EPROTONOSUPPORT)
		return r < 0 ? journal_failed(j, r) : CTL_OK;
	know_names(j);
	return CTL_OK;
}

void
journal_close(struct journal *j)
{
	ringbus_journal_close(j->handle);
}

/* ------------------------------------------------------------------- reading */

static int
seek(struct journal *j)
{
	const struct journal_point *from = &j->part.from;
	struct ringbus_segment first = { .size = sizeof(first) };
	int64_t epoch = j->part.epoch;
	int r;

	if (from->kind == JOURNAL_TIME)
		return ringbus_journal_seek_time(j->handle, from->at);
	if (epoch == JOURNAL_EPOCH_ALL) {
		r = ringbus_journal_segment(j->handle, 0, &first);
		if (r < 0 && r != -EBADMSG && r != -EPROTONOSUPPORT)
			return r;
		epoch = first.epoch;
	}
	return ringbus_journal_seek(j->handle, epoch,
				    from->kind == JOURNAL_SEQUENCE
					    ? from->at
					    : RINGBUS_FROM_OLDEST);
}

int
journal_find(struct journal *j, int64_t epoch, unsigned *index,
	     struct ringbus_segment *ret)
{
	int found;

	do {
		*ret = (struct ringbus_segment){ .size = sizeof(*ret) };
		found = ringbus_journal_segment(j->handle, (*index)++, ret);
	} while (found == -EBADMSG || found == -EPROTONOSUPPORT ||
		 (found == 1 && epoch != JOURNAL_EPOCH_ALL &&
		  ret->epoch != epoch));
	return found;
}

/* Times go over epochs, sequences do not. */
static bool
is_timed(const struct journal_part *part)
{
	return part->from.kind == JOURNAL_TIME || part->to.kind == JOURNAL_TIME;
}

enum ctl_exit
journal_begin(struct journal *j, const struct journal_part *part)
{
	int r;

	j->part = *part;
	if (part->epoch == JOURNAL_EPOCH_LAST && is_timed(part))
		j->part.epoch = JOURNAL_EPOCH_ALL;
	if (j->part.epoch == JOURNAL_EPOCH_ALL &&
	    (part->from.kind == JOURNAL_SEQUENCE ||
	     part->to.kind == JOURNAL_SEQUENCE))
		return ctl_misused(j->ctl, "a sequence is of one epoch: name "
					   "it with --epoch");
	if (j->part.epoch == JOURNAL_EPOCH_LAST)
		j->part.epoch = j->info.epoch;
	r = j->info.segments > 0 ? seek(j) : 0;
	if (r == -ENOENT) {
		ctl_say(j->ctl,
			"the journal has no epoch %" PRId64
			": `ringbusctl journal ls` lists them",
			j->part.epoch);
		return CTL_ABSENT;
	}
	if (r == -ERANGE) {
		ctl_say(j->ctl, "the journal does not go to sequence %" PRId64,
			part->from.at);
		return CTL_ABSENT;
	}
	return r < 0 ? journal_failed(j, r) : CTL_OK;
}

/* What has come since the end was taken. */
static bool
is_new(const struct journal *j, int64_t sequence)
{
	if (j->end.epoch == 0 || j->place.epoch < j->end.epoch)
		return false;
	return j->place.epoch > j->end.epoch || sequence > j->end.sequence;
}

/* Whether what is at j->place lies behind the part. */
static bool
is_behind(const struct journal *j, int64_t sequence)
{
	const struct journal_point *to = &j->part.to;

	if (is_new(j, sequence))
		return true;
	if (j->part.epoch != JOURNAL_EPOCH_ALL &&
	    j->place.epoch > j->part.epoch)
		return true;
	if (to->kind == JOURNAL_SEQUENCE)
		return sequence > to->at;
	return to->kind == JOURNAL_TIME && j->place.time_ns > to->at;
}

bool
journal_is_outside(const struct journal *j, const struct ringbus_segment *s)
{
	const struct journal_point *from = &j->part.from, *to = &j->part.to;

	return (from->kind == JOURNAL_TIME && s->last_ns < from->at) ||
	       (to->kind == JOURNAL_TIME && s->first_ns > to->at);
}

/* Of an earlier epoch than was asked for, where it began by time. */
static bool
is_before(const struct journal *j)
{
	return j->part.epoch != JOURNAL_EPOCH_ALL &&
	       j->place.epoch < j->part.epoch;
}

static void
count(struct journal *j, int found, struct ringbus_event *event)
{
	const struct journal_point *to = &j->part.to;

	if (found == RINGBUS_JOURNAL_HOLE && to->kind == JOURNAL_SEQUENCE &&
	    event->last > to->at)
		event->last = to->at;
	if (found == RINGBUS_JOURNAL_HOLE)
		j->n_missing += event->last - event->sequence + 1;
	j->n_damages += found == RINGBUS_JOURNAL_DAMAGE;
	if (found != RINGBUS_JOURNAL_EVENT)
		return;
	j->n_events++;
	j->n_bytes += event->size;
}

int
journal_next(struct journal *j, struct ringbus_event *ret)
{
	int found;

	do {
		found = ringbus_journal_next(j->handle, ret);
		if (found <= 0)
			return found;
		j->place.size = sizeof(j->place);
		ringbus_journal_place(j->handle, &j->place);
		if (is_behind(j, ret->sequence))
			return 0;
	} while (is_before(j));
	count(j, found, ret);
	return found;
}

void
journal_tell(const struct journal *j, int found,
	     const struct ringbus_event *event)
{
	if (found == RINGBUS_JOURNAL_DAMAGE)
		ctl_say(j->ctl, "%s", ringbus_journal_error(j->handle));
	if (found == RINGBUS_JOURNAL_HOLE)
		ctl_say(j->ctl,
			"epoch %" PRId64 ": sequences %" PRId64 " to %" PRId64
			" are missing",
			j->place.epoch, event->sequence, event->last);
}

enum ctl_exit
journal_verdict(const struct journal *j)
{
	return j->n_damages > 0 || j->n_missing > 0 ? CTL_FAILED : CTL_OK;
}
