/* SPDX-License-Identifier: MIT */
/*
 * test_death_process.c - the many ways in which a process ends or seems to, told
 * apart by its pidfd alone, by the daemon that runs and by the next one
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_peer.h"

#define ONE                                                                    \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8 } }\n"

/* A daemon, its channel to look at, and a process that consumes from it. */
struct scene {
	struct t_daemon d;
	struct rb_channel c;
	pid_t member;
	struct rb_word64 *step; /* of the member */
};

static bool
is_member(const struct scene *s)
{
	return t_member_state(&s->c.meta->consumers[0]) == RB_MEMBER_ATTACHED;
}

static bool
is_out(const struct scene *s)
{
	return t_member_state(&s->c.meta->consumers[0]) == RB_MEMBER_FREE;
}

/* `life` begins with join() and goes on as it likes. */
static void
begin(struct scene *s, t_child_fn life)
{
	t_daemon_start(&s->d, ONE);
	t_daemon_map(&s->d, "a", RB_ROLE_TAP, &s->c);
	s->step = t_counter();
	s->member = t_child(life, s);
	t_until(t_read(s->step) > 0);
}

static void
end(struct scene *s)
{
	rb_channel_detach(&s->c);
	t_daemon_stop(&s->d);
}

static void
join(const struct scene *s)
{
	t_consume_as(t_connect(&s->d), "app", RINGBUS_FROM_NOW);
	t_store(s->step, 1);
}

static void
next_daemon(struct scene *s)
{
	t_daemon_kill(&s->d);
	t_daemon_restart(&s->d);
}

/* By the daemon that runs, and by the next. */
static void
stays_a_member(struct scene *s)
{
	t_daemon_look(&s->d);
	ck_assert(is_member(s));
	next_daemon(s);
	ck_assert(is_member(s));
	ck_assert(t_daemon_watches(&s->d, s->member));
	t_daemon_look(&s->d);
	ck_assert(is_member(s));
	ck_assert(!t_daemon_said(&s->d, " died"));
}

static int
live_on(void *arg)
{
	join(arg);
	while (pause() < 0)
		;
	return 1;
}

/* ------------------------------------------------------------------ zombies */

/* Dead, but its parent has not looked. */
static void
kill_unseen(pid_t pid)
{
	siginfo_t info;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

TEST(zombie_is_dead)
{
	struct scene s;

	begin(&s, live_on);
	kill_unseen(s.member);
	t_until(is_out(&s));
	t_join_signal(s.member, SIGKILL);
	end(&s);
}

TEST(zombie_is_dead_to_the_next_daemon)
{
	struct scene s;

	begin(&s, live_on);
	t_daemon_kill(&s.d);
	kill_unseen(s.member);
	ck_assert(is_member(&s));
	t_daemon_restart(&s.d);
	ck_assert(is_out(&s));
	ck_assert(t_daemon_said(&s.d, "consumer app"));
	t_join_signal(s.member, SIGKILL);
	end(&s);
}

/* ------------------------------------------------------------------ threads */

static bool
has_state(pid_t pid, char wanted)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
	fclose(file);
	return state == wanted;
}

static void *
wait_in_thread(void *arg)
{
	while (pause() < 0)
		;
	return arg;
}

static int
leave_a_thread(void *arg)
{
	pthread_t thread;

	join(arg);
	if (pthread_create(&thread, NULL, wait_in_thread, NULL) != 0)
		return 1;
	syscall(SYS_exit, 0);
	return 1;
}

/* A process lives as long as one of its threads, its first or not. */
TEST(first_thread_has_ended)
{
	struct scene s;

	begin(&s, leave_a_thread);
	t_until(has_state(s.member, 'Z'));
	stays_a_member(&s);
	t_kill(s.member);
	t_until(is_out(&s));
	end(&s);
}

static int
leave_no_thread(void *arg)
{
	join(arg);
	syscall(SYS_exit, 0);
	return 1;
}

TEST(last_thread_has_ended)
{
	struct scene s;

	begin(&s, leave_no_thread);
	t_until(is_out(&s));
	t_join(s.member);
	end(&s);
}

/* --------------------------------------------------------------------- exec */

/* A program that waits for its end. */
static void
become_another(void)
{
	execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(127);
}

static int
execute(void *arg)
{
	join(arg);
	become_another();
	return 1;
}

static void *
execute_in_thread(void *arg)
{
	become_another();
	return arg;
}

static int
execute_by_thread(void *arg)
{
	pthread_t thread;

	join(arg);
	if (pthread_create(&thread, NULL, execute_in_thread, NULL) != 0)
		return 1;
	return (int)(intptr_t)wait_in_thread(NULL);
}

static bool
is_called(pid_t pid, const char *name)
{
	char path[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%31s", comm), 1);
	fclose(file);
	return strcmp(comm, name) == 0;
}

/* It is the same process, whose death counts, also if another of its threads
 * became the first. */
static void
check_exec(t_child_fn life)
{
	struct scene s;

	if (access("/bin/sleep", X_OK) < 0)
		T_SKIP("no /bin/sleep");
	begin(&s, life);
	t_until(is_called(s.member, "sleep"));
	stays_a_member(&s);
	t_kill(s.member);
	t_until(is_out(&s));
	end(&s);
}

TEST(another_program_in_the_same_process)
{
	check_exec(execute);
}

TEST(another_program_started_by_another_thread)
{
	check_exec(execute_by_thread);
}

/* --------------------------------------------------------------------- ends */

static int
exit_at_once(void *arg)
{
	join(arg);
	_exit(0);
}

TEST(exit_without_closing)
{
	struct scene s;

	begin(&s, exit_at_once);
	t_until(is_out(&s));
	t_join(s.member);
	end(&s);
}

/* The kernel writes the core before it tells of the death. */
static int
dump_core(void *arg)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };

	if (chdir(t_tmpdir()) < 0 || setrlimit(RLIMIT_CORE, &limit) < 0)
		return 1;
	signal(SIGQUIT, SIG_DFL);
	join(arg);
	raise(SIGQUIT);
	return 1;
}

TEST(death_with_a_core_dump)
{
	struct scene s;

	begin(&s, dump_core);
	t_until(is_out(&s));
	t_join_signal(s.member, SIGQUIT);
	end(&s);
}

static int
hang_up(void *arg)
{
	const struct scene *s = arg;
	struct rb_control answer;
	int peer = t_peer_greet(&s->d);

	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, "app", &answer));
	close(peer);
	t_store(s->step, 1);
	while (pause() < 0)
		;
	return 1;
}

TEST(closed_connection_of_a_living_process)
{
	struct scene s;

	begin(&s, hang_up);
	stays_a_member(&s);
	t_kill(s.member);
	t_until(is_out(&s));
	end(&s);
}

/* ------------------------------------------------------------------- forks */

/* The child has the connection, and the name, and is not the member. */
static int
leave_a_child(void *arg)
{
	const struct scene *s = arg;

	join(s);
	if (fork() == 0) {
		t_store(s->step, 2);
		while (t_read(s->step) < 3)
			usleep(1000);
		_exit(0);
	}
	while (pause() < 0)
		;
	return 1;
}

TEST(child_that_outlives_its_parent)
{
	struct scene s;

	begin(&s, leave_a_child);
	t_until(t_read(s.step) == 2);
	t_kill(s.member);
	t_until(is_out(&s));
	t_store(s.step, 3);
	end(&s);
}

TEST(child_that_outlives_its_parent_and_the_daemon)
{
	struct scene s;

	begin(&s, leave_a_child);
	t_until(t_read(s.step) == 2);
	t_daemon_kill(&s.d);
	t_kill(s.member);
	t_daemon_restart(&s.d);
	ck_assert(is_out(&s));
	t_store(s.step, 3);
	end(&s);
}
