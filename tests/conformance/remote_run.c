/* SPDX-License-Identifier: MIT */
/*
 * remote_run.c - see remote_run.h
 */
#include "tests/conformance/remote_run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fixture.h"

/* ------------------------------------------------------------- the channel */

static void
create(struct t_site *x, const struct t_plan *plan, enum rb_producers kind)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus_graph *graph = ringbus_graph_new();

	ck_assert_ptr_nonnull(graph);
	plan->build(graph);
	o.slots = plan->slots;
	o.slot_size = sizeof(uint64_t);
	o.producers = kind == RB_MULTI ? RINGBUS_MULTI : RINGBUS_SINGLE;
	o.graph = graph;
	t_bus_begin_with(&x->b, "dynamic: { allow: any, max_channels: 1 }\n");
	t_bus_ok(x->b.bus, ringbus_create(x->b.bus, "a", &o));
	ringbus_graph_free(graph);
}

static void
open_site(struct t_site *x, bool is_created)
{
	x->is_created = is_created;
	x->tap = t_tap(x->b.bus, RINGBUS_FROM_NOW);
	x->channel = ringbus_tap_channel(x->tap);
	t_remote_start(&x->p, &x->b.daemon);
	t_remote_produce(&x->p, NULL);
}

void
t_site_begin(struct t_site *x, enum rb_producers kind, const char *keys)
{
	t_bus_begin(&x->b, "producers: %s, %s", t_kind(kind), keys);
	open_site(x, false);
}

void
t_site_plan(struct t_site *x, const struct t_plan *plan, enum t_how how,
	    enum rb_producers kind)
{
	if (how == T_CREATED)
		create(x, plan, kind);
	else
		t_bus_begin(&x->b,
			    "producers: %s, slots: %llu, event_size: 8, "
			    "consumers: { %s }",
			    t_kind(kind), (unsigned long long)plan->slots,
			    plan->consumers);
	open_site(x, how == T_CREATED);
}

void
t_site_end(struct t_site *x)
{
	t_remote_end(&x->p);
	ringbus_tap_close(x->tap);
	if (x->is_created)
		t_bus_ok(x->b.bus, ringbus_remove(x->b.bus, "a"));
	t_bus_end(&x->b);
}

struct ringbus_member
t_site_consumer(const struct t_site *x, const char *name)
{
	return t_member(x->channel, RINGBUS_CONSUMER, name);
}

int64_t
t_site_sequence(const struct t_site *x, const char *name)
{
	return t_site_consumer(x, name).sequence;
}

/* ----------------------------------------------------------- the processor */

static void
stay_inside(void *context, const struct ringbus_event *event)
{
	struct t_work *work = context;
	uint64_t number = t_value(event);

	t_store(&work->began, number + 1);
	t_until(number < t_read(&work->hold));
}

void
t_runner_start_with(struct t_runner *runner, const struct t_site *x,
		    const struct ringbus_consumer_options *options)
{
	struct t_work *work = fixture_share(sizeof(*work));

	work->record.look = stay_inside;
	work->record.look_context = work;
	work->handlers = t_handlers(&work->record);
	t_store(&work->hold, T_HOLD_NONE);
	*runner = (struct t_runner){ .work = work,
				     .site = x,
				     .name = options->name };
	t_remote_start(&runner->remote, &x->b.daemon);
	t_remote_consume(&runner->remote, options);
}

void
t_runner_start(struct t_runner *runner, const struct t_site *x,
	       const char *name)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = name;
	t_runner_start_with(runner, x, &o);
}

void
t_runner_end(struct t_runner *runner)
{
	t_remote_end(&runner->remote);
}

/* The argument is the address of the shared memory, the same in both. */
static int64_t
run_there(struct t_place *place, void *arg)
{
	struct t_work *work = *(struct t_work **)arg;

	work->place = place;
	return ringbus_consumer_run(place->c, &work->handlers);
}

void
t_runner_begin(struct t_runner *runner)
{
	t_remote_begin(&runner->remote, run_there, &runner->work,
		       sizeof(runner->work));
}

int64_t
t_runner_collect(struct t_runner *runner)
{
	return t_remote_collect(&runner->remote);
}

int64_t
t_runner_run(struct t_runner *runner)
{
	t_runner_begin(runner);
	return t_runner_collect(runner);
}

void
t_runner_stop(struct t_runner *runner, int64_t last)
{
	t_until(t_site_sequence(runner->site, runner->name) == last);
	t_remote_halt(&runner->remote);
	ck_assert_int_eq(t_runner_collect(runner), 0);
}

struct poll {
	struct t_work *work;
	int64_t max;
};

static int64_t
poll_there(struct t_place *place, void *arg)
{
	const struct poll *poll = arg;

	return ringbus_consumer_poll(place->c, poll->max,
				     poll->work->handlers.on_event,
				     poll->work->handlers.context);
}

int64_t
t_runner_poll(struct t_runner *runner, int64_t max)
{
	struct poll poll = { runner->work, max };

	return t_remote_call(&runner->remote, poll_there, &poll, sizeof(poll));
}

void
t_runner_hold(struct t_runner *runner, uint64_t number)
{
	t_store(&runner->work->hold, number);
}

bool
t_runner_is_at(const struct t_runner *runner, uint64_t number)
{
	return t_read(&runner->work->began) == number + 1;
}

bool
t_runner_is_idle(const struct t_runner *runner)
{
	return t_read(&runner->work->began) == 0 &&
	       t_remote_sleeps(&runner->remote);
}

/* -------------------------------------------------------------- the record */

struct text {
	char *to;
	size_t n;
};

static __attribute__((format(printf, 2, 3))) void
add(struct text *text, const char *format, ...)
{
	size_t room = T_RECORD_SIZE - text->n;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->to + text->n, room, format, args);
	va_end(args);
	ck_assert(n >= 0 && (size_t)n < room);
	text->n += (size_t)n;
}

/* "0-3!" -> " 0 1 2 3!" */
static void
add_range(struct text *text, const char *word)
{
	char *rest;
	unsigned long first = strtoul(word, &rest, 10);
	unsigned long last = first;

	if (*rest == '-')
		last = strtoul(rest + 1, &rest, 10);
	for (; first <= last; first++)
		add(text, " %lu", first);
	add(text, "%s", rest);
}

static bool
is_number(const char *word)
{
	return *word >= '0' && *word <= '9';
}

/* Spells ranges out, and may leave everything but events away. */
static void
spell(const char *from, bool is_events_only, char *to)
{
	char *words = strdup(from), *rest = words, *word;
	struct text text = { to, 0 };

	ck_assert_ptr_nonnull(words);
	to[0] = '\0';
	while ((word = strsep(&rest, " ")) != NULL) {
		if (is_events_only)
			word[strcspn(word, "!")] = '\0';
		if (is_number(word))
			add_range(&text, word);
		else if (!is_events_only && *word != '\0')
			add(&text, " %s", word);
	}
	free(words);
}

static void
compare(struct t_runner *runner, const char *expected, bool is_events_only)
{
	static char wanted[T_RECORD_SIZE], got[T_RECORD_SIZE];

	spell(expected, is_events_only, wanted);
	spell(runner->work->record.text, is_events_only, got);
	ck_assert_str_eq(got, wanted);
	runner->work->record.n = 0;
	runner->work->record.text[0] = '\0';
}

void
t_runner_recorded(struct t_runner *runner, const char *expected)
{
	compare(runner, expected, false);
}

void
t_runner_handled(struct t_runner *runner, const char *expected)
{
	compare(runner, expected, true);
}

/* ------------------------------------------- the usual beginning and end */

void
t_scene_begin(struct t_scene *s, enum rb_producers kind)
{
	t_site_begin(&s->x, kind, "slots: 16, event_size: 8");
	t_runner_start(&s->c, &s->x, "c");
}

void
t_scene_end(struct t_scene *s)
{
	t_runner_end(&s->c);
	t_site_end(&s->x);
}

void
t_scene_put(struct t_scene *s, int64_t n, int64_t last)
{
	ck_assert_int_eq(t_remote_put(&s->x.p, n, RINGBUS_NOW), last);
}

void
t_scene_answer(struct t_scene *s, uint64_t number, int verdict, int times)
{
	struct t_answer *a = s->c.work->record.answers;

	while (a->verdict != 0)
		a++;
	*a = (struct t_answer){ number, verdict, times };
}

void
t_scene_ends(struct t_scene *s, const char *record)
{
	t_bus_ok(s->x.b.bus, ringbus_end(s->x.b.bus, "a"));
	ck_assert_int_eq(t_runner_run(&s->c), -ESHUTDOWN);
	t_runner_recorded(&s->c, record);
}
