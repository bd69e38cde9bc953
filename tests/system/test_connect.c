/* SPDX-License-Identifier: MIT */
/*
 * test_connect.c - finding the daemon, and what is said over the connection
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_user.h"

#define NOBODY 65534

static const char *
path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", t_tmpdir(), name);
	return path;
}

/* A listening socket that nobody serves. */
static int
listen_at(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

static int
connect_to(const char *path)
{
	struct ringbus *bus = NULL;
	int err = ringbus_connect(path, &bus);

	ck_assert(err == 0 || bus == NULL);
	ringbus_close(bus);
	return err;
}

TEST(without_a_socket_there_is_no_daemon)
{
	ck_assert_int_eq(connect_to(path_of("nothing.sock")), -ENOENT);
	ck_assert_int_eq(connect_to(""), -ENOENT);
}

TEST(a_socket_that_was_left_behind_refuses)
{
	close(listen_at(path_of("old.sock"), SOCK_SEQPACKET));
	ck_assert_int_eq(connect_to(path_of("old.sock")), -ECONNREFUSED);
}

TEST(a_path_has_to_fit_into_an_address)
{
	char path[109];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[108] = '\0';
	ck_assert_int_eq(connect_to(path), -ENAMETOOLONG);
	path[107] = '\0';
	ck_assert_int_eq(connect_to(path), -ENOENT);
}

TEST(a_socket_of_another_kind_is_no_daemon)
{
	int fd = listen_at(path_of("stream.sock"), SOCK_STREAM);

	ck_assert_int_eq(connect_to(path_of("stream.sock")), -EPROTO);
	close(fd);
}

static int
try_to_connect(void *arg)
{
	ck_assert_int_eq(connect_to(arg), -EACCES);
	return 0;
}

TEST(another_user_is_kept_out)
{
	struct t_bus b;

	t_need_root();
	t_bus_begin(&b, "slots: 16");
	t_join(t_child_as(&t_stranger, try_to_connect, b.daemon.socket));
	t_bus_end(&b);
}

TEST(a_failed_connect_names_the_socket)
{
	const char *path = path_of("nothing.sock");

	ck_assert_int_eq(connect_to(path), -ENOENT);
	ck_assert_str_eq(ringbus_error(NULL), path);
}

/* As nobody, in whose runtime folder somebody else listens. */
static int
find_strangers_daemon(void *arg)
{
	struct ringbus *bus;

	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", arg, 1), 0);
	ck_assert_int_eq(ringbus_connect(NULL, &bus), -ENOENT);
	return 0;
}

/* As nobody, whose own daemon is the one that the parent plays. */
static int
find_own_daemon(void *arg)
{
	struct ringbus *bus;

	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", arg, 1), 0);
	t_ok(ringbus_connect(NULL, &bus));
	ck_assert_ptr_nonnull(strstr(ringbus_socket(bus), arg));
	ringbus_close(bus);
	return 0;
}

TEST(a_strangers_daemon_is_none)
{
	char dir[PATH_MAX];
	int fd;

	t_need_root();
	snprintf(dir, sizeof(dir), "%s", t_tmpdir());
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(mkdir(path_of("ringbus"), 0755), 0);
	ck_assert_int_eq(chown(path_of("ringbus"), NOBODY - 1, NOBODY - 1), 0);
	/* Who listens is told by the credentials at that moment. */
	ck_assert_int_eq(seteuid(NOBODY - 1), 0);
	umask(0);
	fd = listen_at(path_of("ringbus/control.sock"), SOCK_SEQPACKET);
	ck_assert_int_eq(seteuid(0), 0);
	t_join(t_child_as(&t_stranger, find_strangers_daemon, dir));
	close(fd);
}

TEST(a_user_finds_the_daemon_in_its_runtime_folder)
{
	struct rb_control hello;
	char dir[PATH_MAX];
	pid_t child;
	int fd, peer;

	t_need_root();
	snprintf(dir, sizeof(dir), "%s", t_tmpdir());
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(mkdir(path_of("ringbus"), 0755), 0);
	fd = listen_at(path_of("ringbus/control.sock"), SOCK_SEQPACKET);
	ck_assert_int_eq(chmod(path_of("ringbus/control.sock"), 0666), 0);
	child = t_child_as(&t_stranger, find_own_daemon, dir);
	peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(peer, 0);
	ck_assert_int_eq(recv(peer, &hello, sizeof(hello), 0), sizeof(hello));
	ck_assert_int_eq(send(peer, &hello, sizeof(hello), 0), sizeof(hello));
	t_join(child);
	close(peer);
	close(fd);
}

TEST(the_environment_names_the_socket)
{
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	ck_assert_int_eq(setenv("RINGBUS_SOCKET", b.daemon.socket, 1), 0);
	t_ok(ringbus_connect(NULL, &bus));
	ck_assert_str_eq(ringbus_socket(bus), b.daemon.socket);
	ringbus_close(bus);
	ck_assert_int_eq(setenv("RINGBUS_SOCKET", path_of("no.sock"), 1), 0);
	ck_assert_int_eq(connect_to(NULL), -ENOENT);
	t_bus_end(&b);
}

TEST(a_given_socket_wins_over_the_environment)
{
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	ck_assert_int_eq(setenv("RINGBUS_SOCKET", path_of("no.sock"), 1), 0);
	t_ok(ringbus_connect(b.daemon.socket, &bus));
	ck_assert_str_eq(ringbus_socket(bus), b.daemon.socket);
	ringbus_close(bus);
	t_bus_end(&b);
}

TEST(root_asks_the_systems_daemon)
{
	if (geteuid() != 0)
		T_SKIP("needs root");
	if (access("/run/ringbus/control.sock", F_OK) == 0)
		T_SKIP("a daemon runs on this machine");
	unsetenv("RINGBUS_SOCKET");
	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", t_tmpdir(), 1), 0);
	ck_assert_int_eq(connect_to(NULL), -ENOENT);
}

TEST(ping_tells_the_pid_of_the_daemon)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	ck_assert_int_eq(ringbus_ping(b.bus), b.daemon.pid);
	ck_assert_str_eq(ringbus_error(b.bus), "");
	t_bus_end(&b);
}

TEST(every_request_tells_that_the_daemon_is_gone)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	char name[RINGBUS_NAME_SIZE];
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	t_daemon_kill(&b.daemon);
	ck_assert_int_eq(ringbus_ping(b.bus), -ECONNRESET);
	ck_assert_int_eq(ringbus_list(b.bus, 0, name), -ECONNRESET);
	ck_assert_int_eq(ringbus_end(b.bus, "a"), -ECONNRESET);
	ck_assert_int_eq(ringbus_producer_open(b.bus, "a", NULL, &p),
			 -ECONNRESET);
	ck_assert_int_eq(ringbus_consumer_open(b.bus, "a", NULL, &c),
			 -ECONNRESET);
	t_daemon_restart(&b.daemon);
	t_bus_end(&b);
}

TEST(channels_are_listed_one_by_one)
{
	static const char *const names[] = { "one", "three", "two" };
	char name[RINGBUS_NAME_SIZE];
	unsigned found = 0;
	struct t_bus b;

	t_bus_begin_with(&b, "channels: { one: , two: , three: }");
	for (unsigned i = 0; i < 3; i++) {
		t_ok(ringbus_list(b.bus, i, name));
		for (unsigned k = 0; k < 3; k++)
			if (strcmp(name, names[k]) == 0)
				found |= 1U << k;
	}
	ck_assert_uint_eq(found, 7);
	ck_assert_int_eq(ringbus_list(b.bus, 3, name), -ENOENT);
	ck_assert_int_eq(ringbus_list(b.bus, UINT32_MAX, name), -ENOENT);
	t_bus_end(&b);
}

TEST(one_connection_too_many_is_told_so)
{
	struct t_deadline deadline = t_deadline(T_PATIENCE);
	struct ringbus *bus = NULL;
	struct t_daemon d;

	t_daemon_start(&d, "daemon: { max_clients: 1 }");
	/* The one that looked whether the daemon is up may still count. */
	while (ringbus_connect(d.socket, &bus) < 0)
		ck_assert(t_deadline_nap(&deadline));
	ck_assert_int_eq(connect_to(d.socket), -EUSERS);
	t_bus_ok(bus, ringbus_ping(bus));
	ringbus_close(bus);
	t_daemon_stop(&d);
}

TEST(nothing_stays_open_over_exec)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	t_produce(b.bus, NULL);
	t_consume(b.bus, NULL);
	t_tap(b.bus, RINGBUS_FROM_NOW);
	for (int fd = 3; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD);
		char path[64], target[256] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (flags < 0 || readlink(path, target, sizeof(target) - 1) < 0)
			continue;
		/* The bell of a channel is what a handle keeps open. */
		if (strncmp(target, "socket:", 7) == 0 ||
		    strstr(target, b.daemon.shm) != NULL)
			ck_assert_int_ne(flags & FD_CLOEXEC, 0);
	}
	t_bus_end(&b);
}

TEST(closing_the_bus_closes_its_handles)
{
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	bus = t_connect(&b.daemon);
	t_produce(bus, NULL);
	t_consume_as(bus, "c", RINGBUS_FROM_NOW);
	t_tap(bus, RINGBUS_FROM_NOW);
	ringbus_close(bus);
	t_produce(b.bus, NULL);
	t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	t_bus_end(&b);
}

TEST(null_may_be_closed)
{
	ringbus_close(NULL);
	ringbus_producer_close(NULL);
	ringbus_consumer_close(NULL);
	ringbus_tap_close(NULL);
}

TEST(errors_and_strategies_have_names)
{
	static const int errors[] = {
		EINVAL,  EAGAIN,     ETIMEDOUT,    ECANCELED,
		EDEADLK, EBUSY,      EUSERS,       ESHUTDOWN,
		ESTALE,  EBADMSG,    EMSGSIZE,     EPROTONOSUPPORT,
		EPROTO,  ECONNRESET, ECONNREFUSED, ENOENT,
		EACCES,  EEXIST,     ENOSPC,       ENAMETOOLONG,
		ENOMEM,  EMFILE,     ENFILE,       ENOBUFS,
		ERANGE,  EPROTOTYPE, ELOOP,        ENOTSUP,
		ECHILD,
	};
	const char *unexpected = ringbus_strerror(-EXDEV);

	for (unsigned i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		const char *text = ringbus_strerror(-errors[i]);

		ck_assert_str_ne(text, unexpected);
		for (unsigned k = 0; k < i; k++)
			ck_assert_str_ne(text, ringbus_strerror(-errors[k]));
	}
	ck_assert_ptr_nonnull(strstr(ringbus_strerror(-ESTALE), "evicted"));
	ck_assert_ptr_nonnull(strstr(ringbus_strerror(-ENOENT), "kept place"));
	ck_assert_str_eq(ringbus_strerror(0), "success");
	ck_assert_str_eq(ringbus_version(), "0.1.0");
	for (int wait = RINGBUS_WAIT_BUSY_SPIN;
	     wait <= RINGBUS_WAIT_PHASED_BACKOFF; wait++)
		ck_assert_int_eq(ringbus_wait_by_name(ringbus_wait_name(wait)),
				 wait);
	ck_assert_ptr_null(ringbus_wait_name(RINGBUS_WAIT_DEFAULT));
	ck_assert_ptr_null(ringbus_wait_name(6));
	ck_assert_ptr_null(ringbus_wait_name(-1));
	ck_assert_int_eq(ringbus_wait_by_name("default"), -EINVAL);
	ck_assert_int_eq(ringbus_wait_by_name(""), -EINVAL);
}
