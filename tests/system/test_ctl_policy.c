/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_policy.c - what `ringbusctl` does about slow readers, full rings, late
 * joiners and the end of a stream
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "tests/system/util_ctl.h"
#include "tests/t.h"

static const char config[] =
	"channels:\n"
	"  fixed: { slots: 64, event_size: 16, history: 8 }\n"
	"  kept: { slots: 64, event_size: 16,\n"
	"          consumers: { app: { on_death: keep } } }\n";

/* A consumer of `fixed` in this process that reads when the test says so. */
struct reader {
	struct ringbus *bus;
	struct ringbus_consumer *consumer;
};

static void
join(const struct t_daemon *daemon, const char *name, struct reader *ret)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;

	options.name = name;
	t_ok(ringbus_connect(daemon->socket, &ret->bus));
	t_ok(ringbus_consumer_open(ret->bus, "fixed", &options,
				   &ret->consumer));
}

static void
read_all(struct reader *reader)
{
	struct ringbus_event event;

	t_ok(ringbus_consumer_wait(reader->consumer, RINGBUS_NOW));
	while (ringbus_consumer_next(reader->consumer, &event) == 1)
		continue;
	t_ok(ringbus_consumer_commit(reader->consumer));
}

static bool
has_ended(const struct reader *reader)
{
	struct ringbus_info info = { .size = sizeof(info) };

	t_ok(ringbus_channel_info(ringbus_consumer_channel(reader->consumer),
				  &info));
	return info.ended;
}

static void
publish_three(const struct t_daemon *daemon)
{
	struct t_ctl pub;

	t_ctl_run(&pub, daemon, t_text_file("a\nb\nc\n"), "pub fixed");
}

/* --------------------------------------------------------------------- end */

TEST(end_lets_consumers_read_the_rest)
{
	struct t_daemon daemon;
	struct reader reader;
	struct t_ctl run;

	t_daemon_start(&daemon, config);
	join(&daemon, "app", &reader);
	publish_three(&daemon);
	t_ctl_run(&run, &daemon, NULL, "end fixed");
	ck_assert_int_eq(ringbus_consumer_wait(reader.consumer, RINGBUS_NOW),
			 2);
	ringbus_close(reader.bus);
	t_daemon_stop(&daemon);
}

TEST(end_now_does_not)
{
	struct t_daemon daemon;
	struct reader reader;
	struct t_ctl run;

	t_daemon_start(&daemon, config);
	join(&daemon, "app", &reader);
	publish_three(&daemon);
	t_ctl_run(&run, &daemon, NULL, "end fixed --now --json");
	ck_assert_str_eq(t_ctl_out(&run),
			 "{\"channel\":\"fixed\",\"ended\":true}\n");
	ck_assert_int_eq(ringbus_consumer_wait(reader.consumer, RINGBUS_NOW),
			 -ESHUTDOWN);
	ringbus_close(reader.bus);
	t_daemon_stop(&daemon);
}

TEST(end_waits_for_those_who_read_in_time)
{
	struct t_daemon daemon;
	struct reader reader;
	struct t_ctl end;

	t_daemon_start(&daemon, config);
	join(&daemon, "app", &reader);
	publish_three(&daemon);
	t_ctl_start(&end, &daemon, NULL, "end fixed --drain 1m --json");
	t_until(has_ended(&reader));
	ck_assert_str_eq(t_ctl_out(&end), "");
	read_all(&reader);
	t_ctl_join(&end, 0);
	ck_assert_str_eq(t_ctl_err(&end), "");
	ck_assert_str_eq(t_ctl_out(&end),
			 "{\"channel\":\"fixed\",\"ended\":true,"
			 "\"laggards\":[]}\n");
	ringbus_close(reader.bus);
	t_daemon_stop(&daemon);
}

TEST(end_names_each_who_does_not_read_and_is_code_7)
{
	struct t_daemon daemon;
	struct reader idle, lazy;
	struct t_ctl end;
	int i;

	t_daemon_start(&daemon, config);
	join(&daemon, "idle", &idle);
	publish_three(&daemon);
	join(&daemon, "lazy", &lazy);
	publish_three(&daemon);
	for (i = 0; i < 2; i++) {
		t_ctl_fail(&end, &daemon, NULL, "end fixed --drain 20ms --json",
			   7);
		ck_assert(
			t_ctl_said(&end, t_words("consumer idle (pid %d) is 6 "
						 "slots behind, at sequence -1",
						 getpid())));
		ck_assert(
			t_ctl_said(&end, t_words("consumer lazy (pid %d) is 3 "
						 "slots behind, at sequence 2",
						 getpid())));
		t_json_lines(t_ctl_out(&end), 1);
		ck_assert_ptr_nonnull(
			strstr(t_ctl_out(&end), "\"sequence\":2,\"lag\":3}]}"));
	}
	/* They may still read, unless they are cut off. */
	ck_assert_int_eq(ringbus_consumer_wait(idle.consumer, RINGBUS_NOW), 5);
	t_ctl_fail(&end, &daemon, NULL, "end fixed --drain 20ms --now", 7);
	ck_assert_int_eq(ringbus_consumer_wait(lazy.consumer, RINGBUS_NOW),
			 -ESHUTDOWN);
	ringbus_close(idle.bus);
	ringbus_close(lazy.bus);
	t_daemon_stop(&daemon);
}

/* --------------------------------------------------------------- full rings */

TEST(pub_can_fail_when_the_ring_is_full)
{
	struct t_daemon daemon;
	struct reader reader;
	struct t_ctl pub;

	t_daemon_start(&daemon, config);
	join(&daemon, "app", &reader);
	t_ctl_fail(&pub, &daemon, t_text_file("x\n"),
		   "pub fixed --repeat --when-full fail", 5);
	ck_assert(t_ctl_said(&pub, "the ring is full: consumer app"));
	ringbus_close(reader.bus);
	t_daemon_stop(&daemon);
}

TEST(pub_can_drop_when_the_ring_is_full)
{
	struct t_daemon daemon;
	struct reader reader;
	struct t_ctl pub;

	t_daemon_start(&daemon, config);
	join(&daemon, "app", &reader);
	/* The capacity is what history leaves: 56. */
	t_ctl_run(&pub, &daemon, t_text_file("x\n"),
		  "pub fixed --repeat -n 100 --when-full drop --json");
	ck_assert(t_ctl_said(&pub, "dropped 44 of 100 events"));
	ck_assert_str_eq(t_ctl_out(&pub),
			 "{\"channel\":\"fixed\",\"events\":56,"
			 "\"bytes\":56,\"dropped\":44}\n");
	ringbus_close(reader.bus);
	t_daemon_stop(&daemon);
}

TEST(show_counts_what_a_producer_dropped)
{
	struct ringbus_producer_options options = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_producer *producer;
	struct t_daemon daemon;
	struct reader reader;
	struct t_ctl show;
	int i;

	options.name = "feed";
	options.full = RINGBUS_FULL_DROP;
	t_daemon_start(&daemon, config);
	join(&daemon, "app", &reader);
	t_ok(ringbus_producer_open(reader.bus, "fixed", &options, &producer));
	for (i = 0; i < 60; i++)
		ck_assert_int_eq(ringbus_producer_write(producer, "x", 1,
							RINGBUS_BY_POLICY),
				 i < 56 ? i : -ENOBUFS);
	t_ctl_run(&show, &daemon, NULL, "show fixed --json");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&show), "\"dropped\":4,"));
	ringbus_close(reader.bus);
	t_daemon_stop(&daemon);
}

/* -------------------------------------------------------------- late joiners */

TEST(a_consumer_can_start_at_a_sequence)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, config);
	publish_three(&daemon);
	publish_three(&daemon);
	t_ctl_run(&run, &daemon, NULL,
		  "tail fixed --gate g --from 2 -n 3 --json");
	ck_assert_str_eq(t_ctl_err(&run), "");
	t_json_lines(t_ctl_out(&run), 3);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "\"sequence\":2,"));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "\"sequence\":4,"));
	t_daemon_stop(&daemon);
}

TEST(tail_tells_what_a_consumer_has_missed)
{
	struct t_daemon daemon;
	struct t_ctl run;
	int missed, before, sequence;

	t_daemon_start(&daemon, config);
	t_ctl_run(&run, &daemon, t_text_file("x\n"),
		  "pub fixed --repeat -n 200");
	t_ctl_run(&run, &daemon, NULL,
		  "tail fixed --gate g --from 10 -n 1 --json");
	t_json_lines(t_ctl_out(&run), 2);
	ck_assert_int_eq(sscanf(t_ctl_out(&run),
				"{\"channel\":\"fixed\",\"missed\":%d,"
				"\"before\":%d}\n{\"channel\":\"fixed\","
				"\"sequence\":%d,",
				&missed, &before, &sequence),
			 3);
	ck_assert_int_gt(missed, 0);
	ck_assert_int_eq(before, 10 + missed);
	ck_assert_int_eq(sequence, before);
	ck_assert(t_ctl_said(&run, t_words("1 events; missed %d slots, gone "
					   "when it came; lost 0 slots",
					   missed)));
	t_daemon_stop(&daemon);
}

TEST(resume_is_for_those_who_were_there)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, config);
	t_ctl_fail(&run, &daemon, NULL, "tail fixed --gate g --from resume", 3);
	t_ctl_run(&run, &daemon, t_text_file("a\nb\nc\n"), "pub kept");
	t_ctl_run(&run, &daemon, NULL,
		  "tail kept --gate app --from resume -n 2");
	ck_assert_str_eq(t_ctl_out(&run), "a\nb\n");
	t_ctl_run(&run, &daemon, NULL,
		  "tail kept --gate app --from resume -n 1");
	ck_assert_str_eq(t_ctl_out(&run), "c\n");
	t_daemon_stop(&daemon);
}

TEST(tail_can_come_after_others)
{
	struct t_daemon daemon;
	struct reader reader;
	struct t_ctl tail, show, run;

	t_daemon_start(&daemon, config);
	join(&daemon, "app", &reader);
	t_ctl_fail(&run, &daemon, NULL, "tail fixed --gate g --after nobody",
		   3);
	t_ctl_tail(&tail, &daemon, "fixed --gate second --after app -n 3");
	t_ctl_run(&show, &daemon, NULL, "show fixed");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&show), "producers\n"
						       "└─ app\n"
						       "   └─ second\n"));
	publish_three(&daemon);
	ck_assert_str_eq(t_ctl_out(&tail), "");
	read_all(&reader);
	t_ctl_join(&tail, 0);
	ck_assert_str_eq(t_ctl_out(&tail), "a\nb\nc\n");
	ringbus_close(reader.bus);
	t_daemon_stop(&daemon);
}

/* ------------------------------------------------------------- slow readers */

/* Reads a pipe to its end, and counts the lines. */
static int
count_lines(int fd)
{
	char buffer[4096];
	ssize_t n, i;
	int n_lines = 0;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		for (i = 0; i < n; i++)
			n_lines += buffer[i] == '\n';
	ck_assert_int_eq(n, 0);
	return n_lines;
}

/* More than fits in a pipe and the ring. */
#define N_FLOOD 50000

TEST(a_lossy_tail_holds_nobody_up_and_counts_what_it_lost)
{
	struct t_daemon daemon;
	struct t_ctl tail, pub;
	int ends[2], n_lines, told, missed, lost;
	const char *end;

	t_daemon_start(&daemon, config);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	t_ctl_start_fds(&tail, &daemon, (int[]){ -1, ends[1] },
			"tail -v fixed --gate g --slow lossy");
	close(ends[1]);
	t_until(t_ctl_said(&tail, "attached"));
	t_ctl_run(&pub, &daemon, t_text_file("a line of text\n"),
		  t_words("pub fixed --repeat -n %d --when-full fail --end",
			  N_FLOOD));
	n_lines = count_lines(ends[0]);
	close(ends[0]);
	t_ctl_join(&tail, 0);
	end = strstr(t_ctl_err(&tail), " events; missed ");
	ck_assert_ptr_nonnull(end);
	while (end[-1] != ' ')
		end--;
	ck_assert_int_eq(sscanf(end,
				"%d events; missed %d slots, gone when it "
				"came; lost %d slots",
				&told, &missed, &lost),
			 3);
	ck_assert_int_eq(told, n_lines);
	ck_assert_int_eq(missed, 0);
	ck_assert_int_gt(lost, 0);
	ck_assert_int_eq(n_lines + lost, N_FLOOD);
	t_daemon_stop(&daemon);
}

static bool
shows(const struct t_daemon *daemon, const char *text)
{
	struct t_ctl show;

	t_ctl_run(&show, daemon, NULL, "show fixed");
	return strstr(t_ctl_out(&show), text) != NULL;
}

/* Who writes to it next waits until somebody reads. */
static void
fill(int fd)
{
	static const char zeroes[4096];
	int flags = fcntl(fd, F_GETFL);

	ck_assert_int_eq(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	while (write(fd, zeroes, sizeof(zeroes)) > 0)
		;
	while (write(fd, zeroes, 1) > 0)
		;
	ck_assert_int_eq(fcntl(fd, F_SETFL, flags), 0);
}

TEST(a_parked_tail_lets_others_go_on)
{
	struct t_daemon daemon;
	struct t_ctl tail, pub;
	int ends[2];

	t_daemon_start(&daemon, config);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	fill(ends[1]);
	t_ctl_start_fds(&tail, &daemon, (int[]){ -1, ends[1] },
			"tail -v fixed --gate g --slow park --max-lag 16");
	close(ends[1]);
	t_until(t_ctl_said(&tail, "attached"));
	t_ctl_start(&pub, &daemon, t_text_file("a line of text\n"),
		    t_words("pub fixed --repeat -n %d", N_FLOOD));
	t_ctl_join(&pub, 0);
	t_until(shows(&daemon, "─ g (parked)"));
	t_ctl_run(&pub, &daemon, NULL, "end fixed");
	ck_assert_int_gt(count_lines(ends[0]), 0);
	close(ends[0]);
	t_ctl_join(&tail, 0);
	ck_assert(t_ctl_said(&tail, " slots, overwritten before they"));
	t_daemon_stop(&daemon);
}
