/* SPDX-License-Identifier: MIT */
/*
 * rewind_sqlite.c - a batch is one transaction of SQLite, or it is none
 *
 * usage: rewind_sqlite CHANNEL DATABASE
 *
 * Each event becomes a row. A batch that goes wrong, be it at its commit, is
 * rolled back, and RINGBUS_REWIND has it again. One that SQLite has committed, and
 * we not because we were killed, comes once more: so the sequence is the key.
 */
#include <sqlite3.h>

#include "examples/example.h"

static const char table[] = "CREATE TABLE IF NOT EXISTS events"
			    "(sequence INTEGER PRIMARY KEY, data BLOB)";
static const char row[] = "INSERT OR IGNORE INTO events VALUES (?, ?)";

static int
sql(sqlite3_stmt *any, const char *text)
{
	return sqlite3_exec(sqlite3_db_handle(any), text, NULL, NULL, NULL);
}

static int
begin(void *context, int64_t batch_size, int64_t queue_depth)
{
	(void)batch_size, (void)queue_depth;
	return sql(context, "BEGIN") == SQLITE_OK ? 0 : -EIO;
}

static int
insert(void *context, const struct ringbus_event *event, int end_of_batch)
{
	sqlite3_stmt *stmt = context;
	int rc;

	sqlite3_bind_int64(stmt, 1, event->sequence);
	sqlite3_bind_blob(stmt, 2, event->data, (int)event->size, NULL);
	sqlite3_step(stmt);
	rc = sqlite3_reset(stmt);
	if (rc == SQLITE_OK && end_of_batch)
		rc = sql(stmt, "COMMIT");
	if (rc == SQLITE_OK)
		return RINGBUS_CONTINUE;
	printf("rewind at %lld: %s\n", (long long)event->sequence,
	       sqlite3_errmsg(sqlite3_db_handle(stmt)));
	sql(stmt, "ROLLBACK");
	return RINGBUS_REWIND;
}

int
main(int argc, char **argv)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct ringbus *bus = example_connect();
	struct ringbus_consumer *c;
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int r;

	/* Who reads the database holds us up for a moment, and is no error. */
	if (argc != 3 || sqlite3_open(argv[2], &db) != SQLITE_OK ||
	    sqlite3_busy_timeout(db, 10000) != SQLITE_OK ||
	    sqlite3_exec(db, table, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, row, -1, &stmt, NULL) != SQLITE_OK)
		return 2;
	options.name = "sqlite";
	must(ringbus_consumer_open(bus, argv[1], &options, &c), argv[1], bus);
	handlers.context = stmt;
	handlers.on_batch_start = begin;
	handlers.on_event = insert;
	handlers.rewind = RINGBUS_REWIND_BACKOFF;
	handlers.rewind_pause_ns = 1000000; /* 1 ms, 2, 4, ... up to a second */
	r = ringbus_consumer_run(c, &handlers);
	ringbus_close(bus);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return r != -ESHUTDOWN;
}
