/* SPDX-License-Identifier: MIT */
/*
 * test_service.c - what ringbusd tells its service manager, whose socket we are
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_user.h"

#define SMALL "channels: { a: { slots: 64, event_size: 8 } }"

struct listener {
	struct t_daemon d;
	int fd;
	char notice[1024]; /* the last one */
};

static void
listen_for(struct listener *l, const char *yaml)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = 30 };

	t_daemon_prepare(&l->d, yaml);
	l->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(l->fd, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/notify",
		 t_tmpdir());
	ck_assert_int_eq(
		bind(l->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				    sizeof(patience)),
			 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
}

static void
begin(struct listener *l, const char *yaml)
{
	listen_for(l, yaml);
	t_daemon_restart(&l->d);
}

/* The next one, whatever it is. */
static void
hear(struct listener *l)
{
	ssize_t n = recv(l->fd, l->notice, sizeof(l->notice) - 1, 0);

	ck_assert_int_gt(n, 0);
	l->notice[n] = '\0';
}

/* Hears notices until one has this in it. */
static void
expect(struct listener *l, const char *text)
{
	do
		hear(l);
	while (strstr(l->notice, text) == NULL);
}

static void
end(struct listener *l)
{
	t_daemon_stop(&l->d);
	close(l->fd);
	unsetenv("NOTIFY_SOCKET");
}

/* ------------------------------------------------------------- status line */

TEST(status_says_what_is_served_and_to_how_many)
{
	struct listener l;
	int peer;

	begin(&l, SMALL);
	expect(&l, "READY=1");
	ck_assert(strstr(l.notice, "STATUS=1 channel, ") != NULL);
	ck_assert(strstr(l.notice, " KiB mapped, ") != NULL);
	ck_assert(strstr(l.notice, "served") == NULL);
	peer = t_peer_greet(&l.d);
	expect(&l, ", 1 client");
	close(peer);
	expect(&l, ", 0 clients");
	end(&l);
}

TEST(status_counts_what_is_not_served)
{
	struct listener l;
	char path[PATH_MAX + 8];

	listen_for(&l, SMALL);
	snprintf(path, sizeof(path), "%.4000s/a", l.d.shm);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	t_daemon_restart(&l.d);
	expect(&l, "READY=1");
	ck_assert(strstr(l.notice, "0 channels, ") != NULL);
	ck_assert(strstr(l.notice, ", 1 not served") != NULL);
	ck_assert_int_eq(rmdir(path), 0);
	end(&l);
}

/* What a manager has to read for clients that come and go. */
TEST(status_is_told_once_a_second_at_most)
{
	int64_t began_ns, seconds;
	struct listener l;
	int n = 0;

	begin(&l, SMALL);
	expect(&l, "READY=1");
	began_ns = t_now_ns();
	for (int i = 0; i < 1000; i++)
		close(t_peer_greet(&l.d));
	t_daemon_stop(&l.d);
	seconds = (t_now_ns() - began_ns) / 1000000000 + 1;
	for (hear(&l); strstr(l.notice, "STOPPING=1") == NULL; hear(&l))
		n++;
	ck_assert_int_le(n, seconds);
	close(l.fd);
}

/* ----------------------------------------------------------------- watchdog */

static void
begin_watched(struct listener *l)
{
	setenv("WATCHDOG_USEC", "100000", 1);
	begin(l, SMALL);
	expect(l, "READY=1");
}

TEST(watchdog_is_fed)
{
	struct listener l;

	begin_watched(&l);
	for (int i = 0; i < 5; i++)
		expect(&l, "WATCHDOG=1");
	end(&l);
}

TEST(watchdog_of_another_process_is_not_fed)
{
	struct listener l;

	setenv("WATCHDOG_PID", "1", 1);
	begin_watched(&l);
	t_daemon_stop(&l.d);
	do {
		hear(&l);
		ck_assert(strstr(l.notice, "WATCHDOG") == NULL);
	} while (strstr(l.notice, "STOPPING=1") == NULL);
	close(l.fd);
}

TEST(manager_is_asked_for_another_daemon_when_the_lock_is_gone)
{
	char path[PATH_MAX + 8];
	struct listener l;

	begin_watched(&l);
	snprintf(path, sizeof(path), "%.4000s/.lock", l.d.shm);
	ck_assert_int_eq(unlink(path), 0);
	expect(&l, "WATCHDOG=trigger");
	ck_assert(strstr(l.notice, "the lock") != NULL);
	ck_assert(t_daemon_said(&l.d, "removed the lock"));
	end(&l);
}

TEST(manager_is_asked_for_another_daemon_when_the_socket_is_gone)
{
	struct listener l;

	begin_watched(&l);
	ck_assert_int_eq(unlink(l.d.socket), 0);
	expect(&l, "WATCHDOG=trigger");
	ck_assert(strstr(l.notice, "the socket") != NULL);
	end(&l);
}

/* ------------------------------------------------------------------- reload */

TEST(reload_is_told_with_its_time)
{
	unsigned long long usec;
	struct listener l;
	const char *at;

	begin(&l, SMALL);
	expect(&l, "READY=1");
	ck_assert_int_eq(kill(l.d.pid, SIGHUP), 0);
	expect(&l, "RELOADING=1");
	at = strstr(l.notice, "\nMONOTONIC_USEC=");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(sscanf(at, "\nMONOTONIC_USEC=%llu", &usec), 1);
	ck_assert_int_le((int64_t)usec * 1000, t_now_ns());
	expect(&l, "READY=1");
	ck_assert(strstr(l.notice, "failed") == NULL);
	end(&l);
}

TEST(reload_that_fails_leaves_the_daemon_ready_and_says_so)
{
	struct listener l;

	begin(&l, SMALL);
	expect(&l, "READY=1");
	t_daemon_configure(&l.d, "channels: { a: { slotz: 8 } }");
	ck_assert_int_eq(kill(l.d.pid, SIGHUP), 0);
	expect(&l, "RELOADING=1");
	expect(&l, "READY=1");
	ck_assert(strstr(l.notice, "1 channel, ") != NULL);
	ck_assert(strstr(l.notice, "reload failed") != NULL);
	end(&l);
}

/* ---------------------------------------------------------------- the ends */

TEST(stop_asks_for_the_time_to_drain)
{
	struct listener l;

	begin(&l, "daemon: { drain: 90s }\n" SMALL);
	t_daemon_stop(&l.d);
	expect(&l, "STOPPING=1");
	ck_assert(strstr(l.notice, "EXTEND_TIMEOUT_USEC=120000000") != NULL);
	close(l.fd);
}

TEST(failed_start_tells_the_mistake_in_the_configuration)
{
	struct listener l;

	listen_for(&l, "channels:\n  a: { slotz: 8 }\n");
	t_daemon_launch(&l.d, NULL);
	t_daemon_ends(&l.d, 78);
	expect(&l, "STATUS=Failed: ");
	ck_assert(strstr(l.notice, "ringbus.yaml:2:") != NULL);
	ck_assert(strstr(l.notice, "\nERRNO=22") != NULL);
	close(l.fd);
}

TEST(failed_start_tells_the_error)
{
	struct listener l;

	listen_for(&l,
		   "channels: { a: { slots: 134217728, event_size: 4KiB } }");
	t_daemon_launch(&l.d, NULL);
	t_daemon_ends(&l.d, 73);
	expect(&l, "STATUS=Failed: channel a: ");
	snprintf(l.notice, sizeof(l.notice), "%s", strstr(l.notice, "ERRNO"));
	ck_assert_str_eq(l.notice, "ERRNO=28");
	close(l.fd);
}

/* ------------------------------------------------- descriptors on their way */

#define SEALED                                                                 \
	"channels: { a: { slots: 64, event_size: 8, isolation: sealed } }"

/* Until one has this in it, and none before it has the other. */
static void
expect_before(struct listener *l, const char *text, const char *other)
{
	for (hear(l); strstr(l->notice, text) == NULL; hear(l))
		ck_assert_msg(strstr(l->notice, other) == NULL, "%s",
			      l->notice);
}

/* The manager refuses a descriptor of who is gone by the time that it reads. */
TEST(descriptors_are_taken_before_the_daemon_is_ready_and_before_it_goes)
{
	struct listener l;

	listen_for(&l, SEALED);
	t_daemon_launch(&l.d, NULL);
	expect_before(&l, "FDSTORE=1", "READY=1");
	expect_before(&l, "BARRIER=1", "READY=1");
	expect(&l, "READY=1");
	t_daemon_await(&l.d);
	ck_assert_int_eq(kill(l.d.pid, SIGTERM), 0);
	expect(&l, "FDSTOREREMOVE=1");
	expect(&l, "BARRIER=1");
	t_daemon_ends(&l.d, 0);
	close(l.fd);
}

TEST(nothing_is_waited_for_where_no_descriptor_was_sent)
{
	struct listener l;

	listen_for(&l, SMALL);
	t_daemon_launch(&l.d, NULL);
	expect_before(&l, "READY=1", "BARRIER=1");
	t_daemon_await(&l.d);
	t_daemon_stop(&l.d);
	expect_before(&l, "STOPPING=1", "BARRIER=1");
	ck_assert_int_lt(recv(l.fd, l.notice, sizeof(l.notice), MSG_DONTWAIT),
			 0);
	close(l.fd);
}

/* --------------------------------------------------------------- whose user */

static const struct t_user dynamic = { .uid = 61300, .gid = 61300 };

struct start {
	struct t_daemon *d;
	bool by_manager;
};

static int
run_as_dynamic(void *arg)
{
	const struct start *start = arg;
	const struct t_daemon *d = start->d;
	const char *const argv[] = {
		"ringbusd", "--config",  d->config, "--socket",
		d->socket,  "--shm-dir", d->shm,    NULL,
	};
	char pid[16];

	snprintf(pid, sizeof(pid), "%d",
		 start->by_manager ? getpid() : getppid());
	setenv("SYSTEMD_EXEC_PID", pid, 1);
	return t_daemon_execute_as(d, &dynamic, argv);
}

static void
launch_as_dynamic(struct t_daemon *d, bool by_manager)
{
	struct start start = { d, by_manager };

	d->pid = t_child(run_as_dynamic, &start);
}

TEST(dynamic_user_of_a_service_is_refused_in_dev_shm)
{
	struct t_daemon d;

	t_need_root();
	t_daemon_prepare_as(&d, &dynamic, SMALL);
	ck_assert_int_eq(chown(d.log, dynamic.uid, dynamic.gid), 0);
	launch_as_dynamic(&d, true);
	t_daemon_ends(&d, 73);
	ck_assert(t_daemon_said(&d, "DynamicUser="));
	/* The same user, and nobody who would remove anything. */
	launch_as_dynamic(&d, false);
	t_daemon_await(&d);
	t_daemon_stop_as(&d);
}

TEST(dynamic_user_of_a_service_may_have_another_tmpfs)
{
	struct t_daemon d;

	t_need_root();
	t_daemon_prepare_as(&d, &dynamic, SMALL);
	ck_assert_int_eq(mount("own", d.shm, "tmpfs", 0,
			       "size=4m,mode=0755,uid=61300,gid=61300"),
			 0);
	launch_as_dynamic(&d, true);
	t_daemon_await(&d);
	t_daemon_stop(&d);
	ck_assert_int_eq(umount(d.shm), 0);
	ck_assert_int_eq(rmdir(d.shm), 0);
}
