/* SPDX-License-Identifier: MIT */
/*
 * util_ctl.h - run ringbusctl against a test's daemon and look at what it says
 *
 *	struct t_ctl run;
 *
 *	t_ctl_run(&run, &daemon, NULL, "ls --json");    asserts exit code 0
 *	t_ctl_out(&run)                                 what it printed
 *
 * The words of a command are separated by one space each. stdin is a file of
 * the test or /dev/null; stdout and stderr are files in t_tmpdir().
 */
#ifndef T_UTIL_CTL_H
#define T_UTIL_CTL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/system/util_daemon.h"

struct t_ctl {
	pid_t pid;
	const char *command;
	const char *socket;
	const char *input; /* path of stdin */
	int in_fd;         /* or, if not -1, a descriptor */
	int out_fd;        /* the same for stdout */
	bool is_nobody;    /* run as a user without any rights */
	char out[PATH_MAX];
	char err[PATH_MAX];
};

/* Starts it. `input` may be NULL, and so may the daemon: then there is none. */
void t_ctl_start(struct t_ctl *run, const struct t_daemon *daemon,
		 const char *input, const char *command);

/* The same with descriptors for stdin and stdout, -1 for none. */
void t_ctl_start_fds(struct t_ctl *run, const struct t_daemon *daemon,
		     const int fds[2], const char *command);

/*
 * The same as a user who is neither root nor the daemon's, but in the group that
 * may connect. Needs root: T_SKIP() otherwise.
 */
void t_ctl_start_nobody(struct t_ctl *run, const struct t_daemon *daemon,
			const char *command);

/* Waits for its end, which has to be this exit code, or this signal. */
void t_ctl_join(struct t_ctl *run, int code);
void t_ctl_join_signal(struct t_ctl *run, int signo);

/* Waits for its end, whatever it is: true for exit code 0. */
bool t_ctl_worked(struct t_ctl *run);

/* Starts `tail -v WORDS`, and waits until it is attached. */
void t_ctl_tail(struct t_ctl *run, const struct t_daemon *daemon,
		const char *words);

/* Starts and joins: exit code 0, or another. */
void t_ctl_run(struct t_ctl *run, const struct t_daemon *daemon,
	       const char *input, const char *command);
void t_ctl_fail(struct t_ctl *run, const struct t_daemon *daemon,
		const char *input, const char *command, int code);

/* What it wrote so far; lives until the test ends. */
const char *t_ctl_out(const struct t_ctl *run);
const char *t_ctl_err(const struct t_ctl *run);

/* True if stdout is this text and nothing else. */
bool t_ctl_printed(const struct t_ctl *run, const char *text);

/* True if stderr has this text in it. */
bool t_ctl_said(const struct t_ctl *run, const char *text);

/* A file in t_tmpdir() with this content; its path lives until the test ends.
 */
const char *t_file(const void *data, size_t size);
const char *t_text_file(const char *text);

/* The content of a file, with a NUL behind it. The caller frees it. */
char *t_file_read(const char *path, size_t *ret_size);

/* Asserts that a file has this content. */
void t_file_is(const char *path, const void *data, size_t size);

/* The words of a command; they live until the test ends. */
const char *t_words(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Asserts that each line is one JSON object and nothing else; there are
 * n_lines of them. */
void t_json_lines(const char *text, int n_lines);

#endif
