/* SPDX-License-Identifier: MIT */
/*
 * test_bridge_state.c - what a bridge goes by that was not there all the time: its
 * file, and a stream or a channel that is another one by now
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	t_two_pass(&t, 1, 100);
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

/* And what was new when it began stays so while it is away. */
TEST(what_is_new_is_what_came_after_the_first_start)
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
	t_kill(t.from.pid);
	t_put_all(t.p, 101, 200);
	t_until(t_two_all_is_acked(&t));
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 101, 200);
	t_nothing(t.c);
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_two_end(&t);
}

static void
write_state(const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/state", t_tmpdir());
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static bool
state_says(const char *line)
{
	char path[PATH_MAX], text[512] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/state", t_tmpdir());
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	ck_assert_int_lt(fread(text, 1, sizeof(text) - 1, file), sizeof(text));
	fclose(file);
	return strstr(text, line) != NULL;
}

/* The channel is full in the middle of a message: both numbers are of the next slot. */
TEST(what_is_written_down_is_of_one_slot)
{
	struct t_two t;
	const struct t_two_kinds small = {
		.a = "slots: 1024, event_size: 8",
		.b = "slots: 16, event_size: 8",
	};

	t_two_prepare(&t, &small);
	t_put_all(t.p, 1, 500);
	t_bridge_start(&t.to, &t.b, "a");
	t_until(t_two_all_is_acked(&t));
	t_bridge_start(&t.from, &t.b, "b");
	t_until(state_says("\nindex 16\n"));
	ck_assert(state_says("\nslot 16\n"));
	t_take(t.c, 1, 500);
	t_two_end(&t);
}

/* One that ends too early, and numbers that cannot be. */
TEST(a_state_that_is_none_is_refused)
{
	static const char *const texts[] = {
		"ringbus-bridge 1\ngeneration 7\n",
		"ringbus-bridge 1\ngeneration 7\nstream-created 1\n"
		"base 9223372036854775807\nindex 1\nsource 7\nslot 1\n",
		"ringbus-bridge 1\ngeneration 7\nstream-created 1\n"
		"base 0\nindex -1\nsource 7\nslot 1\n",
		"ringbus-bridge 1\ngeneration 7\nstream-created 1\n"
		"base 0\nindex 1\nsource 7\nslot -2\n",
	};
	struct t_two t;

	t_two_prepare(&t, &t_two_plain);
	t_bridge_start(&t.to, &t.b, "a");
	t_until(t_run_said(&t.to, "made the stream"));
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_state(texts[i]);
		t_bridge_start(&t.from, &t.b, "b");
		t_run_ends(&t.from, 78);
		ck_assert(t_run_said(&t.from, "is no state of a bridge"));
	}
	t_bridge_stop(&t.to);
	t_two_finish(&t);
}

/* Without the file it begins anew, in a channel that has something: not silently. */
TEST(a_state_that_is_gone_is_told)
{
	struct t_two t;
	char path[PATH_MAX];

	t_two_begin(&t, &t_two_plain);
	t_put_all(t.p, 1, 100);
	t_take(t.c, 1, 100);
	t_bridge_stop(&t.from);
	ck_assert(!t_run_said(&t.from, "is not there, but slots"));
	snprintf(path, sizeof(path), "%s/state", t_tmpdir());
	ck_assert_int_eq(unlink(path), 0);
	t_bridge_start(&t.from, &t.b, "b");
	t_take(t.c, 1, 100);
	ck_assert(t_run_said(&t.from, "is not there, but slots"));
	t_two_end(&t);
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
	t_two_pass(&t, 1, 100);
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
	t_two_pass(&t, 1, 10);
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
	t_two_pass(&t, 1, 100);
	t_nats_request(&t.nats, "$JS.API.STREAM.DELETE.s", "");
	t_put_all(t.p, 101, 200);
	t_take(t.c, 101, 200);
	ck_assert(t_run_said(&t.from, "another one than before"));
	ck_assert(!t_run_said(&t.from, "LOST"));
	t_nothing(t.c);
	t_two_end(&t);
}

/* Nothing is published before it is known where that begins, and nothing left out. */
TEST(a_state_that_cannot_be_written_holds_the_import_up)
{
	struct t_two t;
	char part[PATH_MAX];

	t_two_prepare(&t, &t_two_plain);
	snprintf(part, sizeof(part), "%s/state.part", t_tmpdir());
	ck_assert_int_eq(mkdir(part, 0755), 0);
	t_bridge_start(&t.to, &t.b, "a");
	for (uint64_t n = 1; n <= 20; n += 10) {
		t_put_all(t.p, n, n + 9);
		t_until(t_two_all_is_acked(&t));
	}
	t_bridge_start(&t.from, &t.b, "b");
	t_until(t_run_said(&t.from, "cannot be written"));
	t_nothing(t.c);
	ck_assert_int_eq(rmdir(part), 0);
	t_take(t.c, 1, 20);
	t_two_end(&t);
}

static int64_t
last_message(const struct t_two *t)
{
	return t_nats_request(&t->nats, "$JS.API.STREAM.MSG.GET.s",
			      "{\"last_by_subj\":\"s.all\"}");
}

/* What is to be sent again is refused in the middle of it, as the server knows the
 * messages still: it begins anew with that, and nothing of the first time is left. */
TEST(what_is_sent_again_may_be_refused)
{
	struct t_two t;
	const struct t_two_kinds k = {
		.a = "slots: 1024, event_size: 12",
		.b = "slots: 1024, event_size: 12",
		.to = ", max_bytes: 1KiB, linger: 500ms",
	};
	char bytes[12] = "";
	int64_t first = 0, last;

	t_two_prepare(&t, &k);
	t_bridge_start(&t.to, &t.b, "a");
	for (uint64_t n = 0; n < 300; n++) {
		if (n == 10) {
			t_until(t_two_all_is_acked(&t));
			first = last_message(&t) + 1;
		}
		snprintf(bytes, sizeof(bytes), "event %u", (unsigned)n);
		t_ok(ringbus_producer_write(t.p, bytes, sizeof(bytes), T_LONG));
	}
	t_until(t_two_all_is_acked(&t));
	t_bridge_stop(&t.to);
	for (last = last_message(&t); last >= first; last--)
		t_nats_remove(&t.nats, "s", last);
	t_bridge_start(&t.to, &t.b, "a");
	t_until(t_run_said(&t.to, "was there already"));
	t_two_update(&t, "\"duplicate_window\":100000000");
	t_bridge_start(&t.from, &t.b, "b");
	for (unsigned n = 0; n < 300; n++) {
		struct ringbus_event event;

		snprintf(bytes, sizeof(bytes), "event %u", n);
		t_next(t.c, &event);
		ck_assert_str_eq(event.data, bytes);
		t_ok(ringbus_consumer_commit(t.c));
	}
	t_nothing(t.c);
	t_two_end(&t);
}
