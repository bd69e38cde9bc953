/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_serve.c - the daemon is killed at every boundary of the system
 * calls that it makes to let somebody in, or out
 *
 * What has to hold each time is in util_scene.h.
 */
#include <errno.h>

#include "tests/crash/util_scene.h"
#include "tests/system/util_bus.h"

static int
connect_and_ping(struct actor *a)
{
	int err = ringbus_connect(a->scene->daemon.socket, &a->bus);

	if (err == 0)
		return ringbus_ping(a->bus) < 0 ? -ECONNRESET : 0;
	a->bus = NULL;
	return err == -ECONNREFUSED || err == -ENOENT ? -ECONNRESET : err;
}

TEST_TIMEOUT(connection_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "connect and ping",
				   .ask = connect_and_ping });
}

/* --------------------------------------------------------------- attaching */

static int
open_producer(struct actor *a)
{
	return ringbus_producer_open(a->bus, "busy", NULL, &a->producer);
}

static void
write_one(struct actor *a)
{
	struct flow_event event;

	flow_fill(&event, 1, 7);
	t_ok(ringbus_producer_write(a->producer, &event, sizeof(event),
				    T_LONG));
}

TEST_TIMEOUT(attach_of_a_producer_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "attach a producer",
				   .prepare = scene_connect,
				   .ask = open_producer,
				   .again = open_producer,
				   .check = write_one,
				   .places = 1 });
}

/* A consumer of this name; the rest as it is declared, or usual. */
static int
open_named(struct actor *a, const char *name, const char *after)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = name;
	o.after = after;
	return ringbus_consumer_open(a->bus, "busy", &o, &a->consumer);
}

static int
open_extra(struct actor *a)
{
	return open_named(a, "extra", "eater first");
}

static int
open_last(struct actor *a)
{
	return open_named(a, "last", NULL);
}

static int
open_worker(struct actor *a)
{
	return open_named(a, "crew", NULL);
}

TEST_TIMEOUT(attach_of_a_consumer_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "attach a consumer after others",
				   .prepare = scene_connect,
				   .ask = open_extra,
				   .again = open_extra,
				   .check = scene_read,
				   .places = 1 });
}

TEST_TIMEOUT(attach_of_a_declared_consumer_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "attach a declared consumer",
				   .prepare = scene_connect,
				   .ask = open_last,
				   .again = open_last,
				   .check = scene_read,
				   .places = 1 });
}

TEST_TIMEOUT(attach_of_a_worker_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "attach a worker",
				   .prepare = scene_connect,
				   .ask = open_worker,
				   .again = open_worker,
				   .check = scene_read,
				   .places = 1 });
}

static int
open_keeper(struct actor *a, int64_t from)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = "keeper";
	o.from = from;
	o.keep_for_ns = RINGBUS_FOREVER;
	return ringbus_consumer_open(a->bus, "busy", &o, &a->consumer);
}

/* Reads to here, and will go on from there. */
static void
keep_place(struct actor *a)
{
	scene_connect(a);
	t_bus_ok(a->bus, open_keeper(a, RINGBUS_FROM_OLDEST));
	scene_read(a);
}

static void
leave_place(struct actor *a)
{
	keep_place(a);
	ringbus_consumer_close(a->consumer);
}

static int
resume(struct actor *a)
{
	return open_keeper(a, RINGBUS_FROM_RESUME);
}

TEST_TIMEOUT(resume_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "resume by name",
				   .prepare = leave_place,
				   .ask = resume,
				   .again = resume,
				   .check = scene_read,
				   .places = 1,
				   .kept = "keeper" });
}

/* --------------------------------------------------------------- detaching */

static int
hear(struct actor *a)
{
	return ringbus_ping(a->bus) < 0 ? -ECONNRESET : 0;
}

static void
produce(struct actor *a)
{
	scene_connect(a);
	t_bus_ok(a->bus, open_producer(a));
	write_one(a);
}

static int
close_producer(struct actor *a)
{
	ringbus_producer_close(a->producer);
	return hear(a);
}

TEST_TIMEOUT(detach_of_a_producer_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "detach a producer",
				   .prepare = produce,
				   .ask = close_producer });
}

static void
consume_extra(struct actor *a)
{
	scene_connect(a);
	t_bus_ok(a->bus, open_extra(a));
}

static int
close_consumer(struct actor *a)
{
	ringbus_consumer_close(a->consumer);
	return hear(a);
}

TEST_TIMEOUT(detach_of_a_consumer_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "detach a consumer",
				   .prepare = consume_extra,
				   .ask = close_consumer });
}

static void
work(struct actor *a)
{
	scene_connect(a);
	t_bus_ok(a->bus, open_worker(a));
}

TEST_TIMEOUT(detach_of_a_worker_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "detach a worker",
				   .prepare = work,
				   .ask = close_consumer });
}

TEST_TIMEOUT(detach_of_one_that_is_kept_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "detach one that is kept",
				   .prepare = keep_place,
				   .ask = close_consumer,
				   .kept = "keeper" });
}
