/* SPDX-License-Identifier: MIT */
/*
 * fuzz_answer.c - a daemon that answers the library what it likes
 *
 * A thread plays the daemon: to each request it gives the next answer that the
 * input makes up: of any length, with fields that lie and with any descriptors,
 * or those of a channel whose segments lie. The library asks, opens handles, uses
 * them and closes them; and ringbusctl shows what it sees through it. No descriptor
 * may be left.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "tests/fuzz/lies.h"
#include "tests/fuzz/players.h"
#include "tests/fuzz/talk.h"

#define CALLS_MAX 16
#define HANGUPS_MAX 2
#define PEERS_MAX 16
#define PATIENCE_NS INT64_C(25000000000)

/* What the thread and the library take from in turn: never both at once, as each
 * waits for the other. */
static struct {
	struct input in;
	struct stage *stage;
	unsigned n_hangups;
} play;

/* All that was done with it so far comes before what is done from now on. */
static void
take_turn(void)
{
	static atomic_uint turns;

	atomic_fetch_add(&turns, 1);
}

static char socket_path[300];
static int listener = -1;

/* --------------------------------------------------------------- the daemon */

/* Of a channel, or of what is none. */
static int
open_one(struct input *in, int file)
{
	switch (input_below(in, 16)) {
	case 0:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 1:
		return open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 2:
		return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	case 3:
		return memfd_create("short", MFD_CLOEXEC);
	case 4:
		return open("/proc/self/exe", O_PATH | O_CLOEXEC);
	case 5:
		return fcntl(play.stage->fds[input_below(in, RB_FDS)],
			     F_DUPFD_CLOEXEC, 0);
	}
	return fcntl(play.stage->fds[file], F_DUPFD_CLOEXEC, 0);
}

static void
lie(struct input *in)
{
	for (unsigned n = input_below(in, 8); n > 0; n--)
		lies_tell(in, &play.stage->channels[RB_ROLE_DAEMON],
			  input_below(in, RB_FILES));
}

/* As the stage's own daemon would: into one of its seats. */
static void
seat(struct input *in, struct rb_control *m)
{
	unsigned i = input_below(in, SEATS);

	m->generation = play.stage->channels[0].generation;
	if (m->role == RB_ROLE_PRODUCER) {
		m->index = i % STAGE_PRODUCERS;
		m->epoch = play.stage->producer_epochs[m->index];
	} else if (m->role == RB_ROLE_CONSUMER) {
		m->index = i == SEAT_GROUP || i == SEAT_KEYED ? 0 : i;
		m->epoch = play.stage->epochs[m->index];
	}
}

/* False to hang up. */
static bool
make_answer(int peer, struct rb_control *m)
{
	struct input *in = &play.in;
	bool is_last = in->left == 0;
	size_t size = sizeof(*m);
	int fds[TALK_FDS_MAX];
	unsigned n_fds = 0, choice = input_below(in, 16);
	char bytes[2 * RB_CONTROL_SIZE] = "";
	bool sent;

	m->result = is_last && m->type != RB_CONTROL_HELLO ? -ENOENT : 0;
	if (choice == 1 && play.n_hangups++ < HANGUPS_MAX)
		return false;
	if (m->type == RB_CONTROL_ATTACH && !is_last) {
		seat(in, m);
		lie(in);
		n_fds = choice == 2 ? input_below(in, TALK_FDS_MAX + 1)
				    : RB_FDS;
	}
	if (m->type == RB_CONTROL_LIST)
		m->result = m->index > 3 ? -ENOENT : 0;
	if (choice >= 8)
		talk_change(in, m);
	if (choice == 3)
		size = (size_t)input_bytes(in, 2) % sizeof(bytes);
	for (unsigned i = 0; i < n_fds; i++)
		fds[i] = open_one(in, (int)i % RB_FDS);
	memcpy(bytes, m, sizeof(*m));
	sent = talk_send(peer, bytes, size, fds, n_fds);
	while (n_fds > 0)
		close(fds[--n_fds]);
	return sent;
}

static bool
answer(int peer, struct rb_control *m)
{
	bool goes_on;

	take_turn();
	goes_on = make_answer(peer, m);
	take_turn();
	return goes_on;
}

/* Takes the connection where there is room for one. */
static void
take_peer(struct pollfd peers[PEERS_MAX])
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	unsigned i = 0;

	while (i < PEERS_MAX && peers[i].fd >= 0)
		i++;
	fuzz_expect(fd >= 0 && i < PEERS_MAX);
	peers[i].fd = fd;
}

static void
hear(struct pollfd *peer)
{
	struct rb_control m;

	if (recv(peer->fd, &m, sizeof(m), 0) == sizeof(m) &&
	    answer(peer->fd, &m))
		return;
	close(peer->fd);
	peer->fd = -1;
}

/* ringbusctl has a connection of its own, beside that of the handles. */
static void *
serve(void *unused)
{
	struct pollfd all[1 + PEERS_MAX];

	(void)unused;
	for (unsigned i = 0; i <= PEERS_MAX; i++)
		all[i] = (struct pollfd){ i == 0 ? listener : -1, POLLIN, 0 };
	while (poll(all, 1 + PEERS_MAX, -1) > 0) {
		for (unsigned i = 1; i <= PEERS_MAX; i++)
			if (all[i].fd >= 0 && all[i].revents != 0)
				hear(&all[i]);
		if (all[0].revents != 0)
			take_peer(&all[1]);
	}
	return NULL;
}

static void
start(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pthread_t thread;

	if (listener >= 0)
		return;
	snprintf(socket_path, sizeof(socket_path), "%s/socket",
		 fuzz_new_folder());
	snprintf(address.sun_path, sizeof(address.sun_path), "%.107s",
		 socket_path);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	fuzz_expect(listener >= 0 &&
		    bind(listener, (struct sockaddr *)&address,
			 sizeof(address)) == 0 &&
		    listen(listener, 8) == 0);
	fuzz_expect(pthread_create(&thread, NULL, serve, NULL) == 0);
	pthread_detach(thread);
}

/* -------------------------------------------------------------- the library */

static void
check_error(const struct ringbus *bus, int64_t result)
{
	fuzz_expect(result > -4096);
	fuzz_expect(strlen(ringbus_error(bus)) < RB_CONTROL_TEXT_SIZE);
}

static void
produce(struct ringbus *bus, const char *channel)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_producer *p = NULL;
	int err;

	o.cancellable = 1;
	err = ringbus_producer_open(bus, channel, &o, &p);
	take_turn();
	check_error(bus, err);
	if (err < 0)
		return;
	for (int i = 0; i < 4; i++)
		player_produce(&play.in, p);
	take_turn();
	ringbus_producer_close(p);
}

static void
consume(struct ringbus *bus, const char *channel)
{
	struct ringbus_consumer *c = NULL;
	bool forget;
	int err = ringbus_consumer_open(bus, channel, NULL, &c);

	take_turn();
	check_error(bus, err);
	if (err < 0)
		return;
	for (int i = 0; i < 4; i++)
		player_consume(&play.in, c);
	forget = input_below(&play.in, 4) == 0;
	take_turn();
	if (forget)
		ringbus_consumer_forget(c);
	else
		ringbus_consumer_close(c);
}

static void
tap(struct ringbus *bus, const char *channel)
{
	struct ringbus_tap *t = NULL;
	int err = ringbus_tap_open(bus, channel, NULL, &t);

	check_error(bus, err);
	if (err < 0)
		return;
	player_look(bus, &t->attachment.channel.shm);
	ringbus_tap_close(t);
}

/* What people see of a channel. */
static void
show(char *channel)
{
	static const struct ctl_verb *const verbs[] = { &ctl_show, &ctl_why,
							&ctl_ls };
	const struct ctl_verb *verb = verbs[input_below(&play.in, 3)];
	char *operands[] = { channel, NULL };
	struct ctl ctl = { .verb = verb,
			   .operands = operands,
			   .n_operands = verb->min_operands,
			   .common.socket = socket_path,
			   .common.json = input_below(&play.in, 2) };
	char args[64] = "";

	fuzz_expect(verb->args_size <= sizeof(args));
	args[0] = 1; /* verbose */
	take_turn();
	verb->run(&ctl, args);
	ringbus_close(ctl.bus);
}

static void
ask(struct ringbus *bus, const char *channel, unsigned choice)
{
	char name[RB_NAME_SIZE];
	int64_t err;

	switch (choice) {
	case 5:
		err = ringbus_list(bus, (unsigned)strlen(channel) & 3, name);
		fuzz_expect(err < 0 ||
			    memchr(name, '\0', sizeof(name)) != NULL);
		break;
	case 6:
		err = ringbus_remove(bus, channel);
		break;
	default:
		err = ringbus_ping(bus);
	}
	check_error(bus, err);
}

static void
call(struct ringbus *bus)
{
	char channel[RB_NAME_SIZE];
	unsigned choice;

	take_turn();
	snprintf(channel, sizeof(channel), "%s", talk_name(&play.in));
	choice = input_below(&play.in, 8);
	take_turn();
	switch (choice) {
	case 0:
		produce(bus, channel);
		break;
	case 1:
		consume(bus, channel);
		break;
	case 2:
		tap(bus, channel);
		break;
	case 3:
	case 4:
		show(channel);
		break;
	default:
		ask(bus, channel, choice);
	}
	take_turn();
}

/* The thread closes its end a little later. */
static void
expect_fds(unsigned n)
{
	int64_t until_ns = rb_clock_ns() + PATIENCE_NS;

	while (fuzz_count_fds() > n) {
		fuzz_expect(rb_clock_ns() < until_ns);
		sched_yield();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ringbus *bus = NULL;
	unsigned before;
	int err;

	start();
	take_turn();
	play.in = (struct input){ data, size };
	play.n_hangups = 0;
	play.stage = stage_get(input_below(&play.in, 256));
	before = fuzz_count_fds();
	take_turn();
	err = ringbus_connect(socket_path, &bus);
	take_turn();
	fuzz_expect(err == 0 || ringbus_error(NULL)[0] != '\0');
	for (int i = 0; i < CALLS_MAX && err == 0 && play.in.left > 0; i++)
		call(bus);
	ringbus_close(bus);
	expect_fds(before);
	return 0;
}
