/* SPDX-License-Identifier: MIT */
/*
 * test_connect_fake.c - what the library makes of a daemon that is none
 *
 * A child plays the daemon: it answers HELLO as it should and then, to the next
 * request, what the test wants to see refused; or it spoils HELLO already.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/system/util_bus.h"

struct fake {
	bool spoil_hello;
	bool silent;
	bool hang_up;
	bool says_nothing; /* in its text */
	size_t size;       /* of the answer; 0: the right one */
	uint32_t version;
	uint32_t type; /* 0: the one that was asked */
	int32_t result;
	uint32_t index;
	unsigned n_fds;
	int listener;
	char path[108];
};

static void
fake_prepare(struct fake *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(fake->path, sizeof(fake->path), "%s/fake.sock", t_tmpdir());
	memcpy(address.sun_path, fake->path, sizeof(fake->path));
	fake->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fake->listener, 0);
	ck_assert_int_eq(bind(fake->listener, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	ck_assert_int_eq(listen(fake->listener, 1), 0);
}

/* Sends with n descriptors of /dev/null. */
static void
send_with_fds(int peer, void *message, size_t size, unsigned n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(16 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { message, size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	int fds[16];

	ck_assert_uint_le(n_fds, 16);
	for (unsigned i = 0; i < n_fds; i++)
		fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (n_fds > 0) {
		struct cmsghdr *c;

		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(peer, &header, MSG_NOSIGNAL), (ssize_t)size);
}

static void
answer_wrongly(const struct fake *fake, int peer, struct rb_control *message)
{
	char bytes[2 * RB_CONTROL_SIZE] = { 0 };

	message->version = fake->version != 0 ? fake->version
					      : RB_CONTROL_VERSION;
	message->result = fake->result;
	message->index = fake->index;
	if (fake->type != 0)
		message->type = fake->type;
	memset(message->text, fake->says_nothing ? 0 : 'x',
	       sizeof(message->text));
	memcpy(bytes, message, sizeof(*message));
	send_with_fds(peer, bytes,
		      fake->size != 0 ? fake->size : sizeof(*message),
		      fake->n_fds);
}

/* Serves one connection until the other side closes it. */
static int
fake_run(void *arg)
{
	const struct fake *fake = arg;
	int peer = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC);
	struct rb_control message;
	bool spoil = fake->spoil_hello;

	while (recv(peer, &message, sizeof(message), 0) == sizeof(message)) {
		if (spoil && fake->hang_up)
			return 0;
		if (spoil && !fake->silent)
			answer_wrongly(fake, peer, &message);
		else if (!spoil)
			send_with_fds(peer, &message, sizeof(message), 0);
		spoil = true;
	}
	return 0;
}

/* What connecting to it gives. */
static int
connect_to_fake(struct fake fake)
{
	struct ringbus *bus = NULL;
	pid_t child;
	int err;

	fake.spoil_hello = true;
	fake_prepare(&fake);
	child = t_child(fake_run, &fake);
	err = ringbus_connect(fake.path, &bus);
	ringbus_close(bus);
	t_join(child);
	close(fake.listener);
	return err;
}

/* What opening a tap there gives. */
static int
open_at_fake(struct fake fake)
{
	struct ringbus_tap *tap = NULL;
	struct ringbus *bus;
	pid_t child;
	int err;

	fake_prepare(&fake);
	child = t_child(fake_run, &fake);
	t_ok(ringbus_connect(fake.path, &bus));
	err = ringbus_tap_open(bus, "a", NULL, &tap);
	ck_assert_ptr_null(tap);
	ck_assert_uint_lt(strlen(ringbus_error(bus)), RB_CONTROL_TEXT_SIZE);
	ringbus_close(bus);
	t_join(child);
	close(fake.listener);
	return err;
}

TEST(another_protocol_version_is_refused)
{
	ck_assert_int_eq(connect_to_fake((struct fake){ .version = 7 }),
			 -EPROTONOSUPPORT);
}

TEST(a_refusal_of_our_version_is_passed_on)
{
	ck_assert_int_eq(
		connect_to_fake((struct fake){ .result = -EPROTONOSUPPORT }),
		-EPROTONOSUPPORT);
}

TEST(a_short_answer_is_none)
{
	ck_assert_int_eq(connect_to_fake((struct fake){ .size = 12 }), -EPROTO);
}

TEST(a_long_answer_is_none)
{
	ck_assert_int_eq(
		connect_to_fake((struct fake){ .size = RB_CONTROL_SIZE + 1 }),
		-EPROTO);
}

TEST(an_answer_to_something_else_is_none)
{
	ck_assert_int_eq(
		connect_to_fake((struct fake){ .type = RB_CONTROL_PING }),
		-EPROTO);
}

TEST(a_positive_result_is_none)
{
	ck_assert_int_eq(connect_to_fake((struct fake){ .result = 1 }),
			 -EPROTO);
}

TEST(a_daemon_that_hangs_up_is_gone)
{
	ck_assert_int_eq(connect_to_fake((struct fake){ .hang_up = true }),
			 -ECONNRESET);
}

TEST(a_daemon_that_is_silent_is_given_up)
{
	ck_assert_int_eq(connect_to_fake((struct fake){ .silent = true }),
			 -ETIMEDOUT);
}

TEST(descriptors_that_are_missing_are_noticed)
{
	ck_assert_int_eq(open_at_fake((struct fake){ .n_fds = 0 }), -EPROTO);
}

TEST(too_few_descriptors_are_closed)
{
	ck_assert_int_eq(open_at_fake((struct fake){ .n_fds = 2 }), -EPROTO);
}

TEST(one_descriptor_too_many_is_closed)
{
	ck_assert_int_eq(open_at_fake((struct fake){ .n_fds = RB_FDS + 1 }),
			 -EPROTO);
}

TEST(many_descriptors_are_closed)
{
	int err = open_at_fake((struct fake){ .n_fds = 16 });

	ck_assert(err == -EPROTO || err == -EMFILE);
}

TEST(descriptors_of_a_refusal_are_closed)
{
	ck_assert_int_eq(open_at_fake((struct fake){ .n_fds = RB_FDS,
						     .result = -ENOENT }),
			 -ENOENT);
}

TEST(descriptors_of_nonsense_are_closed)
{
	ck_assert_int_eq(
		open_at_fake((struct fake){ .n_fds = RB_FDS, .size = 8 }),
		-EPROTO);
}

TEST(descriptors_of_something_else_are_no_channel)
{
	int err = open_at_fake((struct fake){ .n_fds = RB_FDS });

	ck_assert_int_eq(err, -EBADMSG);
}

TEST(a_place_outside_the_table_is_refused)
{
	struct fake fake = { .n_fds = RB_FDS, .index = 64 };
	struct ringbus_consumer *c = NULL;
	struct ringbus_producer *p = NULL;
	struct ringbus *bus;
	pid_t child;

	fake_prepare(&fake);
	child = t_child(fake_run, &fake);
	t_ok(ringbus_connect(fake.path, &bus));
	ck_assert_int_eq(ringbus_consumer_open(bus, "a", NULL, &c), -EPROTO);
	ringbus_close(bus);
	t_join(child);
	child = t_child(fake_run, &fake);
	t_ok(ringbus_connect(fake.path, &bus));
	ck_assert_int_eq(ringbus_producer_open(bus, "a", NULL, &p), -EPROTO);
	ringbus_close(bus);
	t_join(child);
	close(fake.listener);
}

TEST(events_without_end_are_given_up)
{
	struct fake fake = { .says_nothing = true };
	char json[RINGBUS_EVENT_SIZE];
	struct ringbus *bus;
	int64_t id = 0;
	pid_t child;

	fake_prepare(&fake);
	child = t_child(fake_run, &fake);
	t_ok(ringbus_connect(fake.path, &bus));
	ck_assert_int_eq(ringbus_event_next(bus, &id, json, sizeof(json)),
			 -EAGAIN);
	ringbus_close(bus);
	t_join(child);
	close(fake.listener);
}
