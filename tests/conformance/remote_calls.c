/* SPDX-License-Identifier: MIT */
/*
 * remote_calls.c - the calls of ringbus.h, made in another process
 */
#include "tests/conformance/remote.h"

#include <errno.h>

/* The usual argument: two numbers. */
static int64_t
call(struct t_remote *r, t_remote_fn fn, int64_t a, int64_t b)
{
	int64_t numbers[2] = { a, b };

	return t_remote_call(r, fn, numbers, sizeof(numbers));
}

static void
begin(struct t_remote *r, t_remote_fn fn, int64_t a, int64_t b)
{
	r->numbers[0] = a;
	r->numbers[1] = b;
	t_remote_begin(r, fn, r->numbers, sizeof(r->numbers));
}

/* ---------------------------------------------------------- producers */

static int64_t
produce(struct t_place *place, void *arg)
{
	ck_assert_ptr_null(place->p);
	return ringbus_producer_open(place->bus, "a", arg, &place->p);
}

static int64_t
claim(struct t_place *place, void *arg)
{
	const int64_t *n = arg;
	int64_t highest = ringbus_producer_claim(place->p, n[0], n[1]);

	if (highest < 0)
		return highest;
	for (int64_t i = highest - n[0] + 1; i <= highest; i++)
		memcpy(ringbus_producer_slot(place->p, i), &i, sizeof(i));
	return highest;
}

static int64_t
publish(struct t_place *place, void *arg)
{
	const int64_t *bounds = arg;

	return ringbus_producer_publish(place->p, bounds[0], bounds[1]);
}

static int64_t
put(struct t_place *place, void *arg)
{
	const int64_t *n = arg;
	int64_t highest = claim(place, arg);
	int err;

	if (highest < 0)
		return highest;
	err = ringbus_producer_publish(place->p, highest - n[0] + 1, highest);
	return err < 0 ? err : highest;
}

static int64_t
write_number(struct t_place *place, void *arg)
{
	const int64_t *value = arg;

	return ringbus_producer_write(place->p, &value[0], sizeof(value[0]),
				      value[1]);
}

static int64_t
remaining(struct t_place *place, void *arg)
{
	(void)arg;
	return ringbus_producer_remaining(place->p);
}

static int64_t
drain(struct t_place *place, void *arg)
{
	const int64_t *timeout_ns = arg;

	return ringbus_producer_drain(place->p, *timeout_ns);
}

static int64_t
cancel(struct t_place *place, void *arg)
{
	(void)arg;
	ringbus_producer_cancel(place->p);
	return 0;
}

static int64_t
close_producer(struct t_place *place, void *arg)
{
	(void)arg;
	ringbus_producer_close(place->p);
	place->p = NULL;
	return 0;
}

int64_t
t_remote_try_produce(struct t_remote *r,
		     const struct ringbus_producer_options *options)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;

	if (options != NULL)
		o = *options;
	return t_remote_call(r, produce, &o, sizeof(o));
}

void
t_remote_produce(struct t_remote *r,
		 const struct ringbus_producer_options *options)
{
	t_ok(t_remote_try_produce(r, options));
}

int64_t
t_remote_claim(struct t_remote *r, int64_t n, int64_t timeout_ns)
{
	return call(r, claim, n, timeout_ns);
}

void
t_remote_begin_claim(struct t_remote *r, int64_t n, int64_t timeout_ns)
{
	begin(r, claim, n, timeout_ns);
}

int64_t
t_remote_publish(struct t_remote *r, int64_t lowest, int64_t highest)
{
	return call(r, publish, lowest, highest);
}

int64_t
t_remote_put(struct t_remote *r, int64_t n, int64_t timeout_ns)
{
	return call(r, put, n, timeout_ns);
}

void
t_remote_begin_put(struct t_remote *r, int64_t n, int64_t timeout_ns)
{
	begin(r, put, n, timeout_ns);
}

int64_t
t_remote_write(struct t_remote *r, uint64_t value, int64_t timeout_ns)
{
	return call(r, write_number, (int64_t)value, timeout_ns);
}

void
t_remote_begin_write(struct t_remote *r, uint64_t value, int64_t timeout_ns)
{
	begin(r, write_number, (int64_t)value, timeout_ns);
}

int64_t
t_remote_remaining(struct t_remote *r)
{
	return t_remote_call(r, remaining, NULL, 0);
}

int64_t
t_remote_drain(struct t_remote *r, int64_t timeout_ns)
{
	return call(r, drain, timeout_ns, 0);
}

void
t_remote_begin_drain(struct t_remote *r, int64_t timeout_ns)
{
	begin(r, drain, timeout_ns, 0);
}

void
t_remote_cancel(struct t_remote *r)
{
	t_remote_meanwhile(r, cancel, NULL, 0);
}

void
t_remote_close_producer(struct t_remote *r)
{
	t_remote_call(r, close_producer, NULL, 0);
}

/* ---------------------------------------------------------- consumers */

/* The strings of the options go along, for they may be made up. */
struct consume {
	struct ringbus_consumer_options options;
	char name[128], after[256], type[RINGBUS_NAME_SIZE];
};

static const char *
pack(char *room, size_t room_size, const char *text)
{
	if (text == NULL)
		return NULL;
	ck_assert_uint_lt(strlen(text), room_size);
	memcpy(room, text, strlen(text) + 1);
	return room;
}

static int64_t
consume(struct t_place *place, void *arg)
{
	struct consume *o = arg;

	ck_assert_ptr_null(place->c);
	if (o->options.name != NULL)
		o->options.name = o->name;
	if (o->options.after != NULL)
		o->options.after = o->after;
	if (o->options.type != NULL)
		o->options.type = o->type;
	return ringbus_consumer_open(place->bus, "a", &o->options, &place->c);
}

static int64_t
wait_for(struct t_place *place, void *arg)
{
	const int64_t *timeout_ns = arg;

	return ringbus_consumer_wait(place->c, *timeout_ns);
}

static int64_t
next(struct t_place *place, void *arg)
{
	struct ringbus_event event;
	int more = ringbus_consumer_next(place->c, &event);

	if (more > 0)
		*(uint64_t *)arg = t_value(&event);
	return more;
}

static int64_t
commit(struct t_place *place, void *arg)
{
	(void)arg;
	return ringbus_consumer_commit(place->c);
}

static int64_t
take(struct t_place *place, void *arg)
{
	const uint64_t *bounds = arg;

	t_take(place->c, bounds[0], bounds[1]);
	return 0;
}

static int64_t
nothing(struct t_place *place, void *arg)
{
	(void)arg;
	t_nothing(place->c);
	return 0;
}

static int64_t
committed(struct t_place *place, void *arg)
{
	(void)arg;
	return ringbus_consumer_sequence(place->c);
}

static int64_t
halt(struct t_place *place, void *arg)
{
	(void)arg;
	ringbus_consumer_halt(place->c);
	return 0;
}

static int64_t
close_consumer(struct t_place *place, void *arg)
{
	(void)arg;
	ringbus_consumer_close(place->c);
	place->c = NULL;
	return 0;
}

int64_t
t_remote_try_consume(struct t_remote *r,
		     const struct ringbus_consumer_options *options)
{
	struct consume o = { .options = RINGBUS_CONSUMER_OPTIONS_INIT };

	if (options != NULL)
		o.options = *options;
	pack(o.name, sizeof(o.name), o.options.name);
	pack(o.after, sizeof(o.after), o.options.after);
	pack(o.type, sizeof(o.type), o.options.type);
	return t_remote_call(r, consume, &o, sizeof(o));
}

void
t_remote_consume(struct t_remote *r,
		 const struct ringbus_consumer_options *options)
{
	t_ok(t_remote_try_consume(r, options));
}

void
t_remote_join(struct t_remote *r, const char *name, int64_t from)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = name;
	o.from = from;
	t_remote_consume(r, &o);
}

int64_t
t_remote_wait(struct t_remote *r, int64_t timeout_ns)
{
	return call(r, wait_for, timeout_ns, 0);
}

void
t_remote_begin_wait(struct t_remote *r, int64_t timeout_ns)
{
	begin(r, wait_for, timeout_ns, 0);
}

int64_t
t_remote_next(struct t_remote *r, uint64_t *ret_value)
{
	uint64_t value = 0;
	int64_t more = t_remote_call(r, next, &value, sizeof(value));

	if (ret_value != NULL && more > 0)
		*ret_value = value;
	return more;
}

int64_t
t_remote_commit(struct t_remote *r)
{
	return t_remote_call(r, commit, NULL, 0);
}

void
t_remote_take(struct t_remote *r, uint64_t first, uint64_t last)
{
	call(r, take, (int64_t)first, (int64_t)last);
}

void
t_remote_nothing(struct t_remote *r)
{
	t_remote_call(r, nothing, NULL, 0);
}

int64_t
t_remote_sequence(struct t_remote *r)
{
	return t_remote_call(r, committed, NULL, 0);
}

void
t_remote_halt(struct t_remote *r)
{
	t_remote_meanwhile(r, halt, NULL, 0);
}

void
t_remote_close_consumer(struct t_remote *r)
{
	t_remote_call(r, close_consumer, NULL, 0);
}

/* ------------------------------------------------------------- both */

struct words {
	char text[T_REMOTE_ARG];
};

static int64_t
say_error(struct t_place *place, void *arg)
{
	struct words *words = arg;
	size_t n = strlen(ringbus_error(place->bus));

	if (n >= sizeof(words->text))
		n = sizeof(words->text) - 1;
	memcpy(words->text, ringbus_error(place->bus), n);
	words->text[n] = '\0';
	return 0;
}

const char *
t_remote_error(struct t_remote *r)
{
	static struct words words;

	t_remote_call(r, say_error, &words, sizeof(words));
	return words.text;
}
