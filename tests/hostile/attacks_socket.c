/* SPDX-License-Identifier: MIT */
/*
 * attacks_socket.c - strangers who have nothing but the socket, and send bytes
 * that no library would
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/hostile/attack.h"
#include "tests/system/util_peer.h"

#define BATCH 16 /* connections at one time */

struct batch {
	int fds[BATCH];
	unsigned n;
};

static void
flush(struct batch *batch)
{
	while (batch->n > 0)
		saw_closed(batch->fds[--batch->n]);
}

/* As saw_closed_by(), but several at a time. */
static void throw(const struct arena *arena, struct batch *batch, bool greets,
		  const void *bytes, size_t size)
{
	int peer = greets ? t_peer_greet(&arena->daemon)
			  : t_peer_connect(&arena->daemon);

	ck_assert_int_ge(send(peer, bytes, size, MSG_NOSIGNAL), 0);
	batch->fds[batch->n++] = peer;
	if (batch->n == BATCH)
		flush(batch);
}

static void
throw_message(const struct arena *arena, struct batch *batch,
	      const struct rb_control *message)
{
	throw(arena, batch, true, message, sizeof(*message));
}

static void
throw_garbage(const struct arena *arena, bool greets)
{
	struct batch batch = { .n = 0 };
	char bytes[RB_CONTROL_SIZE];

	for (unsigned i = 0; i < 200 * arena->harder; i++) {
		fill_any(bytes, sizeof(bytes));
		throw(arena, &batch, greets, bytes, sizeof(bytes));
	}
	flush(&batch);
}

static void
garbage_first(const struct arena *arena)
{
	throw_garbage(arena, false);
}

static void
garbage_later(const struct arena *arena)
{
	throw_garbage(arena, true);
}

static void
throw_lengths(const struct arena *arena, bool greets)
{
	static char bytes[1 << 16];
	struct rb_control message = t_message(
		greets ? RB_CONTROL_PING : RB_CONTROL_HELLO, NULL);
	struct batch batch = { .n = 0 };

	memcpy(bytes, &message, sizeof(message));
	for (size_t size = 0; size < RB_CONTROL_SIZE + 64; size++)
		if (size != RB_CONTROL_SIZE)
			throw(arena, &batch, greets, bytes, size);
	throw(arena, &batch, greets, bytes, sizeof(bytes));
	flush(&batch);
}

static void
lengths_first(const struct arena *arena)
{
	throw_lengths(arena, false);
}

static void
lengths_later(const struct arena *arena)
{
	throw_lengths(arena, true);
}

static void
say_hello(const struct arena *arena, uint32_t version, uint64_t layout)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	int peer = t_peer_connect(&arena->daemon);

	hello.version = version;
	hello.layout_hash = layout;
	saw_result(t_peer_ask(peer, &hello, NULL));
	saw_closed(peer);
}

static void
versions(const struct arena *arena)
{
	static const uint32_t wrong[] = { 0, RB_CONTROL_VERSION - 1,
					  RB_CONTROL_VERSION + 1, 1 << 16,
					  UINT32_MAX };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(wrong); i++)
		say_hello(arena, wrong[i], rb_layout_hash());
}

static void
layouts(const struct arena *arena)
{
	for (unsigned bit = 0; bit < 64; bit++)
		say_hello(arena, RB_CONTROL_VERSION,
			  rb_layout_hash() ^ UINT64_C(1) << bit);
}

static void
types(const struct arena *arena)
{
	static const uint32_t wrong[] = { 0, RB_CONTROL_LAST + 1, 255, 1 << 31,
					  UINT32_MAX };
	struct batch batch = { .n = 0 };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(wrong); i++) {
		struct rb_control m = t_message(wrong[i], "other");

		throw_message(arena, &batch, &m);
	}
	flush(&batch);
}

/* ------------------------------------------------------------- single fields */

#define FIELD(name) offsetof(struct rb_control, name)

/* The first value that a field must not have. */
static const struct {
	size_t at;
	size_t size;
	uint64_t value;
} beyond[] = {
	{ FIELD(version), 4, RB_CONTROL_VERSION + 1 },
	{ FIELD(version), 4, RB_CONTROL_VERSION - 1 },
	{ FIELD(role), 4, RB_ROLE_CONSUMER + 1 },
	{ FIELD(slow), 4, RB_SLOW_LOSSY + 1 },
	{ FIELD(is_slow_set), 4, 2 },
	{ FIELD(on_death), 4, RB_ON_DEATH_KEEP + 1 },
	{ FIELD(is_group), 4, 2 },
	{ FIELD(padding), 4, 1 },
	{ FIELD(max_stall_ns), 8, UINT64_C(1) << 63 },
	{ FIELD(keep_for_ns), 8, UINT64_C(1) << 63 },
	{ FIELD(stuck_after_ns), 8, UINT64_C(1) << 63 },
	{ FIELD(from), 8, (uint64_t)RB_FROM_RESUME - 1 },
	{ FIELD(from), 8, UINT64_C(1) << 63 },
	{ FIELD(fill_size), 4, RB_FILL_SIZE + 1 },
	{ FIELD(strict), 4, 2 },
};

/* Each of them, and then with all its bits, in each request. */
static void
fields(const struct arena *arena)
{
	struct batch batch = { .n = 0 };

	for (unsigned type = RB_CONTROL_ATTACH; type <= RB_CONTROL_LAST; type++)
		for (unsigned i = 0; i < RB_ARRAY_SIZE(beyond); i++) {
			struct rb_control m = t_message(type, "other");

			memcpy((char *)&m + beyond[i].at, &beyond[i].value,
			       beyond[i].size);
			throw_message(arena, &batch, &m);
			if (beyond[i].at == FIELD(from))
				continue; /* -1 is one of those that may be */
			memset((char *)&m + beyond[i].at, 0xff, beyond[i].size);
			throw_message(arena, &batch, &m);
		}
	flush(&batch);
}

static void
flags(const struct arena *arena)
{
	static const uint32_t allowed[RB_CONTROL_LAST + 1] = {
		[RB_CONTROL_DETACH] = RB_CONTROL_FORGET,
		[RB_CONTROL_PLAN] = RB_CONTROL_RESET,
		[RB_CONTROL_CREATE] = RB_CONTROL_PREPARE,
		[RB_CONTROL_CLOSE] = RB_CONTROL_ABORT,
		[RB_CONTROL_PAUSE] = RB_CONTROL_RESUME,
		[RB_CONTROL_RELOAD] = RB_CONTROL_DRY | RB_CONTROL_RECREATE,
		[RB_CONTROL_SETTING] = RB_CONTROL_VALUE,
	};
	struct batch batch = { .n = 0 };

	for (unsigned type = RB_CONTROL_ATTACH; type <= RB_CONTROL_LAST; type++)
		for (unsigned bit = 0; bit < 32; bit++) {
			struct rb_control m = t_message(type, "other");

			m.flags = UINT32_C(1) << bit;
			if ((m.flags & allowed[type]) == 0)
				throw_message(arena, &batch, &m);
		}
	flush(&batch);
}

static void
reserved(const struct arena *arena)
{
	struct batch batch = { .n = 0 };
	struct rb_control m;

	for (size_t i = 0; i < sizeof(m.reserved); i++) {
		m = t_message(RB_CONTROL_PING, NULL);
		m.reserved[i] = 1;
		throw_message(arena, &batch, &m);
	}
	flush(&batch);
}

static void
unended(const struct arena *arena)
{
	static const struct {
		size_t at;
		size_t size;
	} strings[] = {
		{ FIELD(channel), RB_NAME_SIZE },
		{ FIELD(name), RB_NAME_SIZE },
		{ FIELD(type_name), RB_NAME_SIZE },
		{ FIELD(text), RB_CONTROL_TEXT_SIZE },
	};

	for (unsigned i = 0; i < RB_ARRAY_SIZE(strings); i++) {
		struct rb_control m = t_attach_message("other",
						       RB_ROLE_CONSUMER, "me");

		memset((char *)&m + strings[i].at, 'a', strings[i].size);
		saw_closed_by(arena, true, &m, sizeof(m));
	}
}

/* --------------------------------------------------------------------- names */

static const char *const no_names[] = {
	"..",           ".",      "../flow",     "flow/meta",   "/flow",
	"flow/..",      ".lock",  ".flow.0.new", "-flow",       "flow ",
	" flow",        "flow\n", "\x1b[2J",     "fl\xc3\xb6w", "\xff",
	"\xed\xa0\x80", "%s%n%x", "flow:meta",   "~",           "$(reboot)",
	"\\flow",       "flow\t", "\x7f",
};

static void
channel_names(const struct arena *arena)
{
	int peer = t_peer_greet(&arena->daemon);

	for (unsigned i = 0; i < RB_ARRAY_SIZE(no_names); i++)
		for (unsigned type = RB_CONTROL_ATTACH; type <= RB_CONTROL_MEND;
		     type++) {
			struct rb_control m = t_message(type, no_names[i]);

			if (type != RB_CONTROL_LIST && type != RB_CONTROL_PLAN)
				saw_result(t_peer_ask(peer, &m, NULL));
		}
	close(peer);
}

static void
member_names(const struct arena *arena)
{
	int peer = t_peer_greet(&arena->daemon);

	for (unsigned i = 0; i < RB_ARRAY_SIZE(no_names); i++) {
		struct rb_control plan = t_message(RB_CONTROL_PLAN, NULL);
		struct rb_control as[] = {
			t_attach_message("other", RB_ROLE_PRODUCER,
					 no_names[i]),
			t_attach_message("other", RB_ROLE_CONSUMER,
					 no_names[i]),
			t_attach_message("other", RB_ROLE_TAP, no_names[i]),
		};

		for (unsigned k = 0; k < RB_ARRAY_SIZE(as); k++)
			saw_result(t_peer_ask(peer, &as[k], NULL));
		memcpy(plan.name, as[0].name, sizeof(plan.name));
		saw_result(t_peer_ask(peer, &plan, NULL));
	}
	close(peer);
}

/* It ends at its first NUL, whatever lies behind. */
static void
longer_names(const struct arena *arena)
{
	struct rb_control m = t_attach_message("fl", RB_ROLE_TAP, NULL);
	int peer = t_peer_greet(&arena->daemon);

	memcpy(m.channel + 3, "ow", 3);
	saw_result(t_peer_ask(peer, &m, NULL));
	close(peer);
}

/* ---------------------------------------------------------- what goes with it */

static void
other_sockets(const struct arena *arena)
{
	static const int kinds[] = { SOCK_STREAM, SOCK_DGRAM };
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	memcpy(to.sun_path, arena->daemon.socket, sizeof(to.sun_path));
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_UNIX, kinds[i] | SOCK_CLOEXEC, 0);

		saw_call(connect(fd, (struct sockaddr *)&to, sizeof(to)));
		close(fd);
	}
}

/* The kernel lets none through if it can be told so (Linux 6.16); else nobody holds
 * a pipe's end that the daemon has not taken. */
static void
rights(const struct arena *arena)
{
	const struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	static const size_t numbers[] = { 1, 4, T_FDS_MAX };
	int fds[T_FDS_MAX];

	for (unsigned i = 0; i < 3 * 8 * arena->harder; i++) {
		int peer = t_peer_greet(&arena->daemon);
		struct rb_control answer;
		int ends[2];
		char byte;

		ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
		for (int f = 0; f < T_FDS_MAX; f++)
			fds[f] = ends[1];
		if (t_peer_send_fds(peer, &ping, fds, numbers[i % 3]) > 0)
			ck_assert_int_eq(recv(peer, &answer, sizeof(answer), 0),
					 sizeof(answer));
		else
			ck_assert_int_eq(errno, EPERM);
		close(ends[1]);
		saw("%s", read(ends[0], &byte, 1) == 0 ? "not taken" : "held");
		close(ends[0]);
		close(peer);
	}
}

static void
credentials(const struct arena *arena)
{
	static const struct ucred forged[] = { { 1, 0, 0 },
					       { 1, UID_PRODUCER, 0 } };
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	struct iovec part = { &hello, sizeof(hello) };
	int peer = t_peer_connect(&arena->daemon);

	for (int i = 0; i < 2; i++) {
		union {
			struct cmsghdr header;
			char bytes[CMSG_SPACE(sizeof(struct ucred))];
		} control = { .header = { CMSG_LEN(sizeof(struct ucred)),
					  SOL_SOCKET, SCM_CREDENTIALS } };
		struct msghdr header = { .msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = &control,
					 .msg_controllen = sizeof(control) };

		memcpy(CMSG_DATA(&control.header), &forged[i],
		       sizeof(forged[i]));
		saw_call(sendmsg(peer, &header, MSG_NOSIGNAL));
	}
	close(peer);
}

#define CLOSED "closed"

const struct attack attacks_socket[] = {
	{ "garbage_first", "random bytes instead of HELLO", CLOSED,
	  garbage_first, OTHER_NONE, UID_STRANGER },
	{ "garbage_later", "random bytes instead of a request", CLOSED,
	  garbage_later, OTHER_NONE, UID_STRANGER },
	{ "lengths_first", "a HELLO of each other length, up to 64 KiB", CLOSED,
	  lengths_first, OTHER_NONE, UID_STRANGER },
	{ "lengths_later", "a PING of each other length, up to 64 KiB", CLOSED,
	  lengths_later, OTHER_NONE, UID_STRANGER },
	{ "versions", "versions of the protocol that are not ours",
	  "EPROTONOSUPPORT, closed", versions, OTHER_NONE, UID_STRANGER },
	{ "layouts", "layouts that are wrong by one bit",
	  "EPROTONOSUPPORT, closed", layouts, OTHER_NONE, UID_STRANGER },
	{ "types", "requests that there are not", CLOSED, types, OTHER_MULTI,
	  UID_STRANGER },
	{ "fields", "each field beyond its range, in each request", CLOSED,
	  fields, OTHER_MULTI, UID_STRANGER },
	{ "flags", "each flag that a request does not have", CLOSED, flags,
	  OTHER_MULTI, UID_STRANGER },
	{ "reserved", "each reserved byte set", CLOSED, reserved, OTHER_NONE,
	  UID_STRANGER },
	{ "unended", "strings that fill their field without a NUL", CLOSED,
	  unended, OTHER_MULTI, UID_STRANGER },
	{ "channel_names", "paths, escapes and bad UTF-8 as a channel's name",
	  "EINVAL", channel_names, OTHER_NONE, UID_STRANGER },
	{ "member_names", "the same as a member's name", "EINVAL", member_names,
	  OTHER_MULTI, UID_STRANGER },
	{ "longer_names", "a name with a NUL in it", "ENOENT", longer_names,
	  OTHER_NONE, UID_STRANGER },
	{ "other_sockets", "connects by a stream or datagram socket",
	  "EPROTOTYPE", other_sockets, OTHER_NONE, UID_STRANGER },
	{ "rights", "1, 4 and 253 descriptors with a message", "not taken",
	  rights, OTHER_NONE, UID_STRANGER },
	{ "credentials", "says that it is root, or the producer", "EPERM",
	  credentials, OTHER_NONE, UID_STRANGER },
	{ 0 },
};
