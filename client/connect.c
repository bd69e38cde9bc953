/* SPDX-License-Identifier: MIT */
/*
 * connect.c - how a bus comes and goes
 *
 * What goes wrong before there is one is kept for the thread that wanted it.
 */
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/internal.h"

/* How long a daemon may take for an answer, where nobody says. */
#define PATIENCE_NS INT64_C(10000000000)

/* There is no bus to keep it in when a connect fails. */
static _Thread_local char refusal[PATH_MAX + RB_CONTROL_TEXT_SIZE];

void
rb_bus_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(refusal, sizeof(refusal), format, args);
	va_end(args);
}

struct ringbus *
rb_bus_new(void)
{
	struct ringbus *bus = calloc(1, sizeof(*bus));

	if (bus == NULL)
		return NULL;
	bus->fd = -1;
	bus->pid = getpid();
	pthread_mutex_init(&bus->lock, NULL);
	rb_fork_enter(bus);
	rb_sigbus_install();
	return bus;
}

int
ringbus_connect_within(const char *socket, int64_t timeout_ns,
		       struct ringbus **ret)
{
	struct ringbus *bus;
	int err, cancel;

	if (timeout_ns <= 0) {
		rb_bus_fail("no time to wait for an answer");
		return -EINVAL;
	}
	bus = rb_bus_new();
	if (bus == NULL)
		return -ENOMEM;
	bus->place.patience_ns = timeout_ns;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	bus->fd = rb_locate_daemon(socket, &bus->place);
	err = bus->fd < 0 ? bus->fd : rb_bus_greet(bus);
	pthread_setcancelstate(cancel, NULL);
	if (err < 0) {
		rb_bus_fail("%s%s%s", bus->place.socket,
			    bus->error[0] != '\0' ? ": " : "", bus->error);
		ringbus_close(bus);
		return err;
	}
	*ret = bus;
	return 0;
}

int
ringbus_connect(const char *socket, struct ringbus **ret)
{
	return ringbus_connect_within(socket, PATIENCE_NS, ret);
}

static void
close_handle(struct rb_attachment *attachment)
{
	if (attachment->role == RB_ROLE_PRODUCER)
		ringbus_producer_close(rb_producer_of(attachment));
	else if (attachment->role == RB_ROLE_CONSUMER || attachment->is_replay)
		ringbus_consumer_close(rb_consumer_of(attachment));
	else
		ringbus_tap_close(rb_tap_of(attachment));
}

void
ringbus_close(struct ringbus *bus)
{
	if (bus == NULL)
		return;
	while (bus->attachments != NULL)
		close_handle(bus->attachments);
	rb_fork_leave(bus);
	rb_closep(&bus->fd);
	rb_folder_close(bus);
	pthread_mutex_destroy(&bus->lock);
	free(bus);
}

const char *
ringbus_error(const struct ringbus *bus)
{
	return bus != NULL ? bus->error : refusal;
}

const char *
ringbus_socket(const struct ringbus *bus)
{
	return bus->folder != NULL ? bus->folder : bus->place.socket;
}
