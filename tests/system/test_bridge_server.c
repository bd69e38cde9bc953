/* SPDX-License-Identifier: MIT */
/*
 * test_bridge_server.c - the same while the server is not there, stopped, killed, or
 * has lost what it had acknowledged
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_two.h"

TEST(a_server_that_comes_later_is_waited_for)
{
	struct t_two t;
	char yaml[4096];

	t_nats_need();
	t_nats_prepare(&t.nats);
	t_two_configure(&t, &t_two_plain, yaml, sizeof(yaml));
	t_bus_begin_with(&t.b, yaml);
	t.p = t_produce(t.b.bus, NULL);
	t.c = t_two_consume(t.b.bus, "b");
	t_bridge_start(&t.to, &t.b, "a");
	t_bridge_start(&t.from, &t.b, "b");
	t_until(t_run_said(&t.to, "no connection to nats://"));
	t_put_all(t.p, 1, 100);
	/* It has its place, and is not through. */
	t_until(t_has_member(ringbus_producer_channel(t.p), RINGBUS_CONSUMER,
			     "replicate"));
	ck_assert_int_eq(t_two_acked(&t), -1);
	t_nats_launch(&t.nats);
	t_take(t.c, 1, 100);
	t_two_end(&t);
}

TEST(a_server_without_jetstream_is_told_and_waited_for)
{
	struct t_two t;
	char yaml[4096];

	t_nats_need();
	t_nats_prepare(&t.nats);
	t_nats_launch_plain(&t.nats);
	t_two_configure(&t, &t_two_plain, yaml, sizeof(yaml));
	t_bus_begin_with(&t.b, yaml);
	t.p = t_produce(t.b.bus, NULL);
	t.c = t_two_consume(t.b.bus, "b");
	t_bridge_start(&t.to, &t.b, "a");
	t_bridge_start(&t.from, &t.b, "b");
	t_until(t_run_said(&t.to, "`jetstream {}`"));
	t_until(t_run_said(&t.from, "`jetstream {}`"));
	t_put_all(t.p, 1, 100);
	t_nats_stop(&t.nats);
	t_nats_launch(&t.nats);
	t_take(t.c, 1, 100);
	t_two_end(&t);
}

/* One that listens at all addresses of this machine and says nothing. */
static int
be_silent(int *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static void
start_with(struct t_run *run, const struct t_two *t, const char *servers,
	   const char *channel)
{
	*run = (struct t_run){ .socket = t->b.daemon.socket };
	t_run_start(run, "ringbus-bridge", "-o", servers, channel, NULL);
}

/* Whichever it begins with; and the other one when that has gone. */
TEST(servers_take_turns)
{
	struct t_two t;
	char servers[128];
	int port, fd = be_silent(&port);

	t_two_prepare(&t, &t_two_plain);
	snprintf(servers, sizeof(servers), "servers=nats://127.0.0.1:%d,%s",
		 port, t.nats.url);
	start_with(&t.to, &t, servers, "a");
	start_with(&t.from, &t, servers, "b");
	t_put_all(t.p, 1, 100);
	t_take(t.c, 1, 100);
	t_nats_kill(&t.nats);
	close(fd);
	t.nats.port = port;
	t_nats_launch(&t.nats);
	t_put_all(t.p, 101, 200);
	t_take(t.c, 101, 200);
	t_nothing(t.c);
	t_two_end(&t);
}

static bool
has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
		       0 &&
	       info.si_pid == pid;
}

/* None of so many answers, which is no reason to hear nothing else. */
TEST(a_signal_is_heard_between_two_servers)
{
	struct t_two t;
	char servers[1024] = "servers=";
	int port, fd = be_silent(&port);

	t_two_prepare(&t, &t_two_plain);
	for (int i = 1; i <= 16; i++) {
		size_t n = strlen(servers);

		snprintf(servers + n, sizeof(servers) - n,
			 "%snats://127.0.0.%d:%d", i > 1 ? "," : "", i, port);
	}
	start_with(&t.to, &t, servers, "a");
	t_until(t_run_said(&t.to, "takes slots from"));
	kill(t.to.pid, SIGTERM);
	t_until(has_ended(t.to.pid));
	t_run_ends(&t.to, 0);
	close(fd);
	t_two_finish(&t);
}

/* As services come up in any order. */
TEST(a_daemon_that_comes_later_is_waited_for)
{
	struct t_two t;
	char yaml[4096];

	t_nats_need();
	t_nats_prepare(&t.nats);
	t_nats_launch(&t.nats);
	t_two_configure(&t, &t_two_plain, yaml, sizeof(yaml));
	t_daemon_prepare(&t.b.daemon, yaml);
	t_bridge_start(&t.to, &t.b, "a");
	t_bridge_start(&t.from, &t.b, "b");
	t_until(t_run_said(&t.to, "waits for it"));
	t_daemon_restart(&t.b.daemon);
	t.b.bus = t_connect(&t.b.daemon);
	t.p = t_produce(t.b.bus, NULL);
	t.c = t_two_consume(t.b.bus, "b");
	t_put_all(t.p, 1, 100);
	t_take(t.c, 1, 100);
	t_two_end(&t);
}

TEST(a_channel_is_waited_for_and_a_mistake_is_not)
{
	struct t_run run;
	struct t_two t;

	t_two_prepare(&t, &t_two_plain);
	t_bridge_start(&run, &t.b, "c");
	t_until(t_run_said(&run, "waits for it"));
	t_bridge_stop(&run);
	run = (struct t_run){ .socket = t.b.daemon.socket };
	t_run_start(&run, "ringbus-bridge", "-o", "linger=never", "a", NULL);
	t_run_ends(&run, 78);
	ck_assert(t_run_said(&run, "linger"));
	t_two_finish(&t);
}

/* A stopped server acknowledges nothing, and in the end nobody can publish. */
TEST(what_is_not_acknowledged_holds_producers_up)
{
	struct t_two t;
	uint64_t value = 0;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 10);
	t_nats_pause(&t.nats);
	t_put_all(t.p, 11, 1034);
	ck_assert_int_eq(ringbus_producer_write(t.p, &value, sizeof(value),
						100 * T_MS),
			 -ETIMEDOUT);
	ck_assert_int_eq(t_two_acked(&t), 9);
	t_nats_resume(&t.nats);
	t_take(t.c, 11, 1034);
	t_put_all(t.p, 1035, 2000);
	t_take(t.c, 1035, 2000);
	t_two_end(&t);
}

TEST(a_server_that_is_killed_is_found_again)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	for (uint64_t n = 1; n < 6000; n += 1000) {
		t_put_all(t.p, n, n + 499);
		t_nats_kill(&t.nats);
		t_put_all(t.p, n + 500, n + 999);
		t_nats_launch(&t.nats);
		t_take(t.c, n, n + 999);
		t_until(t_two_all_is_acked(&t));
	}
	t_nothing(t.c);
	t_two_end(&t);
}

/* The server comes back without its last messages; the ring has them still. */
TEST(what_the_stream_has_lost_is_sent_again)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 100);
	t_bridge_stop(&t.from);
	t_nats_begin_losing(&t.nats);
	t_put_all(t.p, 101, 300);
	t_until(t_two_all_is_acked(&t));
	t_nats_lose(&t.nats);
	t_until(t_run_said(&t.to, "has not got slots 100 to 299"));
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 101, 300);
	t_put_all(t.p, 301, 400);
	t_take(t.c, 301, 400);
	t_nothing(t.c);
	ck_assert(!t_run_said(&t.to, "LOST"));
	t_two_end(&t);
}

/* And where the ring has them no longer it is told, on both sides. */
TEST(what_is_lost_for_good_is_told)
{
	struct t_two t;
	const struct t_two_kinds small = {
		.a = "slots: 64, event_size: 8",
		.b = "slots: 64, event_size: 8",
	};

	t_two_begin(&t, &small);
	t_two_pass(&t, 1, 10);
	t_bridge_stop(&t.from);
	t_nats_begin_losing(&t.nats);
	t_put_all(t.p, 11, 200);
	t_until(t_two_all_is_acked(&t));
	t_nats_lose(&t.nats);
	t_until(t_run_said(&t.to, "LOST: slots 10 to 135"));
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 137, 200);
	ck_assert(t_run_said(&t.from, "LOST: 126 slots"));
	t_put_all(t.p, 201, 300);
	t_take(t.c, 201, 300);
	t_two_end(&t);
}

/* Unless it was journalled. */
TEST(what_the_ring_has_no_more_is_sent_again_from_the_journal)
{
	struct t_two t;
	struct t_run journal = { 0 };
	char keys[2 * PATH_MAX];
	struct t_two_kinds small = {
		.a = keys,
		.b = "slots: 64, event_size: 8",
	};

	if (access(t_program("ringbus-journal"), X_OK) < 0)
		T_SKIP("ringbus-journal is missing");
	snprintf(keys, sizeof(keys),
		 "slots: 64, event_size: 8, journal: { dir: %s/journal }",
		 t_tmpdir());
	t_two_begin(&t, &small);
	journal.socket = t.b.daemon.socket;
	t_run_start(&journal, "ringbus-journal", "a", NULL);
	t_until(t_has_member(ringbus_producer_channel(t.p), RINGBUS_CONSUMER,
			     "journal"));
	t_two_pass(&t, 1, 10);
	t_bridge_stop(&t.from);
	t_nats_begin_losing(&t.nats);
	t_put_all(t.p, 11, 200);
	t_until(t_two_all_is_acked(&t));
	t_nats_lose(&t.nats);
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 11, 200);
	ck_assert(t_run_said(&t.to, "has not got slots 10 to 199"));
	ck_assert(!t_run_said(&t.to, "LOST"));
	t_bridge_stop(&journal);
	t_two_end(&t);
}

/* Who had imported what the stream lost does not get it twice. */
TEST(what_is_sent_again_is_not_imported_twice)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 100);
	t_nats_begin_losing(&t.nats);
	t_two_pass(&t, 101, 300);
	t_nats_lose(&t.nats);
	t_put_all(t.p, 301, 400);
	t_take(t.c, 301, 400);
	t_nothing(t.c);
	t_two_end(&t);
}

/* The stream of the channel had ended when that came to light: it has not ended before
 * all of it is there. */
TEST(what_a_killed_server_has_not_read_is_sent_again_at_the_end_too)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 10);
	t_nats_pause(&t.nats);
	t_put_all(t.p, 11, 200);
	t_bus_ok(t.b.bus, ringbus_end(t.b.bus, "a"));
	t_until(t_nats_unread(t.nats.port) > 190 * 8);
	t_nats_kill(&t.nats);
	t_nats_launch(&t.nats);
	t_run_ends(&t.to, 0);
	t_take(t.c, 11, 200);
	t_bridge_stop(&t.from);
	t_two_finish(&t);
}

/* "a" of another length. */
static void
make_anew(struct t_two *t)
{
	const struct t_two_kinds other = {
		.a = "slots: 512, event_size: 8",
		.b = t_two_plain.b,
	};
	char yaml[4096];

	t_bridge_stop(&t->to);
	ringbus_producer_close(t->p);
	t_two_configure(t, &other, yaml, sizeof(yaml));
	t_daemon_configure(&t->b.daemon, yaml);
	t_bus_ok(t->b.bus, ringbus_reload(t->b.bus, RINGBUS_RELOAD_RECREATE));
	t->p = t_produce(t->b.bus, NULL);
	t_bridge_start(&t->to, &t->b, "a");
}

/* All that it had of the channel as it is now: what is left is of the one before. */
TEST(a_generation_that_the_stream_has_lost_is_sent_again)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 100);
	t_bridge_stop(&t.from);
	t_nats_begin_losing(&t.nats);
	make_anew(&t);
	t_put_all(t.p, 101, 300);
	t_until(t_two_all_is_acked(&t));
	t_nats_lose(&t.nats);
	t_bridge_start(&t.from, &t.b, "b");
	t_put_all(t.p, 301, 400);
	t_take(t.c, 101, 400);
	t_nothing(t.c);
	t_two_end(&t);
}

/* Power was lost on both: the ring begins anew, where the stream has forgotten what was
 * imported. That it has the same places does not make it the same. */
TEST(a_new_channel_is_not_taken_for_what_the_stream_has_lost)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 100);
	t_nats_begin_losing(&t.nats);
	t_two_pass(&t, 101, 300);
	t_nats_kill(&t.nats);
	t_nats_take_back(&t.nats);
	make_anew(&t);
	t_nats_launch(&t.nats);
	t_put_all(t.p, 301, 600);
	t_take(t.c, 301, 600);
	t_nothing(t.c);
	t_two_end(&t);
}
