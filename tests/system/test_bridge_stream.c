/* SPDX-License-Identifier: MIT */
/*
 * test_bridge_stream.c - a stream that others have made otherwise, write to or take
 * away, and a connection that is not what was asked for
 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/system/util_two.h"

static int64_t
last_message(const struct t_two *t)
{
	return t_nats_request(&t->nats, "$JS.API.STREAM.MSG.GET.s",
			      "{\"last_by_subj\":\"s.all\"}");
}

/* As an earlier try of the bridge would have sent it: slots 10 to 14. */
static void
come_late(const struct t_two *t)
{
	static const uint64_t values[] = { 11, 12, 13, 14, 15 };
	uint64_t generation = t_info(ringbus_producer_channel(t->p)).generation;
	char headers[512];

	snprintf(headers, sizeof(headers),
		 "Nats-Msg-Id: %" PRIx64 ".10.14\r\n"
		 "Nats-Expected-Last-Sequence: %" PRId64 "\r\n"
		 "Rb-Generation: %" PRIx64 "\r\n"
		 "Rb-First: 10\r\nRb-Last: 14\r\nRb-Count: 5\r\n"
		 "Rb-Index: 10\r\nRb-Framing: fixed\r\nRb-Size: 8\r\n",
		 generation, last_message(t), generation);
	t_nats_publish(&t->nats, "s.all", headers, values, sizeof(values));
}

/* It takes the number of a message that has more in it: what follows that has the
 * right number to follow it, and must not. */
TEST(a_message_that_comes_late_makes_no_hole)
{
	struct t_two t;
	const struct t_two_kinds tens = {
		.a = t_two_plain.a,
		.b = t_two_plain.b,
		.to = ", max_events: 10, linger: 100ms",
	};

	t_two_begin(&t, &tens);
	t_two_pass(&t, 1, 10);
	come_late(&t);
	t_nats_pause(&t.nats);
	t_put_all(t.p, 11, 30);
	t_until(t_nats_unread(t.nats.port) > 20 * 8 + 2 * 256);
	t_nats_resume(&t.nats);
	t_take(t.c, 11, 30);
	t_nothing(t.c);
	t_until(t_two_all_is_acked(&t));
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_two_end(&t);
}

/* Two channels are exported to one stream, by mistake: it stays that of one. */
TEST(two_channels_do_not_take_turns)
{
	struct t_two t;
	struct t_run other = { 0 };
	struct ringbus_producer *p;
	uint64_t value = 1;
	int64_t last;

	t_two_prepare(&t, &t_two_plain);
	t_bridge_start(&t.to, &t.b, "a");
	t_put_all(t.p, 1, 10);
	t_until(t_two_all_is_acked(&t));
	ck_assert_uint_gt(t_info(ringbus_consumer_channel(t.c)).generation,
			  t_info(ringbus_producer_channel(t.p)).generation);
	last = last_message(&t);
	other.socket = t.b.daemon.socket;
	t_run_start(&other, "ringbus-bridge", "-o", "direction=export", "b",
		    NULL);
	t_ok(ringbus_producer_open(t.b.bus, "b", NULL, &p));
	t_until(t_has_member(ringbus_producer_channel(p), RINGBUS_CONSUMER,
			     "replicate"));
	t_ok(ringbus_producer_write(p, &value, sizeof(value), T_LONG));
	t_until(last_message(&t) > last);
	t_put_all(t.p, 11, 20);
	ringbus_producer_close(p);
	t_until(t_run_said(&t.to, "was made later"));
	ck_assert(!t_run_said(&other, "was made later"));
	t_bridge_stop(&other);
	t_bridge_stop(&t.to);
	t_two_finish(&t);
}

/* Whoever is in between could take the password otherwise. */
TEST(a_url_of_tls_wants_tls)
{
	struct t_two t;
	struct t_run to = { 0 };
	char servers[128];

	t_two_prepare(&t, &t_two_plain);
	snprintf(servers, sizeof(servers), "servers=tls://127.0.0.1:%d",
		 t.nats.port);
	to.socket = t.b.daemon.socket;
	t_run_start(&to, "ringbus-bridge", "-o", servers, "a", NULL);
	t_until(t_run_said(&to, "no connection to tls://"));
	ck_assert(!t_run_said(&to, "connected to"));
	t_bridge_stop(&to);
	t_two_finish(&t);
}

TEST(a_stream_that_is_gone_is_told)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 100);
	t_bridge_stop(&t.to);
	t_nats_request(&t.nats, "$JS.API.STREAM.DELETE.s", "");
	t_until(t_run_said(&t.from, "stream s is not there"));
	t_bridge_start(&t.to, &t.b, "a");
	t_put_all(t.p, 101, 200);
	t_take(t.c, 101, 200);
	t_nothing(t.c);
	t_two_end(&t);
}

/* A server that has come back without it says nothing to who waits for more of it. */
TEST(a_stream_that_has_gone_with_its_server_is_told)
{
	struct t_two t;
	const struct ringbus_channel *b;

	t_two_prepare(&t, &t_two_plain);
	t_nats_request(&t.nats, "$JS.API.STREAM.CREATE.s",
		       "{\"name\":\"s\",\"subjects\":[\"s.all\"],"
		       "\"storage\":\"memory\"}");
	t_bridge_start(&t.to, &t.b, "a");
	t_bridge_start(&t.from, &t.b, "b");
	t_two_pass(&t, 1, 10);
	t_bridge_stop(&t.to);
	b = ringbus_consumer_channel(t.c);
	t_until(t_io_of(b, RINGBUS_PRODUCER, "bridge").up);
	t_nats_kill(&t.nats);
	t_nats_launch(&t.nats);
	t_until(t_run_said(&t.from, "stream s is not there"));
	t_until(!t_io_of(b, RINGBUS_PRODUCER, "bridge").up);
	t_bridge_start(&t.to, &t.b, "a");
	t_put_all(t.p, 11, 20);
	t_take(t.c, 11, 20);
	t_nothing(t.c);
	t_two_end(&t);
}

/* How far it is is counted in the stream that is there. */
TEST(the_lag_is_that_of_the_stream_that_is_there)
{
	struct t_two t;
	struct ringbus_io io;

	t_two_begin(&t, &t_two_plain);
	t_two_pass(&t, 1, 100);
	t_nats_request(&t.nats, "$JS.API.STREAM.DELETE.s", "");
	t_put_all(t.p, 101, 150);
	t_take(t.c, 101, 150);
	t_until((io = t_io_of(ringbus_consumer_channel(t.c), RINGBUS_PRODUCER,
			      "bridge"))
			.bytes == 150 * 8);
	ck_assert_int_eq(io.lag, 0);
	t_two_end(&t);
}

/* While it is full: how far the export is, and that it goes nowhere. Between two tries
 * the bridge has its place anew, and must not seem to be unknown for so long. */
TEST(a_stream_that_is_full_is_told_all_the_time)
{
	struct t_two t;
	struct ringbus_io io;
	const struct ringbus_channel *a;
	unsigned long told = 0, untold = 0;
	const struct t_two_kinds full = {
		.a = t_two_plain.a,
		.b = t_two_plain.b,
		.to = ", max_events: 10, stream_size: 8KiB",
	};

	t_two_prepare(&t, &full);
	a = ringbus_producer_channel(t.p);
	t_bridge_start(&t.to, &t.b, "a");
	t_put_all(t.p, 1, 1000);
	t_until(t_run_said(&t.to, "make room"));
	t_until(t_io_of(a, RINGBUS_CONSUMER, "replicate").errors > 0);
	do {
		io = t_io_of(a, RINGBUS_CONSUMER, "replicate");
		told += io.errors > 0;
		untold += io.errors == 0;
		ck_assert(!(io.up && io.errors > 0));
	} while (io.errors < 6);
	ck_assert_int_gt(io.lag, 0);
	ck_assert_uint_gt(told, untold);
	t_two_update(&t, "\"duplicate_window\":30000000000,"
			 "\"max_bytes\":100000000");
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 1, 1000);
	t_until(t_two_all_is_acked(&t));
	t_until(t_io_of(a, RINGBUS_CONSUMER, "replicate").up);
	t_two_end(&t);
}

/* Nobody has read it yet: this one would have dropped it. */
TEST(a_stream_that_keeps_nothing_is_refused)
{
	struct t_two t;

	t_two_prepare(&t, &t_two_plain);
	t_nats_request(&t.nats, "$JS.API.STREAM.CREATE.s",
		       "{\"name\":\"s\",\"subjects\":[\"s.all\"],"
		       "\"storage\":\"file\",\"retention\":\"interest\"}");
	t_put_all(t.p, 1, 10);
	t_bridge_start(&t.to, &t.b, "a");
	t_run_ends(&t.to, 78);
	ck_assert(t_run_said(&t.to, "retention: limits"));
	ck_assert_int_eq(t_two_acked(&t), -1);
	t_two_finish(&t);
}

TEST(a_subject_of_another_stream_is_told)
{
	struct t_two t;

	t_two_prepare(&t, &t_two_plain);
	t_nats_request(&t.nats, "$JS.API.STREAM.CREATE.other",
		       "{\"name\":\"other\",\"subjects\":[\"s.>\"],"
		       "\"storage\":\"file\"}");
	t_bridge_start(&t.to, &t.b, "a");
	t_until(t_run_said(&t.to, "set bridge: subject"));
	ck_assert(t_run_said(&t.to, ": subjects overlap"));
	ck_assert(!t_run_said(&t.to, ".c:"));
	t_bridge_stop(&t.to);
	t_two_finish(&t);
}

/* However often it is looked at. */
TEST(what_a_stream_may_lose_is_told_once)
{
	struct t_two t;

	t_two_prepare(&t, &t_two_plain);
	t_nats_request(&t.nats, "$JS.API.STREAM.CREATE.s",
		       "{\"name\":\"s\",\"subjects\":[\"s.all\"],"
		       "\"storage\":\"file\",\"max_msgs\":1000000}");
	t_bridge_start(&t.to, &t.b, "a");
	t_bridge_start(&t.from, &t.b, "b");
	t_put_all(t.p, 1, 100);
	t_take(t.c, 1, 100);
	t_nats_kill(&t.nats);
	t_nats_launch(&t.nats);
	t_two_pass(&t, 101, 200);
	ck_assert_uint_eq(t_run_count(&t.to, "drops its oldest"), 1);
	ck_assert_uint_eq(t_run_count(&t.from, "drops its oldest"), 1);
	t_two_end(&t);
}

TEST(messages_are_as_short_as_the_stream_wants_them)
{
	struct t_two t;

	t_two_prepare(&t, &t_two_plain);
	t_nats_request(&t.nats, "$JS.API.STREAM.CREATE.s",
		       "{\"name\":\"s\",\"subjects\":[\"s.all\"],"
		       "\"storage\":\"file\",\"max_msg_size\":2048}");
	t_put_all(t.p, 1, 1000);
	t_bridge_start(&t.to, &t.b, "a");
	t_until(t_two_all_is_acked(&t));
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 1, 1000);
	t_two_end(&t);
}
