/* SPDX-License-Identifier: MIT */
/*
 * test_service_lines.c - what ringbus-journal and ringbus-bridge tell on stderr, which
 * may be the journal of systemd, or not any more
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_program.h"
#include "tests/t.h"

struct service {
	const char *program;
	bool is_logged;   /* to what JOURNAL_STREAM says */
	struct t_run run; /* `out` alone */
};

static int
execute(void *arg)
{
	struct service *s = arg;
	int out = open(s->run.out, O_WRONLY | O_APPEND | O_CLOEXEC);
	char stream[64];
	struct stat st;

	if (dup2(out, STDERR_FILENO) < 0 || fstat(out, &st) < 0)
		return 127;
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino + !s->is_logged);
	setenv("JOURNAL_STREAM", stream, 1);
	setenv("RINGBUS_SOCKET", "/nonexistent/socket", 1);
	execl(s->program, s->program, "a", NULL);
	return 127;
}

/* Where no daemon is it says that it waits for one. */
static void
expect(const char *program, bool is_logged, const char *begin)
{
	struct service s = { .program = t_program(program),
			     .is_logged = is_logged };
	char *text;
	pid_t pid;
	int fd;

	if (access(s.program, X_OK) < 0)
		T_SKIP("a program is missing");
	snprintf(s.run.out, sizeof(s.run.out), "%s/out.XXXXXX", t_tmpdir());
	fd = mkstemp(s.run.out);
	ck_assert_int_ge(fd, 0);
	close(fd);
	pid = t_child(execute, &s);
	t_until(t_run_said(&s.run, "waits for"));
	text = t_run_output(&s.run);
	ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0, "%s", text);
	free(text);
	t_kill(pid);
}

TEST(the_journal_gets_priorities)
{
	expect("ringbus-journal", true, "<6>a: ");
	expect("ringbus-bridge", true, "<6>a: ");
}

/* The variable is inherited, and stderr is another file by now. */
TEST(others_get_the_program)
{
	expect("ringbus-journal", false, "ringbus-journal: a: ");
	expect("ringbus-bridge", false, "ringbus-bridge: a: ");
}
