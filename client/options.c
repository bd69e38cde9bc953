/* SPDX-License-Identifier: MIT */
/*
 * options.c - from what the user of the library asks for to what the daemon is
 * told
 *
 * Only what cannot be said in a message is refused here; all the rest is for
 * the daemon to judge, by the rules of its configuration.
 */
#include <string.h>

#include "client/internal.h"

int
rb_options_take(struct ringbus *bus, void *options, const void *given,
		size_t size)
{
	size_t given_size;

	if (given == NULL)
		return 0;
	memcpy(&given_size, given, sizeof(given_size));
	if (given_size != size)
		return rb_bus_refuse(bus, "`size` of the options is wrong: "
					  "start from their ..._INIT");
	memcpy(options, given, size);
	return 0;
}

bool
rb_is_wait(int wait)
{
	return wait >= RINGBUS_WAIT_DEFAULT && wait <= RB_WAIT_KINDS;
}

const char *
rb_kind_find_wrong(const struct ringbus_consumer_kind *kind)
{
	if (kind->size != sizeof(*kind))
		return "size";
	if (kind->keep_for_ns < RINGBUS_FOREVER)
		return "keep_for_ns";
	if (kind->slow < RINGBUS_SLOW_DEFAULT ||
	    kind->slow > RINGBUS_SLOW_LOSSY)
		return "slow";
	if (kind->max_lag < 0)
		return "max_lag";
	return kind->max_stall_ns < 0 ? "max_stall_ns" : NULL;
}

struct rb_consumer_spec
rb_kind_to_spec(const struct ringbus_consumer_kind *kind)
{
	struct rb_consumer_spec spec = { 0 };

	if (kind->keep_for_ns != 0)
		spec.on_death = RB_ON_DEATH_KEEP;
	if (kind->keep_for_ns > 0)
		spec.keep_for_ns = (uint64_t)kind->keep_for_ns;
	if (kind->slow != RINGBUS_SLOW_DEFAULT)
		spec.slow = (enum rb_slow)(kind->slow - 1);
	spec.max_lag = (uint64_t)kind->max_lag;
	spec.max_stall_ns = (uint64_t)kind->max_stall_ns;
	spec.is_group = kind->group != 0;
	spec.key_offset = kind->key_offset;
	spec.key_size = kind->key_size;
	return spec;
}

void
rb_spec_to_message(const struct rb_consumer_spec *spec,
		   struct rb_control *message)
{
	message->slow = spec->slow;
	message->on_death = spec->on_death;
	message->is_group = spec->is_group;
	message->key_offset = spec->key_offset;
	message->key_size = spec->key_size;
	message->max_lag = spec->max_lag;
	message->max_stall_ns = spec->max_stall_ns;
	message->keep_for_ns = spec->keep_for_ns;
	message->mask = spec->after;
}
