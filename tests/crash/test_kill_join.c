/* SPDX-License-Identifier: MIT */
/*
 * test_kill_join.c - clients that are killed at every instruction of their
 * coming and going
 *
 * Wherever it dies, soon nothing is left of it: no member and no gate. The next
 * victim is the proof that its name can be taken again, and others are not kept
 * up. Here most of the way leads through the C library and the kernel.
 */
#include "tests/crash/util_crew.h"
#include "tests/crash/util_everywhere.h"

#define SIZE 16
#define CAPACITY 64

static struct scene {
	struct t_crew crew;
	struct ringbus_producer *live; /* NULL: it would be in the way */
	uint64_t number;               /* of the last event */
	unsigned n_kept; /* places that are kept when it is dead */
	/* Of the victim itself. */
	struct ringbus *bus;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus_tap *tap;
} scene;

/* --------------------------------------------------------------- the calls */

static void
connect_victim(void *arg)
{
	struct scene *s = arg;

	t_ok(ringbus_connect(s->crew.b.daemon.socket, &s->bus));
}

static void
open_producer(void *arg)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct scene *s = arg;

	o.name = "victim";
	ringbus_producer_open(s->bus, "a", &o, &s->p);
}

static void
open_consumer(void *arg)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct scene *s = arg;

	o.name = "victim";
	ringbus_consumer_open(s->bus, "a", &o, &s->c);
}

static void
open_tap(void *arg)
{
	struct scene *s = arg;

	ringbus_tap_open(s->bus, "a", NULL, &s->tap);
}

static void
come_as_producer(void *arg)
{
	struct scene *s = arg;

	connect_victim(s);
	open_producer(s);
	ck_assert_ptr_nonnull(s->p);
}

static void
come_as_consumer(void *arg)
{
	struct scene *s = arg;

	connect_victim(s);
	open_consumer(s);
	ck_assert_ptr_nonnull(s->c);
}

static void
close_producer(void *arg)
{
	const struct scene *s = arg;

	ringbus_producer_close(s->p);
}

static void
close_consumer(void *arg)
{
	const struct scene *s = arg;

	ringbus_consumer_close(s->c);
}

static void
close_bus(void *arg)
{
	const struct scene *s = arg;

	ringbus_close(s->bus);
}

/* ----------------------------------------------------------- who lives on */

/* The daemon may come to a request of the dead only after its death. */
static void
until_gone(const struct scene *s)
{
	unsigned n_producers = s->live != NULL;

	t_crew_until_members(&s->crew, n_producers, 2 + s->n_kept);
	t_ok(ringbus_ping(s->crew.b.bus));
	t_crew_until_members(&s->crew, n_producers, 2 + s->n_kept);
}

/* Whoever resumes at the kept place finds the event that was published since. */
static void
resume_kept(struct scene *s)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c = NULL;
	struct ringbus_event event;

	o.name = "victim";
	o.from = RINGBUS_FROM_RESUME;
	t_bus_ok(s->crew.b.bus,
		 ringbus_consumer_open(s->crew.b.bus, "a", &o, &c));
	t_next(c, &event);
	ck_assert_uint_eq(t_note_of(&event).number, s->number);
	t_ok(ringbus_consumer_commit(c));
	t_nothing(c);
	ringbus_consumer_close(c);
}

static void
died(void *arg, enum t_death death)
{
	struct scene *s = arg;
	struct ringbus_producer *p;

	(void)death;
	until_gone(s);
	p = s->live != NULL ? s->live : t_crew_succeed(&s->crew);
	t_note_put(p, SIZE, (struct t_note){ T_LIVE, ++s->number });
	t_crew_read(&s->crew, T_LIVE, s->number);
	if (s->n_kept > 0)
		resume_kept(s);
	t_until(ringbus_producer_remaining(p) == CAPACITY);
	if (s->live == NULL)
		ringbus_producer_close(p);
	until_gone(s);
}

static void
kill_everywhere(const struct t_victim *victim, const char *keys)
{
	bool is_multi = strstr(keys, "multi") != NULL;

	EVERYWHERE_OR_SKIP();
	t_crew_begin(&scene.crew, keys);
	if (is_multi)
		scene.live = t_produce(scene.crew.b.bus, NULL);
	t_kill_everywhere(victim, &scene);
	t_crew_end(&scene.crew);
}

#define SINGLE "slots: 64, event_size: 16"
#define MULTI "slots: 64, event_size: 16, producers: multi"

TEST_TIMEOUT(producer_opens_single, 600)
{
	const struct t_victim v = {
		.what = "producer opens, single",
		.prepare = connect_victim,
		.call = open_producer,
		.died = died,
	};

	scene = (struct scene){ 0 };
	kill_everywhere(&v, SINGLE);
}

TEST_TIMEOUT(producer_opens_multi, 600)
{
	const struct t_victim v = {
		.what = "producer opens, multi",
		.prepare = connect_victim,
		.call = open_producer,
		.died = died,
	};

	scene = (struct scene){ 0 };
	kill_everywhere(&v, MULTI);
}

TEST_TIMEOUT(producer_closes, 600)
{
	const struct t_victim v = {
		.what = "producer closes, multi",
		.prepare = come_as_producer,
		.call = close_producer,
		.died = died,
	};

	scene = (struct scene){ 0 };
	kill_everywhere(&v, MULTI);
}

TEST_TIMEOUT(consumer_opens, 600)
{
	const struct t_victim v = {
		.what = "consumer opens, released",
		.prepare = connect_victim,
		.call = open_consumer,
		.died = died,
	};

	scene = (struct scene){ 0 };
	kill_everywhere(&v, MULTI);
}

#define KEPT MULTI ", consumers: { victim: { on_death: keep } }"

TEST_TIMEOUT(consumer_resumes, 600)
{
	const struct t_victim v = {
		.what = "consumer resumes, kept",
		.prepare = connect_victim,
		.call = open_consumer,
		.died = died,
	};

	scene = (struct scene){ .n_kept = 1 };
	kill_everywhere(&v, KEPT);
}

TEST_TIMEOUT(consumer_closes, 600)
{
	const struct t_victim v = {
		.what = "consumer closes, kept",
		.prepare = come_as_consumer,
		.call = close_consumer,
		.died = died,
	};

	scene = (struct scene){ .n_kept = 1 };
	kill_everywhere(&v, KEPT);
}

TEST_TIMEOUT(bus_closes, 600)
{
	const struct t_victim v = {
		.what = "bus closes with a consumer, released",
		.prepare = come_as_consumer,
		.call = close_bus,
		.died = died,
	};

	scene = (struct scene){ 0 };
	kill_everywhere(&v, MULTI);
}

TEST_TIMEOUT(client_connects, 600)
{
	const struct t_victim v = {
		.what = "client connects",
		.call = connect_victim,
		.died = died,
	};

	scene = (struct scene){ 0 };
	kill_everywhere(&v, MULTI);
}

TEST_TIMEOUT(tap_opens, 600)
{
	const struct t_victim v = {
		.what = "tap opens",
		.prepare = connect_victim,
		.call = open_tap,
		.died = died,
	};

	scene = (struct scene){ 0 };
	kill_everywhere(&v, MULTI);
}
