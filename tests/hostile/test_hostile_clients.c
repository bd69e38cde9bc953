/* SPDX-License-Identifier: MIT */
/*
 * test_hostile_clients.c - a hundred named attacks on a daemon and on two peers in
 * full flow, who come to no harm
 *
 * One after the other, each in a process of its own that is another user than the
 * daemon and than the peers. While it is on and after it the daemon answers, to
 * somebody who connects anew; after it the daemon holds as many descriptors and
 * mappings as before, the channel that was made for it can be removed, since
 * nobody is in it any more, and the peers go on. At the end they have exchanged
 * ten million events, each checked. A line is printed for each attack.
 *
 *	HOSTILE=1         each takes many times as long
 *	HOSTILE_ONLY=tap* only those with these names
 */
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/attack.h"
#include "tests/system/util_bus.h"

#define LIMIT 30    /* seconds of one attack */
#define SOME 10000  /* events after one */
#define AT_LEAST 60 /* attacks */

static const struct attack *const families[] = {
	attacks_socket,   attacks_handshake, attacks_request,
	attacks_tap,      attacks_memory,    attacks_repair,
	attacks_consumer, attacks_file,      attacks_process,
};

struct stage {
	const struct arena *arena;
	const struct attack *attack;
};

/* Its dead are not written to disk, unless that is what it tries, nor does a
 * sanitizer report them. */
static int
play(void *arg)
{
	const struct stage *stage = arg;
	struct rlimit no_core = { 0, RLIM_INFINITY };

	setpgid(0, 0);
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	arena_become(stage->attack->uid);
	stage->attack->run(stage->arena);
	return 0;
}

static void
tell_end(int status)
{
	if (WIFSIGNALED(status))
		saw("killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		saw("exit code %d", WEXITSTATUS(status));
}

/* Its end, and that of all it has started. */
static void
await_attack(pid_t pid, unsigned harder)
{
	struct t_deadline deadline = t_deadline(LIMIT * (int)harder);
	siginfo_t info = { 0 };
	char why[128];

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
		       0 &&
	       info.si_pid == 0)
		if (!t_deadline_nap(&deadline)) {
			saw("no end");
			kill(-pid, SIGKILL);
		}
	kill(-pid, SIGKILL);
	if (info.si_code == CLD_EXITED)
		tell_end(info.si_status << 8);
	else
		tell_end(info.si_status);
	t_ended(pid, 0, why, sizeof(why));
	while (waitpid(-pid, NULL, 0) > 0)
		;
}

/* All that it had is gone, and nobody else has noticed. */
static void
check_peace(struct arena *arena, const struct attack *attack)
{
	uint64_t end = flow_after(arena, SOME);

	arena_answers(arena);
	if (attack->other != OTHER_NONE)
		t_until_within(arena_remove_other(arena), LIMIT);
	t_until_within(arena_holds(arena) == arena->held, LIMIT);
	t_until_within(!pair_lives(&arena->pair) || flow_is_at(arena, end),
		       LIMIT);
	ck_assert(pair_lives(&arena->pair));
}

static bool
let_loose(struct arena *arena, const struct attack *attack)
{
	struct attack_report *report = attack_reports_to();
	struct stage stage = { arena, attack };
	bool fine;
	pid_t pid;

	*report = (struct attack_report){ .n = 0 };
	arena_make_other(arena, attack->other);
	printf("%-18s %-52s", attack->name, attack->tries);
	fflush(stdout);
	pid = t_child(play, &stage);
	arena_answers(arena);
	await_attack(pid, arena->harder);
	fine = strcmp(report->seen, attack->expected) == 0;
	printf(" expected: %s; seen: %s (%u times): %s\n", attack->expected,
	       report->seen, report->n, fine ? "OK" : "WRONG");
	check_peace(arena, attack);
	return fine;
}

static bool
is_wanted(const struct attack *attack)
{
	const char *only = getenv("HOSTILE_ONLY");

	return only == NULL || fnmatch(only, attack->name, 0) == 0;
}

TEST_TIMEOUT(pair_in_flow_survives_every_attack, 3600)
{
	unsigned n = 0, n_wrong = 0;
	struct arena arena;

	arena_begin(&arena);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(families); i++)
		for (const struct attack *a = families[i]; a->name != NULL; a++)
			if (is_wanted(a)) {
				n_wrong += !let_loose(&arena, a);
				n++;
			}
	printf("%u attacks, %u of them came out wrong\n", n, n_wrong);
	arena_end(&arena);
	ck_assert_uint_eq(n_wrong, 0);
	ck_assert(getenv("HOSTILE_ONLY") != NULL || n >= AT_LEAST);
}
