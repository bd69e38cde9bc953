/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_codes.c - what scripts rely on: exit codes, messages, JSON
 *
 * One test per exit code of ringbusctl(1), each with the message that goes with
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_user.h"
#include "tests/t.h"

static const char channels[] =
	"dynamic: { allow: [any], max_channels: 2, max_size: 1MiB }\n"
	"channels:\n"
	"  fixed: { slots: 64, event_size: 16, consumers: { app: , audit: {\n"
	"           after: app } } }\n"
	"  framed: { slots: 64, framing: framed, slot_size: 64 }\n"
	"  secret: { slots: 8, event_size: 8,\n"
	"            access: { publish: [], consume: [], tap: [] } }\n"
	"  closed: { slots: 8, event_size: 8, access: { tap: [] } }\n";

static void
assert_refused(const struct t_daemon *daemon, const char *command, int code,
	       const char *text)
{
	struct t_ctl run;

	t_ctl_fail(&run, daemon, t_text_file("x\n"), command, code);
	ck_assert_msg(t_ctl_said(&run, text), "ringbusctl %s: %s", command,
		      t_ctl_err(&run));
	ck_assert_str_eq(t_ctl_out(&run), "");
}

TEST(a_wrong_command_line_is_code_2)
{
	static const struct {
		const char *command;
		const char *text;
	} cases[] = {
		{ "", "usage: ringbusctl" },
		{ "publish", "no verb 'publish'" },
		{ "pub", "missing CHANNEL" },
		{ "pub a b c", "'c' is one too many" },
		{ "ls --frames", "no option --frames" },
		{ "ls -x", "no option -x" },
		{ "ls --json=1", "--json takes no value" },
		{ "pub a --rate", "--rate needs a value" },
		{ "pub a --rate 0", "'0' is not a number of events" },
		{ "tail a --timeout 5", "'5' is not a time such as" },
		{ "tail a --timeout 30s1m", "'30s1m' is not a time" },
		{ "tail a --timeout 1m1min", "'1m1min' is not a time" },
		{ "pub a --when-full 5", "'5' is not one of block, fail" },
		{ "pub a --wait fast", "one of busy_spin" },
		{ "pub a --count -1", "'-1' is not a number" },
		{ "pub a --delimiter tab", "nl or nul" },
		{ "pub a --frames --whole", "exclude each other" },
		{ "pub a b --file c", "two files" },
		{ "create a --framing loose", "fixed or framed" },
		{ "create a --producers 2", "single or multi" },
		{ "create a --slot-size 1X", "a number of bytes" },
		{ "create a --slots 99999999999999999999", "a number from 1" },
		{ "create a --clear all", "none or zero" },
		{ "create a --isolation none", "named or sealed" },
		{ "create a --version 1", "--version is that of a --type" },
		{ "create a -c a:slow=fast", "consumer a: slow: 'fast' is" },
		{ "create a -c a:slower=1", "there is no 'slower': after" },
		{ "create a -c a:after", "after needs a value: after=NAMES" },
		{ "create a -c a:group=1", "consumer a: group takes no" },
		{ "create a -c a:key=4", "'4' is not OFFSET+SIZE" },
		{ "create a -c a:key=4+0", "'4+0' is not OFFSET+SIZE" },
		{ "create a -c a:keep=long", "such as 30s, or forever" },
		{ "create a -c a -c b -c a:group",
		  "consumer a: declared twice" },
		{ "end a --drain 5", "'5' is not a time" },
		{ "tail a --from then", "now, oldest, resume or a sequence" },
		{ "tail a --from 18446744073709551614",
		  "now, oldest, resume or a sequence" },
		{ "tail a --from resume", "name it with --gate" },
		{ "tail a --slow park", "name it with --gate" },
		{ "tail a --gate g --slow fast", "one of gate, evict, park" },
		{ "tail a --lengths", "--format raw" },
		{ "tail a --format xml", "one of text, hex, raw, json" },
		{ "help pubs", "no verb 'pubs'" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(NULL, cases[i].command, 2, cases[i].text);
}

TEST(a_name_that_cannot_be_is_code_2)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, channels);
	t_ctl_fail(&run, &daemon, NULL, "show .hidden", 2);
	t_ctl_fail(&run, &daemon, NULL, "create new --slots 3", 2);
	t_daemon_stop(&daemon);
}

TEST(no_daemon_or_channel_is_code_3)
{
	static const char *const verbs[] = { "show nothing", "pub nothing",
					     "tail nothing", "end nothing",
					     "remove nothing" };
	struct t_daemon daemon;
	size_t i;

	assert_refused(NULL, "ls", 3, "no daemon at /nonexistent/sock");
	assert_refused(NULL, "ls --socket /elsewhere", 3, "at /elsewhere");
	assert_refused(NULL, "--socket /elsewhere ping", 3, "at /elsewhere");
	t_daemon_start(&daemon, channels);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		assert_refused(&daemon, verbs[i], 3, "nothing");
	t_daemon_stop(&daemon);
}

static void
assert_denied(const struct t_daemon *daemon, const char *command)
{
	struct t_ctl run;

	t_ctl_start_nobody(&run, daemon, command);
	t_ctl_join(&run, 4);
	ck_assert_msg(t_ctl_said(&run, command), "%s", t_ctl_err(&run));
}

TEST(what_is_not_allowed_is_code_4)
{
	struct t_daemon daemon;

	t_need_root();
	t_daemon_start(&daemon, channels);
	assert_denied(&daemon, "pub secret");
	assert_denied(&daemon, "tail secret");
	assert_denied(&daemon, "show secret");
	assert_denied(&daemon, "end secret");
	assert_denied(&daemon, "remove secret");
	t_daemon_stop(&daemon);
}

TEST(what_is_in_the_configuration_is_not_removed)
{
	struct t_daemon daemon;

	t_daemon_start(&daemon, channels);
	assert_refused(&daemon, "remove fixed", 4, "remove fixed: ");
	t_daemon_stop(&daemon);
}

TEST(silence_for_too_long_is_code_5)
{
	struct t_daemon daemon;

	t_daemon_start(&daemon, channels);
	assert_refused(&daemon, "tail fixed --timeout 20ms", 5, "nothing came");
	assert_refused(&daemon, "tail framed --gate a --timeout 0ms", 5,
		       "nothing came");
	t_daemon_stop(&daemon);
}

TEST(what_is_taken_is_code_6)
{
	struct ringbus_channel_options mine = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *consumer;
	struct ringbus_producer *producer;
	struct t_daemon daemon;
	struct ringbus *bus;

	mine.slots = 8;
	options.name = "me";
	t_daemon_start(&daemon, channels);
	t_ok(ringbus_connect(daemon.socket, &bus));
	t_ok(ringbus_create(bus, "mine", &mine));
	t_ok(ringbus_producer_open(bus, "fixed", NULL, &producer));
	t_ok(ringbus_consumer_open(bus, "mine", &options, &consumer));
	assert_refused(&daemon, "pub fixed", 6, "pub fixed: ");
	assert_refused(&daemon, "tail mine --gate me", 6, "tail mine: ");
	assert_refused(&daemon, "create mine --slots 8", 6, "create mine: ");
	assert_refused(&daemon, "remove mine", 6, "remove mine: ");
	ringbus_consumer_close(consumer);
	t_ok(ringbus_remove(bus, "mine"));
	ringbus_close(bus);
	t_daemon_stop(&daemon);
}

static void
refuse_data(const struct t_daemon *daemon, const char *data, size_t size,
	    const char *command, const char *text)
{
	struct t_ctl run;

	t_ctl_fail(&run, daemon, t_file(data, size), command, 65);
	ck_assert_msg(t_ctl_said(&run, text), "%s", t_ctl_err(&run));
}

TEST(an_input_that_is_no_event_is_code_65)
{
	static const char long_line[] = "fits\n12345678901234567\nnever\n";
	static char huge[2000];
	struct t_daemon daemon;
	struct t_ctl run;

	memset(huge, 'h', sizeof(huge));
	t_daemon_start(&daemon, channels);
	refuse_data(&daemon, long_line, sizeof(long_line) - 1, "pub fixed",
		    "line 2 has 17 bytes, an event of this channel at most 16");
	t_ctl_run(&run, &daemon, NULL, "tail fixed --from oldest -n 1");
	ck_assert_str_eq(t_ctl_out(&run), "fits\n");
	refuse_data(&daemon, huge, sizeof(huge), "pub framed",
		    "line 1 has more than 1024 bytes");
	refuse_data(&daemon, huge, sizeof(huge), "pub framed --whole",
		    "input 1 has more than 1024 bytes");
	refuse_data(&daemon, "\x11\0\0\0", 4, "pub fixed --frames",
		    "frame 1 has 17 bytes");
	refuse_data(&daemon, "\1\0\0\0a\2\0", 7, "pub fixed --frames",
		    "ends within frame 2");
	refuse_data(&daemon, "\1\0\0\0a\2\0\0\0b", 10, "pub fixed --frames",
		    "ends within frame 2");
	t_daemon_stop(&daemon);
}

TEST(what_is_not_yet_published_is_code_1)
{
	struct t_daemon daemon;

	t_daemon_start(&daemon, channels);
	assert_refused(&daemon, "tail fixed --gate g --from 100", 1,
		       "tail fixed: ");
	t_daemon_stop(&daemon);
}

TEST(a_stream_that_has_ended_is_code_69)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, channels);
	t_ctl_run(&run, &daemon, t_text_file("x\n"), "pub fixed --end");
	assert_refused(&daemon, "pub fixed", 69, "pub fixed: ");
	t_ctl_run(&run, &daemon, NULL, "show fixed");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "stream      ended"));
	t_daemon_stop(&daemon);
}

TEST(what_is_too_much_is_code_73)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, channels);
	assert_refused(&daemon, "create big --slots 1048576", 73,
		       "create big: ");
	t_ctl_run(&run, &daemon, NULL, "create a --slots 8");
	t_ctl_run(&run, &daemon, NULL, "create b --slots 8");
	assert_refused(&daemon, "create c --slots 8", 73, "create c: ");
	t_ctl_run(&run, &daemon, NULL, "remove a");
	t_ctl_run(&run, &daemon, NULL, "remove b");
	t_daemon_stop(&daemon);
}

/* A daemon of another release: refuses the first greeting. */
static int
refuse_one(void *arg)
{
	int fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC);
	struct rb_control message;

	ck_assert_int_eq(recv(fd, &message, sizeof(message), 0),
			 sizeof(message));
	message.result = -EPROTONOSUPPORT;
	ck_assert_int_eq(send(fd, &message, sizeof(message), 0),
			 sizeof(message));
	return 0;
}

TEST(another_protocol_is_code_76)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct t_daemon daemon = { 0 };
	pid_t pid;

	snprintf(daemon.socket, sizeof(daemon.socket), "%s/s", t_tmpdir());
	memcpy(address.sun_path, daemon.socket, sizeof(address.sun_path));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	pid = t_child(refuse_one, &fd);
	assert_refused(&daemon, "ls", 76, "different versions");
	t_join(pid);
	close(fd);
}

TEST(output_that_cannot_be_written_is_code_1)
{
	struct t_ctl run;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(full, 0);
	t_ctl_start_fds(&run, NULL, (int[]){ -1, full }, "version");
	t_ctl_join(&run, 1);
	ck_assert(t_ctl_said(&run, "No space left"));
	t_ctl_start_fds(&run, NULL, (int[]){ -1, full }, "help");
	t_ctl_join(&run, 1);
	ck_assert(t_ctl_said(&run, "cannot write"));
	close(full);
}

TEST(an_input_that_cannot_be_read_is_code_1)
{
	struct t_daemon daemon;

	t_daemon_start(&daemon, channels);
	assert_refused(&daemon, "pub fixed /nonexistent", 1,
		       "cannot open /nonexistent: No such file");
	assert_refused(&daemon, "pub fixed /", 1,
		       "cannot read /: Is a directory");
	t_daemon_stop(&daemon);
}

/* ------------------------------------------------------------ what is shown */

static void
assert_json(const struct t_daemon *daemon, const char *command, int n_lines,
	    const char *text)
{
	struct t_ctl run;

	t_ctl_run(&run, daemon, t_text_file("x\n"), command);
	t_json_lines(t_ctl_out(&run), n_lines);
	ck_assert_msg(strstr(t_ctl_out(&run), text) != NULL, "%s: %s", command,
		      t_ctl_out(&run));
}

TEST(every_verb_speaks_json)
{
	struct t_daemon daemon;

	t_daemon_start(&daemon, channels);
	assert_json(&daemon, "--json ls", 4, "\"name\":\"framed\"");
	assert_json(&daemon, "ls -j", 4, "\"slots\":64,");
	assert_json(&daemon, "show fixed --json", 1, "\"after\":[\"app\"]");
	assert_json(&daemon, "pub fixed --json", 1, "\"events\":1,\"bytes\":1");
	assert_json(&daemon, "tail fixed --from 0 -n 1 --json", 1,
		    "\"sequence\":0,\"size\":16,\"data\":\"x\"");
	assert_json(&daemon, "ping --json", 1, "\"pid\":");
	assert_json(&daemon, "create new --slots 8 --json", 1,
		    "{\"channel\":\"new\",\"created\":true}");
	assert_json(&daemon, "why new --json", 1, "\"waits\":[]");
	assert_json(&daemon, "channel pause new --json", 1, "\"paused\":true");
	assert_json(&daemon, "resume new --json", 1, "\"resumed\":true");
	assert_json(&daemon, "mend new --json", 1,
		    "{\"channel\":\"new\",\"slots\":0}");
	assert_json(&daemon, "remove new --json", 1, "\"removed\":true");
	assert_json(&daemon, "end fixed --json", 1, "\"ended\":true");
	assert_json(NULL, "version --json", 1,
		    "{\"version\":\"" /* the rest changes */);
	t_daemon_stop(&daemon);
}

TEST(json_carries_any_bytes)
{
	static const char data[] = "\x01\t\\\"\x7f\0\n" /* controls */
				   "\xc3\xa9\xf0\x9f\x98\x80\n"
				   "\xc0\x80\n"     /* too long */
				   "\xed\xa0\x80\n" /* a surrogate */
				   "\xf4\x90\x80\x80\n"
				   "ab\xc3\n";
	struct t_daemon daemon;
	struct t_ctl run;
	const char *out;

	t_daemon_start(&daemon, channels);
	t_ctl_run(&run, &daemon, t_file(data, sizeof(data) - 1), "pub framed");
	t_ctl_run(&run, &daemon, NULL, "tail framed --from 0 -n 6 --json");
	out = t_ctl_out(&run);
	t_json_lines(out, 6);
	ck_assert_ptr_nonnull(
		strstr(out, "\"data\":\"\\u0001\\t\\\\\\\"\x7f\\u0000\"}"));
	ck_assert_ptr_nonnull(
		strstr(out, "\"data\":\"\xc3\xa9\xf0\x9f\x98\x80\"}"));
	ck_assert_ptr_nonnull(strstr(out, "\"data_base64\":\"wIA=\"}"));
	ck_assert_ptr_nonnull(strstr(out, "\"data_base64\":\"7aCA\"}"));
	ck_assert_ptr_nonnull(strstr(out, "\"data_base64\":\"9JCAgA==\"}"));
	ck_assert_ptr_nonnull(strstr(out, "\"data_base64\":\"YWLD\"}"));
	t_daemon_stop(&daemon);
}

TEST(ls_lists_also_what_may_not_be_looked_at)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_need_root();
	t_daemon_start(&daemon, channels);
	t_ctl_start_nobody(&run, &daemon, "ls");
	t_ctl_join(&run, 0);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "NAME"));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "fixed   fixed "));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "closed  - "));
	t_ctl_start_nobody(&run, &daemon, "ls --json");
	t_ctl_join(&run, 0);
	t_json_lines(t_ctl_out(&run), 3);
	ck_assert_ptr_nonnull(
		strstr(t_ctl_out(&run), "\"name\":\"closed\",\"error\":\""));
	t_daemon_stop(&daemon);
}

TEST(show_lists_the_members)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *consumer;
	struct t_daemon daemon;
	struct ringbus *bus;
	struct t_ctl run;
	char text[64];

	options.name = "app";
	t_daemon_start(&daemon, channels);
	t_ok(ringbus_connect(daemon.socket, &bus));
	t_ok(ringbus_consumer_open(bus, "fixed", &options, &consumer));
	t_ctl_run(&run, &daemon, t_text_file("1\n2\n"), "pub fixed");
	t_ctl_run(&run, &daemon, NULL, "show fixed --json");
	snprintf(text, sizeof(text), "\"pid\":%d,\"state\":\"attached\"",
		 getpid());
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), text));
	ck_assert_ptr_nonnull(strstr(
		t_ctl_out(&run), "\"sequence\":-1,\"lag\":2,\"gates\":true"));
	t_ctl_run(&run, &daemon, NULL, "show fixed");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "cursor      1\n"));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "declared"));
	ringbus_close(bus);
	t_daemon_stop(&daemon);
}

/* Both ways; and by its alias, if it has one. */
static void
assert_help(const char *verb)
{
	struct t_ctl by_option, by_verb;

	t_ctl_run(&by_option, NULL, NULL, t_words("%s --help", verb));
	ck_assert_ptr_nonnull(
		strstr(t_ctl_out(&by_option), "usage: ringbusctl "));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&by_option), verb));
	t_ctl_run(&by_verb, NULL, NULL, t_words("help %s", verb));
	ck_assert_str_eq(t_ctl_out(&by_verb), t_ctl_out(&by_option));
}

/* What is behind a key in each line that has it; returns in how many. */
static int
assert_help_of_all(char *lines, const char *key)
{
	int n = 0;

	for (char *at = lines; (at = strstr(at, key)) != NULL; n++) {
		char *end = strchr(at += strlen(key), '"');

		ck_assert_ptr_nonnull(end);
		*end = '\0';
		assert_help(at);
		*end = '"';
	}
	return n;
}

TEST(help_comes_for_every_verb)
{
	struct t_ctl by_option, by_verb;
	int n;

	t_ctl_run(&by_verb, NULL, NULL, "help --json");
	n = assert_help_of_all(strdupa(t_ctl_out(&by_verb)), "\"verb\":\"");
	ck_assert_int_gt(n, 12);
	t_json_lines(t_ctl_out(&by_verb), n);
	n = assert_help_of_all(strdupa(t_ctl_out(&by_verb)), "\"alias\":\"");
	ck_assert_int_gt(n, 4);
	t_ctl_run(&by_option, NULL, NULL, "--help");
	t_ctl_run(&by_verb, NULL, NULL, "help");
	ck_assert_str_eq(t_ctl_out(&by_verb), t_ctl_out(&by_option));
}
