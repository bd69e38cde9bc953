/* SPDX-License-Identifier: MIT */
/*
 * test_death_namespace.c - members and daemons in PID namespaces of their own
 *
 * Whom the daemon's namespace has, however deep, is a member like any other. Whom
 * it does not have, it refuses; and members that are known by the pids of another
 * one it leaves alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_peer.h"

#define ONE                                                                    \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8 } }\n"

/* What a namespace and this test tell each other. */
struct realm {
	struct t_daemon d;
	struct rb_word64 *step;
	struct rb_word64 *pid; /* of the member, in its own namespace */
	bool stays;            /* the client inside */
};

static void
need_namespaces(void)
{
	pid_t child;

	if (geteuid() != 0)
		T_SKIP("only root can make a PID namespace");
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(unshare(CLONE_NEWPID) < 0);
	ck_assert_int_eq(waitpid(child, &child, 0) > 0, 1);
	if (child != 0)
		T_SKIP("no PID namespace can be made here");
}

static int
sit(void)
{
	while (pause() < 0)
		;
	return 1;
}

/* Runs fn(arg) as the first process of a new namespace; ends as it ends, and it
 * dies with us. */
static int
run_inside(t_child_fn fn, void *arg)
{
	int status;
	pid_t init;

	if (unshare(CLONE_NEWPID) < 0)
		return 1;
	init = fork();
	if (init == 0) {
		/* Our parent has no pid in here, so getppid() cannot tell. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn(arg));
	}
	if (init < 0 || waitpid(init, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* ------------------------------------------------------------ members inside */

static int
join(void *arg)
{
	const struct realm *realm = arg;

	t_consume_as(t_connect(&realm->d), "app", RINGBUS_FROM_NOW);
	t_store(realm->pid, (uint64_t)getpid());
	t_store(realm->step, 1);
	return sit();
}

/* Kills its child when it is told to, as only somebody in there can name it. */
static int
rule(void *arg)
{
	const struct realm *realm = arg;
	pid_t member = fork();

	if (member == 0)
		_exit(join(arg));
	while (t_read(realm->step) < 2)
		usleep(1000);
	kill(member, SIGKILL);
	waitpid(member, NULL, 0);
	t_store(realm->step, 3);
	return sit();
}

static int
run_ruler(void *arg)
{
	return run_inside(rule, arg);
}

TEST(member_in_a_namespace_below)
{
	struct realm realm = { .step = t_counter(), .pid = t_counter() };
	const struct rb_member *app;
	struct rb_channel c;
	pid_t outside, pid;

	need_namespaces();
	t_daemon_start(&realm.d, ONE);
	t_daemon_map(&realm.d, "a", RB_ROLE_TAP, &c);
	app = &c.meta->consumers[0];
	outside = t_child(run_ruler, &realm);
	t_until(t_read(realm.step) == 1);
	pid = (pid_t)rb_word32_load_acquire(&app->pid);
	ck_assert_uint_eq(t_read(realm.pid), 2);
	ck_assert_int_ne(pid, 2);
	ck_assert_int_eq(kill(pid, 0), 0);
	t_daemon_kill(&realm.d);
	t_daemon_restart(&realm.d);
	ck_assert_uint_eq(t_member_state(app), RB_MEMBER_ATTACHED);
	ck_assert(t_daemon_watches(&realm.d, pid));
	t_store(realm.step, 2);
	t_until(t_member_state(app) == RB_MEMBER_FREE);
	t_until(t_read(realm.step) == 3);
	t_kill(outside);
	rb_channel_detach(&c);
	t_daemon_stop(&realm.d);
}

/* Its first process takes all others of a namespace with it. */
TEST(namespace_that_ends)
{
	struct realm realm = { .step = t_counter(), .pid = t_counter() };
	struct rb_channel c;
	pid_t outside;

	need_namespaces();
	t_daemon_start(&realm.d, ONE);
	t_daemon_map(&realm.d, "a", RB_ROLE_TAP, &c);
	outside = t_child(run_ruler, &realm);
	t_until(t_read(realm.step) == 1);
	t_kill(outside);
	t_until(t_member_state(&c.meta->consumers[0]) == RB_MEMBER_FREE);
	rb_channel_detach(&c);
	t_daemon_stop(&realm.d);
}

/* ------------------------------------------------------------- daemon inside */

static int
serve(const struct t_daemon *d)
{
	int log = open(d->log, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		return 127;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(t_program("ringbusd"), "ringbusd", "--config", d->config,
	      "--socket", d->socket, "--shm-dir", d->shm, NULL);
	return 127;
}

static bool
mount_proc(void)
{
	return t_own_mounts() && mount("proc", "/proc", "proc", 0, NULL) == 0;
}

static void
attach_inside(const struct realm *realm)
{
	struct ringbus *bus;

	t_until(ringbus_connect(realm->d.socket, &bus) == 0);
	t_consume_as(bus, "app", RINGBUS_FROM_NOW);
	if (!realm->stays)
		ringbus_close(bus);
	t_store(realm->step, 1);
}

/* A daemon, and beside it a client, which is the first process there. */
static int
run_both(void *arg)
{
	const struct realm *realm = arg;

	if (!mount_proc())
		return 77;
	if (fork() == 0)
		_exit(serve(&realm->d));
	attach_inside(realm);
	return sit();
}

static int
run_realm(void *arg)
{
	return run_inside(run_both, arg);
}

static int
try_proc(void *arg)
{
	(void)arg;
	return mount_proc() ? 0 : 77;
}

static int
probe_proc(void *arg)
{
	return run_inside(try_proc, arg);
}

static void
need_proc(void)
{
	char why[128];
	pid_t child;

	need_namespaces();
	child = t_child(probe_proc, NULL);
	if (!t_ended(child, 0, why, sizeof(why)))
		T_SKIP("no /proc can be mounted in a namespace here");
}

static pid_t
begin_inside(struct realm *realm)
{
	pid_t outside;

	t_daemon_prepare(&realm->d, ONE);
	realm->step = t_counter();
	outside = t_child(run_realm, realm);
	t_until(t_read(realm->step) == 1);
	return outside;
}

TEST(client_outside_of_the_daemons_namespace)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	struct realm realm = { .stays = true };
	struct ringbus *bus;
	pid_t outside;
	int peer;

	need_proc();
	outside = begin_inside(&realm);
	peer = t_peer_connect(&realm.d);
	ck_assert_int_eq(t_peer_refuses(peer, &hello, "PID namespace"), -EXDEV);
	ck_assert(t_peer_is_closed(peer));
	close(peer);
	ck_assert_int_eq(ringbus_connect(realm.d.socket, &bus), -EXDEV);
	ck_assert_ptr_nonnull(
		strstr(ringbus_error(NULL), "share the PID namespace"));
	t_kill(outside);
	t_remove_tree(realm.d.shm);
}

/* Nobody out here can tell that they are dead. */
TEST(daemon_leaves_members_of_another_namespace_alone)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_TAP, NULL);
	struct realm realm = { .stays = true };
	char path[2 * PATH_MAX];
	int peer;

	need_proc();
	t_kill(begin_inside(&realm));
	/* The lock is free when the daemon in there is dead. */
	t_until(waitpid(-1, NULL, WNOHANG) < 0);
	t_daemon_restart(&realm.d);
	ck_assert(t_daemon_said(&realm.d, "channel a is not served"));
	peer = t_peer_greet(&realm.d);
	ck_assert_int_eq(t_peer_refuses(peer, &attach,
					"pids of another PID namespace"),
			 -EBADMSG);
	close(peer);
	t_daemon_stop(&realm.d);
	ck_assert(t_daemon_has(&realm.d, "a/ring"));
	snprintf(path, sizeof(path), "%s/a", realm.d.shm);
	t_remove_tree(path);
	t_daemon_restart(&realm.d);
	ck_assert(t_daemon_has(&realm.d, "a/ring"));
	t_daemon_stop(&realm.d);
}

TEST(daemon_takes_over_what_has_no_member_of_another_namespace)
{
	struct realm realm = { .stays = false };

	need_proc();
	t_kill(begin_inside(&realm));
	t_until(waitpid(-1, NULL, WNOHANG) < 0);
	t_daemon_restart(&realm.d);
	ck_assert(t_daemon_said(&realm.d, "channel a: taken over"));
	t_daemon_stop(&realm.d);
}

/* The pids there would be read as those here. */
static int
serve_with_wrong_proc(void *arg)
{
	return serve(arg);
}

static int
run_with_wrong_proc(void *arg)
{
	return run_inside(serve_with_wrong_proc, arg);
}

TEST(daemon_with_proc_of_another_namespace_does_not_start)
{
	struct t_daemon d;

	need_namespaces();
	t_daemon_prepare(&d, ONE);
	d.pid = t_child(run_with_wrong_proc, &d);
	t_daemon_ends(&d, 1);
	ck_assert(t_daemon_said(&d, "/proc is of another PID namespace"));
}
