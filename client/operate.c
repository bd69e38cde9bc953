/* SPDX-License-Identifier: MIT */
/*
 * operate.c - what an operator asks the daemon for
 */
#include <string.h>

#include "client/internal.h"

int
ringbus_pause(struct ringbus *bus, const char *channel)
{
	return rb_bus_request_about(bus, RB_CONTROL_PAUSE, 0, channel);
}

int
ringbus_resume(struct ringbus *bus, const char *channel)
{
	return rb_bus_request_about(bus, RB_CONTROL_PAUSE, RB_CONTROL_RESUME,
				    channel);
}

/* A request about a consumer; its answer is in *message. */
static int
request_about_consumer(struct ringbus *bus, struct rb_control *message,
		       const char *consumer)
{
	if (!rb_name_is_valid(consumer))
		return rb_bus_refuse_name(bus, consumer);
	memcpy(message->name, consumer, strlen(consumer));
	return rb_bus_request(bus, message, NULL);
}

int
ringbus_evict(struct ringbus *bus, const char *channel, const char *consumer)
{
	struct rb_control message;

	if (rb_bus_prepare(&message, RB_CONTROL_EVICT, channel) < 0)
		return rb_bus_refuse_name(bus, channel);
	return request_about_consumer(bus, &message, consumer);
}

int64_t
ringbus_reset(struct ringbus *bus, const char *channel, const char *consumer,
	      int64_t from)
{
	struct rb_control message;
	int err;

	if (rb_bus_prepare(&message, RB_CONTROL_MOVE, channel) < 0)
		return rb_bus_refuse_name(bus, channel);
	if (from < RINGBUS_FROM_OLDEST)
		return rb_bus_refuse(bus, "from is no sequence and no place");
	message.from = from;
	err = request_about_consumer(bus, &message, consumer);
	return err < 0 ? err : message.from;
}

/* The whole text of an answer, in a buffer that should be as large as `room`. */
static int
hand_out(struct ringbus *bus, const struct rb_control *answer, const char *room,
	 char *ret, size_t size)
{
	if (strlen(answer->text) >= size)
		return rb_bus_refuse(bus, "%zu bytes are too few: take %s",
				     size, room);
	memcpy(ret, answer->text, strlen(answer->text) + 1);
	return 1;
}

/* More than a daemon keeps: one that goes on so is none of ours. */
#define EVENTS_PASSED_MAX 4096

int
ringbus_event_next(struct ringbus *bus, int64_t *id, char *json, size_t size)
{
	struct rb_control message;
	int err, n_passed = 0;

	if (*id < 0)
		return rb_bus_refuse(bus, "an event's id is not negative");
	for (;;) {
		if (n_passed++ == EVENTS_PASSED_MAX)
			return -EAGAIN;
		rb_bus_prepare(&message, RB_CONTROL_EVENTS, NULL);
		message.from = *id;
		err = rb_bus_request(bus, &message, NULL);
		if (err < 0)
			return err;
		if (message.text[0] != '\0')
			break;
		*id = message.from; /* past those that we may not look at */
	}
	err = hand_out(bus, &message, "RINGBUS_EVENT_SIZE", json, size);
	if (err > 0)
		*id = message.from;
	return err;
}

int
ringbus_status(struct ringbus *bus, unsigned index, char *key_value,
	       size_t size)
{
	struct rb_control message;
	int err;

	rb_bus_prepare(&message, RB_CONTROL_STATUS, NULL);
	message.index = index;
	err = rb_bus_request(bus, &message, NULL);
	if (err < 0)
		return err;
	return hand_out(bus, &message, "RINGBUS_STATUS_SIZE", key_value, size);
}
