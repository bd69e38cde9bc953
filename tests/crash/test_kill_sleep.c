/* SPDX-License-Identifier: MIT */
/*
 * test_kill_sleep.c - who is killed on its way to sleep, in it, and while it
 * wakes others
 *
 * A sleeper that dies leaves its wish behind, and the next waker takes it back.
 * A waker that dies between what it did and the call that tells it leaves
 * sleepers, and the daemon wakes them.
 *
 * On its way to sleep a client spins, 400 times the same; of these turns `make
 * crash` visits all.
 */
#include "shm/sequencer.h"
#include "tests/crash/util_crew.h"
#include "tests/crash/util_everywhere.h"

#define SIZE 16
#define CAPACITY 8
#define TURNS 3

#define FIRST_VICTIM UINT64_C(1000)

static struct scene {
	struct t_crew crew;
	bool is_multi;
	struct ringbus_producer *live; /* of several */
	uint64_t number;               /* of its last event */
	uint64_t round;
	int64_t timeout_ns;
	bool has_read;   /* the ring was full, and is no more */
	pid_t writer;    /* that fills it again and again */
	unsigned n_seen; /* of the last that died: its events, and its slots */
	int64_t n_slots;
	/* Of the victim itself. */
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
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
forget_last(void *arg)
{
	struct scene *s = arg;

	s->n_slots = s->n_seen = 0;
}

static void
kill_everywhere(const struct t_victim *victim, const char *keys)
{
	EVERYWHERE_OR_SKIP();
	t_crew_begin(&scene.crew, keys);
	scene.is_multi = rb_channel_is_multi(&scene.crew.map);
	if (scene.is_multi)
		scene.live = t_produce(scene.crew.b.bus, NULL);
	t_kill_everywhere(victim, &scene);
	t_crew_end(&scene.crew);
}

#define SINGLE "slots: 8, event_size: 16"
#define MULTI "slots: 8, event_size: 16, producers: multi"

/* ------------------------------------------------------ sleeping for events */

static void
open_consumer(void *arg)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct scene *s = arg;

	o.name = "victim";
	o.wait = RINGBUS_WAIT_BLOCKING;
	s->c = t_consume(t_connect(&s->crew.b.daemon), &o);
}

static void
wait_for_event(void *arg)
{
	ringbus_consumer_wait(((const struct scene *)arg)->c, RINGBUS_FOREVER);
}

static void
put_one(void *arg)
{
	put(arg, 1);
}

/* A wish that is left of it harms nobody, and what it gated is free. */
static void
died_reading(void *arg, enum t_death death)
{
	struct scene *s = arg;

	(void)death;
	t_crew_until_members(&s->crew, 1, 2);
	put(s, 1);
	read_all(s);
	t_until(ringbus_producer_remaining(s->live) == CAPACITY);
}

TEST_TIMEOUT(consumer_goes_to_sleep, 600)
{
	const struct t_victim v = {
		.what = "consumer sleeps for an event",
		.prepare = open_consumer,
		.call = wait_for_event,
		.asleep = put_one,
		.died = died_reading,
		.turns = TURNS,
	};

	scene = (struct scene){ 0 };
	kill_everywhere(&v, MULTI);
}

/* --------------------------------------------------- waiting by descriptor */

static void
open_with_fd(void *arg)
{
	struct scene *s = arg;

	open_consumer(s);
	t_ok(ringbus_consumer_fd(s->c));
}

static void
arm(void *arg)
{
	ringbus_consumer_arm(((const struct scene *)arg)->c);
}

/* Nor does anybody ring for it any more. */
static void
died_armed(void *arg, enum t_death death)
{
	struct scene *s = arg;

	died_reading(s, death);
	ck_assert_uint_eq(rb_word64_load_acquire(&s->crew.map.gates->bells), 0);
}

TEST_TIMEOUT(consumer_arms_its_descriptor, 600)
{
	const struct t_victim v = {
		.what = "consumer arms its descriptor",
		.prepare = open_with_fd,
		.call = arm,
		.died = died_armed,
	};

	scene = (struct scene){ 0 };
	kill_everywhere(&v, MULTI);
}

/* ------------------------------------------- publishing, and sleeping for room */

static struct t_note
note_of_victim(const struct scene *s)
{
	return (struct t_note){ FIRST_VICTIM + s->round, 0 };
}

static void
open_producer(void *arg)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct scene *s = arg;

	o.name = "victim";
	o.wait = RINGBUS_WAIT_BLOCKING;
	s->p = t_produce(t_connect(&s->crew.b.daemon), &o);
}

/* A single producer has to fill the ring itself. */
static void
open_and_fill(void *arg)
{
	struct scene *s = arg;

	open_producer(s);
	if (s->is_multi)
		return;
	s->live = s->p;
	s->number -= CAPACITY;
	put(s, CAPACITY);
}

static void
write_one(void *arg)
{
	const struct scene *s = arg;
	struct t_note note = note_of_victim(s);

	ringbus_producer_write(s->p, &note, sizeof(note), s->timeout_ns);
}

static void
begin_full(void *arg)
{
	struct scene *s = arg;

	s->round++;
	s->has_read = false;
	if (s->is_multi)
		put(s, CAPACITY);
	else
		s->number += CAPACITY;
}

static void
make_room(void *arg)
{
	struct scene *s = arg;

	read_all(s);
	s->has_read = true;
}

/* An event, a tombstone or nothing; and never less than the last one was. */
static void
check_progress(struct scene *s, enum t_death death)
{
	unsigned n_seen = t_crew_count(&s->crew, note_of_victim(s).who);
	int64_t n_slots = n_seen + s->crew.n_gaps;

	ck_assert_int_le(n_slots, 1);
	if (!s->is_multi)
		ck_assert_int_eq(s->crew.n_gaps, 0);
	if (death == T_DIED_RETURNED)
		ck_assert_uint_eq(n_seen, 1);
	if (death == T_DIED_ASTRAY)
		return;
	ck_assert_uint_ge(n_seen, s->n_seen);
	ck_assert_int_ge(n_slots, s->n_slots);
	s->n_seen = n_seen;
	s->n_slots = n_slots;
}

/* Others go on, once what the dead one had claimed can be buried. */
static void
died_writing(void *arg, enum t_death death)
{
	struct scene *s = arg;

	if (s->is_multi)
		t_crew_until_members(&s->crew, 1, 2);
	else
		s->live = t_crew_succeed(&s->crew);
	put(s, 1);
	read_all(s);
	check_progress(s, death);
	t_until(ringbus_producer_remaining(s->live) == CAPACITY);
	if (!s->is_multi)
		ringbus_producer_close(s->live);
	t_crew_until_members(&s->crew, s->is_multi, 2);
}

static void
died_for_room(void *arg, enum t_death death)
{
	struct scene *s = arg;

	if (!s->has_read)
		make_room(s);
	died_writing(s, death);
}

static void
kill_for_room(const char *what, const char *keys)
{
	const struct t_victim v = {
		.what = what,
		.prepare = open_and_fill,
		.call = write_one,
		.anew = forget_last,
		.begin = begin_full,
		.asleep = make_room,
		.died = died_for_room,
		.turns = TURNS,
	};

	kill_everywhere(&v, keys);
}

TEST_TIMEOUT(single_producer_sleeps_for_room, 600)
{
	scene = (struct scene){ .timeout_ns = RINGBUS_FOREVER };
	kill_for_room("producer sleeps for room, single", SINGLE);
}

/* It has its claim already, one lap ahead of who has yet to read. */
TEST_TIMEOUT(producer_sleeps_with_its_claim, 600)
{
	scene = (struct scene){ .timeout_ns = RINGBUS_FOREVER };
	kill_for_room("producer sleeps for room, multi", MULTI);
}

TEST_TIMEOUT(producer_sleeps_without_a_claim, 600)
{
	scene = (struct scene){ .timeout_ns = 1000 * T_SECOND };
	kill_for_room("producer sleeps with a deadline, multi", MULTI);
}

/* ------------------------------------------------------------------- waking */

static bool
is_wished(const struct rb_word32 *wanted, const struct rb_word32 *event)
{
	return (int32_t)(rb_word32_load_acquire(wanted) -
			 rb_word32_load_acquire(event)) > 0;
}

static void
begin_waking(void *arg)
{
	struct scene *s = arg;

	s->round++;
}

static void
until_sleeper_sleeps(void *arg)
{
	const struct scene *s = arg;
	const struct rb_channel *c = &s->crew.map;

	t_until(t_is_asleep(s->crew.sleeper) &&
		is_wished(&c->gates->data_wanted, &c->ring->event));
}

/* The next one that may be read is no tombstone. */
static bool
is_published(const struct scene *s)
{
	const struct rb_channel *c = &s->crew.map;
	int64_t next = s->crew.last + 1;

	if (!s->is_multi)
		return rb_seq_load_acquire(&c->ring->published) >= next;
	return rb_word64_load_acquire(rb_channel_stamp(c, next)) ==
	       rb_stamp(next, RB_STAMP_EVENT);
}

/* What can be read, the sleeper hears of without another publish. */
static void
died_waking(void *arg, enum t_death death)
{
	struct scene *s = arg;

	t_crew_until_members(&s->crew, s->is_multi, 2);
	if (is_published(s))
		t_until(t_crew_n_heard(&s->crew) > s->crew.n_read);
	died_writing(s, death);
}

static void
kill_waking(const char *what, const char *keys)
{
	const struct t_victim v = {
		.what = what,
		.prepare = open_producer,
		.call = write_one,
		.begin = begin_waking,
		.entered = until_sleeper_sleeps,
		.died = died_waking,
	};

	kill_everywhere(&v, keys);
}

TEST_TIMEOUT(publish_wakes_a_consumer_single, 600)
{
	scene = (struct scene){ .timeout_ns = RINGBUS_FOREVER };
	kill_waking("publish wakes a consumer, single", SINGLE);
}

TEST_TIMEOUT(publish_wakes_a_consumer_multi, 600)
{
	scene = (struct scene){ .timeout_ns = RINGBUS_FOREVER };
	kill_waking("publish wakes a consumer, multi", MULTI);
}

static int
write_on_and_on(void *arg)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	const struct scene *s = arg;
	struct t_note note = { T_LIVE, 0 };
	struct ringbus_producer *p;

	o.wait = RINGBUS_WAIT_BLOCKING;
	p = t_produce(t_connect(&s->crew.b.daemon), &o);
	for (note.number = 1;; note.number++)
		t_ok(ringbus_producer_write(p, &note, sizeof(note),
					    RINGBUS_FOREVER));
}

static void
read_lap(struct scene *s)
{
	s->number += CAPACITY;
	read_all(s);
}

/* The ring is full; now it is so because of the victim alone. */
static void
until_writer_sleeps(void *arg)
{
	struct scene *s = arg;
	const struct rb_channel *c = &s->crew.map;
	unsigned i = t_member(ringbus_consumer_channel(s->crew.reader),
			      RINGBUS_CONSUMER, "victim")
			     .index;

	read_lap(s);
	read_lap(s);
	t_until(t_is_asleep(s->writer) &&
		is_wished(&c->ring->space_wanted[i],
			  &c->gates->consumers[i].event));
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

static void
until_full(const struct scene *s)
{
	const struct rb_ring *ring = s->crew.map.ring;
	int64_t last = (int64_t)s->number + CAPACITY - 1;

	t_until((s->is_multi ? rb_multi_is_stamped(&s->crew.map, last)
			     : rb_seq_load_acquire(&ring->published) == last));
}

static void
died_committing(void *arg, enum t_death death)
{
	struct scene *s = arg;

	(void)death;
	t_crew_until_members(&s->crew, 1, 2);
	read_lap(s);
	until_full(s);
}

static void
kill_committing(const char *what, const char *keys)
{
	const struct t_victim v = {
		.what = what,
		.prepare = open_consumer,
		.call = consume,
		.entered = until_writer_sleeps,
		.died = died_committing,
	};

	EVERYWHERE_OR_SKIP();
	t_crew_begin(&scene.crew, keys);
	scene.is_multi = rb_channel_is_multi(&scene.crew.map);
	scene.writer = t_child(write_on_and_on, &scene);
	until_full(&scene);
	t_kill_everywhere(&v, &scene);
	t_kill(scene.writer);
	t_crew_end(&scene.crew);
}

TEST_TIMEOUT(commit_wakes_a_producer_single, 600)
{
	scene = (struct scene){ 0 };
	kill_committing("commit wakes a producer, single", SINGLE);
}

TEST_TIMEOUT(commit_wakes_a_producer_multi, 600)
{
	scene = (struct scene){ 0 };
	kill_committing("commit wakes a producer, multi", MULTI);
}
