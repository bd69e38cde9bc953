/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_start.c - the daemon is killed at every boundary of the system
 * calls that it makes to start, to take over, and to stop
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/util_scene.h"
#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define TRIES 10

static struct calls whole, calls;

static void
tell_points(const char *what)
{
	printf("%s, %u points:", what, whole.n);
	fflush(stdout);
}

static void
tell_point(unsigned n)
{
	printf(" %u", n);
	fflush(stdout);
}

/* ------------------------------------------------------------- a first start */

static void
use_channel(struct ringbus *bus, const char *channel)
{
	struct ringbus_producer *p;
	struct flow_event event;

	t_bus_ok(bus, ringbus_producer_open(bus, channel, NULL, &p));
	flow_fill(&event, 1, 1);
	t_ok(ringbus_producer_write(p, &event, sizeof(event), T_LONG));
	ringbus_producer_close(p);
}

/* A clean stop removes the folder as well. */
static unsigned
count_files(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	if (dir == NULL) {
		ck_assert_int_eq(errno, ENOENT);
		return 0;
	}
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2; /* itself and its parent */
}

/* Both channels are there and of use, and nothing else is. */
static void
check_channels(const struct t_daemon *d)
{
	struct ringbus *bus = t_connect(d);

	use_channel(bus, "calm");
	use_channel(bus, "busy");
	ringbus_close(bus);
	ck_assert_uint_eq(count_files(d->shm), 3); /* with the lock */
}

static void
stop(struct t_daemon *d)
{
	t_daemon_stop(d);
	ck_assert_uint_eq(count_files(d->shm), 0);
	ck_assert_int_lt(access(d->socket, F_OK), 0);
}

TEST_TIMEOUT(start_can_be_cut_anywhere, 300)
{
	struct t_daemon d;

	t_daemon_prepare(&d, SCENE_CONFIGURATION);
	calls_launch(&whole, &d);
	ck_assert(!calls_run(&whole, UINT_MAX, NULL, NULL));
	calls_release(&whole);
	t_daemon_await(&d);
	stop(&d);
	tell_points("start");
	for (unsigned n = 1; n <= whole.n; n++) {
		calls_launch(&calls, &d);
		ck_assert(calls_run(&calls, n, NULL, NULL));
		t_daemon_kill(&d);
		tell_point(n);
		t_daemon_restart(&d);
		check_channels(&d);
		stop(&d);
	}
	printf(": killed at %u\n", whole.n);
}

/* -------------------------------------------------------------- taking over */

static void
create_channel(struct ringbus *bus, const char *name)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;

	o.slots = 16;
	t_bus_ok(bus, ringbus_create(bus, name, &o));
}

static struct ringbus_consumer *
consume(struct ringbus *bus, const char *channel, const char *name)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;

	o.name = name;
	t_bus_ok(bus, ringbus_consumer_open(bus, channel, &o, &c));
	return c;
}

/* One that comes and does its part of what the next daemon will find. */
struct visitor {
	const struct t_daemon *d;
	struct rb_word64 *ready;
	struct rb_word64 *go;
};

static void
tell_ready(const struct visitor *v)
{
	t_store(v->ready, t_read(v->ready) + 1);
	t_until_within(t_read(v->go) != 0, 120);
}

/* Lives on, and then removes what it has created. */
static int
hold_channel(void *arg)
{
	const struct visitor *v = arg;
	struct ringbus *bus = t_connect(v->d);
	struct ringbus_consumer *c;

	create_channel(bus, "held");
	create_channel(bus, "idle");
	c = consume(bus, "held", "holder");
	tell_ready(v);
	use_channel(bus, "held");
	t_ok(ringbus_consumer_wait(c, T_LONG));
	ringbus_consumer_close(c);
	t_bus_ok(bus, ringbus_remove(bus, "held"));
	ck_assert_int_eq(ringbus_remove(bus, "idle"), -ENOENT);
	ringbus_close(bus);
	return 0;
}

static int
die_consuming(void *arg)
{
	const struct visitor *v = arg;
	struct ringbus *bus = t_connect(v->d);

	consume(bus, "busy", "last");
	consume(bus, "busy", "crew");
	tell_ready(v);
	return 1;
}

static int
die_claiming(void *arg)
{
	const struct visitor *v = arg;
	struct ringbus *bus = t_connect(v->d);
	struct ringbus_producer *p;

	t_bus_ok(bus, ringbus_producer_open(bus, "busy", NULL, &p));
	t_ok(ringbus_producer_claim(p, 3, T_LONG));
	tell_ready(v);
	return 1;
}

static pid_t
invite(struct visitor *v, int (*fn)(void *))
{
	uint64_t before = t_read(v->ready);
	pid_t pid = t_child(fn, v);

	t_until_within(t_read(v->ready) == before + 1, 60);
	return pid;
}

/* The daemon is gone and leaves all of it to the next. Returns the holder. */
static pid_t
leave_legacy(struct scene *s, struct visitor *v)
{
	char leftover[PATH_MAX + 32];
	pid_t holder, consumer, producer;

	t_store(v->ready, 0);
	t_store(v->go, 0);
	holder = invite(v, hold_channel);
	consumer = invite(v, die_consuming);
	producer = invite(v, die_claiming);
	t_daemon_kill(&s->daemon);
	t_kill(producer);
	t_kill(consumer);
	t_ok(truncate(s->daemon.log, 0));
	for (int i = 0; i < 2; i++) {
		snprintf(leftover, sizeof(leftover), "%s/.x.%d.%s",
			 s->daemon.shm, i, i == 0 ? "new" : "old");
		t_ok(mkdir(leftover, 0700));
	}
	return holder;
}

static void
settle_legacy(struct scene *s, struct visitor *v, pid_t holder)
{
	t_store(v->go, 1);
	t_join(holder);
	ck_assert(!t_daemon_has(&s->daemon, ".x.0.new"));
	ck_assert(!t_daemon_has(&s->daemon, ".x.1.old"));
	scene_check_alive(s);
}

static void
take_over_once(struct scene *s, struct visitor *v)
{
	pid_t holder = leave_legacy(s, v);

	calls_launch(&whole, &s->daemon);
	ck_assert(!calls_run(&whole, UINT_MAX, NULL, NULL));
	calls_release(&whole);
	t_daemon_await(&s->daemon);
	settle_legacy(s, v, holder);
}

/* True if it was killed at boundary `n`, before it had taken over. */
static bool
die_taking_over(struct scene *s, struct visitor *v, unsigned n)
{
	pid_t holder = leave_legacy(s, v);
	bool killed;

	calls_launch(&calls, &s->daemon);
	killed = calls_run(&calls, n, NULL, NULL);
	if (killed) {
		t_daemon_kill(&s->daemon);
		scene_check_dead(s, false);
		t_daemon_restart(&s->daemon);
	} else {
		calls_release(&calls);
		t_daemon_await(&s->daemon);
	}
	settle_legacy(s, v, holder);
	return killed;
}

/* Where the socket of the dead one still accepts, its peer is looked at, which is
 * not so in every other run: the last of a long one are not there then. */
static bool
die_taking_over_surely(struct scene *s, struct visitor *v, unsigned n)
{
	for (int i = 0; i < TRIES; i++)
		if (die_taking_over(s, v, n)) {
			tell_point(n);
			return true;
		}
	ck_assert_uint_gt(n + TRIES, whole.n);
	return false;
}

TEST_TIMEOUT(taking_over_can_be_cut_anywhere, 600)
{
	struct scene s;
	struct visitor v = { &s.daemon, t_counter(), t_counter() };
	unsigned killed = 0;

	scene_begin(&s);
	take_over_once(&s, &v);
	tell_points("take over");
	for (unsigned n = 1; n <= whole.n; n++)
		if (calls_is_chosen(&whole, n))
			killed += die_taking_over_surely(&s, &v, n);
	printf(": killed at %u\n", killed);
	scene_end(&s);
}

/* ----------------------------------------------------------------- stopping */

static bool
has_ended(const struct flow *flow)
{
	char path[PATH_MAX];
	struct rb_channel c;
	uint32_t stream;

	snprintf(path, sizeof(path), "%s/meta", flow->channel);
	if (!t_daemon_has(flow->daemon, path))
		return true;
	t_daemon_map(flow->daemon, flow->channel, RB_ROLE_TAP, &c);
	stream = rb_word32_load_acquire(&c.meta->control.stream);
	rb_channel_detach(&c);
	return stream != RB_STREAM_OPEN;
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

/* Who is on a channel that has ended leaves by himself; the others go on until
 * they are asked to. */
static void
see_off(struct flow *flow, bool ended)
{
	if (ended)
		flow_join(flow);
	else
		flow_stop(flow);
}

/* It has been killed on the way. */
static void
stop_with_the_next(struct scene *s)
{
	bool calm_ended = has_ended(&s->calm), busy_ended = has_ended(&s->busy);

	if (!calm_ended)
		flow_demand(&s->calm, 4);
	if (!busy_ended)
		flow_demand(&s->busy, 4);
	t_daemon_restart(&s->daemon);
	see_off(&s->calm, calm_ended);
	see_off(&s->busy, busy_ended);
	stop(&s->daemon);
}

/* True if it was killed at boundary `n`, before it had ended. */
static bool
die_stopping(struct scene *s, unsigned n)
{
	bool killed;

	scene_start(s);
	calls_seize(&calls, s->daemon.pid, 0);
	ck_assert_int_eq(kill(s->daemon.pid, SIGTERM), 0);
	killed = calls_run(&calls, n, never, NULL);
	if (killed) {
		t_daemon_kill(&s->daemon);
		stop_with_the_next(s);
	} else {
		ck_assert(calls_has_ended(&calls));
		flow_join(&s->calm);
		flow_join(&s->busy);
	}
	t_daemon_restart(&s->daemon);
	check_channels(&s->daemon);
	stop(&s->daemon);
	t_ok(truncate(s->daemon.log, 0));
	return killed;
}

/* Members that leave at the same time take fewer calls than one by one, so that
 * the last of a long run are not there in every other. */
static bool
die_stopping_surely(struct scene *s, unsigned n)
{
	for (int i = 0; i < TRIES; i++)
		if (die_stopping(s, n)) {
			tell_point(n);
			return true;
		}
	ck_assert_uint_gt(n + 2 * TRIES, whole.n);
	return false;
}

TEST_TIMEOUT(stop_can_be_cut_anywhere, 600)
{
	struct scene s;
	unsigned killed = 0;

	/* The sanitizer's search for leaks cannot be traced. */
	ck_assert_int_eq(setenv("ASAN_OPTIONS", "detect_leaks=0", 1), 0);
	t_daemon_prepare(&s.daemon, SCENE_CONFIGURATION);
	ck_assert(!die_stopping(&s, UINT_MAX));
	whole = calls;
	tell_points("stop");
	for (unsigned n = 1; n <= whole.n; n++)
		if (calls_is_chosen(&whole, n))
			killed += die_stopping_surely(&s, n);
	printf(": killed at %u\n", killed);
}
