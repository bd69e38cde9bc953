/* SPDX-License-Identifier: MIT */
/*
 * test_daemon.c - ringbusd as a program: configuration, command line, stop
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "tests/system/util_peer.h"

#define SMALL "channels: { a: { slots: 64, event_size: 8 } }"
#define LARGE "channels: { a: { slots: 65536, event_size: 64 } }"

TEST(clean_stop_removes_everything)
{
	struct t_daemon d;

	t_daemon_start(&d, SMALL);
	ck_assert(t_daemon_has(&d, "a/meta"));
	ck_assert(t_daemon_has(&d, "a/ring"));
	ck_assert(t_daemon_has(&d, "a/gates"));
	ck_assert(t_daemon_has(&d, "a/bell"));
	t_daemon_stop(&d);
	ck_assert_int_eq(access(d.shm, F_OK), -1);
	ck_assert_int_eq(access(d.socket, F_OK), -1);
}

TEST(bad_configuration_is_78)
{
	struct t_daemon d;

	t_daemon_prepare(&d, "channels: { a: { slotz: 8 } }");
	t_daemon_launch(&d, NULL);
	t_daemon_ends(&d, 78);
	ck_assert(t_daemon_said(&d, "ringbus.yaml:1:"));
	ck_assert(t_daemon_said(&d, "slots"));
}

TEST(check_tells_errors_without_starting)
{
	struct t_daemon d;

	t_daemon_prepare(&d, "channels: { a: { slots: 9 } }");
	t_daemon_launch(&d, "--check");
	t_daemon_ends(&d, 78);
	ck_assert(t_daemon_said(&d, "ringbus.yaml:1:"));
}

/* Exit code of a shell command, and what it printed. */
static int
run(const char *command, char *output, size_t size)
{
	FILE *pipe = popen(command, "re");
	size_t n;

	ck_assert_ptr_nonnull(pipe);
	n = fread(output, 1, size - 1, pipe);
	output[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

TEST(check_prints_a_line_a_channel_and_the_sum)
{
	struct t_daemon d;
	char command[3 * PATH_MAX], text[4096];

	t_daemon_prepare(&d, "channels:\n"
			     "  a: { slots: 64, event_size: 64 }\n"
			     "  b: { slots: 64, slot_size: 64, framing: framed"
			     ", producers: multi }\n");
	snprintf(command, sizeof(command), "%s --check --config %s",
		 t_program("ringbusd"), d.config);
	ck_assert_int_eq(run(command, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "a "));
	ck_assert_ptr_nonnull(strstr(text, "b "));
	ck_assert_ptr_nonnull(strstr(text, "2 channels, "));
	ck_assert_ptr_nonnull(strstr(text, " bytes of shared memory"));
	ck_assert_int_eq(access(d.socket, F_OK), -1);
}

/* It would say of each channel that it would not be served. */
TEST(check_tells_nothing_of_another_users_channels)
{
	struct t_daemon d;
	char command[4 * PATH_MAX], text[4096];

	if (geteuid() != 0)
		T_SKIP("only root can give a folder away");
	t_daemon_start(&d, SMALL);
	ck_assert_int_eq(chown(d.shm, 65534, 65534), 0);
	snprintf(command, sizeof(command),
		 "%s --check --config %s --shm-dir %s 2>&1",
		 t_program("ringbusd"), d.config, d.shm);
	ck_assert_int_eq(run(command, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "is not ours"));
	ck_assert_ptr_null(strstr(text, "would be taken over"));
	ck_assert_int_eq(chown(d.shm, geteuid(), getegid()), 0);
	t_daemon_stop(&d);
}

TEST(check_prints_the_memory_of_groups)
{
	struct t_daemon d;
	char command[3 * PATH_MAX], text[4096];

	t_daemon_prepare(&d, "channels:\n"
			     "  a: { slots: 1024, event_size: 64, consumers: {"
			     " pool: { group: true }, more: { group: true },"
			     " last: {} } }\n");
	snprintf(command, sizeof(command), "%s --check --config %s",
		 t_program("ringbusd"), d.config);
	ck_assert_int_eq(run(command, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "3 declared consumers (2 groups, "));
	t_daemon_prepare(&d, SMALL);
	ck_assert_int_eq(run(command, text, sizeof(text)), 0);
	ck_assert_ptr_null(strstr(text, "group"));
}

TEST(what_cannot_be_printed_is_a_failure)
{
	char command[2 * PATH_MAX], text[4096];

	snprintf(command, sizeof(command), "%s --version 2>&1 >/dev/full",
		 t_program("ringbusd"));
	ck_assert_int_eq(run(command, text, sizeof(text)), 1);
	ck_assert_ptr_nonnull(strstr(text, "cannot write"));
}

TEST(check_of_the_builtin_example)
{
	char command[2 * PATH_MAX], text[4096];

	if (access(RB_CONFIG_DEFAULT, F_OK) == 0)
		T_SKIP("this machine has a configuration of its own");
	snprintf(command, sizeof(command), "%s --check", t_program("ringbusd"));
	ck_assert_int_eq(run(command, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "orders"));
}

TEST(usage_errors_are_2)
{
	char command[2 * PATH_MAX], text[4096];

	snprintf(command, sizeof(command), "%s --nonsense 2>&1",
		 t_program("ringbusd"));
	ck_assert_int_eq(run(command, text, sizeof(text)), 2);
	ck_assert_ptr_nonnull(strstr(text, "usage: ringbusd"));
	snprintf(command, sizeof(command), "%s more 2>&1",
		 t_program("ringbusd"));
	ck_assert_int_eq(run(command, text, sizeof(text)), 2);
}

TEST(version_and_help)
{
	char command[2 * PATH_MAX], text[4096];

	snprintf(command, sizeof(command), "%s --version",
		 t_program("ringbusd"));
	ck_assert_int_eq(run(command, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, ringbus_version()));
	snprintf(command, sizeof(command), "%s --help", t_program("ringbusd"));
	ck_assert_int_eq(run(command, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "--shm-dir"));
}

TEST(stop_waits_for_members_to_leave)
{
	struct t_daemon d;
	struct rb_control attached;
	struct rb_channel c;
	int peer;

	t_daemon_start(&d, "daemon: { drain: 1h }\n" SMALL);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, NULL, &attached));
	t_daemon_map(&d, "a", RB_ROLE_TAP, &c);
	ck_assert_int_eq(kill(d.pid, SIGTERM), 0);
	t_until(rb_word32_load_acquire(&c.meta->control.stream) ==
		RB_STREAM_CLOSING);
	ck_assert_int_eq(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, "late",
				       &(struct rb_control){ 0 }),
			 -ESHUTDOWN);
	t_ok(t_peer_detach(peer, &attached));
	t_daemon_ends(&d, 0);
	ck_assert_uint_eq(rb_word32_load_acquire(&c.meta->control.stream),
			  RB_STREAM_ABORTED);
	rb_channel_detach(&c);
	close(peer);
}

TEST(second_signal_stops_at_once)
{
	struct t_daemon d;
	struct rb_control attached;
	int peer;

	t_daemon_start(&d, "daemon: { drain: 1h }\n" SMALL);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, NULL, &attached));
	ck_assert_int_eq(kill(d.pid, SIGTERM), 0);
	t_until(t_daemon_said(&d, "to leave"));
	t_daemon_stop(&d);
	ck_assert(t_peer_is_closed(peer));
	close(peer);
}

TEST(drain_ends_by_itself)
{
	struct t_daemon d;
	struct rb_control attached;
	int peer;

	t_daemon_start(&d, "daemon: { drain: 10ms }\n" SMALL);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, NULL, &attached));
	t_daemon_stop(&d);
	ck_assert(t_daemon_said(&d, "stopping all the same"));
	close(peer);
}

TEST(drain_names_the_laggards)
{
	struct rb_control producer, consumer, done;
	struct rb_channel c;
	struct t_daemon d;
	char line[128];
	int peer;

	t_daemon_start(&d, "daemon: { drain: 10ms }\n" SMALL);
	t_daemon_map(&d, "a", RB_ROLE_DAEMON, &c);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, "feed", &producer));
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, "slow", &consumer));
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, "done", &done));
	t_publish(&c, 6);
	t_commit(&c, consumer.index, 1);
	t_commit(&c, done.index, 6);
	t_daemon_stop(&d);
	snprintf(line, sizeof(line),
		 "channel a: consumer slow (pid %d) is 5 "
		 "slots behind\n",
		 getpid());
	ck_assert(t_daemon_said(&d, line));
	snprintf(line, sizeof(line),
		 "channel a: consumer done (pid %d) is 0 "
		 "slots behind\n",
		 getpid());
	ck_assert(t_daemon_said(&d, line));
	snprintf(line, sizeof(line),
		 "channel a: producer feed (pid %d) is "
		 "still attached\n",
		 getpid());
	ck_assert(t_daemon_said(&d, line));
	rb_channel_detach(&c);
	close(peer);
}

/* utime + stime, in clock ticks. */
static unsigned long
cpu_ticks(pid_t pid)
{
	char path[64], text[1024];
	unsigned long user, system;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
	fclose(file);
	ck_assert_int_eq(sscanf(strrchr(text, ')'),
				") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
				"%*u %lu %lu",
				&user, &system),
			 2);
	return user + system;
}

static int
count_event(void *context, const struct ringbus_event *event, int end_of_batch)
{
	(void)event;
	(void)end_of_batch;
	++*(int64_t *)context;
	return 0;
}

TEST(data_flow_costs_the_daemon_nothing)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus *bus;
	struct t_daemon d;
	unsigned long before;
	int64_t n_read = 0;

	t_daemon_start(&d, LARGE);
	t_ok(ringbus_connect(d.socket, &bus));
	t_ok(ringbus_producer_open(bus, "a", NULL, &p));
	t_ok(ringbus_consumer_open(bus, "a", NULL, &c));
	before = cpu_ticks(d.pid);
	for (int64_t i = 0; i < 500000; i++) {
		t_ok(ringbus_producer_write(p, &i, sizeof(i), 0));
		if (i % 1000 == 999)
			t_ok(ringbus_consumer_poll(c, 1000, count_event,
						   &n_read));
	}
	ck_assert_int_eq(n_read, 500000);
	ck_assert_uint_le(cpu_ticks(d.pid) - before, 2);
	ringbus_close(bus);
	t_daemon_stop(&d);
}
