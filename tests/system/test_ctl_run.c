/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_run.c - `ringbusctl pub` and `tail` in the hands of users
 *
 * Slow pipes, interrupted and killed publishers, readers that have had enough.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "tests/system/util_ctl.h"
#include "tests/t.h"

static const char channels[] =
	"channels:\n"
	"  fixed: { slots: 64, event_size: 16, history: 8 }\n"
	"  framed: { slots: 4096, framing: framed, slot_size: 64 }\n"
	"  many: { slots: 1024, framing: framed, slot_size: 64,\n"
	"          producers: multi }\n";

/* -------------------------------------------------------------------- pub */

TEST(a_line_is_published_as_soon_as_it_is_whole)
{
	struct t_daemon daemon;
	struct t_ctl tail, pub;
	int ends[2];

	t_daemon_start(&daemon, channels);
	t_ctl_tail(&tail, &daemon, "framed");
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	t_ctl_start_fds(&pub, &daemon, (int[]){ ends[0], -1 }, "pub framed");
	ck_assert_int_eq(write(ends[1], "one\ntw", 6), 6);
	t_until(t_ctl_printed(&tail, "one\n"));
	ck_assert_int_eq(write(ends[1], "o\nlast", 6), 6);
	t_until(t_ctl_printed(&tail, "one\ntwo\n"));
	close(ends[0]);
	close(ends[1]);
	t_ctl_join(&pub, 0);
	t_until(t_ctl_printed(&tail, "one\ntwo\nlast\n"));
	ck_assert_int_eq(kill(tail.pid, SIGTERM), 0);
	t_ctl_join_signal(&tail, SIGTERM);
	t_daemon_stop(&daemon);
}

static bool
is_publishing(const struct t_daemon *daemon)
{
	struct t_ctl show;

	t_ctl_run(&show, daemon, NULL, "show fixed");
	return strstr(t_ctl_out(&show), "producer  ringbusctl") != NULL;
}

TEST(an_interrupted_pub_leaves_the_channel_to_others)
{
	struct t_daemon daemon;
	struct t_ctl pub;
	int ends[2];

	t_daemon_start(&daemon, channels);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	t_ctl_start_fds(&pub, &daemon, (int[]){ ends[0], -1 }, "pub fixed");
	t_until(is_publishing(&daemon));
	ck_assert_int_eq(kill(pub.pid, SIGINT), 0);
	t_ctl_join_signal(&pub, SIGINT);
	t_ctl_run(&pub, &daemon, t_text_file("mine\n"), "pub fixed");
	close(ends[0]);
	close(ends[1]);
	t_daemon_stop(&daemon);
}

static bool
can_publish(const struct t_daemon *daemon, const char *file,
	    const char *command)
{
	struct t_ctl pub;

	t_ctl_start(&pub, daemon, file, command);
	return t_ctl_worked(&pub);
}

TEST(after_a_killed_pub_another_goes_on)
{
	struct t_daemon daemon;
	struct t_ctl tail, pub;
	const char *file = t_text_file("b\n");
	int ends[2];

	t_daemon_start(&daemon, channels);
	t_ctl_tail(&tail, &daemon, "fixed --gate test");
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	t_ctl_start_fds(&pub, &daemon, (int[]){ ends[0], -1 }, "pub fixed");
	ck_assert_int_eq(write(ends[1], "a\n", 2), 2);
	t_until(t_ctl_printed(&tail, "a\n"));
	t_kill(pub.pid);
	close(ends[0]);
	close(ends[1]);
	t_until(can_publish(&daemon, file, "pub fixed --end"));
	t_ctl_join(&tail, 0);
	ck_assert_str_eq(t_ctl_out(&tail), "a\nb\n");
	t_daemon_stop(&daemon);
}

TEST(a_pub_killed_at_full_speed_stops_nobody)
{
	struct t_daemon daemon;
	struct t_ctl tail, pub, other;
	const char *file = t_text_file("killed\n");

	t_daemon_start(&daemon, channels);
	t_ctl_tail(&tail, &daemon, "many --gate test");
	t_ctl_start(&pub, &daemon, file, "pub many --repeat");
	t_until(t_ctl_out(&tail)[0] != '\0');
	t_kill(pub.pid);
	t_ctl_run(&other, &daemon, t_text_file("last\n"), "pub many --end");
	t_ctl_join(&tail, 0);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&tail), "killed\nlast\n"));
	t_daemon_stop(&daemon);
}

TEST(count_rate_and_repeat_work_together)
{
	struct t_daemon daemon;
	struct t_ctl tail, pub;

	t_daemon_start(&daemon, channels);
	t_ctl_tail(&tail, &daemon, "fixed --gate test");
	t_ctl_run(&pub, &daemon, t_text_file("1\n2\n3"),
		  "pub fixed --repeat --count 5 --rate 200/s --json --end");
	t_ctl_join(&tail, 0);
	ck_assert_str_eq(t_ctl_out(&tail), "1\n2\n3\n1\n2\n");
	ck_assert_str_eq(t_ctl_out(&pub), "{\"channel\":\"fixed\",\"events\":5,"
					  "\"bytes\":5,\"dropped\":0}\n");
	t_daemon_stop(&daemon);
}

TEST(a_short_line_shows_nothing_of_an_older_one)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, channels);
	t_ctl_run(&run, &daemon, t_text_file("a-long-line\n"),
		  "pub fixed --repeat -n 64");
	t_ctl_run(&run, &daemon, t_text_file("x"), "pub fixed");
	t_ctl_run(&run, &daemon, NULL, "tail fixed --from 64 -n 1");
	ck_assert_str_eq(t_ctl_out(&run), "x\n");
	t_daemon_stop(&daemon);
}

TEST(a_full_ring_names_who_blocks_it)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *consumer;
	struct t_daemon daemon;
	struct ringbus *bus;
	struct t_ctl pub;

	t_daemon_start(&daemon, channels);
	t_ok(ringbus_connect(daemon.socket, &bus));
	options.name = "sluggard";
	t_ok(ringbus_consumer_open(bus, "fixed", &options, &consumer));
	t_ctl_fail(&pub, &daemon, t_text_file("x\n"),
		   "pub fixed --repeat --when-full 20ms", 5);
	ck_assert(t_ctl_said(&pub, "consumer sluggard"));
	t_ctl_start(&pub, &daemon, t_text_file("y\n"), "pub fixed");
	t_until(t_ctl_said(&pub, "full for "));
	t_until(t_ctl_said(&pub, " s: consumer sluggard"));
	ringbus_close(bus);
	t_ctl_join(&pub, 0);
	t_daemon_stop(&daemon);
}

/* -------------------------------------------------------------------- tail */

TEST(tail_can_start_with_the_oldest_or_any_sequence)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, channels);
	t_ctl_run(&run, &daemon, t_text_file("a\nb\nc\nd\n"), "pub fixed");
	t_ctl_run(&run, &daemon, NULL, "tail fixed --from oldest -n 3");
	ck_assert_str_eq(t_ctl_out(&run), "a\nb\nc\n");
	t_ctl_run(&run, &daemon, NULL, "tail fixed --from 2 -n 2");
	ck_assert_str_eq(t_ctl_out(&run), "c\nd\n");
	t_ctl_run(&run, &daemon, NULL, "tail fixed -g g --from oldest -n 4");
	ck_assert_str_eq(t_ctl_out(&run), "a\nb\nc\nd\n");
	t_daemon_stop(&daemon);
}

TEST(tail_tells_what_a_tap_has_lost)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, channels);
	t_ctl_run(&run, &daemon, t_text_file("x\n"),
		  "pub fixed --repeat -n 100");
	t_ctl_run(&run, &daemon, NULL, "tail fixed --from 0 --json -n 1");
	t_json_lines(t_ctl_out(&run), 2);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "\"lost\":36,"));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "\"sequence\":36,"));
	ck_assert(t_ctl_said(&run, "lost 36 slots"));
	t_daemon_stop(&daemon);
}

TEST(every_format_shows_the_event)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, channels);
	t_ctl_run(&run, &daemon, t_text_file("a\"b\n\xff\n"), "pub fixed");
	t_ctl_run(&run, &daemon, NULL, "tail fixed --from 0 -n 2 -f json");
	ck_assert_str_eq(t_ctl_out(&run),
			 "{\"channel\":\"fixed\",\"sequence\":0,\"size\":16,"
			 "\"data\":\"a\\\"b\"}\n"
			 "{\"channel\":\"fixed\",\"sequence\":1,\"size\":16,"
			 "\"data_base64\":\"/w==\"}\n");
	t_ctl_run(&run, &daemon, NULL, "tail fixed --from 0 -n 1 -f hex");
	ck_assert_str_eq(t_ctl_out(&run),
			 "0  61 22 62 00 00 00 00 00 00 00 00 00 00 00 00 00"
			 "  |a\"b.............|\n");
	t_ctl_run(&run, &daemon, NULL, "tail fixed --from 0 -n 1 -f raw");
	t_file_is(run.out, "a\"b\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	t_daemon_stop(&daemon);
}

TEST(the_end_of_the_stream_ends_tail)
{
	struct t_daemon daemon;
	struct t_ctl tap, gate, run;

	t_daemon_start(&daemon, channels);
	t_ctl_tail(&tap, &daemon, "fixed");
	t_ctl_tail(&gate, &daemon, "fixed --gate test");
	t_ctl_run(&run, &daemon, t_text_file("x\n"), "pub fixed");
	t_ctl_run(&run, &daemon, NULL, "end fixed");
	t_ctl_join(&tap, 0);
	t_ctl_join(&gate, 0);
	ck_assert_str_eq(t_ctl_out(&tap), "x\n");
	ck_assert_str_eq(t_ctl_out(&gate), "x\n");
	t_daemon_stop(&daemon);
}

/* Starts a tail whose output goes to a pipe; returns the end to read. */
static int
tail_into_pipe(struct t_ctl *tail, const struct t_daemon *daemon)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	t_ctl_start_fds(tail, daemon, (int[]){ -1, ends[1] },
			"tail -v --gate test fixed");
	close(ends[1]);
	t_until(t_ctl_said(tail, "attached"));
	return ends[0];
}

TEST(tail_is_quiet_when_its_reader_has_had_enough)
{
	struct t_daemon daemon;
	struct t_ctl tail, pub;
	char line[3] = "";
	int fd;

	t_daemon_start(&daemon, channels);
	fd = tail_into_pipe(&tail, &daemon);
	t_ctl_start(&pub, &daemon, t_text_file("x\n"), "pub fixed --repeat");
	ck_assert_int_eq(read(fd, line, 2), 2);
	ck_assert_str_eq(line, "x\n");
	close(fd);
	t_ctl_join(&tail, 0);
	ck_assert_ptr_eq(strstr(t_ctl_err(&tail), "write"), NULL);
	ck_assert_int_eq(kill(pub.pid, SIGTERM), 0);
	t_ctl_join_signal(&pub, SIGTERM);
	t_daemon_stop(&daemon);
}

TEST(tail_notices_that_its_reader_is_gone_without_an_event)
{
	struct t_daemon daemon;
	struct t_ctl tail;

	t_daemon_start(&daemon, channels);
	close(tail_into_pipe(&tail, &daemon));
	t_ctl_join(&tail, 0);
	t_daemon_stop(&daemon);
}
