/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_journal.c - journals are listed, checked, printed, replayed and trimmed
 *
 * The bytes of each event follow from its sequence.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"
#include "tests/util_journal.h"

#define SLOT 16
#define SECOND INT64_C(1000000000)

/* 2026-11-26T22:15:00Z */
#define TIME (INT64_C(1795731300) * SECOND)

static const char *
folder(void)
{
	return t_words("%s/j", t_tmpdir());
}

static void
begin(struct t_journal *j)
{
	ck_assert_int_eq(mkdir(folder(), 0700), 0);
	t_journal_open(j, folder(), 8, RB_FIXED, SLOT);
	j->time_ns = TIME;
}

/* n blocks of 10 events, a second after each other. */
static void
put(struct t_journal *j, int n)
{
	for (; n > 0; n--) {
		t_journal_put(j, 10);
		j->time_ns += SECOND - 1000;
	}
}

static const char *
verb(const char *name, const char *options)
{
	return t_words("journal %s --dir %s%s%s", name, folder(),
		       options[0] != '\0' ? " " : "", options);
}

static int
count_lines(const char *text)
{
	int n = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

static void
says(const struct t_ctl *run, const char *text)
{
	ck_assert_msg(strstr(t_ctl_out(run), text) != NULL, "no %s in\n%s",
		      text, t_ctl_out(run));
}

/* ---------------------------------------------------------------------- looking */

TEST(files_are_listed)
{
	struct t_journal j;
	struct t_ctl run;

	begin(&j);
	put(&j, 3);
	t_journal_seal(&j);
	put(&j, 1);
	t_journal_epoch(&j, 0);
	put(&j, 2);
	t_ctl_run(&run, NULL, NULL, verb("ls", ""));
	ck_assert_int_eq(count_lines(t_ctl_out(&run)), 4);
	says(&run, "2026-11-26T22:15:02.000000000Z  sealed");
	says(&run, "sealed  1267        0000000001-"); /* 4711 */
	t_ctl_run(&run, NULL, NULL, verb("ls", "--json"));
	t_json_lines(t_ctl_out(&run), 3);
	says(&run, "\"epoch\":1,\"first\":0,");
	says(&run, "\"last\":29,");
	says(&run, "\"epoch\":1,\"first\":30,");
	says(&run, "\"epoch\":2,\"first\":0,");
	says(&run, "\"state\":\"open\"");
	t_journal_flip(&j, j.name, 0, 1);
	t_journal_flip(&j, j.name, 2048, 1);
	t_ctl_fail(&run, NULL, NULL, verb("ls", ""), 1);
	says(&run, "damaged");
	t_ctl_fail(&run, NULL, NULL, verb("verify", ""), 1);
	says(&run, j.name);
	says(&run, "40 events");
	t_journal_close(&j);
}

TEST(what_is_no_journal_is_refused)
{
	struct t_ctl run;

	t_ctl_fail(&run, NULL, NULL, verb("ls", ""), 3);
	ck_assert(t_ctl_said(&run, folder()));
	t_ctl_fail(&run, NULL, NULL, "journal verify", 2);
	t_ctl_fail(&run, NULL, NULL, verb("dump", "--from yesterday"), 2);
	t_ctl_fail(&run, NULL, NULL, verb("dump", "--from 2026-02-30"), 2);
	t_ctl_fail(&run, NULL, NULL, verb("dump", "--epoch 0"), 2);
	/* -2, the oldest, and -1, all, in 64 bits. */
	t_ctl_fail(&run, NULL, NULL,
		   verb("dump", "--from 18446744073709551614"), 2);
	t_ctl_fail(&run, NULL, NULL,
		   verb("dump", "--epoch 18446744073709551615"), 2);
	t_ctl_fail(&run, NULL, NULL, verb("replay", ""), 2);
	t_ctl_fail(&run, NULL, NULL, verb("trim", ""), 2);
	ck_assert_int_eq(mkdir(folder(), 0700), 0);
	t_ctl_run(&run, NULL, NULL, verb("verify", ""));
	says(&run, "there are no files of a journal");
	t_ctl_run(&run, NULL, NULL, verb("dump", ""));
	ck_assert(t_ctl_printed(&run, ""));
}

TEST(the_daemon_knows_the_folder)
{
	struct t_journal j;
	struct t_ctl run;
	struct t_bus b;

	begin(&j);
	put(&j, 1);
	t_bus_begin(&b, "slots: 16, event_size: 16, journal: { dir: %s }",
		    folder());
	t_ctl_run(&run, &b.daemon, NULL, "journal verify a");
	says(&run, "orders: 1 files, 1 epochs, 10 events of 160 B: whole");
	t_ctl_fail(&run, &b.daemon, NULL, "journal verify nobody", 3);
	t_bus_end(&b);
	t_journal_close(&j);
}

TEST(damage_is_named_by_file_and_offset)
{
	struct t_journal j;
	struct t_ctl run;

	begin(&j);
	put(&j, 5);
	t_ctl_run(&run, NULL, NULL, verb("verify", "--json"));
	t_json_lines(t_ctl_out(&run), 1);
	says(&run, "\"events\":50,");
	says(&run, "\"whole\":true");
	t_journal_flip(&j, j.name, 4096 + 2 * (64 + 160) + 100, 8);
	t_ctl_fail(&run, NULL, NULL, verb("verify", ""), 1);
	says(&run, t_words("%s:%d: ", j.name, 4096 + 2 * (64 + 160)));
	says(&run, "epoch 1: sequences 20 to 29 are missing\n");
	says(&run, "40 events of 640 B: 1 damages, 10 slots are missing\n");
	t_ctl_fail(&run, NULL, NULL, verb("verify", "--json"), 1);
	t_json_lines(t_ctl_out(&run), 3);
	says(&run, t_words("\"offset\":%d,\"damage\":", 4096 + 2 * (64 + 160)));
	says(&run, "\"missing\":20,\"last\":29}");
	t_ctl_fail(&run, NULL, NULL, verb("dump", "--format raw"), 1);
	ck_assert(t_ctl_said(&run, j.name));
	ck_assert(t_ctl_said(&run, "sequences 20 to 29 are missing"));
	t_ctl_run(&run, NULL, NULL, verb("dump", "--to 19"));
	t_journal_close(&j);
}

TEST(a_file_without_a_header_costs_that_file_alone)
{
	struct t_journal j;
	struct t_ctl run;

	begin(&j);
	put(&j, 2);
	t_journal_epoch(&j, 0);
	put(&j, 1);
	t_journal_flip(&j, j.name, 9, 1);
	t_journal_flip(&j, j.name, 2057, 1);
	t_ctl_fail(&run, NULL, NULL, verb("dump", "--epoch all"), 1);
	ck_assert(t_ctl_said(&run, j.name));
	ck_assert_int_eq(count_lines(t_ctl_out(&run)), 20);
	t_ctl_fail(&run, NULL, NULL, verb("dump", ""), 1);
	t_journal_close(&j);
}

TEST(what_the_writer_lost_is_missing)
{
	struct t_journal j;
	struct t_ctl run;

	begin(&j);
	put(&j, 1);
	t_journal_lose(&j, 7, RB_JOURNAL_DROPPED);
	put(&j, 1);
	t_ctl_fail(&run, NULL, NULL, verb("verify", ""), 1);
	says(&run, "epoch 1: sequences 10 to 16 are missing\n");
	t_ctl_fail(&run, NULL, NULL, verb("dump", "--from 9 --to 12"), 1);
	t_json_lines(t_ctl_out(&run), 2);
	says(&run, "\"lost\":3,\"before\":13}");
	t_journal_close(&j);
}

/* The sequences of the lines, as they came. */
static void
dumped(const struct t_ctl *run, int64_t first, int64_t last)
{
	const char *at = t_ctl_out(run);

	for (int64_t s = first; s <= last; s++) {
		at = strstr(at, "\"sequence\":");
		ck_assert_ptr_nonnull(at);
		at += strlen("\"sequence\":");
		ck_assert_int_eq(atoll(at), s);
	}
	ck_assert_int_eq(count_lines(t_ctl_out(run)), last - first + 1);
}

TEST(a_part_is_by_sequence_or_by_time)
{
	struct t_journal j;
	struct t_ctl run;

	begin(&j);
	put(&j, 5);
	t_journal_epoch(&j, 0);
	put(&j, 5);
	t_ctl_run(&run, NULL, NULL, verb("dump", "--from 7 --to 41"));
	t_json_lines(t_ctl_out(&run), 35);
	dumped(&run, 7, 41);
	says(&run, "{\"channel\":\"orders\",\"epoch\":2,"
		   "\"time\":\"2026-11-26T22:15:09.000000000Z\","
		   "\"sequence\":41,\"size\":16,");
	t_ctl_run(&run, NULL, NULL,
		  verb("dump", "--epoch 1 --from 7 --to 41 -n 3"));
	dumped(&run, 7, 9);
	says(&run, "\"epoch\":1,");
	t_ctl_run(&run, NULL, NULL, verb("dump", "--epoch all"));
	ck_assert_int_eq(count_lines(t_ctl_out(&run)), 100);
	t_ctl_run(&run, NULL, NULL,
		  verb("dump", "--from 2026-11-26T22:15:02Z "
			       "--to @1795731303.5"));
	dumped(&run, 20, 39);
	t_ctl_run(&run, NULL, NULL,
		  verb("dump", "--from 2026-11-26T23:15:08.000+01:00"));
	dumped(&run, 30, 49);
	t_ctl_run(&run, NULL, NULL, verb("dump", "--from 2026-11-27"));
	ck_assert(t_ctl_printed(&run, ""));
	t_ctl_fail(&run, NULL, NULL, verb("dump", "--from 51"), 3);
	t_ctl_fail(&run, NULL, NULL, verb("dump", "--epoch 3"), 3);
	t_ctl_fail(&run, NULL, NULL, verb("dump", "--epoch all --from 1"), 2);
	t_journal_close(&j);
}

TEST(raw_bytes_are_those_of_the_events)
{
	struct t_journal j;
	struct t_ctl run;
	size_t size;
	char *bytes;

	begin(&j);
	put(&j, 3);
	t_ctl_run(&run, NULL, NULL, verb("dump", "--format raw"));
	bytes = t_file_read(run.out, &size);
	ck_assert_uint_eq(size, 30 * SLOT);
	for (int64_t s = 0; s < 30; s++)
		ck_assert(t_event_is(bytes + s * SLOT, SLOT, s));
	free(bytes);
	t_journal_close(&j);
}

/* ---------------------------------------------------------------------- replaying */

/* Reads what was published, which is what the journal had from `from` on. */
static void
take(struct ringbus_consumer *c, int64_t from, int64_t to)
{
	struct ringbus_event event;

	for (; from <= to; from++) {
		t_next(c, &event);
		ck_assert_uint_eq(event.size, SLOT);
		ck_assert(t_event_is(event.data, SLOT, from));
		t_ok(ringbus_consumer_commit(c));
	}
}

TEST(a_replay_publishes_the_same_events)
{
	struct ringbus_consumer *c;
	struct t_journal j;
	struct t_ctl run;
	struct t_bus b;

	begin(&j);
	put(&j, 5);
	t_bus_begin(&b, "slots: 64, event_size: %d", SLOT);
	c = t_consume(b.bus, NULL);
	t_ctl_run(&run, &b.daemon, NULL, verb("replay", "--into a --json"));
	says(&run, "{\"channel\":\"a\",\"journal\":\"orders\",\"events\":50,"
		   "\"bytes\":800,\"damages\":0,\"missing_slots\":0}");
	take(c, 0, 49);
	t_nothing(c);
	t_ctl_run(&run, &b.daemon, NULL,
		  verb("replay", "--into a --from 15 --to 17"));
	t_ctl_run(&run, &b.daemon, NULL,
		  verb("replay", "--into a --from @1795731304 -n 2"));
	take(c, 15, 17);
	take(c, 40, 41);
	t_nothing(c);
	t_journal_flip(&j, j.name, 4096 + 2 * (64 + 160) + 100, 8);
	t_ctl_fail(&run, &b.daemon, NULL, verb("replay", "--into a"), 1);
	ck_assert(t_ctl_said(&run, j.name));
	take(c, 0, 19);
	take(c, 30, 49);
	t_nothing(c);
	t_bus_end(&b);
	t_journal_close(&j);
}

/* In the channel's own journal it would find what it has just published, for ever. */
TEST(a_replay_into_the_same_channel_ends)
{
	struct ringbus_consumer *c;
	struct t_journal j;
	struct t_ctl run;
	struct t_bus b;

	begin(&j);
	memcpy(j.header.channel, "a\0\0\0\0", 6);
	put(&j, 2);
	t_bus_begin(&b, "slots: 16, event_size: %d", SLOT);
	c = t_consume(b.bus, NULL);
	t_ctl_start(&run, &b.daemon, NULL, verb("replay", "--into a --json"));
	t_until(t_info(ringbus_consumer_channel(c)).cursor == 15);
	put(&j, 1); /* while it waits for room */
	take(c, 0, 19);
	t_ctl_join(&run, 0);
	t_nothing(c);
	t_bus_end(&b);
	t_journal_close(&j);
}

TEST(a_channel_of_another_shape_is_refused)
{
	static const char *const shapes[] = {
		"slots: 64, event_size: 24",
		"slots: 64, slot_size: 64, framing: framed",
		"slots: 64, event_size: 16, type: quotes",
	};
	struct t_journal j;
	struct t_ctl run;
	struct t_bus b;

	begin(&j);
	memcpy(j.header.type, "trades", 7);
	put(&j, 1);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct ringbus_consumer *c;

		t_bus_begin(&b, "%s", shapes[i]);
		c = t_consume(b.bus, NULL);
		t_ctl_fail(&run, &b.daemon, NULL, verb("replay", "--into a"),
			   65);
		t_nothing(c);
		t_bus_end(&b);
	}
	t_journal_close(&j);
}

TEST(each_epoch_has_a_shape_of_its_own)
{
	struct ringbus_consumer *c;
	struct t_journal j;
	struct t_ctl run;
	struct t_bus b;

	begin(&j);
	put(&j, 1);
	t_journal_epoch(&j, 0);
	j.header.framing = RB_FRAMED;
	put(&j, 1);
	t_bus_begin(&b, "slots: 64, event_size: 16");
	c = t_consume(b.bus, NULL);
	t_ctl_fail(&run, &b.daemon, NULL, verb("replay", "--into a"), 65);
	t_ctl_fail(&run, &b.daemon, NULL, verb("replay", "--into a -e all"),
		   65);
	t_nothing(c);
	t_ctl_run(&run, &b.daemon, NULL, verb("replay", "--into a -e 1"));
	take(c, 0, 9);
	t_bus_end(&b);
	t_journal_close(&j);
}

/* No time passes that the test would have to look at: a pause is so long that it is
 * there, or that it is not. */
TEST(pauses_are_as_they_were_or_shorter)
{
	/* The second one makes more of it than any number has room for. */
	static const char *const slow[] = { "1x", "0.000001x" };
	struct ringbus_consumer *c;
	struct t_journal j;
	struct t_ctl run;
	struct t_bus b;

	begin(&j);
	put(&j, 1);
	j.time_ns += 100000 * SECOND;
	put(&j, 1);
	t_bus_begin(&b, "slots: 64, event_size: %d", SLOT);
	c = t_consume(b.bus, NULL);
	for (int i = 0; i < 2; i++) {
		t_ctl_start(&run, &b.daemon, NULL,
			    verb("replay",
				 t_words("--into a --speed %s", slow[i])));
		take(c, 0, 9);
		t_until(t_is_asleep(run.pid));
		ck_assert_int_eq(kill(run.pid, SIGINT), 0);
		t_ctl_join_signal(&run, SIGINT);
		ck_assert(t_ctl_said(&run, "after 10 events"));
		t_nothing(c);
	}
	t_ctl_run(&run, &b.daemon, NULL,
		  verb("replay", "--into a --speed 1000000x"));
	take(c, 0, 19);
	t_ctl_fail(&run, &b.daemon, NULL, verb("replay", "--into a --speed 2"),
		   2);
	t_bus_end(&b);
	t_journal_close(&j);
}

TEST(a_replay_waits_for_room_and_can_be_interrupted)
{
	struct ringbus_consumer *c;
	struct t_journal j;
	struct t_ctl run;
	struct t_bus b;

	begin(&j);
	put(&j, 10);
	t_bus_begin(&b, "slots: 16, event_size: %d", SLOT);
	c = t_consume(b.bus, NULL);
	t_ctl_start(&run, &b.daemon, NULL, verb("replay", "--into a"));
	take(c, 0, 49);
	t_until(t_info(ringbus_consumer_channel(c)).cursor == 65);
	ck_assert_int_eq(kill(run.pid, SIGTERM), 0);
	t_ctl_join_signal(&run, SIGTERM);
	ck_assert(t_ctl_said(&run, "after 66 events, the last of them "
				   "sequence 65 of epoch 1"));
	take(c, 50, 65);
	t_nothing(c);
	t_bus_end(&b);
	t_journal_close(&j);
}

/* ---------------------------------------------------------------------- trimming */

static int
count_files(void)
{
	struct t_ctl run;

	t_ctl_run(&run, NULL, NULL, verb("ls", "--json"));
	return count_lines(t_ctl_out(&run));
}

TEST(whole_files_are_trimmed)
{
	struct t_journal j;
	struct t_ctl run;

	begin(&j);
	for (int i = 0; i < 6; i++) {
		put(&j, 2);
		t_journal_seal(&j);
	}
	t_ctl_run(&run, NULL, NULL, verb("trim", "--before 39"));
	ck_assert(t_ctl_printed(&run, "1 files removed\n"));
	t_ctl_run(&run, NULL, NULL, verb("trim", "--before 40 --json"));
	ck_assert(t_ctl_printed(&run,
				"{\"channel\":\"orders\",\"removed\":1}\n"));
	ck_assert_int_eq(count_files(), 4);
	t_ctl_run(&run, NULL, NULL,
		  verb("trim", "--before 2026-11-26T22:15:06Z"));
	ck_assert_int_eq(count_files(), 3);
	t_ctl_run(&run, NULL, NULL,
		  verb("trim", t_words("--keep-size %d",
				       2 * (4096 + 3 * 64 + 2 * 160))));
	ck_assert_int_eq(count_files(), 2);
	t_ctl_run(&run, NULL, NULL, verb("verify", ""));
	t_ctl_run(&run, NULL, NULL, verb("trim", "--before 2027-01-01"));
	ck_assert_int_eq(count_files(), 1);
	t_ctl_fail(&run, NULL, NULL,
		   verb("trim", "--before 1 --keep-size 1KiB"), 2);
	t_journal_close(&j);
}
