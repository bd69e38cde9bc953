/* SPDX-License-Identifier: MIT */
/*
 * test_examples.c - the examples do what their comments say
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "tests/system/util_daemon.h"
#include "tests/system/util_program.h"
#include "tests/t.h"

static const char config[] = "dynamic: { allow: [any] }\n"
			     "channels:\n"
			     "  hello: { framing: framed, producers: multi }\n"
			     "  single: { framing: framed }\n"
			     "  books:\n"
			     "    slots: 8\n"
			     "    consumers: { ledger: { on_death: keep },\n"
			     "                 audit: { on_death: keep } }\n";

static void
end_stream(const struct t_daemon *daemon, const char *channel)
{
	struct ringbus *bus;

	t_ok(ringbus_connect(daemon->socket, &bus));
	t_ok(ringbus_end(bus, channel));
	ringbus_close(bus);
}

static void
publish(const struct t_daemon *daemon, const char *channel)
{
	struct t_run run = { .socket = daemon->socket };

	t_run_start(&run, "examples/hello_publish", channel, "one", "two",
		    "three", NULL);
	t_run_ends(&run, 0);
	ck_assert(t_run_said(&run, "published 2\n"));
}

TEST(hello_consume_prints_what_hello_publish_publishes)
{
	struct t_daemon daemon;
	struct t_run run = { .socket = daemon.socket };

	t_daemon_start(&daemon, config);
	t_run_start(&run, "examples/hello_consume", "hello", NULL);
	t_until(t_run_said(&run, "waiting\n"));
	publish(&daemon, "hello");
	end_stream(&daemon, "hello");
	t_run_ends(&run, 0);
	ck_assert(t_run_said(&run, "waiting\n0: one\n1: two\n2: three\n"));
	t_daemon_stop(&daemon);
}

TEST(hello_says_why_it_cannot)
{
	struct t_daemon daemon;
	struct t_run nobody = { .socket = "/nonexistent/socket" };
	struct t_run run = { .socket = daemon.socket };

	t_run_start(&nobody, "examples/hello_publish", "hello", "x", NULL);
	t_run_ends(&nobody, 1);
	ck_assert(t_run_said(&nobody, "cannot connect"));
	t_daemon_start(&daemon, config);
	t_run_start(&run, "examples/hello_consume", "helo", NULL);
	t_run_ends(&run, 1);
	ck_assert(t_run_said(&run, "hello_consume: helo: "));
	t_daemon_stop(&daemon);
}

TEST(the_others_say_where_they_have_looked)
{
	struct t_run run = { .socket = "/nonexistent/socket" };

	t_run_start(&run, "examples/long_event", NULL);
	t_run_ends(&run, 1);
	ck_assert(t_run_said(&run, "connect: "));
	ck_assert(t_run_said(&run, "/nonexistent/socket"));
}

static void
run_framed(const struct t_daemon *daemon, const char *channel)
{
	struct t_run run = { .socket = daemon->socket };

	t_run_start(&run, "examples/framed", channel, NULL);
	t_run_ends(&run, 0);
	ck_assert(t_run_said(&run, "at 0, 61 bytes: report 1: 00"));
	ck_assert(t_run_said(&run, ", 161 bytes: report 3: 00"));
	ck_assert(!t_run_said(&run, "report 2"));
}

TEST(framed_shows_all_but_what_was_abandoned)
{
	struct t_daemon daemon;

	t_daemon_start(&daemon, config);
	run_framed(&daemon, "single");
	run_framed(&daemon, "hello");
	t_daemon_stop(&daemon);
}

/* Runs one that makes its own channel; the caller frees what it printed. */
static char *
run_example(const char *program)
{
	struct t_daemon daemon;
	struct t_run run = { .socket = daemon.socket };

	t_daemon_start(&daemon, config);
	t_run_start(&run, program, NULL);
	t_run_ends(&run, 0);
	t_daemon_stop(&daemon);
	return t_run_output(&run);
}

static void
run_and_compare(const char *program, const char *expected)
{
	char *output = run_example(program);

	ck_assert_str_eq(output, expected);
	free(output);
}

TEST(long_event_sends_numbers)
{
	run_and_compare("examples/long_event", "event 0: 0\n"
					       "event 1: 100\n"
					       "event 2: 200\n"
					       "event 3: 300\n"
					       "event 4: 400\n");
}

/* Where in the output this stage has this event. */
static const char *
find_stage(const char *output, const char *stage, int event)
{
	char line[64];
	const char *found;

	snprintf(line, sizeof(line), "%s has %d\n", stage, event);
	found = strstr(output, line);
	ck_assert_msg(found != NULL, "no %s in %s", line, output);
	return found;
}

TEST(multi_stage_shows_app_what_both_others_have)
{
	char *output = run_example("examples/multi_stage");
	int i;

	for (i = 0; i < 20; i++) {
		const char *app = find_stage(output, "app", i);

		ck_assert(find_stage(output, "journal", i) < app);
		ck_assert(find_stage(output, "replicate", i) < app);
	}
	free(output);
}

TEST(early_release_frees_slots_within_its_batch)
{
	run_and_compare("examples/early_release",
			"a batch of 8, 8 slots to read\n"
			"event 0, committed up to -1, 0 slots free\n"
			"event 1, committed up to -1, 0 slots free\n"
			"event 2, committed up to -1, 0 slots free\n"
			"event 3, committed up to 2, 3 slots free\n"
			"event 4, committed up to 2, 3 slots free\n"
			"event 5, committed up to 2, 3 slots free\n"
			"event 6, committed up to 5, 6 slots free\n"
			"event 7, committed up to 5, 6 slots free\n"
			"8 slots free\n");
}

TEST(dynamic_consumer_misses_nothing_while_it_is_there)
{
	char *output = run_example("examples/dynamic_consumer");
	const char *line = output;
	long long first, n, after = 0;
	int i, length;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(sscanf(line,
					"joined at %lld, %lld events in a "
					"row\n%n",
					&first, &n, &length),
				 2);
		ck_assert_int_ge(first, after);
		ck_assert_int_eq(n, 1000);
		after = first + n;
		line += length;
	}
	ck_assert_str_eq(line, "");
	free(output);
}

static void
start_poller(struct t_run *run, int *ret_input)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	run->input = ends[0];
	t_run_start(run, "examples/epoll_poller", "hello", NULL);
	close(ends[0]);
	/* It answers a line once it is attached. */
	ck_assert_int_eq(write(ends[1], "\n", 1), 1);
	t_until(t_run_said(run, "0 events\n"));
	*ret_input = ends[1];
}

TEST(epoll_poller_serves_the_channel_and_its_input)
{
	struct t_daemon daemon;
	struct t_run run = { .socket = daemon.socket };
	int input;

	t_daemon_start(&daemon, config);
	start_poller(&run, &input);
	publish(&daemon, "hello");
	t_until(write(input, "\n", 1) == 1 && t_run_said(&run, "3 events\n"));
	close(input);
	t_run_ends(&run, 0);
	t_daemon_stop(&daemon);
}

TEST(epoll_poller_ends_with_the_stream)
{
	struct t_daemon daemon;
	struct t_run run = { .socket = daemon.socket };
	int input;

	t_daemon_start(&daemon, config);
	start_poller(&run, &input);
	publish(&daemon, "hello");
	end_stream(&daemon, "hello");
	t_run_ends(&run, 0);
	close(input);
	t_daemon_stop(&daemon);
}

TEST(clearing_leaves_zeroes)
{
	run_and_compare("examples/clearing", "a reads: a secret\n"
					     "b reads: a secret\n"
					     "slot 0 has zeroes\n");
}

TEST(shutdown_on_error_drains_the_others)
{
	struct t_daemon daemon;
	struct t_run run = { .socket = daemon.socket };

	t_daemon_start(&daemon, config);
	t_run_start(&run, "examples/shutdown_on_error", "books", NULL);
	t_run_ends(&run, 0);
	ck_assert(t_run_said(&run, "ledger stops after 2: "));
	ck_assert(t_run_said(&run, "ledger has failed at 3\n"));
	/* As far as the ring was long: ledger is in the way of the rest. */
	ck_assert(t_run_said(&run, "audit stops after 10: "));
	t_daemon_stop(&daemon);
}

TEST(worker_pool_gives_what_a_dead_worker_had_to_another)
{
	char *output = run_example("examples/worker_pool");
	char line[64];
	const char *found;
	int i, pid, attempt;

	for (i = 0; i < 20; i++) {
		snprintf(line, sizeof(line), "event %d: worker ", i);
		found = strstr(output, line);
		ck_assert_msg(found != NULL, "no %s in %s", line, output);
		ck_assert_ptr_null(strstr(found + 1, line));
		ck_assert_int_eq(sscanf(found + strlen(line), "%d, attempt %d",
					&pid, &attempt),
				 2);
		ck_assert_int_eq(attempt, i == 5 ? 2 : 1);
	}
	free(output);
}

/* More than the ring holds, by and by: with the journal there nothing is lost. */
static void
publish_letters(const struct t_daemon *daemon)
{
	for (int i = 0; i < 4; i++) {
		struct t_run run = { .socket = daemon->socket };

		t_run_start(&run, "examples/hello_publish", "kept", "a", "b",
			    "c", "d", "e", NULL);
		t_run_ends(&run, 0);
	}
}

TEST(late_reader_has_what_the_ring_has_no_more)
{
	struct t_daemon daemon;
	struct t_run journal = { .socket = daemon.socket };
	struct t_run reader = { .socket = daemon.socket };
	char yaml[PATH_MAX + 128], dir[PATH_MAX], all[512] = "";
	size_t n = 0;

	snprintf(dir, sizeof(dir), "%.4000s/journal", t_tmpdir());
	snprintf(yaml, sizeof(yaml),
		 "channels: { kept: { slots: 8, framing: framed, "
		 "journal: { dir: %s, segment_size: 1MiB } } }",
		 dir);
	t_daemon_start(&daemon, yaml);
	t_run_start(&journal, "ringbus-journal", "kept", NULL);
	publish_letters(&daemon);
	t_run_start(&reader, "examples/late_reader", "kept", dir, NULL);
	t_until(t_run_said(&reader, "\n19: e\n"));
	publish_letters(&daemon);
	end_stream(&daemon, "kept");
	t_run_ends(&reader, 0);
	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%d: %c\n", i,
				      'a' + i % 5);
	ck_assert(t_run_said(&reader, all));
	kill(journal.pid, SIGTERM);
	t_run_ends(&journal, 0);
	t_daemon_stop(&daemon);
}
