/* SPDX-License-Identifier: MIT */
/*
 * test_sealed_restart.c - memory without a name outlives the daemon, if somebody
 * keeps it; and what of it is not what it should be is not served
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_manager.h"

#define KEYS "slots: 64, event_size: 8"
#define SEALED                                                                 \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { " KEYS ", isolation: sealed } }"
#define NAMED                                                                  \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { " KEYS ", isolation: named } }"
#define MULTI                                                                  \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { " KEYS ", isolation: sealed, producers: multi,"      \
	" consumers: { app: {} } } }"

static uint64_t
generation(const struct t_manager *m)
{
	struct ringbus *bus = t_connect(&m->d);
	struct ringbus_tap *tap = t_tap(bus, RINGBUS_FROM_NOW);
	uint64_t g = t_info(ringbus_tap_channel(tap)).generation;

	ringbus_close(bus);
	return g;
}

static void
kill_and_settle(struct t_manager *m)
{
	t_daemon_kill(&m->d);
	t_manager_settle(m);
}

/* ---------------------------------------------------------------------- flow */

struct flow {
	struct t_manager *m;
	struct rb_word64 *read;
	struct rb_word64 *stop;
};

/* 1, 2, 3, to whom it may concern. */
static int
publish(void *arg)
{
	const struct flow *flow = arg;
	struct ringbus *bus = t_connect(&flow->m->d);
	struct ringbus_producer *p = t_produce(bus, NULL);
	uint64_t value = 0;

	while (t_read(flow->stop) == 0) {
		value++;
		t_ok(ringbus_producer_write(p, &value, sizeof(value), T_LONG));
	}
	ringbus_close(bus);
	return 0;
}

static int
consume(void *arg)
{
	const struct flow *flow = arg;
	struct ringbus *bus = t_connect(&flow->m->d);
	struct ringbus_consumer *c = t_consume_as(bus, "app",
						  RINGBUS_FROM_OLDEST);
	uint64_t value = 0;

	t_store(flow->read, 0);
	while (t_read(flow->stop) == 0) {
		value++;
		t_take(c, value, value);
		t_store(flow->read, value);
	}
	ringbus_close(bus);
	return 0;
}

static void
await_more(const struct flow *flow)
{
	uint64_t before = t_read(flow->read);

	t_until(t_read(flow->read) > before + 1000);
}

/* A gap, a repetition or a torn event ends the consumer with an error. */
TEST(flow_goes_on_and_others_can_join)
{
	struct t_manager m;
	struct flow flow = { &m, t_counter(), t_counter() };
	struct ringbus *bus;
	struct ringbus_consumer *late;
	struct ringbus_event event;
	pid_t producer, consumer;
	uint64_t before;

	t_manager_begin(&m, MULTI);
	before = generation(&m);
	t_store(flow.read, UINT64_MAX);
	consumer = t_child(consume, &flow);
	t_until(t_read(flow.read) == 0);
	producer = t_child(publish, &flow);
	for (int i = 0; i < 5; i++) {
		await_more(&flow);
		kill_and_settle(&m);
		await_more(&flow);
		ck_assert_uint_eq(m.n, RB_FILES);
		t_manager_restart(&m);
		ck_assert_uint_eq(generation(&m), before);
	}
	bus = t_connect(&m.d);
	late = t_consume_as(bus, "late", RINGBUS_FROM_NOW);
	t_next(late, &event);
	ringbus_consumer_close(late);
	await_more(&flow);
	t_kill(producer);
	ringbus_close(bus);
	/* What it had claimed is mended, and the next one is heard. */
	t_until(t_daemon_said(&m.d, "producer"));
	t_kill(consumer);
	t_manager_end(&m);
}

static int
claim_and_die(void *arg)
{
	const struct flow *flow = arg;
	struct ringbus *bus = t_connect(&flow->m->d);
	struct ringbus_producer *p = t_produce(bus, NULL);

	t_put(p, 1);
	t_ok(ringbus_producer_claim(p, 3, RINGBUS_NOW));
	t_store(flow->read, 1);
	t_until(t_read(flow->stop) != 0);
	return 0;
}

TEST(who_dies_under_the_next_daemon_is_mended)
{
	struct t_manager m;
	struct flow flow = { &m, t_counter(), t_counter() };
	struct ringbus_consumer *c;
	struct ringbus *bus;
	pid_t pid;

	t_manager_begin(&m, MULTI);
	bus = t_connect(&m.d);
	c = t_consume_as(bus, "app", RINGBUS_FROM_OLDEST);
	pid = t_child(claim_and_die, &flow);
	t_until(t_read(flow.read) == 1);
	kill_and_settle(&m);
	t_manager_restart(&m);
	t_kill(pid);
	t_put(t_produce(bus, NULL), 2);
	t_take(c, 1, 2);
	ck_assert_uint_eq(t_info(ringbus_consumer_channel(c)).tombstones, 3);
	ringbus_close(bus);
	t_manager_end(&m);
}

/* ---------------------------------------------------------------------- lost */

/* Who was in it goes on. */
static void
go_on(struct ringbus_producer *p, struct ringbus_consumer *c, uint64_t value)
{
	t_put(p, value);
	t_take(c, value, value);
}

static void
check_lost(const char *kept_not)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_manager m;
	struct ringbus *bus;
	uint64_t before;

	t_manager_begin(&m, SEALED);
	before = generation(&m);
	bus = t_connect(&m.d);
	c = t_consume(bus, NULL);
	p = t_produce(bus, NULL);
	go_on(p, c, 1);
	kill_and_settle(&m);
	t_manager_drop(&m, kept_not);
	t_manager_restart(&m);
	ck_assert_uint_eq(m.n, RB_FILES); /* of the new one alone */
	ck_assert_uint_ne(generation(&m), before);
	ck_assert(t_daemon_said(&m.d, "nobody can join them"));
	ck_assert(t_daemon_said(&m.d, "is not in the store"));
	go_on(p, c, 2);
	ringbus_close(bus);
	t_manager_end(&m);
}

TEST(what_nobody_kept_is_made_anew)
{
	check_lost("");
}

TEST(what_was_kept_in_part_is_made_anew)
{
	check_lost(".meta");
	check_lost(".ring");
	check_lost(".gates");
}

/* ------------------------------------------------- what is in no folder, or two */

/* A channel as it is after a kill, to be made something else of. */
static uint64_t
begin(struct t_manager *m)
{
	uint64_t g;

	t_manager_begin(m, SEALED);
	g = generation(m);
	kill_and_settle(m);
	return g;
}

static void
rename_folder(const struct t_manager *m, const char *from, const char *to)
{
	char old[2 * PATH_MAX], new[2 * PATH_MAX];

	snprintf(old, sizeof(old), "%s/%s", m->d.shm, from);
	snprintf(new, sizeof(new), "%s/%s", m->d.shm, to);
	ck_assert_int_eq(rename(old, new), 0);
}

/* As after a death while the channel was made, or removed. */
TEST(memory_of_a_hidden_folder_is_given_up)
{
	const char *const names[] = { ".a.1.new", ".a.1.old" };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(names); i++) {
		struct t_manager m;
		uint64_t before = begin(&m);

		rename_folder(&m, "a", names[i]);
		t_manager_restart(&m);
		ck_assert(!t_daemon_has(&m.d, names[i]));
		ck_assert_uint_eq(m.n, RB_FILES);
		ck_assert_uint_ne(generation(&m), before);
		ck_assert(!t_daemon_said(&m.d, "nobody can join them"));
		t_manager_end(&m);
	}
}

/* The bell says which, and not which came first or is newer. */
TEST(of_two_generations_the_one_of_the_bell_is_taken)
{
	const char *const others[] = { "segment.1",
				       "segment.9223372036854775" };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(others); i++) {
		struct t_manager m;
		uint64_t before = begin(&m);

		for (int f = 0; f < RB_FILES; f++) {
			char name[64];

			snprintf(name, sizeof(name), "%s.%s", others[i],
				 rb_file_names[f]);
			t_manager_add(&m, name, dup(m.stored[f].fd));
		}
		t_manager_restart(&m);
		ck_assert_uint_eq(m.n, RB_FILES);
		ck_assert_int_eq(t_manager_find(&m, "segment.1.meta"), -1);
		ck_assert_uint_eq(generation(&m), before);
		ck_assert(t_daemon_said(&m.d, "given up"));
		t_manager_end(&m);
	}
}

TEST(order_of_the_descriptors_does_not_matter)
{
	struct t_manager m;
	uint64_t before = begin(&m);

	for (unsigned i = 0; i < m.n / 2; i++) {
		struct t_stored s = m.stored[i];

		m.stored[i] = m.stored[m.n - 1 - i];
		m.stored[m.n - 1 - i] = s;
	}
	t_manager_restart(&m);
	ck_assert_uint_eq(generation(&m), before);
	t_manager_end(&m);
}

TEST(other_descriptors_are_refused)
{
	const char *const names[] = { "segment.1.bell", "segment.01.meta",
				      "segment..meta", "a.socket" };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(names); i++) {
		struct t_manager m;

		begin(&m);
		t_manager_add(&m, names[i], open("/dev/null", O_RDONLY));
		t_manager_launch(&m);
		t_daemon_ends(&m.d, 73);
		ck_assert(t_daemon_said(&m.d, "which is"));
		t_manager_settle(&m);
		ck_assert_uint_eq(m.n, RB_FILES + 1);
		t_manager_drop(&m, names[i]);
		t_manager_restart(&m);
		t_manager_end(&m);
	}
}

/* ------------------------------------------------------- another configuration */

/* One that nobody is in is made anew; else it stays as it is. */
static void
check_change(const char *from, const char *to, bool in_use)
{
	struct ringbus_consumer *c = NULL;
	struct ringbus *bus = NULL;
	struct t_manager m;

	t_manager_begin(&m, from);
	if (in_use) {
		bus = t_connect(&m.d);
		c = t_consume(bus, NULL);
	}
	kill_and_settle(&m);
	t_daemon_configure(&m.d, to);
	t_manager_restart(&m);
	ck_assert(t_daemon_said(&m.d, "configuration says (isolation)"));
	ck_assert_int_eq(t_daemon_has(&m.d, "a/meta"),
			 (strcmp(to, NAMED) == 0) != in_use);
	ck_assert_uint_eq(m.n, t_daemon_has(&m.d, "a/meta") ? 0 : RB_FILES);
	if (in_use) {
		go_on(t_produce(bus, NULL), c, 1);
		ringbus_close(bus);
	}
	t_manager_end(&m);
}

TEST(another_isolation_is_another_channel)
{
	check_change(SEALED, NAMED, false);
	check_change(NAMED, SEALED, false);
	check_change(SEALED, NAMED, true);
	check_change(NAMED, SEALED, true);
}

/* The store is not for who only asks. */
TEST(check_takes_nothing_from_the_store)
{
	struct t_daemon asked;
	struct t_manager m;

	begin(&m);
	asked = m.d;
	t_daemon_launch(&asked, "--check");
	t_daemon_ends(&asked, 0);
	t_manager_settle(&m);
	ck_assert_uint_eq(m.n, RB_FILES);
	ck_assert(t_daemon_has(&m.d, "a/bell"));
	t_manager_restart(&m);
	t_manager_end(&m);
}

/* -------------------------------------------------------------------- damaged */

/* In place of one of them; the folder stays, and so does what is in the store. */
static void
check_forged(const char *suffix, int fd, const char *what)
{
	struct t_manager m;
	char name[T_STORED_NAME] = "";
	struct ringbus *bus;
	struct ringbus_tap *tap;

	begin(&m);
	for (unsigned i = 0; i < m.n; i++)
		if (strstr(m.stored[i].name, suffix) != NULL)
			memcpy(name, m.stored[i].name, sizeof(name));
	t_manager_drop(&m, suffix);
	t_manager_add(&m, name, fd);
	t_manager_restart(&m);
	bus = t_connect(&m.d);
	ck_assert_int_eq(ringbus_tap_open(bus, "a", NULL, &tap), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(ringbus_error(bus), what));
	ringbus_close(bus);
	ck_assert_uint_eq(m.n, RB_FILES);
	t_daemon_stop(&m.d);
	ck_assert(t_daemon_has(&m.d, "a/bell"));
	/* The service is stopped: nobody has it any more. */
	t_manager_empty(&m);
	t_manager_restart(&m);
	t_manager_end(&m);
}

static int
forge(uint64_t size, mode_t mode, bool sealed)
{
	int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	if (sealed)
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS,
				       F_SEAL_SHRINK | F_SEAL_GROW |
					       F_SEAL_SEAL),
				 0);
	return fd;
}

TEST(memory_that_is_not_sealed_is_not_served)
{
	check_forged(".ring", forge(1 << 20, 0600, false), "not sealed");
	check_forged(".meta", forge(1 << 20, 0600, false), "not sealed");
}

TEST(what_is_no_file_is_not_served)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[1]);
	check_forged(".gates", fds[0], "is no file but a FIFO");
}

TEST(memory_of_another_size_is_not_served)
{
	check_forged(".ring", forge(4096, 0600, true), "ring has 4096 bytes");
	check_forged(".gates", forge(0, 0600, true), "gates has 0 bytes");
	check_forged(".meta", forge(0, 0600, true), "meta has 0 bytes");
}

TEST(memory_without_a_header_is_not_served)
{
	check_forged(".meta", forge(1 << 20, 0600, true), "no magic");
}

TEST(memory_that_others_may_write_is_not_served)
{
	check_forged(".gates", forge(1 << 20, 0666, true),
		     "others may write to gates");
}

TEST(memory_of_another_user_is_not_served)
{
	int fd = forge(1 << 20, 0600, true);

	if (geteuid() != 0)
		T_SKIP("only root can give a file away");
	ck_assert_int_eq(fchown(fd, 65534, 65534), 0);
	check_forged(".ring", fd, "ring belongs to uid 65534");
}

/* Two folders with one bell: the header says whose the memory is. */
TEST(copied_folder_is_not_served)
{
	struct ringbus_tap *tap;
	struct t_manager m;
	struct ringbus *bus;

	begin(&m);
	rename_folder(&m, "a", "b");
	t_manager_restart(&m);
	bus = t_connect(&m.d);
	ck_assert_int_eq(ringbus_tap_open(bus, "b", NULL, &tap), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(ringbus_error(bus), "is channel a"));
	ringbus_close(bus);
	t_daemon_stop(&m.d);
	t_manager_empty(&m);
	t_daemon_configure(&m.d, "channels: {}");
	t_manager_restart(&m);
	ck_assert(!t_daemon_has(&m.d, "b"));
	t_manager_end(&m);
}
