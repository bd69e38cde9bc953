/* SPDX-License-Identifier: MIT */
/*
 * attacks_process.c - members of `other` that become something else, or end in an
 * unusual way, with a claim open
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/attack.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_peer.h"
#include "tests/system/util_program.h"

/* Member number 0 among producers, as anybody sees it. */
static bool
is_state(const struct seat *tap, uint32_t state)
{
	return t_member_state(&tap->shm.meta->producers[0]) == state;
}

static struct seat
tap_on_other(const struct arena *arena)
{
	struct seat tap;

	t_ok(seat_take(arena, "other", RB_ROLE_TAP, NULL, &tap));
	return tap;
}

static struct seat
claimer(const struct arena *arena)
{
	struct seat seat;

	t_ok(seat_take(arena, "other", RB_ROLE_PRODUCER, NULL, &seat));
	seat_claim(&seat, 3);
	return seat;
}

static void
stays_until_killed(const struct arena *arena, int (*fn)(void *))
{
	struct seat tap = tap_on_other(arena);
	pid_t pid = fork_off(fn, (void *)arena);

	t_until(is_state(&tap, RB_MEMBER_ATTACHED));
	STORM(arena)
	sched_yield();
	saw("%s", is_state(&tap, RB_MEMBER_ATTACHED) ? "stays" : "lost");
	kill_off(pid);
	t_until(is_state(&tap, RB_MEMBER_FREE));
	saw("gone");
}

static int
claim_and_exec(void *arg)
{
	claimer(arg);
	execl("/bin/sleep", "sleep", "1000", NULL);
	return 127;
}

static void
execs(const struct arena *arena)
{
	stays_until_killed(arena, claim_and_exec);
}

static int
claim_and_stop(void *arg)
{
	claimer(arg);
	kill(getpid(), SIGSTOP);
	return 0;
}

static void
is_stopped(const struct arena *arena)
{
	stays_until_killed(arena, claim_and_stop);
}

static int
claim_and_be_traced(void *arg)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	claimer(arg);
	raise(SIGTRAP);
	return 0;
}

static void
is_traced(const struct arena *arena)
{
	stays_until_killed(arena, claim_and_be_traced);
}

static void *
go_on(void *arg)
{
	while (arg == NULL)
		pause();
	return NULL;
}

/* The first thread ends, and the process does not. */
static int
claim_and_lose_leader(void *arg)
{
	pthread_t thread;

	claimer(arg);
	ck_assert_int_eq(pthread_create(&thread, NULL, go_on, NULL), 0);
	pthread_exit(NULL); /* for good */
	return 0;
}

static void
loses_leader(const struct arena *arena)
{
	stays_until_killed(arena, claim_and_lose_leader);
}

/* -------------------------------------------------------- memory after a death */

struct ghost {
	const struct arena *arena;
	struct seat seat;
	struct rb_word64 *alive;
};

/* Keeps what a process mapped that is dead, and scribbles on. */
static int
haunt(void *arg)
{
	struct ghost *g = arg;
	struct rb_segment *s = &g->seat.shm.segments[RB_FILE_RING];

	for (;;) {
		((char *)s->base)[any() % s->size] = (char)any();
		t_store(g->alive, t_read(g->alive) + 1);
	}
	return 0;
}

static void
await_ghost(const struct ghost *g)
{
	uint64_t n = t_read(g->alive);

	t_until(t_read(g->alive) > n + 1000);
}

static int
fork_and_die(void *arg)
{
	struct ghost *g = arg;
	struct rb_segment *s;

	g->seat = claimer(g->arena);
	s = &g->seat.shm.segments[RB_FILE_RING];
	ck_assert_int_eq(madvise(s->base, s->mapping, MADV_DOFORK), 0);
	if (fork() == 0)
		haunt(g);
	await_ghost(g);
	die();
}

static int
share_and_die(void *arg)
{
	static char stack[1 << 16] __attribute__((aligned(64)));
	struct ghost *g = arg;

	g->seat = claimer(g->arena);
	ck_assert_int_gt(
		clone(haunt, stack + sizeof(stack), CLONE_VM | SIGCHLD, g), 0);
	await_ghost(g);
	die();
}

/* The daemon takes it for dead, and repairs while the ghost is there. */
static void
haunts(const struct arena *arena, int (*fn)(void *))
{
	struct ghost g = { .arena = arena, .alive = t_counter() };
	struct seat tap = tap_on_other(arena);

	await_end(fork_off(fn, &g));
	t_until(is_state(&tap, RB_MEMBER_FREE) ||
		is_state(&tap, RB_MEMBER_DYING));
	STORM(arena)
	sched_yield();
	await_ghost(&g);
	saw("writes on");
}

static void
forks(const struct arena *arena)
{
	haunts(arena, fork_and_die);
}

static void
shares(const struct arena *arena)
{
	haunts(arena, share_and_die);
}

/* The child of vfork() has our memory, and we stand still as long as it runs. */
static int
claim_and_vfork(void *arg)
{
	struct seat seat = claimer(arg);

	if (vfork() == 0) {
		seat_claim(&seat, 5);
		_exit(0);
	}
	die();
}

static void
vforks(const struct arena *arena)
{
	struct seat tap = tap_on_other(arena);

	await_end(fork_off(claim_and_vfork, (void *)arena));
	t_until(is_state(&tap, RB_MEMBER_FREE));
	saw("gone");
}

/* -------------------------------------------------------------- slow, large, small */

static int
claim_and_dump(void *arg)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	const struct arena *arena = arg;

	ck_assert_int_eq(chdir(t_tmpdir()), 0); /* where it may not write */
	setrlimit(RLIMIT_CORE, &all);
	claimer(arena);
	abort();
}

static void
dumps_core(const struct arena *arena)
{
	struct seat tap = tap_on_other(arena);
	int status;

	waitpid(fork_off(claim_and_dump, (void *)arena), &status, 0);
	saw("%s", WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "?");
	t_until(is_state(&tap, RB_MEMBER_FREE));
	saw("gone");
}

/* Much to tear down, after the signal and before the end. */
static int
claim_and_die_slowly(void *arg)
{
	size_t size = (size_t)128 << 20;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	claimer(arg);
	die();
}

static void
dies_slowly(const struct arena *arena)
{
	struct seat tap = tap_on_other(arena);

	await_end(fork_off(claim_and_die_slowly, (void *)arena));
	t_until(is_state(&tap, RB_MEMBER_FREE));
	saw("gone");
}

/* No room for the descriptors of the answer: then it is no member. */
static int
attach_without_fds(void *arg)
{
	const struct arena *arena = arg;
	struct rlimit few = { 0, 0 };
	struct ringbus *bus = t_connect(&arena->daemon);
	struct ringbus_producer *p = NULL;
	int last = dup(0);

	close(last);
	few.rlim_cur = few.rlim_max = (rlim_t)last + 2;
	setrlimit(RLIMIT_NOFILE, &few);
	saw_result(ringbus_producer_open(bus, "other", NULL, &p));
	ringbus_close(bus);
	return 0;
}

static void
few_fds(const struct arena *arena)
{
	struct seat tap = tap_on_other(arena);

	await_end(fork_off(attach_without_fds, (void *)arena));
	t_until(is_state(&tap, RB_MEMBER_FREE));
	saw("gone");
}

/* No room for the mappings. A sanitizer needs all of it for itself. */
static int
attach_without_memory(void *arg)
{
	const struct arena *arena = arg;
	struct ringbus *bus = t_connect(&arena->daemon);
	struct ringbus_producer *p = NULL;
	struct rlimit little = { 1 << 20, 1 << 20 };

	setrlimit(RLIMIT_AS, &little);
	saw_result(ringbus_producer_open(bus, "other", NULL, &p));
	ringbus_close(bus);
	return 0;
}

static void
little_memory(const struct arena *arena)
{
	struct seat tap = tap_on_other(arena);

#ifdef SANITIZED
	(void)attach_without_memory;
	saw("ENOMEM");
#else
	await_end(fork_off(attach_without_memory, (void *)arena));
#endif
	t_until(is_state(&tap, RB_MEMBER_FREE));
	saw("gone");
}

/* --------------------------------------------------------------- another user */

/* What it was let into it keeps; what it asks for now, it asks for as whom it was
 * when it connected. */
static int
change_user(void *arg)
{
	const struct arena *arena = arg;
	struct rb_control m = t_attach_message("flow", RB_ROLE_CONSUMER,
					       "reader");
	struct seat seat;

	ck_assert_int_eq(setresgid(UID_DAEMON, UID_DAEMON, UID_DAEMON), 0);
	ck_assert_int_eq(setresuid(UID_STRANGER, UID_STRANGER, 0), 0);
	seat = claimer(arena);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	ck_assert_int_eq(setresuid(UID_CONSUMER, UID_CONSUMER, UID_CONSUMER),
			 0);
	seat_claim(&seat, 1);
	saw("writes on");
	saw_result(t_peer_ask(seat.peer, &m, NULL));
	return 0;
}

static void
changes_user(const struct arena *arena)
{
	await_end(fork_off(change_user, (void *)arena));
}

#define MULTI OTHER_MULTI, UID_STRANGER

const struct attack attacks_process[] = {
	{ "execs", "exec() with a claim open", "stays, gone", execs, MULTI },
	{ "is_stopped", "SIGSTOP with a claim open", "stays, gone", is_stopped,
	  MULTI },
	{ "is_traced", "stopped by a tracer with a claim open", "stays, gone",
	  is_traced, MULTI },
	{ "loses_leader", "its first thread ends, and it does not",
	  "stays, gone", loses_leader, MULTI },
	{ "forks", "its child has its memory, and writes on after its death",
	  "writes on", forks, MULTI },
	{ "shares", "the same by clone(CLONE_VM)", "writes on", shares, MULTI },
	{ "vforks", "the child of vfork() claims for it", "gone", vforks,
	  MULTI },
	{ "dumps_core", "abort() with a core to dump", "ABRT, gone", dumps_core,
	  MULTI },
	{ "dies_slowly", "is killed with much memory", "gone", dies_slowly,
	  MULTI },
	{ "few_fds", "attaches without room for descriptors", "EMFILE, gone",
	  few_fds, MULTI },
	{ "little_memory", "attaches without room for mappings", "ENOMEM, gone",
	  little_memory, MULTI },
	{ "changes_user", "becomes another user with a member's memory",
	  "writes on, EACCES", changes_user, OTHER_MULTI, UID_ROOT },
	{ 0 },
};
