/* SPDX-License-Identifier: MIT */
/*
 * test_tamper.c - what the daemon does about files that a member lengthens, makes
 * holes in or shortens, now, in its next life, and when the configuration is
 * loaded anew
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_hole.h"
#include "tests/system/util_victim.h"

#define PAGE 4096
#define MIB (1 << 20)

static const enum rb_file files[] = { RB_FILE_RING, RB_FILE_GATES };

static struct stat
look_at(const struct t_victims *v, enum rb_file file)
{
	struct stat st;

	ck_assert_int_eq(fstat(v->fds[file], &st), 0);
	return st;
}

static off_t
room_of(const struct t_victims *v, enum rb_file file)
{
	return look_at(v, file).st_blocks * 512;
}

static bool
is_let_in(const struct t_victims *v)
{
	struct rb_control tap = t_attach_message("a", RB_ROLE_TAP, NULL);

	return t_peer_ask(v->peer, &tap, NULL) == 0;
}

static void
reload(const struct t_daemon *d)
{
	ck_assert_int_eq(kill(d->pid, SIGHUP), 0);
}

/* ------------------------------------------------------------------- undone */

TEST(longer_file_is_cut_back)
{
	struct t_victims v;

	t_victims_begin(&v, T_FLOW);
	for (int i = 0; i < 2; i++) {
		off_t size = t_victims_size(&v, files[i]);

		for (int n = 0; n < 20; n++) {
			ck_assert_int_eq(ftruncate(v.fds[files[i]], size + MIB),
					 0);
			t_until(t_victims_size(&v, files[i]) == size);
		}
	}
	ck_assert(t_daemon_said(&v.d, "channel a: ring was lengthened by"));
	ck_assert(t_daemon_said(&v.d, "producer evil"));
	ck_assert(is_let_in(&v));
	t_victims_finish(&v);
}

TEST(room_beyond_the_end_is_taken_back)
{
	struct t_victims v;

	t_victims_begin(&v, T_FLOW);
	for (int i = 0; i < 2; i++) {
		off_t size = t_victims_size(&v, files[i]);

		ck_assert_int_eq(fallocate(v.fds[files[i]], FALLOC_FL_KEEP_SIZE,
					   size, 8 * MIB),
				 0);
		t_until(room_of(&v, files[i]) < size + 3 * MIB);
		ck_assert_int_ge(room_of(&v, files[i]), size);
	}
	ck_assert(is_let_in(&v));
	t_victims_finish(&v);
}

static void
punch(const struct t_victims *v, enum rb_file file, off_t at)
{
	ck_assert_int_eq(fallocate(v->fds[file],
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   at, PAGE),
			 0);
}

TEST(holes_are_filled)
{
	struct t_victims v;

	t_victims_begin(&v, T_FLOW);
	for (int i = 0; i < 2; i++) {
		punch(&v, files[i], 2 * PAGE);
		t_until(room_of(&v, files[i]) >= t_victims_size(&v, files[i]));
	}
	ck_assert(t_daemon_said(&v.d, "ring had holes of 4096 bytes: filled"));
	ck_assert(is_let_in(&v));
	t_victims_finish(&v);
}

/* It costs time, so it is not done for ever. Who touches a hole fills it as well,
 * so it is one that nobody does. */
TEST(holes_again_and_again_break_it)
{
	struct t_victims v;
	off_t at;

	t_victims_begin(&v, T_FLOW);
	at = t_victims_size(&v, RB_FILE_RING) - 8 * PAGE;
	t_victims_add(&v, t_victim_consume);
	t_victims_await(&v, 1);
	for (int i = 0; i < 8; i++) {
		punch(&v, RB_FILE_RING, at);
		t_until(room_of(&v, RB_FILE_RING) >=
			t_victims_size(&v, RB_FILE_RING));
	}
	ck_assert(is_let_in(&v));
	punch(&v, RB_FILE_RING, at);
	t_victims_end(&v);
	ck_assert(t_daemon_said(&v.d, "too large or too often"));
	t_victims_renew(&v);
	t_victims_finish(&v);
}

static void
fill_up(const char *folder)
{
	char command[2 * PATH_MAX];

	snprintf(command, sizeof(command),
		 "dd if=/dev/zero of=%s/full bs=4096 2>/dev/null", folder);
	ck_assert_int_ne(system(command), 0);
	snprintf(command, sizeof(command), "%s/full", folder);
	ck_assert_int_eq(access(command, F_OK), 0);
}

TEST(holes_that_nothing_is_left_for_break_it)
{
	struct t_daemon d;
	struct rb_control p = t_attach_message("a", RB_ROLE_PRODUCER, "evil");
	int fds[RB_FDS];
	char full[2 * PATH_MAX];
	int peer;

	if (!t_own_mounts())
		T_SKIP("cannot mount a tmpfs of its own");
	t_daemon_prepare(&d, "channels: { a: { " T_FLOW " } }");
	ck_assert_int_eq(mount("small", d.shm, "tmpfs", 0, "size=2m,mode=0755"),
			 0);
	t_daemon_restart(&d);
	peer = t_peer_greet(&d);
	t_ok(t_peer_ask(peer, &p, fds));
	ck_assert_int_eq(kill(d.pid, SIGSTOP), 0);
	ck_assert_int_eq(fallocate(fds[RB_FILE_RING],
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   2 * PAGE, PAGE),
			 0);
	fill_up(d.shm);
	ck_assert_int_eq(kill(d.pid, SIGCONT), 0);
	t_until(t_daemon_said(&d, "that cannot be filled: No space left"));
	snprintf(full, sizeof(full), "%s/full", d.shm);
	ck_assert_int_eq(unlink(full), 0);
	for (int i = 0; i < RB_FDS; i++)
		close(fds[i]);
	t_ok(t_peer_detach(peer, &p));
	close(peer);
	t_daemon_stop(&d);
	ck_assert_int_eq(umount(d.shm), 0);
}

/* --------------------------------------------------------- nobody watches */

static bool
write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 &&
		    write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* From now on there is no inotify for this process and its children. */
static bool
forbid_inotify(void)
{
	char map[64], ids[64];

	snprintf(map, sizeof(map), "%u %u 1", geteuid(), geteuid());
	snprintf(ids, sizeof(ids), "%u %u 1", getegid(), getegid());
	return unshare(CLONE_NEWUSER) == 0 &&
	       write_to("/proc/self/setgroups", "deny") &&
	       write_to("/proc/self/uid_map", map) &&
	       write_to("/proc/self/gid_map", ids) &&
	       write_to("/proc/sys/user/max_inotify_instances", "0");
}

TEST(without_inotify_the_daemon_lives_and_finds_out)
{
	struct t_victims v;
	struct rb_control attach = t_attach_message("a", RB_ROLE_PRODUCER, "p");
	bool let_in;

	if (!forbid_inotify())
		T_SKIP("cannot have a user namespace without inotify");
	t_victims_begin(&v, T_FLOW);
	ck_assert(t_daemon_said(&v.d, "cannot watch the files of channels"));
	t_victims_add(&v, t_victim_consume);
	t_victims_add(&v, t_victim_publish);
	t_victims_await(&v, 3);
	t_victims_cut(&v, RB_FILE_RING, 0);
	/* To let somebody in, it has to write there; unless it was at a leave. */
	let_in = t_peer_ask(v.peer, &attach, NULL) == 0;
	t_victims_end(&v);
	if (let_in)
		t_ok(t_peer_detach(v.peer, &attach));
	ck_assert(t_daemon_said(&v.d, "as it turned out when it was read"));
	t_victims_renew(&v);
	t_victims_finish(&v);
}

/* ------------------------------------------------------- reload, next life */

TEST(reload_waits_for_the_last_member)
{
	struct t_victims v;

	t_victims_begin(&v, T_FLOW);
	t_victims_cut(&v, RB_FILE_RING, 0);
	t_victims_end(&v);
	reload(&v.d);
	t_until(t_daemon_said(&v.d, "channel a is broken, and has 2 members"));
	ck_assert(!is_let_in(&v));
	t_victims_renew(&v);
	ck_assert(t_daemon_said(&v.d, "channel a was broken: removed"));
	t_victims_finish(&v);
}

/* A daemon, and in its channel "a" somebody who truncates it. */
struct broken {
	struct t_daemon d;
	struct rb_control held;
	pid_t member;
};

static int
cut_and_stay(void *arg)
{
	struct broken *b = arg;
	struct rb_control p = t_attach_message("a", RB_ROLE_PRODUCER, "evil");
	int fds[RB_FDS];
	int peer = t_peer_greet(&b->d);

	t_ok(t_peer_ask(peer, &p, fds));
	t_ok(ftruncate(fds[RB_FILE_RING], 8 * PAGE)); /* but for some slots */
	for (;;)
		pause();
}

static void
break_it(struct broken *b, const char *keys)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml),
		 "daemon: { drain: 1ms }\nchannels: { a: { %s } }", keys);
	t_daemon_start(&b->d, yaml);
	b->member = t_child(cut_and_stay, b);
	t_until(t_daemon_said(&b->d, "it is broken"));
}

static bool
has_channel(const struct t_daemon *d)
{
	struct rb_control tap = t_attach_message("a", RB_ROLE_TAP, NULL);
	int peer = t_peer_greet(d);
	bool has = t_peer_ask(peer, &tap, NULL) == 0;

	close(peer);
	return has;
}

/* A reload may come before the daemon has heard of a death, and be refused. */
static bool
has_channel_reloaded(const struct t_daemon *d)
{
	reload(d);
	return has_channel(d);
}

TEST(broken_channel_stays_so_for_the_next_daemon)
{
	struct broken b;

	break_it(&b, T_FLOW);
	t_daemon_kill(&b.d);
	t_daemon_restart(&b.d);
	ck_assert(t_daemon_said(&b.d, "channel a is broken: ring has 32768"));
	ck_assert(!has_channel(&b.d));
	reload(&b.d);
	t_until(t_daemon_said(&b.d, "channel a is broken, and has 1 members"));
	t_kill(b.member);
	t_until(has_channel_reloaded(&b.d));
	ck_assert(t_daemon_said(&b.d, "channel a was broken: removed"));
	t_daemon_stop(&b.d);
}

/* Its size is right again, and yet it is what it was. */
TEST(broken_channel_is_not_whole_by_its_size)
{
	struct broken b;
	char path[2 * PATH_MAX];

	break_it(&b, T_FLOW);
	t_daemon_kill(&b.d);
	snprintf(path, sizeof(path), "%s/a/ring", b.d.shm);
	ck_assert_int_eq(truncate(path, MIB), 0);
	t_daemon_restart(&b.d);
	ck_assert(t_daemon_said(&b.d, "channel a is broken: a client has"));
	ck_assert(!has_channel(&b.d));
	t_kill(b.member);
	t_daemon_stop(&b.d);
}

TEST(broken_channel_of_the_dead_is_made_anew)
{
	struct broken b;

	break_it(&b, T_FLOW);
	t_daemon_kill(&b.d);
	t_kill(b.member);
	t_daemon_restart(&b.d);
	ck_assert(t_daemon_said(&b.d, "is broken: ring has 32768 bytes of"));
	ck_assert(has_channel(&b.d));
	t_daemon_stop(&b.d);
}

static bool
is_said_of(const struct t_daemon *d, const char *channel)
{
	char text[64];

	snprintf(text, sizeof(text), "channel %s: a client has truncated",
		 channel);
	return t_daemon_said(d, text);
}

/* What the daemon met with when it removed one is not said of the channel that
 * is mapped in its place. */
TEST(who_comes_where_a_broken_one_was_is_whole)
{
	static const char *const names[] = { "ring", "gates" };
	struct t_daemon d;
	char path[2 * PATH_MAX];

	for (int i = 0; i < 2; i++) {
		t_daemon_start(&d, "channels: { a: { " T_FLOW " },"
				   " b: { " T_FLOW " } }");
		t_daemon_kill(&d);
		snprintf(path, sizeof(path), "%s/a/%s", d.shm, names[i]);
		ck_assert_int_eq(truncate(path, 0), 0);
		t_daemon_restart(&d);
		ck_assert(t_daemon_said(&d, "is broken: "));
		t_daemon_look(&d);
		ck_assert(!is_said_of(&d, "b"));
		ck_assert(!is_said_of(&d, "a"));
		ck_assert(has_channel(&d));
		t_daemon_stop(&d);
	}
}

static int
claim_and_die(void *arg)
{
	struct ringbus *bus = t_connect(arg);

	t_ok(ringbus_producer_claim(t_produce(bus, NULL), 2, RINGBUS_FOREVER));
	raise(SIGKILL);
	return 0;
}

/* On a strict channel a dead one waits for the operator, but not any more. */
TEST(the_dead_of_a_broken_channel_hold_nothing_up)
{
	struct broken b;

	t_daemon_start(&b.d, "channels: { a: { " T_FLOW ", strict: true } }");
	t_join_signal(t_child(claim_and_die, &b.d), SIGKILL);
	t_until(t_daemon_said(&b.d, "died"));
	b.member = t_child(cut_and_stay, &b);
	t_until(t_daemon_said(&b.d, "it is broken"));
	t_kill(b.member);
	t_until(!has_channel(&b.d));
	reload(&b.d);
	t_until(has_channel(&b.d));
	t_daemon_stop(&b.d);
}

static void
put_behind(const struct t_bus *b, const char *channel)
{
	struct ringbus_producer *p;
	uint64_t bytes[8] = { 1 };

	t_bus_ok(b->bus, ringbus_producer_open(b->bus, channel, NULL, &p));
	t_ok(ringbus_producer_write(p, bytes, sizeof(bytes), RINGBUS_NOW));
}

/* One on "a" and one on "b" hold others up, and of the two the one on "b" is
 * killed for it in the end, by the same watch. */
TEST(nobody_is_killed_over_a_broken_channel)
{
	static const char yaml[] = "daemon: { drain: 1ms }\nchannels:\n"
				   "  a: { " T_FLOW
				   ", stuck: kill, stuck_after: 1s }\n"
				   "  b: { " T_FLOW
				   ", stuck: kill, stuck_after: 1500ms }\n";
	struct broken b;
	struct t_bus bus;
	pid_t of_a, of_b;

	t_bus_begin_with(&bus, yaml);
	of_a = t_feed(&bus, "a", 2);
	put_behind(&bus, "a");
	b.d = bus.daemon;
	b.member = t_child(cut_and_stay, &b);
	t_until(t_daemon_said(&b.d, "it is broken"));
	of_b = t_feed(&bus, "b", 2);
	put_behind(&bus, "b");
	t_join_signal(of_b, SIGKILL);
	ck_assert_int_eq(waitpid(of_a, NULL, WNOHANG), 0);
	t_kill(of_a);
	t_kill(b.member);
	t_bus_end(&bus);
}

/* One that a client made: who made it may remove it, once all have left. */
TEST(dynamic_channel_can_be_removed)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus *bus;
	struct broken b;

	t_daemon_start(&b.d, "dynamic: { allow: [any] }\nchannels: {}");
	bus = t_connect(&b.d);
	o.slots = 4096;
	o.slot_size = 64;
	t_bus_ok(bus, ringbus_create(bus, "a", &o));
	b.member = t_child(cut_and_stay, &b);
	t_until(t_daemon_said(&b.d, "it is broken"));
	ck_assert_int_eq(ringbus_create(bus, "a", &o), -EBADMSG);
	ck_assert_int_eq(ringbus_mend(bus, "a"), -EBADMSG);
	ck_assert_int_eq(ringbus_remove(bus, "a"), -EBUSY);
	t_kill(b.member);
	t_until(ringbus_remove(bus, "a") == 0);
	t_bus_ok(bus, ringbus_create(bus, "a", &o));
	ringbus_close(bus);
	t_daemon_stop(&b.d);
}
