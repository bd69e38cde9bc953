/* SPDX-License-Identifier: MIT */
/*
 * main.c - ringbus-bridge: a channel to a JetStream stream, or a stream to a channel
 *
 * A program of its own, one process for each channel and direction. Other machines are
 * no concern of the daemon, nor of who publishes and reads.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "client/bridge/command.h"
#include "client/bridge/export.h"
#include "client/bridge/import.h"
#include "client/bridge/log.h"
#include "client/bridge/map.h"
#include "client/bridge/wake.h"

#define EXIT_CONFIGURED 78 /* sysexits.h: EX_CONFIG */
#define NAP_NS INT64_C(250000000)

static bool
is_absent(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -ECONNRESET ||
	       err == -ETIMEDOUT;
}

/* Said once. False if it was stopped meanwhile. */
static bool
nap(bool *has_said, int err, const char *why)
{
	if (!*has_said)
		log_info("waits for it: %s",
			 why[0] != '\0' ? why : ringbus_strerror(err));
	*has_said = true;
	wake_sleep(NAP_NS);
	return !wake_is_stopped();
}

/* Whoever is started first: it may be the daemon later. */
static int
connect_when_there(const char *socket, struct ringbus **ret)
{
	bool has_said = false;
	int err;

	do
		err = ringbus_connect(socket, ret);
	while (is_absent(err) && nap(&has_said, err, ringbus_error(NULL)));
	if (err < 0 && !wake_is_stopped())
		log_error("no daemon: %s: %s", ringbus_strerror(err),
			  ringbus_error(NULL));
	return err;
}

/* Also the channel: while it is made anew it is not there. */
static int
await_channel(struct ringbus *bus, const char *channel)
{
	char value[RINGBUS_SETTING_SIZE];
	bool has_said = false;
	int err;

	do
		err = ringbus_setting(bus, channel, "bridge", value,
				      sizeof(value));
	while (is_absent(err) && nap(&has_said, err, ringbus_error(bus)));
	return err;
}

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

/* The exit code. Stopped while it waits it has nothing to say. */
static int
work(struct setup *setup, struct ringbus *bus, struct command *o)
{
	int err = await_channel(bus, o->settings.channel);

	if (err < 0 && wake_is_stopped())
		return EXIT_SUCCESS;
	o->settings.bus = bus;
	if (setup_read(setup, &o->settings) < 0)
		return EXIT_CONFIGURED;
	err = run(setup, bus, o);
	if (err == -EINVAL)
		return EXIT_CONFIGURED; /* only somebody else can change it */
	return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
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
		err = connect_when_there(o.socket, &bus);
	if (err < 0)
		return wake_is_stopped() ? EXIT_SUCCESS : EXIT_FAILURE;
	code = work(&setup, bus, &o);
	ringbus_close(bus);
	return code;
}
