/* SPDX-License-Identifier: MIT */
/*
 * util_client.c - what a client does until it is killed or the stream ends
 *
 * Each life differs in how it waits and how much it takes at a time.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/torture/torture.h"

static const char *const names[SEATS] = {
	"p0",  "p1",      "p2",      "p3",      "journal", "replicate",
	"app", "workers", "workers", "workers", "daemon",
};

const char *
torture_seat_name(unsigned seat)
{
	return names[seat];
}

static struct torture_life *
life_of(const struct torture_client *client)
{
	return &torture_ledger->lives[client->life];
}

/* Does not burn a core that eleven need. */
static int
draw_wait(struct torture_client *client)
{
	static const int kinds[] = {
		RINGBUS_WAIT_YIELDING,       RINGBUS_WAIT_SLEEPING,
		RINGBUS_WAIT_BLOCKING,       RINGBUS_WAIT_BLOCKING,
		RINGBUS_WAIT_PHASED_BACKOFF,
	};

	return kinds[torture_draw(&client->random) %
		     (sizeof(kinds) / sizeof(kinds[0]))];
}

/* ------------------------------------------------------------- connecting */

static bool
is_away(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -ECONNRESET ||
	       err == -ETIMEDOUT;
}

/* As long as it takes: who never gets in is found as a standstill. */
static struct ringbus *
connect_patiently(const struct torture_client *client)
{
	struct t_deadline naps = t_deadline(T_PATIENCE);
	struct ringbus *bus = NULL;
	int err;

	while ((err = ringbus_connect(client->socket, &bus)) < 0) {
		torture_expect(is_away(err), "connect: %s: %s",
			       ringbus_strerror(err), ringbus_error(NULL));
		t_deadline_nap(&naps);
	}
	return bus;
}

/* Whether to ask again: the one before may not be buried yet, or a daemon was
 * killed under the request, and the next one has to find that nobody came. */
static bool
is_to_retry(struct ringbus *bus, int err)
{
	static struct t_deadline naps;

	if (err >= 0)
		return false;
	torture_expect(err == -EBUSY || err == -EUSERS || err == -ECONNRESET ||
			       err == -ETIMEDOUT,
		       "open: %s: %s", ringbus_strerror(err),
		       ringbus_error(bus));
	t_deadline_nap(&naps);
	return true;
}

static void
note_attached(const struct torture_client *client)
{
	t_store(&life_of(client)->attached,
		(uint64_t)(t_now_ns() - client->born_ns));
}

/* -------------------------------------------------------------- producers */

/* Returns how many it published: 0 if there was no room in time. */
static uint64_t
publish_batch(struct torture_client *client, struct ringbus_producer *p,
	      uint64_t number, int64_t timeout_ns)
{
	int64_t n = 1 + (int64_t)(torture_draw(&client->random) % BATCH_MAX);
	int64_t hi = ringbus_producer_claim(p, n, timeout_ns);
	int err;

	if (hi == -ETIMEDOUT)
		return 0;
	torture_expect(hi >= 0, "claim: %s", ringbus_strerror(hi));
	for (int64_t i = 0; i < n; i++)
		torture_fill(ringbus_producer_slot(p, hi - n + 1 + i),
			     client->life, number + (uint64_t)i);
	err = ringbus_producer_publish(p, hi - n + 1, hi);
	torture_expect(err == 0, "publish: %s", ringbus_strerror(err));
	return (uint64_t)n;
}

/* Half of them claim before they know that there is room. */
static int
produce(struct torture_client *client, struct ringbus *bus)
{
	struct ringbus_producer_options options = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct torture_life *life = life_of(client);
	struct ringbus_producer *p = NULL;
	int64_t timeout_ns = RINGBUS_FOREVER;
	uint64_t number = 0;
	int err;

	if (torture_draw(&client->random) % 2 == 0)
		timeout_ns = T_MS;
	options.name = names[client->seat];
	options.wait = draw_wait(client);
	do
		err = ringbus_producer_open(bus, "a", &options, &p);
	while (is_to_retry(bus, err));
	note_attached(client);
	while (t_read(&torture_ledger->stop) == 0) {
		number += publish_batch(client, p, number, timeout_ns);
		rb_word64_store_release(&life->published, number);
	}
	return 0;
}

/* -------------------------------------------------------------- consumers */

static struct ringbus_consumer *
open_consumer(struct torture_client *client, struct ringbus *bus)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c = NULL;
	int err;

	options.name = names[client->seat];
	options.wait = draw_wait(client);
	do
		err = ringbus_consumer_open(bus, "a", &options, &c);
	while (is_to_retry(bus, err));
	return c;
}

static void
commit(struct torture_witness *w, struct ringbus_consumer *c, int64_t next)
{
	int err;

	rb_word64_store_release(&w->committing, (uint64_t)next);
	err = ringbus_consumer_commit(c);
	torture_expect(err == 0, "commit: %s", ringbus_strerror(err));
	rb_word64_store_release(&w->committed,
				(uint64_t)ringbus_consumer_sequence(c) + 1);
}

static int
watch(struct torture_client *client, struct ringbus *bus)
{
	unsigned stage = client->seat - PRODUCERS;
	struct torture_witness *w = &torture_ledger->stages[stage];
	struct ringbus_consumer *c = open_consumer(client, bus);
	uint64_t portion = UINT64_C(1) << torture_draw(&client->random) % 12;
	int64_t next = torture_resume(stage, ringbus_consumer_sequence(c));
	int64_t found;
	struct ringbus_event event;

	note_attached(client);
	while ((found = ringbus_consumer_wait(c, RINGBUS_FOREVER)) >= 0) {
		for (uint64_t n = 1; ringbus_consumer_next(c, &event) > 0;
		     n++) {
			next = torture_see(stage, &event, next);
			if (n % portion == 0)
				commit(w, c, next);
		}
		torture_skip(stage, next, found + 1);
		next = found + 1;
		commit(w, c, next);
	}
	torture_expect(found == -ESHUTDOWN, "wait: %s",
		       ringbus_strerror(found));
	return 0;
}

/* Takes several before it commits, while there are any. */
static int64_t
take_portion(struct torture_client *client, struct ringbus_consumer *c,
	     uint64_t portion)
{
	struct ringbus_event event;
	int64_t found = ringbus_consumer_wait(c, RINGBUS_FOREVER);

	for (uint64_t n = 0; found >= 0 && n < portion; n++) {
		if (ringbus_consumer_next(c, &event) > 0)
			torture_work(client->life, &event,
				     ringbus_consumer_attempt(c));
		found = ringbus_consumer_wait(c, RINGBUS_NOW);
	}
	return found == -EAGAIN ? 0 : found;
}

static int
work(struct torture_client *client, struct ringbus *bus)
{
	struct ringbus_consumer *c = open_consumer(client, bus);
	uint64_t portion = UINT64_C(1) << torture_draw(&client->random) % 6;
	int64_t found;
	int err;

	note_attached(client);
	do {
		found = take_portion(client, c, portion);
		err = ringbus_consumer_commit(c);
		torture_expect(err == 0, "commit: %s", ringbus_strerror(err));
	} while (found >= 0);
	torture_expect(found == -ESHUTDOWN, "wait: %s",
		       ringbus_strerror(found));
	return 0;
}

int
torture_client(void *arg)
{
	struct torture_client *client = arg;
	struct ringbus *bus = connect_patiently(client);
	int code;

	if (client->seat < PRODUCERS)
		code = produce(client, bus);
	else if (client->seat < PRODUCERS + STAGES)
		code = watch(client, bus);
	else
		code = work(client, bus);
	ringbus_close(bus);
	return code;
}
