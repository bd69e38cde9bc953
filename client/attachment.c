/* SPDX-License-Identifier: MIT */
/*
 * attachment.c - what all handles have in common: they are let in by the
 * daemon, map the channel's segments in their role, and leave
 */
#include <errno.h>
#include <string.h>

#include "client/internal.h"
#include "shm/presence.h"

/* The daemon gives up whom it has let in, and who has not come yet, if it dies in
 * between, or if another connection of this process ends just then. */
#define ARRIVE_TRIES 4

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
tell_leaving(struct rb_attachment *a, uint32_t flags)
{
	struct rb_control message;

	rb_bus_prepare(&message, RB_CONTROL_DETACH, a->name);
	message.role = a->role;
	message.index = a->index;
	message.epoch = a->epoch;
	message.generation = a->generation;
	message.flags = flags;
	/* A daemon that is gone cannot be told, and need not be. */
	rb_bus_request(a->bus, &message, NULL);
}

static int
write_request(struct rb_attachment *a, const char *channel,
	      const struct rb_attach *request, struct rb_control *ret)
{
	struct ringbus *bus = a->bus;

	if (!rb_is_wait(request->wait))
		return rb_bus_refuse(bus, "wait is none of RINGBUS_WAIT_...");
	if (rb_bus_prepare(ret, RB_CONTROL_ATTACH, channel) < 0)
		return rb_bus_refuse_name(bus, channel);
	memcpy(a->name, ret->channel, sizeof(a->name));
	ret->role = a->role;
	ret->from = request->from;
	if (request->member != NULL && !rb_name_is_valid(request->member))
		return rb_bus_refuse_name(bus, request->member);
	if (request->member != NULL)
		memcpy(ret->name, request->member, strlen(request->member));
	if (request->after != NULL &&
	    strlen(request->after) >= sizeof(ret->text))
		return rb_bus_refuse(bus, "after has too many names");
	if (request->after != NULL)
		memcpy(ret->text, request->after, strlen(request->after));
	if (request->spec != NULL)
		rb_spec_to_message(request->spec, ret);
	ret->is_slow_set = request->is_slow_set;
	return rb_bus_set_type(bus, ret, request->type, request->type_version);
}

static int
ask(struct rb_attachment *a, struct rb_control *message, int *fds)
{
	int err = rb_bus_request(a->bus, message, fds);

	a->index = message->index;
	a->epoch = message->epoch;
	a->generation = message->generation;
	a->missed = message->missed;
	if (err < 0 && a->epoch != 0) /* it let us in, we cannot come */
		tell_leaving(a, 0);
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

/* Maps the channel, and takes over the bell of who wakes others. */
static int
map_channel(struct rb_attachment *a, int *fds)
{
	struct rb_channel *c = &a->channel.shm;
	int err = is_index_valid(a) ? rb_channel_attach(c, fds, a->role)
				    : -EPROTO;

	if (err == 0 && (a->role != RB_ROLE_TAP || a->is_replay))
		c->bell = rb_take_fd(&fds[RB_FD_BELL]);
	for (int i = 0; i < RB_FDS; i++)
		rb_closep(&fds[i]);
	return err;
}

/* More would keep those waiting who wait for us already. */
#define PREFAULT_MAX (UINT64_C(256) << 20)

/* No page is to be faulted in while events flow. Where that fails, they are. */
static void
prefault(struct rb_attachment *a)
{
	struct rb_channel *c = &a->channel.shm;

	for (int i = 0; i < RB_FILES && a->role != RB_ROLE_TAP; i++)
		if (c->segments[i].size <= PREFAULT_MAX)
			rb_segment_populate(&c->segments[i],
					    rb_role_writes(a->role, i,
							   c->clear));
}

/* False if we were given up on the way. */
static bool
arrive(struct rb_attachment *a)
{
	return a->role == RB_ROLE_TAP ||
	       rb_presence_arrive(&a->channel.shm, a->role, a->index, a->epoch);
}

void
rb_attachment_leave(struct rb_attachment *a, bool forget)
{
	if (a->role != RB_ROLE_TAP)
		rb_presence_leave(&a->channel.shm, a->role, a->index, a->epoch,
				  forget);
	if (a->bus->folder == NULL)
		tell_leaving(a, forget ? RB_CONTROL_FORGET : 0);
	rb_closep(&a->channel.shm.bell);
	rb_channel_detach(&a->channel.shm);
}

/* 0; 1 if we have to ask once more (an errno could be one of mmap()); or an
 * errno. */
static int
come_in(struct rb_attachment *a, struct rb_control *message)
{
	int fds[RB_FDS] = { -1, -1, -1, -1 };
	int err = ask(a, message, fds);

	if (err < 0)
		return err;
	err = map_channel(a, fds);
	if (err < 0) {
		tell_leaving(a, 0);
		return err;
	}
	if (arrive(a)) {
		prefault(a);
		return 0;
	}
	rb_attachment_leave(a, false);
	return 1;
}

static int
be_let_in(struct rb_attachment *a, const struct rb_control *wish)
{
	struct rb_control message;
	int err = 1;

	for (int i = 0; err == 1 && i < ARRIVE_TRIES; i++) {
		message = *wish;
		err = come_in(a, &message);
	}
	return err == 1 ? -ECONNRESET : err;
}

int
rb_attachment_enter(struct rb_attachment *a, struct ringbus *bus,
		    const char *channel, const struct rb_attach *request)
{
	struct rb_control wish;
	int err;

	bus->error[0] = '\0';
	a->bus = bus;
	err = write_request(a, channel, request, &wish);
	if (err < 0)
		return err;
	err = bus->folder != NULL && a->role == RB_ROLE_TAP
		      ? rb_folder_attach(a, request)
		      : be_let_in(a, &wish);
	if (err < 0)
		return err;
	a->wait = request->wait == RINGBUS_WAIT_DEFAULT
			  ? a->channel.shm.wait
			  : (enum rb_wait_kind)(request->wait - 1);
	return 0;
}

int
rb_attachment_open(struct rb_attachment *a, struct ringbus *bus,
		   const char *channel, const struct rb_attach *request)
{
	int err = rb_attachment_enter(a, bus, channel, request);

	if (err == 0)
		enter_list(a);
	return err;
}

void
rb_attachment_close(struct rb_attachment *attachment, bool forget)
{
	leave_list(attachment);
	rb_attachment_leave(attachment, forget);
}
