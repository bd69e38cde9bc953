/* SPDX-License-Identifier: MIT */
/*
 * inherit.c - see inherit.h
 */
#include "daemon/inherit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "daemon/log.h"

static int
take_socket(int fd, int *socket)
{
	if (*socket < 0 &&
	    sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, NULL, 0) > 0) {
		*socket = fd;
		return 0;
	}
	rb_log_error("beside what was stored, the service manager has to hand "
		     "over exactly one listening Unix socket of "
		     "ListenSequentialPacket=");
	return -EINVAL;
}

int
rb_inherit(struct rb_store *store, int *ret_socket)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	int socket = -1;
	int err = 0;

	if (n < 0) {
		rb_log_error("cannot take what the service manager hands over: "
			     "%s; see to $LISTEN_PID and $LISTEN_FDS",
			     strerror(-n));
		return n;
	}

	for (int i = 0; i < n && err == 0; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		err = rb_store_take(store, names[i], fd);
		if (err == 0)
			err = take_socket(fd, &socket);
		else if (err > 0)
			err = 0;
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (err == 0)
		*ret_socket = socket;
	else if (err == -ENOMEM)
		rb_log_error("out of memory");
	return err;
}
