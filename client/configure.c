/* SPDX-License-Identifier: MIT */
/*
 * configure.c - the daemon's configuration: have it read anew, and what it says
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/internal.h"

int
ringbus_reload(struct ringbus *bus, unsigned flags)
{
	struct rb_control message;

	if ((flags & ~(RINGBUS_RELOAD_DRY | RINGBUS_RELOAD_RECREATE)) != 0)
		return rb_bus_refuse(bus, "unknown flags of a reload: %#x",
				     flags);
	rb_bus_prepare(&message, RB_CONTROL_RELOAD, NULL);
	if ((flags & RINGBUS_RELOAD_DRY) != 0)
		message.flags |= RB_CONTROL_DRY;
	if ((flags & RINGBUS_RELOAD_RECREATE) != 0)
		message.flags |= RB_CONTROL_RECREATE;
	return rb_bus_request(bus, &message, NULL);
}

int
ringbus_report(struct ringbus *bus, unsigned index, char *line, size_t size)
{
	struct rb_control message;
	int err;

	if (line == NULL || size == 0)
		return rb_bus_refuse(bus, "no room for a line of the report");
	rb_bus_prepare(&message, RB_CONTROL_REPORT, NULL);
	message.index = index;
	err = rb_bus_request(bus, &message, NULL);
	if (err == 0)
		snprintf(line, size, "%s", message.text);
	return err;
}

/* The key, and what stands behind it for a value. */
static int
fill_in_setting(struct ringbus *bus, struct rb_control *message,
		const char *key)
{
	size_t n = strcspn(key, "=");
	const char *text = key + n + 1;

	if (n >= sizeof(message->name)) {
		rb_bus_refuse(bus, "there is no setting with so long a key");
		return -ENOENT;
	}
	memcpy(message->name, key, n);
	if (key[n] == '\0')
		return 0;
	if (strlen(text) >= sizeof(message->text))
		return rb_bus_refuse(bus, "%s has too long a value",
				     message->name);
	memcpy(message->text, text, strlen(text));
	message->flags |= RB_CONTROL_VALUE;
	return 0;
}

int
ringbus_setting(struct ringbus *bus, const char *channel, const char *key,
		char *value, size_t size)
{
	struct rb_control message;
	int err;

	if (key == NULL || value == NULL)
		return rb_bus_refuse(bus, "a setting has a key, and a buffer");
	if (rb_bus_prepare(&message, RB_CONTROL_SETTING, channel) < 0)
		return rb_bus_refuse_name(bus, channel);
	err = fill_in_setting(bus, &message, key);
	if (err == 0)
		err = rb_bus_request(bus, &message, NULL);
	if (err < 0)
		return err;
	if (strlen(message.text) >= size) {
		rb_bus_refuse(bus,
			      "%zu bytes are too few: take "
			      "RINGBUS_SETTING_SIZE",
			      size);
		return -ENOSPC;
	}
	memcpy(value, message.text, strlen(message.text) + 1);
	return 0;
}
