/* SPDX-License-Identifier: MIT */
/*
 * bus.c - the connection to the daemon, and what can be asked over it
 *
 * One request, one answer, in turn; see shm/control.h. The socket has a time
 * limit, so that a daemon that is stopped does not stop us.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "client/internal.h"

#define PATIENCE_S 10
#define SYSTEM_SOCKET "/run/ringbus/control.sock"

static int
connect_to(const char *path)
{
	rb_cleanup_(rb_closep) int fd = -1;
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (path[0] == '\0')
		return -ENOENT;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		       sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return rb_take_fd(&fd);
	if (errno == EPROTOTYPE)
		return -EPROTO;
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

/* Tries one place of several; on success the path is kept. */
static int
try_path(struct ringbus *bus, const char *path)
{
	int fd = connect_to(path);

	/* Also of the last failure: the message names it. */
	snprintf(bus->socket, sizeof(bus->socket), "%s", path);
	return fd;
}

/* Where a daemon of this user would listen; see ringbusd(8). */
static int
try_own_daemon(struct ringbus *bus)
{
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	char path[4096];
	int fd = -ENOENT;

	if (runtime != NULL) {
		snprintf(path, sizeof(path), "%s/ringbus/control.sock",
			 runtime);
		fd = try_path(bus, path);
	}
	if (fd < 0) {
		snprintf(path, sizeof(path), "/dev/shm/ringbus-%u/control.sock",
			 (unsigned)geteuid());
		fd = try_path(bus, path);
	}
	return fd;
}

static int
find_daemon(struct ringbus *bus, const char *path)
{
	int fd = -ENOENT;

	if (path == NULL)
		path = secure_getenv("RINGBUS_SOCKET");
	if (path != NULL)
		return try_path(bus, path);
	if (geteuid() != 0)
		fd = try_own_daemon(bus);
	return fd >= 0 ? fd : try_path(bus, SYSTEM_SOCKET);
}

static int
send_request(const struct ringbus *bus, const struct rb_control *message)
{
	ssize_t n;

	do
		n = send(bus->fd, message, sizeof(*message), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	if (errno == EAGAIN)
		return -ETIMEDOUT;
	return errno == EPIPE ? -ECONNRESET : -errno;
}

/* Room for all that the kernel may put there. */
struct rights {
	alignas(struct cmsghdr) char bytes[CMSG_SPACE(RB_FILES * sizeof(int))];
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
	if (wanted && n == RB_FILES && (header->msg_flags & MSG_CTRUNC) == 0) {
		memcpy(fds, came, sizeof(int) * RB_FILES);
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
	return message->result > 0 ? -EPROTO : 0;
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
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (n == 0)
		return -ECONNRESET;
	err = check_answer(message, n, type);
	message->text[sizeof(message->text) - 1] = '\0';
	if (fds == NULL)
		return err;
	no_fds = take_fds(&header, err == 0 && message->result == 0, fds);
	return err == 0 && message->result == 0 ? no_fds : err;
}

int
rb_bus_request(struct ringbus *bus, struct rb_control *message, int *fds)
{
	int err = send_request(bus, message);

	bus->error[0] = '\0';
	if (err == 0)
		err = receive_answer(bus, message, fds);
	if (err == -ETIMEDOUT)
		/* A late answer would pass for that of the next request. */
		shutdown(bus->fd, SHUT_RDWR);
	if (err < 0)
		return err;
	if (message->result < 0)
		memcpy(bus->error, message->text, sizeof(bus->error));
	return message->result;
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

static int
greet(struct ringbus *bus)
{
	struct rb_control message;

	rb_bus_prepare(&message, RB_CONTROL_HELLO, NULL);
	message.layout_hash = rb_layout_hash();
	return rb_bus_request(bus, &message, NULL);
}

int
ringbus_connect(const char *socket, struct ringbus **ret)
{
	struct ringbus *bus = calloc(1, sizeof(*bus));
	int err;

	if (bus == NULL)
		return -ENOMEM;
	pthread_mutex_init(&bus->lock, NULL);
	bus->fd = find_daemon(bus, socket);
	err = bus->fd < 0 ? bus->fd : greet(bus);
	if (err < 0) {
		ringbus_close(bus);
		return err;
	}
	*ret = bus;
	return 0;
}

static void
close_handle(struct rb_attachment *attachment)
{
	void *handle = attachment; /* which is first in each */

	if (attachment->role == RB_ROLE_PRODUCER)
		ringbus_producer_close(handle);
	else if (attachment->role == RB_ROLE_CONSUMER)
		ringbus_consumer_close(handle);
	else
		ringbus_tap_close(handle);
}

void
ringbus_close(struct ringbus *bus)
{
	if (bus == NULL)
		return;
	while (bus->attachments != NULL)
		close_handle(bus->attachments);
	if (bus->fd >= 0)
		close(bus->fd);
	pthread_mutex_destroy(&bus->lock);
	free(bus);
}

const char *
ringbus_error(const struct ringbus *bus)
{
	return bus->error;
}

const char *
ringbus_socket(const struct ringbus *bus)
{
	return bus->socket;
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
ringbus_create(struct ringbus *bus, const char *channel,
	       const struct ringbus_channel_options *options)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct rb_control message;

	if (options != NULL && options->size != sizeof(o))
		return -EINVAL;
	if (options != NULL)
		o = *options;
	if (rb_bus_prepare(&message, RB_CONTROL_CREATE, channel) < 0 ||
	    o.wait < 0 || o.wait > RB_WAIT_KINDS)
		return -EINVAL;
	message.slots = o.slots;
	message.slot_size = o.slot_size;
	message.history = o.history;
	message.framing = (uint32_t)o.framing;
	message.producers = (uint32_t)o.producers;
	message.wait = o.wait == RINGBUS_WAIT_DEFAULT ? RB_WAIT_BLOCKING
						      : (uint32_t)o.wait - 1;
	return rb_bus_request(bus, &message, NULL);
}

static int
request_about(struct ringbus *bus, enum rb_control_type type,
	      const char *channel)
{
	struct rb_control message;

	if (rb_bus_prepare(&message, type, channel) < 0)
		return -EINVAL;
	return rb_bus_request(bus, &message, NULL);
}

int
ringbus_remove(struct ringbus *bus, const char *channel)
{
	return request_about(bus, RB_CONTROL_REMOVE, channel);
}

int
ringbus_end(struct ringbus *bus, const char *channel)
{
	return request_about(bus, RB_CONTROL_CLOSE, channel);
}
