/* SPDX-License-Identifier: MIT */
/*
 * attachment.c - what all handles have in common: they are let in by the
 * daemon, map the channel's segments in their role, and leave
 */
#include <errno.h>
#include <string.h>

#include "client/internal.h"

uint64_t
rb_thread_id(void)
{
	static _Thread_local uint64_t id;

	if (id == 0)
		id = (uint64_t)gettid();
	return id;
}

static void
enter_list(struct rb_attachment *attachment)
{
	struct ringbus *bus = attachment->bus;

	pthread_mutex_lock(&bus->lock);
	attachment->next = bus->attachments;
	bus->attachments = attachment;
	pthread_mutex_unlock(&bus->lock);
}

static void
leave_list(struct rb_attachment *attachment)
{
	struct ringbus *bus = attachment->bus;
	struct rb_attachment **at = &bus->attachments;

	pthread_mutex_lock(&bus->lock);
	while (*at != NULL && *at != attachment)
		at = &(*at)->next;
	if (*at != NULL)
		*at = attachment->next;
	pthread_mutex_unlock(&bus->lock);
}

static void
tell_leaving(struct rb_attachment *a)
{
	struct rb_control message;

	rb_bus_prepare(&message, RB_CONTROL_DETACH, a->name);
	message.role = a->role;
	message.index = a->index;
	message.epoch = a->epoch;
	/* A daemon that is gone cannot be told, and need not be. */
	rb_bus_request(a->bus, &message, NULL);
}

static int
ask(struct rb_attachment *a, const char *member, enum rb_join join, int *fds)
{
	struct rb_control message;
	int err;

	rb_bus_prepare(&message, RB_CONTROL_ATTACH, a->name);
	if (member != NULL)
		memcpy(message.name, member, strlen(member));
	message.role = a->role;
	message.join = join;
	err = rb_bus_request(a->bus, &message, fds);
	a->index = message.index;
	a->epoch = message.epoch;
	if (err < 0 && a->epoch != 0) /* it let us in, we cannot come */
		tell_leaving(a);
	return err;
}

/* The daemon decides where we are, but not outside our mapping. */
static bool
is_index_valid(const struct rb_attachment *a)
{
	if (a->role == RB_ROLE_PRODUCER)
		return a->index < RB_PRODUCERS_MAX;
	return a->role == RB_ROLE_TAP || a->index < RB_CONSUMERS_MAX;
}

int
rb_attachment_open(struct rb_attachment *a, struct ringbus *bus,
		   const char *channel, const char *member, enum rb_join join)
{
	int fds[RB_FILES] = { -1, -1, -1 };
	int err;

	bus->error[0] = '\0';
	if (!rb_name_is_valid(channel))
		return rb_bus_refuse_name(bus, channel);
	if (member != NULL && !rb_name_is_valid(member))
		return rb_bus_refuse_name(bus, member);
	a->bus = bus;
	memcpy(a->name, channel, strlen(channel) + 1);
	err = ask(a, member, join, fds);
	if (err < 0)
		return err;
	err = is_index_valid(a)
		      ? rb_channel_attach(&a->channel.shm, fds, a->role)
		      : -EPROTO;
	for (int i = 0; i < RB_FILES; i++)
		close(fds[i]);
	if (err < 0) {
		tell_leaving(a);
		return err;
	}
	enter_list(a);
	return 0;
}

void
rb_attachment_close(struct rb_attachment *attachment)
{
	leave_list(attachment);
	tell_leaving(attachment);
	rb_channel_detach(&attachment->channel.shm);
}

bool
rb_is_wait(int wait)
{
	return wait >= RINGBUS_WAIT_DEFAULT && wait <= RB_WAIT_KINDS;
}

enum rb_wait_kind
rb_attachment_wait(const struct rb_attachment *attachment, int wait)
{
	return wait == RINGBUS_WAIT_DEFAULT ? attachment->channel.shm.wait
					    : (enum rb_wait_kind)(wait - 1);
}
