/* SPDX-License-Identifier: MIT */
/*
 * journal.h - what the verbs of a journal share: where it is, a part of it, and what
 * is wrong there
 *
 * A journal is the folder that the daemon names for a channel, or the one that --dir
 * names, and then there need be no daemon. What is missing or damaged in the part that
 * is read is told where it is met, and decides how the verb ends.
 */
#ifndef CTL_JOURNAL_H
#define CTL_JOURNAL_H

#include "client/ctl/ctl.h"

/* A point in a journal. */
struct journal_point {
	enum {
		JOURNAL_NOWHERE,
		JOURNAL_SEQUENCE,
		JOURNAL_TIME
	} kind;
	int64_t at; /* the sequence, or nanoseconds of CLOCK_REALTIME */
};

/* Stores a journal_point. */
extern const struct options_type journal_point_type;

/* Stores an epoch in an int64_t. */
extern const struct options_type journal_epoch_type;

#define JOURNAL_EPOCH_LAST INT64_C(0)
#define JOURNAL_EPOCH_ALL INT64_C(-1)

/* The options that say which part. */
struct journal_part {
	const char *dir;
	int64_t epoch;
	struct journal_point from;
	struct journal_point to; /* the last that is in it */
};

struct journal {
	struct ctl *ctl;
	struct ringbus_journal *handle;
	struct ringbus_journal_info info;
	struct ringbus_journal_place place; /* of what was read last */
	struct journal_part part;
	/* What comes behind this is not read; epoch 0: there is no end. */
	struct {
		int64_t epoch;
		int64_t sequence;
	} end;
	uint64_t n_events;
	uint64_t n_bytes;
	uint64_t n_damages;
	int64_t n_missing; /* slots */
};

/* Opens the journal in `dir`, or if that is NULL the one of the channel that is the
 * first operand; or says why not. */
enum ctl_exit journal_open(struct journal *journal, struct ctl *ctl,
			   const char *dir);

/* The same of a journal whose last epoch may have no whole header, or whose version is
 * not known; what is not known of it is zero then. */
enum ctl_exit journal_open_any(struct journal *journal, struct ctl *ctl,
			       const char *dir);
void journal_close(struct journal *journal);

/* Goes to the beginning of a part; or says why not. */
enum ctl_exit journal_begin(struct journal *journal,
			    const struct journal_part *part);

/* Finds a segment of that epoch that has a header, JOURNAL_EPOCH_ALL being any, from
 * *index on, which is moved behind it: 1; 0 if there is none; or a negative errno. The
 * event that was read last is no longer good then. */
int journal_find(struct journal *journal, int64_t epoch, unsigned *index,
		 struct ringbus_segment *ret);

/* Whether all of a segment was written before or behind the times of the part. */
bool journal_is_outside(const struct journal *journal,
			const struct ringbus_segment *segment);

/*
 * What comes next in the part: RINGBUS_JOURNAL_EVENT, _HOLE, _DAMAGE or _EPOCH, with
 * its place; 0 at the end; or a negative errno. All is counted.
 */
int journal_next(struct journal *journal, struct ringbus_event *ret);

/* Says that something is missing, or damaged, on stderr. */
void journal_tell(const struct journal *journal, int found,
		  const struct ringbus_event *event);

/* A call on the journal has failed so. */
enum ctl_exit journal_failed(const struct journal *journal, int err);

/* How a verb ends that has read all of it: not well, if anything was missing. */
enum ctl_exit journal_verdict(const struct journal *journal);

#endif
