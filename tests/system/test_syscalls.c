/* SPDX-License-Identifier: MIT */
/*
 * test_syscalls.c - the data path makes no system calls while nobody has to be
 * put to sleep or woken, as strace sees it
 *
 * The program runs itself under strace, as a hidden test; between two marks (a
 * getsid() each) the trace has to be empty.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define EVENTS 20000

static void
mark(void)
{
	syscall(SYS_getsid, 0);
}

/* Connects to the daemon that the traced program was started for. */
static struct ringbus *
connect_traced(void)
{
	struct ringbus *bus;

	t_ok(ringbus_connect(NULL, &bus));
	return bus;
}

/* One after the other in one thread: both halves of the data path. */
TEST_HIDDEN(traced_publish_and_consume)
{
	struct ringbus *bus = connect_traced();
	struct ringbus_producer *p = t_produce(bus, NULL);
	struct ringbus_consumer *c = t_consume(bus, NULL);

	t_put(p, 0);
	t_take(c, 0, 0);
	mark();
	for (uint64_t i = 1; i < EVENTS; i++) {
		t_put(p, i);
		t_take(c, i, i);
	}
	mark();
	ringbus_close(bus);
}

/* A full ring in between, so that the consumer is kept busy by what is there. */
TEST_HIDDEN(traced_backlog)
{
	struct ringbus *bus = connect_traced();
	struct ringbus_producer *p = t_produce(bus, NULL);
	struct ringbus_consumer *c = t_consume(bus, NULL);

	t_put_all(p, 0, 99);
	t_take(c, 0, 0);
	mark();
	for (uint64_t i = 100; i < EVENTS; i++) {
		t_put(p, i);
		t_take(c, i - 99, i - 99);
	}
	mark();
	ringbus_close(bus);
}

static int
count_up(void *context, void *slot, size_t size, int64_t sequence)
{
	uint64_t *value = context;

	(void)sequence;
	memcpy(slot, value, size);
	++*value;
	return 0;
}

/* Callbacks are of the data path, and so is what is dropped. */
TEST_HIDDEN(traced_translators)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus *bus = connect_traced();
	struct ringbus_consumer *c = t_consume(bus, NULL);
	struct ringbus_producer *p;
	uint64_t value = 100;

	o.full = RINGBUS_FULL_DROP;
	p = t_produce(bus, &o);
	t_put_all(p, 0, 99);
	t_take(c, 0, 0);
	mark();
	while (value < EVENTS) {
		t_ok(ringbus_producer_publish_batch_with(
			p, 2, RINGBUS_BY_POLICY, count_up, &value));
		if (ringbus_producer_claim(p, 128, RINGBUS_BY_POLICY) !=
		    -ENOBUFS)
			ck_abort_msg("a full ring takes a whole one more");
		t_take(c, value - 101, value - 100);
	}
	mark();
	ringbus_close(bus);
}

TEST_HIDDEN(traced_marks)
{
	mark();
	getuid();
	mark();
}

/* A consumer and a producer in two processes, each flowing steadily. */
static int
follow(void *arg)
{
	struct ringbus *bus = connect_traced();
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;

	o.name = "follower";
	c = t_consume(bus, &o);
	t_store(arg, 1);
	t_take(c, 0, 0);
	mark();
	t_take(c, 1, EVENTS - 1);
	mark();
	ringbus_close(bus);
	return 0;
}

TEST_HIDDEN(traced_two_processes)
{
	struct rb_word64 *ready = t_counter();
	struct ringbus *bus = connect_traced();
	struct ringbus_producer *p = t_produce(bus, NULL);
	pid_t child = t_child(follow, ready);

	t_until(t_read(ready) == 1);
	t_put_all(p, 0, 0);
	mark();
	t_put_all(p, 1, EVENTS - 1);
	mark();
	t_join(child);
	ringbus_close(bus);
}

/* ------------------------------------------------------------------ outside */

static bool
has_strace(void)
{
	return system("strace -o /dev/null true >/dev/null 2>&1") == 0;
}

/* Runs the hidden test under strace with this configuration; the calls go to
 * files in t_tmpdir(), one for each process. */
static void
trace(const char *test, const char *keys)
{
	char self[PATH_MAX] = "", output[PATH_MAX];
	const char *argv[] = { "/bin/sh",
			       "-c",
			       "exec strace -ff -o \"$1\" \"$2\" \"$3\" "
			       ">/dev/null",
			       "sh",
			       output,
			       self,
			       test,
			       NULL };
	struct t_bus b;

	t_bus_begin(&b, "%s", keys);
	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	snprintf(output, sizeof(output), "%s/trace", t_tmpdir());
	ck_assert_int_eq(setenv("RINGBUS_SOCKET", b.daemon.socket, 1), 0);
	ck_assert_int_eq(setenv("CK_FORK", "no", 1), 0);
	/* The sanitizer's search for leaks cannot be traced. */
	ck_assert_int_eq(setenv("ASAN_OPTIONS", "detect_leaks=0", 1), 0);
	t_join(t_spawn(argv));
	t_bus_end(&b);
}

/* Lines between the marks of all processes; *ret_marks counts those. */
static int
count_calls(int *ret_marks)
{
	char command[PATH_MAX + 256];
	int n_calls = -1;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "cat %s/trace.* | awk '/^getsid\\(/ { on = !on; m++; next }"
		 " on { n++; print >\"/dev/stderr\" }"
		 " END { print n + 0, m + 0 }'",
		 t_tmpdir());
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_int_eq(fscanf(pipe, "%d %d", &n_calls, ret_marks), 2);
	ck_assert_int_eq(pclose(pipe), 0);
	return n_calls;
}

static void
expect_silence(const char *test, const char *keys, int n_marks)
{
	int marks = 0;

	if (!has_strace())
		T_SKIP("no strace, or it may not trace");
	trace(test, keys);
	ck_assert_int_eq(count_calls(&marks), 0);
	ck_assert_int_eq(marks, n_marks);
}

/* The measuring itself: one call between two marks is found. */
TEST(a_call_between_the_marks_is_seen)
{
	int marks = 0;

	if (!has_strace())
		T_SKIP("no strace, or it may not trace");
	trace("traced_marks", "slots: 16");
	ck_assert_int_eq(count_calls(&marks), 1);
	ck_assert_int_eq(marks, 2);
}

#define SPINNING "slots: 128, event_size: 8, wait: busy_spin"
#define BLOCKING "slots: 128, event_size: 8, wait: blocking"
#define LARGE "slots: 32768, event_size: 8, wait: "

TEST(spinners_make_no_calls)
{
	expect_silence("traced_publish_and_consume", SPINNING, 2);
}

TEST(many_spinners_make_no_calls)
{
	expect_silence("traced_publish_and_consume",
		       SPINNING ", producers: multi", 2);
}

TEST(two_spinning_processes_make_no_calls)
{
	expect_silence("traced_two_processes", LARGE "busy_spin", 4);
}

TEST(blocking_ones_make_no_calls_while_nobody_sleeps)
{
	expect_silence("traced_backlog", BLOCKING, 2);
}

TEST(many_blocking_ones_make_no_calls_while_nobody_sleeps)
{
	expect_silence("traced_backlog", BLOCKING ", producers: multi", 2);
}

TEST(translators_and_drops_make_no_calls)
{
	expect_silence("traced_translators", BLOCKING, 2);
}

TEST(translators_and_drops_of_many_make_no_calls)
{
	expect_silence("traced_translators", BLOCKING ", producers: multi", 2);
}
