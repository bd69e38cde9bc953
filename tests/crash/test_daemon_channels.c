/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_channels.c - the daemon is killed at every boundary of the system
 * calls that it makes to create, end, renew and remove channels
 *
 * What has to hold each time is in util_scene.h. A channel that was created and
 * is in nobody's use is gone with the daemon, also if it was answered for.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/crash/util_scene.h"
#include "tests/system/util_bus.h"

#define SLOTS 32

static struct ringbus_channel_options
usual(void)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;

	o.slots = SLOTS;
	o.slot_size = FLOW_SIZE;
	return o;
}

static struct ringbus_producer *
open_producer(struct ringbus *bus)
{
	struct ringbus_producer *p;

	t_bus_ok(bus, ringbus_producer_open(bus, "made", NULL, &p));
	return p;
}

static struct ringbus_consumer *
open_consumer(struct ringbus *bus, const char *name)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;

	o.name = name;
	t_bus_ok(bus, ringbus_consumer_open(bus, "made", &o, &c));
	return c;
}

static void
publish(struct ringbus_producer *p, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		struct flow_event event;

		flow_fill(&event, 1, i);
		t_ok(ringbus_producer_write(p, &event, sizeof(event), T_LONG));
	}
}

static uint64_t
count_events(struct ringbus_consumer *c)
{
	struct ringbus_event event;
	uint64_t n = 0;

	while (ringbus_consumer_wait(c, RINGBUS_NOW) >= 0) {
		while (ringbus_consumer_next(c, &event) > 0)
			ck_assert_uint_eq(flow_check(&event)->number, n++);
		t_ok(ringbus_consumer_commit(c));
	}
	return n;
}

/* --------------------------------------------------------------- creating */

static int
create_plain(struct actor *a)
{
	struct ringbus_channel_options o = usual();

	return ringbus_create(a->bus, "made", &o);
}

/* It is of use, and can be removed. */
static void
use_and_remove(struct actor *a)
{
	struct ringbus_consumer *c = open_consumer(a->bus, "tail");
	struct ringbus_producer *p = open_producer(a->bus);

	publish(p, SLOTS);
	ck_assert_uint_eq(count_events(c), SLOTS);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
	t_bus_ok(a->bus, ringbus_remove(a->bus, "made"));
}

TEST_TIMEOUT(creation_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "create a channel",
				   .prepare = scene_connect,
				   .ask = create_plain,
				   .again = create_plain,
				   .check = use_and_remove,
				   .asks_anyway = true });
}

static int
create_with_graph(struct actor *a)
{
	struct ringbus_channel_options o = usual();
	struct ringbus_graph *g = ringbus_graph_new();
	int err;

	ck_assert_ptr_nonnull(g);
	ringbus_stage_then(ringbus_graph_handle_with(g, "head", NULL), "tail",
			   NULL);
	o.graph = g;
	o.producers = RINGBUS_MULTI;
	o.fill = "filled";
	o.fill_size = 6;
	err = ringbus_create(a->bus, "made", &o);
	ringbus_graph_free(g);
	return err;
}

static void
check_graph(struct actor *a)
{
	struct ringbus_consumer *c = open_consumer(a->bus, "head");
	const struct ringbus_channel *channel = ringbus_consumer_channel(c);
	struct ringbus_member head = t_member(channel, RINGBUS_CONSUMER,
					      "head");
	struct ringbus_member tail = t_member(channel, RINGBUS_CONSUMER,
					      "tail");
	struct ringbus_producer *p = open_producer(a->bus);

	ck_assert_uint_eq(tail.after, UINT64_C(1) << head.index);
	for (int64_t i = 0; i < SLOTS; i++)
		ck_assert_mem_eq(ringbus_producer_slot(p, i), "filledfilled",
				 12);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
	use_and_remove(a);
}

TEST_TIMEOUT(creation_with_a_graph_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "create a channel with a graph",
				   .prepare = scene_connect,
				   .ask = create_with_graph,
				   .again = create_with_graph,
				   .check = check_graph,
				   .asks_anyway = true });
}

static void
write_slot(void *context, void *slot, size_t size, uint64_t index)
{
	(void)context;
	ck_assert_uint_eq(size, FLOW_SIZE);
	flow_fill(slot, 2, index);
}

static int
create_prepared(struct actor *a)
{
	struct ringbus_channel_options o = usual();

	o.prepare = write_slot;
	return ringbus_create(a->bus, "made", &o);
}

static void
check_prepared(struct actor *a)
{
	struct ringbus_producer *p = open_producer(a->bus);

	for (int64_t i = 0; i < SLOTS; i++) {
		struct flow_event wanted;

		flow_fill(&wanted, 2, (uint64_t)i);
		ck_assert_mem_eq(ringbus_producer_slot(p, i), &wanted,
				 sizeof(wanted));
	}
	ringbus_producer_close(p);
	use_and_remove(a);
}

TEST_TIMEOUT(creation_with_preparation_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "create and prepare a channel",
				   .prepare = scene_connect,
				   .ask = create_prepared,
				   .again = create_prepared,
				   .check = check_prepared,
				   .asks_anyway = true });
}

/* --------------------------------------------------------------- removing */

static void
create_before(struct actor *a)
{
	scene_connect(a);
	t_bus_ok(a->bus, create_plain(a));
}

static int
remove_it(struct actor *a)
{
	return ringbus_remove(a->bus, "made");
}

/* Whichever of the two daemons did it. */
static int
remove_rest(struct actor *a)
{
	int err = remove_it(a);

	return err == -ENOENT ? 0 : err;
}

static int
remove_once(struct actor *a)
{
	int err = remove_it(a);

	return err == -ENOENT && scene_is_killed(a) ? -ECONNRESET : err;
}

TEST_TIMEOUT(removal_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "remove a channel",
				   .prepare = create_before,
				   .ask = remove_once,
				   .again = remove_rest });
}

/* ----------------------------------------------------------------- ending */

/* Its handles are of another connection than what it asks over. */
static void
publish_before(struct actor *a)
{
	create_before(a);
	a->held = t_connect(&a->scene->daemon);
	a->consumer = open_consumer(a->held, "tail");
	a->producer = open_producer(a->held);
	publish(a->producer, SLOTS / 2);
}

/* Whether it was done is not known when it was cut; a second time is harmless
 * here. */
static int
end(struct actor *a)
{
	int err = ringbus_end(a->bus, "made");

	return err == -ECONNRESET ? ringbus_end(a->bus, "made") : err;
}

static int
abort_it(struct actor *a)
{
	int err = ringbus_abort(a->bus, "made");

	return err == -ECONNRESET ? ringbus_abort(a->bus, "made") : err;
}

static void
check_no_producer(struct actor *a)
{
	uint64_t late = 0;

	ck_assert_int_eq(ringbus_producer_write(a->producer, &late,
						sizeof(late), T_LONG),
			 -ESHUTDOWN);
	ck_assert_int_eq(ringbus_consumer_wait(a->consumer, T_LONG),
			 -ESHUTDOWN);
	ringbus_producer_close(a->producer);
	ringbus_consumer_close(a->consumer);
	t_until(remove_it(a) == 0);
}

static void
check_end(struct actor *a)
{
	ck_assert_uint_eq(count_events(a->consumer), SLOTS / 2);
	check_no_producer(a);
}

TEST_TIMEOUT(end_of_a_stream_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "end a stream",
				   .prepare = publish_before,
				   .ask = end,
				   .again = end,
				   .check = check_end });
}

TEST_TIMEOUT(abort_of_a_stream_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "abort a stream",
				   .prepare = publish_before,
				   .ask = abort_it,
				   .again = abort_it,
				   .check = check_no_producer });
}

/* ---------------------------------------------------------------- reloading */

static void
write_configuration(const struct actor *a, const char *text)
{
	FILE *file = fopen(a->scene->daemon.config, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fprintf(file, "%s%s", SCENE_CONFIGURATION, text), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void
configure_more(struct actor *a)
{
	scene_connect(a);
	write_configuration(a, "  more: { slots: 16, event_size: 8 }\n");
}

static bool
is_listed(struct actor *a, const char *name)
{
	char found[RINGBUS_NAME_SIZE] = "";
	bool is = false;

	for (unsigned i = 0; !is && ringbus_list(a->bus, i, found) == 0; i++)
		is = strcmp(found, name) == 0;
	return is;
}

static bool
has_folder(const struct actor *a, const char *name)
{
	return t_daemon_has(&a->scene->daemon, name);
}

static int
reload(struct actor *a)
{
	if (kill(a->scene->daemon.pid, SIGHUP) < 0)
		ck_assert_int_eq(errno, ESRCH);
	t_until_within(has_folder(a, "more") || scene_is_killed(a), 60);
	return 0;
}

/* The next daemon has read it too. It is taken back. */
static void
check_more(struct actor *a)
{
	struct ringbus_producer *p;
	int64_t pid = ringbus_ping(a->bus);

	t_bus_ok(a->bus, pid);
	t_until(is_listed(a, "more"));
	t_bus_ok(a->bus, ringbus_producer_open(a->bus, "more", NULL, &p));
	t_put(p, 1);
	ringbus_producer_close(p);
	write_configuration(a, "");
	ck_assert_int_eq(kill((pid_t)pid, SIGHUP), 0);
	t_until(!is_listed(a, "more"));
}

TEST_TIMEOUT(reload_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "reload with one more channel",
				   .prepare = configure_more,
				   .ask = reload,
				   .check = check_more });
}

/* ------------------------------------------------------------- making it anew */

#define MORE(slots) "  more: { slots: " slots ", event_size: 64 }\n"
#define OLD_SLOTS 32
#define NEW_SLOTS 1024

static uint64_t
slots_of_more(struct actor *a)
{
	struct ringbus_tap *tap;
	uint64_t slots;

	t_bus_ok(a->bus, ringbus_tap_open(a->bus, "more", NULL, &tap));
	slots = t_info(ringbus_tap_channel(tap)).slots;
	ringbus_tap_close(tap);
	return slots;
}

/* By its file: who asks the daemon has it make calls. */
static bool
is_new(const struct actor *a)
{
	char path[2 * PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/more/ring", a->scene->daemon.shm);
	return stat(path, &st) == 0 &&
	       st.st_size >= (off_t)NEW_SLOTS * FLOW_SIZE;
}

static void
configure_other(struct actor *a)
{
	scene_connect(a);
	write_configuration(a, MORE("32"));
	t_bus_ok(a->bus, ringbus_reload(a->bus, 0));
	ck_assert(!is_new(a));
	write_configuration(a, MORE("1024"));
}

static void
configure_other_in_use(struct actor *a)
{
	configure_other(a);
	a->held = t_connect(&a->scene->daemon);
	t_bus_ok(a->held,
		 ringbus_consumer_open(a->held, "more", NULL, &a->consumer));
	t_bus_ok(a->held,
		 ringbus_producer_open(a->held, "more", NULL, &a->producer));
	publish(a->producer, OLD_SLOTS / 2);
}

static int
recreate(struct actor *a)
{
	return ringbus_reload(a->bus, RINGBUS_RELOAD_RECREATE);
}

/* What was written is there to the last, and no more comes. */
static void
read_to_the_end(struct actor *a)
{
	uint64_t late = 0;

	ck_assert_uint_eq(count_events(a->consumer), OLD_SLOTS / 2);
	ck_assert_int_eq(ringbus_consumer_wait(a->consumer, T_LONG),
			 -ESHUTDOWN);
	ck_assert_int_eq(ringbus_producer_write(a->producer, &late,
						sizeof(late), T_LONG),
			 -ESHUTDOWN);
	ringbus_producer_close(a->producer);
	ringbus_consumer_close(a->consumer);
}

/* Which of the two daemons makes it anew does not matter, but that one does. */
static int
recreate_in_use(struct actor *a)
{
	int err = recreate(a);

	while (err == -ECONNRESET) {
		ck_assert(!is_new(a));
		err = recreate(a);
	}
	t_bus_ok(a->bus, err);
	read_to_the_end(a);
	t_until_within(is_new(a), 60);
	return 0;
}

static void
check_new(struct actor *a)
{
	struct ringbus_producer *p;

	ck_assert_uint_eq(slots_of_more(a), NEW_SLOTS);
	t_bus_ok(a->bus, ringbus_producer_open(a->bus, "more", NULL, &p));
	publish(p, NEW_SLOTS);
	ringbus_producer_close(p);
	write_configuration(a, "");
	t_bus_ok(a->bus, ringbus_reload(a->bus, 0));
	ck_assert(!is_listed(a, "more"));
}

TEST_TIMEOUT(channel_made_anew_at_once_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "reload with another definition",
				   .prepare = configure_other,
				   .ask = recreate,
				   .again = recreate,
				   .check = check_new });
}

TEST_TIMEOUT(channel_made_anew_once_read_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "drain a channel and make it anew",
				   .prepare = configure_other_in_use,
				   .ask = recreate_in_use,
				   .check = check_new });
}
