/* SPDX-License-Identifier: MIT */
/*
 * tap.c - the tap handle of ringbus.h, over shm/tap.h
 */
#include <errno.h>
#include <stdlib.h>

#include "client/internal.h"

static int
attach(struct ringbus_tap *t, struct ringbus *bus, const char *channel,
       const struct ringbus_tap_options *o)
{
	struct rb_attachment *a = &t->attachment;
	const struct rb_attach request = {
		.wait = o->wait,
		.type = o->type,
		.type_version = o->type_version,
		.from = RB_FROM_NOW,
	};
	int err;

	if (o->from < RINGBUS_FROM_OLDEST)
		return rb_bus_refuse(bus, "a tap starts now, with the oldest, "
					  "or at a sequence");
	a->role = RB_ROLE_TAP;
	err = rb_attachment_open(a, bus, channel, &request);
	if (err < 0)
		return err;
	rb_tap_init(&t->tap, &a->channel.shm, o->from);
	return 0;
}

int
ringbus_tap_open(struct ringbus *bus, const char *channel,
		 const struct ringbus_tap_options *options,
		 struct ringbus_tap **ret)
{
	struct ringbus_tap_options o = RINGBUS_TAP_OPTIONS_INIT;
	struct ringbus_tap *t;
	int err;

	if (rb_options_take(bus, &o, options, sizeof(o)) < 0)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	err = attach(t, bus, channel, &o);
	if (err < 0) {
		free(t);
		return err;
	}
	*ret = t;
	return 0;
}

void
ringbus_tap_close(struct ringbus_tap *tap)
{
	if (tap == NULL)
		return;
	rb_attachment_close(&tap->attachment, false);
	free(tap);
}

static bool
was_cancelled(struct ringbus_tap *tap)
{
	uint32_t set = 1;

	/* ORDER(none, relaxed) - a flag that carries no data. */
	return rb_word32_cas_relaxed(&tap->cancelled, &set, 0);
}

static bool
is_aborted(const struct ringbus_tap *tap)
{
	const struct rb_meta *meta = tap->attachment.channel.shm.meta;

	/* ORDER(none, relaxed) - a state that stays once set. */
	return rb_word32_load_relaxed(&meta->control.stream) ==
	       RB_STREAM_ABORTED;
}

/* Reads once: a sequence, or an errno. */
static int64_t
look(struct ringbus_tap *tap, void *buffer, size_t buffer_size,
     size_t *ret_size)
{
	uint64_t size = 0;
	int64_t found = rb_tap_read(&tap->tap, buffer, buffer_size, &size);

	if (found >= 0 || found == -EMSGSIZE)
		*ret_size = size;
	if ((found == -EAGAIN || found == -EOWNERDEAD) && is_aborted(tap))
		return -ESHUTDOWN;
	return found == -EAGAIN && was_cancelled(tap) ? -ECANCELED : found;
}

int64_t
ringbus_tap_read(struct ringbus_tap *tap, void *buffer, size_t buffer_size,
		 size_t *ret_size, int64_t timeout_ns)
{
	struct rb_wait wait;
	int64_t found;

	if (tap->attachment.channel.shm.disinherited)
		return -ECHILD;
	if (was_cancelled(tap))
		return -ECANCELED;
	found = look(tap, buffer, buffer_size, ret_size);
	if (found != -EAGAIN || timeout_ns == RINGBUS_NOW)
		return found;
	rb_wait_begin(&wait, tap->attachment.wait, timeout_ns, NULL,
		      &tap->cancelled);
	do {
		int late = rb_wait_turn(&wait, NULL);

		found = look(tap, buffer, buffer_size, ret_size);
		if (found == -EAGAIN && late < 0)
			return late;
	} while (found == -EAGAIN);
	return found;
}

int64_t
ringbus_tap_lost(const struct ringbus_tap *tap)
{
	return tap->tap.lost;
}

void
ringbus_tap_cancel(struct ringbus_tap *tap)
{
	rb_alert(&tap->cancelled);
}

const struct ringbus_channel *
ringbus_tap_channel(const struct ringbus_tap *tap)
{
	return &tap->attachment.channel;
}
