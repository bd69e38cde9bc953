/* SPDX-License-Identifier: MIT */
/*
 * test_containers.c - members in containers that share one folder
 *
 * docs/containers.md says what they need: the folder of the socket, and nothing
 * else. Rings come as descriptors, sleepers are woken by way of the memory they
 * share, and who dies is known by a pidfd, whatever he calls himself in there.
 * Each event says its own sequence.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/system/util_box.h"
#include "tests/system/util_user.h"

#define TOLD 50 /* exit code of who was refused as he should be */

/* What a member in a container and this test share. */
struct job {
	struct rb_word64 *done; /* events so far */
	uint64_t until;     /* consumers: how many; producers: when to stop */
	uint64_t n_missing; /* slots that may have no event */
	const char *after;  /* what an error has to say */
};

static int
say(const char *what, int64_t err, struct ringbus *bus)
{
	dprintf(STDERR_FILENO, "box: %s: %s; %s\n", what, ringbus_strerror(err),
		bus != NULL ? ringbus_error(bus) : "");
	return 1;
}

/* ------------------------------------------------------------------- members */

/* For ever, or until the channel has `until` events. */
static int
publish(const struct job *job, bool stays)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus *bus = t_box_connect();
	struct ringbus_producer *p;
	int64_t s, err;
	uint64_t n = 0;

	if (bus == NULL)
		return 1;
	err = ringbus_producer_open(bus, "a", &o, &p);
	if (err < 0)
		return say("cannot publish", err, bus);
	do {
		s = ringbus_producer_claim(p, 1, RINGBUS_FOREVER);
		if (s < 0)
			return say("claim", s, bus);
		memcpy(ringbus_producer_slot(p, s), &s, sizeof(s));
		err = ringbus_producer_publish(p, s, s);
		t_store(job->done, ++n);
	} while (err == 0 && (uint64_t)s + 1 < job->until);
	while (stays && err == 0)
		pause();
	ringbus_close(bus);
	return err < 0 ? say("publish", err, NULL) : 0;
}

static int
produce(void *arg)
{
	return publish(arg, false);
}

/* And is there to be killed, however late that comes. */
static int
produce_and_stay(void *arg)
{
	return publish(arg, true);
}

/* Takes what is there; false, and says so, if an event is not what it should
 * be or too many are missing. */
static bool
take(struct ringbus_consumer *c, struct job *job, int64_t *next)
{
	struct ringbus_event e;

	while (ringbus_consumer_next(c, &e) > 0) {
		uint64_t gap = (uint64_t)(e.sequence - *next);

		if (t_value(&e) != (uint64_t)e.sequence ||
		    gap > job->n_missing) {
			dprintf(STDERR_FILENO,
				"box: %lld after %lld says %lld\n",
				(long long)e.sequence, (long long)*next - 1,
				(long long)t_value(&e));
			return false;
		}
		job->n_missing -= gap;
		*next = e.sequence + 1;
	}
	return true;
}

/* How it waits for the next: by a futex, or by a descriptor. */
typedef int64_t (*wait_fn)(struct ringbus_consumer *c);

static int64_t
wait_blocking(struct ringbus_consumer *c)
{
	return ringbus_consumer_wait(c, RINGBUS_FOREVER);
}

static int64_t
wait_by_descriptor(struct ringbus_consumer *c)
{
	struct pollfd look = { .events = POLLIN };
	int64_t err = ringbus_consumer_wait(c, RINGBUS_NOW);

	while (err == -EAGAIN) {
		err = ringbus_consumer_arm(c);
		if (err < 0)
			return err;
		look.fd = ringbus_consumer_fd(c);
		/* Nobody is stopped here, so it needs no bound. */
		if (err == 0 && poll(&look, 1, -1) < 0)
			return -errno;
		err = ringbus_consumer_wait(c, RINGBUS_NOW);
	}
	return err;
}

static int
consume_by(struct job *job, wait_fn wait)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = t_box_connect();
	struct ringbus_consumer *c;
	int64_t next, err;

	o.name = "app";
	o.from = RINGBUS_FROM_OLDEST;
	if (bus == NULL)
		return 1;
	err = ringbus_consumer_open(bus, "a", &o, &c);
	if (err < 0)
		return say("cannot consume", err, bus);
	next = ringbus_consumer_sequence(c) + 1;
	if (next < (int64_t)t_read(job->done))
		return say("began anew", next, bus);
	t_store(job->done, (uint64_t)next);
	while (next < (int64_t)job->until) {
		err = wait(c);
		if (err < 0)
			return say("wait", err, bus);
		if (!take(c, job, &next))
			return 1;
		ringbus_consumer_commit(c);
		/* Last: one that is killed before has only committed more. */
		t_store(job->done, (uint64_t)next);
	}
	ringbus_close(bus);
	return 0;
}

static int
consume(void *arg)
{
	return consume_by(arg, wait_blocking);
}

static int
consume_by_descriptor(void *arg)
{
	return consume_by(arg, wait_by_descriptor);
}

/* ------------------------------------------------------------------ the tests */

#define KEEPS ", consumers: { app: { on_death: keep } }"

static void
begin(struct t_daemon *d, const char *keys)
{
	char yaml[512];

	t_box_need();
	snprintf(yaml, sizeof(yaml),
		 "daemon: { drain: 1ms }\nchannels: { a: { event_size: 16, "
		 "wait: blocking, slots: 4096, %s } }\n",
		 keys);
	t_box_prepare(d, yaml);
	t_daemon_launch(d, NULL);
	t_daemon_await(d);
}

/* One goes, another one goes on; each of them counts. */
#define EVENTS UINT64_C(10000000)

static void
exchange(const char *keys, uint64_t n_lost)
{
	struct t_daemon d;
	struct t_box from = { .daemon = &d }, to = from, successor = from;
	struct job app = { t_counter(), EVENTS, n_lost, NULL };
	struct job feed = { t_counter(), EVENTS - 1, 0, NULL };
	struct job next = { t_counter(), EVENTS, 0, NULL };

	begin(&d, keys);
	t_box_start(&to, consume, &app);
	t_box_start(&from, produce_and_stay, &feed);
	t_until_within(t_read(app.done) > EVENTS / 2, 40);
	t_box_kill(&from);
	ck_assert_uint_lt(t_read(app.done), EVENTS);
	t_box_start(&successor, produce, &next);
	t_box_join(&successor);
	t_box_join(&to);
	ck_assert_uint_eq(t_read(app.done), EVENTS);
	ck_assert_uint_gt(t_read(next.done), 0);
	t_daemon_stop(&d);
}

/* Its claim went with it, so nothing is missing. */
TEST(ten_million_between_two_containers_one_of_them_killed)
{
	exchange("producers: single" KEEPS, 0);
}

/* The one slot that it had claimed is skipped. */
TEST(ten_million_from_one_of_many_producers_killed_with_its_container)
{
	exchange("producers: multi" KEEPS, 1);
}

/* A producer of several is killed while another one is in flow. */
TEST(other_containers_go_on_at_once)
{
	struct t_daemon d;
	struct t_box killed = { .daemon = &d }, other = killed, to = killed;
	struct job app = { t_counter(), INT64_MAX, 1, NULL };
	struct job a = { t_counter(), INT64_MAX, 0, NULL };
	struct job b = { t_counter(), INT64_MAX, 0, NULL };
	uint64_t n;

	begin(&d, "producers: multi" KEEPS);
	t_box_start(&to, consume, &app);
	t_box_start(&killed, produce, &a);
	t_box_start(&other, produce, &b);
	t_until(t_read(a.done) > 1000 && t_read(b.done) > 1000);
	t_box_kill(&killed);
	n = t_read(app.done) + 2 * 4096;
	t_until(t_read(app.done) > n);
	t_box_kill(&other);
	t_box_kill(&to);
	t_daemon_stop(&d);
}

TEST(place_of_a_killed_container_is_taken_over_by_another)
{
	struct t_daemon d;
	struct t_box from = { .daemon = &d }, first = from, second = from;
	struct job app = { t_counter(), INT64_MAX, 0, NULL };
	struct job feed = { t_counter(), 400000, 0, NULL };
	struct rb_channel c;

	begin(&d, "producers: single" KEEPS);
	t_daemon_map(&d, "a", RB_ROLE_TAP, &c);
	t_box_start(&first, consume, &app);
	t_box_start(&from, produce, &feed);
	t_until(t_read(app.done) > 100000);
	t_box_kill(&first);
	t_until(t_member_state(&c.meta->consumers[0]) == RB_MEMBER_ABSENT);
	app.until = feed.until;
	t_box_start(&second, consume, &app);
	t_box_join(&from);
	t_box_join(&second);
	rb_channel_detach(&c);
	t_daemon_stop(&d);
}

/* inotify goes by the file, which no container has a name for. */
TEST(container_waits_by_descriptor)
{
	struct t_daemon d;
	struct t_box from = { .daemon = &d }, to = from;
	struct job app = { t_counter(), 100000, 0, NULL };
	struct job feed = { t_counter(), 100000, 0, NULL };

	begin(&d, "producers: single" KEEPS);
	t_box_start(&to, consume_by_descriptor, &app);
	t_box_start(&from, produce, &feed);
	t_box_join(&from);
	t_box_join(&to);
	t_daemon_stop(&d);
}

/* A new daemon has a new socket, in the folder that they have. */
static int
ask_for_ever(void *arg)
{
	const struct job *job = arg;
	struct ringbus *bus = t_box_connect();
	int64_t pid = 0;

	while (bus != NULL && pid >= 0) {
		pid = ringbus_ping(bus);
		t_store(job->done, (uint64_t)pid);
	}
	return say("ping", pid, bus);
}

TEST(containers_do_not_notice_another_daemon)
{
	struct t_daemon d;
	struct t_box from = { .daemon = &d }, to = from, asks = from;
	struct job app = { t_counter(), INT64_MAX, 0, NULL };
	struct job feed = { t_counter(), INT64_MAX, 0, NULL };
	struct job ping = { t_counter(), 0, 0, NULL };
	uint64_t n;

	begin(&d, "producers: single, isolation: named" KEEPS);
	t_box_start(&to, consume, &app);
	t_box_start(&from, produce, &feed);
	t_box_start(&asks, ask_for_ever, &ping);
	t_until(t_read(app.done) > 1000);
	t_until(t_read(ping.done) == (uint64_t)d.pid);
	t_daemon_kill(&d);
	t_daemon_restart(&d);
	n = t_read(app.done) + 2 * 4096;
	t_until(t_read(app.done) > n);
	t_until(t_read(ping.done) == (uint64_t)d.pid);
	ck_assert(t_daemon_said(&d, "channel a: taken over"));
	t_box_kill(&asks);
	t_box_kill(&from);
	t_box_kill(&to);
	t_daemon_stop(&d);
}

/* ------------------------------------------------------------ user namespaces */

#define MAPPED 100000 /* who root of a container is out here */

/* Root in there, and nobody in particular out here. */
static int
be_refused(void *arg)
{
	const struct job *job = arg;
	struct ringbus *bus = t_box_connect();
	struct ringbus_producer *p;
	int err;

	if (bus == NULL || geteuid() != 0)
		return 1;
	err = ringbus_producer_open(bus, "a", NULL, &p);
	if (err != -EACCES || strstr(ringbus_error(bus), job->after) == NULL)
		return say("was not refused", err, bus);
	return TOLD;
}

TEST(users_of_a_container_are_those_they_are_mapped_to)
{
	struct t_daemon d;
	struct t_box from = { .daemon = &d, .uid = MAPPED }, to = from;
	struct t_box stranger = { .daemon = &d, .uid = 2 * MAPPED };
	struct job app = { t_counter(), 100000, 0, NULL };
	struct job feed = { t_counter(), 100000, 0, NULL };
	struct job other = { .after = "uid 200000" };

	begin(&d, "producers: single, access: { publish: [user:100000], "
		  "consume: [group:100000] }" KEEPS);
	t_daemon_let_all_in(&d);
	t_box_start(&stranger, be_refused, &other);
	t_join_exit(stranger.pid, TOLD);
	t_box_start(&to, consume, &app);
	t_box_start(&from, produce, &feed);
	t_box_join(&from);
	t_box_join(&to);
	t_daemon_stop(&d);
}

TEST(mapped_user_waits_by_descriptor_in_sealed_memory)
{
	struct t_daemon d;
	struct t_box from = { .daemon = &d, .uid = MAPPED }, to = from;
	struct job app = { t_counter(), 100000, 0, NULL };
	struct job feed = { t_counter(), 100000, 0, NULL };

	begin(&d, "producers: multi, isolation: sealed" KEEPS);
	t_daemon_let_all_in(&d);
	t_box_start(&to, consume_by_descriptor, &app);
	t_box_start(&from, produce, &feed);
	t_box_join(&from);
	t_box_join(&to);
	t_daemon_stop(&d);
}

/* The socket's own mode counts first, and an error says which file it is. */
static int
be_kept_out(void *arg)
{
	struct ringbus *bus = NULL;

	(void)arg;
	if (ringbus_connect(NULL, &bus) != -EACCES)
		return 1;
	return strstr(ringbus_error(NULL), "/run/ringbus/control.sock") != NULL
		       ? TOLD
		       : 1;
}

TEST(socket_that_a_mapped_user_may_not_open)
{
	struct t_daemon d;
	struct t_box box = { .daemon = &d, .uid = MAPPED };

	begin(&d, "producers: single");
	t_box_start(&box, be_kept_out, NULL);
	t_join_exit(box.pid, TOLD);
	t_daemon_stop(&d);
}
