/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_reload.c - `ringbusctl reload` and `config`, and the calls behind them
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_program.h"
#include "tests/system/util_user.h"

#define A "channels: { a: { slots: 16, event_size: 8 } }"
#define B "channels: { a: { slots: 32, event_size: 8 }, b: }"

/* -------------------------------------------------------------------- the calls */

static bool
has_line(struct ringbus *bus, const char *text)
{
	char line[1024];
	bool has = false;

	for (unsigned i = 0; ringbus_report(bus, i, line, sizeof(line)) == 0;
	     i++)
		has |= strstr(line, text) != NULL;
	return has;
}

TEST(dry_reload_says_what_would_be_and_changes_nothing)
{
	struct t_bus b;
	char line[8];

	t_bus_begin_with(&b, A);
	ck_assert_int_eq(ringbus_report(b.bus, 0, line, sizeof(line)), -ENOENT);
	t_daemon_configure(&b.daemon, B);
	t_bus_ok(b.bus, ringbus_reload(b.bus, RINGBUS_RELOAD_DRY));
	ck_assert(has_line(b.bus, "channels.a.slots: 16 -> 32 ("));
	ck_assert(has_line(b.bus, ":1:25): a new generation"));
	ck_assert(has_line(b.bus, "channels.b: added ("));
	ck_assert(has_line(b.bus, "would be loaded: 2 changes"));
	ck_assert(!t_daemon_has(&b.daemon, "b"));
	t_ok(ringbus_report(b.bus, 0, line, sizeof(line)));
	ck_assert_uint_eq(strlen(line), sizeof(line) - 1);
	ck_assert_int_eq(ringbus_report(b.bus, 0, line, 0), -EINVAL);
	ck_assert_int_eq(ringbus_reload(b.bus, 4), -EINVAL);
	t_bus_end(&b);
}

TEST(reload_that_fails_says_why)
{
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin_with(&b, A);
	c = t_consume(b.bus, NULL);
	t_daemon_configure(&b.daemon, "channels: { a: { slotz: 3 } }");
	ck_assert_int_eq(ringbus_reload(b.bus, 0), -EINVAL);
	ck_assert(has_line(b.bus, "1:18: unknown key 'slotz'"));
	ck_assert(has_line(b.bus, "was not reloaded"));
	t_daemon_configure(&b.daemon, B);
	ck_assert_int_eq(ringbus_reload(b.bus, 0), -EBUSY);
	ck_assert_int_eq(ringbus_reload(b.bus, RINGBUS_RELOAD_DRY), -EBUSY);
	t_bus_ok(b.bus, ringbus_reload(b.bus, RINGBUS_RELOAD_DRY |
						      RINGBUS_RELOAD_RECREATE));
	ck_assert(!t_daemon_has(&b.daemon, "b"));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EAGAIN);
	t_bus_end(&b);
}

/* The command line says nothing of where it is. */
static void
configure_places(const struct t_daemon *d, const char *socket, const char *shm,
		 const char *channels)
{
	t_daemon_configure(d, t_words("daemon: { socket: %s, shm_dir: %s }\n%s",
				      socket, shm, channels));
}

static void
begin_by_file(struct t_bus *b, struct t_run *run)
{
	struct t_daemon *d = &b->daemon;

	t_daemon_prepare(d, "");
	configure_places(d, d->socket, d->shm, A);
	t_run_start(run, "ringbusd", "--config", d->config, NULL);
	d->pid = run->pid;
	memcpy(d->log, run->out, sizeof(d->log));
	t_daemon_await(d);
	b->bus = t_connect(d);
}

static void
needs_a_restart(const struct t_bus *b, const char *change)
{
	const struct t_daemon *d = &b->daemon;

	for (unsigned flags = 0; flags <= RINGBUS_RELOAD_RECREATE; flags++)
		ck_assert_int_eq(ringbus_reload(b->bus, flags), -EBUSY);
	ck_assert(has_line(b->bus, change));
	ck_assert(has_line(b->bus, "): needs a restart: start ringbusd anew"));
	ck_assert(has_line(b->bus, "channels.b: added"));
	ck_assert(has_line(b->bus, "was not reloaded"));
	ck_assert(t_daemon_has(d, "a"));
	ck_assert(!t_daemon_has(d, "b"));
}

TEST(place_of_the_daemon_that_changes_needs_a_restart)
{
	struct t_run run = { 0 };
	const char *other;
	struct t_bus b;

	begin_by_file(&b, &run);
	other = t_words("%s/other", t_tmpdir());
	configure_places(&b.daemon, other, b.daemon.shm, B);
	needs_a_restart(&b, t_words("daemon.socket: %s -> %s (",
				    b.daemon.socket, other));
	ck_assert_int_ne(access(other, F_OK), 0);
	configure_places(&b.daemon, b.daemon.socket, other, B);
	needs_a_restart(&b, t_words("daemon.shm_dir: %s -> %s (", b.daemon.shm,
				    other));
	ck_assert_int_ne(access(other, F_OK), 0);
	configure_places(&b.daemon, b.daemon.socket, b.daemon.shm, A);
	t_bus_ok(b.bus, ringbus_reload(b.bus, 0));
	ck_assert(has_line(b.bus, "was reloaded: 1 channels, 0 changes"));
	configure_places(&b.daemon, b.daemon.socket, b.daemon.shm, B);
	t_bus_ok(b.bus, ringbus_reload(b.bus, 0));
	ck_assert(t_daemon_has(&b.daemon, "b"));
	t_bus_end(&b);
}

static void
try_reload(const struct t_daemon *d, const void *arg)
{
	const int *expected = arg;
	struct ringbus *bus = t_connect(d);
	char line[64];

	ck_assert_int_eq(ringbus_reload(bus, 0), *expected);
	ck_assert_int_eq(ringbus_report(bus, 0, line, sizeof(line)), *expected);
	if (*expected < 0)
		ck_assert_ptr_nonnull(strstr(ringbus_error(bus), "daemon: "
								 "admin"));
	ringbus_close(bus);
}

TEST(who_is_no_admin_of_the_daemon_may_not)
{
	const int no = -EACCES, yes = 0;
	struct t_daemon d;

	t_daemon_start_open(&d, A);
	t_as(&d, &t_stranger, try_reload, &no);
	t_daemon_reload(&d, "daemon: { admin: any }\n" A, "was reloaded");
	t_as(&d, &t_stranger, try_reload, &yes);
	t_daemon_stop(&d);
}

/* ------------------------------------------------------------------ the program */

TEST(program_prints_the_report_and_ends_by_the_verdict)
{
	struct t_daemon d;
	struct t_ctl run;

	t_daemon_start(&d, A);
	t_daemon_configure(&d, B);
	t_ctl_run(&run, &d, NULL, "config diff");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "channels.b: added"));
	t_ctl_run(&run, &d, NULL, "reload --dry-run --json");
	t_json_lines(t_ctl_out(&run), 4);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "{\"possible\":true}"));
	t_ctl_run(&run, &d, NULL, "reload");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "was reloaded: 2"));
	t_ctl_run(&run, &d, NULL, "reload --recreate");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "0 changes"));
	t_daemon_configure(&d, "channels: { a: { slotz: 3 } }");
	t_ctl_fail(&run, &d, NULL, "reload", 1);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "unknown key"));
	t_daemon_stop(&d);
	t_ctl_fail(&run, &d, NULL, "reload", 3);
}

TEST(configuration_is_shown_as_one_with_all_values)
{
	struct t_ctl run, again;
	const char *file = t_text_file(
		"defaults: { history: 8 }\n"
		"channels:\n"
		"  \"null\":\n"
		"  a:\n"
		"    framing: framed\n"
		"    fill: 00ff\n"
		"    access: { tap: [any, 'user:1'] }\n"
		"    consumers:\n"
		"      x: { group: true, key: { size: 8 } }\n"
		"      y: { after: x, slow: evict, max_lag: 5 }\n");

	t_ctl_run(&run, NULL, NULL, t_words("config show %s", file));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "    slots: 65536  # "
						      "default\n"));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), ":1:22\n"));
	t_ctl_run(&again, NULL, NULL,
		  t_words("config show %s", t_text_file(t_ctl_out(&run))));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&again), "after: [x]"));
	ck_assert_ptr_null(strstr(t_ctl_out(&again), "[x]  # default"));
	t_ctl_run(&run, NULL, NULL, t_words("config show %s --json", file));
	t_json_lines(t_ctl_out(&run), 1);
	t_ctl_run(&run, NULL, NULL, t_words("config check %s", file));
	t_ctl_fail(&run, NULL, NULL,
		   t_words("config check %s/none", t_tmpdir()), 78);
	t_ctl_run(&run, NULL, NULL, "config schema");
	t_json_lines(t_ctl_out(&run), 1);
}

TEST(journal_and_bridge_are_shown_as_they_could_be_given)
{
	struct t_ctl run, again;
	const char *file = t_text_file(
		"defaults: { journal: { sync: interval, sync_interval: 9ms } "
		"}\n"
		"channels:\n"
		"  a: { journal: { retain_size: 1GiB }, bridge: }\n"
		"  b: { journal: { sync: none }, consumers: { x: } }\n"
		"  c: { bridge: { direction: import, state: '/s: #',\n"
		"      servers: [nats://a:1, 'tls://[::1]'] } }\n"
		"  d: {}\n");
	static const char *const shown[] = {
		"      sync_interval: 9ms  # ",
		"      retain_size: 1GiB  # ",
		"      stream: \"a\"  # default\n",
		"      journal:\n        on_death: keep  # default\n",
		"      replicate:\n        on_death: keep  # default\n",
		"      sync: none  # ",
		"      servers: \"nats://a:1,tls://[::1]\"  # ",
		"      state: \"/s: #\"  # ",
	};

	t_ctl_run(&run, NULL, NULL, t_words("config show %s", file));
	t_ctl_run(&again, NULL, NULL,
		  t_words("config show %s", t_text_file(t_ctl_out(&run))));
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		const char *value = shown[i];

		ck_assert_msg(strstr(t_ctl_out(&run), value) != NULL,
			      "no `%s`: %s", value, t_ctl_out(&run));
		if (strstr(value, "default") != NULL)
			continue;
		ck_assert_msg(strstr(t_ctl_out(&again), value) != NULL,
			      "no `%s` again: %s", value, t_ctl_out(&again));
	}
	ck_assert_ptr_null(
		strstr(strstr(t_ctl_out(&run), "\n  d:"), "journal:"));
	t_ctl_run(&run, NULL, NULL, t_words("config show %s --json", file));
	t_json_lines(t_ctl_out(&run), 1);
}
