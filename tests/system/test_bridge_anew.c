/* SPDX-License-Identifier: MIT */
/*
 * test_bridge_anew.c - the exported channel is made anew, and the stream has lost of the
 * old one or of the new one what it had acknowledged
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/system/util_two.h"

/* The bridge of "a" does not run meanwhile. */
static void
make_anew(struct t_two *t, const struct t_two_kinds *kinds)
{
	const struct t_two_kinds other = {
		.a = "slots: 512, event_size: 8",
		.b = kinds->b,
	};
	char yaml[4096];

	ringbus_producer_close(t->p);
	t_two_configure(t, &other, yaml, sizeof(yaml));
	t_daemon_configure(&t->b.daemon, yaml);
	t_bus_ok(t->b.bus, ringbus_reload(t->b.bus, RINGBUS_RELOAD_RECREATE));
	t->p = t_produce(t->b.bus, NULL);
}

/* 101 to 200 were imported, and are lost with the ring that they came from. */
static void
lose_both(struct t_two *t, const struct t_two_kinds *kinds)
{
	t_two_begin(t, kinds);
	t_two_pass(t, 1, 100);
	t_nats_begin_losing(&t->nats);
	t_two_pass(t, 101, 200);
	t_bridge_stop(&t->to);
	t_nats_lose(&t->nats);
	make_anew(t, kinds);
}

/* The stream counts them as it did those that are lost. */
TEST(what_is_in_the_place_of_lost_slots_is_imported)
{
	struct t_two t;

	lose_both(&t, &t_two_plain);
	t_bridge_start(&t.to, &t.b, "a");
	t_two_pass(&t, 201, 400);
	t_nothing(t.c);
	ck_assert(t_run_said(&t.from, "others in their place"));
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_two_end(&t);
}

/* As many messages as were lost, and no more to come: only the connection tells. */
TEST(as_much_as_was_lost_is_imported_too)
{
	struct t_two t;
	const struct t_two_kinds whole = {
		.a = t_two_plain.a,
		.b = t_two_plain.b,
		.to = ", max_events: 100, linger: 10s",
	};

	t_two_begin(&t, &whole);
	t_two_pass(&t, 1, 100);
	t_bridge_stop(&t.from); /* so that the server loses its consumer too */
	t_nats_begin_losing(&t.nats);
	t_bridge_start(&t.from, &t.b, "b");
	t_two_pass(&t, 101, 200);
	t_bridge_stop(&t.to);
	ck_assert_int_eq(kill(t.from.pid, SIGSTOP), 0);
	t_nats_lose(&t.nats);
	make_anew(&t, &whole);
	t_bridge_start(&t.to, &t.b, "a");
	t_put_all(t.p, 201, 300);
	t_until(t_two_all_is_acked(&t));
	ck_assert_int_eq(kill(t.from.pid, SIGCONT), 0);
	t_take(t.c, 201, 300);
	t_nothing(t.c);
	t_two_end(&t);
}

TEST(what_is_in_the_place_of_lost_slots_is_found_later)
{
	struct t_two t;

	lose_both(&t, &t_two_plain);
	t_bridge_stop(&t.from);
	t_bridge_start(&t.to, &t.b, "a");
	for (uint64_t n = 201; n <= 400; n += 10) {
		t_put_all(t.p, n, n + 9);
		t_until(t_two_all_is_acked(&t));
	}
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 201, 400);
	t_nothing(t.c);
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_two_end(&t);
}

/* Killed in the middle of the first message of the new one, it goes on there. */
TEST(what_is_in_the_place_of_lost_slots_is_imported_once)
{
	struct t_two t;
	const struct t_two_kinds small = {
		.a = t_two_plain.a,
		.b = "slots: 64, event_size: 8",
	};

	lose_both(&t, &small);
	t_put_all(t.p, 201, 400);
	t_bridge_start(&t.to, &t.b, "a");
	t_until(t_info(ringbus_consumer_channel(t.c)).cursor == 263);
	t_kill(t.from.pid);
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 201, 400);
	t_nothing(t.c);
	t_two_end(&t);
}

/* Of the new ring the stream has had 101 to 200, and now has nothing. */
static void
lose_new(struct t_two *t)
{
	t_two_begin(t, &t_two_plain);
	t_two_pass(t, 1, 100);
	t_bridge_stop(&t->to);
	t_nats_begin_losing(&t->nats);
	make_anew(t, &t_two_plain);
	t_bridge_start(&t->to, &t->b, "a");
	t_two_pass(t, 101, 200);
}

TEST(what_was_lost_of_the_new_one_is_sent_again)
{
	struct t_two t;

	lose_new(&t);
	t_bridge_stop(&t.from);
	t_nats_lose(&t.nats);
	t_until(t_run_said(&t.to, "has not got slots 0 to 99"));
	t_bridge_start(&t.from, &t.b, "b");
	t_two_pass(&t, 201, 300);
	t_nothing(t.c);
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_two_end(&t);
}

/* And with it some of the old one, so that all of it has another place now. */
TEST(what_has_another_place_now_is_known_by_its_slots)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 100);
	t_nats_begin_losing(&t.nats);
	t_two_pass(&t, 101, 150);
	t_bridge_stop(&t.to);
	make_anew(&t, &t_two_plain);
	t_bridge_start(&t.to, &t.b, "a");
	t_two_pass(&t, 151, 250);
	t_nats_lose(&t.nats);
	t_until(t_run_said(&t.to, "has not got slots 0 to 99"));
	t_two_pass(&t, 251, 300);
	t_nothing(t.c);
	ck_assert(t_run_said(&t.from, "lost 50 slots that are here"));
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_two_end(&t);
}

/* Nothing tells how many slots there were before, and nothing is made up. */
TEST(what_nobody_knows_is_not_called_lost)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 100);
	t_bridge_stop(&t.to);
	t_nats_request(&t.nats, "$JS.API.STREAM.PURGE.s", "");
	make_anew(&t, &t_two_plain);
	t_bridge_start(&t.to, &t.b, "a");
	t_two_pass(&t, 101, 200);
	t_nothing(t.c);
	ck_assert(t_run_said(&t.from, "cannot be told"));
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_two_end(&t);
}
