/* SPDX-License-Identifier: MIT */
/*
 * test_create_faults.c - each system call of making, opening and removing a channel
 * fails once: the daemon goes on, and of a channel that was not made nothing is left
 *
 * One that could not be removed in full is removed by the next daemon.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/util_calls.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_holding.h"
#include "tests/system/util_peer.h"
#include "tests/trace.h"

#define DYNAMIC                                                                \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: any }\n"                                            \
	"channels: { a: { slots: 64, event_size: 8 } }"

#define PENDING 1 /* is no result */

struct fault {
	struct t_daemon d;
	enum rb_control_type ask; /* CREATE or REMOVE */
	int err;
	struct rb_word64 *ready, *go, *result;
	struct calls calls;
	unsigned n; /* boundary of the call that failed, and which it was */
	long nr;
};

/* ------------------------------------------------------------ who asks for it */

static int
ask_once(void *arg)
{
	struct fault *f = arg;
	struct rb_control m = t_message(f->ask, "made");
	int peer = t_peer_greet(&f->d);

	if (f->ask == RB_CONTROL_CREATE) {
		m.slots = 64;
		m.slot_size = 8;
		m.wait = RB_WAIT_BLOCKING;
	}
	t_store(f->ready, 1);
	t_until(t_read(f->go) == 1);
	t_store(f->result, (uint64_t)(int64_t)t_peer_ask(peer, &m, NULL));
	close(peer);
	return 0;
}

static bool
is_answered(void *arg)
{
	struct fault *f = arg;

	return t_read(f->result) != PENDING;
}

static int
ask(const struct t_daemon *d, enum rb_control_type type)
{
	struct rb_control m = t_message(type, "made");
	int peer = t_peer_greet(d);
	int result;

	if (type == RB_CONTROL_CREATE) {
		m.slots = 64;
		m.slot_size = 8;
	}
	result = t_peer_ask(peer, &m, NULL);
	close(peer);
	return result;
}

/* ---------------------------------------------------------- what is left of it */

static int
is_seen(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 &&
	       strcmp(entry->d_name, "..") != 0;
}

/* The names in the folder of channels, in a row. */
static void
list(const struct t_daemon *d, char *ret, size_t size)
{
	struct dirent **entries;
	int n = scandir(d->shm, &entries, is_seen, alphasort);
	size_t used = 0;

	ck_assert_int_ge(n, 0);
	ret[0] = '\0';
	for (int i = 0; i < n; i++) {
		used += (size_t)snprintf(ret + used, size - used, "%s ",
					 entries[i]->d_name);
		ck_assert_uint_lt(used, size);
		free(entries[i]);
	}
	free(entries);
}

static void
only_a_is_there(const struct fault *f)
{
	char now[1024];

	list(&f->d, now, sizeof(now));
	if (strcmp(now, ".lock a ") != 0)
		ck_abort_msg("call %u (%ld) failing with %d leaves: %s", f->n,
			     f->nr, f->err, now);
}

static void
fds_are_as_before(const struct fault *f, unsigned n)
{
	unsigned now = t_daemon_count_fds(&f->d);

	if (now != n)
		ck_abort_msg("call %u (%ld) failing with %d: %u descriptors, "
			     "not %u",
			     f->n, f->nr, f->err, now, n);
}

/* -------------------------------------------------------------- one call fails */

/* A failure of these is none of the kernel's; or is one of the client's. */
static bool
cannot_fail(long nr)
{
	return nr == SYS_close || nr == SYS_munmap || nr == SYS_sendmsg ||
	       nr == SYS_io_uring_enter || nr == SYS_clock_gettime;
}

/* The call at boundary n of the next request; false if there are not so many. */
static bool
fail_at(struct fault *f, unsigned n, long first)
{
	pid_t asker;
	bool more;

	t_store(f->ready, 0);
	t_store(f->go, 0);
	t_store(f->result, PENDING);
	asker = t_child(ask_once, f);
	t_until(t_read(f->ready) == 1);
	calls_seize(&f->calls, f->d.pid, first);
	t_store(f->go, 1);
	more = calls_run(&f->calls, n, is_answered, f);
	f->n = n;
	f->nr = f->calls.nr;
	if (more && !cannot_fail(f->calls.nr))
		calls_fail(&f->calls, f->err);
	if (more)
		ck_assert(!calls_run(&f->calls, CALLS_MAX, is_answered, f));
	calls_release(&f->calls);
	t_join(asker);
	return more;
}

static void
prepare(struct fault *f, int err)
{
	TRACE_OR_SKIP();
	f->err = err;
	f->ready = t_counter();
	f->go = t_counter();
	f->result = t_counter();
	t_daemon_start(&f->d, DYNAMIC);
}

/* It may have been made all the same: where the call is for a wish. */
static void
fail_each_call_of_create(int err)
{
	struct fault f = { .ask = RB_CONTROL_CREATE };
	unsigned n = 1, n_refused = 0;
	unsigned n_fds;

	prepare(&f, err);
	n_fds = t_daemon_count_fds(&f.d);
	for (; fail_at(&f, n, SYS_mkdirat); n += 2) {
		n_refused += (int64_t)t_read(f.result) < 0;
		if (t_daemon_has(&f.d, "made/meta"))
			ck_assert_int_eq(ask(&f.d, RB_CONTROL_REMOVE), 0);
		only_a_is_there(&f);
		fds_are_as_before(&f, n_fds);
	}
	ck_assert_int_eq((int)t_read(f.result), 0);
	ck_assert_int_eq(ask(&f.d, RB_CONTROL_REMOVE), 0);
	only_a_is_there(&f);
	ck_assert_uint_gt(n_refused, 20);
	t_daemon_stop(&f.d);
}

TEST_TIMEOUT(creation_fails_at_each_call_for_want_of_memory, 300)
{
	fail_each_call_of_create(ENOMEM);
}

TEST_TIMEOUT(creation_fails_at_each_call_for_want_of_space, 300)
{
	fail_each_call_of_create(ENOSPC);
}

TEST_TIMEOUT(creation_is_not_permitted_at_each_call, 300)
{
	fail_each_call_of_create(EPERM);
}

TEST_TIMEOUT(removal_fails_at_each_call, 300)
{
	struct fault f = { .ask = RB_CONTROL_REMOVE };
	unsigned n = 1;

	prepare(&f, EIO);
	for (;; n += 2) {
		ck_assert_int_eq(ask(&f.d, RB_CONTROL_CREATE), 0);
		if (!fail_at(&f, n, SYS_renameat))
			break;
		t_daemon_kill(&f.d);
		t_daemon_restart(&f.d);
		only_a_is_there(&f);
	}
	ck_assert_int_eq((int)t_read(f.result), 0);
	only_a_is_there(&f);
	ck_assert_uint_gt(n, 10);
	t_daemon_stop(&f.d);
}
