/* SPDX-License-Identifier: MIT */
/*
 * journal_replay.c - publish the events of a journal to a channel, once more
 *
 * Flat out; or with the pauses that were between its blocks, each as long as it was
 * or a factor shorter: what was written at one time comes at one time. Nothing is
 * claimed while it waits, so that an interrupted replay leaves nothing half done.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/interrupt.h"
#include "client/ctl/journal.h"
#include "client/ctl/json.h"
#include "client/ctl/progress.h"

/* Events between two looks at signals and the clock. */
#define LOOK_EVERY 1024

struct replay_args {
	struct journal_part part;
	const char *into;
	double speed; /* 0: as fast as it goes */
	uint64_t count;
};

struct replay {
	struct journal journal;
	const struct replay_args *args;
	struct ringbus_producer *producer;
	struct ringbus_info info;
	struct progress progress;
	int64_t last;     /* sequence that was published */
	int64_t block_ns; /* of the journal: of the last event, */
	int64_t due_ns;   /* and when that was due here; 0: there was none */
};

/* ---------------------------------------------------------------------- events */

/* Nobody waits for longer: a century. */
#define PAUSE_MAX (INT64_MAX / 2)

/* The times are those of a file, and a speed makes more of them. */
static int64_t
find_pause(const struct replay *p, int64_t at_ns)
{
	double pause = (double)(at_ns - p->block_ns) / p->args->speed;

	return pause < (double)PAUSE_MAX ? (int64_t)pause : PAUSE_MAX;
}

static int
keep_pace(struct replay *p)
{
	int64_t at_ns = p->journal.place.time_ns, now;
	int r;

	if (p->args->speed <= 0 || at_ns == p->block_ns)
		return 0;
	now = ctl_now_ns();
	if (p->due_ns == 0)
		p->due_ns = now;
	else if (at_ns > p->block_ns)
		p->due_ns += find_pause(p, at_ns);
	p->block_ns = at_ns;
	while ((now = ctl_now_ns()) < p->due_ns) {
		int64_t left = p->due_ns - now;

		r = interrupt_wait(-1, 0,
				   left < CTL_SECOND_NS ? left : CTL_SECOND_NS);
		if (r < 0)
			return r;
		progress_show(&p->progress, p->journal.n_events);
	}
	return 0;
}

/* Claims in slices, so that we notice signals and can tell who blocks. */
static int64_t
claim(struct replay *p, size_t size, void **ret)
{
	int64_t sequence;

	for (;;) {
		sequence = ringbus_producer_claim_event(p->producer, size,
							CTL_SLICE_NS, ret);
		if (sequence != -ETIMEDOUT && sequence != -EAGAIN)
			return sequence;
		progress_blocked(&p->progress, p->producer, CTL_SLICE_NS);
		if (interrupt_is_pending())
			return -EINTR;
	}
}

static int
publish(struct replay *p, const struct ringbus_event *event)
{
	int64_t sequence;
	void *slot;
	int r = keep_pace(p);

	if (r < 0)
		return r;
	sequence = claim(p, event->size, &slot);
	if (sequence < 0)
		return (int)sequence;
	progress_unblocked(&p->progress);
	memcpy(slot, event->data, event->size);
	p->last = event->sequence;
	return ringbus_producer_publish_event(p->producer, sequence);
}

/* Why it ended: 0 at the end of the part, or an errno; *ret_of_journal if that is an
 * errno of the journal and not of the channel. */
static int
publish_all(struct replay *p, bool *ret_of_journal)
{
	uint64_t count = p->args->count;
	struct ringbus_event event;
	int found, r;

	*ret_of_journal = false;
	while ((found = journal_next(&p->journal, &event)) > 0) {
		if (found != RINGBUS_JOURNAL_EVENT) {
			progress_clear(&p->progress);
			journal_tell(&p->journal, found, &event);
			continue;
		}
		r = publish(p, &event);
		if (r < 0) {
			p->journal.n_events--;
			return r;
		}
		if (p->journal.n_events == count)
			return 0;
		if (p->journal.n_events % LOOK_EVERY != 0)
			continue;
		progress_show(&p->progress, p->journal.n_events);
		if (interrupt_is_pending())
			return -EINTR;
	}
	*ret_of_journal = true;
	return found;
}

/* --------------------------------------------------------------------- channels */

static enum ctl_exit
refuse(const struct replay *p, const struct ringbus_segment *s,
       const char *what, uint64_t here)
{
	ctl_say(p->journal.ctl,
		"the journal has %s %" PRIu64 " bytes in epoch %" PRId64
		", and channel %s of %" PRIu64
		": replay into a channel that is made as %s was",
		what, s->event_size, s->epoch, p->args->into, here, s->channel);
	return CTL_BAD_DATA;
}

/* Whether the events of a segment can be those of the channel. */
static enum ctl_exit
compare(const struct replay *p, const struct ringbus_segment *s)
{
	const struct ringbus_info *c = &p->info;

	if (s->framing != c->framing) {
		ctl_say(p->journal.ctl,
			"the events of the journal are %s in epoch %" PRId64
			", those of channel %s are not: replay into one that "
			"is made as %s was",
			s->framing == RINGBUS_FIXED ? "fixed" : "framed",
			s->epoch, p->args->into, s->channel);
		return CTL_BAD_DATA;
	}
	if (s->framing == RINGBUS_FIXED && s->event_size != c->event_size)
		return refuse(p, s, "events of", c->event_size);
	if (s->framing == RINGBUS_FRAMED && s->event_size > c->event_size)
		return refuse(p, s, "events of up to", c->event_size);
	if (s->type[0] == '\0' || c->type[0] == '\0' ||
	    (strcmp(s->type, c->type) == 0 &&
	     s->type_version == c->type_version))
		return CTL_OK;
	ctl_say(p->journal.ctl,
		"the events of the journal are of type %s, version %u, in "
		"epoch %" PRId64 ", those of channel %s of type %s, version %u",
		s->type, s->type_version, s->epoch, p->args->into, c->type,
		c->type_version);
	return CTL_BAD_DATA;
}

/* All epochs of the part: a channel that was made anew may have been made otherwise. */
static enum ctl_exit
compare_all(struct replay *p)
{
	struct journal *j = &p->journal;
	enum ctl_exit code = CTL_OK;
	struct ringbus_segment s;
	unsigned index = 0;
	int found = 1;

	while (code == CTL_OK &&
	       (found = journal_find(j, j->part.epoch, &index, &s)) > 0)
		if (!journal_is_outside(j, &s))
			code = compare(p, &s);
	return found < 0 ? journal_failed(j, found) : code;
}

static enum ctl_exit
open_channel(struct replay *p)
{
	struct ringbus_producer_options options = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ctl *ctl = p->journal.ctl;
	enum ctl_exit code = ctl->bus != NULL ? CTL_OK : ctl_connect(ctl);
	int r;

	if (code != CTL_OK)
		return code;
	options.name = "ringbusctl";
	r = ringbus_producer_open(ctl->bus, p->args->into, &options,
				  &p->producer);
	if (r < 0)
		return ctl_refused(ctl, r);
	p->info.size = sizeof(p->info);
	ringbus_channel_info(ringbus_producer_channel(p->producer), &p->info);
	return compare_all(p);
}

/* --------------------------------------------------------------------- the whole */

static enum ctl_exit
summarize(const struct replay *p)
{
	const struct journal *j = &p->journal;
	struct output out;
	struct json json;

	if (!j->ctl->common.json)
		return CTL_OK;
	output_init(&out, STDOUT_FILENO);
	json_begin(&json, &out);
	json_string(&json, "channel", p->args->into);
	json_string(&json, "journal", j->info.channel);
	json_uint(&json, "events", j->n_events);
	json_uint(&json, "bytes", j->n_bytes);
	json_uint(&json, "damages", j->n_damages);
	json_int(&json, "missing_slots", j->n_missing);
	json_end(&json);
	return ctl_finish(j->ctl, &out);
}

static enum ctl_exit
explain(const struct replay *p, int err, bool of_journal)
{
	const struct journal *j = &p->journal;

	if (err == -EINTR)
		ctl_say(j->ctl,
			"interrupted after %" PRIu64
			" events, the last of them sequence %" PRId64
			" of epoch %" PRId64,
			j->n_events, p->last, j->place.epoch);
	if (err == -EINTR)
		return CTL_INTERRUPTED;
	return of_journal ? journal_failed(j, err) : ctl_failed(j->ctl, err);
}

/* Into the very channel it would read what it has published itself, without an end:
 * it stops where the journal did when we came. */
static void
take_end(struct journal *j, const char *into)
{
	if (j->info.channel[0] != '\0' && strcmp(j->info.channel, into) != 0)
		return;
	j->end.epoch = j->info.epoch;
	j->end.sequence = j->info.channel[0] != '\0' ? j->info.last : INT64_MAX;
}

static enum ctl_exit
replay(struct replay *p)
{
	struct journal *j = &p->journal;
	enum ctl_exit code = journal_begin(j, &p->args->part);
	bool of_journal;
	int r;

	if (code == CTL_OK)
		code = open_channel(p);
	if (code != CTL_OK)
		return code;
	take_end(j, p->args->into);
	progress_init(&p->progress, j->ctl, false);
	r = publish_all(p, &of_journal);
	progress_clear(&p->progress);
	if (r < 0)
		return explain(p, r, of_journal);
	code = summarize(p);
	return code == CTL_OK ? journal_verdict(j) : code;
}

static enum ctl_exit
run_replay(struct ctl *ctl, void *args_)
{
	const struct replay_args *args = args_;
	struct replay p = { .args = args };
	enum ctl_exit code;

	if (args->into == NULL)
		return ctl_misused(ctl, "--into has to name the channel to "
					"publish to");
	code = journal_open_any(&p.journal, ctl, args->part.dir);
	if (code == CTL_OK)
		code = replay(&p);
	ringbus_producer_close(p.producer);
	journal_close(&p.journal);
	return code;
}

static int
parse_speed(const char *text, void *target)
{
	double speed;
	char *end;

	if (strcmp(text, "max") == 0) {
		*(double *)target = 0;
		return 0;
	}
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	speed = strtod(text, &end);
	if (strcmp(end, "x") != 0 || !(speed >= 1e-6 && speed <= 1e6))
		return -EINVAL;
	*(double *)target = speed;
	return 0;
}

static const struct options_type speed_type = {
	parse_speed, "max, or a factor such as 1x, 10x or 0.5x"
};

#define AT(name_) offsetof(struct replay_args, name_)

static const struct options_entry replay_options[] = {
	{ 'i', "into", "CHANNEL", &options_text, AT(into),
	  "publish to this channel" },
	{ 'd', "dir", "DIR", &options_text, AT(part.dir),
	  "the folder of the journal, instead of asking the daemon" },
	{ 0, "from", "POINT", &journal_point_type, AT(part.from),
	  "begin at this sequence or time" },
	{ 0, "to", "POINT", &journal_point_type, AT(part.to),
	  "end behind this sequence or time" },
	{ 'e', "epoch", "EPOCH", &journal_epoch_type, AT(part.epoch),
	  "one epoch, or all (the last; with times all)" },
	{ 0, "speed", "SPEED", &speed_type, AT(speed),
	  "max, or a factor: 1x is as it was written (max)" },
	{ 'n', "count", "N", &options_count, AT(count), "stop after N events" },
	{ 0 },
};

static const struct replay_args replay_defaults = { 0 };

const struct ctl_verb ctl_journal_replay = {
	.name = "journal replay",
	.operands = "[CHANNEL]",
	.brief = "Publish the events of a journal to a channel, once more",
	.help = "A POINT is a sequence, or a time: 2026-11-26T22:15:03Z or "
		"@1795558503. Damage and what\nis missing is told, and ends "
		"it with 1 when all the rest is published.\n",
	.max_operands = 1,
	.options = replay_options,
	.defaults = &replay_defaults,
	.args_size = sizeof(replay_defaults),
	.run = run_replay,
};
