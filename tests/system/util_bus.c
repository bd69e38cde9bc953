/* SPDX-License-Identifier: MIT */
/*
 * util_bus.c - see util_bus.h
 */
#include "tests/system/util_bus.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

void
t_bus_begin_with(struct t_bus *b, const char *yaml)
{
	t_daemon_start(&b->daemon, yaml);
	b->bus = t_connect(&b->daemon);
}

void
t_bus_begin(struct t_bus *b, const char *keys, ...)
{
	char text[1024], yaml[1100];
	va_list args;

	va_start(args, keys);
	vsnprintf(text, sizeof(text), keys, args);
	va_end(args);
	snprintf(yaml, sizeof(yaml), "channels: { a: { %s } }\n", text);
	t_bus_begin_with(b, yaml);
}

void
t_bus_end(struct t_bus *b)
{
	ringbus_close(b->bus);
	b->bus = NULL;
	t_daemon_stop(&b->daemon);
}

const char *
t_kind(enum rb_producers kind)
{
	return kind == RB_MULTI ? "multi" : "single";
}

struct ringbus *
t_connect(const struct t_daemon *daemon)
{
	struct ringbus *bus = NULL;

	t_ok(ringbus_connect(daemon->socket, &bus));
	return bus;
}

struct ringbus_producer *
t_produce(struct ringbus *bus, const struct ringbus_producer_options *options)
{
	struct ringbus_producer *p = NULL;

	t_bus_ok(bus, ringbus_producer_open(bus, "a", options, &p));
	return p;
}

struct ringbus_consumer *
t_consume(struct ringbus *bus, const struct ringbus_consumer_options *options)
{
	struct ringbus_consumer *c = NULL;

	t_bus_ok(bus, ringbus_consumer_open(bus, "a", options, &c));
	return c;
}

struct ringbus_consumer *
t_consume_as(struct ringbus *bus, const char *name, int64_t from)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = name;
	o.from = from;
	return t_consume(bus, &o);
}

struct ringbus_tap *
t_tap(struct ringbus *bus, int64_t from)
{
	struct ringbus_tap_options o = RINGBUS_TAP_OPTIONS_INIT;
	struct ringbus_tap *tap = NULL;

	o.from = from;
	t_bus_ok(bus, ringbus_tap_open(bus, "a", &o, &tap));
	return tap;
}

int64_t
t_put(struct ringbus_producer *p, uint64_t value)
{
	int64_t sequence = ringbus_producer_write(p, &value, sizeof(value),
						  RINGBUS_NOW);

	t_ok(sequence);
	return sequence;
}

void
t_put_all(struct ringbus_producer *p, uint64_t first, uint64_t last)
{
	for (uint64_t value = first; value <= last; value++)
		t_ok(ringbus_producer_write(p, &value, sizeof(value), T_LONG));
}

void
t_next(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	int more = ringbus_consumer_next(c, ret);

	while (more == 0) {
		t_ok(ringbus_consumer_wait(c, T_LONG));
		more = ringbus_consumer_next(c, ret);
	}
	t_ok(more);
}

uint64_t
t_value(const struct ringbus_event *event)
{
	uint64_t value;

	/* Without check's macros, which make a system call each. */
	if (event->size < sizeof(value))
		ck_abort_msg("an event of %zu bytes", event->size);
	memcpy(&value, event->data, sizeof(value));
	return value;
}

void
t_take(struct ringbus_consumer *c, uint64_t first, uint64_t last)
{
	for (uint64_t value = first; value <= last; value++) {
		struct ringbus_event event;

		t_next(c, &event);
		if (t_value(&event) != value)
			ck_abort_msg("got %llu, not %llu",
				     (unsigned long long)t_value(&event),
				     (unsigned long long)value);
		t_ok(ringbus_consumer_commit(c));
	}
}

void
t_nothing(struct ringbus_consumer *c)
{
	struct ringbus_event event;

	ck_assert_int_eq(ringbus_consumer_next(c, &event), 0);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EAGAIN);
}

struct reader {
	const struct t_daemon *daemon;
	const char *name;
	struct rb_word64 *ready;
};

static int
read_to_the_end(void *arg)
{
	const struct reader *reader = arg;
	struct ringbus *bus = t_connect(reader->daemon);
	struct ringbus_consumer *c = t_consume_as(bus, reader->name,
						  RINGBUS_FROM_NOW);
	struct ringbus_event event;

	t_store(reader->ready, 1);
	while (ringbus_consumer_wait(c, RINGBUS_FOREVER) >= 0) {
		while (ringbus_consumer_next(c, &event) > 0)
			;
		t_ok(ringbus_consumer_commit(c));
	}
	ringbus_close(bus);
	return 0;
}

pid_t
t_stopped_consumer(const struct t_bus *b, const char *name)
{
	struct reader reader = { &b->daemon, name, t_counter() };
	pid_t child = t_child(read_to_the_end, &reader);
	int status;

	t_until(t_read(reader.ready) == 1);
	ck_assert_int_eq(kill(child, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
	ck_assert(WIFSTOPPED(status));
	return child;
}

struct ringbus_info
t_info(const struct ringbus_channel *channel)
{
	struct ringbus_info info = { .size = sizeof(info) };

	t_ok(ringbus_channel_info(channel, &info));
	return info;
}

static bool
find_member(const struct ringbus_channel *channel, int role, const char *name,
	    struct ringbus_member *ret)
{
	for (unsigned i = 0; i < 64; i++) {
		ret->size = sizeof(*ret);
		if (ringbus_channel_member(channel, role, i, ret) == 1 &&
		    strcmp(ret->name, name) == 0)
			return true;
	}
	return false;
}

struct ringbus_member
t_member(const struct ringbus_channel *channel, int role, const char *name)
{
	struct ringbus_member m;

	if (!find_member(channel, role, name, &m))
		ck_abort_msg("no member is called %s", name);
	return m;
}

bool
t_has_member(const struct ringbus_channel *channel, int role, const char *name)
{
	struct ringbus_member m;

	return find_member(channel, role, name, &m) &&
	       m.state != RINGBUS_MEMBER_DECLARED;
}

struct rb_word64 *
t_counter(void)
{
	void *page = mmap(NULL, sizeof(struct rb_word64),
			  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);

	ck_assert_ptr_ne(page, MAP_FAILED);
	return page;
}

uint64_t
t_read(const struct rb_word64 *counter)
{
	return rb_word64_load_acquire(counter);
}

void
t_store(struct rb_word64 *counter, uint64_t value)
{
	rb_word64_store_release(counter, value);
}
