/* SPDX-License-Identifier: MIT */
/*
 * fuzz_control.c - clients that say to the daemon what they like
 *
 * Up to four connections to a real daemon, which runs in this process and makes
 * real channels. The input opens, closes and half closes them, sends requests of
 * every type with fields that lie, of every length, with descriptors, reads the
 * answers or not, and writes what it likes into the segments that it was given.
 *
 * Every answer has to be one, with the rights of its role and no more. When all
 * connections are closed, and a last one has taken back what is left, the daemon
 * has to be as it was before.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/presence.h"
#include "tests/fuzz/host.h"
#include "tests/fuzz/lies.h"
#include "tests/fuzz/talk.h"

#define CLIENTS 4
#define TAKEN_MAX 128
#define STEPS_MAX 64
#define HOUR_NS (UINT64_C(3600) * 1000000000)

/* A place that the daemon gave us. */
struct taken {
	struct rb_control answer;
	int fds[RB_FDS];
};

struct play {
	struct input in;
	int clients[CLIENTS]; /* -1: none */
	struct taken taken[TAKEN_MAX];
	unsigned n_taken;
	bool is_touched; /* the channel of the configuration */
};

/* ----------------------------------------------------------------- answers */

static void
check_rights(const struct rb_control *answer, const int *fds)
{
	/* Those of a channel that clears may write the ring as well. */
	for (int i = 0; i < RB_FILES; i++) {
		bool writes = (fcntl(fds[i], F_GETFL) & O_ACCMODE) != O_RDONLY;

		fuzz_expect(!writes ||
			    rb_role_writes(answer->role, i, RB_CLEAR_ZERO));
	}
}

static void
take_answer(struct play *p, const struct rb_control *answer, const int *fds,
	    unsigned n_fds)
{
	bool attached = answer->type == RB_CONTROL_ATTACH &&
			answer->result == 0;
	struct taken *taken = &p->taken[p->n_taken];

	fuzz_expect(answer->result <= 0 && answer->result > -4096);
	fuzz_expect(answer->type >= RB_CONTROL_HELLO &&
		    answer->type <= RB_CONTROL_LAST);
	fuzz_expect(memchr(answer->text, '\0', sizeof(answer->text)) != NULL);
	fuzz_expect(n_fds == (attached ? RB_FDS : 0));
	if (!attached)
		return;
	check_rights(answer, fds);
	fuzz_expect(p->n_taken < TAKEN_MAX);
	taken->answer = *answer;
	memcpy(taken->fds, fds, sizeof(taken->fds));
	p->n_taken++;
}

/* All that has come for a client. */
static void
read_answers(struct play *p, int client)
{
	struct rb_control answer;
	int fds[TALK_FDS_MAX];
	unsigned n_fds;
	ssize_t n;

	while ((n = talk_receive(client, &answer, fds, &n_fds)) > 0) {
		fuzz_expect(n == RB_CONTROL_SIZE);
		take_answer(p, &answer, fds, n_fds);
	}
}

/* ----------------------------------------------------------------- clients */

static void
open_client(struct play *p, int *client)
{
	struct rb_control hello;

	if (*client >= 0)
		return;
	*client = host_connect();
	if (input_below(&p->in, 8) == 0)
		return; /* says nothing, or something else */
	talk_hello(&hello);
	talk_send(*client, &hello, sizeof(hello), NULL, 0);
	host_settle();
	read_answers(p, *client);
}

static void
close_client(struct play *p, int *client)
{
	if (*client < 0)
		return;
	read_answers(p, *client);
	close(*client);
	*client = -1;
	host_settle();
}

/* Nobody is to be killed for being stuck: it would be us. */
static void
spare(struct rb_control *message)
{
	if (message->stuck_after_ns != 0 && message->stuck_after_ns < HOUR_NS)
		message->stuck_after_ns = HOUR_NS;
}

static void
ask(struct play *p, int client, struct rb_control *message, unsigned n_fds)
{
	spare(message);
	p->is_touched |= strncmp(message->channel, HOST_CHANNEL,
				 sizeof(message->channel)) == 0;
	talk_send(client, message, sizeof(*message), NULL, n_fds);
	host_settle();
}

static void
ask_anything(struct play *p, int client, bool reads)
{
	struct rb_control message;

	talk_ask(&p->in, &message);
	talk_change(&p->in, &message);
	ask(p, client, &message, 0);
	if (reads)
		read_answers(p, client);
}

/* Of a place that there is, or was. */
static void
detach(struct play *p, int client)
{
	struct rb_control message;

	if (p->n_taken == 0)
		return;
	message = p->taken[input_below(&p->in, p->n_taken)].answer;
	message.type = RB_CONTROL_DETACH;
	message.flags = input_below(&p->in, 2);
	talk_change(&p->in, &message);
	ask(p, client, &message, 0);
	read_answers(p, client);
}

static void
send_bytes(struct play *p, int client)
{
	char bytes[2048] = "";
	struct rb_control message;
	size_t size = (size_t)input_bytes(&p->in, 2) % sizeof(bytes);

	talk_ask(&p->in, &message);
	spare(&message);
	memcpy(bytes, &message, sizeof(message));
	if (size == sizeof(message))
		size++;
	talk_send(client, bytes, size, NULL, 0);
	host_settle();
	read_answers(p, client);
}

/* Many of them, before one is answered. */
static void
flood(struct play *p, int client)
{
	unsigned n = input_bytes(&p->in, 1);
	struct rb_control message;

	talk_hello(&message);
	message.type = RB_CONTROL_PING;
	for (; n > 0; n--) {
		talk_send(client, &message, sizeof(message), NULL, 0);
		if ((n & 7) == 0)
			host_settle();
	}
	host_settle();
}

/* Into what we may write: ring or gates. */
static void
scribble(struct play *p)
{
	const struct taken *taken;
	struct rb_channel c;
	enum rb_file file;

	if (p->n_taken == 0)
		return;
	taken = &p->taken[input_below(&p->in, p->n_taken)];
	if (taken->answer.role == RB_ROLE_TAP)
		return;
	file = taken->answer.role == RB_ROLE_PRODUCER ? RB_FILE_RING
						      : RB_FILE_GATES;
	fuzz_expect(rb_channel_attach(&c, taken->fds, taken->answer.role) == 0);
	for (unsigned n = input_below(&p->in, 4); n > 0; n--)
		lies_tell(&p->in, &c, file);
	rb_channel_detach(&c);
	host_settle();
}

/* As a library that has come does; else the place is taken back. */
static void
arrive(struct play *p)
{
	const struct taken *taken;
	struct rb_channel c;

	if (p->n_taken == 0)
		return;
	taken = &p->taken[input_below(&p->in, p->n_taken)];
	if (taken->answer.role == RB_ROLE_TAP)
		return;
	fuzz_expect(rb_channel_attach(&c, taken->fds, taken->answer.role) == 0);
	rb_presence_arrive(&c, taken->answer.role, taken->answer.index,
			   taken->answer.epoch);
	rb_channel_detach(&c);
}

static void
step(struct play *p)
{
	unsigned choice = input_below(&p->in, 16);
	int *client = &p->clients[input_below(&p->in, CLIENTS)];
	struct rb_control message;

	open_client(p, client);
	switch (choice) {
	case 8:
		ask_anything(p, *client, false);
		break;
	case 9:
		close_client(p, client);
		break;
	case 10:
		detach(p, *client);
		break;
	case 11:
		send_bytes(p, *client);
		break;
	case 12:
		shutdown(*client, (int)input_below(&p->in, 3));
		host_settle();
		break;
	case 13:
		talk_ask(&p->in, &message);
		ask(p, *client, &message, input_below(&p->in, TALK_FDS_MAX));
		break;
	case 14:
		scribble(p);
		break;
	case 15:
		if (input_below(&p->in, 2) == 0)
			flood(p, *client);
		else
			arrive(p);
		break;
	default:
		ask_anything(p, *client, true);
	}
}

/* -------------------------------------------------------------- the end of it */

static int
ask_last(int client, struct rb_control *message)
{
	int fds[TALK_FDS_MAX];
	unsigned n_fds;

	talk_send(client, message, sizeof(*message), NULL, 0);
	host_settle();
	fuzz_expect(talk_receive(client, message, fds, &n_fds) ==
		    RB_CONTROL_SIZE);
	fuzz_expect(n_fds == 0);
	return message->result;
}

static void
give_back(struct play *p, int client)
{
	for (unsigned i = 0; i < p->n_taken; i++) {
		struct rb_control message = p->taken[i].answer;
		int result;

		for (int k = 0; k < RB_FDS; k++)
			close(p->taken[i].fds[k]);
		if (message.role == RB_ROLE_TAP)
			continue;
		memset(message.text, 0, sizeof(message.text));
		message.type = RB_CONTROL_DETACH;
		message.flags = RB_CONTROL_FORGET;
		result = ask_last(client, &message);
		fuzz_expect(result == 0 || result == -ESTALE ||
			    result == -ENOENT);
	}
}

static void
remove_channels(int client)
{
	uint32_t index = 0;

	for (;;) {
		struct rb_control message;

		talk_hello(&message);
		message.layout_hash = 0;
		message.type = RB_CONTROL_LIST;
		message.index = index;
		if (ask_last(client, &message) != 0)
			return;
		if (strcmp(message.channel, HOST_CHANNEL) == 0) {
			index++;
			continue;
		}
		message.type = RB_CONTROL_REMOVE;
		fuzz_expect(ask_last(client, &message) == 0);
	}
}

static void
end(struct play *p)
{
	struct rb_control hello;
	int client;

	for (int i = 0; i < CLIENTS; i++)
		close_client(p, &p->clients[i]);
	client = host_connect();
	talk_hello(&hello);
	fuzz_expect(ask_last(client, &hello) == 0);
	give_back(p, client);
	remove_channels(client);
	close(client);
	host_settle();
	if (p->is_touched)
		host_renew();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct host_census before;
	struct play p = { .in = { data, size } };
	struct host_census after;

	host_get();
	if (before.n_fds == 0)
		host_count(&before);
	for (int i = 0; i < CLIENTS; i++)
		p.clients[i] = -1;
	for (int i = 0; i < STEPS_MAX && p.in.left > 0; i++)
		step(&p);
	end(&p);
	host_count(&after);
	host_expect_same(&before, &after);
	return 0;
}
