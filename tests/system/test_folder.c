/* SPDX-License-Identifier: MIT */
/*
 * test_folder.c - channels are looked at without a daemon: where a dead one has
 * left them, in copies, and whatever somebody has put into the folder
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sigbus.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_user.h"

static struct ringbus *
open_folder(const char *path)
{
	struct ringbus *bus;

	t_bus_ok(NULL, ringbus_open_folder(path, &bus));
	return bus;
}

static void
expect(struct ringbus_tap *tap, int64_t first, int64_t last)
{
	uint64_t value;
	size_t size;

	for (int64_t i = first; i <= last; i++) {
		ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value),
						  &size, RINGBUS_NOW),
				 i);
		ck_assert_uint_eq(value, (uint64_t)i);
	}
	ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value), &size,
					  RINGBUS_NOW),
			 -EAGAIN);
}

static void
expect_refusal(struct ringbus *bus, const char *channel, int err,
	       const char *text)
{
	struct ringbus_tap *tap;

	ck_assert_int_eq(ringbus_tap_open(bus, channel, NULL, &tap), err);
	ck_assert_msg(strstr(ringbus_error(bus), text) != NULL, "%s: %s",
		      channel, ringbus_error(bus));
}

/* Runs a command of the shell in which $S is the folder, $T another place. */
static void
shell(const struct t_bus *b, const char *command)
{
	setenv("S", b->daemon.shm, 1);
	setenv("T", t_tmpdir(), 1);
	ck_assert_int_eq(system(command), 0);
}

static void
end(struct t_bus *b)
{
	ringbus_close(b->bus);
	t_daemon_restart(&b->daemon);
	t_daemon_stop(&b->daemon);
}

TEST(what_goes_on_is_seen_without_a_daemon)
{
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	struct ringbus *bus;
	char name[RINGBUS_NAME_SIZE];
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 4);
	t_daemon_kill(&b.daemon);
	bus = open_folder(b.daemon.shm);
	ck_assert_str_eq(ringbus_socket(bus), b.daemon.shm);
	ck_assert_int_eq(ringbus_list(bus, 0, name), 0);
	ck_assert_str_eq(name, "a");
	ck_assert_int_eq(ringbus_list(bus, 1, name), -ENOENT);
	tap = t_tap(bus, RINGBUS_FROM_OLDEST);
	expect(tap, 0, 4);
	t_put_all(p, 5, 6);
	expect(tap, 5, 6);
	ck_assert_int_eq(t_info(ringbus_tap_channel(tap)).cursor, 6);
	ringbus_tap_close(tap);
	ringbus_close(bus);
	end(&b);
}

TEST(nothing_but_looking_works_without_a_daemon)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	bus = open_folder(b.daemon.shm);
	ck_assert_int_eq(ringbus_ping(bus), -ENOTCONN);
	ck_assert_ptr_nonnull(strstr(ringbus_error(bus), "without a daemon"));
	ck_assert_int_eq(ringbus_producer_open(bus, "a", NULL, &p), -ENOTCONN);
	ck_assert_int_eq(ringbus_consumer_open(bus, "a", NULL, &c), -ENOTCONN);
	ck_assert_int_eq(ringbus_create(bus, "b", NULL), -ENOTCONN);
	ck_assert_int_eq(ringbus_end(bus, "a"), -ENOTCONN);
	ck_assert_int_eq(ringbus_remove(bus, "a"), -ENOTCONN);
	expect_refusal(bus, "none", -ENOENT, "is not there");
	expect_refusal(bus, "../a", -EINVAL, "is no name");
	ringbus_close(bus);
	t_bus_end(&b);
}

TEST(a_folder_that_is_none_is_named)
{
	struct ringbus *bus;

	ck_assert_int_eq(ringbus_open_folder("/nonexistent", &bus), -ENOENT);
	ck_assert_str_eq(ringbus_error(NULL), "/nonexistent");
	ck_assert_int_eq(ringbus_open_folder("/dev/null", &bus), -ENOTDIR);
	setenv("RINGBUS_SHM_DIR", "/nonexistent/too", 1);
	ck_assert_int_eq(ringbus_open_folder(NULL, &bus), -ENOENT);
	ck_assert_str_eq(ringbus_error(NULL), "/nonexistent/too");
}

TEST(a_copy_is_looked_at_like_the_channel)
{
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: multi");
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 4);
	shell(&b, "mkdir $T/copy && cp -r --sparse=always $S/a $T/copy/");
	t_put_all(p, 5, 6);
	bus = open_folder(t_words("%s/copy", t_tmpdir()));
	tap = t_tap(bus, RINGBUS_FROM_OLDEST);
	expect(tap, 0, 4);
	ringbus_close(bus);
	t_bus_end(&b);
}

/* What is no channel is not listed, and what looks like one is refused. */
TEST(what_others_have_put_there_is_refused)
{
	static const struct {
		const char *make; /* in $S, from its channel */
		int err;
		const char *text;
	} cases[] = {
		{ "ln -s $S/a $S/x", -ENOENT, "is not there" },
		{ "cp -r $S/a $S/x && rm $S/x/meta && mkfifo $S/x/meta",
		  -EBADMSG, "has a meta that is no plain file" },
		{ "cp -r $S/a $S/x && ln -sf $S/a/ring $S/x/ring", -EBADMSG,
		  "has a ring that is no plain file" },
		{ "cp -r $S/a $S/x && rm $S/x/gates && ln $S/x/ring "
		  "$S/x/gates",
		  -EBADMSG, "that is no plain file" },
		{ "cp -r $S/a $S/x && rm $S/x/gates && mkdir $S/x/gates",
		  -EBADMSG, "has a gates that is no plain file" },
		{ "cp -r $S/a $S/x && rm $S/x/gates", -EBADMSG,
		  "has no gates" },
		{ "cp -r $S/a $S/x && truncate -s 4096 $S/x/ring", -EBADMSG,
		  "is damaged" },
		{ "cp -r $S/a $S/x && truncate -s 0 $S/x/meta", -EBADMSG,
		  "is damaged" },
		{ "cp -r $S/a $S/x && head -c 8M /dev/urandom >$S/x/meta",
		  -EBADMSG, "is damaged" },
		{ "cp -r $S/a $S/x && printf '\\1\\1\\1\\1' | dd of=$S/x/meta "
		  "bs=1 seek=8 conv=notrunc status=none",
		  -EPROTONOSUPPORT, "has another memory layout" },
		{ "mkdir $S/x && cp $S/a/bell $S/x/", -ENODATA, "is sealed" },
	};
	char name[RINGBUS_NAME_SIZE];
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	bus = open_folder(b.daemon.shm);
	shell(&b, "mkdir $S/empty; touch $S/file; mkdir $S/.hidden");
	ck_assert_int_eq(ringbus_list(bus, 1, name), -ENOENT);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		shell(&b, cases[i].make);
		expect_refusal(bus, "x", cases[i].err, cases[i].text);
		shell(&b, "rm -r $S/x");
	}
	shell(&b, "rm -r $S/empty $S/file $S/.hidden");
	ringbus_close(bus);
	t_bus_end(&b);
}

TEST(files_that_are_shortened_while_we_look_are_survived)
{
	static const char *const files[] = { "meta", "ring", "gates" };
	struct ringbus_info info = { .size = sizeof(info) };
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_tap *tap;
	struct ringbus *bus;
	struct t_bus b;
	uint64_t value;
	size_t size;

	t_bus_begin(&b, "slots: 16, event_size: 8, consumers: { app: {} }");
	t_put_all(t_produce(b.bus, NULL), 0, 4);
	bus = open_folder(t_tmpdir());
	for (int i = 0; i < 3; i++) {
		shell(&b, "rm -rf $T/a; cp -r $S/a $T/a");
		tap = t_tap(bus, RINGBUS_FROM_OLDEST);
		shell(&b, t_words("truncate -s 0 $T/a/%s", files[i]));
		ringbus_channel_info(ringbus_tap_channel(tap), &info);
		for (unsigned k = 0; k < RINGBUS_MEMBERS_MAX; k++)
			ringbus_channel_member(ringbus_tap_channel(tap),
					       RINGBUS_CONSUMER, k, &m);
		ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value),
						  &size, RINGBUS_NOW),
				 -EBADMSG);
		t_ok(ringbus_channel_info(ringbus_tap_channel(tap), &info));
		ck_assert(info.damaged);
		ringbus_tap_close(tap);
	}
	ringbus_close(bus);
	t_bus_end(&b);
}

TEST(events_of_another_type_are_refused)
{
	struct ringbus_tap_options o = RINGBUS_TAP_OPTIONS_INIT;
	struct ringbus_tap *tap;
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, type: order, "
			"version: 2");
	bus = open_folder(b.daemon.shm);
	o.type = "order";
	o.type_version = 1;
	ck_assert_int_eq(ringbus_tap_open(bus, "a", &o, &tap), -EPROTOTYPE);
	ck_assert_ptr_nonnull(strstr(ringbus_error(bus), "order, version 2"));
	o.type_version = 2;
	t_bus_ok(bus, ringbus_tap_open(bus, "a", &o, &tap));
	ringbus_close(bus);
	t_bus_end(&b);
}

static int
look_as_stranger(void *arg)
{
	const struct t_bus *b = arg;
	char name[RINGBUS_NAME_SIZE];
	struct ringbus *bus;

	if (ringbus_open_folder(b->daemon.shm, &bus) < 0 ||
	    ringbus_list(bus, 0, name) < 0 || strcmp(name, "a") != 0)
		return 1;
	expect_refusal(bus, "a", -EACCES, "be that user, or root");
	ringbus_close(bus);
	return 0;
}

TEST(files_of_another_user_are_refused)
{
	struct t_bus b;

	t_need_root();
	t_bus_begin(&b, "slots: 16, event_size: 8");
	ck_assert_int_eq(chmod(b.daemon.shm, 0755), 0);
	t_join(t_child_as(&t_stranger, look_as_stranger, &b));
	t_bus_end(&b);
}

static int
look_as_child(void *arg)
{
	char name[RINGBUS_NAME_SIZE];
	struct ringbus_tap *tap;

	return ringbus_list(arg, 0, name) != -ECHILD ||
	       ringbus_tap_open(arg, "a", NULL, &tap) != -ECHILD;
}

TEST(a_forked_child_is_told)
{
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	bus = open_folder(b.daemon.shm);
	t_join(t_child(look_as_child, bus));
	ringbus_close(bus);
	t_bus_end(&b);
}

TEST(a_stopped_daemon_is_waited_for_as_long_as_one_says)
{
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	ck_assert_int_eq(ringbus_connect_within(b.daemon.socket, 0, &bus),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(ringbus_error(NULL), "no time"));
	ck_assert_int_eq(kill(b.daemon.pid, SIGSTOP), 0);
	ck_assert_int_eq(ringbus_connect_within(b.daemon.socket, 50 * T_MS,
						&bus),
			 -ETIMEDOUT);
	ck_assert_int_eq(kill(b.daemon.pid, SIGCONT), 0);
	t_bus_ok(NULL, ringbus_connect_within(b.daemon.socket, T_LONG, &bus));
	ringbus_close(bus);
	t_bus_end(&b);
}

/* As each of them is cut to the microseconds that a socket counts in. */
TEST(any_time_is_one_to_wait_for)
{
	static const int64_t times[] = { 1, T_LONG - 1, T_LONG, INT64_MAX };
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	for (size_t i = 1; i < sizeof(times) / sizeof(times[0]); i++) {
		t_bus_ok(NULL, ringbus_connect_within(b.daemon.socket, times[i],
						      &bus));
		ringbus_close(bus);
	}
	ck_assert_int_eq(kill(b.daemon.pid, SIGSTOP), 0);
	ck_assert_int_eq(ringbus_connect_within(b.daemon.socket, times[0],
						&bus),
			 -ETIMEDOUT);
	ck_assert_int_eq(kill(b.daemon.pid, SIGCONT), 0);
	t_bus_end(&b);
}
