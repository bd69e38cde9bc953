/* SPDX-License-Identifier: MIT */
/*
 * configure.c - have the daemon read its configuration anew, and what it says
 */
#include <errno.h>
#include <stdio.h>

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
