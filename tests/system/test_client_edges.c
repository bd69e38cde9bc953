/* SPDX-License-Identifier: MIT */
/*
 * test_client_edges.c - what a program can get wrong or run into, and what must
 * not come of it: no descriptors left, a fork, a claim forgotten, a thread gone
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/system/util_bus.h"

static void
begin(struct t_bus *b)
{
	t_bus_begin(b, "slots: 16, event_size: 8");
}

/* Opens a consumer while there is one descriptor left, of the four it takes. */
static int
open_with_one_descriptor_left(struct ringbus *bus)
{
	struct ringbus_consumer *c;
	struct rlimit before, few;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int err;

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ (rlim_t)fd + 1, before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	err = ringbus_consumer_open(bus, "a", NULL, &c);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	return err;
}

/* The daemon had let it in: producers would wait for it for ever. */
TEST(consumer_that_could_not_be_opened_holds_nobody_up)
{
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(open_with_one_descriptor_left(b.bus), -EMFILE);
	for (uint64_t i = 0; i < 100; i++)
		t_put(p, i);
	t_bus_end(&b);
}

/* Root may lock what it likes otherwise. */
static void
give_up_ipc_lock(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	t_ok(syscall(SYS_capget, &header, sets));
	sets[0].effective &= ~(UINT32_C(1) << CAP_IPC_LOCK);
	t_ok(syscall(SYS_capset, &header, sets));
}

TEST(who_may_not_lock_the_channel_has_no_memory)
{
	const struct rlimit little = { 65536, 65536 };
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b);
	give_up_ipc_lock();
	t_ok(setrlimit(RLIMIT_MEMLOCK, &little));
	t_ok(mlockall(MCL_FUTURE));
	ck_assert_int_eq(ringbus_producer_open(b.bus, "a", NULL, &p), -ENOMEM);
	t_ok(munlockall());
	t_produce(b.bus, NULL); /* it holds no place */
	t_bus_end(&b);
}

struct inherited {
	struct ringbus *bus;
	struct ringbus_consumer *consumer;
};

static int
use_inherited_connection(void *arg)
{
	struct inherited *i = arg;
	struct ringbus_producer *p;

	ck_assert_int_eq(ringbus_producer_open(i->bus, "a", NULL, &p), -ECHILD);
	ringbus_consumer_close(i->consumer);
	ringbus_close(i->bus);
	return 0;
}

/* The connection is the same for the daemon, whoever speaks. */
TEST(forked_child_does_not_speak_for_its_parent)
{
	struct inherited inherited;
	struct ringbus_producer *p;
	struct ringbus *other;
	struct t_bus b;

	begin(&b);
	inherited.bus = b.bus;
	inherited.consumer = t_consume(b.bus, NULL);
	other = t_connect(&b.daemon);
	p = t_produce(other, NULL);
	t_put(p, 0);
	t_join(t_child(use_inherited_connection, &inherited));
	t_take(inherited.consumer, 0, 0);
	t_put(p, 1);
	t_take(inherited.consumer, 1, 1);
	ringbus_close(other);
	t_bus_end(&b);
}

struct journey {
	const char *socket;
	const char *shm;
	int to;     /* a folder for copies */
	int result; /* of all that can fail; 1: did not come so far */
};

static int
travel(const char *socket)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus *bus;
	uint64_t value = 1;

	if (ringbus_connect(socket, &bus) < 0 ||
	    ringbus_producer_open(bus, "a", NULL, &p) < 0 ||
	    ringbus_consumer_open(bus, "a", NULL, &c) < 0 ||
	    ringbus_producer_write(p, &value, 8, RINGBUS_NOW) < 0 ||
	    ringbus_consumer_arm(c) < 0)
		return -1;
	ringbus_consumer_halt(c);
	ringbus_consumer_close(c);
	ringbus_producer_close(p);
	ringbus_close(bus);
	return 0;
}

/* Without the daemon. */
static int
look(const struct journey *journey)
{
	char text[RINGBUS_NAME_SIZE];
	struct ringbus_tap *tap;
	struct ringbus *bus;
	int err;

	if (ringbus_open_folder(journey->shm, &bus) < 0 ||
	    ringbus_list(bus, 0, text) < 0 ||
	    ringbus_inspect(bus, "a", 0, text, sizeof(text)) < 0 ||
	    ringbus_tap_open(bus, "a", NULL, &tap) < 0)
		return -1;
	err = ringbus_channel_copy(ringbus_tap_channel(tap), journey->to);
	ringbus_close(bus);
	return err;
}

/* Is to be cancelled from the start. No assertions in here: they write. */
static void *
travel_cancelled(void *arg)
{
	struct journey *journey = arg;

	pthread_cancel(pthread_self());
	journey->result = travel(journey->socket);
	if (journey->result != 0)
		return NULL;
	journey->result = 1;
	journey->result = look(journey);
	pthread_testcancel();
	return NULL;
}

TEST(no_call_is_where_a_thread_is_cancelled)
{
	struct journey journey = { .result = 1 };
	pthread_t thread;
	struct t_bus b;
	void *result;

	begin(&b);
	journey.socket = b.daemon.socket;
	journey.shm = b.daemon.shm;
	journey.to = open(t_tmpdir(), O_PATH | O_CLOEXEC);
	ck_assert_int_eq(
		pthread_create(&thread, NULL, travel_cancelled, &journey), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_eq(result, PTHREAD_CANCELED);
	ck_assert_int_eq(journey.result, 0);
	close(journey.to);
	t_bus_end(&b);
}

/* It cannot be published before the claim, so it must not stay behind it. */
TEST(write_that_an_open_claim_refuses_leaves_nothing_claimed)
{
	struct ringbus_producer *p;
	struct t_bus b;
	uint64_t value = 0;

	begin(&b);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), 0);
	ck_assert_int_eq(ringbus_producer_write(p, &value, sizeof(value),
						RINGBUS_NOW),
			 -EINVAL);
	t_ok(ringbus_producer_publish(p, 0, 0));
	ck_assert_int_eq(t_put(p, 1), 1);
	t_bus_end(&b);
}

/* On a busy channel it never comes to wait. */
TEST(cancelled_tap_returns_though_there_is_an_event)
{
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	struct t_bus b;
	uint64_t value;
	size_t size;

	begin(&b);
	p = t_produce(b.bus, NULL);
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	t_put(p, 7);
	ringbus_tap_cancel(tap);
	ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value), &size,
					  RINGBUS_FOREVER),
			 -ECANCELED);
	ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value), &size,
					  RINGBUS_NOW),
			 0);
	ck_assert_uint_eq(value, 7);
	t_bus_end(&b);
}

TEST(only_worker_does_not_wait_for_itself)
{
	struct ringbus_consumer *c, *other;
	struct ringbus_producer *p;
	struct t_bus b;
	uint64_t value = 16;

	t_bus_begin(&b, "slots: 16, event_size: 8, consumers:"
			" { first: , pool: { group: true } }");
	c = t_consume_as(b.bus, "pool", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 15);
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	ck_assert_int_eq(ringbus_producer_write(p, &value, sizeof(value),
						RINGBUS_FOREVER),
			 -EDEADLK);
	/* Another one may be faster. */
	other = t_consume_as(b.bus, "pool", RINGBUS_FROM_NOW);
	ck_assert_int_eq(ringbus_producer_write(p, &value, sizeof(value),
						5 * T_MS),
			 -ETIMEDOUT);
	ringbus_consumer_close(other);
	t_take(c, 0, 15);
	t_ok(ringbus_producer_write(p, &value, sizeof(value), RINGBUS_NOW));
	t_bus_end(&b);
}

static void *
wait_once(void *arg)
{
	ck_assert_int_eq(ringbus_consumer_wait(arg, RINGBUS_NOW), 15);
	return NULL;
}

static void *
write_into_full_ring(void *arg)
{
	uint64_t value = 16;

	ck_assert_int_eq(ringbus_producer_write(arg, &value, sizeof(value),
						5 * T_MS),
			 -ETIMEDOUT);
	return NULL;
}

static void
run_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, fn, arg), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* The second gets the first one's stack, thread-local memory and all. Any other
 * thread may go on with the consumer, so this is no deadlock. */
TEST(thread_is_not_taken_for_one_that_has_ended)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 15);
	run_thread(wait_once, c);
	run_thread(write_into_full_ring, p);
	t_bus_end(&b);
}
