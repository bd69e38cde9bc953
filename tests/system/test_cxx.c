/* SPDX-License-Identifier: MIT */
/*
 * test_cxx.c - a C++ program whose callbacks throw: see tests/api/translator.cpp
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_program.h"

#define CONFIG                                                                 \
	"dynamic: { allow: any }\n"                                            \
	"channels: { single: { slots: 16, event_size: 8 },"                    \
	" multi: { slots: 16, event_size: 8, producers: multi } }\n"

static void
build(const char *source, const char *program)
{
	const char *argv[] = { "/bin/sh",
			       "-c",
			       "exec ${CXX:-c++} -std=c++17 -I. -o \"$1\" "
			       "\"$2\" -L\"$3\" -lringbus -Wl,-rpath,\"$3\" "
			       "-pthread",
			       "sh",
			       program,
			       source,
			       t_program("."),
			       NULL };

	t_join(t_spawn(argv));
}

TEST(exceptions_may_leave_callbacks)
{
	const char *argv[] = { NULL, NULL };
	char program[PATH_MAX];
	struct t_daemon d;

#ifdef SANITIZED
	T_SKIP("the sanitizer's runtime comes first in its own programs only");
#endif
	if (system("${CXX:-c++} --version >/dev/null 2>&1") != 0)
		T_SKIP("no C++ compiler");
	if (access("tests/api/translator.cpp", R_OK) != 0)
		T_SKIP("not run from the top of the source tree");
	snprintf(program, sizeof(program), "%s/translator", t_tmpdir());
	build("tests/api/translator.cpp", program);
	t_daemon_start(&d, CONFIG);
	ck_assert_int_eq(setenv("RINGBUS_SOCKET", d.socket, 1), 0);
	argv[0] = program;
	t_join(t_spawn(argv));
	t_daemon_stop(&d);
}
