/* SPDX-License-Identifier: MIT */
/*
 * test_death_pid.c - a pid is no identity: who has the pid of a dead member is
 * a stranger
 *
 * clone3() lets root choose the pid of a child.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_peer.h"

#define SINGLE                                                                 \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8 } }\n"

/* A daemon, and the producer of its channel. */
struct scene {
	struct t_daemon d;
	pid_t member;
};

static void
begin(struct scene *s)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_PRODUCER, "p");
	struct rb_control held;

	t_daemon_start(&s->d, SINGLE);
	s->member = t_holder(&s->d, &attach, false, &held);
	t_ok(held.result);
	ck_assert(t_daemon_watches(&s->d, s->member));
}

/* ---------------------------------------------------------------- the pid */

/* A child with this pid, which runs fn(arg); or a negative errno. */
static pid_t
fork_as(pid_t pid, t_child_fn fn, void *arg)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t parent = getpid();
	long child = syscall(SYS_clone3, &args, sizeof(args));

	if (child < 0)
		return -errno;
	if (child > 0)
		return (pid_t)child;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	_exit(fn(arg));
}

static int
sit(void *arg)
{
	(void)arg;
	while (pause() < 0)
		;
	return 1;
}

/* The same; somebody else of this machine may have the pid for a moment. */
static pid_t
take_pid(pid_t pid, t_child_fn fn, void *arg)
{
	pid_t child;

	t_until((child = fork_as(pid, fn, arg)) != -EEXIST);
	ck_assert_int_eq(child, pid);
	return child;
}

/* Tried with one that is free. */
static void
need_chosen_pids(void)
{
	pid_t first = t_child(sit, NULL);
	pid_t again;

	t_kill(first);
	again = fork_as(first, sit, NULL);
	if (again < 0 && again != -EEXIST)
		T_SKIP("no pid can be chosen here: %s", strerror(-again));
	if (again > 0)
		t_kill(again);
}

/* Field 22 of /proc/PID/stat, of a process with a plain name. */
static uint64_t
start_time(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file,
				"%*d %*s %*c %*d %*d %*d %*d %*d %*d %*d %*d "
				"%*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %llu",
				&ticks),
			 1);
	fclose(file);
	return ticks;
}

/* -------------------------------------------------------------- the table */

struct words {
	uint64_t start_time;
	uint64_t inode;
};

static struct words
read_words(const struct t_daemon *d)
{
	struct rb_channel c;
	struct words words;

	t_daemon_map(d, "a", RB_ROLE_TAP, &c);
	words.start_time = rb_word64_load_acquire(
		&c.meta->producers[0].start_time);
	words.inode = rb_word64_load_acquire(&c.meta->producers[0].pidfd_inode);
	rb_channel_detach(&c);
	return words;
}

static void
write_words(const struct t_daemon *d, struct words words)
{
	struct rb_channel c;

	t_daemon_map(d, "a", RB_ROLE_DAEMON, &c);
	rb_word64_store_release(&c.meta->producers[0].start_time,
				words.start_time);
	rb_word64_store_release(&c.meta->producers[0].pidfd_inode, words.inode);
	rb_channel_detach(&c);
}

static bool
place_is_free(const struct t_daemon *d)
{
	struct rb_control answer;
	int peer = t_peer_greet(d);
	int err = t_peer_attach(peer, "a", RB_ROLE_PRODUCER, "q", &answer);

	if (err == 0)
		t_ok(t_peer_detach(peer, &answer));
	close(peer);
	return err == 0;
}

/* ------------------------------------------------------- while nobody looks */

/* The daemon dies, then the member; a stranger has its pid. */
static pid_t
replace_member(struct scene *s)
{
	t_daemon_kill(&s->d);
	t_kill(s->member);
	return take_pid(s->member, sit, NULL);
}

static void
is_a_stranger(struct scene *s, pid_t stranger)
{
	char died[64];

	t_daemon_restart(&s->d);
	snprintf(died, sizeof(died), "producer p (pid %d) died", s->member);
	ck_assert(t_daemon_said(&s->d, died));
	ck_assert(place_is_free(&s->d));
	ck_assert(!t_daemon_watches(&s->d, stranger));
	ck_assert_int_eq(kill(stranger, 0), 0);
	t_kill(stranger);
	t_daemon_stop(&s->d);
}

TEST(who_has_the_pid_is_not_the_member)
{
	struct scene s;

	need_chosen_pids();
	begin(&s);
	is_a_stranger(&s, replace_member(&s));
}

/* The start time is counted in ticks of 10 ms, so it can be the same. */
TEST(nor_is_who_had_it_within_the_same_tick)
{
	struct words words;
	pid_t stranger;
	struct scene s;

	need_chosen_pids();
	begin(&s);
	words = read_words(&s.d);
	stranger = replace_member(&s);
	if (words.inode == 0) {
		t_kill(stranger);
		t_daemon_restart(&s.d);
		t_daemon_stop(&s.d);
		T_SKIP("pidfds have no inodes of their own here");
	}
	words.start_time = start_time(stranger);
	write_words(&s.d, words);
	is_a_stranger(&s, stranger);
}

/* Before Linux 6.9 there is only the start time. */
TEST(without_an_inode_the_start_time_tells)
{
	struct words words;
	pid_t stranger;
	struct scene s;

	need_chosen_pids();
	begin(&s);
	words = read_words(&s.d);
	words.inode = 0;
	write_words(&s.d, words);
	stranger = replace_member(&s);
	while (start_time(stranger) == words.start_time) {
		t_kill(stranger);
		stranger = take_pid(s.member, sit, NULL);
	}
	is_a_stranger(&s, stranger);
}

TEST(without_an_inode_the_living_are_known)
{
	struct words words;
	struct scene s;

	begin(&s);
	t_daemon_kill(&s.d);
	words = read_words(&s.d);
	words.inode = 0;
	write_words(&s.d, words);
	t_daemon_restart(&s.d);
	ck_assert(!place_is_free(&s.d));
	ck_assert(t_daemon_watches(&s.d, s.member));
	t_kill(s.member);
	t_until(place_is_free(&s.d));
	t_daemon_stop(&s.d);
}

TEST(with_an_inode_the_start_time_is_not_asked)
{
	struct words words;
	struct scene s;

	begin(&s);
	t_daemon_kill(&s.d);
	words = read_words(&s.d);
	words.start_time++;
	write_words(&s.d, words);
	t_daemon_restart(&s.d);
	/* An inode is better; without it, this was another process. */
	ck_assert_int_eq(place_is_free(&s.d), words.inode == 0);
	t_kill(s.member);
	t_until(place_is_free(&s.d));
	t_daemon_stop(&s.d);
}

/* ------------------------------------------------------ while a daemon looks */

struct heir {
	const struct t_daemon *d;
	int connected[2];
};

/* Connects at once, and attaches as soon as the place is free. */
static int
inherit(void *arg)
{
	const struct heir *heir = arg;
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	struct rb_control answer;
	int peer = t_peer_connect(heir->d);

	if (write(heir->connected[1], "", 1) != 1)
		return 1;
	t_ok(t_peer_ask(peer, &hello, NULL));
	t_until(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, "heir", &answer) ==
		0);
	if (write(heir->connected[1], "", 1) != 1)
		return 1;
	return sit(NULL);
}

static void
await_byte(int fd)
{
	char byte;

	ck_assert_int_eq(read(fd, &byte, 1), 1);
}

/* The daemon finds the death and the connection of the next one with this pid
 * together, in whichever order. */
TEST(death_and_next_one_at_once)
{
	struct scene s;
	struct heir heir;
	pid_t next;

	need_chosen_pids();
	begin(&s);
	heir.d = &s.d;
	ck_assert_int_eq(pipe2(heir.connected, O_CLOEXEC), 0);
	ck_assert_int_eq(kill(s.d.pid, SIGSTOP), 0);
	t_kill(s.member);
	next = take_pid(s.member, inherit, &heir);
	await_byte(heir.connected[0]);
	ck_assert_int_eq(kill(s.d.pid, SIGCONT), 0);
	await_byte(heir.connected[0]);
	t_daemon_look(&s.d);
	ck_assert(!place_is_free(&s.d));
	t_kill(next);
	t_until(place_is_free(&s.d));
	close(heir.connected[0]);
	close(heir.connected[1]);
	t_daemon_stop(&s.d);
}

/* -------------------------------------------------- before SO_PEERPIDFD (6.5) */

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static int
forbid_peerpidfd(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_PEERPIDFD, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno
									: 0;
}

static int
run_on_old_kernel(void *arg)
{
	const struct t_daemon *d = arg;
	int log = open(d->log, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (log < 0 || dup2(log, STDERR_FILENO) < 0 || forbid_peerpidfd() < 0)
		return 127;
	execl(t_program("ringbusd"), "ringbusd", "--config", d->config,
	      "--socket", d->socket, "--shm-dir", d->shm, NULL);
	return 127;
}

static int
probe_filter(void *arg)
{
	int pair[2], pidfd;
	socklen_t size = sizeof(pidfd);

	(void)arg;
	if (forbid_peerpidfd() < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		return 1;
	return getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) <
				       0 &&
			       errno == ENOPROTOOPT
		       ? 0
		       : 1;
}

TEST(without_a_pidfd_of_the_peer_members_are_found_by_pid)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_PRODUCER, "p");
	struct rb_control held;
	struct t_daemon d;
	pid_t member;

	t_join(t_child(probe_filter, NULL));
	t_daemon_prepare(&d, SINGLE);
	d.pid = t_child(run_on_old_kernel, &d);
	t_daemon_await(&d);
	member = t_holder(&d, &attach, false, &held);
	t_ok(held.result);
	ck_assert(t_daemon_watches(&d, member));
	ck_assert(!place_is_free(&d));
	t_kill(member);
	t_until(place_is_free(&d));
	t_daemon_stop(&d);
}
