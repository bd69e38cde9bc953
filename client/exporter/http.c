/* SPDX-License-Identifier: MIT */
/*
 * http.c - see http.h
 *
 * libmicrohttpd closes a connection that is silent for some time, but not one that
 * sends a byte now and then. So we keep a list of the connections, the oldest first,
 * and shut down what is too old, or in the way of others when there is no room.
 */
#include "client/exporter/http.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/exporter/accept.h"
#include "client/exporter/listen.h"
#include "client/exporter/page.h"

#define GUESTS_MAX 64
#define MEMORY_MAX ((size_t)16384) /* of one request's head */
#define SILENCE_S 5u
#define SECOND_NS INT64_C(1000000000)
/* All that one request may take; what it may have where others wait. */
#define LIFE_NS (10 * SECOND_NS)
#define SHARE_NS SECOND_NS
/* How often we look, while somebody is there. */
#define LOOK_MS 200

struct guest {
	TAILQ_ENTRY(guest) at;
	int fd;
	int64_t since_ns;
};

struct server {
	struct source *source;
	struct MHD_Daemon *daemons[LISTEN_MAX];
	int n_daemons;
	TAILQ_HEAD(, guest) guests;
	unsigned n_guests;
};

/* ------------------------------------------------------------------- answers */

struct answer {
	unsigned status;
	const char *type;
	int fd; /* of memory */
};

#define PLAIN "text/plain; charset=utf-8"

static int
say(struct answer *a, const char *text)
{
	return write(a->fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int
answer_metrics(struct answer *a, struct source *source, const char *accepted)
{
	bool is_classic = !accept_prefers_open_metrics(accepted);

	a->type = is_classic ? "text/plain; version=0.0.4; charset=utf-8"
			     : "application/openmetrics-text; version=1.0.0; "
			       "charset=utf-8";
	return page_write(source, a->fd, is_classic);
}

static int
answer_health(struct answer *a, struct source *source)
{
	int r = page_health(source, a->fd);

	if (r == 0)
		a->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	return r;
}

static int
make_answer(struct answer *a, struct server *server, const char *url,
	    const char *accepted)
{
	if (strcmp(url, "/metrics") == 0)
		return answer_metrics(a, server->source, accepted);
	if (strcmp(url, "/healthz") == 0)
		return answer_health(a, server->source);
	if (strcmp(url, "/") == 0) {
		a->type = "text/html; charset=utf-8";
		return say(a, "<!DOCTYPE html><title>ringbus-exporter</title>"
			      "<p><a href=\"/metrics\">metrics</a>, "
			      "<a href=\"/healthz\">health</a></p>\n");
	}
	a->status = MHD_HTTP_NOT_FOUND;
	return say(a, "not here: /metrics, /healthz\n");
}

/* The response has the descriptor then. */
static enum MHD_Result
send_answer(struct MHD_Connection *connection, const struct answer *a)
{
	off_t size = lseek(a->fd, 0, SEEK_END);
	struct MHD_Response *response;
	enum MHD_Result r;

	response = size < 0 ? NULL
			    : MHD_create_response_from_fd((size_t)size, a->fd);
	if (response == NULL) {
		close(a->fd);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", a->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	r = MHD_queue_response(connection, a->status, response);
	MHD_destroy_response(response);
	return r;
}

/* Of a method that we do not have, before a body comes. */
static int
refuse(struct answer *a)
{
	a->status = MHD_HTTP_METHOD_NOT_ALLOWED;
	return say(a, "only GET and HEAD\n");
}

static bool
is_known(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url,
	   const char *method, const char *version, const char *upload,
	   size_t *upload_size, void **request)
{
	struct answer a = { .status = MHD_HTTP_OK, .type = PLAIN };
	static int seen;
	int r;

	(void)version;
	(void)upload;
	if (is_known(method) && (*request == NULL || *upload_size > 0)) {
		*request = &seen;
		*upload_size = 0;
		return MHD_YES;
	}
	a.fd = memfd_create("page", MFD_CLOEXEC);
	if (a.fd < 0)
		return MHD_NO;
	r = is_known(method)
		    ? make_answer(&a, context, url,
				  MHD_lookup_connection_value(connection,
							      MHD_HEADER_KIND,
							      "Accept"))
		    : refuse(&a);
	if (r < 0) {
		close(a.fd);
		return MHD_NO;
	}
	return send_answer(connection, &a);
}

/* -------------------------------------------------------------------- guests */

static void
come(struct server *server, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct guest *guest = malloc(sizeof(*guest));

	*context = guest;
	if (guest == NULL)
		return;
	guest->fd = info->connect_fd;
	guest->since_ns = source_now_ns();
	TAILQ_INSERT_TAIL(&server->guests, guest, at);
	server->n_guests++;
}

/* Called before the descriptor is closed. */
static void
on_guest(void *context, struct MHD_Connection *connection, void **guest,
	 enum MHD_ConnectionNotificationCode code)
{
	struct server *server = context;
	struct guest *left = *guest;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		come(server, connection, guest);
	} else if (left != NULL) {
		TAILQ_REMOVE(&server->guests, left, at);
		server->n_guests--;
		free(left);
	}
}

/* An answered request is not held against who stays. */
static void
on_answered(void *context, struct MHD_Connection *connection, void **request,
	    enum MHD_RequestTerminationCode code)
{
	struct server *server = context;
	struct guest *guest = MHD_get_connection_info(
				      connection,
				      MHD_CONNECTION_INFO_SOCKET_CONTEXT)
				      ->socket_context;

	(void)request;
	(void)code;
	if (guest == NULL)
		return;
	guest->since_ns = source_now_ns();
	TAILQ_REMOVE(&server->guests, guest, at);
	TAILQ_INSERT_TAIL(&server->guests, guest, at);
}

static void
send_off(struct server *server)
{
	int64_t now_ns = source_now_ns();
	bool is_full = server->n_guests >= GUESTS_MAX;
	struct guest *guest;

	TAILQ_FOREACH(guest, &server->guests, at)
	if (now_ns - guest->since_ns > (is_full ? SHARE_NS : LIFE_NS))
		shutdown(guest->fd, SHUT_RDWR);
}

/* ---------------------------------------------------------------------- loop */

static struct MHD_Daemon *
start(struct server *server, int fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request,
				server, MHD_OPTION_LISTEN_SOCKET, fd,
				MHD_OPTION_CONNECTION_LIMIT,
				(unsigned)GUESTS_MAX,
				MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_MAX,
				MHD_OPTION_NOTIFY_CONNECTION, on_guest, server,
				MHD_OPTION_NOTIFY_COMPLETED, on_answered,
				server, MHD_OPTION_END);
}

static int
descriptor_of(struct MHD_Daemon *daemon)
{
	return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

/* In milliseconds; -1: for ever. */
static int
patience_of(const struct server *server)
{
	int patience = server->n_guests > 0 ? LOOK_MS : -1;

	for (int i = 0; i < server->n_daemons; i++) {
		MHD_UNSIGNED_LONG_LONG wanted;

		if (MHD_get_timeout(server->daemons[i], &wanted) == MHD_YES &&
		    (patience < 0 || wanted < (unsigned)patience))
			patience = (int)wanted;
	}
	return patience;
}

/* Where there was no room it listens again in the turn after that in which
 * somebody left. */
static void
run(struct server *server)
{
	unsigned n;

	do {
		n = server->n_guests;
		for (int i = 0; i < server->n_daemons; i++)
			MHD_run(server->daemons[i]);
	} while (server->n_guests < n);
}

/* 1; 0 once a signal has come; -1. */
static int
wait_and_run(struct server *server, int signals)
{
	struct pollfd looks[LISTEN_MAX + 1];
	int n = server->n_daemons;

	for (int i = 0; i < n; i++)
		looks[i] = (struct pollfd){
			.fd = descriptor_of(server->daemons[i]),
			.events = POLLIN,
		};
	looks[n] = (struct pollfd){ .fd = signals, .events = POLLIN };
	if (poll(looks, (nfds_t)n + 1, patience_of(server)) < 0 &&
	    errno != EINTR)
		return -1;
	if (looks[n].revents != 0)
		return 0;
	run(server);
	send_off(server);
	return 1;
}

/* A descriptor that they come by, or -1. */
static int
heed_signals(void)
{
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &stops, NULL) < 0 ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -1;
	return signalfd(-1, &stops, SFD_CLOEXEC);
}

static bool
start_all(struct server *server, const int *fds, int n_fds)
{
	for (int i = 0; i < n_fds; i++) {
		server->daemons[i] = start(server, fds[i]);
		if (server->daemons[i] == NULL)
			return false;
		server->n_daemons++;
	}
	return true;
}

int
http_serve(struct source *source, const int *fds, int n_fds)
{
	struct server server = { .source = source };
	int signals = heed_signals(), r = -1;

	TAILQ_INIT(&server.guests);
	if (signals >= 0 && start_all(&server, fds, n_fds))
		do
			r = wait_and_run(&server, signals);
		while (r > 0);
	if (r < 0)
		fprintf(stderr, "ringbus-exporter: cannot serve: %s\n",
			strerror(errno));
	for (int i = 0; i < server.n_daemons; i++)
		MHD_stop_daemon(server.daemons[i]);
	if (signals >= 0)
		close(signals);
	return r;
}
