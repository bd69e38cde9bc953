/* SPDX-License-Identifier: MIT */
/*
 * test_rewind_sqlite.c - rewind_sqlite stores each event exactly once, whatever
 * the database says and whoever kills it
 *
 * The database is made to fail by a trigger, as long as there is a row in the
 * table `broken`.
 */
#include "tests/system/util_bus.h"
#include "tests/system/util_program.h"
#include "tests/t.h"

#if __has_include(<sqlite3.h>)

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>

#include "client/ringbus.h"

#define N_FEW 20
#define N_KILLS 10

static const char config[] = "channels:\n"
			     "  bookings:\n"
			     "    slots: 64\n"
			     "    framing: framed\n"
			     "    slot_size: 16\n"
			     "    consumers: { sqlite: { on_death: keep } }\n";

static const char schema[] =
	"CREATE TABLE events (sequence INTEGER PRIMARY KEY, data BLOB);"
	"CREATE TABLE broken (row);"
	"INSERT INTO broken VALUES (1);"
	"CREATE TRIGGER fail BEFORE INSERT ON events "
	"WHEN NEW.sequence = 13 AND EXISTS (SELECT 1 FROM broken) "
	"BEGIN SELECT RAISE (ABORT, 'we are closed'); END;";

static const char *
database_path(void)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/events.db", t_tmpdir());
	return path;
}

static sqlite3 *
open_database(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(database_path(), &db), SQLITE_OK);
	sqlite3_busy_timeout(db, T_PATIENCE * 1000);
	return db;
}

static void
run_sql(sqlite3 *db, const char *text)
{
	ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK,
		      "%s: %s", text, sqlite3_errmsg(db));
}

/* The number that a query gives; -1 if there is no such table yet. */
static int
ask_sql(sqlite3 *db, const char *query)
{
	sqlite3_stmt *stmt;
	int answer;

	if (sqlite3_prepare_v2(db, query, -1, &stmt, NULL) != SQLITE_OK)
		return -1;
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	answer = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return answer;
}

static int
count_rows(sqlite3 *db)
{
	return ask_sql(db, "SELECT count(*) FROM events");
}

/* Event i has the text of i, and as its sequence i. `stop` becomes not 0 when
 * there are enough; returns how many there are. */
static int
publish(const char *socket, int n_max, const struct rb_word64 *stop)
{
	struct ringbus_producer *producer;
	struct ringbus *bus;
	char text[16];
	int i;

	t_ok(ringbus_connect(socket, &bus));
	t_ok(ringbus_producer_open(bus, "bookings", NULL, &producer));
	for (i = 0; i < n_max && t_read(stop) == 0; i++) {
		snprintf(text, sizeof(text), "%d", i);
		t_ok(ringbus_producer_write(producer, text, strlen(text),
					    RINGBUS_FOREVER));
	}
	t_ok(ringbus_end(bus, "bookings"));
	ringbus_close(bus);
	return i;
}

static void
assert_exactly_once(sqlite3 *db, int n)
{
	ck_assert_int_eq(count_rows(db), n);
	ck_assert_int_eq(ask_sql(db, "SELECT max(sequence) FROM events"),
			 n - 1);
	ck_assert_int_eq(ask_sql(db, "SELECT count(*) FROM events WHERE "
				     "CAST(data AS TEXT) = "
				     "CAST(sequence AS TEXT)"),
			 n);
}

TEST(a_batch_that_fails_is_rolled_back_and_comes_again)
{
	struct t_daemon daemon;
	struct t_run run = { .socket = daemon.socket };
	sqlite3 *db = open_database();

	run_sql(db, schema);
	/* As if somebody had been killed after SQLite's commit. */
	run_sql(db, "INSERT INTO events VALUES (0, '0')");
	t_daemon_start(&daemon, config);
	ck_assert_int_eq(publish(daemon.socket, N_FEW, t_counter()), N_FEW);
	t_run_start(&run, "examples/rewind_sqlite", "bookings", database_path(),
		    NULL);
	t_until(t_run_count(&run, "rewind at 13: we are closed\n") >= 3);
	ck_assert_int_eq(count_rows(db), 1);
	run_sql(db, "DELETE FROM broken");
	t_run_ends(&run, 0);
	assert_exactly_once(db, N_FEW);
	sqlite3_close(db);
	t_daemon_stop(&daemon);
}

/* The consumer, by a tap: to look into the database would keep it from writing. */
static struct ringbus_member
consumer(const struct ringbus_tap *tap)
{
	return t_member(ringbus_tap_channel(tap), RINGBUS_CONSUMER, "sqlite");
}

struct publishing {
	const struct t_daemon *daemon;
	struct rb_word64 *stop;
	struct rb_word64 *n_events;
};

static int
publish_until_told(void *arg)
{
	const struct publishing *p = arg;

	t_store(p->n_events,
		(uint64_t)publish(p->daemon->socket, INT_MAX, p->stop));
	return 0;
}

TEST(who_is_killed_again_and_again_stores_each_event_once)
{
	struct t_daemon daemon;
	struct t_run run = { .socket = daemon.socket };
	struct publishing p = { &daemon, t_counter(), t_counter() };
	struct ringbus_tap *tap;
	struct ringbus *bus;
	pid_t publisher;
	sqlite3 *db;

	t_daemon_start(&daemon, config);
	bus = t_connect(&daemon);
	t_bus_ok(bus, ringbus_tap_open(bus, "bookings", NULL, &tap));
	publisher = t_child(publish_until_told, &p);
	for (int i = 0; i < N_KILLS; i++) {
		int64_t last = consumer(tap).sequence;

		t_run_start(&run, "examples/rewind_sqlite", "bookings",
			    database_path(), NULL);
		t_until(consumer(tap).sequence > last);
		t_kill(run.pid);
		/* Nobody can take the place before the daemon knows of it. */
		t_until(consumer(tap).state == RINGBUS_MEMBER_ABSENT);
	}
	t_store(p.stop, 1);
	t_run_start(&run, "examples/rewind_sqlite", "bookings", database_path(),
		    NULL);
	t_run_ends(&run, 0);
	t_join(publisher);
	db = open_database();
	assert_exactly_once(db, (int)t_read(p.n_events));
	sqlite3_close(db);
	ringbus_close(bus);
	t_daemon_stop(&daemon);
}

#else

TEST(rewind_sqlite_needs_sqlite)
{
	T_SKIP("no sqlite3.h: install libsqlite3-dev");
}

#endif
