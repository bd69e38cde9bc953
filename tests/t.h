/* SPDX-License-Identifier: MIT */
/*
 * t.h - the test harness: one macro per test over check
 *
 *	TEST(wakes_every_sleeper)
 *	{
 *		ck_assert_int_eq(...);
 *	}
 *
 * registers itself; the suite is the source file. Each test runs in a process
 * of its own with a time limit. After it, the harness fails the test if it left
 * a child process, an open descriptor, or anything in its shared memory folder.
 * Command line: see t_main.c.
 *
 * Waiting is for an event, with a deadline: t_until(cond). Nothing in the tests
 * sleeps to give something time.
 */
#ifndef T_H
#define T_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define T_TIMEOUT 60  /* seconds of one test */
#define T_PATIENCE 10 /* seconds of one t_until() */

struct t_case {
	const char *name;
	const char *file;
	int line;
	int timeout;
	bool hidden;
	void (*run)(void);
	struct t_case *next;
};

#define T_CASE_(name_, timeout_, hidden_)                                      \
	static void test_##name_(void);                                        \
	__attribute__((constructor)) static void t_register_##name_(void)      \
	{                                                                      \
		static struct t_case self = {                                  \
			.name = #name_,                                        \
			.file = __FILE__,                                      \
			.line = __LINE__,                                      \
			.timeout = (timeout_),                                 \
			.hidden = (hidden_),                                   \
			.run = test_##name_,                                   \
		};                                                             \
		t_register(&self);                                             \
	}                                                                      \
	static void test_##name_(void)

#define TEST(name) T_CASE_(name, T_TIMEOUT, false)

/* For one that needs more, or proves it needs less, than T_TIMEOUT. */
#define TEST_TIMEOUT(name, seconds) T_CASE_(name, seconds, false)

/* Neither listed nor run unless its full name is given: must-fail samples. */
#define TEST_HIDDEN(name) T_CASE_(name, T_TIMEOUT, true)

void t_register(struct t_case *c);

/*
 * Ends the test as skipped. From the test process only, and best first thing:
 * what was acquired before is not released.
 */
#define T_SKIP(...) t_skip(__VA_ARGS__)
__attribute__((noreturn, format(printf, 1, 2))) void t_skip(const char *fmt,
							    ...);

/* A folder of this test, removed with all its content when the test ends. */
const char *t_tmpdir(void);

/*
 * The same in /dev/shm, but it has to be empty when the test ends: a file that
 * is left there fails the test.
 */
const char *t_shm_dir(void);

/* Removes a folder and all in it; what a test does with a killed one's rest. */
void t_remove_tree(const char *path);

/* What this process mounts from now on is its own; false if that cannot be,
 * because it is not root or lives in a chroot: skip then. */
bool t_own_mounts(void);

/* A folder with sample data, or NULL: skip then. */
const char *t_data_dir(void);

/*
 * Path of a program of this build: "ringbusd", "examples/hello_publish". If one
 * of that name is in the folder T_PROGRAMS, it stands in; T_BUILD tells it where
 * the build is.
 */
const char *t_program(const char *name);

/* The same to execute as a user who may not go to where the build is. */
int t_program_fd(const char *name);

/*
 * Forks; the child runs fn(arg), exits with what it returns, and dies with the
 * test. Every child has to be joined, by one of the three below. Assertions
 * work in the child and fail the test.
 */
typedef int (*t_child_fn)(void *arg);
pid_t t_child(t_child_fn fn, void *arg);

/* Forks and executes argv[0], else like t_child(). */
pid_t t_spawn(const char *const argv[]);

/* Waits for the end of a child and asserts that it exited with 0. */
#define t_join(pid) t_join_(pid, 0)

/* The same for another exit code, or for a death by a signal. */
#define t_join_exit(pid, code) t_join_(pid, (code) << 8)
#define t_join_signal(pid, signo) t_join_(pid, signo)

#define t_join_(pid, status)                                                   \
	do {                                                                   \
		char t_why_[128];                                              \
                                                                               \
		if (!t_ended(pid, status, t_why_, sizeof(t_why_)))             \
			ck_abort_msg("%s: %s", #pid, t_why_);                  \
	} while (0)

/* Waits for a child; true if its wait status is this, else the reason. */
bool t_ended(pid_t pid, int status, char *why, size_t why_size);

/* SIGKILL, and wait: the child dies here, at whatever instruction. */
void t_kill(pid_t pid);

/* /proc/PID/stat, from the state on. Good until the next call. */
const char *t_stat_of(pid_t pid);

/* True if the process, or the thread of it, `pid` sleeps in the kernel. */
bool t_is_asleep(pid_t pid);

/* Descriptors that a library keeps for good are not leaks of this test. */
void t_keep_fds(void);

/* A point in time to give up at. */
struct t_deadline {
	int64_t end_ns;
	unsigned n_naps;
};

struct t_deadline t_deadline(int seconds);

/* Yields, later naps for a moment; false once the deadline has passed. */
bool t_deadline_nap(struct t_deadline *deadline);

int64_t t_now_ns(void);

/* Waits until cond holds; fails the test, at this line, if it does not. */
#define t_until(cond) t_until_within(cond, T_PATIENCE)
#define t_until_within(cond, seconds)                                          \
	do {                                                                   \
		struct t_deadline t_deadline_ = t_deadline(seconds);           \
                                                                               \
		while (!(cond))                                                \
			if (!t_deadline_nap(&t_deadline_))                     \
				ck_abort_msg("not within %d s: %s", seconds,   \
					     #cond);                           \
	} while (0)

/* 0 or a positive value is fine; else the text of the errno is the message. */
#define t_ok(expr)                                                             \
	do {                                                                   \
		int64_t t_r_ = (expr);                                         \
                                                                               \
		if (t_r_ < 0)                                                  \
			ck_abort_msg("%s: %s", #expr, strerror((int)-t_r_));   \
	} while (0)

/*
 * For t_main.c: prepare once; then, per test, begin, run and end in its own
 * process, and sweep in the parent, which also outlives a test that crashed.
 */
void t_prepare(void);
struct t_case *t_cases(void);
void t_begin(void);
void t_run(const struct t_case *c);
void t_end(void);
void t_sweep(void);

#endif
