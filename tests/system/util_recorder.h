/* SPDX-License-Identifier: MIT */
/*
 * util_recorder.h - a small journal of the channel "a", as a test wants it
 *
 * Its consumer gates, and commits when its blocks are in the file, as ringbus-journal
 * does; but when it does, how far, and what is missing is for the test to say.
 */
#ifndef T_UTIL_RECORDER_H
#define T_UTIL_RECORDER_H

#include "tests/system/util_bus.h"
#include "tests/util_journal.h"

struct t_recorder {
	struct ringbus_consumer *consumer;
	struct t_journal journal;
};

/* Takes the place of consumer "journal", from the oldest on, and begins an epoch in
 * the folder; or goes on where it was. */
void t_recorder_open(struct t_recorder *r, struct ringbus *bus,
		     const char *dir);

/* Leaves; its place is kept if the channel says so. */
void t_recorder_close(struct t_recorder *r);

/* Writes what is there, a block of at most `max` slots, after waiting for so long for
 * the first. Returns what ringbus_consumer_wait() says if nothing is. */
int64_t t_recorder_write(struct t_recorder *r, int64_t max, int64_t timeout_ns);

/* The same without the commit, which t_recorder_commit() does. */
int64_t t_recorder_write_only(struct t_recorder *r, int64_t max,
			      int64_t timeout_ns);
void t_recorder_commit(struct t_recorder *r);

/* Writes all up to this sequence. */
void t_record_to(struct t_recorder *r, int64_t last);

/* Drops all up to this sequence, and says so in the journal. */
void t_drop_to(struct t_recorder *r, int64_t last);

/* A process that writes all that comes, in blocks of at most `max` slots, to the end
 * of the stream. */
pid_t t_recorder_process(const struct t_daemon *daemon, const char *dir,
			 int64_t max);

/* ---------------------------------------------------------------------- a scene */

#define T_SCENE_KEYS                                                           \
	"slots: 16, event_size: 8, producers: %s, consumers: { "               \
	"journal: { on_death: keep } }"

/* A producer, and a journal that has all that was put. */
struct t_stage {
	struct t_bus b;
	const char *dir;
	struct ringbus_producer *p;
	struct t_recorder r;
	int64_t next; /* to put */
};

void t_stage_begin(struct t_stage *s, enum rb_producers kind);
void t_stage_end(struct t_stage *s);

/* So many events more, all of them in the journal. */
void t_stage_journal(struct t_stage *s, int64_t n);

/* To open a consumer with that journal; a name is kept. */
struct ringbus_consumer_options t_stage_options(const struct t_stage *s,
						const char *name, int64_t from);

/* Consumer "app", from a sequence on. */
struct ringbus_consumer *t_stage_open(const struct t_stage *s, int64_t from);

/* Whether a name has a place; and how many gate beside the journal. */
bool t_stage_has(const struct t_stage *s, const char *name);
int t_stage_gates(const struct t_stage *s);

#endif
