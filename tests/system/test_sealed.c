/* SPDX-License-Identifier: MIT */
/*
 * test_sealed.c - channels whose memory has no name: who may do what to it
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_manager.h"
#include "tests/system/util_user.h"

#define SEALED                                                                 \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8, isolation: sealed } }"

static const enum rb_role roles[] = { RB_ROLE_TAP, RB_ROLE_PRODUCER,
				      RB_ROLE_CONSUMER };

TEST(only_the_bell_is_in_the_folder)
{
	struct t_manager m;

	t_manager_begin(&m, SEALED);
	ck_assert(t_daemon_has(&m.d, "a/bell"));
	for (int i = 0; i < RB_FILES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "a/%s", rb_file_names[i]);
		ck_assert(!t_daemon_has(&m.d, name));
	}
	ck_assert_uint_eq(m.n, RB_FILES);
	ck_assert(!t_daemon_said(&m.d, "no service manager"));
	t_manager_end(&m);
}

TEST(members_see_no_difference)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus_tap *tap;
	struct t_bus b;

	t_bus_begin(&b, "slots: 64, event_size: 8, isolation: sealed");
	c = t_consume(b.bus, NULL);
	tap = t_tap(b.bus, RINGBUS_FROM_OLDEST);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 1, 40);
	t_take(c, 1, 40);
	t_put_all(p, 41, 100);
	t_take(c, 41, 100);
	ck_assert_int_eq(t_info(ringbus_tap_channel(tap)).isolation,
			 RINGBUS_SEALED);
	t_bus_end(&b);
}

/* In an event loop too: the bell is the one file that it has. */
TEST(event_loop_hears_the_bell)
{
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin(&b, "slots: 64, event_size: 8, isolation: sealed");
	c = t_consume(b.bus, NULL);
	t_ok(ringbus_consumer_fd(c));
	ck_assert_int_eq(ringbus_consumer_arm(c), 0);
	t_put(t_produce(b.bus, NULL), 1);
	t_until(ringbus_consumer_arm(c) == 1);
	t_take(c, 1, 1);
	t_bus_end(&b);
}

/* -------------------------------------------------------------- descriptors */

static void
check_fd(int fd, bool writable)
{
	struct stat st;
	void *p;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert(rb_segment_is_sealed(fd));
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE,
			 writable ? O_RDWR : O_RDONLY);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(ftruncate(fd, st.st_size + 1), -1);
	ck_assert_int_eq(pwrite(fd, "x", 1, st.st_size), -1);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_int_eq(p != MAP_FAILED, writable);
	if (p != MAP_FAILED)
		munmap(p, 4096);
}

static int
reopen_writable(void *arg)
{
	const int *fds = arg;

	for (int i = 0; i < RB_FDS; i++)
		ck_assert_int_eq(rb_segment_reopen(fds[i], true), -EACCES);
	return 0;
}

TEST(descriptors_are_sealed_and_writable_only_where_the_role_writes)
{
	struct t_manager m;
	int peer;

	t_manager_begin(&m, SEALED);
	peer = t_peer_greet(&m.d);
	for (unsigned r = 0; r < RB_ARRAY_SIZE(roles); r++) {
		struct rb_control attach = t_attach_message("a", roles[r],
							    NULL);
		int fds[RB_FDS] = { -1, -1, -1, -1 };

		t_ok(t_peer_ask(peer, &attach, fds));
		for (int i = 0; i < RB_FILES; i++)
			check_fd(fds[i],
				 rb_role_writes(roles[r], i, RB_CLEAR_NONE));
		if (geteuid() == 0)
			t_join(t_child_as(&t_stranger, reopen_writable, fds));
		for (int i = 0; i < RB_FDS; i++)
			close(fds[i]);
	}
	close(peer);
	t_manager_end(&m);
}

/* ---------------------------------------------------------------- generation */

/* What could not be looked at is there again when the operator has seen to it. */
TEST(memory_of_a_folder_that_is_left_is_kept)
{
	char folder[2 * PATH_MAX];
	struct t_manager m;

	t_manager_begin(&m, SEALED);
	t_daemon_kill(&m.d);
	snprintf(folder, sizeof(folder), "%s/a", m.d.shm);
	ck_assert_int_eq(chmod(folder, 0777), 0);
	t_manager_restart(&m);
	ck_assert(t_daemon_said(&m.d, "others may write to the folder"));
	ck_assert_uint_eq(m.n, RB_FILES);
	t_daemon_kill(&m.d);
	ck_assert_int_eq(chmod(folder, 0700), 0);
	t_manager_restart(&m);
	ck_assert(t_daemon_said(&m.d, "channel a: taken over"));
	t_manager_end(&m);
}

/* The bell has one, and the header of what is stored by it another. */
TEST(memory_of_another_generation_is_not_served)
{
	char path[2 * PATH_MAX];
	struct ringbus_tap *tap;
	struct ringbus *bus;
	struct t_manager m;
	FILE *bell;

	t_manager_begin(&m, SEALED);
	t_daemon_kill(&m.d);
	t_manager_settle(&m);
	for (int i = 0; i < RB_FILES; i++)
		snprintf(m.stored[i].name, T_STORED_NAME, "segment.77.%s",
			 rb_file_names[i]);
	snprintf(path, sizeof(path), "%s/a/bell", m.d.shm);
	bell = fopen(path, "we");
	ck_assert_ptr_nonnull(bell);
	fputs("77\n", bell);
	fclose(bell);
	t_manager_restart(&m);
	bus = t_connect(&m.d);
	ck_assert_int_eq(ringbus_tap_open(bus, "a", NULL, &tap), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(ringbus_error(bus), "77 by its bell"));
	ringbus_close(bus);
	t_daemon_stop(&m.d);
	t_manager_empty(&m);
	t_manager_restart(&m);
	t_manager_end(&m);
}

/* ------------------------------------------------------------------- dynamic */

#define DYNAMIC                                                                \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: [any] }"

static void
write_index(void *context, void *slot, size_t size, uint64_t index)
{
	(void)context;
	ck_assert_uint_eq(size, sizeof(index));
	memcpy(slot, &index, sizeof(index));
}

static void
create_sealed(struct ringbus *bus, const char *name, bool prepare)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;

	o.slots = 64;
	o.slot_size = 8;
	o.isolation = RINGBUS_SEALED;
	o.prepare = prepare ? write_index : NULL;
	t_bus_ok(bus, ringbus_create(bus, name, &o));
}

TEST(client_creates_and_removes_sealed_ones)
{
	struct t_manager m;
	struct ringbus *bus;

	t_manager_begin(&m, DYNAMIC);
	bus = t_connect(&m.d);
	create_sealed(bus, "a", false);
	create_sealed(bus, "b", true);
	t_manager_settle(&m);
	ck_assert_uint_eq(m.n, 2 * RB_FILES);
	t_put(t_produce(bus, NULL), 1);
	t_bus_ok(bus, ringbus_remove(bus, "b"));
	t_manager_settle(&m);
	ck_assert_uint_eq(m.n, RB_FILES);
	ringbus_close(bus);
	t_manager_end(&m);
}

TEST(unknown_isolation_is_refused)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC);
	o.isolation = 2;
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), "isolation"));
	o.isolation = -1;
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	t_bus_end(&b);
}

/* It says so before it takes any: the limit makes an end of it if it tries. */
TEST(more_than_the_machine_has_is_refused)
{
	const struct rlimit limit = { 1 << 20, 1 << 20 };
	struct t_daemon d;

	t_daemon_prepare(&d, "channels: { a: { slots: 1048576, "
			     "event_size: 1MiB, isolation: sealed } }");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	t_daemon_launch(&d, NULL);
	t_daemon_ends(&d, 73);
	ck_assert(t_daemon_said(&d, "bytes of memory needed"));
	ck_assert(!t_daemon_has(&d, "a"));
}

TEST(without_a_manager_one_warning_is_given)
{
	struct t_daemon d;
	char *log, *first;

	unsetenv("NOTIFY_SOCKET");
	t_daemon_start(&d, "channels:\n"
			   "  a: { slots: 64, isolation: sealed }\n"
			   "  b: { slots: 64, isolation: sealed }\n");
	log = t_daemon_log(&d);
	first = strstr(log, "no service manager keeps");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "no service manager keeps"));
	free(log);
	t_daemon_stop(&d);
}
