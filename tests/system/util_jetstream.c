/* SPDX-License-Identifier: MIT */
/*
 * util_jetstream.c - see util_jetstream.h
 */
#include "tests/system/util_jetstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct question {
	const char *address;
	int port;
	const char *subject, *json;
	char *answer; /* shared */
};

static int
connect_to(const struct question *q)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)q->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, q->address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -1;
	return fd;
}

/* The payload of the first message; all the server says before is for others. */
static bool
read_answer(FILE *from, char *answer)
{
	char line[T_JS_ANSWER];
	const char *size;

	while (fgets(line, sizeof(line), from) != NULL) {
		if (strncmp(line, "MSG ", 4) != 0)
			continue;
		size = strrchr(line, ' ');
		return size != NULL && atoi(size) < T_JS_ANSWER &&
		       fread(answer, 1, (size_t)atoi(size), from) > 0;
	}
	return false;
}

static int
ask(void *arg)
{
	const struct question *q = arg;
	int fd = connect_to(q);
	FILE *server = fd < 0 ? NULL : fdopen(fd, "r+e");

	if (server == NULL)
		return 1;
	fprintf(server,
		"CONNECT {\"verbose\":false}\r\nSUB answer 1\r\n"
		"PUB %s answer %zu\r\n%s\r\n",
		q->subject, strlen(q->json), q->json);
	fflush(server);
	return read_answer(server, q->answer) ? 0 : 1;
}

void
t_js_ask(const struct t_host *host, const char *address, int port,
	 const char *subject, const char *json, char ret[T_JS_ANSWER])
{
	struct question q = { address, port, subject, json, NULL };
	char why[128];
	pid_t pid;

	q.answer = mmap(NULL, T_JS_ANSWER, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(q.answer, MAP_FAILED);
	pid = t_host_child(host, ask, &q);
	if (!t_ended(pid, 0, why, sizeof(why)))
		q.answer[0] = '\0';
	memcpy(ret, q.answer, T_JS_ANSWER);
	munmap(q.answer, T_JS_ANSWER);
}

int64_t
t_js_number(const char *json, const char *name)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":", name);
	at = strstr(json, quoted);
	return at == NULL ? -1 : strtoll(at + strlen(quoted), NULL, 10);
}

/* The object of that name, without what is in it understood. */
static void
copy_object(const char *json, const char *name, char *ret, size_t size)
{
	char quoted[64];
	const char *at, *end;
	int depth = 0;

	snprintf(quoted, sizeof(quoted), "\"%s\":{", name);
	at = strstr(json, quoted);
	ck_assert_ptr_nonnull(at);
	at += strlen(quoted) - 1;
	end = at;
	do {
		depth += (*end == '{') - (*end == '}');
		end++;
	} while (depth > 0 && *end != '\0');
	snprintf(ret, size, "%.*s", (int)(end - at), at);
}

void
t_js_limit(const struct t_host *host, const char *address, int port,
	   const char *stream, int64_t bytes)
{
	char subject[64], info[T_JS_ANSWER], config[T_JS_ANSWER];
	char changed[T_JS_ANSWER + 32];
	char *limit, *rest;

	snprintf(subject, sizeof(subject), "$JS.API.STREAM.INFO.%s", stream);
	t_js_ask(host, address, port, subject, "", info);
	copy_object(info, "config", config, sizeof(config));
	limit = strstr(config, "\"max_bytes\":");
	ck_assert_ptr_nonnull(limit);
	limit += strlen("\"max_bytes\":");
	rest = limit + strspn(limit, "-0123456789");
	snprintf(changed, sizeof(changed), "%.*s%lld%s", (int)(limit - config),
		 config, (long long)bytes, rest);
	snprintf(subject, sizeof(subject), "$JS.API.STREAM.UPDATE.%s", stream);
	t_js_ask(host, address, port, subject, changed, info);
	if (t_js_number(info, "max_bytes") != bytes)
		ck_abort_msg("stream %s: %s", stream, info);
}
