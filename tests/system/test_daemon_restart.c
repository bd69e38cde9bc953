/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_restart.c - a daemon is killed and the next one takes over
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "tests/system/util_user.h"

#define SINGLE                                                                 \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8,"                           \
	" consumers: { app: {} } } }"
#define OTHER                                                                  \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 128, event_size: 8,"                          \
	" consumers: { app: {} } } }"
#define OTHER_GRAPH                                                            \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8,"                           \
	" consumers: { app: { on_death: keep } } } }"
#define DYNAMIC                                                                \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: [any] }"

static uint64_t
generation(const struct t_daemon *d, const char *channel)
{
	struct rb_channel c;
	uint64_t g;

	t_daemon_map(d, channel, RB_ROLE_TAP, &c);
	g = c.generation;
	rb_channel_detach(&c);
	return g;
}

static void
rewrite(const struct t_daemon *d, const char *yaml)
{
	FILE *file = fopen(d->config, "we");

	ck_assert_ptr_nonnull(file);
	fputs(yaml, file);
	fclose(file);
}

/* A channel whose two ends outlive their daemon. */
struct flow {
	struct t_daemon d;
	uint64_t before; /* its generation */
	struct ringbus *bus;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
};

static void
begin(struct flow *f)
{
	t_daemon_start(&f->d, SINGLE);
	f->before = generation(&f->d, "a");
	t_ok(ringbus_connect(f->d.socket, &f->bus));
	t_ok(ringbus_producer_open(f->bus, "a", NULL, &f->p));
	t_ok(ringbus_consumer_open(f->bus, "a", NULL, &f->c));
}

static void
passes(struct flow *f, int64_t sequence)
{
	t_ok(ringbus_producer_write(f->p, &sequence, sizeof(sequence),
				    RINGBUS_NOW));
	ck_assert_int_eq(ringbus_consumer_wait(f->c, RINGBUS_NOW), sequence);
}

/* Without a daemon, and with the next one. */
static void
goes_on(struct flow *f)
{
	passes(f, 0);
	t_daemon_restart(&f->d);
	ck_assert_uint_eq(generation(&f->d, "a"), f->before);
	passes(f, 1);
	ringbus_close(f->bus);
	t_daemon_stop(&f->d);
}

TEST(data_flow_survives_the_daemon)
{
	struct flow f;

	begin(&f);
	t_daemon_kill(&f.d);
	goes_on(&f);
}

TEST(who_leaves_ends_nothing)
{
	struct flow f;

	begin(&f);
	kill(f.d.pid, SIGUSR1);
	t_daemon_ends(&f.d, 0);
	ck_assert_int_eq(access(f.d.socket, F_OK), -1);
	goes_on(&f);
}

static bool
is_stopping(const struct t_daemon *d)
{
	return t_daemon_said(d, "stopping: streams are closed");
}

TEST(who_stops_does_not_leave)
{
	struct ringbus_producer *p;
	struct ringbus *bus;
	struct t_daemon d;

	t_daemon_start(&d, "daemon: { drain: 1h }\n"
			   "channels: { a: { slots: 64, event_size: 8 } }");
	t_ok(ringbus_connect(d.socket, &bus));
	t_ok(ringbus_producer_open(bus, "a", NULL, &p));
	kill(d.pid, SIGTERM);
	t_until(is_stopping(&d));
	kill(d.pid, SIGUSR1);
	t_daemon_ends(&d, 0);
	ck_assert(!t_daemon_has(&d, "a"));
	ringbus_close(bus);
}

TEST(living_members_are_watched_again)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_PRODUCER, "p");
	struct rb_control held, answer;
	struct t_daemon d;
	pid_t holder;
	int peer;

	t_daemon_start(&d, SINGLE);
	holder = t_holder(&d, &attach, false, &held);
	t_ok(held.result);
	t_daemon_kill(&d);
	t_daemon_restart(&d);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, "p",
				       &answer),
			 -EBUSY);
	t_kill(holder);
	t_until(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, "p", &answer) == 0);
	close(peer);
	t_daemon_stop(&d);
}

TEST(those_who_died_meanwhile_are_buried)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_CONSUMER,
						    "app");
	struct rb_control held;
	struct rb_channel c;
	struct t_daemon d;
	pid_t holder;

	t_daemon_start(&d, SINGLE);
	holder = t_holder(&d, &attach, false, &held);
	t_ok(held.result);
	t_daemon_kill(&d);
	t_kill(holder);
	t_daemon_restart(&d);
	t_daemon_map(&d, "a", RB_ROLE_TAP, &c);
	ck_assert_uint_eq(t_member_state(&c.meta->consumers[0]),
			  RB_MEMBER_FREE);
	ck_assert(t_daemon_said(&d, "consumer app"));
	rb_channel_detach(&c);
	t_daemon_stop(&d);
}

/* A process may leave by a new connection what it entered by the old one. */
TEST(adopted_member_can_leave)
{
	struct rb_control attached;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &attached));
	t_daemon_kill(&d);
	close(peer);
	t_daemon_restart(&d);
	peer = t_peer_greet(&d);
	t_ok(t_peer_detach(peer, &attached));
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &attached));
	close(peer);
	t_daemon_stop(&d);
}

TEST(unused_channel_of_another_shape_is_made_anew)
{
	struct t_daemon d;
	uint64_t before;

	t_daemon_start(&d, SINGLE);
	before = generation(&d, "a");
	t_daemon_kill(&d);
	rewrite(&d, OTHER);
	t_daemon_restart(&d);
	ck_assert_uint_ne(generation(&d, "a"), before);
	ck_assert(t_daemon_said(&d, "is not what the configuration says"));
	before = generation(&d, "a");
	t_daemon_kill(&d);
	rewrite(&d, OTHER_GRAPH);
	t_daemon_restart(&d);
	ck_assert_uint_ne(generation(&d, "a"), before);
	t_daemon_stop(&d);
}

/* Who changes the configuration does not want those stopped who run. */
TEST(used_channel_of_another_shape_stays_as_it_was)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_CONSUMER,
						    "app");
	struct rb_control held, answer;
	struct t_daemon d;
	uint64_t before;
	char pid[32];
	pid_t holder;
	int peer;

	t_daemon_start(&d, SINGLE);
	before = generation(&d, "a");
	holder = t_holder(&d, &attach, false, &held);
	t_ok(held.result);
	t_daemon_kill(&d);
	rewrite(&d, OTHER);
	t_daemon_restart(&d);
	snprintf(pid, sizeof(pid), "(pid %d)", holder);
	ck_assert(t_daemon_said(&d, "channel a is not what the configuration "
				    "says (slots), and consumer app "));
	ck_assert(t_daemon_said(&d, pid));
	ck_assert_uint_eq(generation(&d, "a"), before);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &answer));
	close(peer);
	t_kill(holder);
	t_until(t_daemon_said(&d, "died, its place is released"));
	t_daemon_stop(&d);
	t_daemon_restart(&d);
	ck_assert_uint_ne(generation(&d, "a"), before);
	t_daemon_stop(&d);
}

static int
create(const struct t_daemon *d, const char *channel)
{
	struct rb_control m = t_create_message(channel, 0);
	int peer = t_peer_greet(d);
	int err;

	err = t_peer_ask(peer, &m, NULL);
	close(peer);
	return err;
}

TEST(channel_of_an_earlier_boot_is_made_anew)
{
	struct rb_meta_header *header;
	struct rb_channel c;
	struct t_daemon d;
	uint64_t before;

	t_daemon_start(&d, SINGLE);
	before = generation(&d, "a");
	t_daemon_kill(&d);
	t_daemon_map(&d, "a", RB_ROLE_DAEMON, &c);
	header = &c.meta->header;
	header->boot_id[3] ^= 0xff;
	header->sum = rb_header_sum(header);
	rb_channel_detach(&c);
	t_daemon_restart(&d);
	ck_assert(t_daemon_said(&d, "is of an earlier boot"));
	ck_assert_uint_ne(generation(&d, "a"), before);
	t_daemon_stop(&d);
}

TEST(ended_channel_is_made_anew)
{
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "a");
	struct rb_control answer;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_greet(&d);
	t_ok(t_peer_ask(peer, &end, NULL));
	t_daemon_kill(&d);
	close(peer);
	t_daemon_restart(&d);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &answer));
	close(peer);
	t_daemon_stop(&d);
}

TEST(dynamic_channels_are_kept_while_in_use)
{
	struct rb_control attach = t_attach_message("used", RB_ROLE_TAP, NULL);
	struct rb_control held;
	struct t_daemon d;
	pid_t holder;

	t_daemon_start(&d, DYNAMIC);
	t_ok(create(&d, "used"));
	t_ok(create(&d, "unused"));
	attach.role = RB_ROLE_CONSUMER;
	holder = t_holder(&d, &attach, false, &held);
	t_ok(held.result);
	t_daemon_kill(&d);
	t_daemon_restart(&d);
	ck_assert(t_daemon_has(&d, "used/ring"));
	ck_assert(!t_daemon_has(&d, "unused"));
	t_kill(holder);
	t_daemon_stop(&d);
}

/* ---------------------------------------------------------------- strangers */

static void
find_closed_doors(const struct t_daemon *d, const void *arg)
{
	struct rb_control list = t_message(RB_CONTROL_LIST, NULL);
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "a");
	struct rb_control removal = t_message(RB_CONTROL_REMOVE, "a");
	struct rb_control answer;
	int peer = t_peer_greet(d);

	for (int r = RB_ROLE_TAP; r <= RB_ROLE_CONSUMER; r++)
		ck_assert_int_eq(t_peer_attach(peer, "a", r, NULL, &answer),
				 -EACCES);
	ck_assert_int_eq(t_peer_ask(peer, &list, NULL), -ENOENT);
	ck_assert_int_eq(t_peer_ask(peer, &end, NULL), -EACCES);
	ck_assert_int_eq(t_peer_ask(peer, &removal, NULL), -EACCES);
	close(peer);
	(void)arg;
}

TEST(channel_that_is_no_longer_configured_is_the_owners)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_CONSUMER,
						    "app");
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "a");
	struct rb_control held, answer;
	struct t_daemon d;
	pid_t holder;
	int peer;

	t_need_root();
	t_daemon_start(&d, SINGLE);
	holder = t_holder(&d, &attach, false, &held);
	t_ok(held.result);
	t_daemon_kill(&d);
	rewrite(&d, DYNAMIC);
	t_daemon_restart_open(&d);
	t_as(&d, &t_stranger, find_closed_doors, NULL);
	ck_assert(t_daemon_said(&d, "no longer in the configuration"));
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &answer));
	t_ok(t_peer_ask(peer, &end, NULL));
	close(peer);
	t_kill(holder);
	t_daemon_stop(&d);
}

static void
create_theirs(const struct t_daemon *d, const void *arg)
{
	(void)arg;
	t_ok(create(d, "theirs"));
}

static void
end_and_remove_theirs(const struct t_daemon *d, const void *arg)
{
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "theirs");
	struct rb_control removal = t_message(RB_CONTROL_REMOVE, "theirs");
	struct rb_control alien = t_message(RB_CONTROL_CLOSE, "mine");
	struct rb_control answer;
	int peer = t_peer_greet(d);

	t_ok(t_peer_ask(peer, &end, NULL));
	t_ok(t_peer_ask(peer, &removal, NULL));
	ck_assert_int_eq(t_peer_ask(peer, &alien, NULL), -EACCES);
	t_ok(t_peer_attach(peer, "mine", RB_ROLE_PRODUCER, NULL, &answer));
	t_ok(t_peer_ask(peer, &alien, NULL));
	close(peer);
	(void)arg;
}

TEST(dynamic_channel_stays_its_creators)
{
	struct rb_control held;
	struct t_daemon d;
	struct rb_control attach = t_attach_message("theirs", RB_ROLE_CONSUMER,
						    NULL);
	pid_t theirs, mine;

	t_daemon_start_open(&d, DYNAMIC);
	t_as(&d, &t_stranger, create_theirs, NULL);
	t_ok(create(&d, "mine"));
	theirs = t_holder(&d, &attach, false, &held);
	t_ok(held.result);
	attach = t_attach_message("mine", RB_ROLE_CONSUMER, NULL);
	mine = t_holder(&d, &attach, false, &held);
	t_ok(held.result);
	t_daemon_kill(&d);
	t_daemon_restart_open(&d);
	t_kill(theirs);
	t_until(t_daemon_said(&d, "died, its place is released"));
	t_as(&d, &t_stranger, end_and_remove_theirs, NULL);
	ck_assert(!t_daemon_has(&d, "theirs"));
	t_kill(mine);
	t_daemon_stop(&d);
}

/* Taps are in no table: that nobody is in a channel does not say that nobody
 * reads along. */
TEST(taps_of_a_channel_that_is_removed_are_told)
{
	struct ringbus *bus;
	struct ringbus_tap *tap;
	struct t_daemon d;
	uint64_t value;
	size_t size;

	t_daemon_start(&d, SINGLE);
	t_ok(ringbus_connect(d.socket, &bus));
	t_ok(ringbus_tap_open(bus, "a", NULL, &tap));
	t_daemon_kill(&d);
	rewrite(&d, OTHER);
	t_daemon_restart(&d);
	ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value), &size,
					  RINGBUS_NOW),
			 -ESHUTDOWN);
	ringbus_close(bus);
	t_daemon_stop(&d);
}

static unsigned
locked_kib(pid_t pid)
{
	char path[64], line[256];
	unsigned kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "VmLck: %u", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

TEST(memory_is_locked_by_each_daemon)
{
	struct t_daemon d;
	unsigned kib;

	t_daemon_start(&d, "channels: { a: { slots: 64, lock: true } }");
	kib = locked_kib(d.pid);
	if (kib == 0)
		T_SKIP("none may be locked here, or a sanitizer prevents it");
	t_daemon_kill(&d);
	t_daemon_restart(&d);
	ck_assert_uint_eq(locked_kib(d.pid), kib);
	t_daemon_stop(&d);
}

/* Slots that are smaller than a page together are made larger. */
TEST(size_that_was_rounded_up_is_still_what_was_asked_for)
{
	struct t_daemon d;

	t_daemon_start(&d, "channels: { a: { slots: 8, framing: framed, "
			   "slot_size: 16 } }");
	t_daemon_kill(&d);
	t_daemon_restart(&d);
	ck_assert(t_daemon_said(&d, "channel a: taken over"));
	t_daemon_kill(&d);
	t_daemon_configure(&d, "channels: { a: { slots: 8, framing: framed, "
			       "slot_size: 4096 } }");
	t_daemon_restart(&d);
	ck_assert(t_daemon_said(&d, "configuration says (slot_size)"));
	t_daemon_stop(&d);
}
