/* SPDX-License-Identifier: MIT */
/*
 * test_bridge_state.c - what a bridge goes by that was not there all the time: its
 * file, and a stream or a channel that is another one by now
 */
#include <signal.h>
#include <stdio.h>

#include "tests/system/util_two.h"

static bool
is_up(const struct t_two *t)
{
	const struct ringbus_channel *b = ringbus_consumer_channel(t->c);
	struct ringbus_io io = { .size = sizeof(io) };

	return t_has_member(b, RINGBUS_PRODUCER, "bridge") &&
	       ringbus_channel_io(b, RINGBUS_PRODUCER,
				  t_member(b, RINGBUS_PRODUCER, "bridge").index,
				  &io) == 1 &&
	       io.up;
}

/* Makes "b" anew, of another length. */
static void
make_anew(struct t_two *t)
{
	const struct t_two_kinds other = {
		.a = t_two_plain.a,
		.b = "slots: 2048, event_size: 8",
	};
	char yaml[4096];

	t_two_configure(t, &other, yaml, sizeof(yaml));
	t_daemon_configure(&t->b.daemon, yaml);
	t_bus_ok(t->b.bus, ringbus_reload(t->b.bus, RINGBUS_RELOAD_RECREATE));
}

TEST(a_channel_that_is_made_anew_goes_on_where_the_old_one_was)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_put_all(t.p, 1, 100);
	t_take(t.c, 1, 100);
	t_bridge_stop(&t.from);
	ringbus_consumer_close(t.c);
	make_anew(&t);
	t_put_all(t.p, 101, 200);
	t.c = t_two_consume(t.b.bus, "b");
	ck_assert_int_eq(t_info(ringbus_consumer_channel(t.c)).cursor, -1);
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 101, 200);
	t_nothing(t.c);
	ck_assert(t_run_said(&t.from, "was made anew"));
	t_two_end(&t);
}

TEST(an_exported_channel_that_is_made_anew_goes_on_behind_the_old_one)
{
	struct t_two t;
	const struct t_two_kinds other = {
		.a = "slots: 512, event_size: 8",
		.b = t_two_plain.b,
	};
	char yaml[4096];

	t_two_begin(&t, &t_two_plain);
	t_put_all(t.p, 1, 100);
	t_take(t.c, 1, 100);
	t_until(t_two_all_is_acked(&t));
	t_bridge_stop(&t.to);
	ringbus_producer_close(t.p);
	t_two_configure(&t, &other, yaml, sizeof(yaml));
	t_daemon_configure(&t.b.daemon, yaml);
	t_bus_ok(t.b.bus, ringbus_reload(t.b.bus, RINGBUS_RELOAD_RECREATE));
	t.p = t_produce(t.b.bus, NULL);
	t_put_all(t.p, 101, 200);
	t_bridge_start(&t.to, &t.b, "a");
	t_take(t.c, 101, 200);
	t_nothing(t.c);
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_two_end(&t);
}

TEST(a_new_import_may_begin_with_what_is_new)
{
	struct t_two t;
	const struct t_two_kinds newest = {
		.a = t_two_plain.a,
		.b = t_two_plain.b,
		.from = ", start: newest",
	};

	t_two_prepare(&t, &newest);
	t_bridge_start(&t.to, &t.b, "a");
	t_put_all(t.p, 1, 100);
	t_until(t_two_all_is_acked(&t));
	t_bridge_start(&t.from, &t.b, "b");
	t_until(is_up(&t));
	t_put_all(t.p, 101, 200);
	t_take(t.c, 101, 200);
	t_two_end(&t);
}

TEST(a_state_that_is_none_is_refused)
{
	struct t_two t;
	char path[PATH_MAX];
	FILE *file;

	t_two_prepare(&t, &t_two_plain);
	snprintf(path, sizeof(path), "%s/state", t_tmpdir());
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs("ringbus-bridge 1\ngeneration 7\n", file);
	fclose(file);
	t_bridge_start(&t.to, &t.b, "a");
	t_until(t_run_said(&t.to, "made the stream"));
	t_bridge_start(&t.from, &t.b, "b");
	t_run_ends(&t.from, 78);
	ck_assert(t_run_said(&t.from, "is no state of a bridge"));
	t_bridge_stop(&t.to);
	t_two_finish(&t);
}

/* Removed by somebody before they were imported. */
TEST(messages_that_are_gone_are_told)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_put_all(t.p, 1, 10);
	t_take(t.c, 1, 10);
	t_bridge_stop(&t.from);
	t_put_all(t.p, 11, 100);
	t_until(t_two_all_is_acked(&t));
	t_nats_request(&t.nats, "$JS.API.STREAM.PURGE.s", "");
	t_put_all(t.p, 101, 200);
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 101, 200);
	ck_assert(t_run_said(&t.from, "LOST: 90 slots"));
	t_nothing(t.c);
	t_two_end(&t);
}

/* And the bridge that knew how far it was is gone too. */
TEST(a_stream_that_was_emptied_is_gone_on_with)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_put_all(t.p, 1, 100);
	t_take(t.c, 1, 100);
	t_until(t_two_all_is_acked(&t));
	t_bridge_stop(&t.to);
	t_nats_request(&t.nats, "$JS.API.STREAM.PURGE.s", "");
	t_put_all(t.p, 101, 200);
	t_bridge_start(&t.to, &t.b, "a");
	t_take(t.c, 101, 200);
	t_nothing(t.c);
	ck_assert(t_run_said(&t.to, "no message that tells"));
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_two_end(&t);
}

/* Somebody else writes to the stream: nothing goes on until that is removed. */
TEST(a_message_of_somebody_else_is_waited_out)
{
	struct t_two t;
	int64_t last;

	t_two_begin(&t, &t_two_plain);
	t_put_all(t.p, 1, 10);
	t_take(t.c, 1, 10);
	t_until(t_two_all_is_acked(&t));
	last = t_nats_request(&t.nats, "s.all", "hello");
	ck_assert_int_gt(last, 1);
	t_put_all(t.p, 11, 20);
	t_until(t_run_said(&t.to, "is none of a bridge"));
	t_until(t_run_said(&t.from, "is none of a bridge"));
	ck_assert_int_eq(t_two_acked(&t), 9);
	t_nats_remove(&t.nats, "s", last);
	t_take(t.c, 11, 20);
	t_nothing(t.c);
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_two_end(&t);
}

/* Made anew, it is another one, although it is called the same. */
TEST(a_stream_that_was_removed_is_made_again)
{
	struct t_two t;

	t_two_begin(&t, &t_two_plain);
	t_put_all(t.p, 1, 100);
	t_take(t.c, 1, 100);
	t_until(t_two_all_is_acked(&t));
	t_nats_request(&t.nats, "$JS.API.STREAM.DELETE.s", "");
	t_put_all(t.p, 101, 200);
	t_take(t.c, 101, 200);
	ck_assert(t_run_said(&t.from, "another one than before"));
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_nothing(t.c);
	t_two_end(&t);
}
