/* SPDX-License-Identifier: MIT */
/*
 * remote_run.h - an event processor in another process, and how it was called
 *
 *	t_site_begin(&x, kind, "slots: 16, event_size: 8");
 *	t_runner_start(&c, &x, "c");
 *	c.work->record.answers[0] = (struct t_answer){ 1, RINGBUS_REWIND, 1 };
 *	ck_assert_int_eq(t_remote_put(&x.p, 3, RINGBUS_NOW), 2);
 *	t_runner_begin(&c);
 *	t_runner_stop(&c, 2);
 *	t_runner_recorded(&c, "start batch:3/3 0-1 batch:3/3 0-2! shutdown");
 *	t_runner_end(&c);
 *	t_site_end(&x);
 *
 * Its handlers are those of util_record.h. They, their answers and the record
 * are in memory that both processes share: to be changed and read while no run
 * is on. The channel may be declared in the configuration or be created, with
 * its graph, by a program.
 */
#ifndef T_REMOTE_RUN_H
#define T_REMOTE_RUN_H

#include "tests/conformance/remote.h"
#include "tests/system/util_record.h"

/* ------------------------------------------------------------- the channel */

/* A daemon with the channel "a", a producer in one process, and a look at the
 * channel from another, the test. */
struct t_site {
	struct t_bus b;
	struct ringbus_tap *tap;
	const struct ringbus_channel *channel;
	struct t_remote p;
	bool is_created;
};

/* The same graph twice: the value of `consumers:`, and what builds it. */
struct t_plan {
	uint64_t slots;
	const char *consumers;
	void (*build)(struct ringbus_graph *graph);
};

enum t_how {
	T_DECLARED,
	T_CREATED,
};

void t_site_begin(struct t_site *x, enum rb_producers kind, const char *keys);
void t_site_plan(struct t_site *x, const struct t_plan *plan, enum t_how how,
		 enum rb_producers kind);
void t_site_end(struct t_site *x);

/* What is shown of a consumer, and how far it has come. */
struct ringbus_member t_site_consumer(const struct t_site *x, const char *name);
int64_t t_site_sequence(const struct t_site *x, const char *name);

/* Each test for a channel of either origin and kind. */
#define GRAPHS(name)                                                           \
	static void name(enum t_how how, enum rb_producers kind);              \
	TEST(name##_declared_single)                                           \
	{                                                                      \
		name(T_DECLARED, RB_SINGLE);                                   \
	}                                                                      \
	TEST(name##_declared_multi)                                            \
	{                                                                      \
		name(T_DECLARED, RB_MULTI);                                    \
	}                                                                      \
	TEST(name##_created_single)                                            \
	{                                                                      \
		name(T_CREATED, RB_SINGLE);                                    \
	}                                                                      \
	TEST(name##_created_multi)                                             \
	{                                                                      \
		name(T_CREATED, RB_MULTI);                                     \
	}                                                                      \
	static void name(enum t_how how, enum rb_producers kind)

/* ----------------------------------------------------------- the processor */

struct t_work {
	struct t_record record; /* is first: the context of the handlers */
	struct ringbus_handlers handlers;
	struct t_place *place;      /* there, and of use there alone */
	struct rb_word64 hold;      /* see t_runner_hold() */
	struct rb_word64 began;     /* 1 + the event handled last, or still */
	_Alignas(16) char own[256]; /* whatever handlers of the test keep */
};

struct t_runner {
	struct t_remote remote;
	struct t_work *work;
	const struct t_site *site;
	const char *name;
};

/* Forks, and opens the consumer of that name from now on; with t_handlers(). */
void t_runner_start(struct t_runner *runner, const struct t_site *x,
		    const char *name);
void t_runner_start_with(struct t_runner *runner, const struct t_site *x,
			 const struct ringbus_consumer_options *options);
void t_runner_end(struct t_runner *runner);

/* Runs the processor there; in two, or in one. Returns its result. */
void t_runner_begin(struct t_runner *runner);
int64_t t_runner_collect(struct t_runner *runner);
int64_t t_runner_run(struct t_runner *runner);

/* Waits until it has committed `last`, halts it, and it has to end well. */
void t_runner_stop(struct t_runner *runner, int64_t last);

/* Polls there, with the same handler. */
int64_t t_runner_poll(struct t_runner *runner, int64_t max);

/*
 * From the event of this number on it stays inside its handler, until it is
 * told a greater number.
 */
#define T_HOLD_NONE UINT64_MAX
void t_runner_hold(struct t_runner *runner, uint64_t number);

/* For t_until(): it is, or was last, inside the handler of this event. */
bool t_runner_is_at(const struct t_runner *runner, uint64_t number);

/* It has been given no event so far, and sleeps. */
bool t_runner_is_idle(const struct t_runner *runner);

/*
 * This is all that was recorded, and it is forgotten; "2-5!" is short for "2 3 4
 * 5!". The other looks at the numbers of the events alone.
 */
void t_runner_recorded(struct t_runner *runner, const char *expected);
void t_runner_handled(struct t_runner *runner, const char *expected);

/* ------------------------------------------- the usual beginning and end */

/* One processor, called "c", at a ring of 16. */
struct t_scene {
	struct t_site x;
	struct t_runner c;
};

void t_scene_begin(struct t_scene *s, enum rb_producers kind);
void t_scene_end(struct t_scene *s);

/* Publishes n events at once, which have to be those up to `last`. */
void t_scene_put(struct t_scene *s, int64_t n, int64_t last);

/* The handler gives the event of this number this answer, so many times; 0:
 * always. */
void t_scene_answer(struct t_scene *s, uint64_t number, int verdict, int times);

/* The stream ends behind what is published, and this is the record of it. */
void t_scene_ends(struct t_scene *s, const char *record);

#endif
