/* SPDX-License-Identifier: MIT */
/*
 * health.c - see health.h
 */
#include "daemon/health.h"

#include <stdio.h>

#include "daemon/daemon.h"
#include "daemon/lock.h"

/* That often in a row nothing was tried: between two looks there is half of the
 * watchdog's interval, between two tries some milliseconds. One look is not enough,
 * as both come late where we were stopped. */
#define STILL_MAX 3

/* -------------------------------------------------------------- status line */

static uint64_t
total_size(const struct rb_registry *registry)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < registry->n_hosted; i++)
		size += rb_hosted_size(registry->hosted[i]);
	return size;
}

/* As people say it: "3.0 GiB". */
static void
format_size(uint64_t size, char *text, size_t text_size)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB",
					     "TiB" };
	double value = (double)size;
	unsigned unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(text, text_size, "%.*f %s", unit > 0, value, units[unit]);
}

static const char *
plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

static void
describe(void *context, char text[RB_SERVICE_STATUS_SIZE])
{
	const struct rb_daemon *daemon = context;
	const struct rb_registry *registry = &daemon->registry;
	unsigned n_broken = rb_registry_count_broken(registry);
	unsigned n_clients = daemon->server.n_greeted;
	unsigned n = registry->n_hosted;
	char size[32], broken[32] = "", refused[32] = "";

	format_size(total_size(registry), size, sizeof(size));
	if (n_broken > 0)
		snprintf(broken, sizeof(broken), ", %u broken", n_broken);
	if (registry->n_refused > 0)
		snprintf(refused, sizeof(refused), ", %u not served",
			 registry->n_refused);
	snprintf(text, RB_SERVICE_STATUS_SIZE,
		 "%u channel%s, %s mapped, %u client%s%s%s", n, plural(n), size,
		 n_clients, plural(n_clients), broken, refused);
}

void
rb_health_look(struct rb_daemon *daemon)
{
	struct rb_health *seen = &daemon->health;
	struct rb_health now = *seen;

	now.n_channels = daemon->registry.n_hosted;
	now.n_refused = daemon->registry.n_refused;
	now.n_clients = daemon->server.n_greeted;
	if (now.n_channels == seen->n_channels &&
	    now.n_refused == seen->n_refused &&
	    now.n_clients == seen->n_clients)
		return;
	*seen = now;
	rb_service_changed(&daemon->service);
}

/* ------------------------------------------------------------------- health */

static bool
repairs_stand_still(struct rb_health *seen, const struct rb_reaper *reaper)
{
	if (!reaper->repairing || reaper->n_rounds != seen->n_rounds)
		seen->n_still = 0;
	else
		seen->n_still++;
	seen->n_rounds = reaper->n_rounds;
	return seen->n_still >= STILL_MAX;
}

static const char *
ails(void *context)
{
	struct rb_daemon *daemon = context;

	if (!rb_lock_is_ours(daemon->shm_dirfd, daemon->lock))
		return "somebody has removed the lock, or the folder of the "
		       "channels";
	if (!daemon->stopping && !rb_socket_is_there(&daemon->server.socket))
		return "somebody has removed the socket";
	if (repairs_stand_still(&daemon->health, &daemon->reaper))
		return "repairs stand still";
	return NULL;
}

struct rb_service_owner
rb_health_owner(struct rb_daemon *daemon)
{
	return (struct rb_service_owner){ .describe = describe,
					  .ails = ails,
					  .context = daemon };
}
