/* SPDX-License-Identifier: MIT */
/*
 * util_nats.c - see util_nats.h
 */
#include "tests/system/util_nats.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
find_server(void)
{
	static const char *const places[] = { "/usr/sbin/nats-server",
					      "/usr/bin/nats-server",
					      "/usr/local/bin/nats-server" };

	for (unsigned i = 0; i < 3; i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

void
t_nats_need(void)
{
	if (find_server() == NULL)
		T_SKIP("nats-server is missing");
	if (access(t_program("ringbus-bridge"), X_OK) < 0)
		T_SKIP("libnats is missing");
}

/* One that was free a moment ago. */
static int
find_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	close(fd);
	return ntohs(at.sin_port);
}

void
t_nats_prepare(struct t_nats *n)
{
	memset(n, 0, sizeof(*n));
	n->port = find_port();
	snprintf(n->url, sizeof(n->url), "nats://127.0.0.1:%d", n->port);
	snprintf(n->folder, sizeof(n->folder), "%s/nats", t_tmpdir());
	snprintf(n->log, sizeof(n->log), "%s/nats.log", t_tmpdir());
	ck_assert_int_eq(mkdir(n->folder, 0755), 0);
}

static bool
is_ready(const struct t_nats *n)
{
	char text[65536] = "";
	FILE *log = fopen(n->log, "re");
	size_t size;

	if (log == NULL)
		return false;
	size = fread(text, 1, sizeof(text) - 1, log);
	text[size] = '\0';
	fclose(log);
	return strstr(text, "Server is ready") != NULL;
}

void
t_nats_launch(struct t_nats *n)
{
	char port[16];
	const char *const argv[] = { find_server(), "-a",      "127.0.0.1",
				     "-p",          port,      "-js",
				     "-sd",         n->folder, "-l",
				     n->log,        NULL };

	snprintf(port, sizeof(port), "%d", n->port);
	unlink(n->log);
	n->pid = t_spawn(argv);
	t_until(is_ready(n));
}

void
t_nats_start(struct t_nats *n)
{
	t_nats_need();
	t_nats_prepare(n);
	t_nats_launch(n);
}

void
t_nats_stop(struct t_nats *n)
{
	kill(n->pid, SIGCONT);
	kill(n->pid, SIGTERM);
	t_join_exit(n->pid, 1); /* as it ends when it is told to */
	n->pid = 0;
}

void
t_nats_kill(struct t_nats *n)
{
	t_kill(n->pid);
	n->pid = 0;
}

static void
copy(const char *from, const char *to)
{
	const char *const argv[] = { "/bin/cp", "-a", from, to, NULL };

	t_remove_tree(to);
	t_join(t_spawn(argv));
}

void
t_nats_put_aside(const struct t_nats *n)
{
	char aside[PATH_MAX + 8];

	snprintf(aside, sizeof(aside), "%s.aside", n->folder);
	copy(n->folder, aside);
}

void
t_nats_take_back(const struct t_nats *n)
{
	char aside[PATH_MAX + 8];

	snprintf(aside, sizeof(aside), "%s.aside", n->folder);
	copy(aside, n->folder);
}
