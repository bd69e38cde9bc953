/* SPDX-License-Identifier: MIT */
/*
 * demo.c - the guided tour: starts everything, shows it, gives the verdict
 *
 * usage: demo [FILE]
 *
 * See demo.h for the processes. Exit codes: 0 if all of them saw the same, 1 if
 * not or if one of them died, 2 for a wrong usage, 128 + N after signal N.
 */
#include "examples/demo/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "examples/demo/board.h"
#include "examples/demo/config.h"
#include "examples/demo/crew.h"
#include "examples/demo/place.h"
#include "examples/demo/program.h"
#include "examples/demo/table.h"
#include "examples/demo/verdict.h"

static const char usage[] =
	"usage: demo [FILE]\n"
	"\n"
	"Sends orders, or the lines of FILE, through a channel of a private\n"
	"ringbusd to a journal, a replica and an application, each a process\n"
	"of its own, and checks that all of them saw the same. With "
	"nats-server\n"
	"and ringbus-bridge the replica is behind a private NATS.\n"
	"\n"
	"  DEMO_EVENTS=N  how many orders (10000000)\n"
	"  DEMO_NATS=no   do without NATS\n"
	"  KEEP=1         leave journal, logs and configuration behind\n"
	"  TMPDIR=DIR     where those are put (/tmp); 130 bytes per order\n";

static int
complain(const char *what, int err)
{
	fprintf(stderr, "demo: %s: %s\n", what, strerror(err));
	return -1;
}

static int
read_events(uint64_t *ret)
{
	const char *text = getenv("DEMO_EVENTS");
	char *end;

	*ret = DEMO_EVENTS;
	if (text == NULL || text[0] == '\0')
		return 0;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno == 0 && *end == '\0' && text[0] != '-' && *ret > 0 &&
	    *ret <= INT64_MAX)
		return 0;
	fprintf(stderr, "demo: DEMO_EVENTS has to be a number, not '%s'\n",
		text);
	return -1;
}

static int
check_input(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || access(path, R_OK) < 0) {
		fprintf(stderr, "demo: cannot read %s: %s\n", path,
			strerror(errno));
		return -1;
	}
	/* It is read again to be compared. */
	if (S_ISREG(st.st_mode))
		return 0;
	fprintf(stderr, "demo: %s is not a regular file\n", path);
	return -1;
}

static int
open_descriptors(struct demo *demo)
{
	demo->board = board_open();
	if (demo->board < 0)
		return complain("cannot make shared memory", -demo->board);
	if (pipe2(demo->ready, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    pipe2(demo->go, O_CLOEXEC) < 0)
		return complain("cannot make a pipe", errno);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, demo->link) < 0)
		return complain("cannot make a socket pair", errno);
	return 0;
}

/* A byte from each of ours: then they are attached, and can miss nothing. */
static int
await_ready(struct crew *crew)
{
	char bytes[N_ROLES];
	int n_ready = 0;

	for (int role = 0; role < N_ROLES; role++)
		n_ready += is_program(crew->demo, role);
	while (n_ready < N_ROLES) {
		ssize_t n;

		if (!crew_wait(crew, crew->demo->ready[0], 1000))
			return -1;
		n = read(crew->demo->ready[0], bytes, sizeof(bytes));
		n_ready += n > 0 ? (int)n : 0;
	}
	return 0;
}

/* The places of programs are kept, so that they would miss nothing either; but the
 * time that they take to start is not to be measured. */
static int
await_programs(struct crew *crew, const struct ringbus_channel *channel)
{
	for (int role = 0; role < N_ROLES; role++) {
		struct ringbus_member m = { .size = sizeof(m) };

		while (is_program(crew->demo, role) &&
		       (ringbus_channel_find(channel, RINGBUS_CONSUMER,
					     role_names[role], &m) != 1 ||
			m.state != RINGBUS_MEMBER_ATTACHED))
			if (!crew_wait(crew, -1, 2))
				return -1;
	}
	return 0;
}

/* From go to the end of all roles, with the table. The time is that until app had all:
 * a replica behind NATS may be later. */
static int
watch(struct crew *crew, const struct ringbus_channel *channel,
      int64_t *ret_elapsed_ns)
{
	struct table table;

	table_init(&table, crew->demo, channel);
	if (write(crew->demo->go[1], "", 1) != 1)
		return complain("cannot start the producer", errno);
	while (crew->n_done < N_ROLES) {
		bool has_app = crew->pids[ROLE_APP] != 0;

		if (!crew_wait(crew, -1, table_due_ms(&table)))
			return -1;
		if (has_app)
			*ret_elapsed_ns = now_ns() - table.started_ns;
		/* What app has seen they have made safe. */
		if (has_app && crew->pids[ROLE_APP] == 0)
			crew_end_programs(crew);
		table_draw(&table, false);
	}
	table_draw(&table, true);
	return 0;
}

static int
fail_bus(const char *what, int err, struct ringbus *bus)
{
	fprintf(stderr, "demo: %s: %s %s\n", what, ringbus_strerror(err),
		ringbus_error(bus));
	ringbus_close(bus);
	return -1;
}

/* Connects only now: a connection does not survive a fork. */
static int
run_roles(struct crew *crew, int64_t *ret_elapsed_ns)
{
	struct ringbus *bus = NULL;
	struct ringbus_tap *tap;
	int err;

	if (crew_start_roles(crew) < 0 || await_ready(crew) < 0)
		return -1;
	err = ringbus_connect(crew->demo->place.socket, &bus);
	if (err < 0)
		return fail_bus("cannot connect", err, bus);
	err = ringbus_tap_open(bus, crew->demo->channel, NULL, &tap);
	if (err < 0)
		return fail_bus("cannot look at the channel", err, bus);
	err = await_programs(crew, ringbus_tap_channel(tap));
	if (err == 0)
		err = watch(crew, ringbus_tap_channel(tap), ret_elapsed_ns);
	ringbus_close(bus);
	return err;
}

/* NATS is optional: neither the packages of it nor its programs have to be there. */
static bool
wants_nats(void)
{
	const char *text = getenv("DEMO_NATS");

	return (text == NULL || strcmp(text, "no") != 0) &&
	       program_exists("nats-server") &&
	       program_exists("ringbus-bridge");
}

/* What is there before the roles are. */
static int
prepare(struct crew *crew, struct demo *demo)
{
	demo->has_nats = wants_nats();
	if (demo->has_nats && crew_start_server(crew, &demo->port) < 0)
		return -1;
	if (config_write(demo) < 0)
		return -1;
	return crew_start_daemon(crew);
}

static int
run(struct demo *demo, bool keep)
{
	struct crew crew;
	int64_t elapsed_ns = 0;
	bool ok;

	/* The place first: its janitor must not hold our descriptors open. */
	if (crew_init(&crew, demo) < 0 || place_make(&demo->place, keep) < 0 ||
	    open_descriptors(demo) < 0)
		return 1;
	ok = prepare(&crew, demo) == 0 && run_roles(&crew, &elapsed_ns) == 0;
	crew_stop(&crew);
	if (ok)
		ok = verdict_print(demo, elapsed_ns) && !crew.failed;
	if (crew.stopped_by == 0)
		return ok ? 0 : 1;
	fprintf(stderr, "demo: stopped by signal %d\n", crew.stopped_by);
	return 128 + crew.stopped_by;
}

int
main(int argc, char **argv)
{
	struct demo demo = { .input = argc > 1 ? argv[1] : NULL };
	const char *keep = getenv("KEEP");
	int code;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--help") == 0)) {
		fputs(usage, argc > 2 ? stderr : stdout);
		return argc > 2 ? 2 : 0;
	}
	if (read_events(&demo.n_orders) < 0 ||
	    (demo.input != NULL && check_input(demo.input) < 0))
		return 2;
	demo.channel = demo.input != NULL ? "lines" : "orders";
	code = run(&demo, keep != NULL && strcmp(keep, "1") == 0);
	place_remove(&demo.place);
	return code;
}
