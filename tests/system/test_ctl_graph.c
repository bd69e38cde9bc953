/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_graph.c - `ringbusctl create` makes a graph, `show` draws it
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "tests/system/util_ctl.h"
#include "tests/t.h"

static const char config[] = "dynamic: { allow: [any] }\n"
			     "channels:\n"
			     "  declared:\n"
			     "    slots: 64\n"
			     "    event_size: 8\n"
			     "    consumers:\n"
			     "      journal:\n"
			     "      replicate:\n"
			     "      app: { after: [journal, replicate] }\n"
			     "      report: { after: app }\n"
			     "      workers: { group: true }\n";

static const char declared_tree[] = "producers\n"
				    "├─ journal\n"
				    "│  └─ app (after journal, replicate)\n"
				    "│     └─ report\n"
				    "├─ replicate\n"
				    "│  └─ app (above)\n"
				    "└─ workers (group of 0)\n";

/* What `show` draws below its tables. */
static const char *
show_tree(const struct t_daemon *daemon, const char *channel)
{
	struct t_ctl run;
	const char *tree;

	t_ctl_run(&run, daemon, NULL, t_words("show %s", channel));
	tree = strstr(t_ctl_out(&run), "\nproducers\n");
	ck_assert_ptr_nonnull(tree);
	return tree + 1;
}

static const char *
show_json(const struct t_daemon *daemon, const char *channel)
{
	struct t_ctl run;

	t_ctl_run(&run, daemon, NULL, t_words("show %s --json", channel));
	t_json_lines(t_ctl_out(&run), 1);
	return t_ctl_out(&run);
}

static void
assert_shows(const struct t_daemon *daemon, const char *command,
	     const char *text)
{
	struct t_ctl run;

	t_ctl_run(&run, daemon, NULL, command);
	ck_assert_msg(strstr(t_ctl_out(&run), text) != NULL, "no %s in %s",
		      text, t_ctl_out(&run));
}

static void
assert_has(const char *json, const char *text)
{
	ck_assert_msg(strstr(json, text) != NULL, "no %s in %s", text, json);
}

static struct ringbus *
connect_to(const struct t_daemon *daemon)
{
	struct ringbus *bus;

	t_ok(ringbus_connect(daemon->socket, &bus));
	return bus;
}

/* ------------------------------------------------------------------- graphs */

TEST(show_draws_each_consumer_once_in_full)
{
	struct t_daemon daemon;

	t_daemon_start(&daemon, config);
	ck_assert_str_eq(show_tree(&daemon, "declared"), declared_tree);
	t_daemon_stop(&daemon);
}

TEST(create_declares_the_same_graph_as_the_configuration)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, config);
	t_ctl_run(&run, &daemon, NULL,
		  "create made --slots 64 --slot-size 8 -c journal "
		  "-c replicate -c app:after=journal,replicate "
		  "-c report:after=app -c workers:group");
	ck_assert_str_eq(show_tree(&daemon, "made"), declared_tree);
	t_ctl_run(&run, &daemon, NULL, "remove made");
	t_daemon_stop(&daemon);
}

TEST(create_takes_consumers_in_any_order)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, config);
	t_ctl_run(&run, &daemon, NULL,
		  "create made -c last:after=mid,first -c mid:after=first "
		  "-c first");
	ck_assert_str_eq(show_tree(&daemon, "made"),
			 "producers\n"
			 "└─ first\n"
			 "   ├─ last (after mid, first)\n"
			 "   └─ mid\n"
			 "      └─ last (above)\n");
	t_daemon_stop(&daemon);
}

TEST(create_declares_what_a_consumer_is)
{
	struct t_daemon daemon;
	struct t_ctl run;
	const char *json;

	t_daemon_start(&daemon, config);
	t_ctl_run(&run, &daemon, NULL,
		  "create made --history 64 -c durable:keep=forever "
		  "-c slow:slow=evict:max_lag=100:max_stall=1s "
		  "-c parked:slow=park:max_lag=50 -c lossy:slow=lossy "
		  "-c workers:group:key=0+8:keep=30s");
	json = show_json(&daemon, "made");
	assert_has(json, "\"name\":\"durable\",\"index\":0,\"pid\":0,"
			 "\"state\":\"absent\"");
	assert_has(json, "\"slow\":\"evict\"");
	assert_has(json, "\"slow\":\"park\"");
	assert_has(json, "\"slow\":\"lossy\"");
	assert_has(json, "\"group\":true,\"workers\":0,");
	assert_has(show_tree(&daemon, "made"), " lossy (lossy)\n");
	t_daemon_stop(&daemon);
}

/* Both words are in the message. */
static void
refuse_graph(const struct t_daemon *daemon, const char *consumers,
	     const char *word, const char *other)
{
	struct t_ctl run;

	t_ctl_fail(&run, daemon, NULL, t_words("create made %s", consumers), 2);
	ck_assert_msg(t_ctl_said(&run, word) && t_ctl_said(&run, other),
		      "no %s or %s in %s", word, other, t_ctl_err(&run));
}

TEST(a_graph_that_cannot_be_is_told)
{
	struct t_daemon daemon;

	t_daemon_start(&daemon, config);
	refuse_graph(&daemon, "-c one:after=two -c two:after=one", "one",
		     "two");
	refuse_graph(&daemon, "-c one:after=nobody", "one", "nobody");
	refuse_graph(&daemon, "-c one:after=one", "one", "itself");
	refuse_graph(&daemon, "-c .hidden", ".hidden", "");
	refuse_graph(&daemon, "-c one:slow=lossy -c two:after=one", "one",
		     "two");
	t_daemon_stop(&daemon);
}

/* ------------------------------------------------------------------ members */

TEST(show_tells_type_and_clear)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, config);
	t_ctl_run(&run, &daemon, NULL,
		  "create made --type order --version 3 --clear zero");
	assert_shows(&daemon, "show made", "type        order, version 3\n");
	assert_shows(&daemon, "show made", "clear       zero\n");
	assert_has(show_json(&daemon, "made"),
		   "\"clear\":\"zero\",\"type\":\"order\","
		   "\"type_version\":3,");
	assert_has(show_json(&daemon, "declared"),
		   "\"clear\":\"none\",\"type\":\"\","
		   "\"type_version\":0,");
	t_daemon_stop(&daemon);
}

TEST(show_tells_isolation)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, config);
	t_ctl_run(&run, &daemon, NULL, "create made --isolation sealed");
	assert_shows(&daemon, "show made", "isolation   sealed\n");
	assert_has(show_json(&daemon, "made"), "\"isolation\":\"sealed\"");
	assert_has(show_json(&daemon, "declared"), "\"isolation\":\"named\"");
	t_daemon_stop(&daemon);
}

TEST(show_counts_the_workers_of_a_group)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *worker;
	struct t_daemon daemon;
	struct ringbus *bus;
	int i;

	options.name = "workers";
	t_daemon_start(&daemon, config);
	bus = connect_to(&daemon);
	for (i = 0; i < 2; i++)
		t_ok(ringbus_consumer_open(bus, "declared", &options, &worker));
	assert_has(show_tree(&daemon, "declared"), "─ workers (group of 2)\n");
	assert_shows(&daemon, "show declared",
		     t_words("worker    workers    %d", getpid()));
	assert_shows(&daemon, "show declared", "group     workers  ");
	assert_has(show_json(&daemon, "declared"),
		   "\"group\":true,\"workers\":2,\"worker_of\":-1,");
	assert_has(show_json(&daemon, "declared"),
		   "\"group\":false,\"worker_of\":4,");
	ringbus_close(bus);
	t_daemon_stop(&daemon);
}

static int
fail_at_1(void *context, const struct ringbus_event *event, int end_of_batch)
{
	(void)context;
	(void)end_of_batch;
	return event->sequence == 1 ? -EIO : RINGBUS_CONTINUE;
}

TEST(show_tells_who_has_failed_and_where)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct ringbus_consumer *consumer;
	struct t_daemon daemon;
	struct ringbus *bus;
	struct t_ctl run;

	options.name = "journal";
	handlers.on_event = fail_at_1;
	t_daemon_start(&daemon, config);
	bus = connect_to(&daemon);
	t_ok(ringbus_consumer_open(bus, "declared", &options, &consumer));
	t_ctl_run(&run, &daemon, t_text_file("a\nb\nc\n"), "pub declared");
	ck_assert_int_eq(ringbus_consumer_run(consumer, &handlers), -EIO);
	assert_has(show_tree(&daemon, "declared"),
		   "├─ journal (failed at 1)\n");
	assert_has(show_json(&daemon, "declared"), "\"failed\":1,"
						   "\"errors\":1,");
	assert_shows(&daemon, "show declared", "  failed  ");
	assert_shows(&daemon, "ls --json", "\"members\":1,");
	ringbus_close(bus);
	t_daemon_stop(&daemon);
}

TEST(show_tells_about_waiting_if_asked)
{
	struct t_daemon daemon;
	struct t_ctl run;

	t_daemon_start(&daemon, config);
	t_ctl_run(&run, &daemon, NULL, "show declared");
	ck_assert_ptr_null(strstr(t_ctl_out(&run), "SLEEPS"));
	assert_shows(&daemon, "show declared --verbose",
		     "ERRORS  SLEEPS  MISSED  WAKES\n");
	t_daemon_stop(&daemon);
}
