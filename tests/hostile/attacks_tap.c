/* SPDX-License-Identifier: MIT */
/*
 * attacks_tap.c - taps on the very channel of the pair, who want to write what they
 * may only read, and to disturb those that sleep
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/attack.h"
#include "tests/system/util_peer.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

static struct seat
tap_on_flow(const struct arena *arena)
{
	struct seat tap;

	t_ok(seat_take(arena, "flow", RB_ROLE_TAP, NULL, &tap));
	return tap;
}

static void
protects(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);

	for (int i = 0; i < RB_FILES; i++)
		saw_call(mprotect(tap.shm.segments[i].base, 4096,
				  PROT_READ | PROT_WRITE));
}

static void
maps(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);

	for (int i = 0; i < RB_FDS; i++)
		saw_call(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			      tap.fds[i], 0) == MAP_FAILED
				 ? -1
				 : 0);
}

/* One of one's own changes nothing for others. */
static void
maps_its_own(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);

	for (int i = 0; i < RB_FILES; i++) {
		char *copy = mmap(NULL, tap.shm.segments[i].size,
				  PROT_READ | PROT_WRITE, MAP_PRIVATE,
				  tap.fds[i], 0);

		ck_assert_ptr_ne(copy, MAP_FAILED);
		memset(copy, 0xff, tap.shm.segments[i].size);
	}
	saw("%s",
	    rb_word64_load_acquire(&tap.shm.meta->header.magic) == RB_MAGIC
		    ? "unchanged"
		    : "changed");
}

static void
reopens(const struct arena *arena)
{
	static const int flags[] = { O_RDWR, O_WRONLY, O_RDWR | O_TRUNC,
				     O_RDONLY | O_TRUNC };
	struct seat tap = tap_on_flow(arena);
	char path[64];

	for (int i = 0; i < RB_FDS; i++)
		for (unsigned k = 0; k < RB_ARRAY_SIZE(flags); k++) {
			snprintf(path, sizeof(path), "/proc/self/fd/%d",
				 tap.fds[i]);
			saw_call(open(path, flags[k] | O_CLOEXEC));
		}
}

static void
truncates(const struct arena *arena)
{
	static const off_t sizes[] = { 0, 1, 4095, 1 << 20, INT64_MAX };
	struct seat tap = tap_on_flow(arena);

	for (int i = 0; i < RB_FDS; i++)
		for (unsigned k = 0; k < RB_ARRAY_SIZE(sizes); k++)
			saw_call(ftruncate(tap.fds[i], sizes[k]));
}

static void
punches(const struct arena *arena)
{
	static const int modes[] = { 0,
				     FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				     FALLOC_FL_ZERO_RANGE,
				     FALLOC_FL_COLLAPSE_RANGE };
	struct seat tap = tap_on_flow(arena);

	for (int i = 0; i < RB_FDS; i++)
		for (unsigned k = 0; k < RB_ARRAY_SIZE(modes); k++)
			saw_call(fallocate(tap.fds[i], modes[k], 0, 4096));
}

static void
removes_pages(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);

	for (int i = 0; i < RB_FILES; i++)
		saw_call(madvise(tap.shm.segments[i].base, 4096, MADV_REMOVE));
}

static void
writes(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);
	static char evil[] = "evil";
	struct iovec part = { evil, 4 };

	for (int i = 0; i < RB_FDS; i++) {
		saw_call(write(tap.fds[i], "evil", 4));
		saw_call(pwrite(tap.fds[i], "evil", 4, 0));
		saw_call(pwritev2(tap.fds[i], &part, 1, -1, RWF_APPEND));
		saw_call(copy_file_range(tap.fds[RB_FILE_RING], NULL,
					 tap.fds[i], NULL, 4096, 0));
	}
}

/* A pipe has the very pages of a file that were spliced into it. */
static void
splices(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);
	loff_t at = 0;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(
		splice(tap.fds[RB_FILE_META], &at, ends[1], NULL, 1, 0), 1);
	ck_assert_int_eq(write(ends[1], "evil", 4), 4);
	saw("%s",
	    rb_word64_load_acquire(&tap.shm.meta->header.magic) == RB_MAGIC
		    ? "unchanged"
		    : "changed");
}

static void
changes_modes(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);

	for (int i = 0; i < RB_FDS; i++) {
		saw_call(fchmod(tap.fds[i], 0666));
		saw_call(fchown(tap.fds[i], getuid(), getgid()));
		saw_call(futimens(tap.fds[i],
				  (struct timespec[2]){ { 1, 0 }, { 1, 0 } }));
	}
}

static void
seals(const struct arena *arena)
{
	static const int kinds[] = { F_SEAL_WRITE, F_SEAL_FUTURE_WRITE,
				     F_SEAL_GROW, F_SEAL_SEAL };
	struct seat tap = tap_on_flow(arena);

	for (int i = 0; i < RB_FDS; i++)
		for (unsigned k = 0; k < RB_ARRAY_SIZE(kinds); k++)
			saw_call(fcntl(tap.fds[i], F_ADD_SEALS, kinds[k]));
}

static void
maps_beyond(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);
	struct rb_segment *s = &tap.shm.segments[RB_FILE_META];
	char *longer = mremap(s->base, s->size, s->size + (1 << 20),
			      MREMAP_MAYMOVE);

	ck_assert_ptr_ne(longer, MAP_FAILED);
	saw("byte %d", longer[s->size + (1 << 20) - 1]);
}

/* Each kind on each file; the daemon must not depend on any of them. */
static void
locks(const struct arena *arena)
{
	struct flock whole = { .l_type = F_RDLCK };
	struct seat tap = tap_on_flow(arena);
	struct seat another;

	for (int i = 0; i < RB_FDS; i++) {
		saw_call(flock(tap.fds[i], LOCK_EX | LOCK_NB));
		saw_call(fcntl(tap.fds[i], F_SETLK, &whole));
	}
	saw_result(seat_take(arena, "flow", RB_ROLE_TAP, NULL, &another));
	STORM(arena)
	saw_call(flock(tap.fds[RB_FILE_RING], LOCK_SH | LOCK_NB));
}

static void
leases(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);

	for (int i = 0; i < RB_FDS; i++) {
		saw_call(fcntl(tap.fds[i], F_SETLEASE, F_RDLCK));
		saw_call(fcntl(tap.fds[i], F_SETLEASE, F_WRLCK));
	}
}

/* --------------------------------------------------------------------- sleepers */

/* The words on which the pair sleeps: the producer's, and the reader's. */
static void *
word_of_pair(const struct seat *tap, unsigned turn)
{
	return turn % 2 ? (void *)&tap->shm.ring->event
			: (void *)&tap->shm.gates->consumers[0].event;
}

static long
futex(void *word, int op, unsigned n, uintptr_t m, void *other, uint32_t value)
{
	return syscall(SYS_futex, word, op, n, m, other, value);
}

static void
wakes(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);
	unsigned turn = 0;

	STORM(arena)
	saw("%s", futex(word_of_pair(&tap, turn++), FUTEX_WAKE, INT_MAX, 0,
			NULL, 0) >= 0
			  ? "ok"
			  : "refused");
}

/* Who sleeps there sleeps on, where nobody wakes. */
static void
steals(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);
	static uint32_t trap;
	unsigned turn = 0;

	STORM(arena)
	saw("%s", futex(word_of_pair(&tap, turn++), FUTEX_REQUEUE, 0, INT_MAX,
			&trap, 0) >= 0
			  ? "ok"
			  : "refused");
}

static void
steals_by_value(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);
	static uint32_t trap;
	unsigned turn = 0;

	STORM(arena)
	{
		struct rb_word32 *word = word_of_pair(&tap, turn++);

		futex(word, FUTEX_CMP_REQUEUE, 0, INT_MAX, &trap,
		      rb_word32_load_acquire(word));
		saw("ok");
	}
}

/* To the word of the other of the two: each waits for what it does itself. */
static void
crosses(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);
	unsigned turn = 0;

	STORM(arena)
	{
		futex(word_of_pair(&tap, turn), FUTEX_REQUEUE, 0, INT_MAX,
		      word_of_pair(&tap, turn + 1), 0);
		turn++;
		saw("ok");
	}
}

static int
sleep_among(void *arg)
{
	const struct seat *tap = arg;
	const struct timespec moment = { .tv_nsec = 100000000 };

	for (unsigned turn = 0;; turn++) {
		struct rb_word32 *word = word_of_pair(tap, turn);

		futex(word, FUTEX_WAIT, rb_word32_load_acquire(word),
		      (uintptr_t)&moment, NULL, 0);
	}
	return 0;
}

/* Wakers wake all of a crowd. */
static void
sleeps_among(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);
	pid_t crowd[64];

	/* As a hostile one would: what it maps, its children have. */
	for (int i = 0; i < RB_FILES; i++)
		madvise(tap.shm.segments[i].base, tap.shm.segments[i].mapping,
			MADV_DOFORK);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(crowd); i++)
		crowd[i] = fork_off(sleep_among, &tap);
	STORM(arena)
	saw("ok");
	for (unsigned i = 0; i < RB_ARRAY_SIZE(crowd); i++)
		kill_off(crowd[i]);
}

/* Does all to the bell that might ring it: who waits by descriptor looks once
 * more. */
static void
rings(const struct arena *arena)
{
	struct seat tap = tap_on_flow(arena);
	char path[64], byte = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", tap.fds[RB_FD_BELL]);
	STORM(arena)
	{
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		saw_call(pread(tap.fds[RB_FD_BELL], &byte, 1, 0));
		if (pwrite(tap.fds[RB_FD_BELL], &byte, 1, 0) >= 0)
			saw("written");
		close(fd);
	}
}

/* ------------------------------------------------------------- other processes */

struct neighbour {
	pid_t pid;
	int pidfd;
};

static void
harass(struct neighbour n)
{
	struct rlimit little = { 3, 3 };
	static char evil[] = "evil";
	struct iovec here = { evil, 4 }, there = { (void *)4096, 4 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", n.pid);
	saw_call(kill(n.pid, SIGSTOP));
	saw_call(syscall(SYS_pidfd_send_signal, n.pidfd, SIGKILL, NULL, 0));
	saw_call(syscall(SYS_pidfd_getfd, n.pidfd, 0, 0));
	saw_call(ptrace(PTRACE_SEIZE, n.pid, NULL, NULL));
	saw_call(process_vm_writev(n.pid, &here, 1, &there, 1, 0));
	saw_call(prlimit(n.pid, RLIMIT_NOFILE, &little, NULL));
	if (setpriority(PRIO_PROCESS, (id_t)n.pid, 19) == 0)
		saw("slowed down");
	if (open(path, O_RDWR | O_CLOEXEC) >= 0)
		saw("has its memory");
}

static void
harasses(const struct arena *arena)
{
	const pid_t pids[] = { arena->daemon.pid, arena->pair.producer,
			       arena->pair.consumer };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(pids); i++) {
		struct neighbour n = {
			.pid = pids[i],
			.pidfd = (int)syscall(SYS_pidfd_open, pids[i], 0),
		};

		t_ok(n.pidfd);
		harass(n);
	}
}

#define A_TAP OTHER_NONE, UID_STRANGER

const struct attack attacks_tap[] = {
	{ "protects", "mprotect() to write", "EACCES", protects, A_TAP },
	{ "maps", "mmap() to write", "EACCES", maps, A_TAP },
	{ "maps_its_own", "writes into private mappings", "unchanged",
	  maps_its_own, A_TAP },
	{ "reopens", "opens by /proc/self/fd to write, or to truncate",
	  "EACCES", reopens, A_TAP },
	{ "truncates", "ftruncate() to less and to more", "EINVAL", truncates,
	  A_TAP },
	{ "punches", "fallocate() of every kind", "EBADF", punches, A_TAP },
	{ "removes_pages", "madvise(MADV_REMOVE)", "EACCES", removes_pages,
	  A_TAP },
	{ "writes", "write() in its kinds, and copy_file_range()", "EBADF",
	  writes, A_TAP },
	{ "splices", "writes into a pipe that has a page of meta", "unchanged",
	  splices, A_TAP },
	{ "changes_modes", "fchmod(), fchown(), futimens()", "EPERM",
	  changes_modes, A_TAP },
	{ "seals", "seals of every kind", "EPERM", seals, A_TAP },
	{ "maps_beyond", "reads beyond the end of a file", "killed by SIGBUS",
	  maps_beyond, A_TAP },
	{ "locks", "locks every file, and goes on", "ok", locks, A_TAP },
	{ "leases", "leases on every file", "EACCES", leases, A_TAP },
	{ "wakes", "wakes the pair all the time", "ok", wakes, A_TAP },
	{ "steals", "FUTEX_REQUEUE: the pair sleeps where nobody wakes", "ok",
	  steals, A_TAP },
	{ "steals_by_value", "the same by FUTEX_CMP_REQUEUE", "ok",
	  steals_by_value, A_TAP },
	{ "crosses", "has each of the pair sleep on the other's word", "ok",
	  crosses, A_TAP },
	{ "sleeps_among", "64 processes sleep on the pair's words", "ok",
	  sleeps_among, A_TAP },
	{ "rings", "rings the bell all the time", "ok", rings, A_TAP },
	{ "harasses", "signals, traces, limits the daemon and the pair",
	  "EPERM", harasses, A_TAP },
	{ 0 },
};
