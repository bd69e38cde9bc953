/* SPDX-License-Identifier: MIT */
/*
 * test_inlined.c - programs behave the same with and without what ringbus.h
 * inlines, in C and C++: see tests/api/inlined.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_program.h"

#define SOURCE "tests/api/inlined.c"

/* Of the channels "single_wide" and "wide" most claims need no look. */
#define CONFIG                                                                 \
	"channels: {"                                                          \
	" single: { slots: 16, event_size: 8 },"                               \
	" wide: { slots: 1024, event_size: 8 },"                               \
	" single_wide: { slots: 1024, event_size: 8 },"                        \
	" multi: { slots: 16, event_size: 8, producers: multi },"              \
	" strict: { slots: 16, event_size: 8, producers: multi,"               \
	" strict: true },"                                                     \
	" framed: { slots: 16, framing: framed, slot_size: 64 },"              \
	" lossy: { slots: 16, event_size: 8 },"                                \
	" blocking: { slots: 1024, event_size: 8, wait: blocking },"           \
	" child: { slots: 16, event_size: 8 },"                                \
	" ending: { slots: 16, event_size: 8 } }\n"

/* `compiler` with its flags, in words of the shell. */
static void
build(const char *compiler, const char *program)
{
	char command[512];
	const char *argv[] = { "/bin/sh", "-c",   command,        "sh",
			       program,   SOURCE, t_program("."), NULL };

	snprintf(
		command, sizeof(command),
		"exec %s -I. -Wall -Wextra -Werror -o \"$1\" \"$2\" -L\"$3\" "
		"-lringbus -Wl,-rpath,\"$3\" -Wl,--wrap=ringbus_producer_claim "
		"-Wl,--wrap=ringbus_producer_publish "
		"-Wl,--wrap=ringbus_consumer_next",
		compiler);
	t_join(t_spawn(argv));
}

static void
behaves(const char *compiler, const char *flags, const char *expectation)
{
	char program[PATH_MAX], with_flags[256];
	const char *argv[] = { program, expectation, NULL };
	struct t_daemon d;

	snprintf(with_flags, sizeof(with_flags), "%s --version >/dev/null 2>&1",
		 compiler);
#ifdef SANITIZED
	T_SKIP("the sanitizer's runtime comes first in its own programs only");
#endif
	if (system(with_flags) != 0)
		T_SKIP("no %s", compiler);
	if (access(SOURCE, R_OK) != 0)
		T_SKIP("not run from the top of the source tree");
	snprintf(program, sizeof(program), "%s/inlined", t_tmpdir());
	snprintf(with_flags, sizeof(with_flags), "%s %s", compiler, flags);
	build(with_flags, program);
	t_daemon_start(&d, CONFIG);
	ck_assert_int_eq(setenv("RINGBUS_SOCKET", d.socket, 1), 0);
	t_join(t_spawn(argv));
	t_daemon_stop(&d);
}

#define C_COMPILER "${CC:-cc}"
#define CXX_COMPILER "${CXX:-c++}"
#define C11 "-std=gnu11 "
#define CXX17 "-std=gnu++17 -x c++ "

TEST(inlined_in_c)
{
	behaves(C_COMPILER, C11 "-O2", "inlined");
}

TEST(inlined_in_cxx)
{
	behaves(CXX_COMPILER, CXX17 "-O2", "inlined");
}

TEST(inlined_by_clang)
{
	behaves("clang", C11 "-O2", "inlined");
}

TEST(inlined_by_clang_in_cxx)
{
	behaves("clang++", CXX17 "-O2", "inlined");
}

TEST(called_where_asked_for)
{
	behaves(C_COMPILER, C11 "-O2 -DRINGBUS_NO_INLINE", "called");
}

TEST(called_where_asked_for_in_cxx)
{
	behaves(CXX_COMPILER, CXX17 "-O2 -DRINGBUS_NO_INLINE", "called");
}

TEST(called_where_nothing_is_optimised)
{
	behaves(C_COMPILER, C11 "-O0", "called");
}
