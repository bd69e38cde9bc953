/* SPDX-License-Identifier: MIT */
/*
 * internal.h - the structs behind the opaque types of ringbus.h
 *
 * Every handle begins with its attachment: the mapped channel and what the
 * daemon knows us by. A bus keeps a list of them, to close what the caller left
 * open, and so that a producer can find out whether the consumer it waits for
 * is in its own thread's hands.
 */
#ifndef RB_CLIENT_INTERNAL_H
#define RB_CLIENT_INTERNAL_H

#include <pthread.h>

#include "client/ringbus.h"
#include "shm/barrier.h"
#include "shm/channel.h"
#include "shm/control.h"
#include "shm/member.h"
#include "shm/sequencer.h"
#include "shm/tap.h"

#define RB_SOCKET_SIZE 108

struct ringbus {
	int fd;
	pid_t pid; /* whose connection it is: not a forked child's */
	char socket[RB_SOCKET_SIZE];
	char error[RB_CONTROL_TEXT_SIZE];
	pthread_mutex_t lock; /* of the list */
	struct rb_attachment *attachments;
};

struct ringbus_channel {
	struct rb_channel shm;
};

struct rb_attachment {
	struct ringbus *bus;
	struct rb_attachment *next;
	struct ringbus_channel channel;
	char name[RB_NAME_SIZE]; /* of the channel */
	enum rb_role role;
	uint32_t index;
	uint32_t epoch;
};

struct ringbus_producer {
	struct rb_attachment attachment; /* first */
	struct rb_sequencer sequencer;
};

struct ringbus_consumer {
	struct rb_attachment attachment; /* first */
	struct rb_barrier barrier;
	int64_t next;            /* to hand out */
	struct rb_word64 thread; /* that waited last; see rb_thread_id() */
};

struct ringbus_tap {
	struct rb_attachment attachment; /* first */
	struct rb_tap tap;
	enum rb_wait_kind wait;
	struct rb_word32 cancelled;
};

/*
 * Sends a request and receives its answer in place. `fds`, if given, takes the
 * RB_FILES descriptors that come with it. Returns the answer's result.
 */
int rb_bus_request(struct ringbus *bus, struct rb_control *message, int *fds);

/*
 * Connects to the daemon at `path`, or where NULL says to look. Returns a
 * descriptor or a negative errno; `socket` (RB_SOCKET_SIZE bytes) names the
 * place, on failure the last one tried.
 */
int rb_locate_daemon(const char *path, char *socket);

/* -EINVAL, and ringbus_error() says why. */
int rb_bus_refuse_name(struct ringbus *bus, const char *name);

/* A request of this type about this channel; -EINVAL for no valid name. */
int rb_bus_prepare(struct rb_control *message, enum rb_control_type type,
		   const char *channel);

/*
 * Attaches to a channel in the role of the zeroed attachment and enters it into
 * the bus's list. `member` may be NULL.
 */
int rb_attachment_open(struct rb_attachment *attachment, struct ringbus *bus,
		       const char *channel, const char *member,
		       enum rb_join join);

/* Leaves: tells the daemon, unmaps, and takes it off the list. */
void rb_attachment_close(struct rb_attachment *attachment);

/* Whether this is a RINGBUS_WAIT_..., and what it means on this channel. */
bool rb_is_wait(int wait);
enum rb_wait_kind rb_attachment_wait(const struct rb_attachment *attachment,
				     int wait);

/* Whether the bus has a consumer open on this channel. */
bool rb_has_consumer(struct ringbus *bus, const struct rb_channel *channel);

/* Differs for each living thread, and is not 0. */
uint64_t rb_thread_id(void);

/* Fills *ret with consumer `index`; 1 or 0 as ringbus_channel_member(). */
int rb_describe_consumer(const struct rb_channel *channel, unsigned index,
			 struct ringbus_member *ret);

#endif
