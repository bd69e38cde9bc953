/* SPDX-License-Identifier: MIT */
/*
 * server.c - see server.h
 */
#include "daemon/server.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "shm/wait.h"

/* Connections beyond max_clients that are still told so. */
#define RESERVE 64

/* Connections of one user: so many at least, and beyond the limit. */
#define USER_MIN 8
#define USER_RESERVE 8

#define PAUSE_NS INT64_C(100000000)

/* From one complaint about descriptors to the next. */
#define QUIET_NS (60 * INT64_C(1000000000))

bool
rb_server_is_short(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS ||
	       err == -ENOMEM;
}

/* Clients can have it come and go many times a second. */
static void
complain(struct rb_server *server, int err)
{
	int64_t now_ns = rb_clock_ns();

	if (server->complained_ns != 0 &&
	    now_ns - server->complained_ns < QUIET_NS)
		return;
	server->complained_ns = now_ns;
	rb_log_error("cannot take connections: %s; raise the limit "
		     "(LimitNOFILE=), or have fewer clients",
		     strerror(-err));
}

static void
take_break(struct rb_server *server, int err)
{
	complain(server, err);
	rb_watch_timer(server->pause, PAUSE_NS);
}

/* 0, or why no further one can be served now. */
static int
serve(struct rb_server *server, int fd)
{
	struct rb_peer *peer;
	int err;

	if (server->n_peers >= server->max_clients + RESERVE) {
		rb_closep(&fd);
		return 0;
	}
	err = rb_peer_new(server, fd, &peer);
	if (rb_server_is_short(err)) {
		server->held = fd;
		return err;
	}
	if (err < 0)
		rb_closep(&fd);
	return 0;
}

static void
on_accept(void *context, int result)
{
	struct rb_server *server = context;

	if (result >= 0)
		result = serve(server, result);
	if (result < 0 && result != -ECONNABORTED && result != -EINTR)
		take_break(server, result);
	else
		rb_watch_accept(server->accept, server->socket.fd);
}

static void
on_pause(void *context, int result)
{
	struct rb_server *server = context;

	(void)result;
	if (server->held >= 0)
		on_accept(server, rb_take_fd(&server->held));
	else
		rb_watch_accept(server->accept, server->socket.fd);
}

/* A connection and its process each. */
static void
check_files(unsigned max_clients)
{
	unsigned n = 2 * (max_clients + RESERVE);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < n)
		rb_log_warning("max_clients: %u takes up to %u descriptors, "
			       "and there may be %ju: raise the limit "
			       "(LimitNOFILE=), or lower max_clients",
			       max_clients, n, (uintmax_t)limit.rlim_cur);
}

int
rb_server_init(struct rb_server *server, struct rb_daemon *daemon,
	       const struct rb_paths *paths, unsigned max_clients)
{
	int err;

	*server = (struct rb_server){ .daemon = daemon,
				      .socket = RB_SOCKET_NULL,
				      .held = -1,
				      .max_clients = max_clients };
	LIST_INIT(&server->peers);
	check_files(max_clients);
	err = rb_socket_open(&server->socket, paths,
			     rb_take_fd(&daemon->inherited));
	if (err < 0)
		return err;
	err = rb_watch_new(daemon->loop, on_accept, server, &server->accept);
	if (err == 0)
		err = rb_watch_new(daemon->loop, on_pause, server,
				   &server->pause);
	if (err == 0)
		rb_watch_accept(server->accept, server->socket.fd);
	return err;
}

void
rb_server_set_limit(struct rb_server *server, unsigned max_clients)
{
	if (max_clients != server->max_clients)
		check_files(max_clients);
	server->max_clients = max_clients;
}

void
rb_server_stop(struct rb_server *server)
{
	server->accept = rb_watch_free(server->accept);
	server->pause = rb_watch_free(server->pause);
	rb_closep(&server->held);
	rb_socket_close(&server->socket);
}

void
rb_server_deinit(struct rb_server *server)
{
	rb_server_stop(server);
	while (!LIST_EMPTY(&server->peers))
		rb_peer_free(LIST_FIRST(&server->peers));
}

unsigned
rb_server_limit(const struct rb_server *server,
		const struct rb_credentials *who)
{
	unsigned max = server->max_clients;

	return rb_access_is_owner(who) ? max : max - max / 8;
}

unsigned
rb_server_user_limit(const struct rb_server *server,
		     const struct rb_credentials *who)
{
	unsigned limit = server->daemon->config->max_clients_per_user;

	if (rb_access_is_owner(who))
		return server->max_clients;
	if (limit != 0)
		return limit;
	limit = server->max_clients / 4;
	return limit < USER_MIN ? USER_MIN : limit;
}

bool
rb_server_serves(const struct rb_server *server, const struct rb_peer *peer)
{
	const struct rb_credentials *who = &peer->who;

	if (rb_access_is_owner(who))
		return true;
	return peer->user->n_peers <=
		       rb_server_user_limit(server, who) + USER_RESERVE &&
	       server->n_peers <= rb_server_limit(server, who) + RESERVE / 2;
}

/* A message, a patience, a process, and the cancelling of each. */
unsigned
rb_server_max_watches(unsigned max_clients)
{
	return 6 * (max_clients + RESERVE);
}

struct rb_loop *
rb_server_loop(const struct rb_server *server)
{
	return server->daemon->loop;
}

struct rb_processes *
rb_server_processes(const struct rb_server *server)
{
	return &server->daemon->processes;
}

struct rb_users *
rb_server_users(const struct rb_server *server)
{
	return &server->daemon->users;
}
