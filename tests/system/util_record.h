/* SPDX-License-Identifier: MIT */
/*
 * util_record.h - handlers that write down how they are called, and answer by a
 * list
 *
 *	struct t_record r = { .answers = { { 2, RINGBUS_STOP } } };
 *	struct ringbus_handlers h = t_handlers(&r);
 *
 *	ck_assert_int_eq(ringbus_consumer_run(c, &h), RINGBUS_STOP);
 *	t_recorded(&r, "start batch:9/9 0 1 2 shutdown");
 *
 * An event is written as its number, with a "!" if it ends its batch. The rest
 * reads batch:SIZE/DEPTH, gap:LOW-HIGH, lost:LOW-HIGH, timeout:SEQUENCE,
 * end:SEQUENCE, failed:ERR or failed:ERR@NUMBER.
 */
#ifndef T_UTIL_RECORD_H
#define T_UTIL_RECORD_H

#include "tests/system/util_bus.h"

#define T_RECORD_SIZE 8192
#define T_ANSWERS_MAX 8

/* What on_event returns for the event with this number, so many times. */
struct t_answer {
	uint64_t number;
	int verdict; /* 0: none */
	int times;   /* 0: always */
};

struct t_record {
	struct t_answer answers[T_ANSWERS_MAX];
	struct ringbus_consumer *halts; /* halts this one ... */
	uint64_t halt_at;               /* ... at the event of this number */
	/* What the others return. */
	int start, batch_start, timeout, gap, lost, end, exception, shutdown;
	/* Called with each event, if given. */
	void (*look)(void *context, const struct ringbus_event *event);
	void *look_context;

	char text[T_RECORD_SIZE];
	size_t n;
	uint64_t n_events;
	int64_t last_ns; /* when the last event came */
};

/* All handlers but on_exception, on_gap, on_lost and on_timeout. */
struct ringbus_handlers t_handlers(struct t_record *record);

/* These too. */
struct ringbus_handlers t_all_handlers(struct t_record *record);

/* For ringbus_consumer_poll(). */
int t_record_event(void *context, const struct ringbus_event *event,
		   int end_of_batch);

/* This is all that was written, and it is forgotten. */
void t_recorded(struct t_record *record, const char *expected);

#endif
