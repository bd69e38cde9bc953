/* SPDX-License-Identifier: MIT */
/*
 * inherit.c - see inherit.h
 */
#include "daemon/inherit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <systemd/sd-daemon.h>

#include "daemon/log.h"

#define CONTROL "control"

/* What is not the store's. */
struct given {
	int socket;
	char name[64];
};

/* In the words of systemd.socket(5) where there is one. */
static const char *
describe_socket(int fd)
{
	if (sd_is_socket_unix(fd, SOCK_SEQPACKET, 0, NULL, 0) > 0)
		return "a socket that does not listen";
	if (sd_is_socket_unix(fd, SOCK_STREAM, -1, NULL, 0) > 0)
		return "a stream socket (ListenStream=)";
	if (sd_is_socket_unix(fd, SOCK_DGRAM, -1, NULL, 0) > 0)
		return "a datagram socket (ListenDatagram=)";
	return "a socket that is no Unix socket";
}

static const char *
describe(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return "not open";
	if (S_ISSOCK(st.st_mode))
		return describe_socket(fd);
	return S_ISFIFO(st.st_mode) ? "a FIFO" : "no socket";
}

static int
refuse(const char *name, int fd)
{
	rb_log_error(
		"the service manager hands over \"%s\", which is %s: "
		"ringbusd listens on a ListenSequentialPacket= with a path",
		name, describe(fd));
	return -EINVAL;
}

/* One that is named so, or the only one whatever its name. */
static int
take_socket(struct given *given, const char *name, int fd)
{
	if (given->socket < 0 &&
	    sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, NULL, 0) > 0) {
		given->socket = fd;
		snprintf(given->name, sizeof(given->name), "%s", name);
		return 0;
	}
	if (given->socket < 0)
		return refuse(name, fd);
	rb_log_error("the service manager hands over \"%s\" beside \"%s\": "
		     "beside what was stored ringbusd takes one socket, "
		     "FileDescriptorName=" CONTROL
		     "; take the other one out of "
		     "Sockets=",
		     name, given->name);
	return -EINVAL;
}

static int
take(struct rb_store *store, struct given *given, const char *name, int fd)
{
	int r = rb_store_take(store, name, fd);

	if (r == 0)
		return take_socket(given, name, fd);
	return r < 0 ? r : 0;
}

static void
find_path(int fd, char path[RB_CONFIG_PATH_SIZE])
{
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(address);

	if (fd >= 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0)
		snprintf(path, RB_CONFIG_PATH_SIZE, "%.107s", address.sun_path);
}

int
rb_inherit(struct rb_store *store, int *ret_socket,
	   char path[RB_CONFIG_PATH_SIZE])
{
	struct given given = { .socket = -1 };
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	int err = 0;

	if (n < 0) {
		rb_log_error("cannot take what the service manager hands over: "
			     "%s; see to $LISTEN_PID and $LISTEN_FDS",
			     strerror(-n));
		return n;
	}
	for (int i = 0; i < n && err == 0; i++)
		err = take(store, &given, names[i], SD_LISTEN_FDS_START + i);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (err == 0) {
		find_path(given.socket, path);
		*ret_socket = given.socket;
	} else if (err == -ENOMEM)
		rb_log_error("out of memory");
	return err;
}
