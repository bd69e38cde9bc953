/* SPDX-License-Identifier: MIT */
/*
 * map.c - see map.h
 *
 * Of an exporting channel a message names its slots; of an importing one they are what
 * its state says, counted in the stream.
 */
#include "client/bridge/map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "client/bridge/frame.h"
#include "client/bridge/log.h"
#include "client/bridge/mark.h"
#include "client/bridge/server.h"
#include "client/bridge/stream.h"

struct map {
	const struct setup *setup;
	struct server server;
	jsCtx *js;
	struct stream_state state;
	uint64_t generation; /* of the channel */
	int64_t base;        /* of an import */
	int64_t wanted;      /* a slot; of an import its index */
};

static int
look_at_channel(struct map *m, struct ringbus *bus)
{
	struct ringbus_info info = { .size = sizeof(info) };
	struct ringbus_tap *tap = NULL;
	int err = ringbus_tap_open(bus, m->setup->channel, NULL, &tap);

	if (err < 0) {
		log_error("cannot look at the channel: %s",
			  ringbus_strerror(err));
		return err;
	}
	ringbus_channel_info(ringbus_tap_channel(tap), &info);
	m->generation = info.generation;
	ringbus_tap_close(tap);
	return 0;
}

static int
look_at_mark(struct map *m)
{
	struct mark mark;
	int err;

	if (!setup_is_import(m->setup))
		return 0;
	err = mark_read(m->setup->state, &mark);
	if (err == 0 && (mark.generation != m->generation ||
			 mark.created_ns != m->state.created_ns))
		err = -ENOENT;
	if (err < 0)
		log_error("%s says nothing of this channel and stream",
			  m->setup->state);
	else
		m->base = mark.base;
	return err;
}

static int
begin(struct map *m, const struct setup *setup, struct ringbus *bus)
{
	int err;

	m->setup = setup;
	err = server_init(&m->server, setup);
	if (err == 0)
		err = server_connect_any(&m->server);
	if (err < 0)
		return err;
	m->js = server_stream_context(&m->server, NULL, NULL, 0);
	if (m->js == NULL)
		return -EAGAIN;
	err = look_at_channel(m, bus);
	if (err == 0)
		err = stream_ensure(m->js, setup, false, &m->state);
	return err < 0 ? err : look_at_mark(m);
}

static void
end(struct map *m)
{
	jsCtx_Destroy(m->js);
	server_deinit(&m->server);
}

static bool
is_before(const struct frame *f, void *context)
{
	const struct map *m = context;

	if (setup_is_import(m->setup))
		return f->index + frame_slots(f) <= m->wanted;
	/* Those of other generations are older. */
	return f->kind.generation != m->generation || f->last < m->wanted;
}

static void
print(uint64_t number, const struct frame *f)
{
	printf("message %" PRIu64 ": slots %" PRId64 " to %" PRId64
	       " of generation %" PRIx64 ", %" PRId64 " events, index %" PRId64
	       "%s\n",
	       number, f->first, f->last, f->kind.generation, f->count,
	       f->index, f->is_gap ? ", lost" : "");
}

static bool
has_wanted(const struct map *m, const struct frame *f)
{
	if (setup_is_import(m->setup))
		return f->index <= m->wanted;
	return f->kind.generation == m->generation && f->first <= m->wanted;
}

static int
find(struct map *m)
{
	struct frame f;
	uint64_t number;
	int err = stream_search(m->js, m->setup, &m->state, is_before, m,
				&number);

	if (err == 0)
		err = number > m->state.last
			      ? -ENOENT
			      : stream_read(m->js, m->setup, number, &f);
	if (err == 0 && !has_wanted(m, &f))
		err = -ENOENT;
	if (err == 0)
		print(number, &f);
	return err;
}

int
map_slot(const struct setup *setup, struct ringbus *bus, int64_t sequence)
{
	struct map m = { 0 };
	int err = begin(&m, setup, bus);

	if (err == 0) {
		m.wanted = m.base + sequence;
		err = find(&m);
		if (err == -ENOENT)
			log_error("no message of stream %s has slot %" PRId64,
				  setup->stream, sequence);
	}
	end(&m);
	return err;
}

int
map_message(const struct setup *setup, struct ringbus *bus, int64_t number)
{
	struct map m = { 0 };
	struct frame f;
	int err = begin(&m, setup, bus);

	if (err == 0 && number == 0)
		number = (int64_t)m.state.last;
	if (err == 0) {
		err = stream_read(m.js, setup, (uint64_t)number, &f);
		if (err == 0)
			print((uint64_t)number, &f);
		else
			log_error("stream %s has no message %" PRId64,
				  setup->stream, number);
	}
	end(&m);
	return err;
}
