/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_why.c - `ringbusctl why` and `mend`: who waits for whom, by name
 */
#include <signal.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_hole.h"

/* True if `why a` has this text in what it prints. */
static bool
tells(const struct t_bus *b, const char *command, const char *text)
{
	struct t_ctl run;

	t_ctl_run(&run, &b->daemon, NULL, command);
	return strstr(t_ctl_out(&run), text) != NULL;
}

static void
expect(const struct t_bus *b, const char *command, const char *text)
{
	t_until(tells(b, command, text));
}

TEST(nobody_waits)
{
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	t_ctl_run(&run, &b.daemon, NULL, "why a");
	ck_assert(t_ctl_printed(&run, "nobody waits\n"));
	t_ctl_run(&run, &b.daemon, NULL, "why a --json");
	ck_assert(t_ctl_printed(&run, "{\"channel\":\"a\",\"capacity\":16,"
				      "\"free\":16,\"broken\":-1,"
				      "\"waits\":[]}\n"));
	t_bus_end(&b);
}

TEST(a_full_ring_names_the_slowest_consumer)
{
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t app;

	t_bus_begin(&b, "slots: 16, event_size: 8, history: 4");
	app = t_stopped_consumer(&b, "app");
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 10);
	expect(&b, "why a", "nobody waits\n");
	t_put(p, 11);
	expect(&b, "why a",
	       t_words("producers wait for consumer app (pid %d, stopped): 0 "
		       "of 12 slots free, it is at -1, 12 behind\n",
		       app));
	expect(&b, "why a --json",
	       t_words("\"waits\":[{\"for\":\"space\",\"who\":[\"producer\"],"
		       "\"role\":\"consumer\",\"name\":\"app\",\"pid\":%d,"
		       "\"state\":\"attached\",\"process\":\"stopped\","
		       "\"sequence\":-1,\"lag\":12,\"waiting_ns\":0,\"which_"
		       "waits_for\":[]}]}\n",
		       app));
	t_kill(app);
	t_bus_end(&b);
}

TEST(a_hole_names_its_producer)
{
	struct ringbus_consumer *c;
	struct t_bus b;
	pid_t feed;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: multi");
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	feed = t_feed(&b, "a", 3);
	expect(&b, "why a",
	       t_words("consumers wait at 0 for producer feed (pid %d, "
		       "sleeping), which has claimed 0..2 and not published\n",
		       feed));
	ck_assert_int_eq(kill(feed, SIGSTOP), 0);
	expect(&b, "why a", t_words("feed (pid %d, stopped)", feed));
	expect(&b, "why a --json",
	       t_words("\"waits\":[{\"for\":\"event\",\"who\":[\"app\"],"
		       "\"role\":\"producer\",\"name\":\"feed\",\"pid\":%d,"
		       "\"state\":\"attached\",\"process\":\"stopped\","
		       "\"at\":0,\"first\":0,\"last\":2,\"waiting_ns\":0,"
		       "\"which_waits_for\":[]}]}\n",
		       feed));
	/* Who has not come there waits for nobody. */
	ringbus_consumer_close(c);
	expect(&b, "why a", "nobody waits\n");
	t_kill(feed);
	t_bus_end(&b);
}

/* Where nobody gates producers wait for what is not published. */
TEST(a_full_ring_without_consumers_names_the_producer)
{
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t feed;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: multi");
	p = t_produce(b.bus, NULL);
	feed = t_feed(&b, "a", 3);
	t_put_all(p, 3, 15);
	expect(&b, "why a",
	       t_words("producers wait for producer feed (pid %d, sleeping): 0 "
		       "of 16 slots free\n",
		       feed));
	t_kill(feed);
	t_bus_end(&b);
}

TEST(a_stage_names_the_one_before_it)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;
	pid_t journal;

	t_bus_begin(&b, "slots: 16, event_size: 8, consumers: {"
			" journal: , gap: { after: journal },"
			" app: { after: gap }, crew: { group: true } }");
	journal = t_stopped_consumer(&b, "journal");
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 4);
	/* One that is not there is passed over. */
	expect(&b, "why a",
	       t_words("app waits for consumer journal (pid %d, stopped): 5 "
		       "behind\n",
		       journal));
	expect(&b, "why a --json", "{\"for\":\"stage\",\"who\":[\"app\"],");
	ringbus_consumer_close(c);
	t_kill(journal);
	t_bus_end(&b);
}

TEST(a_kept_place_is_named)
{
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8,"
			" consumers: { app: { on_death: keep } }");
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 15);
	expect(&b, "why a",
	       "producers wait for consumer app (absent): 0 of 16 slots "
	       "free, it is at -1, 16 behind\n");
	t_bus_end(&b);
}

TEST(a_stopped_stream_is_told_and_mended)
{
	struct ringbus_consumer *c;
	struct t_ctl run;
	struct t_bus b;
	pid_t feed;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: multi,"
			" strict: true");
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	feed = t_feed(&b, "a", 3);
	expect(&b, "show a", "stream      open\n");
	expect(&b, "show a", "strict      yes\n");
	t_kill(feed);
	expect(&b, "show a", "stream      open, broken at 0\n");
	expect(&b, "show a --json", "\"strict\":true,\"broken\":0,");
	expect(&b, "why a",
	       t_words("the stream stops at 0: producer feed (pid %d, dying, "
		       "gone) died with 0..2 claimed and not published; "
		       "`ringbusctl mend a` gives that up\n",
		       feed));
	expect(&b, "why a --json", "\"broken\":0,");
	t_ctl_fail(&run, &b.daemon, NULL, "tail a --from 0", 8);
	ck_assert(t_ctl_said(&run, "ringbusctl mend"));
	t_ctl_run(&run, &b.daemon, NULL, "mend a");
	ck_assert(t_ctl_printed(&run, "3 slots given up\n"));
	expect(&b, "why a", "nobody waits\n");
	t_ctl_run(&run, &b.daemon, NULL, "mend a");
	ck_assert(t_ctl_printed(&run, "nothing was missing\n"));
	t_ctl_run(&run, &b.daemon, NULL, "mend a --json");
	ck_assert(t_ctl_printed(&run, "{\"channel\":\"a\",\"slots\":0}\n"));
	ringbus_consumer_close(c);
	t_bus_end(&b);
}

TEST(created_as_asked)
{
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin_with(&b, "dynamic: { allow: any }");
	t_ctl_run(&run, &b.daemon, NULL,
		  "create a --producers multi --strict --stuck-after 1500ms");
	expect(&b, "show a", "strict      yes\n");
	expect(&b, "show a", "stuck       kill after 1.500 s\n");
	expect(&b, "show a --json", "\"stuck_after_ns\":1500000000,");
	t_ctl_fail(&run, &b.daemon, NULL, "create b --stuck-after 1s", 2);
	ck_assert(t_ctl_said(&run, "producers: multi"));
	t_bus_end(&b);
}

TEST(what_is_not_there_is_told)
{
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	t_ctl_fail(&run, &b.daemon, NULL, "why b", 3);
	t_ctl_fail(&run, &b.daemon, NULL, "mend b", 3);
	t_ctl_fail(&run, &b.daemon, NULL, "why", 2);
	t_ctl_fail(&run, &b.daemon, NULL, "mend", 2);
	t_bus_end(&b);
}

/* ------------------------------------------------------- since when, and why at all */

static int
wait_for_room(void *arg)
{
	struct ringbus *bus = t_connect(&((struct t_bus *)arg)->daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);
	uint64_t value = 0;

	while (ringbus_producer_write(p, &value, 8, RINGBUS_FOREVER) >= 0)
		value++;
	return 0;
}

TEST(one_who_waits_says_for_how_long)
{
	struct ringbus_member m;
	struct ringbus_tap *tap;
	struct t_bus b;
	pid_t app, feed;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	app = t_stopped_consumer(&b, "app");
	feed = t_child(wait_for_room, &b);
	expect(&b, "why a", ", it is at -1, 16 behind, for ");
	expect(&b, "why a --json", "\"waiting_ns\":");
	m = t_member(ringbus_tap_channel(tap), RINGBUS_PRODUCER, "producer");
	t_until(t_member(ringbus_tap_channel(tap), RINGBUS_PRODUCER, "producer")
			.waiting_ns > m.waiting_ns + 2 * T_MS);
	/* Once it goes on, it no longer waits. */
	t_ok(kill(app, SIGCONT));
	t_until(t_member(ringbus_tap_channel(tap), RINGBUS_PRODUCER, "producer")
			.waiting_ns == 0);
	t_kill(feed);
	t_kill(app);
	t_bus_end(&b);
}

TEST(operator_who_has_paused_it_is_named)
{
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	p = t_produce(b.bus, NULL);
	t_put(p, 0);
	t_ok(ringbus_pause(b.bus, "a"));
	expect(&b, "why a",
	       "producers wait for an operator, who has paused the "
	       "channel since 20");
	expect(&b, "why a", "`ringbusctl channel resume a` lets them go on");
	expect(&b, "why a --json",
	       "{\"for\":\"operator\",\"who\":[\"producer\"],"
	       "\"paused_ns\":1");
	t_daemon_kill(&b.daemon); /* it is all in shared memory */
	expect(&b, t_words("why a --shm-dir %s", b.daemon.shm),
	       "who has paused the channel since 20");
	t_daemon_restart(&b.daemon);
	t_ok(ringbus_resume(b.bus, "a"));
	expect(&b, "why a", "nobody waits\n");
	t_bus_end(&b);
}

/* Not only whom producers wait for, but whom that one does, to the one that nobody
 * holds up. */
TEST(root_of_it_is_named)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;
	pid_t journal;

	t_bus_begin(&b, "slots: 16, event_size: 8, consumers: { journal: , "
			"app: { after: journal } }");
	journal = t_stopped_consumer(&b, "journal");
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 15);
	expect(&b, "why a",
	       t_words(", which waits for consumer journal (pid %d, stopped)",
		       journal));
	expect(&b, "why a --json", "\"which_waits_for\":[\"journal\"]");
	ringbus_consumer_close(c);
	t_kill(journal);
	t_bus_end(&b);
}
