/* SPDX-License-Identifier: MIT */
/*
 * create.c - a channel made by request: its consumers first, then itself, then
 * what its slots begin with
 *
 * Slots that the caller fills are filled while the daemon lets in nobody else.
 * Should that fail, in whatever way the callback is left, the channel is removed
 * again; if we die, the daemon does it. This file is compiled with -fexceptions,
 * so that the clean-up attribute holds for C++ exceptions too.
 */
#include <errno.h>
#include <string.h>

#include "client/internal.h"

static int
check_options(struct ringbus *bus, const struct ringbus_channel_options *o)
{
	if (!rb_is_wait(o->wait))
		return rb_bus_refuse(bus, "wait is none of RINGBUS_WAIT_...");
	if (o->stuck_after_ns < 0)
		return rb_bus_refuse(bus, "stuck_after_ns is negative");
	if (o->fill_size > RB_FILL_SIZE ||
	    (o->fill == NULL && o->fill_size > 0))
		return rb_bus_refuse(bus, "fill is at most 64 bytes");
	if (o->prepare != NULL && o->framing != RINGBUS_FIXED)
		return rb_bus_refuse(bus, "the slots of a framed channel are "
					  "no events that could be prepared");
	return 0;
}

static int
request_channel(struct ringbus *bus, const char *channel,
		const struct ringbus_channel_options *o)
{
	struct rb_control message;
	int err;

	rb_bus_prepare(&message, RB_CONTROL_CREATE, channel);
	err = rb_bus_set_type(bus, &message, o->type, o->type_version);
	if (err < 0)
		return err;
	message.slots = o->slots;
	message.slot_size = o->slot_size;
	message.history = o->history;
	message.framing = (uint32_t)o->framing;
	message.producers = (uint32_t)o->producers;
	message.wait = o->wait == RINGBUS_WAIT_DEFAULT ? RB_WAIT_BLOCKING
						       : (uint32_t)o->wait - 1;
	message.clear = o->clear != 0 ? RB_CLEAR_ZERO : RB_CLEAR_NONE;
	message.latency = o->latency != 0;
	message.strict = o->strict != 0;
	message.isolation = (uint32_t)o->isolation;
	message.stuck_after_ns = (uint64_t)o->stuck_after_ns;
	message.fill_size = (uint32_t)o->fill_size;
	if (o->fill_size > 0)
		memcpy(message.fill, o->fill, o->fill_size);
	if (o->prepare != NULL)
		message.flags = RB_CONTROL_PREPARE;
	return rb_bus_request(bus, &message, NULL);
}

static void
close_producer(struct ringbus_producer **producer)
{
	ringbus_producer_close(*producer);
}

static int
write_slots(struct ringbus *bus, const char *channel,
	    const struct ringbus_channel_options *o)
{
	rb_cleanup_(close_producer) struct ringbus_producer *p = NULL;
	const struct rb_geometry *g;
	int err = ringbus_producer_open(bus, channel, NULL, &p);

	if (err < 0)
		return err;
	g = &p->attachment.channel.shm.geometry;
	for (uint64_t i = 0; i < g->slots; i++)
		o->prepare(o->prepare_context,
			   ringbus_producer_slot(p, (int64_t)i), g->event_size,
			   i);
	return 0;
}

/* A channel that nobody else may attach to yet. */
struct unborn {
	struct ringbus *bus;
	const char *channel;
	bool is_open;
};

/* What went wrong before is what the caller wants to read. */
static void
remove_unborn(struct unborn *unborn)
{
	struct ringbus *bus = unborn->bus;
	char error[RB_CONTROL_TEXT_SIZE];

	if (!unborn->is_open) {
		memcpy(error, bus->error, sizeof(error));
		ringbus_remove(bus, unborn->channel);
		memcpy(bus->error, error, sizeof(error));
	}
	bus->stays = false;
}

/* With the daemon dies what it was preparing. The next one may have a channel of
 * that name, which is somebody else's: nothing of this is for that one. */
static int
prepare_channel(struct ringbus *bus, const char *channel,
		const struct ringbus_channel_options *o)
{
	rb_cleanup_(remove_unborn) struct unborn unborn = { bus, channel,
							    false };
	int err;

	bus->stays = true;
	err = write_slots(bus, channel, o);
	if (err == 0)
		err = rb_bus_request_about(bus, RB_CONTROL_OPEN, 0, channel);
	unborn.is_open = err == 0;
	return err;
}

int
ringbus_create(struct ringbus *bus, const char *channel,
	       const struct ringbus_channel_options *options)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	int err;

	bus->error[0] = '\0';
	if (rb_options_take(bus, &o, options, sizeof(o)) < 0)
		return -EINVAL;
	if (!rb_name_is_valid(channel))
		return rb_bus_refuse_name(bus, channel);
	err = check_options(bus, &o);
	if (err == 0)
		err = rb_graph_plan(o.graph, bus);
	if (err == 0)
		err = request_channel(bus, channel, &o);
	if (err == 0 && o.prepare != NULL)
		err = prepare_channel(bus, channel, &o);
	return err;
}
