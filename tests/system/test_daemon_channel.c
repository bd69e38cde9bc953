/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_channel.c - what a channel declares and has beside its consumers:
 * the type of its events, its bell, its end
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_user.h"

#define CHANNEL(keys, consumers)                                               \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8, " keys                     \
	"consumers: { " consumers " } } }"

struct scene {
	struct t_daemon d;
	struct rb_channel c;
	int peer;
};

static void
set_scene(struct scene *s, const char *yaml)
{
	t_daemon_start(&s->d, yaml);
	t_daemon_map(&s->d, "a", RB_ROLE_DAEMON, &s->c);
	s->peer = t_peer_greet(&s->d);
}

static void
clear_scene(struct scene *s)
{
	close(s->peer);
	rb_channel_detach(&s->c);
	t_daemon_stop(&s->d);
}

/* -------------------------------------------------------------------- schema */

static struct rb_control
typed(enum rb_role role, const char *type, unsigned version)
{
	struct rb_control m = t_attach_message("a", role, NULL);

	snprintf(m.type_name, sizeof(m.type_name), "%s", type);
	m.type_version = version;
	return m;
}

TEST(another_type_or_version_is_refused)
{
	struct rb_control m;
	char pid[32];
	struct scene s;

	set_scene(&s, CHANNEL("type: order, version: 3, ", "app: {}"));
	snprintf(pid, sizeof(pid), "pid %d wants order version 2", getpid());
	for (int r = RB_ROLE_TAP; r <= RB_ROLE_CONSUMER; r++) {
		m = typed(r, "order", 2);
		ck_assert_int_eq(t_peer_refuses(s.peer, &m,
						"channel a: its events are of "
						"type order version 3"),
				 -EPROTOTYPE);
		ck_assert_ptr_nonnull(strstr(m.text, pid));
		m = typed(r, "trade", 3);
		ck_assert_int_eq(t_peer_refuses(s.peer, &m, "trade"),
				 -EPROTOTYPE);
		m = typed(r, "order", 3);
		t_ok(t_peer_ask(s.peer, &m, NULL));
	}
	m = typed(RB_ROLE_TAP, "no name", 3);
	ck_assert_int_eq(t_peer_refuses(s.peer, &m, "type"), -EINVAL);
	m = t_attach_message("a", RB_ROLE_CONSUMER, "silent");
	t_ok(t_peer_ask(s.peer, &m, NULL));
	clear_scene(&s);
}

TEST(channel_without_a_type_takes_any)
{
	struct rb_control m = typed(RB_ROLE_CONSUMER, "order", 2);
	struct scene s;

	set_scene(&s, CHANNEL("", "app: {}"));
	t_ok(t_peer_ask(s.peer, &m, NULL));
	clear_scene(&s);
}

/* ---------------------------------------------------------------------- bell */

/* Watches the file behind a descriptor, as another user may too. */
static int
watch(int fd)
{
	int notes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[64];

	ck_assert_int_ge(notes, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ck_assert_int_ge(inotify_add_watch(notes, path, IN_ACCESS), 0);
	return notes;
}

static bool
has_rung(int notes)
{
	struct pollfd wait = { .fd = notes, .events = POLLIN };

	return poll(&wait, 1, T_PATIENCE * 1000) == 1;
}

TEST(bell_rings_for_who_watches_it)
{
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "a");
	struct rb_control m = t_attach_message("a", RB_ROLE_CONSUMER, "app"), p;
	int fds[RB_FDS], writer[RB_FDS];
	struct inotify_event event;
	struct scene s;
	struct stat st;
	int notes;
	char byte;

	set_scene(&s, CHANNEL("", "app: {}"));
	t_ok(t_peer_ask(s.peer, &m, fds));
	p = t_attach_message("a", RB_ROLE_PRODUCER, NULL);
	t_ok(t_peer_ask(s.peer, &p, writer));
	ck_assert_int_eq(fstat(fds[RB_FD_BELL], &st), 0);
	ck_assert_int_eq(st.st_size, 1);
	notes = watch(fds[RB_FD_BELL]);
	ck_assert_int_eq(pread(writer[RB_FD_BELL], &byte, 1, 0), 1);
	ck_assert(has_rung(notes));
	ck_assert_int_eq(read(notes, &event, sizeof(event)), sizeof(event));
	/* And by the daemon, for who has said that he waits so. */
	rb_word64_store_release(&s.c.gates->bells, UINT64_C(1) << m.index);
	t_ok(t_peer_ask(s.peer, &end, NULL));
	ck_assert(has_rung(notes));
	close(notes);
	for (int i = 0; i < RB_FDS; i++) {
		close(fds[i]);
		close(writer[i]);
	}
	clear_scene(&s);
}

static int
watch_bell(void *arg)
{
	close(watch(*(int *)arg));
	return 0;
}

/* An empty bell would be silent. */
static int
tamper_with_bell(void *arg)
{
	int bell = *(int *)arg;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", bell);
	ck_assert_int_eq(ftruncate(bell, 0), -1);
	ck_assert_int_eq(pwrite(bell, "x", 1, 1), -1);
	ck_assert_int_eq(open(path, O_WRONLY | O_CLOEXEC), -1);
	ck_assert_int_eq(truncate(path, 0), -1);
	return 0;
}

TEST(bell_can_be_silenced_by_no_member)
{
	struct rb_control m = t_attach_message("a", RB_ROLE_PRODUCER, NULL);
	int fds[RB_FDS];
	struct scene s;
	struct stat st;

	t_need_root();
	set_scene(&s, CHANNEL("", "app: {}"));
	t_ok(t_peer_ask(s.peer, &m, fds));
	t_join(t_child_as(&t_stranger, tamper_with_bell, &fds[RB_FD_BELL]));
	ck_assert_int_eq(fstat(fds[RB_FD_BELL], &st), 0);
	ck_assert_int_eq(st.st_size, 1);
	for (int i = 0; i < RB_FDS; i++)
		close(fds[i]);
	clear_scene(&s);
}

TEST(bell_can_be_watched_by_any_member)
{
	struct rb_control m = t_attach_message("a", RB_ROLE_CONSUMER, "app");
	int fds[RB_FDS];
	struct scene s;

	t_need_root();
	set_scene(&s, CHANNEL("", "app: {}"));
	t_ok(t_peer_ask(s.peer, &m, fds));
	t_join(t_child_as(&t_stranger, watch_bell, &fds[RB_FD_BELL]));
	for (int i = 0; i < RB_FDS; i++)
		close(fds[i]);
	clear_scene(&s);
}

/* ----------------------------------------------------------------------- end */

TEST(abort_ends_at_once)
{
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "a");
	struct scene s;

	set_scene(&s, CHANNEL("", "app: {}"));
	t_ok(t_peer_ask(s.peer, &end, NULL));
	ck_assert_uint_eq(rb_word32_load_acquire(&s.c.meta->control.stream),
			  RB_STREAM_CLOSING);
	end.flags = RB_CONTROL_ABORT;
	t_ok(t_peer_ask(s.peer, &end, NULL));
	ck_assert_uint_eq(rb_word32_load_acquire(&s.c.meta->control.stream),
			  RB_STREAM_ABORTED);
	ck_assert(t_daemon_said(&s.d, "channel a: aborted by pid"));
	clear_scene(&s);
}

/* ---------------------------------------------------------------- a new shape */

static void
restart_with(struct t_daemon *d, const char *yaml)
{
	FILE *file = fopen(d->config, "we");

	ck_assert_ptr_nonnull(file);
	fputs(yaml, file);
	fclose(file);
	t_daemon_kill(d);
	t_daemon_restart(d);
}

static uint64_t
generation_with(struct t_daemon *d, const char *yaml)
{
	struct rb_channel c;
	uint64_t generation;

	if (yaml != NULL)
		restart_with(d, yaml);
	t_daemon_map(d, "a", RB_ROLE_TAP, &c);
	generation = c.generation;
	rb_channel_detach(&c);
	return generation;
}

/* What its table says of the only consumer. */
static void
expect_policy(struct t_daemon *d, enum rb_slow slow, uint64_t max_lag)
{
	struct rb_channel c;

	t_daemon_map(d, "a", RB_ROLE_TAP, &c);
	ck_assert_uint_eq(rb_word32_load_relaxed(&c.meta->consumers[0].slow),
			  slow);
	ck_assert_uint_eq(rb_word64_load_relaxed(&c.meta->consumers[0].max_lag),
			  max_lag);
	rb_channel_detach(&c);
}

#define FIRST CHANNEL("", "app: { slow: evict, max_lag: 8 }")

/* Each of these is another channel than the one before. */
TEST(channel_declared_otherwise_is_made_anew)
{
	const char *const yamls[] = {
		CHANNEL("", "app: { group: true }"),
		CHANNEL("", "app: { group: true, key: { size: 4 } }"),
		CHANNEL("",
			"app: { group: true, key: { offset: 4, size: 4 } }"),
		CHANNEL("type: order, ", "app: {}"),
		CHANNEL("type: order, version: 2, ", "app: {}"),
		CHANNEL("clear: zero, ", "app: {}"),
	};
	uint64_t before, after;
	struct t_daemon d;

	t_daemon_start(&d, FIRST);
	before = generation_with(&d, NULL);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(yamls); i++) {
		after = generation_with(&d, yamls[i]);
		ck_assert_msg(before != after, "%s", yamls[i]);
		before = after;
	}
	t_daemon_stop(&d);
}

/* Where nobody is, how a consumer is treated is not what the channel is. */
TEST(channel_with_other_policies_is_the_same)
{
	static const struct {
		const char *yaml;
		enum rb_slow slow;
		uint64_t max_lag;
	} rows[] = {
		{ CHANNEL("", "app: { slow: evict, max_lag: 9 }"),
		  RB_SLOW_EVICT, 9 },
		{ CHANNEL("", "app: { slow: lossy }"), RB_SLOW_LOSSY, 0 },
		{ CHANNEL("", "app: {}"), RB_SLOW_GATE, 0 },
		{ CHANNEL("", "app: { slow: park, max_lag: 9, max_stall: 1s }"),
		  RB_SLOW_PARK, 9 },
		{ CHANNEL("", "app: { slow: park, max_lag: 7 }"), RB_SLOW_PARK,
		  7 },
	};
	struct t_daemon d;
	uint64_t first;

	t_daemon_start(&d, FIRST);
	first = generation_with(&d, NULL);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(rows); i++) {
		ck_assert_msg(generation_with(&d, rows[i].yaml) == first, "%s",
			      rows[i].yaml);
		expect_policy(&d, rows[i].slow, rows[i].max_lag);
	}
	t_daemon_stop(&d);
}

/* What it is to those who wait for it cannot change under a place. */
TEST(channel_whose_consumer_has_a_place_is_made_anew_for_another_slow)
{
	struct t_daemon d;
	uint64_t first;

	t_daemon_start(&d, CHANNEL("", "app: { slow: park, max_lag: 9 }"));
	first = generation_with(&d, NULL);
	ck_assert_uint_ne(generation_with(&d,
					  CHANNEL("", "app: { slow: lossy }")),
			  first);
	expect_policy(&d, RB_SLOW_LOSSY, 0);
	t_daemon_stop(&d);
}
