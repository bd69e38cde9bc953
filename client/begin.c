/* SPDX-License-Identifier: MIT */
/*
 * begin.c - opens a consumer that starts in the journal
 *
 * What the ring still has needs no journal, nor does a name whose place was kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/replay.h"

/* The consumer that writes a journal, if nobody says which. */
#define WRITER "journal"

/* A name whose place was kept needs no journal. 0, or -ENOENT if it has none. */
static int
resume(struct ringbus_consumer *c, struct ringbus *bus, const char *channel,
       const struct rb_attach *wish)
{
	struct rb_attach request = *wish;
	int err;

	if (request.member == NULL)
		return -ENOENT;
	request.from = RINGBUS_FROM_RESUME;
	c->attachment = (struct rb_attachment){ .role = RB_ROLE_CONSUMER };
	err = rb_attachment_open(&c->attachment, bus, channel, &request);
	if (err < 0)
		return err;
	err = rb_consumer_take_place(c);
	if (err < 0)
		rb_attachment_close(&c->attachment, false);
	return err;
}

static int
stand_by(struct ringbus_consumer *c, struct ringbus *bus, const char *channel)
{
	const struct rb_replay *r = c->replay;
	const struct rb_attach request = {
		.wait = r->request.wait,
		.type = r->request.type,
		.type_version = r->request.type_version,
		.from = RB_FROM_NOW,
	};

	c->attachment = (struct rb_attachment){ .role = RB_ROLE_TAP,
						.is_replay = true };
	return rb_attachment_open(&c->attachment, bus, channel, &request);
}

static void
copy_words(struct rb_replay *r, const struct rb_attach *request)
{
	r->request = *request;
	r->spec = *request->spec;
	r->request.spec = &r->spec;
	if (request->member != NULL)
		r->request.member = strncpy(r->member, request->member,
					    sizeof(r->member) - 1);
	if (request->type != NULL)
		r->request.type = strncpy(r->type, request->type,
					  sizeof(r->type) - 1);
	if (request->after != NULL)
		r->request.after = strncpy(r->after, request->after,
					   sizeof(r->after) - 1);
}

static struct rb_replay *
make_replay(struct ringbus *bus, const struct rb_attach *request)
{
	struct rb_replay *r = aligned_alloc(RB_LINE,
					    rb_round_up(sizeof(*r), RB_LINE));

	if (r == NULL)
		return NULL;
	memset(r, 0, sizeof(*r));
	r->callers = bus;
	copy_words(r, request);
	return r;
}

static int
make_room(struct ringbus_consumer *c)
{
	const struct rb_geometry *g = &c->attachment.channel.shm.geometry;
	struct rb_replay *r = c->replay;

	r->bytes_size = RB_REPLAY_BYTES + rb_round_up(g->event_size, 64);
	r->bytes = aligned_alloc(64, r->bytes_size);
	return r->bytes == NULL ? -ENOMEM : 0;
}

/* The consumer that writes the journal, as it is configured. Who is told nothing goes
 * by the usual name. */
static void
learn_writer(struct ringbus_consumer *c)
{
	char name[RINGBUS_SETTING_SIZE];
	struct rb_replay *r = c->replay;

	memcpy(r->writer, WRITER, sizeof(WRITER));
	if (ringbus_setting(r->bus, c->attachment.name, "journal.consumer",
			    name, sizeof(name)) == 0 &&
	    rb_name_is_valid(name))
		memcpy(r->writer, name, strlen(name) + 1);
}

/* Workers share what comes, and nobody shares the journal. */
static int
refuse_group(struct ringbus_consumer *c, struct ringbus *bus)
{
	struct ringbus_member m = { .size = sizeof(m) };
	const char *name = c->replay->request.member;

	if (name == NULL ||
	    ringbus_channel_find(&c->attachment.channel, RINGBUS_CONSUMER, name,
				 &m) != 1 ||
	    m.group == 0)
		return 0;
	rb_bus_refuse(bus,
		      "consumer %s is a group, and a journal is read by one "
		      "alone: leave the journal out",
		      name);
	return -ENOTSUP;
}

static void
begin_at(struct ringbus_consumer *c, int64_t from, int64_t start)
{
	rb_consumer_seek(c, start);
	c->barrier.committed = start - 1;
	c->barrier.available = start - 1;
	c->barrier.gate = &c->replay->gate;
	/* ORDER(none, relaxed) - nobody else sees it. */
	rb_seq_store_relaxed(&c->replay->gate.sequence, start - 1);
	c->attachment.missed = start - (from < 0 ? 0 : from);
	c->replay->at = -1; /* nowhere */
}

/* Opens the journal, if it takes that, for `from` or the first that it has. */
static int
begin_in_journal(struct ringbus_consumer *c, const char *dir, int64_t from)
{
	struct rb_replay *r = c->replay;
	uint64_t generation = c->attachment.channel.shm.generation;
	int64_t first = rb_replay_open_journal(r, dir, generation);
	int err;

	if (first == -ENODATA && from < 0) { /* the ring has what there is */
		err = rb_crossing_hold(c, from);
		first = r->ring_from;
		if (err < 0)
			return err;
	}
	if (first < 0)
		return (int)first;
	if (r->is_held && r->ring_from < first)
		first = r->ring_from;
	begin_at(c, from, from > first ? from : first);
	return rb_crossing_advance(c);
}

/* Where it starts, in the journal or in the ring. */
static int
find_start(struct ringbus_consumer *c, const char *dir, int64_t from)
{
	const struct rb_channel *channel = &c->attachment.channel.shm;
	int found;

	if (from < 0 || rb_tap_is_lapped(channel, from))
		return begin_in_journal(c, dir, from);
	begin_at(c, from, from);
	found = rb_crossing_advance(c);
	return found == 0 ? begin_in_journal(c, dir, from) : found;
}

static int
begin(struct ringbus_consumer *c, struct ringbus *bus,
      const struct ringbus_consumer_options *o)
{
	struct rb_replay *r = c->replay;
	int err = refuse_group(c, bus);

	if (err == 0)
		err = make_room(c);
	if (err == 0)
		err = ringbus_connect_within(bus->place.socket,
					     bus->place.patience_ns, &r->bus);
	if (err < 0)
		return err;
	learn_writer(c);
	err = find_start(c, o->journal, o->from);
	return err < 0 ? err : 0;
}

static int
open_replay(struct ringbus_consumer *c, struct ringbus *bus,
	    const char *channel, const struct ringbus_consumer_options *o)
{
	int err = stand_by(c, bus, channel);

	if (err < 0)
		return err;
	err = begin(c, bus, o);
	if (err == 0)
		return 0;
	rb_attachment_close(&c->attachment, false);
	if (c->replay->error[0] != '\0')
		rb_bus_refuse(bus, "%s", c->replay->error);
	return err;
}

int
rb_replay_open(struct ringbus_consumer *c, struct ringbus *bus,
	       const char *channel, const struct ringbus_consumer_options *o)
{
	struct rb_consumer_spec spec;
	struct rb_attach request;
	int err = rb_consumer_request(bus, o, &spec, &request);

	if (err == 0)
		err = resume(c, bus, channel, &request);
	if (err != -ENOENT)
		return err;
	c->replay = make_replay(bus, &request);
	if (c->replay == NULL)
		return -ENOMEM;
	c->reader = RB_READER_REPLAY;
	err = open_replay(c, bus, channel, o);
	if (err < 0)
		rb_crossing_close(c);
	return err;
}
