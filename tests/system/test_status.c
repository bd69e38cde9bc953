/* SPDX-License-Identifier: MIT */
/*
 * test_status.c - how the daemon fares, as it says itself, and what is told when it is
 * gone
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_user.h"

/* The value of a key, the first one of it; NULL if there is none. */
static const char *
value_of(struct ringbus *bus, const char *key)
{
	static char line[RINGBUS_STATUS_SIZE];
	size_t length = strlen(key);
	int r;

	for (unsigned i = 0;; i++) {
		r = ringbus_status(bus, i, line, sizeof(line));
		if (r != 1)
			break;
		if (strncmp(line, key, length) == 0 && line[length] == '=')
			return line + length + 1;
	}
	ck_assert_int_eq(r, -ENOENT);
	return NULL;
}

static int64_t
number_of(struct ringbus *bus, const char *key)
{
	const char *value = value_of(bus, key);
	char *end;
	int64_t number;

	ck_assert_msg(value != NULL, "no %s", key);
	number = strtoll(value, &end, 10);
	ck_assert_msg(*end == '\0' && end != value, "%s=%s", key, value);
	return number;
}

TEST(numbers_follow_what_happens)
{
	struct ringbus *other;
	struct t_bus b;
	int64_t rounds;

	t_bus_begin(&b, "slots: 64, event_size: 8");
	ck_assert_int_eq(number_of(b.bus, "pid"), b.daemon.pid);
	ck_assert_str_eq(value_of(b.bus, "version"), ringbus_version());
	ck_assert_str_eq(value_of(b.bus, "config"), b.daemon.config);
	ck_assert_int_eq(number_of(b.bus, "channels"), 1);
	ck_assert_int_eq(number_of(b.bus, "clients"), 1);
	ck_assert_int_eq(number_of(b.bus, "members"), 0);
	ck_assert_int_eq(number_of(b.bus, "reloads_total"), 0);
	ck_assert_str_eq(value_of(b.bus, "io_uring"), "yes");
	ck_assert_int_gt(number_of(b.bus, "loop_longest_ns"), 0);
	rounds = number_of(b.bus, "loop_rounds_total");
	ck_assert_int_gt(number_of(b.bus, "loop_rounds_total"), rounds);
	other = t_connect(&b.daemon);
	t_produce(other, NULL);
	ck_assert_int_eq(number_of(b.bus, "clients"), 2);
	ck_assert_int_eq(number_of(b.bus, "members"), 1);
	ringbus_close(other);
	t_until(number_of(b.bus, "members") == 0);
	t_bus_end(&b);
}

TEST(refused_reload_is_a_warning_until_one_works)
{
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, "slots: 64");
	t_ctl_run(&run, &b.daemon, NULL, "status");
	t_daemon_reload(&b.daemon, "channels: [", "was not reloaded");
	ck_assert_int_eq(number_of(b.bus, "reload_failures_total"), 1);
	ck_assert_ptr_nonnull(strstr(value_of(b.bus, "warning"),
				     "the last reload was refused"));
	t_ctl_fail(&run, &b.daemon, NULL, "status --json", 6);
	t_json_lines(t_ctl_out(&run), 1);
	ck_assert_ptr_nonnull(
		strstr(t_ctl_out(&run), "\"warnings\":[\"the last reload"));
	/* What was wrong is told, once, and how often. */
	ck_assert_int_eq(strtoll(value_of(b.bus, "error"), NULL, 10), 1);
	t_ctl_fail(&run, &b.daemon, NULL, "status", 6);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "1 times, from 20"));
	t_daemon_reload(&b.daemon, "channels: { a: { slots: 64 } }",
			"the configuration was reloaded");
	ck_assert_ptr_null(value_of(b.bus, "warning"));
	ck_assert_int_eq(number_of(b.bus, "reloads_total"), 1);
	t_bus_end(&b);
}

TEST(channel_that_is_broken_is_a_warning)
{
	char path[PATH_MAX + 32];
	struct t_bus b;

	t_bus_begin(&b, "slots: 64");
	snprintf(path, sizeof(path), "%s/a/ring", b.daemon.shm);
	ck_assert_int_eq(truncate(path, 0), 0);
	t_until(number_of(b.bus, "channels_broken") == 1);
	ck_assert_ptr_nonnull(
		strstr(value_of(b.bus, "warning"), "1 channels are broken"));
	t_bus_end(&b);
}

/* They may be about others. */
static int
sees_no_errors(void *arg)
{
	struct ringbus *bus = t_connect(arg);

	ck_assert_ptr_null(value_of(bus, "error"));
	ck_assert_ptr_nonnull(value_of(bus, "warning"));
	ringbus_close(bus);
	return 0;
}

TEST(errors_are_for_the_owner)
{
	struct t_daemon d;

	t_daemon_start_open(&d, "channels: { a: { slots: 64 } }");
	t_daemon_reload(&d, "channels: [", "was not reloaded");
	t_daemon_approach(&d);
	t_join(t_child_as(&t_alice, sees_no_errors, &d));
	t_daemon_stop(&d);
}

TEST(line_that_does_not_fit)
{
	struct t_bus b;
	char line[4];

	t_bus_begin(&b, "slots: 64");
	ck_assert_int_eq(ringbus_status(b.bus, 0, line, sizeof(line)), -EINVAL);
	t_bus_end(&b);
}

TEST(daemon_that_is_gone_has_left_its_channels)
{
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, "slots: 64");
	t_daemon_kill(&b.daemon);
	t_ctl_fail(&run, &b.daemon, NULL,
		   t_words("status --shm-dir %s --json", b.daemon.shm), 3);
	ck_assert(t_ctl_printed(&run, "{\"running\":false,\"channels\":1}\n"));
	t_daemon_restart(&b.daemon);
	t_bus_end(&b);
}
