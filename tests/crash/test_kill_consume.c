/* SPDX-License-Identifier: MIT */
/*
 * test_kill_consume.c - consumers that are killed at every instruction between
 * their look for events and the end of their commit
 *
 * A commit is all or nothing. A consumer whose place is kept finds again what it
 * had not committed, and nothing else, and whoever comes after it waits for
 * that; one that is released holds nobody up; what a worker had taken goes to
 * another, as a further attempt.
 */
#include "tests/crash/util_crew.h"
#include "tests/crash/util_everywhere.h"

#include <errno.h>

#define SIZE 64
#define N_EVENTS 3
#define CAPACITY 64
#define TURNS 3 /* at the 256 lanes of a key */

static struct scene {
	struct t_crew crew;
	struct ringbus_producer *live;
	uint64_t number; /* of its last event */
	const char *name;
	int slow;
	bool has_worker; /* one lives in the group, when the victim dies */
	struct ringbus_consumer *c;      /* of the victim itself */
	struct ringbus_consumer *worker; /* that lives */
	int progress;                    /* of the last that died */
} scene;

static void
put(struct scene *s, int n)
{
	while (n-- > 0)
		t_note_put(s->live, SIZE,
			   (struct t_note){ T_LIVE, ++s->number });
}

static void
read_all(struct scene *s)
{
	t_crew_read(&s->crew, T_LIVE, s->number);
}

static void
until_capacity(const struct scene *s)
{
	t_until(ringbus_producer_remaining(s->live) == CAPACITY);
}

static void
note_progress(struct scene *s, enum t_death death, int progress)
{
	if (death == T_DIED_ASTRAY)
		return;
	ck_assert_int_ge(progress, s->progress);
	s->progress = progress;
}

static void
forget_progress(void *arg)
{
	struct scene *s = arg;

	s->progress = 0;
}

/* -------------------------------------------------------------- the victim */

static void
open_victim(void *arg)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct scene *s = arg;

	o.name = s->name;
	o.slow = s->slow;
	s->c = t_consume(t_connect(&s->crew.b.daemon), &o);
}

static void
consume(void *arg)
{
	const struct scene *s = arg;
	struct ringbus_event event;

	ringbus_consumer_wait(s->c, RINGBUS_FOREVER);
	while (ringbus_consumer_next(s->c, &event) > 0)
		;
	ringbus_consumer_commit(s->c);
}

/* In the first lap who reads copies looks for the oldest in another way. */
static void
leave_first_lap(struct scene *s)
{
	while (s->number < CAPACITY) {
		put(s, 1);
		read_all(s);
	}
}

static void
kill_everywhere(const struct t_victim *victim, const char *keys)
{
	EVERYWHERE_OR_SKIP();
	t_crew_begin(&scene.crew, keys);
	scene.live = t_produce(scene.crew.b.bus, NULL);
	if (scene.has_worker)
		scene.worker = t_consume_as(scene.crew.b.bus, scene.name,
					    RINGBUS_FROM_NOW);
	if (scene.slow != RINGBUS_SLOW_DEFAULT)
		leave_first_lap(&scene);
	t_kill_everywhere(victim, &scene);
	t_crew_end(&scene.crew);
}

/* ---------------------------------------------------------------- released */

static void
put_and_read(void *arg)
{
	put(arg, N_EVENTS);
	read_all(arg);
}

static bool
is_clean(const struct rb_channel *channel)
{
	static const char zeroes[SIZE];

	for (int64_t i = 0; i < CAPACITY; i++)
		if (memcmp(rb_channel_slot(channel, i), zeroes, SIZE) != 0)
			return false;
	return true;
}

static void
died_released(void *arg, enum t_death death)
{
	struct scene *s = arg;

	(void)death;
	t_crew_until_members(&s->crew, 1, 2);
	until_capacity(s);
	if (s->crew.map.clear != RB_CLEAR_NONE)
		ck_assert(is_clean(&s->crew.map));
	put(s, 1);
	read_all(s);
	until_capacity(s);
}

static void
kill_released(const char *what, const char *keys)
{
	const struct t_victim v = {
		.what = what,
		.prepare = open_victim,
		.call = consume,
		.anew = forget_progress,
		.entered = put_and_read,
		.died = died_released,
	};

	kill_everywhere(&v, keys);
}

#define MULTI "slots: 64, event_size: 64, producers: multi"

TEST_TIMEOUT(read_and_commit, 600)
{
	scene = (struct scene){ .name = "victim" };
	kill_released("read and commit, released", MULTI);
}

TEST_TIMEOUT(read_copies_and_commit, 600)
{
	scene = (struct scene){ .name = "victim", .slow = RINGBUS_SLOW_LOSSY };
	kill_released("read copies and commit", MULTI);
}

/* The victim is the last that has read them, so it is the one that clears. */
TEST_TIMEOUT(commit_and_clear, 600)
{
	scene = (struct scene){ .name = "victim" };
	kill_released("read, commit and clear", MULTI ", clear: zero");
}

/* -------------------------------------------------------------------- kept */

static void
put_before(void *arg)
{
	put(arg, N_EVENTS);
}

static struct ringbus_consumer *
succeed(struct scene *s)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c = NULL;
	int err;

	o.name = s->name;
	o.from = RINGBUS_FROM_RESUME;
	t_until((err = ringbus_consumer_open(s->crew.b.bus, "a", &o, &c)) !=
		-EBUSY);
	t_bus_ok(s->crew.b.bus, err);
	return c;
}

/* What is left to read: the last events up to the newest. */
static int
read_rest(const struct scene *s, struct ringbus_consumer *c)
{
	struct ringbus_event event;
	int n = 0;

	if (ringbus_consumer_wait(c, RINGBUS_NOW) == -EAGAIN)
		return 0;
	while (ringbus_consumer_next(c, &event) > 0) {
		uint64_t number = s->number - N_EVENTS + 1 + (uint64_t)n++;

		ck_assert_uint_eq(t_note_of(&event).number, number);
	}
	return n;
}

static void
died_kept(void *arg, enum t_death death)
{
	struct scene *s = arg;
	struct ringbus_consumer *c = succeed(s);
	int n_left = read_rest(s, c);

	ck_assert(n_left == 0 || n_left == N_EVENTS);
	note_progress(s, death, n_left == 0);
	if (death == T_DIED_RETURNED)
		ck_assert_int_eq(n_left, 0);
	if (n_left > 0) /* the sleeper comes after the victim */
		ck_assert_uint_eq(t_crew_n_heard(&s->crew), s->crew.n_read);
	t_ok(ringbus_consumer_commit(c));
	ringbus_consumer_close(c);
	read_all(s);
	until_capacity(s);
	t_crew_until_members(&s->crew, 1, 3);
}

TEST_TIMEOUT(read_and_commit_at_a_kept_place, 600)
{
	const struct t_victim v = {
		.what = "read and commit, kept",
		.prepare = open_victim,
		.call = consume,
		.anew = forget_progress,
		.begin = put_before,
		.died = died_kept,
	};

	scene = (struct scene){ .name = "victim" };
	kill_everywhere(&v, MULTI ", consumers: { victim: { on_death: keep }, "
				  "sleeper: { after: victim } }");
}

/* ----------------------------------------------------------------- workers */

static void
work(void *arg)
{
	const struct scene *s = arg;
	struct ringbus_event event;

	ringbus_consumer_wait(s->c, RINGBUS_FOREVER);
	ringbus_consumer_next(s->c, &event);
	ringbus_consumer_commit(s->c);
}

/* Does what is left: 0, it had not been taken yet; 1, it had, and is given out
 * again; 2, the victim had done it. */
static int
finish_work(const struct scene *s, struct ringbus_consumer *c)
{
	uint64_t first = s->number - N_EVENTS + 1, next = first + 1;
	struct ringbus_event event;
	int progress = 2;

	while (ringbus_consumer_wait(c, RINGBUS_NOW) >= 0) {
		uint64_t number;

		ck_assert_int_eq(ringbus_consumer_next(c, &event), 1);
		number = t_note_of(&event).number;
		if (number == first)
			progress = ringbus_consumer_attempt(c) - 1;
		else
			ck_assert_uint_eq(number, next++);
		t_ok(ringbus_consumer_commit(c));
	}
	ck_assert_uint_eq(next, s->number + 1);
	return progress;
}

static void
died_worker(void *arg, enum t_death death)
{
	struct scene *s = arg;
	unsigned n_members = s->has_worker ? 4 : 3;
	struct ringbus_consumer *c;
	int progress;

	t_crew_until_members(&s->crew, 1, n_members);
	c = s->has_worker ? s->worker : succeed(s);
	progress = finish_work(s, c);
	ck_assert_int_le(progress, 2);
	note_progress(s, death, progress);
	if (death == T_DIED_RETURNED)
		ck_assert_int_eq(progress, 2);
	read_all(s);
	until_capacity(s);
	if (!s->has_worker)
		ringbus_consumer_close(c);
	t_crew_until_members(&s->crew, 1, n_members);
}

static void
kill_worker(const char *what, const char *keys, unsigned turns)
{
	const struct t_victim v = {
		.what = what,
		.prepare = open_victim,
		.call = work,
		.anew = forget_progress,
		.begin = put_before,
		.died = died_worker,
		.turns = turns,
	};

	kill_everywhere(&v, keys);
}

TEST_TIMEOUT(take_and_finish_among_others, 600)
{
	scene = (struct scene){ .name = "g", .has_worker = true };
	kill_worker("take and finish, another worker",
		    MULTI ", consumers: { g: { group: true } }", 0);
}

TEST_TIMEOUT(take_and_finish_alone, 600)
{
	scene = (struct scene){ .name = "g" };
	kill_worker("take and finish, last worker",
		    MULTI ", consumers: { g: { group: true } }", 0);
}

TEST_TIMEOUT(take_and_finish_by_key, 600)
{
	scene = (struct scene){ .name = "g" };
	kill_worker("take and finish, by key",
		    MULTI ", consumers: { g: { group: true, "
			  "key: { offset: 8, size: 8 } } }",
		    TURNS);
}
