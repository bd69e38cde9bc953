/* SPDX-License-Identifier: MIT */
/*
 * test_examples.c - the examples do what their comments say
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "tests/system/util_daemon.h"
#include "tests/system/util_program.h"
#include "tests/t.h"

static const char config[] = "channels:\n"
			     "  hello: { framing: framed, producers: multi }\n"
			     "  single: { framing: framed }\n"
			     "  work:\n"
			     "    framing: framed\n"
			     "    consumers:\n"
			     "      check:\n"
			     "      use: { after: check }\n";

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

static bool
is_attached(const struct ringbus_channel *channel, const char *name)
{
	struct ringbus_member member = { .size = sizeof(member) };

	for (unsigned i = 0; i < 64; i++)
		if (ringbus_channel_member(channel, RINGBUS_CONSUMER, i,
					   &member) > 0 &&
		    strcmp(member.name, name) == 0)
			return member.state == RINGBUS_MEMBER_ATTACHED;
	return false;
}

static void
await_stages(const struct t_daemon *daemon)
{
	const struct ringbus_channel *channel;
	struct ringbus *bus;
	struct ringbus_tap *tap;

	t_ok(ringbus_connect(daemon->socket, &bus));
	t_ok(ringbus_tap_open(bus, "work", NULL, &tap));
	channel = ringbus_tap_channel(tap);
	t_until(is_attached(channel, "check") && is_attached(channel, "use"));
	ringbus_close(bus);
}

static void
assert_order(const char *output, const char *word)
{
	char check[32], use[32];
	const char *first, *second;

	snprintf(check, sizeof(check), "check: %s\n", word);
	snprintf(use, sizeof(use), "use: %s\n", word);
	first = strstr(output, check);
	second = strstr(output, use);
	ck_assert_msg(first != NULL && second != NULL, "%s", output);
	ck_assert_msg(first < second, "%s", output);
}

TEST(pipeline_uses_what_it_has_checked)
{
	struct t_daemon daemon;
	struct t_run run = { .socket = daemon.socket };
	char *output;

	t_daemon_start(&daemon, config);
	t_run_start(&run, "examples/pipeline", "work", NULL);
	await_stages(&daemon);
	publish(&daemon, "work");
	end_stream(&daemon, "work");
	t_run_ends(&run, 0);
	output = t_run_output(&run);
	assert_order(output, "one");
	assert_order(output, "two");
	assert_order(output, "three");
	free(output);
	t_daemon_stop(&daemon);
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

TEST(poller_counts_between_its_lines_of_input)
{
	struct t_daemon daemon;
	struct t_run run = { .socket = daemon.socket };
	int input[2];

	t_daemon_start(&daemon, config);
	ck_assert_int_eq(pipe2(input, O_CLOEXEC), 0);
	run.input = input[0];
	t_run_start(&run, "examples/poller", "hello", NULL);
	/* It answers a line once it is attached. */
	ck_assert_int_eq(write(input[1], "\n", 1), 1);
	t_until(t_run_said(&run, "0 events, 0 bytes\n"));
	publish(&daemon, "hello");
	t_until(write(input[1], "\n", 1) == 1 &&
		t_run_said(&run, "3 events, 11 bytes\n"));
	close(input[1]);
	close(input[0]);
	t_run_ends(&run, 0);
	t_daemon_stop(&daemon);
}
