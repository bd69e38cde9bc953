/* SPDX-License-Identifier: MIT */
/*
 * bus.c - the connection to the daemon, and what can be asked over it
 *
 * One request, one answer, in turn; see shm/control.h.
 *
 * The daemon may die and be started again. What we are in the channels is in
 * shared memory, so there is nothing to tell the next one: the request that
 * finds the connection cut makes a new one, and asks there. Whether one that was
 * cut in the middle was done is not known, but if it was never read: only then, or
 * if that does no harm, it is asked again. What a lost answer let in, the next
 * daemon takes back (presence.h).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "client/internal.h"

/* How long a request waits for the daemon to come back: as a service manager
 * takes to start it again. */
#define RECONNECT_PATIENCE_NS INT64_C(2000000000)
#define RECONNECT_NAP_NS INT64_C(5000000)

/* As far as the kernel's go. */
#define ERRNO_MAX 4095

/* Of a call on the connection; -EPIPE if the request has not been read, and never will
 * be: unix(7) sockets that are closed with something unread in them end so. */
static int
failure(void)
{
	if (errno == EAGAIN)
		return -ETIMEDOUT;
	return errno == ECONNRESET ? -EPIPE : -errno;
}

static int
send_request(const struct ringbus *bus, const struct rb_control *message)
{
	ssize_t n;

	do
		n = send(bus->fd, message, sizeof(*message), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? failure() : 0;
}

/* Room for one more than there should be, to notice it. */
struct rights {
	alignas(struct cmsghdr) char bytes[CMSG_SPACE((RB_FDS + 1) *
						      sizeof(int))];
};

#define RIGHTS_MAX                                                             \
	((sizeof(struct rights) - sizeof(struct cmsghdr)) / sizeof(int))

/* Takes the descriptors out of an answer, all that came if they were wanted;
 * else closes them. */
static int
take_fds(struct msghdr *header, bool wanted, int *fds)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	int came[RIGHTS_MAX];
	size_t n = 0;

	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS) {
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(came, CMSG_DATA(c), n * sizeof(int));
	}
	if (wanted && n == RB_FDS && (header->msg_flags & MSG_CTRUNC) == 0) {
		memcpy(fds, came, sizeof(int) * RB_FDS);
		return 0;
	}
	while (n > 0)
		close(came[--n]);
	return (header->msg_flags & MSG_CTRUNC) != 0 ? -EMFILE : -EPROTO;
}

/* What is wrong with an answer of n bytes: 0, or a negative errno. */
static int
check_answer(const struct rb_control *message, ssize_t n, uint32_t type)
{
	if (n != sizeof(*message) || message->type != type)
		return -EPROTO;
	if (message->version != RB_CONTROL_VERSION)
		return -EPROTONOSUPPORT;
	return message->result > 0 || message->result < -ERRNO_MAX ? -EPROTO
								   : 0;
}

static int
receive_answer(const struct ringbus *bus, struct rb_control *message, int *fds)
{
	struct rights rights;
	struct iovec part = { message, sizeof(*message) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	uint32_t type = message->type;
	ssize_t n;
	int err, no_fds;

	if (fds != NULL) {
		header.msg_control = &rights;
		header.msg_controllen = sizeof(rights);
	}
	do
		n = recvmsg(bus->fd, &header, MSG_CMSG_CLOEXEC | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return failure();
	/* Even an empty message may bring descriptors. */
	err = n == 0 ? -ECONNRESET : check_answer(message, n, type);
	message->text[sizeof(message->text) - 1] = '\0';
	if (fds == NULL)
		return err;
	no_fds = take_fds(&header, err == 0 && message->result == 0, fds);
	return err == 0 && message->result == 0 ? no_fds : err;
}

/* One request and its answer, over the connection as it is. */
static int
exchange(struct ringbus *bus, struct rb_control *message, int *fds)
{
	int err = send_request(bus, message);

	if (err == 0)
		err = receive_answer(bus, message, fds);
	bus->is_unread = err == -EPIPE;
	if (bus->is_unread)
		err = -ECONNRESET;
	bus->is_silent = err == -ETIMEDOUT;
	if (bus->is_silent)
		/* A late answer would pass for that of the next request. */
		shutdown(bus->fd, SHUT_RDWR);
	if (err < 0)
		return err;
	if (message->result < 0)
		memcpy(bus->error, message->text, sizeof(bus->error));
	return message->result;
}

int
rb_bus_greet(struct ringbus *bus)
{
	struct rb_control message;

	rb_bus_prepare(&message, RB_CONTROL_HELLO, NULL);
	message.layout_hash = rb_layout_hash();
	return exchange(bus, &message, NULL);
}

/* ------------------------------------------------- after the daemon's death */

/* Nothing comes unasked, so there is only an end to be read. */
static bool
is_cut(const struct ringbus *bus)
{
	char byte;

	return recv(bus->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
	       (errno != EAGAIN && errno != EINTR);
}

/* Goes on with what was said before, on this very connection. */
static bool
carries_on(const struct rb_control *message)
{
	return message->type == RB_CONTROL_CREATE ||
	       (message->type == RB_CONTROL_PLAN &&
		(message->flags & RB_CONTROL_RESET) == 0);
}

/* May be said twice; what was cut may have been done, or not. Not what goes by
 * the name of a channel alone, which the next daemon may have made anew. */
static bool
is_repeatable(const struct rb_control *message)
{
	return message->type == RB_CONTROL_ATTACH ||
	       message->type == RB_CONTROL_DETACH ||
	       message->type == RB_CONTROL_LIST ||
	       message->type == RB_CONTROL_EVENTS ||
	       message->type == RB_CONTROL_STATUS ||
	       message->type == RB_CONTROL_SETTING ||
	       message->type == RB_CONTROL_PING ||
	       (message->type == RB_CONTROL_PLAN && !carries_on(message));
}

static bool
may_be_asked_again(const struct ringbus *bus, const struct rb_control *asked,
		   int err)
{
	return err == -ECONNRESET && (bus->is_unread || is_repeatable(asked));
}

/* Who leaves has said so in shared memory and waits for nobody. */
static int64_t
patience_of(const struct rb_control *message)
{
	return message->type == RB_CONTROL_DETACH ? 0 : RECONNECT_PATIENCE_NS;
}

/* 0, or why the daemon that is in the same place now, if any, is of no use. */
static int
connect_again(struct ringbus *bus)
{
	int fd = rb_locate_again(&bus->place);

	if (fd < 0)
		return fd;
	close(bus->fd);
	bus->fd = fd;
	return rb_bus_greet(bus);
}

/* Not there, or not yet, or no more. */
static bool
is_gone(int err)
{
	return err == -ECONNREFUSED || err == -ENOENT || err == -ECONNRESET;
}

static int
give_up(struct ringbus *bus, int err)
{
	if (!is_gone(err))
		return err;
	rb_bus_refuse(bus, "%s: no ringbusd is there any more: %s",
		      bus->place.socket, strerror(-err));
	return -ECONNRESET;
}

/* Asks the next daemon, and if that dies as well the one after it. */
static int
ask_again(struct ringbus *bus, const struct rb_control *asked,
	  struct rb_control *message, int *fds)
{
	const struct timespec nap = { .tv_nsec = RECONNECT_NAP_NS };
	int64_t until_ns = rb_clock_ns() + patience_of(asked);
	int err;

	for (;;) {
		err = connect_again(bus);
		if (err == 0) {
			*message = *asked;
			err = exchange(bus, message, fds);
			if (!may_be_asked_again(bus, asked, err))
				return err;
		}
		if (!is_gone(err) || rb_clock_ns() >= until_ns)
			return give_up(bus, err);
		nanosleep(&nap, NULL);
	}
}

/* Of a daemon that is stopped: when it goes on, the end of a connection makes it
 * look who of us has left. */
static int
knock(const struct ringbus *bus)
{
	rb_cleanup_(rb_closep) int fd = rb_locate_again(&bus->place);

	return fd < 0 ? fd : -ETIMEDOUT;
}

static int
request(struct ringbus *bus, struct rb_control *message, int *fds)
{
	const struct rb_control asked = *message;
	bool here = bus->stays || carries_on(&asked);
	int err = -ECONNRESET;

	if (bus->is_silent && asked.type == RB_CONTROL_DETACH)
		return knock(bus);
	if (!is_cut(bus)) {
		err = exchange(bus, message, fds);
		if (here || !may_be_asked_again(bus, &asked, err))
			return err;
	} else if (here) {
		return err;
	}
	return ask_again(bus, &asked, message, fds);
}

static int
refuse_folder(struct ringbus *bus)
{
	rb_bus_refuse(bus,
		      "%s is looked at without a daemon: this needs ringbusd",
		      bus->folder);
	return -ENOTCONN;
}

/* A thread that is cancelled in between would leave an answer to the next. */
int
rb_bus_request(struct ringbus *bus, struct rb_control *message, int *fds)
{
	int err, cancel;

	bus->error[0] = '\0';
	if (bus->pid != getpid()) /* the daemon would take us for our parent */
		return -ECHILD;
	if (bus->folder != NULL)
		return refuse_folder(bus);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	err = request(bus, message, fds);
	pthread_setcancelstate(cancel, NULL);
	if (err == -ECONNRESET && bus->error[0] == '\0')
		rb_bus_refuse(bus,
			      "%s: ringbusd went away before it answered: see "
			      "what it has done, and ask again",
			      bus->place.socket);
	return err;
}

int
rb_bus_prepare(struct rb_control *message, enum rb_control_type type,
	       const char *channel)
{
	*message = (struct rb_control){ .version = RB_CONTROL_VERSION,
					.type = type };
	if (channel == NULL)
		return 0;
	if (!rb_name_is_valid(channel))
		return -EINVAL;
	memcpy(message->channel, channel, strlen(channel));
	return 0;
}

int
rb_bus_refuse(struct ringbus *bus, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(bus->error, sizeof(bus->error), format, args);
	va_end(args);
	return -EINVAL;
}

int
rb_bus_refuse_name(struct ringbus *bus, const char *name)
{
	if (name == NULL)
		return rb_bus_refuse(bus, "a name is missing: it is NULL");
	return rb_bus_refuse(bus,
			     "'%.64s' is no name: 1 to 63 of A-Z a-z 0-9 . _ - "
			     "and neither a dot nor a dash in front",
			     name);
}

int
rb_bus_set_type(struct ringbus *bus, struct rb_control *message,
		const char *type, unsigned version)
{
	if (type == NULL && version != 0)
		return rb_bus_refuse(bus, "type_version %u needs a type",
				     version);
	if (type == NULL)
		return 0;
	if (!rb_name_is_valid(type))
		return rb_bus_refuse_name(bus, type);
	memcpy(message->type_name, type, strlen(type));
	message->type_version = version;
	return 0;
}

int64_t
ringbus_ping(struct ringbus *bus)
{
	struct rb_control message;
	int err;

	rb_bus_prepare(&message, RB_CONTROL_PING, NULL);
	err = rb_bus_request(bus, &message, NULL);
	return err < 0 ? err : (int64_t)message.pid;
}

int
ringbus_list(struct ringbus *bus, unsigned index, char *name)
{
	struct rb_control message;
	int err;

	if (bus->folder != NULL)
		return rb_folder_list(bus, index, name);
	rb_bus_prepare(&message, RB_CONTROL_LIST, NULL);
	message.index = index;
	err = rb_bus_request(bus, &message, NULL);
	if (err < 0)
		return err;
	memcpy(name, message.channel, RINGBUS_NAME_SIZE);
	name[RINGBUS_NAME_SIZE - 1] = '\0';
	return 0;
}

int
rb_bus_request_about(struct ringbus *bus, enum rb_control_type type,
		     uint32_t flags, const char *channel)
{
	struct rb_control message;

	if (rb_bus_prepare(&message, type, channel) < 0)
		return rb_bus_refuse_name(bus, channel);
	message.flags = flags;
	return rb_bus_request(bus, &message, NULL);
}

int
ringbus_remove(struct ringbus *bus, const char *channel)
{
	return rb_bus_request_about(bus, RB_CONTROL_REMOVE, 0, channel);
}

int
ringbus_end(struct ringbus *bus, const char *channel)
{
	return rb_bus_request_about(bus, RB_CONTROL_CLOSE, 0, channel);
}

int64_t
ringbus_mend(struct ringbus *bus, const char *channel)
{
	struct rb_control message;
	int err;

	if (rb_bus_prepare(&message, RB_CONTROL_MEND, channel) < 0)
		return rb_bus_refuse_name(bus, channel);
	err = rb_bus_request(bus, &message, NULL);
	return err < 0 ? err : message.missed;
}

int
ringbus_abort(struct ringbus *bus, const char *channel)
{
	return rb_bus_request_about(bus, RB_CONTROL_CLOSE, RB_CONTROL_ABORT,
				    channel);
}
