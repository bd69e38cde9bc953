/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_message.c - what may be said to the daemon, and what ends the
 * connection
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/util_peer.h"

#define SINGLE                                                                 \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8 } }"

TEST(ping_tells_the_pid)
{
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_greet(&d);
	t_ok(t_peer_ask(peer, &ping, NULL));
	ck_assert_uint_eq(ping.pid, (uint32_t)d.pid);
	close(peer);
	t_daemon_stop(&d);
}

TEST(hello_of_another_version_is_refused)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_connect(&d);
	hello.version = RB_CONTROL_VERSION + 1;
	ck_assert_int_eq(t_peer_ask(peer, &hello, NULL), -EPROTONOSUPPORT);
	ck_assert_uint_eq(hello.version, RB_CONTROL_VERSION);
	ck_assert_ptr_nonnull(strstr(hello.text, "version"));
	ck_assert(t_peer_is_closed(peer));
	close(peer);
	t_daemon_stop(&d);
}

TEST(hello_of_another_layout_is_refused)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_connect(&d);
	hello.layout_hash ^= 1;
	ck_assert_int_eq(t_peer_ask(peer, &hello, NULL), -EPROTONOSUPPORT);
	ck_assert_ptr_nonnull(strstr(hello.text, "layout"));
	ck_assert(t_peer_is_closed(peer));
	close(peer);
	t_daemon_stop(&d);
}

static void
expect_disconnect(const struct t_daemon *d, const void *bytes, size_t size,
		  bool greeted)
{
	int peer = greeted ? t_peer_greet(d) : t_peer_connect(d);

	ck_assert_int_eq(send(peer, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
	ck_assert(t_peer_is_closed(peer));
	close(peer);
}

TEST(hello_has_to_be_first_and_only_once)
{
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	struct t_daemon d;

	t_daemon_start(&d, SINGLE);
	expect_disconnect(&d, &ping, sizeof(ping), false);
	expect_disconnect(&d, &hello, sizeof(hello), true);
	t_daemon_stop(&d);
}

TEST(silence_is_not_waited_for)
{
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_connect(&d);
	ck_assert(t_peer_is_closed(peer));
	ck_assert(t_daemon_said(&d, "said nothing"));
	close(peer);
	t_daemon_stop(&d);
}

TEST(messages_of_a_wrong_length_disconnect)
{
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	char bytes[2 * RB_CONTROL_SIZE] = { 0 };
	struct t_daemon d;

	memcpy(bytes, &ping, sizeof(ping));
	t_daemon_start(&d, SINGLE);
	expect_disconnect(&d, bytes, 1, true);
	expect_disconnect(&d, bytes, RB_CONTROL_SIZE - 1, true);
	expect_disconnect(&d, bytes, RB_CONTROL_SIZE + 1, true);
	expect_disconnect(&d, bytes, sizeof(bytes), true);
	close(t_peer_greet(&d));
	t_daemon_stop(&d);
}

TEST(garbage_disconnects)
{
	struct rb_control m;
	struct t_daemon d;

	t_daemon_start(&d, SINGLE);
	memset(&m, 0xff, sizeof(m));
	expect_disconnect(&d, &m, sizeof(m), true);
	expect_disconnect(&d, &m, sizeof(m), false);
	m = t_message(0, NULL);
	expect_disconnect(&d, &m, sizeof(m), true);
	m = t_message(RB_CONTROL_LAST + 1, NULL);
	expect_disconnect(&d, &m, sizeof(m), true);
	m = t_attach_message("a", RB_ROLE_DAEMON, NULL);
	expect_disconnect(&d, &m, sizeof(m), true);
	m = t_message(RB_CONTROL_PING, NULL);
	m.reserved[sizeof(m.reserved) - 1] = 1;
	expect_disconnect(&d, &m, sizeof(m), true);
	m = t_message(RB_CONTROL_PING, NULL);
	m.padding = 1;
	expect_disconnect(&d, &m, sizeof(m), true);
	m = t_message(RB_CONTROL_LIST, NULL);
	memset(m.channel, 'a', sizeof(m.channel));
	expect_disconnect(&d, &m, sizeof(m), true);
	m = t_attach_message("a", RB_ROLE_CONSUMER, NULL);
	memset(m.name, 'a', sizeof(m.name));
	expect_disconnect(&d, &m, sizeof(m), true);
	close(t_peer_greet(&d));
	t_daemon_stop(&d);
}

/* What is beyond the ends of enums, and times that do not fit. */
TEST(numbers_that_no_library_sends_disconnect)
{
	const struct {
		size_t offset;
		int64_t value;
		size_t size;
	} bad[] = {
#define BAD(field, value)                                                      \
	{ offsetof(struct rb_control, field), value,                           \
	  sizeof(((struct rb_control *)0)->field) }
		BAD(slow, RB_SLOW_LOSSY + 1),
		BAD(is_slow_set, 2),
		BAD(on_death, RB_ON_DEATH_KEEP + 1),
		BAD(is_group, 2),
		BAD(from, RB_FROM_RESUME - 1),
		BAD(max_stall_ns, -1),
		BAD(keep_for_ns, -1),
		BAD(fill_size, RB_FILL_SIZE + 1),
		BAD(strict, 2),
		BAD(stuck_after_ns, -1),
		BAD(flags, RB_CONTROL_FORGET),
		BAD(flags, RB_CONTROL_FLAGS_ALL + 1),
#undef BAD
	};
	struct t_daemon d;

	t_daemon_start(&d, SINGLE);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(bad); i++) {
		struct rb_control m = t_attach_message("a", RB_ROLE_CONSUMER,
						       NULL);

		memcpy((char *)&m + bad[i].offset, &bad[i].value, bad[i].size);
		expect_disconnect(&d, &m, sizeof(m), true);
	}
	t_daemon_stop(&d);
}

TEST(flags_of_other_requests_disconnect)
{
	const struct {
		enum rb_control_type type;
		uint32_t flag;
	} bad[] = {
		{ RB_CONTROL_DETACH, RB_CONTROL_ABORT },
		{ RB_CONTROL_PLAN, RB_CONTROL_PREPARE },
		{ RB_CONTROL_CREATE, RB_CONTROL_RESET },
		{ RB_CONTROL_OPEN, RB_CONTROL_PREPARE },
		{ RB_CONTROL_CLOSE, RB_CONTROL_FORGET },
	};
	struct t_daemon d;

	t_daemon_start(&d, SINGLE);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(bad); i++) {
		struct rb_control m = t_message(bad[i].type, "a");

		m.flags = bad[i].flag;
		expect_disconnect(&d, &m, sizeof(m), true);
	}
	t_daemon_stop(&d);
}

TEST(strings_without_an_end_disconnect)
{
	struct rb_control m;
	struct t_daemon d;

	t_daemon_start(&d, SINGLE);
	m = t_attach_message("a", RB_ROLE_CONSUMER, NULL);
	memset(m.type_name, 'a', sizeof(m.type_name));
	expect_disconnect(&d, &m, sizeof(m), true);
	m = t_attach_message("a", RB_ROLE_CONSUMER, NULL);
	memset(m.text, 'a', sizeof(m.text));
	expect_disconnect(&d, &m, sizeof(m), true);
	t_daemon_stop(&d);
}

TEST(bad_names_are_refused)
{
	struct rb_control answer;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(t_peer_attach(peer, "../a", RB_ROLE_TAP, NULL,
				       &answer),
			 -EINVAL);
	ck_assert_int_eq(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, "-x",
				       &answer),
			 -EINVAL);
	ck_assert_int_eq(t_peer_attach(peer, "b", RB_ROLE_TAP, NULL, &answer),
			 -ENOENT);
	ck_assert_str_ne(answer.text, "");
	close(peer);
	t_daemon_stop(&d);
}
