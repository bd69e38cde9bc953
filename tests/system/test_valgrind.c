/* SPDX-License-Identifier: MIT */
/*
 * test_valgrind.c - the life of a daemon under valgrind: nothing is leaked, and
 * nothing is touched that is not its own
 *
 * A sample of `make valgrind`, which has the daemons of all these suites so.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_hole.h"
#include "tests/system/util_peer.h"
#include "tests/system/util_program.h"

#define DYNAMIC "dynamic: { allow: any }\n"
#define MULTI "a: { slots: 16, event_size: 8, producers: multi }"
#define FRAMED "b: { slots: 16, slot_size: 64, framing: framed }"

static char folder[PATH_MAX];

/* From here on daemons are under valgrind. */
static void
use_valgrind(void)
{
	char programs[PATH_MAX];

#ifdef SANITIZED
	T_SKIP("a sanitizer is there already");
#endif
	if (system("valgrind --version >/dev/null 2>&1") != 0)
		T_SKIP("no valgrind");
	ck_assert_ptr_nonnull(realpath("tests/valgrind", programs));
	snprintf(folder, sizeof(folder), "%s/valgrind", t_tmpdir());
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	ck_assert_int_eq(setenv("T_PROGRAMS", programs, 1), 0);
	ck_assert_int_eq(setenv("T_VALGRIND", folder, 1), 0);
	/* It is that much slower. */
	setenv("CK_TIMEOUT_MULTIPLIER", "5", 0);
}

/* The caller frees it. */
static char *
findings(void)
{
	char command[2 * PATH_MAX], *text = NULL;
	size_t size = 0;
	FILE *pipe;

	snprintf(command, sizeof(command), "cat %s/*", folder);
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	if (getdelim(&text, &size, '\0', pipe) < 0)
		*text = '\0';
	ck_assert_int_eq(pclose(pipe), 0);
	return text;
}

static void
expect_no_findings(void)
{
	char *text = findings();

	text[strnlen(text, 3000)] = '\0';
	if (*text != '\0')
		ck_abort_msg("valgrind says:\n%s", text);
	free(text);
}

static void
pass_some(struct ringbus *bus)
{
	struct ringbus_consumer *c = t_consume(bus, NULL);
	struct ringbus_producer *p = t_produce(bus, NULL);
	struct ringbus_tap *tap = t_tap(bus, RINGBUS_FROM_NOW);

	t_put_all(p, 1, 9);
	t_take(c, 1, 9);
	ringbus_tap_close(tap);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

static void
make_and_remove(struct ringbus *bus)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;

	o.slots = 64;
	o.slot_size = 8;
	t_bus_ok(bus, ringbus_create(bus, "c", &o));
	o.slots = 63;
	ck_assert_int_eq(ringbus_create(bus, "d", &o), -EINVAL);
	t_bus_ok(bus, ringbus_remove(bus, "c"));
	t_bus_ok(bus, ringbus_create(bus, "d", NULL));
}

TEST(life_of_a_daemon_leaks_nothing)
{
	const struct ringbus_channel *channel;
	struct ringbus_consumer *c;
	struct t_bus b;
	pid_t feed;

	use_valgrind();
	t_bus_begin_with(&b, DYNAMIC "channels: { " MULTI " }");
	pass_some(b.bus);
	make_and_remove(b.bus);
	t_daemon_reload(&b.daemon, "channels: { bad: { slotz: 3 } }",
			"not reloaded");
	t_daemon_reload(&b.daemon,
			DYNAMIC "channels: { " MULTI ", " FRAMED " }",
			"reloaded");
	/* Dies with what it has claimed. */
	c = t_consume(b.bus, NULL);
	feed = t_feed(&b, "a", 3);
	channel = ringbus_consumer_channel(c);
	t_kill(feed);
	t_until(!t_has_member(channel, RINGBUS_PRODUCER, "feed"));
	feed = t_feed(&b, "a", 3);
	t_daemon_kill(&b.daemon);
	t_kill(feed);
	t_daemon_restart(&b.daemon);
	ringbus_consumer_close(c);
	ringbus_close(b.bus);
	b.bus = t_connect(&b.daemon);
	pass_some(b.bus);
	t_bus_end(&b);
	expect_no_findings();
}

/* ------------------------------------------------------------ that it bites */

/* For all to see, so that no compiler knows better. */
char *t_block;

TEST_HIDDEN(sample_loses_memory)
{
	t_block = malloc(77);
	t_now_ns();
	t_block = NULL;
}

TEST_HIDDEN(sample_reads_freed_memory)
{
	t_block = calloc(1, 77);
	t_now_ns();
	free(t_block);
	t_now_ns();
	ck_assert_int_ne(t_block[76], 1);
}

TEST_HIDDEN(sample_leaves_a_descriptor_open)
{
	ck_assert_int_ge(open("/dev/zero", O_RDONLY | O_CLOEXEC), 0);
}

/* This program in place of the daemon. */
static int
run_sample(void *name)
{
	char program[PATH_MAX];

	if (realpath("/proc/self/exe", program) == NULL ||
	    setenv("T_DAEMON", program, 1) < 0 ||
	    setenv("CK_FORK", "no", 1) < 0 ||
	    freopen("/dev/null", "w", stdout) == NULL)
		return 127;
	execl(t_program("ringbusd"), "ringbusd", (const char *)name, NULL);
	return 127;
}

static void
is_found(const char *name, const char *what)
{
	pid_t pid;
	char *text;

	use_valgrind();
	pid = t_child(run_sample, (void *)name);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	text = findings();
	if (strstr(text, what) == NULL)
		ck_abort_msg("not found: %s: %s", name, what);
	free(text);
}

TEST(lost_memory_is_found)
{
	is_found("sample_loses_memory", "77 bytes in 1 blocks are definitely");
}

TEST(read_of_freed_memory_is_found)
{
	is_found("sample_reads_freed_memory", "Invalid read of size 1");
}

TEST(open_descriptor_is_found)
{
	is_found("sample_leaves_a_descriptor_open", "open: /dev/zero");
}
