/* SPDX-License-Identifier: MIT */
/*
 * util_two.c - see util_two.h
 */
#include "tests/system/util_two.h"

#include <signal.h>
#include <stdio.h>

const struct t_two_kinds t_two_plain = {
	.a = "slots: 1024, event_size: 8",
	.b = "slots: 1024, event_size: 8",
};

void
t_two_configure(const struct t_two *t, const struct t_two_kinds *k, char *yaml,
		size_t size)
{
	snprintf(yaml, size,
		 "channels:\n"
		 "  a: { %s, bridge: { direction: export, servers: '%s',"
		 " stream: s, subject: s.all %s } }\n"
		 "  b: { %s, bridge: { direction: import, servers: '%s',"
		 " stream: s, subject: s.all, state: %s/state %s } }\n",
		 k->a, t->nats.url, k->to != NULL ? k->to : "", k->b,
		 t->nats.url, t_tmpdir(), k->from != NULL ? k->from : "");
}

void
t_bridge_start(struct t_run *run, const struct t_bus *b, const char *channel)
{
	*run = (struct t_run){ .socket = b->daemon.socket };
	t_run_start(run, "ringbus-bridge", channel, NULL);
}

void
t_bridge_stop(struct t_run *run)
{
	kill(run->pid, SIGTERM);
	t_run_ends(run, 0);
}

struct ringbus_consumer *
t_two_consume(struct ringbus *bus, const char *channel)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c = NULL;

	o.name = "app";
	o.from = RINGBUS_FROM_OLDEST;
	t_bus_ok(bus, ringbus_consumer_open(bus, channel, &o, &c));
	return c;
}

void
t_two_prepare(struct t_two *t, const struct t_two_kinds *k)
{
	char yaml[4096];

	t_nats_start(&t->nats);
	t_two_configure(t, k, yaml, sizeof(yaml));
	t_bus_begin_with(&t->b, yaml);
	t->p = t_produce(t->b.bus, NULL);
	t->c = t_two_consume(t->b.bus, "b");
}

void
t_two_begin(struct t_two *t, const struct t_two_kinds *k)
{
	t_two_prepare(t, k);
	t_bridge_start(&t->to, &t->b, "a");
	t_bridge_start(&t->from, &t->b, "b");
}

void
t_two_finish(struct t_two *t)
{
	t_bus_end(&t->b);
	t_nats_stop(&t->nats);
}

void
t_two_end(struct t_two *t)
{
	t_bridge_stop(&t->to);
	t_bridge_stop(&t->from);
	t_two_finish(t);
}

bool
t_two_all_is_acked(const struct t_two *t)
{
	const struct ringbus_channel *a = ringbus_producer_channel(t->p);

	return t_has_member(a, RINGBUS_CONSUMER, "replicate") &&
	       t_member(a, RINGBUS_CONSUMER, "replicate").sequence ==
		       t_info(a).cursor;
}

int64_t
t_two_acked(const struct t_two *t)
{
	return t_member(ringbus_producer_channel(t->p), RINGBUS_CONSUMER,
			"replicate")
		.sequence;
}

void
t_two_update(const struct t_two *t, const char *more)
{
	char json[512];

	snprintf(json, sizeof(json),
		 "{\"name\":\"s\",\"subjects\":[\"s.all\"],"
		 "\"storage\":\"file\",\"discard\":\"new\","
		 "\"allow_direct\":true,%s}",
		 more);
	t_nats_request(&t->nats, "$JS.API.STREAM.UPDATE.s", json);
}

struct ringbus_io
t_io_of(const struct ringbus_channel *channel, int role, const char *name)
{
	struct ringbus_io io = { .size = sizeof(io) };

	if (t_has_member(channel, role, name))
		ringbus_channel_io(channel, role,
				   t_member(channel, role, name).index, &io);
	return io;
}

void
t_two_pass(struct t_two *t, uint64_t first, uint64_t last)
{
	t_put_all(t->p, first, last);
	t_take(t->c, (int64_t)first, (int64_t)last);
	t_until(t_two_all_is_acked(t));
}
