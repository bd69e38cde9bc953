/* SPDX-License-Identifier: MIT */
/*
 * util_writer.h - a real ringbus-journal for a test, and what it has stored
 *
 *	struct t_writer w;
 *
 *	t_bus_begin(&b, "slots: 64, event_size: 8, " T_JOURNALLED);
 *	t_writer_start(&w, &b.daemon, "sync=none", NULL);
 *	t_put_all(p, 0, 99);                  the value of an event is its sequence
 *	t_writer_until(&b, 99);               committed
 *	t_writer_stop(&w);
 *	t_stored(&w, 1, 0, 99);
 *
 * The channel is "a", the consumer "journal", the folder is in t_tmpdir().
 */
#ifndef T_UTIL_WRITER_H
#define T_UTIL_WRITER_H

#include "tests/system/util_bus.h"
#include "tests/system/util_program.h"

/* Its place is kept also when it is killed. */
#define T_JOURNALLED "consumers: { journal: { on_death: keep } }"

struct t_writer {
	struct t_run run;
	char dir[PATH_MAX]; /* in t_tmpdir(), unless it is set before */
};

/* With up to three settings KEY=VALUE, then NULL; until it is attached. */
__attribute__((sentinel)) void t_writer_start(struct t_writer *w,
					      const struct t_daemon *daemon,
					      ...);

/* The same without waiting for anything. */
__attribute__((sentinel)) void t_writer_launch(struct t_writer *w,
					       const struct t_daemon *daemon,
					       ...);

/* SIGTERM, and it exits with 0. */
void t_writer_stop(struct t_writer *w);
void t_writer_kill(struct t_writer *w);

/* What the consumer has committed. */
int64_t t_writer_sequence(const struct t_bus *b);
void t_writer_until(const struct t_bus *b, int64_t sequence);

/* Until the journal has it, committed or not. */
void t_writer_until_stored(const struct t_writer *writer, int64_t sequence);

/* An epoch of the journal has exactly these events, in order, once, each with its
 * sequence as its value. */
void t_stored(const struct t_writer *w, int64_t epoch, int64_t first,
	      int64_t last);

/* What is told at the position: RINGBUS_JOURNAL_..., as ringbus_journal_next(). */
int t_told(struct ringbus_journal *journal, struct ringbus_event *ret);

/* How many files of the folder have names that end so; and one of them. */
unsigned t_writer_count(const struct t_writer *w, const char *suffix);
void t_writer_last(const struct t_writer *w, const char *suffix,
		   char ret[PATH_MAX]);

#endif
