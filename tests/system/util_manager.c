/* SPDX-License-Identifier: MIT */
/*
 * util_manager.c - see util_manager.h
 *
 * A thread reads the socket, as a queue of datagrams is short and who fills it
 * waits. What is to be in order with it goes through the same socket.
 */
#include "tests/system/util_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 3

/* ------------------------------------------------------------------- store */

static bool
ends_so(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n >= m && strcmp(name + n - m, suffix) == 0;
}

int
t_manager_find(const struct t_manager *m, const char *suffix)
{
	for (unsigned i = 0; i < m->n; i++)
		if (ends_so(m->stored[i].name, suffix))
			return m->stored[i].fd;
	return -1;
}

void
t_manager_add(struct t_manager *m, const char *name, int fd)
{
	struct t_stored *s = &m->stored[m->n];

	ck_assert_uint_lt(m->n, T_STORED_MAX);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->fd = fd;
	m->n++;
}

void
t_manager_drop(struct t_manager *m, const char *suffix)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < m->n; i++)
		if (ends_so(m->stored[i].name, suffix))
			close(m->stored[i].fd);
		else
			m->stored[kept++] = m->stored[i];
	m->n = kept;
}

void
t_manager_empty(struct t_manager *m)
{
	t_manager_drop(m, "");
}

/* ------------------------------------------------------------------ socket */

static struct sockaddr_un
address_of(const struct t_manager *m)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, m->path, sizeof(address.sun_path));
	return address;
}

/* The value of a variable in a notification; false if it is not there. */
static bool
read_variable(const char *text, const char *name, char value[T_STORED_NAME])
{
	const char *at = strstr(text, name);

	if (at == NULL || (at != text && at[-1] != '\n'))
		return false;
	snprintf(value, T_STORED_NAME, "%.*s",
		 (int)strcspn(at + strlen(name), "\n"), at + strlen(name));
	return true;
}

static int
take_fd(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void
heed(struct t_manager *m, const char *text, int fd)
{
	char name[T_STORED_NAME], yes[T_STORED_NAME];

	if (!read_variable(text, "FDNAME=", name))
		name[0] = '\0';
	if (read_variable(text, "FDSTORE=", yes) && fd >= 0)
		t_manager_add(m, name, fd);
	else if (fd >= 0)
		close(fd);
	if (read_variable(text, "FDSTOREREMOVE=", yes))
		t_manager_drop(m, name);
}

/* Until it is told to go. */
static void *
keep(void *arg)
{
	struct t_manager *m = arg;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char text[1024];
	uint64_t seen = 0;

	for (;;) {
		struct iovec iov = { text, sizeof(text) - 1 };
		struct msghdr message = { .msg_iov = &iov,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(m->notify, &message, MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		ck_assert_int_ge(n, 0);
		text[n] = '\0';
		if (strcmp(text, "GO") == 0)
			return NULL;
		if (strcmp(text, "SETTLE") == 0)
			rb_word64_store_release(&m->seen, ++seen);
		else
			heed(m, text, take_fd(&message));
	}
}

static void
say(struct t_manager *m, const char *text)
{
	struct sockaddr_un address = address_of(m);

	ck_assert_int_gt(sendto(m->notify, text, strlen(text), 0,
				(struct sockaddr *)&address, sizeof(address)),
			 0);
}

void
t_manager_settle(struct t_manager *m)
{
	m->said++;
	say(m, "SETTLE");
	t_until(rb_word64_load_acquire(&m->seen) == m->said);
}

void
t_manager_prepare(struct t_manager *m, const char *yaml)
{
	struct sockaddr_un address;

	memset(m, 0, sizeof(*m));
	t_daemon_prepare(&m->d, yaml);
	snprintf(m->path, sizeof(m->path), "%.90s/notify", t_tmpdir());
	address = address_of(m);
	m->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(m->notify, 0);
	ck_assert_int_eq(bind(m->notify, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", m->path, 1), 0);
	ck_assert_int_eq(pthread_create(&m->keeper, NULL, keep, m), 0);
}

/* ------------------------------------------------------------------ daemon */

static void
write_environment(const struct t_manager *m)
{
	char names[T_STORED_MAX * T_STORED_NAME] = "", number[16];
	size_t n = 0;

	snprintf(number, sizeof(number), "%d", getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%u", m->n);
	setenv("LISTEN_FDS", number, 1);
	for (unsigned i = 0; i < m->n; i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
				      i > 0 ? ":" : "", m->stored[i].name);
	setenv("LISTEN_FDNAMES", names, 1);
}

/* All of them out of the way first, then each to its place. */
static bool
place_fds(const struct t_manager *m)
{
	int away[T_STORED_MAX];

	for (unsigned i = 0; i < m->n; i++)
		away[i] = fcntl(m->stored[i].fd, F_DUPFD_CLOEXEC, 200);
	for (unsigned i = 0; i < m->n; i++)
		if (dup2(away[i], FIRST + (int)i) < 0)
			return false;
	return true;
}

static int
run(void *arg)
{
	const struct t_manager *m = arg;
	const struct t_daemon *d = &m->d;
	const char *program = t_program("ringbusd");
	int log = open(d->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		return 127;
	if (m->n > 0)
		write_environment(m);
	/* No assertion from here on: the library writes down where it has been,
	 * to what was one of these descriptors. */
	if (place_fds(m))
		execl(program, "ringbusd", "--config", d->config, "--socket",
		      d->socket, "--shm-dir", d->shm, NULL);
	return 127;
}

void
t_manager_launch(struct t_manager *m)
{
	t_manager_settle(m);
	m->d.pid = t_child(run, m);
}

void
t_manager_restart(struct t_manager *m)
{
	t_manager_launch(m);
	t_daemon_await(&m->d);
	t_manager_settle(m);
}

void
t_manager_begin(struct t_manager *m, const char *yaml)
{
	t_manager_prepare(m, yaml);
	t_manager_restart(m);
}

void
t_manager_end(struct t_manager *m)
{
	t_daemon_stop(&m->d);
	t_manager_settle(m);
	ck_assert_uint_eq(m->n, 0);
	say(m, "GO");
	ck_assert_int_eq(pthread_join(m->keeper, NULL), 0);
	close(m->notify);
	unlink(m->path);
	unsetenv("NOTIFY_SOCKET");
}
