/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_look.c - verbs that only look work with the daemon alive, killed and
 * stopped, on copies, and as another user
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_user.h"

#define CHANNEL                                                                \
	"slots: 16, event_size: 8, consumers: { app: { on_death: keep } }"

static const char *const verbs[] = { "ls", "show a", "why a",
				     "tail a --from oldest -n 3" };

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* A daemon with the three events "one", "two" and "three". */
static void
begin(struct t_bus *b)
{
	struct t_ctl run;

	t_bus_begin(b, CHANNEL);
	t_ctl_run(&run, &b->daemon, t_text_file("one\ntwo\nthree\n"), "pub a");
}

static void
look(const struct t_bus *b, const char *said)
{
	struct t_ctl run;

	for (size_t i = 0; i < N_VERBS; i++) {
		t_ctl_run(&run, &b->daemon, NULL, verbs[i]);
		ck_assert_msg(t_ctl_said(&run, said), "%s: %s", verbs[i],
			      t_ctl_err(&run));
	}
	ck_assert_str_eq(t_ctl_out(&run), "one\ntwo\nthree\n");
}

TEST(a_dead_daemons_channels_are_looked_at)
{
	struct t_ctl run;
	struct t_bus b;

	begin(&b);
	look(&b, "");
	t_daemon_kill(&b.daemon);
	for (size_t i = 0; i < N_VERBS; i++) {
		t_ctl_fail(&run, &b.daemon, NULL, verbs[i], 3);
		ck_assert_msg(t_ctl_said(&run, "or the folder of its channels"),
			      "%s", t_ctl_err(&run));
	}
	setenv("RINGBUS_SHM_DIR", b.daemon.shm, 1);
	look(&b, "looking into");
	ringbus_close(b.bus);
	t_daemon_restart(&b.daemon);
	t_daemon_stop(&b.daemon);
}

TEST(a_stopped_daemons_channels_are_looked_at)
{
	struct t_ctl run;
	struct t_bus b;

	begin(&b);
	ck_assert_int_eq(kill(b.daemon.pid, SIGSTOP), 0);
	t_ctl_fail(&run, &b.daemon, NULL, "ls", 5);
	ck_assert_msg(t_ctl_said(&run, "--shm-dir"), "%s", t_ctl_err(&run));
	setenv("RINGBUS_SHM_DIR", b.daemon.shm, 1);
	look(&b, "does not answer: looking into");
	ck_assert_int_eq(kill(b.daemon.pid, SIGCONT), 0);
	t_bus_end(&b);
}

TEST(a_folder_can_be_named)
{
	struct t_ctl run;
	struct t_bus b;

	begin(&b);
	t_ctl_run(&run, NULL, NULL,
		  t_words("tail a --from oldest -n 3 --shm-dir %s",
			  b.daemon.shm));
	ck_assert_str_eq(t_ctl_out(&run), "one\ntwo\nthree\n");
	ck_assert_str_eq(t_ctl_err(&run), "");
	t_ctl_run(&run, NULL, NULL,
		  t_words("--shm-dir %s ls --json", b.daemon.shm));
	t_json_lines(t_ctl_out(&run), 1);
	t_ctl_fail(&run, NULL, NULL, "ls --shm-dir /nonexistent", 3);
	ck_assert(t_ctl_said(&run, "/nonexistent: no such folder"));
	t_ctl_fail(&run, NULL, NULL,
		   t_words("pub a --shm-dir %s", b.daemon.shm), 2);
	t_ctl_fail(&run, NULL, NULL,
		   t_words("tail a --gate app --shm-dir %s", b.daemon.shm), 2);
	t_bus_end(&b);
}

static void
name_socket(struct t_bus *b, const char *folder, const char *name)
{
	const char *path = t_words("%s/%s", folder, name);

	ck_assert_uint_lt(strlen(path), sizeof(b->daemon.socket));
	memcpy(b->daemon.socket, path, strlen(path) + 1);
}

/* A daemon whose socket lies in its folder: that one it is. */
TEST(the_folder_of_a_socket_in_it_is_found)
{
	struct t_ctl run;
	struct t_bus b;

	begin(&b);
	t_daemon_kill(&b.daemon);
	name_socket(&b, b.daemon.shm, ".control.sock");
	look(&b, "looking into");
	t_ctl_run(&run, &b.daemon, NULL, "ls");
	ck_assert(t_ctl_said(&run, b.daemon.shm));
	ringbus_close(b.bus);
	name_socket(&b, t_tmpdir(), "control.sock");
	t_daemon_restart(&b.daemon);
	t_daemon_stop(&b.daemon);
}

TEST(files_of_another_user_are_code_4)
{
	struct t_ctl run;
	struct t_bus b;

	t_need_root();
	begin(&b);
	t_daemon_kill(&b.daemon);
	ck_assert_int_eq(chmod(b.daemon.shm, 0755), 0);
	setenv("RINGBUS_SHM_DIR", b.daemon.shm, 1);
	t_ctl_start_nobody(&run, &b.daemon, "show a");
	t_ctl_join(&run, 4);
	ck_assert(t_ctl_said(&run, "be that user, or root"));
	t_ctl_start_nobody(&run, &b.daemon, "ls");
	t_ctl_join(&run, 0);
	ringbus_close(b.bus);
	t_daemon_restart(&b.daemon);
	t_daemon_stop(&b.daemon);
}

static bool
is_listed_as_damaged(const struct t_bus *b)
{
	struct t_ctl run;

	t_ctl_run(&run, &b->daemon, NULL, "ls");
	return strstr(t_ctl_out(&run), "damaged") != NULL;
}

TEST(a_channel_that_was_cut_is_listed_as_damaged)
{
	struct t_ctl run;
	struct t_bus b;

	begin(&b);
	ck_assert(!is_listed_as_damaged(&b));
	ck_assert_int_eq(truncate(t_words("%s/a/ring", b.daemon.shm), 10), 0);
	t_until(is_listed_as_damaged(&b));
	t_ctl_fail(&run, &b.daemon, NULL, "show a", 1);
	ck_assert_msg(t_ctl_said(&run, "truncated"), "%s", t_ctl_err(&run));
	t_bus_end(&b);
}

static int
hold(void *arg)
{
	const struct t_bus *b = arg;

	t_consume_as(t_connect(&b->daemon), "app", RINGBUS_FROM_NOW);
	for (;;)
		pause();
	return 0;
}

TEST(who_died_after_the_daemon_is_told)
{
	struct ringbus_tap *tap;
	struct t_ctl run;
	struct t_bus b;
	pid_t pid;

	begin(&b);
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	pid = t_child(hold, &b);
	t_until(t_member(ringbus_tap_channel(tap), RINGBUS_CONSUMER, "app")
			.state == RINGBUS_MEMBER_ATTACHED);
	t_daemon_kill(&b.daemon);
	setenv("RINGBUS_SHM_DIR", b.daemon.shm, 1);
	t_ctl_run(&run, &b.daemon, NULL, "show a");
	ck_assert(strstr(t_ctl_out(&run), " attached") != NULL);
	t_kill(pid);
	t_ctl_run(&run, &b.daemon, NULL, "show a");
	ck_assert(strstr(t_ctl_out(&run), " gone ") != NULL);
	t_ctl_run(&run, &b.daemon, NULL, "show a --json");
	ck_assert(strstr(t_ctl_out(&run), "\"process\":\"gone\"") != NULL);
	ringbus_close(b.bus);
	t_daemon_restart(&b.daemon);
	t_daemon_stop(&b.daemon);
}

/* ------------------------------------------------- a daemon that dies meanwhile */

#define CALL_STOP (SIGTRAP | 0x80)

static int
execute_traced(void *arg)
{
	const struct t_ctl *run = arg;
	int out = open(run->out, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int err = open(run->err, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0 ||
	    ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		return 127;
	execl("/bin/sh", "sh", "-c", run->command, NULL);
	return 127;
}

static bool
is_at_send(pid_t pid)
{
	struct __ptrace_syscall_info info;

	ck_assert_int_gt(
		ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info), 0);
	return info.op == PTRACE_SYSCALL_INFO_ENTRY &&
	       info.entry.nr == SYS_sendto;
}

/* Lets it run until it is about to send its n-th message. */
static void
run_to_send(pid_t pid, int n)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, pid, NULL,
				PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
			 0);
	while (n > 0) {
		ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFSTOPPED(status), "has ended");
		if (WSTOPSIG(status) == CALL_STOP && is_at_send(pid))
			n--;
	}
}

/* HELLO, a name, a tap on it: it is about to ask for the second name. */
#define SENDS 4

static void
die_meanwhile(struct t_bus *b, const char *verb, int code)
{
	struct t_ctl run = { .out_fd = -1, .in_fd = -1 };

	run.command = t_words("exec %s --socket %s %s", t_program("ringbusctl"),
			      b->daemon.socket, verb);
	snprintf(run.out, sizeof(run.out), "%s/%s.out", t_tmpdir(), verb);
	snprintf(run.err, sizeof(run.err), "%s/%s.err", t_tmpdir(), verb);
	run.pid = t_child(execute_traced, &run);
	run_to_send(run.pid, SENDS);
	t_daemon_kill(&b->daemon);
	ck_assert_int_eq(ptrace(PTRACE_DETACH, run.pid, NULL, NULL), 0);
	t_ctl_join(&run, code);
	ck_assert_msg(t_ctl_said(&run, "looking into"), "%s", t_ctl_err(&run));
	ck_assert_msg(strstr(t_ctl_out(&run), "second") != NULL, "%s",
		      t_ctl_out(&run));
	t_daemon_restart(&b->daemon);
}

/* What was looked at until then stays open, and the rest is opened. */
TEST(a_daemon_dies_while_all_channels_are_opened)
{
	struct t_bus b;

	t_bus_begin_with(&b, "channels: { a: {}, second: {} }");
	setenv("RINGBUS_SHM_DIR", b.daemon.shm, 1);
	die_meanwhile(&b, "metrics", 0);
	die_meanwhile(&b, "stat -i 10ms -c 2", 0);
	die_meanwhile(&b, "check", 2);
	t_bus_end(&b);
}
