/* SPDX-License-Identifier: MIT */
/*
 * util_program.h - a program of this build that runs beside a test
 *
 *	struct t_run run = { .socket = d.socket };
 *
 *	t_run_start(&run, "examples/hello_publish", "hello", "a", NULL);
 *	t_run_ends(&run, 0);
 *	ck_assert(t_run_said(&run, "published 0"));
 *
 * What it prints goes to a file in t_tmpdir().
 */
#ifndef T_UTIL_PROGRAM_H
#define T_UTIL_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* The shared library needs a runtime that comes first, in its own programs only. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

struct t_run {
	/* May be set before the start. */
	const char *socket;  /* RINGBUS_SOCKET */
	const char *setting; /* one more NAME=VALUE of its environment */
	int input;           /* a descriptor as stdin; 0: /dev/null */
	/* Filled in by it. */
	pid_t pid;
	char out[PATH_MAX];
	const char *argv[8];
};

/* The arguments end with NULL. */
__attribute__((sentinel)) void t_run_start(struct t_run *run,
					   const char *program, ...);

/* Waits for its end; any other exit code fails the test with its output. */
void t_run_ends(struct t_run *run, int exit_code);

/* All it has printed so far, stderr included. The caller frees it. */
char *t_run_output(const struct t_run *run);

/* True if this text is in it. For t_until(). */
bool t_run_said(const struct t_run *run, const char *text);

/* How often this text is in it. */
unsigned t_run_count(const struct t_run *run, const char *text);

#endif
