/* SPDX-License-Identifier: MIT */
/*
 * util_ctl.c - see util_ctl.h
 *
 * What is said to live until the test ends is never freed: each test is a
 * process of its own. It is kept in a list, so that it is no leak either.
 */
#include "tests/system/util_ctl.h"

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_user.h"

#define WORDS_MAX 32

struct kept {
	struct kept *next;
	char *text;
};

static struct kept *all_kept;

static char *
keep(char *text)
{
	struct kept *kept = malloc(sizeof(*kept));

	ck_assert_ptr_nonnull(kept);
	kept->next = all_kept;
	kept->text = text;
	all_kept = kept;
	return text;
}

const char *
t_words(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	ck_assert_int_ge(vasprintf(&text, fmt, args), 0);
	va_end(args);
	return keep(text);
}

static const char *
new_path(const char *kind)
{
	static int n_paths;

	return t_words("%s/%d.%s", t_tmpdir(), n_paths++, kind);
}

/* -------------------------------------------------------------------- runs */

static int
redirect(int from, const char *path, int flags, int fd)
{
	if (from == -1)
		from = open(path, flags | O_CLOEXEC, 0600);
	return from < 0 ? -1 : dup2(from, fd);
}

/* Gives up all rights, and all need for those on the way to the socket. */
static int
become_nobody(void)
{
	if (chmod(t_tmpdir(), 0750) < 0 || chdir(t_tmpdir()) < 0 ||
	    setenv("RINGBUS_SOCKET", "control.sock", 1) < 0)
		return -1;
	t_become(&t_stranger, NULL);
	return 0;
}

static int
execute(void *arg)
{
	const struct t_ctl *run = arg;
	char *words[WORDS_MAX + 2] = { (char *)"ringbusctl" };
	char *command = strdup(run->command), *rest;
	const int create = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
	int program = open(t_program("ringbusctl"), O_PATH | O_CLOEXEC);
	int n = 1;

	/* A shell that runs the tests in the background ignores it. */
	signal(SIGINT, SIG_DFL);
	for (words[n] = strtok_r(command, " ", &rest); words[n] != NULL;
	     words[n] = strtok_r(NULL, " ", &rest))
		ck_assert_int_lt(++n, WORDS_MAX);
	if (redirect(run->in_fd, run->input, O_RDONLY, STDIN_FILENO) < 0 ||
	    redirect(run->out_fd, run->out, create, STDOUT_FILENO) < 0 ||
	    redirect(-1, run->err, create, STDERR_FILENO) < 0 ||
	    setenv("RINGBUS_SOCKET", run->socket, 1) < 0)
		return 127;
	if (run->is_nobody && become_nobody() < 0)
		return 127;
	fexecve(program, words, environ);
	return 127;
}

static void
start(struct t_ctl *run, const struct t_daemon *daemon, const char *command)
{
	run->command = command;
	run->socket = daemon != NULL ? daemon->socket : "/nonexistent/sock";
	snprintf(run->out, sizeof(run->out), "%s", new_path("out"));
	snprintf(run->err, sizeof(run->err), "%s", new_path("err"));
	run->pid = t_child(execute, run);
}

void
t_ctl_start(struct t_ctl *run, const struct t_daemon *daemon, const char *input,
	    const char *command)
{
	run->input = input != NULL ? input : "/dev/null";
	run->in_fd = -1;
	run->out_fd = -1;
	run->is_nobody = false;
	start(run, daemon, command);
}

void
t_ctl_start_fds(struct t_ctl *run, const struct t_daemon *daemon,
		const int fds[2], const char *command)
{
	run->input = "/dev/null";
	run->in_fd = fds[0];
	run->out_fd = fds[1];
	run->is_nobody = false;
	start(run, daemon, command);
}

void
t_ctl_start_nobody(struct t_ctl *run, const struct t_daemon *daemon,
		   const char *command)
{
	run->input = "/dev/null";
	run->in_fd = -1;
	run->out_fd = -1;
	run->is_nobody = true;
	start(run, daemon, command);
}

static void
join(struct t_ctl *run, int status)
{
	char why[128];

	if (!t_ended(run->pid, status, why, sizeof(why)))
		ck_abort_msg("ringbusctl %s: %s; it said:\n%s", run->command,
			     why, t_ctl_err(run));
	run->pid = 0;
}

void
t_ctl_join(struct t_ctl *run, int code)
{
	join(run, code << 8);
}

void
t_ctl_join_signal(struct t_ctl *run, int signo)
{
	join(run, signo);
}

bool
t_ctl_worked(struct t_ctl *run)
{
	char why[128];

	return t_ended(run->pid, 0, why, sizeof(why));
}

void
t_ctl_fail(struct t_ctl *run, const struct t_daemon *daemon, const char *input,
	   const char *command, int code)
{
	t_ctl_start(run, daemon, input, command);
	t_ctl_join(run, code);
}

void
t_ctl_tail(struct t_ctl *run, const struct t_daemon *daemon, const char *words)
{
	t_ctl_start(run, daemon, NULL, t_words("tail -v %s", words));
	t_until(t_ctl_said(run, "attached"));
}

void
t_ctl_run(struct t_ctl *run, const struct t_daemon *daemon, const char *input,
	  const char *command)
{
	t_ctl_fail(run, daemon, input, command, 0);
}

/* ------------------------------------------------------------------- files */

char *
t_file_read(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "re");
	char *data = NULL;
	size_t size = 0, n;

	/* What a child has not yet opened is empty. */
	while (file != NULL) {
		data = realloc(data, size + BUFSIZ + 1);
		ck_assert_ptr_nonnull(data);
		n = fread(data + size, 1, BUFSIZ, file);
		size += n;
		if (n == 0)
			break;
	}
	if (file == NULL)
		data = calloc(1, 1);
	else
		fclose(file);
	ck_assert_ptr_nonnull(data);
	data[size] = '\0';
	if (ret_size != NULL)
		*ret_size = size;
	return data;
}

const char *
t_file(const void *data, size_t size)
{
	const char *path = new_path("in");
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

const char *
t_text_file(const char *text)
{
	return t_file(text, strlen(text));
}

void
t_file_is(const char *path, const void *data, size_t size)
{
	size_t is_size;
	char *is = t_file_read(path, &is_size);

	ck_assert_uint_eq(is_size, size);
	ck_assert_int_eq(memcmp(is, data, size), 0);
	free(is);
}

const char *
t_ctl_out(const struct t_ctl *run)
{
	return keep(t_file_read(run->out, NULL));
}

const char *
t_ctl_err(const struct t_ctl *run)
{
	return keep(t_file_read(run->err, NULL));
}

bool
t_ctl_printed(const struct t_ctl *run, const char *text)
{
	char *out = t_file_read(run->out, NULL);
	bool is_equal = strcmp(out, text) == 0;

	free(out);
	return is_equal;
}

bool
t_ctl_said(const struct t_ctl *run, const char *text)
{
	char *err = t_file_read(run->err, NULL);
	bool said = strstr(err, text) != NULL;

	free(err);
	return said;
}

/* -------------------------------------------------------------------- JSON */

/* Each returns what follows the value, or NULL if it is none. */
static const char *skip_value(const char *p);

static const char *
skip_string(const char *p)
{
	if (*p++ != '"')
		return NULL;
	for (; *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		p++;
		if (*p == 'u' && strspn(p + 1, "0123456789abcdefABCDEF") >= 4)
			p += 4;
		else if (*p == '\0' || strchr("\"\\/bfnrt", *p) == NULL)
			return NULL;
	}
	return p + 1;
}

static const char *
skip_integer(const char *p)
{
	p += *p == '-';
	if (!isdigit((unsigned char)*p) ||
	    (*p == '0' && isdigit((unsigned char)p[1])))
		return NULL;
	return p + strspn(p, "0123456789");
}

/* Of an object or an array, from behind its bracket on. */
static const char *
skip_members(const char *p, char end, bool has_keys)
{
	if (*p == end)
		return p + 1;
	for (;; p++) {
		if (has_keys) {
			p = skip_string(p);
			if (p == NULL || *p++ != ':')
				return NULL;
		}
		p = skip_value(p);
		if (p == NULL || *p == end)
			return p != NULL ? p + 1 : NULL;
		if (*p != ',')
			return NULL;
	}
}

static const char *
skip_value(const char *p)
{
	switch (*p) {
	case '{':
		return skip_members(p + 1, '}', true);
	case '[':
		return skip_members(p + 1, ']', false);
	case '"':
		return skip_string(p);
	case 't':
		return strncmp(p, "true", 4) == 0 ? p + 4 : NULL;
	case 'f':
		return strncmp(p, "false", 5) == 0 ? p + 5 : NULL;
	default:
		return skip_integer(p);
	}
}

void
t_json_lines(const char *text, int n_lines)
{
	const char *p = text;
	int n = 0;

	for (; *p != '\0'; n++) {
		const char *end = *p == '{' ? skip_value(p) : NULL;

		if (end == NULL || *end != '\n')
			ck_abort_msg("no JSON object: %s", p);
		p = end + 1;
	}
	ck_assert_msg(n == n_lines, "%d lines, not %d: %s", n, n_lines, text);
}
