/* SPDX-License-Identifier: MIT */
/*
 * verdict.c - see verdict.h
 *
 * The measure of all is the producer's own tally. Programs that are not ours are
 * asked by what they have made: the journal is read back and tallied like a process,
 * and the bridge by what the replica got. Of lines journal and copy have to equal the
 * input byte by byte.
 */
#include "examples/demo/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "examples/demo/board.h"
#include "examples/demo/readback.h"
#include "examples/demo/text.h"

static void
print_row(const char *name, const struct tally *t)
{
	bool is_empty = t->n_events == 0;

	printf("  %-10s %14s %8s %14s  %016" PRIx64 " %7s %9s %8s\n", name,
	       grouped((int64_t)t->n_events).s,
	       is_empty ? "-" : grouped((int64_t)t->first).s,
	       is_empty ? "-" : grouped((int64_t)t->last).s, t->sum,
	       grouped((int64_t)t->n_missing).s,
	       grouped((int64_t)t->n_repeated).s,
	       grouped((int64_t)t->n_damaged).s);
}

static bool
differ(const char *name, const char *what, uint64_t is, uint64_t should)
{
	if (is == should)
		return false;
	printf("DISAGREES: %s has %" PRIu64 " as %s, not %" PRIu64 "\n", name,
	       is, what, should);
	return true;
}

/* Says each number that is not as it should be. */
static bool
agrees(const char *name, const struct tally *t, const struct tally *measure)
{
	bool bad = differ(name, "events", t->n_events, measure->n_events);

	bad |= differ(name, "first event", t->first, measure->first);
	bad |= differ(name, "last event", t->last, measure->last);
	bad |= differ(name, "sum of checksums", t->sum, measure->sum);
	bad |= differ(name, "missing events", t->n_missing, 0);
	bad |= differ(name, "repeated events", t->n_repeated, 0);
	bad |= differ(name, "damaged events", t->n_damaged, 0);
	return !bad;
}

static FILE *
open_file(const char *path)
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		printf("FAILED: cannot open %s: %s\n", path, strerror(errno));
	return file;
}

/* Compares byte by byte; *ret_size counts the equal ones. */
static bool
is_same(FILE *a, FILE *b, uint64_t *ret_size)
{
	int x, y;

	*ret_size = 0;
	do {
		x = getc_unlocked(a);
		y = getc_unlocked(b);
		*ret_size += x == y && x != EOF;
	} while (x == y && x != EOF);
	return x == y && !ferror(a) && !ferror(b);
}

static bool
print_equal(const struct demo *demo, const char *name, bool same, uint64_t size)
{
	if (same)
		printf("%s equals the input: %s bytes\n", name,
		       grouped((int64_t)size).s);
	else
		printf("DISAGREES: %s differs from %s at byte %s\n", name,
		       demo->input, grouped((int64_t)size).s);
	return same;
}

static bool
compare_copy(const struct demo *demo)
{
	FILE *input = open_file(demo->input);
	FILE *copy = open_file(demo->place.replica);
	bool same = false;
	uint64_t size;

	if (input != NULL && copy != NULL) {
		same = is_same(input, copy, &size);
		print_equal(demo, role_names[ROLE_REPLICA], same, size);
	}
	if (input != NULL)
		fclose(input);
	if (copy != NULL)
		fclose(copy);
	return same;
}

static bool
read_journal(const struct demo *demo, struct readback *ret)
{
	FILE *input = demo->input != NULL ? open_file(demo->input) : NULL;
	bool ok;

	*ret = (struct readback){ 0 };
	if (demo->input != NULL && input == NULL)
		return false;
	ok = readback_journal(demo, input, ret);
	if (input != NULL)
		fclose(input);
	return ok;
}

/* The journal's row is of its files; a bridge has none but the replica's. */
static bool
print_tallies(const struct demo *demo, const struct report reports[N_ROLES],
	      const struct tally *journal)
{
	const struct tally *measure = &reports[ROLE_PRODUCER].tally;
	bool ok = true;

	printf("  %-10s %14s %8s %14s  %-16s %7s %9s %8s\n", "", "events",
	       "first", "last", "sum of checksums", "missing", "repeated",
	       "damaged");
	for (int role = 0; role < N_ROLES; role++)
		if (role == ROLE_JOURNAL)
			print_row("journal", journal);
		else if (!is_program(demo, role))
			print_row(role_names[role], &reports[role].tally);
	printf("\n");
	for (int role = 0; role < N_ROLES; role++)
		if (!is_program(demo, role))
			ok &= agrees(role_names[role], &reports[role].tally,
				     measure);
	return agrees("the journal", journal, measure) && ok;
}

static bool
print_order(const struct app_report *app)
{
	if (app->n_ahead > 0 || app->nearest < 0) {
		printf("FAILED: app ran ahead: it saw %s events too early, at "
		       "most %s slots ahead\n",
		       grouped((int64_t)app->n_ahead).s,
		       grouped(app->nearest < 0 ? -app->nearest : 0).s);
		return false;
	}
	printf("app never ran ahead of journal and replicate: %s looks, always "
	       "%s to %s slots behind\n",
	       grouped((int64_t)app->n_batches).s, grouped(app->nearest).s,
	       grouped(app->farthest).s);
	return true;
}

static bool
print_work(const struct demo *demo, const struct app_report *app)
{
	const struct book *book = &app->book;

	if (demo->input != NULL) {
		printf("app read %s bytes of text\n",
		       grouped((int64_t)app->n_bytes).s);
		return true;
	}
	printf("app made %s trades of %s pieces, %s rest in the book\n",
	       grouped((int64_t)book->n_trades).s,
	       grouped((int64_t)book->traded).s,
	       grouped((int64_t)book_resting(book)).s);
	if (!book_is_balanced(book))
		printf("FAILED: the order book is not balanced\n");
	return book_is_balanced(book);
}

static void
print_speed(const struct report reports[N_ROLES], int64_t elapsed_ns)
{
	uint64_t n = reports[ROLE_PRODUCER].tally.n_events;
	double elapsed_s = (double)elapsed_ns / 1e9;

	printf("%s events in %.2f s: %s events/s; at most %.1f ms from "
	       "producer to app\n",
	       grouped((int64_t)n).s, elapsed_s,
	       grouped((int64_t)((double)n / elapsed_s)).s,
	       (double)reports[ROLE_APP].app.latency_ns / 1e6);
}

bool
verdict_print(const struct demo *demo, int64_t elapsed_ns)
{
	struct report reports[N_ROLES];
	const struct app_report *app = &reports[ROLE_APP].app;
	struct readback journal;
	bool ok;

	printf("\n");
	ok = read_journal(demo, &journal);
	for (int role = 0; role < N_ROLES; role++)
		board_read_report(demo, role, &reports[role]);
	ok &= print_tallies(demo, reports, &journal.tally);
	if (demo->input != NULL) {
		ok &= print_equal(demo, "journal", !journal.differs,
				  journal.n_equal);
		ok &= compare_copy(demo);
	}
	ok &= print_order(app);
	ok &= print_work(demo, app);
	print_speed(reports, elapsed_ns);
	printf(ok ? "all agree\n" : "NOT all agree\n");
	return ok;
}
