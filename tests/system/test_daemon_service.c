/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_service.c - ringbusd under a service manager, which we play
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/system/util_daemon.h"

#define SMALL "channels: { a: { slots: 64, event_size: 8 } }"

static int
bound_socket(int type, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	return fd;
}

/* Reads notifications until one has this in it. */
static void
expect_notice(int fd, const char *text)
{
	char notice[1024];
	ssize_t n;

	do {
		n = recv(fd, notice, sizeof(notice) - 1, 0);
		ck_assert_int_gt(n, 0);
		notice[n] = '\0';
	} while (strstr(notice, text) == NULL);
}

TEST(manager_is_told_of_ready_and_stopping)
{
	struct t_daemon d;
	char path[108];
	int manager;

	snprintf(path, sizeof(path), "%.90s/notify", t_tmpdir());
	manager = bound_socket(SOCK_DGRAM, path);
	setenv("NOTIFY_SOCKET", path, 1);
	t_daemon_start(&d, SMALL);
	expect_notice(manager, "READY=1");
	t_daemon_stop(&d);
	expect_notice(manager, "STOPPING=1");
	close(manager);
}

TEST(journal_gets_priorities)
{
	struct t_daemon d;
	char stream[64];
	struct stat st;

	t_daemon_prepare(&d, SMALL);
	ck_assert_int_eq(stat(d.log, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	t_daemon_restart(&d);
	t_daemon_stop(&d);
	ck_assert(t_daemon_said(&d, "<6>"));
	ck_assert(!t_daemon_said(&d, "ringbusd:"));
}

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

TEST(journal_gets_a_priority_with_each_line_of_a_report)
{
	struct t_daemon d;
	char stream[64], *log;
	struct stat st;

	t_daemon_prepare(&d, "channels:\n"
			     "  a: { slotz: 8 }\n"
			     "  b: { slots: 9 }\n");
	ck_assert_int_eq(stat(d.log, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	t_daemon_launch(&d, NULL);
	t_daemon_ends(&d, 78);
	log = t_daemon_log(&d);
	ck_assert_uint_ge(count(log, "\n"), 2);
	ck_assert_uint_eq(count(log, "<3>"), count(log, "\n"));
	free(log);
}

struct activation {
	struct t_daemon d;
	int listeners[2];
	const char *names; /* NULL: none are given */
};

static int
run_activated(void *arg)
{
	struct activation *a = arg;
	char number[32];
	int n = a->listeners[1] >= 0 ? 2 : 1;
	int log = open(a->d.log, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		return 127;

	snprintf(number, sizeof(number), "%d", getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%d", n);
	setenv("LISTEN_FDS", number, 1);
	if (a->names != NULL)
		setenv("LISTEN_FDNAMES", a->names, 1);
	for (int i = 0; i < n; i++)
		if (fcntl(a->listeners[i], F_DUPFD, 100) != 100 + i)
			return 127;
	for (int i = 0; i < n; i++)
		if (dup2(100 + i, 3 + i) < 0 || close(100 + i) < 0)
			return 127;
	execl(t_program("ringbusd"), "ringbusd", "--config", a->d.config,
	      "--shm-dir", a->d.shm, NULL);
	return 127;
}

static void
prepare(struct activation *a, int type)
{
	t_daemon_prepare(&a->d, SMALL);
	a->listeners[0] = bound_socket(type, a->d.socket);
	a->listeners[1] = -1;
	a->names = NULL;
	if (type != SOCK_DGRAM)
		ck_assert_int_eq(listen(a->listeners[0], 8), 0);
}

static void
is_served(struct activation *a)
{
	char said[128];

	a->d.pid = t_child(run_activated, a);
	t_daemon_await(&a->d);
	t_daemon_stop(&a->d);
	snprintf(said, sizeof(said), "listening on %s", a->d.socket);
	ck_assert(t_daemon_said(&a->d, said));
	/* It is the manager's: the next one will want it. */
	ck_assert_int_eq(access(a->d.socket, F_OK), 0);
	close(a->listeners[0]);
}

static void
is_refused(struct activation *a, const char *why)
{
	a->d.pid = t_child(run_activated, a);
	t_daemon_ends(&a->d, 73);
	ck_assert(t_daemon_said(&a->d, why));
	close(a->listeners[0]);
}

TEST(socket_of_the_manager_is_used)
{
	struct activation a;

	prepare(&a, SOCK_SEQPACKET);
	is_served(&a);
}

TEST(socket_of_the_manager_may_have_a_name)
{
	struct activation a;

	prepare(&a, SOCK_SEQPACKET);
	a.names = "control";
	is_served(&a);
}

TEST(socket_of_another_kind_is_refused)
{
	struct activation a;

	prepare(&a, SOCK_STREAM);
	a.names = "control";
	is_refused(&a, "\"control\", which is a stream socket "
		       "(ListenStream=)");
}

TEST(socket_that_does_not_listen_is_refused)
{
	struct activation a;

	prepare(&a, SOCK_DGRAM);
	close(a.listeners[0]);
	unlink(a.d.socket);
	a.listeners[0] = bound_socket(SOCK_SEQPACKET, a.d.socket);
	is_refused(&a, "a socket that does not listen");
}

TEST(datagram_socket_is_refused)
{
	struct activation a;

	prepare(&a, SOCK_DGRAM);
	is_refused(&a, "(ListenDatagram=)");
}

TEST(what_is_no_socket_is_refused)
{
	struct activation a;

	prepare(&a, SOCK_DGRAM);
	close(a.listeners[0]);
	a.listeners[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	a.names = "control";
	is_refused(&a, "\"control\", which is no socket");
}

TEST(second_socket_is_refused_by_its_name)
{
	struct activation a;
	char path[108];

	prepare(&a, SOCK_SEQPACKET);
	snprintf(path, sizeof(path), "%.90s/second", t_tmpdir());
	a.listeners[1] = bound_socket(SOCK_SEQPACKET, path);
	ck_assert_int_eq(listen(a.listeners[1], 8), 0);
	a.names = "control:metrics";
	is_refused(&a, "\"metrics\" beside \"control\"");
	close(a.listeners[1]);
}
