/* SPDX-License-Identifier: MIT */
/*
 * test_bridge.c - what goes into one channel comes out of another, by way of a stream
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/system/util_ctl.h"
#include "tests/system/util_two.h"

TEST(what_goes_in_comes_out)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 1000);
	ck_assert_int_eq(t_two_acked(&t), 999);
	t_two_end(&t);
}

/* Many laps, while the other side is read only afterwards. */
TEST(rings_that_are_full_hold_up_what_is_before_them)
{
	struct t_two t;
	const struct t_two_kinds small = {
		.a = "slots: 16, event_size: 8",
		.b = "slots: 16, event_size: 8",
		.to = ", max_events: 3, window: 2",
	};
	uint64_t n = 1;

	t_two_begin(&t, &small);
	/* The channel behind is full first, but the stream has room. */
	for (; n <= 500; n++)
		t_put_all(t.p, n, n);
	t_until(t_info(ringbus_consumer_channel(t.c)).cursor == 15);
	t_take(t.c, 1, 500);
	t_nothing(t.c);
	t_two_end(&t);
}

/* An event of each length, with bytes that tell which one it is. */
static size_t
make_event(unsigned i, unsigned char *bytes)
{
	size_t size = i * 37 % 1500;

	for (size_t k = 0; k < size; k++)
		bytes[k] = (unsigned char)(i + 7 * k);
	return size;
}

static void
put_framed(struct ringbus_producer *p, unsigned n)
{
	unsigned char bytes[1500];

	for (unsigned i = 0; i < n; i++) {
		size_t size = make_event(i, bytes);

		t_ok(ringbus_producer_write(p, bytes, size, T_LONG));
	}
}

static void
take_framed(struct ringbus_consumer *c, unsigned n)
{
	unsigned char bytes[1500];

	for (unsigned i = 0; i < n; i++) {
		size_t size = make_event(i, bytes);
		struct ringbus_event event;

		t_next(c, &event);
		ck_assert_uint_eq(event.size, size);
		ck_assert_int_eq(memcmp(event.data, bytes, size), 0);
		t_ok(ringbus_consumer_commit(c));
	}
}

static const struct t_two_kinds framed = {
	.a = "slots: 256, framing: framed, slot_size: 64",
	.b = "slots: 512, framing: framed, slot_size: 64",
	.to = ", max_bytes: 4KiB",
};

TEST(events_of_all_lengths)
{
	struct t_two t;

	t_two_begin(&t, &framed);
	put_framed(t.p, 2000);
	take_framed(t.c, 2000);
	t_nothing(t.c);
	t_two_end(&t);
}

/* Wider slots than events, on one side only. */
TEST(events_are_what_has_to_be_as_long)
{
	struct t_two t;
	const struct t_two_kinds wide = {
		.a = "slots: 64, event_size: 12",
		.b = "slots: 64, event_size: 12",
	};
	char bytes[12] = "";
	struct ringbus_event event;

	t_two_begin(&t, &wide);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(bytes, sizeof(bytes), "event %u", i);
		t_ok(ringbus_producer_write(t.p, bytes, sizeof(bytes), T_LONG));
		t_next(t.c, &event);
		ck_assert_uint_eq(event.size, sizeof(bytes));
		ck_assert_int_eq(memcmp(event.data, bytes, sizeof(bytes)), 0);
		t_ok(ringbus_consumer_commit(t.c));
	}
	t_two_end(&t);
}

/* Killed in the middle of it all, again and again. */
static void
kill_them(struct t_two *t)
{
	for (unsigned round = 0; round < 6; round++) {
		uint64_t first = 1 + round * 3000;

		t_put_all(t->p, first, first + 1499);
		if (round % 2 == 0) {
			t_kill(t->to.pid);
			t_bridge_start(&t->to, &t->b, "a");
		} else {
			t_kill(t->from.pid);
			t_bridge_start(&t->from, &t->b, "b");
		}
		t_put_all(t->p, first + 1500, first + 2999);
	}
}

struct reader {
	const struct t_two *t;
	struct rb_word64 *is_there;
};

static int
take_all(void *arg)
{
	const struct reader *r = arg;
	struct ringbus *bus = t_connect(&r->t->b.daemon);
	struct ringbus_consumer *c = t_two_consume(bus, "b");

	t_store(r->is_there, 1);
	t_take(c, 1, 18000);
	ringbus_consumer_forget(c);
	ringbus_close(bus);
	return 0;
}

TEST(bridges_that_are_killed_lose_and_repeat_nothing)
{
	struct t_two t;
	struct reader r = { &t, t_counter() };
	pid_t reader;

	t_two_begin(&t, &t_two_plain);
	ringbus_consumer_forget(t.c);
	reader = t_child(take_all, &r);
	t_until(t_read(r.is_there) == 1);
	kill_them(&t);
	t_join(reader);
	t.c = t_two_consume(t.b.bus, "b");
	t_two_end(&t);
}

/* Killed when a message was sent, and stored, but not known to be: what it had does
 * not come twice. */
TEST(what_is_stored_and_not_acknowledged_is_not_sent_again)
{
	struct t_two t;
	const struct t_two_kinds tens = {
		.a = t_two_plain.a,
		.b = t_two_plain.b,
		.to = ", max_events: 10, linger: 10s",
	};

	t_two_begin(&t, &tens);
	t_two_pass(&t, 1, 10);
	t_bridge_stop(&t.from); /* whose requests would wait there too */
	/* What it sends, one message, waits in the socket. */
	t_nats_pause(&t.nats);
	t_put_all(t.p, 11, 20);
	t_until(t_nats_unread(t.nats.port) > 10 * 8);
	t_kill(t.to.pid);
	ck_assert_int_eq(t_two_acked(&t), 9);
	t_nats_resume(&t.nats);
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 11, 20);
	ck_assert_int_eq(t_two_acked(&t), 9);
	t_bridge_start(&t.to, &t.b, "a");
	t_put_all(t.p, 21, 100);
	t_take(t.c, 21, 100);
	t_nothing(t.c);
	t_until(t_two_all_is_acked(&t));
	t_two_end(&t);
}

/* Killed in the middle of a message, as the channel was full. */
TEST(a_message_is_gone_on_with_in_the_middle)
{
	struct t_two t;
	const struct t_two_kinds small = {
		.a = "slots: 1024, event_size: 8",
		.b = "slots: 16, event_size: 8",
	};
	const struct ringbus_channel *b;

	t_two_prepare(&t, &small);
	b = ringbus_consumer_channel(t.c);
	t_put_all(t.p, 1, 500);
	t_bridge_start(&t.to, &t.b, "a");
	t_until(t_two_all_is_acked(&t));
	for (int64_t n = 0; n < 48; n += 16) {
		t_bridge_start(&t.from, &t.b, "b");
		t_until(t_info(b).cursor == n + 15);
		t_kill(t.from.pid);
		t_take(t.c, (uint64_t)n + 1, (uint64_t)n + 16);
		t_nothing(t.c);
	}
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 49, 500);
	t_nothing(t.c);
	t_two_end(&t);
}

static const struct t_two_kinds multi = {
	.a = "slots: 64, event_size: 8, producers: multi",
	.b = "slots: 64, event_size: 8",
};

/* What producers have given up is not there on the other side. */
TEST(tombstones_stay_behind)
{
	struct t_two t;
	uint64_t n = 0;

	t_two_begin(&t, &multi);
	for (unsigned i = 0; i < 200; i++) {
		int64_t sequence = ringbus_producer_claim(t.p, 1, T_LONG);

		t_ok(sequence);
		if (i % 3 == 1) {
			t_ok(ringbus_producer_abandon(t.p, sequence, sequence));
			continue;
		}
		n++;
		memcpy(ringbus_producer_slot(t.p, sequence), &n, sizeof(n));
		t_ok(ringbus_producer_publish(t.p, sequence, sequence));
	}
	t_take(t.c, 1, n);
	t_nothing(t.c);
	ck_assert_int_eq(t_info(ringbus_consumer_channel(t.c)).cursor,
			 (int64_t)n - 1);
	t_until(t_two_all_is_acked(&t));
	t_two_end(&t);
}

/* Events up to `last`, and tombstones, which the exporter passes over. */
static void
end_with_tombstones(struct t_two *t, uint64_t first, uint64_t last)
{
	int64_t sequence;

	t_put_all(t->p, first, last);
	sequence = ringbus_producer_claim(t->p, 3, T_LONG);
	t_ok(ringbus_producer_abandon(t->p, sequence - 2, sequence));
	t_take(t->c, first, last);
	t_until(t_two_all_is_acked(t));
}

static void
nothing_was_missed(struct t_two *t)
{
	t_nothing(t->c);
	ck_assert(!t_run_said(&t->to, "has lost"));
	ck_assert(!t_run_said(&t->from, "LOST"));
	t_two_end(t);
}

/* Behind the last event there is nothing to send, and nothing is missing, whoever asks
 * what the stream has. */
TEST(tombstones_at_the_end_are_no_loss)
{
	struct t_two t;

	t_two_begin(&t, &multi);
	end_with_tombstones(&t, 1, 10);
	t_bridge_stop(&t.to);
	t_bridge_start(&t.to, &t.b, "a");
	t_put_all(t.p, 11, 20);
	t_take(t.c, 11, 20);
	nothing_was_missed(&t);
}

/* An import that is killed before it has written down where it is counts slots from
 * where it was, and knows nothing of those: it must not write that down as exact. */
TEST(tombstones_before_a_kill_repeat_nothing)
{
	struct t_two t;

	t_two_begin(&t, &multi);
	end_with_tombstones(&t, 1, 10);
	end_with_tombstones(&t, 11, 20);
	t_kill(t.from.pid);
	t_until(!t_has_member(ringbus_consumer_channel(t.c), RINGBUS_PRODUCER,
			      "bridge"));
	t_bridge_start(&t.from, &t.b, "b");
	t_until(t_io_of(ringbus_consumer_channel(t.c), RINGBUS_PRODUCER,
			"bridge")
			.up);
	t_kill(t.from.pid);
	t_bridge_start(&t.from, &t.b, "b");
	t_put_all(t.p, 21, 30);
	t_take(t.c, 21, 30);
	nothing_was_missed(&t);
}

/* When it asks they are overwritten, and it remembers them. */
TEST(tombstones_that_are_gone_are_no_loss)
{
	struct t_two t;

	t_two_begin(&t, &multi);
	end_with_tombstones(&t, 1, 10);
	t_nats_kill(&t.nats);
	t_put_all(t.p, 11, 74);
	t_nats_launch(&t.nats);
	t_take(t.c, 11, 74);
	nothing_was_missed(&t);
}

TEST(the_end_of_the_stream_is_reached_by_the_exporter)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_put_all(t.p, 1, 500);
	t_bus_ok(t.b.bus, ringbus_end(t.b.bus, "a"));
	t_run_ends(&t.to, 0);
	ck_assert(t_run_said(&t.to, "all of it is acknowledged"));
	t_take(t.c, 1, 500);
	t_bridge_stop(&t.from);
	t_two_finish(&t);
}

/* Of a channel that is no target, or is made of other events. */
static void
is_refused(const struct t_two_kinds *k, const char *why)
{
	struct t_two t;

	t_two_prepare(&t, k);
	t_bridge_start(&t.to, &t.b, "a");
	t_put_all(t.p, 1, 1);
	t_until(t_two_all_is_acked(&t));
	t_bridge_start(&t.from, &t.b, "b");
	t_run_ends(&t.from, 78);
	ck_assert_msg(t_run_said(&t.from, why), "%s", t_run_output(&t.from));
	t_nothing(t.c);
	t_bridge_stop(&t.to);
	t_two_finish(&t);
}

TEST(events_of_another_length_are_refused)
{
	is_refused(&(struct t_two_kinds){ .a = "slots: 64, event_size: 8",
					  .b = "slots: 64, event_size: 16" },
		   "make them the same");
}

TEST(slots_of_another_length_are_refused)
{
	is_refused(&(struct t_two_kinds){ .a = "slots: 64, framing: framed, "
					       "slot_size: 64",
					  .b = "slots: 64, framing: framed, "
					       "slot_size: 128" },
		   "make them the same");
}

TEST(another_type_is_refused)
{
	is_refused(
		&(struct t_two_kinds){
			.a = "slots: 64, event_size: 8, type: x",
			.b = "slots: 64, event_size: 8, type: y" },
		"events of type x");
}

/* What --map or --message prints of a channel. */
static char *
ask(const struct t_two *t, const char *option, const char *number,
    const char *channel)
{
	struct t_run run = { .socket = t->b.daemon.socket };
	char *output, *text;

	t_run_start(&run, "ringbus-bridge", option, number, channel, NULL);
	t_run_ends(&run, 0);
	output = t_run_output(&run);
	text = strstr(output, "message ");
	ck_assert_ptr_nonnull(text);
	text = strdup(text);
	free(output);
	return text;
}

/* Slot 6 of what came out is slot 7 of what went in, as 3 was a tombstone. Events of a
 * pair before that may have gone one by one. */
TEST(slots_and_messages_are_found_from_both_sides)
{
	struct t_two t;
	const struct t_two_kinds pairs = {
		.a = "slots: 64, event_size: 8, producers: multi",
		.b = "slots: 64, event_size: 8",
		.to = ", max_events: 2",
	};
	char *exported, *imported, *message, *again;
	int64_t hole;

	t_two_prepare(&t, &pairs);
	t_put_all(t.p, 1, 3);
	hole = ringbus_producer_claim(t.p, 1, T_LONG);
	t_ok(ringbus_producer_abandon(t.p, hole, hole));
	t_put_all(t.p, 4, 9);
	/* Only now, so that all of it is there at once. */
	t_bridge_start(&t.to, &t.b, "a");
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 1, 9);
	exported = ask(&t, "--map", "7", "a");
	imported = ask(&t, "--map", "6", "b");
	ck_assert_str_eq(exported, imported);
	ck_assert_ptr_nonnull(strstr(exported, " 7 of generation"));
	message = strndup(exported + 8, strcspn(exported + 8, ":"));
	again = ask(&t, "--message", message, "a");
	ck_assert_str_eq(again, exported);
	free(exported);
	free(imported);
	free(message);
	free(again);
	t_two_end(&t);
}

/* How far they are can be seen in the channel. */
TEST(both_tell_what_they_have_moved)
{
	struct t_two t;
	const struct ringbus_channel *a, *b;
	struct t_ctl run;

	t_two_begin(&t, &t_two_plain);
	a = ringbus_producer_channel(t.p);
	b = ringbus_consumer_channel(t.c);
	t_put_all(t.p, 1, 100);
	t_take(t.c, 1, 100);
	t_until(t_io_of(a, RINGBUS_CONSUMER, "replicate").bytes == 800);
	t_until(t_io_of(b, RINGBUS_PRODUCER, "bridge").bytes == 800);
	ck_assert_int_eq(t_io_of(a, RINGBUS_CONSUMER, "replicate").batches,
			 t_io_of(b, RINGBUS_PRODUCER, "bridge").batches);
	t_until(t_io_of(a, RINGBUS_CONSUMER, "replicate").lag == 0);
	ck_assert(t_io_of(a, RINGBUS_CONSUMER, "replicate").up);
	ck_assert(t_io_of(b, RINGBUS_PRODUCER, "bridge").up);
	t_ctl_run(&run, &t.b.daemon, NULL, "bridge status");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "\na  "));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), " export "));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "\nb  "));
	t_ctl_run(&run, &t.b.daemon, NULL, "bridge status b");
	ck_assert_ptr_null(strstr(t_ctl_out(&run), " export "));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), " import "));
	t_nats_pause(&t.nats);
	t_put_all(t.p, 101, 150);
	t_until(t_io_of(a, RINGBUS_CONSUMER, "replicate").lag == 50);
	t_nats_resume(&t.nats);
	t_take(t.c, 101, 150);
	t_until(t_io_of(a, RINGBUS_CONSUMER, "replicate").lag == 0);
	t_two_end(&t);
}
