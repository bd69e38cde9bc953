/* SPDX-License-Identifier: MIT */
/*
 * test_prepare.c - slots that a callback writes before anybody else may attach
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define DYNAMIC "dynamic: { allow: any, max_channels: 2, max_size: 8MiB }\n"
#define SLOTS 16

static struct ringbus_channel_options
options(void)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;

	o.slots = SLOTS;
	o.slot_size = 16;
	return o;
}

/* Publishes n slots as they are, and copies what a consumer finds in them. */
static void
read_untouched(struct ringbus *bus, int64_t n, unsigned char *ret)
{
	struct ringbus_consumer *c = t_consume(bus, NULL);
	struct ringbus_producer *p = t_produce(bus, NULL);
	int64_t highest = ringbus_producer_claim(p, n, RINGBUS_NOW);
	struct ringbus_event event;

	t_ok(highest);
	t_ok(ringbus_producer_publish(p, highest - n + 1, highest));
	for (int64_t i = 0; i < n; i++) {
		t_next(c, &event);
		ck_assert_uint_eq(event.size, 16);
		memcpy(ret + 16 * i, event.data, 16);
	}
	t_ok(ringbus_consumer_commit(c));
	ringbus_consumer_close(c);
	ringbus_producer_close(p);
}

static bool
is_listed(struct ringbus *bus)
{
	char name[RINGBUS_NAME_SIZE];

	return ringbus_list(bus, 0, name) == 0;
}

struct prepared {
	const struct t_daemon *daemon;
	uint64_t n_calls;
	uint64_t act_at; /* 1 + the index at which to act */
	void (*act)(struct prepared *prepared);
	struct rb_word64 *inside;
};

static void
prepare(void *context, void *slot, size_t size, uint64_t index)
{
	struct prepared *prepared = context;
	static const uint64_t nothing[2];
	uint64_t words[2] = { index, ~index };

	ck_assert_uint_eq(size, 16);
	ck_assert_uint_eq(index, prepared->n_calls++);
	ck_assert_mem_eq(slot, nothing, 16);
	memcpy(slot, words, 16);
	if (prepared->act != NULL && prepared->act_at == index + 1)
		prepared->act(prepared);
}

static struct ringbus_channel_options
prepared_by(struct prepared *prepared)
{
	struct ringbus_channel_options o = options();

	o.prepare = prepare;
	o.prepare_context = prepared;
	return o;
}

KINDS(each_slot_is_prepared_once)
{
	struct prepared prepared = { .n_calls = 0 };
	struct ringbus_channel_options o = prepared_by(&prepared);
	uint64_t content[2 * SLOTS];
	struct t_bus b;

	o.producers = kind == RB_MULTI ? RINGBUS_MULTI : RINGBUS_SINGLE;
	o.history = 4;
	t_bus_begin_with(&b, DYNAMIC);
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	ck_assert_uint_eq(prepared.n_calls, SLOTS);
	read_untouched(b.bus, 10, (unsigned char *)content);
	read_untouched(b.bus, 6, (unsigned char *)(content + 20));
	for (uint64_t i = 0; i < SLOTS; i++) {
		ck_assert_uint_eq(content[2 * i], i);
		ck_assert_uint_eq(content[2 * i + 1], ~i);
	}
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

static int
try_to_attach(void *arg)
{
	struct ringbus *bus = t_connect(arg);
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus_tap *tap;

	ck_assert_int_lt(ringbus_producer_open(bus, "a", NULL, &p), 0);
	ck_assert_str_ne(ringbus_error(bus), "");
	ck_assert_int_lt(ringbus_consumer_open(bus, "a", NULL, &c), 0);
	ck_assert_int_lt(ringbus_tap_open(bus, "a", NULL, &tap), 0);
	ringbus_close(bus);
	return 0;
}

static void
let_another_try(struct prepared *prepared)
{
	t_join(t_child(try_to_attach, (void *)prepared->daemon));
}

TEST(nobody_comes_in_before_all_is_prepared)
{
	struct prepared prepared = { .act_at = 3, .act = let_another_try };
	struct ringbus_channel_options o = prepared_by(&prepared);
	struct ringbus *other;
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC);
	prepared.daemon = &b.daemon;
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	ck_assert_uint_eq(prepared.n_calls, SLOTS);
	other = t_connect(&b.daemon);
	ringbus_producer_close(t_produce(other, NULL));
	ringbus_close(other);
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

static void
stay_inside(struct prepared *prepared)
{
	t_store(prepared->inside, 1);
	while (true)
		pause();
}

static int
create_and_prepare(void *arg)
{
	struct prepared *prepared = arg;
	struct ringbus_channel_options o = prepared_by(prepared);
	struct ringbus *bus = t_connect(prepared->daemon);

	ringbus_create(bus, "a", &o);
	return 1;
}

TEST(a_channel_whose_creator_dies_is_not_born)
{
	struct prepared prepared = { .act_at = 3,
				     .act = stay_inside,
				     .inside = t_counter() };
	struct t_bus b;
	pid_t child;

	t_bus_begin_with(&b, DYNAMIC);
	prepared.daemon = &b.daemon;
	child = t_child(create_and_prepare, &prepared);
	t_until(t_read(prepared.inside) == 1);
	t_kill(child);
	t_until(!is_listed(b.bus));
	ck_assert(!t_daemon_has(&b.daemon, "a"));
	t_bus_end(&b);
}

static void
exit_thread(struct prepared *prepared)
{
	(void)prepared;
	pthread_exit(NULL);
}

struct creation {
	struct ringbus *bus;
	const struct ringbus_channel_options *options;
};

static void *
create_in_thread(void *arg)
{
	struct creation *creation = arg;

	ringbus_create(creation->bus, "a", creation->options);
	ck_abort_msg("it came back");
}

TEST(a_channel_whose_preparation_is_left_is_not_born)
{
	struct prepared prepared = { .act_at = 3, .act = exit_thread };
	struct ringbus_channel_options o = prepared_by(&prepared);
	struct creation creation;
	struct t_bus b;
	pthread_t thread;

	t_bus_begin_with(&b, DYNAMIC);
	creation = (struct creation){ b.bus, &o };
	ck_assert_int_eq(
		pthread_create(&thread, NULL, create_in_thread, &creation), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(!is_listed(b.bus));
	prepared = (struct prepared){ .n_calls = 0 };
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

static struct t_daemon *killed;

/* The next daemon has a channel of that name, of somebody else. */
static void
replace_daemon(struct prepared *prepared)
{
	struct ringbus_channel_options o = options();
	struct ringbus *other;

	(void)prepared;
	t_daemon_kill(killed);
	t_daemon_restart(killed);
	other = t_connect(killed);
	t_bus_ok(other, ringbus_create(other, "a", &o));
	ringbus_close(other);
}

TEST(a_channel_of_another_is_left_alone_after_the_daemon_died)
{
	struct prepared prepared = { .act_at = SLOTS, .act = replace_daemon };
	struct ringbus_channel_options o = prepared_by(&prepared);
	unsigned char found[16 * SLOTS];
	static const unsigned char nothing[16 * SLOTS];
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC);
	killed = &b.daemon;
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -ECONNRESET);
	ck_assert(is_listed(b.bus));
	read_untouched(b.bus, SLOTS, found);
	ck_assert_mem_eq(found, nothing, sizeof(found));
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

TEST(framed_slots_cannot_be_prepared)
{
	struct prepared prepared = { .n_calls = 0 };
	struct ringbus_channel_options o = prepared_by(&prepared);
	struct t_bus b;

	o.framing = RINGBUS_FRAMED;
	t_bus_begin_with(&b, DYNAMIC);
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), "framed"));
	ck_assert_uint_eq(prepared.n_calls, 0);
	ck_assert(!is_listed(b.bus));
	t_bus_end(&b);
}

TEST(what_may_not_be_created_is_not_prepared)
{
	struct prepared prepared = { .n_calls = 0 };
	struct ringbus_channel_options o = prepared_by(&prepared);
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC "channels: { a: { slots: 16 } }");
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EEXIST);
	ck_assert_uint_eq(prepared.n_calls, 0);
	ringbus_producer_close(t_produce(b.bus, NULL));
	t_bus_end(&b);
}
