/* SPDX-License-Identifier: MIT */
/*
 * util_program.c - see util_program.h
 */
#include "tests/system/util_program.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/t.h"

static int
execute(void *arg)
{
	struct t_run *run = arg;
	int out = open(run->out, O_WRONLY | O_APPEND | O_CLOEXEC);
	int in = run->input > 0 ? run->input
				: open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (out < 0 || in < 0 || dup2(in, STDIN_FILENO) < 0 ||
	    dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		return 127;
	setenv("TMPDIR", t_tmpdir(), 1);
	if (run->socket != NULL)
		setenv("RINGBUS_SOCKET", run->socket, 1);
	if (run->setting != NULL)
		putenv((char *)run->setting);
	execv(run->argv[0], (char *const *)run->argv);
	return 127;
}

void
t_run_start(struct t_run *run, const char *program, ...)
{
	unsigned n = 0;
	va_list args;
	int fd;

	run->argv[n++] = t_program(program);
	va_start(args, program);
	do {
		ck_assert_uint_lt(n, 8);
		run->argv[n] = va_arg(args, const char *);
	} while (run->argv[n++] != NULL);
	va_end(args);
	snprintf(run->out, sizeof(run->out), "%s/out.XXXXXX", t_tmpdir());
	fd = mkstemp(run->out);
	ck_assert_int_ge(fd, 0);
	close(fd);
	run->pid = t_child(execute, run);
}

void
t_run_ends(struct t_run *run, int exit_code)
{
	char why[128];

	if (!t_ended(run->pid, exit_code << 8, why, sizeof(why)))
		ck_abort_msg("%s %s; it said:\n%s", run->argv[0], why,
			     t_run_output(run));
}

char *
t_run_output(const struct t_run *run)
{
	FILE *file = fopen(run->out, "re");
	char *text = NULL;
	size_t size = 0;

	ck_assert_ptr_nonnull(file);
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = calloc(1, 1);
	}
	fclose(file);
	ck_assert_ptr_nonnull(text);
	return text;
}

unsigned
t_run_count(const struct t_run *run, const char *text)
{
	char *output = t_run_output(run);
	unsigned n = 0;

	for (const char *at = output; (at = strstr(at, text)) != NULL; at++)
		n++;
	free(output);
	return n;
}

bool
t_run_said(const struct t_run *run, const char *text)
{
	return t_run_count(run, text) > 0;
}
