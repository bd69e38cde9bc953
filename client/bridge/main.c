/* SPDX-License-Identifier: MIT */
/*
 * main.c - ringbus-bridge: a channel to a JetStream stream, or a stream to a channel
 *
 * A program of its own, one process for each channel and direction. Other machines are
 * no concern of the daemon, nor of who publishes and reads.
 */
#include <stdlib.h>

#include "client/bridge/command.h"
#include "client/bridge/export.h"
#include "client/bridge/import.h"
#include "client/bridge/log.h"
#include "client/bridge/map.h"
#include "client/bridge/wake.h"

static int
run(const struct setup *setup, struct ringbus *bus, const struct command *o)
{
	if (o->map >= 0)
		return map_slot(setup, bus, o->map);
	if (o->message >= 0)
		return map_message(setup, bus, o->message);
	return setup_is_import(setup) ? import_run(setup, bus)
				      : export_run(setup, bus);
}

int
main(int argc, char **argv)
{
	static struct setup setup;
	struct ringbus *bus = NULL;
	static struct command o;
	int err, code = command_parse(argc, argv, &o);

	if (code >= 0)
		return code;
	log_init(o.settings.channel);
	err = wake_init();
	if (err == 0)
		err = ringbus_connect(o.socket, &bus);
	if (err < 0) {
		log_error("no daemon: %s: %s", ringbus_strerror(err),
			  ringbus_error(NULL));
		return EXIT_FAILURE;
	}
	o.settings.bus = bus;
	err = setup_read(&setup, &o.settings);
	if (err == 0)
		err = run(&setup, bus, &o);
	ringbus_close(bus);
	return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
