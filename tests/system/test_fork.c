/* SPDX-License-Identifier: MIT */
/*
 * test_fork.c - what a forked child may do with its parent's handles: nothing,
 * and it is told so
 *
 * In a child every call has to return -ECHILD, closing has to be harmless, and
 * the parent has to go on as if nothing had been.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_bus.h"

/* What a child inherits. */
struct handles {
	struct t_bus b;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus_tap *tap;
	int64_t claimed; /* by the parent, not yet published */
};

#define LOST(expr) ck_assert_int_eq(expr, -ECHILD)

static void
begin(struct handles *h, const char *keys)
{
	t_bus_begin(&h->b, "slots: 16, event_size: 8, %s", keys);
	h->p = t_produce(h->b.bus, NULL);
	h->c = t_consume(h->b.bus, NULL);
	h->tap = t_tap(h->b.bus, RINGBUS_FROM_NOW);
	t_put_all(h->p, 0, 2);
	t_ok(ringbus_consumer_wait(h->c, RINGBUS_NOW));
	h->claimed = ringbus_producer_claim(h->p, 1, RINGBUS_NOW);
	t_ok(h->claimed);
}

/* What was begun before the fork goes on in the parent. */
static void
end(struct handles *h)
{
	*(uint64_t *)ringbus_producer_slot(h->p, h->claimed) = 3;
	t_ok(ringbus_producer_publish(h->p, h->claimed, h->claimed));
	t_take(h->c, 0, 3);
	t_put_all(h->p, 4, 15);
	t_take(h->c, 4, 15);
	t_bus_end(&h->b);
}

static int
publish_as_parent(void *arg)
{
	struct handles *h = arg;
	struct ringbus_io io = { .size = sizeof(io) };
	uint64_t value = 9;
	int64_t lo;

	LOST(ringbus_producer_publish(h->p, h->claimed, h->claimed));
	LOST(ringbus_producer_abandon(h->p, h->claimed, h->claimed));
	LOST(ringbus_producer_claim(h->p, 1, RINGBUS_NOW));
	LOST(ringbus_producer_claim(h->p, 1, RINGBUS_FOREVER));
	LOST(ringbus_producer_claim(h->p, 2, T_SECOND));
	LOST(ringbus_producer_claim_available(h->p, 4, &lo));
	LOST(ringbus_producer_write(h->p, &value, sizeof(value), RINGBUS_NOW));
	LOST(ringbus_producer_drain(h->p, RINGBUS_FOREVER));
	LOST(ringbus_producer_io(h->p, &io));
	ck_assert_int_eq(ringbus_producer_remaining(h->p), 0);
	return 0;
}

static int
translate(void *context, void *slot, size_t size, int64_t sequence)
{
	(void)slot;
	(void)size;
	(void)sequence;
	*(bool *)context = true;
	return 0;
}

static int
note(void *context, const struct ringbus_event *event, int end_of_batch)
{
	(void)event;
	(void)end_of_batch;
	*(bool *)context = true;
	return 0;
}

static int
consume_as_parent(void *arg)
{
	struct handles *h = arg;
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct ringbus_span span = { .size = sizeof(span) };
	struct ringbus_io io = { .size = sizeof(io) };
	struct ringbus_event event;
	bool called = false;

	handlers.context = &called;
	handlers.on_event = note;
	ck_assert_int_eq(ringbus_consumer_next(h->c, &event), 0);
	LOST(ringbus_consumer_commit(h->c));
	LOST(ringbus_consumer_span(h->c, 1, &span));
	LOST(ringbus_consumer_commit_through(h->c, 0));
	LOST(ringbus_consumer_io(h->c, &io));
	LOST(ringbus_consumer_wait(h->c, RINGBUS_NOW));
	LOST(ringbus_consumer_wait(h->c, RINGBUS_FOREVER));
	LOST(ringbus_consumer_poll(h->c, 10, note, &called));
	LOST(ringbus_consumer_run(h->c, &handlers));
	LOST(ringbus_consumer_fd(h->c));
	LOST(ringbus_consumer_arm(h->c));
	ck_assert(!called);
	return 0;
}

static int
look_as_parent(void *arg)
{
	struct handles *h = arg;
	const struct ringbus_channel *channel = ringbus_tap_channel(h->tap);
	struct ringbus_io io = { .size = sizeof(io) };
	struct ringbus_info info = { .size = sizeof(info) };
	struct ringbus_member member = { .size = sizeof(member) };
	struct ringbus_hole hole = { .size = sizeof(hole) };
	struct ringbus_latency latency = { .size = sizeof(latency) };
	struct ringbus_placement placement = { .size = sizeof(placement) };
	double value;
	char buffer[8], name[RINGBUS_NAME_SIZE];
	size_t size;

	LOST(ringbus_tap_read(h->tap, buffer, sizeof(buffer), &size,
			      RINGBUS_FOREVER));
	LOST(ringbus_channel_info(channel, &info));
	LOST(ringbus_channel_member(channel, RINGBUS_CONSUMER, 0, &member));
	LOST(ringbus_channel_find(channel, RINGBUS_PRODUCER, "producer",
				  &member));
	LOST(ringbus_channel_laggard(channel, 0, &member));
	LOST(ringbus_channel_hole(channel, &hole));
	LOST(ringbus_channel_metric(channel, 0, 0, &value));
	LOST(ringbus_channel_latency(channel, 0, &latency));
	LOST(ringbus_channel_io(channel, RINGBUS_CONSUMER, 0, &io));
	LOST(ringbus_channel_placement(channel, 0, &placement));
	LOST(ringbus_channel_copy(channel, -1));
	LOST(ringbus_pin(channel));
	LOST(ringbus_ping(h->b.bus));
	LOST(ringbus_list(h->b.bus, 0, name));
	LOST(ringbus_end(h->b.bus, "a"));
	return 0;
}

static int
close_as_parent(void *arg)
{
	struct handles *h = arg;

	ringbus_consumer_forget(h->c);
	ringbus_producer_close(h->p);
	ringbus_tap_close(h->tap);
	ringbus_close(h->b.bus);
	return 0;
}

/* What it does on its own account is its own. */
static int
connect_anew(void *arg)
{
	struct handles *h = arg;
	struct ringbus *bus = t_connect(&h->b.daemon);
	struct ringbus_tap *tap = t_tap(bus, 0);
	char buffer[8];
	size_t size;

	ck_assert_int_eq(ringbus_tap_read(tap, buffer, sizeof(buffer), &size,
					  RINGBUS_NOW),
			 0);
	ringbus_close(bus);
	return close_as_parent(arg);
}

static void
fork_and(int (*act)(void *), const char *keys)
{
	struct handles h;

	begin(&h, keys);
	t_join(t_child(act, &h));
	end(&h);
}

#define FORKED_CHILD(name, act)                                                \
	TEST(name##_single)                                                    \
	{                                                                      \
		fork_and(act, "producers: single");                            \
	}                                                                      \
	TEST(name##_multi)                                                     \
	{                                                                      \
		fork_and(act, "producers: multi");                             \
	}

FORKED_CHILD(child_does_not_publish, publish_as_parent)
FORKED_CHILD(child_does_not_consume, consume_as_parent)
FORKED_CHILD(child_does_not_look, look_as_parent)
FORKED_CHILD(child_closes_its_copies_alone, close_as_parent)
FORKED_CHILD(child_connects_anew, connect_anew)

static int
do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* Most children use none of it, and execute something else. */
TEST(child_without_memory_for_copies_lives)
{
	struct rlimit before, none;
	struct handles h;
	pid_t child;

	begin(&h, "producers: multi");
	t_ok(getrlimit(RLIMIT_AS, &before));
	none = (struct rlimit){ 4096, before.rlim_max };
	t_ok(setrlimit(RLIMIT_AS, &none));
	child = t_child(do_nothing, NULL);
	t_ok(setrlimit(RLIMIT_AS, &before));
	t_join(child);
	end(&h);
}

static int
arm_as_parent(void *arg)
{
	LOST(ringbus_consumer_arm(arg));
	return 0;
}

/* Both have the same queue of rings. */
TEST(child_does_not_take_a_ring_away)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	struct pollfd fd = { .events = POLLIN };

	t_bus_begin(&b, "slots: 16, event_size: 8");
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	fd.fd = ringbus_consumer_fd(c);
	t_ok(fd.fd);
	ck_assert_int_eq(ringbus_consumer_arm(c), 0);
	t_put(p, 1);
	t_join(t_child(arm_as_parent, c));
	ck_assert_int_eq(poll(&fd, 1, 0), 1);
	t_bus_end(&b);
}

static int
fork_as_parent(void *arg)
{
	t_join(t_child(publish_as_parent, arg));
	return publish_as_parent(arg);
}

TEST(childs_child_does_not_publish)
{
	fork_and(fork_as_parent, "producers: multi");
}

TEST(child_does_not_consume_where_slots_are_cleared)
{
	fork_and(consume_as_parent, "clear: zero");
}

static int
translate_as_parent(void *arg)
{
	struct ringbus_producer *p = arg;
	bool called = false;

	LOST(ringbus_producer_publish_with(p, 8, RINGBUS_NOW, translate,
					   &called));
	ck_assert(!called);
	return 0;
}

static int
publish_frame_as_parent(void *arg)
{
	struct ringbus_producer *p = arg;
	void *data;

	LOST(ringbus_producer_claim_event(p, 20, RINGBUS_NOW, &data));
	LOST(ringbus_producer_claim_event(p, 20, RINGBUS_FOREVER, &data));
	return translate_as_parent(arg);
}

TEST(child_does_not_publish_a_framed_event)
{
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, framing: framed, slot_size: 16");
	p = t_produce(b.bus, NULL);
	t_join(t_child(publish_frame_as_parent, p));
	t_put(p, 1);
	t_bus_end(&b);
}

static int
ping_as_parent(void *arg)
{
	LOST(ringbus_ping(arg));
	return 0;
}

/* Runs fn(arg) as the first process of a new PID namespace. Not by t_child(): its
 * parent has no pid in there. */
static int
rule(t_child_fn fn, void *arg)
{
	int status;
	pid_t init;

	if (unshare(CLONE_NEWPID) < 0)
		return 1;
	init = fork();
	if (init == 0)
		_exit(fn(arg));
	return init < 0 || waitpid(init, &status, 0) < 0 || status != 0;
}

static int
connect_and_rule(void *arg)
{
	ck_assert_int_eq(getpid(), 1);
	return rule(ping_as_parent, t_connect(arg));
}

static int
rule_two(void *arg)
{
	return rule(connect_and_rule, arg);
}

TEST(child_with_its_parents_pid_is_no_parent)
{
	struct t_bus b;

	if (geteuid() != 0)
		T_SKIP("only root can make a PID namespace");
	t_bus_begin(&b, "slots: 16, event_size: 8");
	t_join(t_child(rule_two, &b.daemon));
	t_bus_end(&b);
}

static int
work_as_parent(void *arg)
{
	struct ringbus_consumer *c = arg;
	struct ringbus_event event;

	LOST(ringbus_consumer_commit(c));
	LOST(ringbus_consumer_wait(c, RINGBUS_FOREVER));
	ck_assert_int_eq(ringbus_consumer_next(c, &event), 0);
	ringbus_consumer_close(c);
	return 0;
}

/* What the parent has taken stays its own, also when a child closes. */
TEST(child_does_not_work)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_event event;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, "
			"consumers: { pool: { group: true } }");
	c = t_consume_as(b.bus, "pool", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 1);
	t_next(c, &event);
	t_join(t_child(work_as_parent, c));
	ck_assert_int_eq(t_value(&event), 0);
	t_ok(ringbus_consumer_commit(c));
	t_next(c, &event);
	ck_assert_int_eq(t_value(&event), 1);
	ck_assert_int_eq(ringbus_consumer_attempt(c), 1);
	t_ok(ringbus_consumer_commit(c));
	t_bus_end(&b);
}

static int
outlive(pid_t parent, struct handles *h)
{
	while (getppid() == parent)
		usleep(1000);
	return publish_as_parent(h);
}

struct dying {
	struct t_daemon *daemon;
	int told[2];
};

/* Forks and is killed with a claim open; its child then tries to go on. */
static int
die_with_a_child(void *arg)
{
	struct dying *d = arg;
	struct handles h = { .b.daemon = *d->daemon };
	pid_t parent = getpid();

	h.b.bus = t_connect(d->daemon);
	h.p = t_produce(h.b.bus, NULL);
	h.claimed = ringbus_producer_claim(h.p, 1, RINGBUS_NOW);
	if (fork() == 0) {
		int result = outlive(parent, &h);

		if (write(d->told[1], &result, sizeof(result)) < 0)
			_exit(1);
		_exit(0);
	}
	raise(SIGKILL);
	return 1;
}

TEST(child_that_outlives_its_parent_harms_nobody)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct dying dying;
	struct t_bus b;
	int result = -1;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: multi");
	c = t_consume(b.bus, NULL);
	dying.daemon = &b.daemon;
	ck_assert_int_eq(pipe(dying.told), 0);
	t_join_signal(t_child(die_with_a_child, &dying), SIGKILL);
	close(dying.told[1]);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 1, 3);
	t_take(c, 1, 3); /* behind the tombstone of the dead */
	ck_assert_uint_eq(t_info(ringbus_consumer_channel(c)).repairs, 1);
	ck_assert_uint_eq(t_info(ringbus_consumer_channel(c)).tombstones, 1);
	ck_assert_int_eq(read(dying.told[0], &result, sizeof(result)),
			 sizeof(result));
	ck_assert_int_eq(result, 0);
	close(dying.told[0]);
	t_put_all(p, 4, 15);
	t_take(c, 4, 15);
	t_bus_end(&b);
}
