/* SPDX-License-Identifier: MIT */
/*
 * talk.c - see talk.h
 */
#include "tests/fuzz/talk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/host.h"

void
talk_hello(struct rb_control *ret)
{
	*ret = (struct rb_control){ .version = RB_CONTROL_VERSION,
				    .type = RB_CONTROL_HELLO,
				    .layout_hash = rb_layout_hash() };
}

const char *
talk_name(struct input *in)
{
	static const char longest[] = "of-sixty-three-characters-which-is-all-"
				      "that-goes-into-one-name.";
	static const char *const names[] = {
		HOST_CHANNEL, "a",      "b",     "c",    "",
		"first",      "second", "group", "late", "order",
		"../a",       ".a",     "-a",    "a\n",  longest,
	};

	return names[input_below(in, sizeof(names) / sizeof(names[0]))];
}

static void
set_name(char at[RB_NAME_SIZE], const char *name)
{
	memset(at, 0, RB_NAME_SIZE);
	memcpy(at, name, strlen(name));
}

/* A channel that can be made, of a few kilobytes. */
static void
describe_channel(struct input *in, struct rb_control *m)
{
	unsigned kind = input_below(in, 64);

	m->slots = 64;
	m->slot_size = 64;
	m->framing = kind & 1;
	m->producers = kind >> 1 & 1;
	m->clear = kind >> 2 & 1;
	m->strict = kind >> 3 & kind >> 1 & 1;
	m->history = (kind & 4) == 0 ? kind >> 4 : 0;
	m->wait = RB_WAIT_BLOCKING;
}

static void
describe_consumer(struct input *in, struct rb_control *m)
{
	unsigned kind = input_below(in, 64);

	m->slow = kind & 3;
	m->is_slow_set = m->slow != RB_SLOW_GATE;
	if (m->slow == RB_SLOW_EVICT || m->slow == RB_SLOW_PARK)
		m->max_lag = 30;
	m->on_death = kind >> 2 & 1;
	if (m->type == RB_CONTROL_PLAN) {
		m->is_group = kind >> 3 & 1;
		m->key_size = m->is_group != 0 && kind >> 4 != 0 ? 4 : 0;
		m->mask = input_bytes(in, 1);
	}
}

struct field {
	size_t offset;
	unsigned size;
};

#define FIELD(name)                                                            \
	{                                                                      \
		offsetof(struct rb_control, name),                             \
			sizeof(((struct rb_control *)0)->name)                 \
	}

static const struct field fields[] = {
	FIELD(version),      FIELD(type),        FIELD(result),
	FIELD(pid),          FIELD(layout_hash), FIELD(flags),
	FIELD(role),         FIELD(channel),     FIELD(name),
	FIELD(index),        FIELD(epoch),       FIELD(type_name),
	FIELD(type_version), FIELD(slow),        FIELD(is_slow_set),
	FIELD(on_death),     FIELD(is_group),    FIELD(key_offset),
	FIELD(key_size),     FIELD(padding),     FIELD(max_lag),
	FIELD(max_stall_ns), FIELD(keep_for_ns), FIELD(mask),
	FIELD(from),         FIELD(missed),      FIELD(slots),
	FIELD(slot_size),    FIELD(history),     FIELD(stuck_after_ns),
	FIELD(framing),      FIELD(producers),   FIELD(wait),
	FIELD(clear),        FIELD(strict),      FIELD(fill_size),
	FIELD(fill),         FIELD(generation),  FIELD(latency),
	FIELD(reserved),     FIELD(text),
};

static void
change_field(struct input *in, struct rb_control *m)
{
	const struct field *f =
		&fields[input_below(in, sizeof(fields) / sizeof(fields[0]))];
	char *at = (char *)m + f->offset;
	int64_t number;

	if (f->size <= 8) {
		number = input_number(in);
		memcpy(at, &number, f->size);
	} else if (input_below(in, 2) == 0) {
		memset(at, (int)input_bytes(in, 1), f->size);
	} else {
		const char *name = talk_name(in);

		memset(at, 0, f->size);
		memcpy(at, name, strlen(name));
	}
}

void
talk_change(struct input *in, struct rb_control *message)
{
	for (unsigned n = input_below(in, 16) & 3; n > 0; n--) {
		if (input_below(in, 8) > 0)
			change_field(in, message);
		else
			((char *)message)[input_bytes(in, 2) %
					  sizeof(*message)] = (char)
				input_bytes(in, 1);
	}
}

/* Of settings, right and wrong. */
#define N_KEYS 8
static const char *const keys[N_KEYS] = {
	"journal", "journal.dir",    "journal.sync", "journal.",
	"bridge",  "bridge.servers", "bridge.tls",   "slots",
};

/* Of them, right and wrong. */
#define N_VALUES 8
static const char *const values[N_VALUES] = {
	"/j", "none", "nats://a:1,tls://b", "true", "",
	"[a", "\"\\", "\xff\x01",
};

void
talk_ask(struct input *in, struct rb_control *ret)
{
	talk_hello(ret);
	ret->layout_hash = 0;
	ret->type = RB_CONTROL_ATTACH +
		    input_below(in, RB_CONTROL_LAST - RB_CONTROL_ATTACH + 1);
	set_name(ret->channel, talk_name(in));
	switch (ret->type) {
	case RB_CONTROL_ATTACH:
		ret->role = input_below(in, 3);
		ret->from = (int64_t)input_below(in, 5) - 3;
		if (ret->role == RB_ROLE_CONSUMER) {
			set_name(ret->name, talk_name(in));
			describe_consumer(in, ret);
		}
		break;
	case RB_CONTROL_PLAN:
		set_name(ret->name, talk_name(in));
		describe_consumer(in, ret);
		break;
	case RB_CONTROL_CREATE:
		describe_channel(in, ret);
		ret->flags = input_below(in, 2) != 0 ? RB_CONTROL_PREPARE : 0;
		break;
	case RB_CONTROL_LIST:
		ret->index = input_below(in, 8);
		break;
	case RB_CONTROL_SETTING:
		set_name(ret->name, keys[input_below(in, N_KEYS)]);
		ret->flags = input_below(in, 2) != 0 ? RB_CONTROL_VALUE : 0;
		set_name(ret->text, values[input_below(in, N_VALUES)]);
		break;
	case RB_CONTROL_DETACH:
	case RB_CONTROL_CLOSE:
		ret->flags = input_below(in, 16);
		break;
	}
}

static unsigned
open_some(int fds[TALK_FDS_MAX], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	return n;
}

bool
talk_send(int socket, const void *bytes, size_t size, const int *fds,
	  unsigned n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(TALK_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)bytes, size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	int own[TALK_FDS_MAX];
	unsigned n_own = 0;
	ssize_t sent;

	if (n_fds > 0 && fds == NULL) {
		n_own = open_some(own, n_fds);
		fds = own;
	}
	if (n_fds > 0) {
		struct cmsghdr *c = &control.align;

		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	sent = sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n_own > 0)
		close(own[--n_own]);
	return sent >= 0;
}

ssize_t
talk_receive(int socket, struct rb_control *ret, int *ret_fds,
	     unsigned *ret_n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(TALK_FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = { ret, sizeof(*ret) };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(socket, &header,
			    MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c;

	*ret_n_fds = 0;
	if (n < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&header);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
		*ret_n_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) /
					sizeof(int));
		memcpy(ret_fds, CMSG_DATA(c), *ret_n_fds * sizeof(int));
	}
	return n;
}
