/* SPDX-License-Identifier: MIT */
/*
 * test_leavings.c - what is left in shared memory of daemons that ended in whatever
 * way, and that nobody ever has to remove anything there by hand
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_user.h"

#define KEPT "slots: 64, event_size: 8, consumers: { app: { on_death: keep } }"
#define TWO                                                                    \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: any }\n"                                            \
	"channels: { a: { " KEPT " }, b: { " KEPT ", isolation: sealed } }"
#define OTHER                                                                  \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { c: { slots: 64 } }"
#define NONE "daemon: { drain: 1ms }"

/* All of it, but the lock of one that was killed; a clean stop may remove the folder
 * as well. */
static unsigned
count_left(const struct t_daemon *d)
{
	DIR *dir = opendir(d->shm);
	const struct dirent *entry;
	unsigned n = 0;

	if (dir == NULL) {
		ck_assert_int_eq(errno, ENOENT);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 &&
		     strcmp(entry->d_name, "..") != 0 &&
		     strcmp(entry->d_name, ".lock") != 0;
	closedir(dir);
	return n;
}

/* Two that are declared, one that is not, and a place that is kept in each; then
 * nobody is there. */
static void
use(const struct t_daemon *d)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = t_connect(d);
	int64_t event = 1;

	o.name = "app";
	t_bus_ok(bus, ringbus_create(bus, "own", NULL));
	for (const char *const *name =
		     (const char *const[]){ "a", "b", "own", NULL };
	     *name != NULL; name++) {
		struct ringbus_producer *p;
		struct ringbus_consumer *c;

		t_bus_ok(bus, ringbus_consumer_open(bus, *name, &o, &c));
		t_bus_ok(bus, ringbus_producer_open(bus, *name, NULL, &p));
		t_ok(ringbus_producer_write(p, &event, sizeof(event), 0));
	}
	ringbus_close(bus);
}

TEST(a_clean_stop_leaves_nothing)
{
	struct t_daemon d;

	t_daemon_start(&d, TWO);
	use(&d);
	ck_assert_uint_eq(count_left(&d), 3);
	t_daemon_stop(&d);
	ck_assert_uint_eq(count_left(&d), 0);
}

/* Places are kept in them, of which the next one does not know. */
TEST(the_next_removes_what_is_no_longer_declared)
{
	struct t_daemon d;

	t_daemon_start(&d, TWO);
	use(&d);
	t_daemon_kill(&d);
	ck_assert_uint_eq(count_left(&d), 3);
	t_daemon_configure(&d, OTHER);
	t_daemon_restart(&d);
	t_until(!t_daemon_has(&d, "a") && !t_daemon_has(&d, "b"));
	ck_assert(t_daemon_has(&d, "c"));
	t_daemon_stop(&d);
	ck_assert_uint_eq(count_left(&d), 0);
}

/* As docs/operations.md says, where there is no configuration any more. */
TEST(one_without_a_configuration_clears_all_away)
{
	struct t_daemon d;

	t_daemon_start(&d, TWO);
	use(&d);
	t_daemon_kill(&d);
	t_daemon_configure(&d, "");
	t_daemon_restart(&d);
	t_daemon_stop(&d);
	ck_assert_uint_eq(count_left(&d), 0);
}

TEST(two_daemons_clear_away_what_is_theirs)
{
	struct t_daemon one, two;

	t_daemon_start(&one, TWO);
	use(&one);
	two = one;
	snprintf(two.shm, sizeof(two.shm), "%.1000s/two", one.shm);
	snprintf(two.socket, sizeof(two.socket), "%.90s2", one.socket);
	t_daemon_restart(&two);
	use(&two);
	t_daemon_kill(&one);
	ck_assert_uint_eq(count_left(&two), 3);
	t_daemon_stop(&two);
	ck_assert_uint_eq(count_left(&two), 0);
	ck_assert_uint_eq(count_left(&one), 3);
	t_daemon_restart(&one);
	t_daemon_stop(&one);
	ck_assert_uint_eq(count_left(&one), 0);
}

TEST(a_users_own_is_no_other)
{
	struct t_daemon d;

	t_need_root();
	t_daemon_prepare_as(&d, &t_alice, TWO);
	t_daemon_start_as(&d, &t_alice);
	ck_assert_uint_eq(count_left(&d), 2);
	t_daemon_kill(&d);
	ck_assert_uint_eq(count_left(&d), 2);
	t_daemon_configure(&d, NONE);
	t_daemon_start_as(&d, &t_alice);
	t_until(count_left(&d) == 0);
	t_daemon_stop_as(&d);
}
