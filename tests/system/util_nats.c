/* SPDX-License-Identifier: MIT */
/*
 * util_nats.c - see util_nats.h
 */
#include "tests/system/util_nats.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static void
launch(struct t_nats *n, bool has_jetstream)
{
	char port[16];
	const char *argv[] = { find_server(), "-a",      "127.0.0.1", "-p",
			       port,          "-l",      n->log,      NULL,
			       "-sd",         n->folder, NULL };

	if (has_jetstream)
		argv[7] = "-js";
	snprintf(port, sizeof(port), "%d", n->port);
	unlink(n->log);
	n->pid = t_spawn(argv);
	t_until(is_ready(n));
}

void
t_nats_launch(struct t_nats *n)
{
	launch(n, true);
}

void
t_nats_launch_plain(struct t_nats *n)
{
	launch(n, false);
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
	int status;

	kill(n->pid, SIGCONT);
	kill(n->pid, SIGTERM);
	ck_assert_int_eq(waitpid(n->pid, &status, 0), n->pid);
	ck_assert(WIFEXITED(status)); /* with 0 or 1 */
	n->pid = 0;
}

void
t_nats_kill(struct t_nats *n)
{
	t_kill(n->pid);
	n->pid = 0;
}

void
t_nats_pause(const struct t_nats *n)
{
	int status;

	ck_assert_int_eq(kill(n->pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(n->pid, &status, WUNTRACED), n->pid);
	ck_assert(WIFSTOPPED(status));
}

void
t_nats_resume(const struct t_nats *n)
{
	ck_assert_int_eq(kill(n->pid, SIGCONT), 0);
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

void
t_nats_begin_losing(struct t_nats *n)
{
	t_nats_kill(n);
	t_nats_put_aside(n);
	t_nats_launch(n);
}

void
t_nats_lose(struct t_nats *n)
{
	t_nats_kill(n);
	t_nats_take_back(n);
	t_nats_launch(n);
}

static FILE *
connect_to(const struct t_nats *n)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)n->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *server;

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	server = fdopen(fd, "r+e");
	ck_assert_ptr_nonnull(server);
	return server;
}

/* The line behind that of the message: its payload, which is JSON. */
static void
read_answer(FILE *server, char *answer, int size)
{
	char line[4096];

	do
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), server));
	while (strncmp(line, "MSG ", 4) != 0);
	ck_assert_ptr_nonnull(fgets(answer, size, server));
}

int64_t
t_nats_request(const struct t_nats *n, const char *subject, const char *json)
{
	FILE *server = connect_to(n);
	char answer[4096];
	const char *at;

	fprintf(server,
		"CONNECT {\"verbose\":false}\r\nSUB answer 1\r\n"
		"PUB %s answer %zu\r\n%s\r\n",
		subject, strlen(json), json);
	fflush(server);
	read_answer(server, answer, sizeof(answer));
	fclose(server);
	if (strstr(answer, "\"error\"") != NULL)
		ck_abort_msg("%s: %s", subject, answer);
	at = strstr(answer, "\"seq\":");
	return at == NULL ? -1 : strtoll(at + strlen("\"seq\":"), NULL, 10);
}

void
t_nats_publish(const struct t_nats *n, const char *subject, const char *headers,
	       const void *bytes, size_t size)
{
	FILE *server = connect_to(n);
	char answer[4096];
	size_t length = strlen("NATS/1.0\r\n") + strlen(headers) + 2;

	fprintf(server,
		"CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB answer "
		"1\r\nHPUB %s answer %zu %zu\r\nNATS/1.0\r\n%s\r\n",
		subject, length, length + size, headers);
	ck_assert_uint_eq(fwrite(bytes, 1, size, server), size);
	fputs("\r\n", server);
	fflush(server);
	read_answer(server, answer, sizeof(answer));
	fclose(server);
	ck_assert_msg(strstr(answer, "\"error\"") == NULL, "%s", answer);
}

void
t_nats_remove(const struct t_nats *n, const char *stream, int64_t sequence)
{
	char subject[128], json[64];

	snprintf(subject, sizeof(subject), "$JS.API.STREAM.MSG.DELETE.%s",
		 stream);
	snprintf(json, sizeof(json), "{\"seq\":%lld}", (long long)sequence);
	t_nats_request(n, subject, json);
}

/* As the kernel tells it: the queues of what is received, in hexadecimal. */
int64_t
t_nats_unread(int port)
{
	FILE *file = fopen("/proc/net/tcp", "re");
	char line[512];
	int64_t sum = 0;
	unsigned at, unread;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%*d: %*8[0-9A-F]:%x %*s 01 %*x:%x", &at,
			   &unread) == 2 &&
		    (int)at == port)
			sum += unread;
	fclose(file);
	return sum;
}
