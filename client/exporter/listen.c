/* SPDX-License-Identifier: MIT */
/*
 * listen.c - see listen.h
 */
#include "client/exporter/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 256
#define FIRST 3 /* of the descriptors that are handed on */

/* A decimal number in the environment, or -1. */
static long
number_in(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	n = strtol(text, &end, 10);
	return *end == '\0' && errno == 0 ? n : -1;
}

static bool
is_listening(int fd)
{
	int type = 0, listens = 0;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) ==
		       0 &&
	       listens != 0;
}

static bool
prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	       fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int
listen_inherited(int fds[LISTEN_MAX])
{
	long pid = number_in("LISTEN_PID"), n = number_in("LISTEN_FDS");

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (pid != getpid() || n <= 0)
		return 0;
	if (n > LISTEN_MAX) {
		fprintf(stderr,
			"ringbus-exporter: %ld sockets were handed on, at most "
			"%d can be used\n",
			n, LISTEN_MAX);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		fds[i] = FIRST + i;
		if (is_listening(fds[i]) && prepare(fds[i]))
			continue;
		fprintf(stderr,
			"ringbus-exporter: descriptor %d, which was handed on, "
			"is no listening stream socket: see ListenStream= and "
			"Accept=no in systemd.socket(5)\n",
			fds[i]);
		return -1;
	}
	return (int)n;
}

/* ------------------------------------------------------------------ our own */

/* Takes "[ADDRESS]:PORT" or "ADDRESS:PORT" apart, in place. */
static bool
split(char *text, char **address, char **port)
{
	char *colon = strrchr(text, ':');

	if (colon == NULL || colon[1] == '\0')
		return false;
	*colon = '\0';
	*port = colon + 1;
	*address = text;
	if (text[0] == '[') {
		if (colon == text || colon[-1] != ']')
			return false;
		colon[-1] = '\0';
		++*address;
	} else if (strchr(text, ':') != NULL) {
		return false;
	}
	return true;
}

static int
bind_and_listen(const struct addrinfo *at)
{
	int fd = socket(at->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1;

	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    bind(fd, at->ai_addr, at->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	if (fd >= 0) {
		int was = errno;

		close(fd);
		errno = was;
	}
	return -1;
}

static void
say_where(int fd)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);
	char host[NI_MAXHOST], port[NI_MAXSERV];
	bool is_long;

	if (getsockname(fd, (struct sockaddr *)&at, &size) < 0 ||
	    getnameinfo((struct sockaddr *)&at, size, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	is_long = strchr(host, ':') != NULL;
	fprintf(stderr, "ringbus-exporter: http://%s%s%s:%s/metrics\n",
		is_long ? "[" : "", host, is_long ? "]" : "", port);
}

int
listen_at(const char *text)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char copy[256], *address, *port;
	int fd = -1, r = EAI_NONAME;

	if (snprintf(copy, sizeof(copy), "%s", text) < (int)sizeof(copy) &&
	    split(copy, &address, &port))
		r = getaddrinfo(address[0] != '\0' ? address : NULL, port,
				&hints, &found);
	if (r != 0) {
		fprintf(stderr,
			"ringbus-exporter: cannot listen at %s: it is not "
			"ADDRESS:PORT, like 127.0.0.1:9464 or [::1]:9464\n",
			text);
		return -1;
	}
	fd = bind_and_listen(found);
	if (fd < 0)
		fprintf(stderr, "ringbus-exporter: cannot listen at %s: %s\n",
			text, strerror(errno));
	else
		say_where(fd);
	freeaddrinfo(found);
	return fd;
}
