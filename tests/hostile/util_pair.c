/* SPDX-License-Identifier: MIT */
/*
 * util_pair.c - see util_pair.h
 */
#include "tests/hostile/util_pair.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "client/ringbus.h"
#include "shm/word.h"
#include "tests/hostile/util_arena.h"
#include "tests/system/util_bus.h"

#define N_PAYLOAD 6
#define TELL_EACH 64      /* events; a line of its own is not for free */
#define DESCRIPTOR_EACH 8 /* waits */
#define PATIENCE (60 * T_SECOND)

struct pair_event {
	uint64_t number;
	uint64_t payload[N_PAYLOAD];
	uint64_t sum;
};

struct pair_words {
	struct rb_word64 n_ready;
	alignas(RB_LINE) struct rb_word64 at_least; /* UINT64_MAX: go on */
	alignas(RB_LINE) struct rb_word64 sent; /* 1 + how many, at the end */
	alignas(RB_LINE) struct rb_word64 consumed;
};

struct player {
	struct pair *pair;
	const char *socket;
};

static uint64_t
mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ sum >> 29;
}

static uint64_t
sum_of(const struct pair_event *event)
{
	uint64_t sum = mix(1, event->number);

	for (int i = 0; i < N_PAYLOAD; i++)
		sum = mix(sum, event->payload[i]);
	return sum;
}

static void
fill_event(struct pair_event *event, uint64_t number, uint64_t *state)
{
	event->number = number;
	for (int i = 0; i < N_PAYLOAD; i++) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		event->payload[i] = *state;
	}
	event->sum = sum_of(event);
}

static void
check_event(const struct ringbus_event *event, uint64_t number)
{
	struct pair_event copy;

	if (event->size != sizeof(copy))
		ck_abort_msg("an event of %zu bytes", event->size);
	memcpy(&copy, event->data, sizeof(copy));
	if (copy.number != number)
		ck_abort_msg("event %llu came as %llu",
			     (unsigned long long)number,
			     (unsigned long long)copy.number);
	if (copy.sum != sum_of(&copy))
		ck_abort_msg("event %llu is damaged",
			     (unsigned long long)number);
}

static struct ringbus *
enter(const struct player *player, uid_t uid)
{
	struct ringbus *bus = NULL;

	arena_become(uid);
	t_ok(ringbus_connect(player->socket, &bus));
	return bus;
}

static void
is_ready(const struct player *player)
{
	struct rb_word64 *n = &player->pair->words->n_ready;
	uint64_t found = rb_word64_load_relaxed(n);

	while (!rb_word64_cas_acq_rel(n, &found, found + 1))
		;
}

static int
produce(void *arg)
{
	const struct player *player = arg;
	struct pair_words *words = player->pair->words;
	struct ringbus *bus = enter(player, UID_PRODUCER);
	struct ringbus_producer *p = NULL;
	uint64_t state = UINT64_C(88172645463325252);
	uint64_t n;

	t_bus_ok(bus, ringbus_producer_open(bus, "flow", NULL, &p));
	is_ready(player);
	for (n = 0; n < t_read(&words->at_least); n++) {
		int64_t at = ringbus_producer_claim(p, 1, PATIENCE);

		t_bus_ok(bus, at);
		fill_event(ringbus_producer_slot(p, at), n, &state);
		t_bus_ok(bus, ringbus_producer_publish(p, at, at));
	}
	t_store(&words->sent, 1 + n);
	t_bus_ok(bus, ringbus_producer_drain(p, PATIENCE));
	ringbus_close(bus);
	return 0;
}

/* By the futex; at times by the descriptor, as event loops do. */
static void
wait_for_events(struct ringbus_consumer *c, unsigned turn)
{
	int64_t timeout_ns = T_SECOND;

	if (turn % DESCRIPTOR_EACH == 0) {
		struct pollfd look = { .fd = ringbus_consumer_fd(c),
				       .events = POLLIN };

		t_ok(look.fd);
		if (ringbus_consumer_arm(c) == 0)
			poll(&look, 1, 100);
		timeout_ns = RINGBUS_NOW;
	}
	timeout_ns = ringbus_consumer_wait(c, timeout_ns);
	if (timeout_ns != -EAGAIN && timeout_ns != -ETIMEDOUT)
		t_ok(timeout_ns);
}

static uint64_t
consume_batch(struct ringbus_consumer *c, struct pair_words *words, uint64_t n)
{
	struct ringbus_event event;
	int more;

	while ((more = ringbus_consumer_next(c, &event)) > 0) {
		check_event(&event, n++);
		if (n % TELL_EACH == 0)
			t_store(&words->consumed, n);
	}
	t_ok(more);
	t_ok(ringbus_consumer_commit(c));
	t_store(&words->consumed, n);
	return n;
}

static int
consume(void *arg)
{
	const struct player *player = arg;
	struct pair_words *words = player->pair->words;
	struct ringbus *bus = enter(player, UID_CONSUMER);
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c = NULL;
	uint64_t n = 0;

	o.name = "reader";
	t_bus_ok(bus, ringbus_consumer_open(bus, "flow", &o, &c));
	is_ready(player);
	for (unsigned turn = 0; t_read(&words->sent) != 1 + n; turn++) {
		wait_for_events(c, turn);
		n = consume_batch(c, words, n);
	}
	ringbus_close(bus);
	return 0;
}

void
pair_start(struct pair *pair, const char *socket)
{
	struct player player = { pair, socket };

	pair->words = mmap(NULL, sizeof(*pair->words), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(pair->words, MAP_FAILED);
	t_store(&pair->words->at_least, UINT64_MAX);
	pair->consumer = t_child(consume, &player);
	t_until(t_read(&pair->words->n_ready) == 1);
	pair->producer = t_child(produce, &player);
	t_until(t_read(&pair->words->n_ready) == 2);
}

uint64_t
pair_consumed(const struct pair *pair)
{
	return t_read(&pair->words->consumed);
}

static bool
lives(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
		       0 &&
	       info.si_pid == 0;
}

bool
pair_lives(const struct pair *pair)
{
	return lives(pair->producer) && lives(pair->consumer);
}

uint64_t
pair_stop(struct pair *pair, uint64_t at_least)
{
	uint64_t n;

	t_store(&pair->words->at_least, at_least);
	t_join(pair->producer);
	t_join(pair->consumer);
	n = pair_consumed(pair);
	ck_assert_uint_eq(t_read(&pair->words->sent), 1 + n);
	munmap(pair->words, sizeof(*pair->words));
	return n;
}
