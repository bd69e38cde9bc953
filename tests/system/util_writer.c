/* SPDX-License-Identifier: MIT */
/*
 * util_writer.c - see util_writer.h
 */
#include "tests/system/util_writer.h"

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* What is not given is what is so anyway. */
static void
launch(struct t_writer *w, const struct t_daemon *daemon, va_list args)
{
	char dir[PATH_MAX + 8], settings[3][128];
	const char *text = NULL;
	bool is_end = false;

	if (w->dir[0] == '\0')
		snprintf(w->dir, sizeof(w->dir), "%s/journal", t_tmpdir());
	snprintf(dir, sizeof(dir), "-odir=%s", w->dir);
	for (int i = 0; i < 3; i++) {
		text = is_end ? NULL : va_arg(args, const char *);
		is_end = text == NULL;
		snprintf(settings[i], sizeof(settings[i]), "-o%s",
			 is_end ? "consumer=journal" : text);
	}
	w->run = (struct t_run){ .socket = daemon->socket };
	t_run_start(&w->run, "ringbus-journal", settings[2], settings[1],
		    settings[0], dir, "a", NULL);
}

void
t_writer_launch(struct t_writer *w, const struct t_daemon *daemon, ...)
{
	va_list args;

	va_start(args, daemon);
	launch(w, daemon, args);
	va_end(args);
}

static bool
is_attached(const struct t_writer *w)
{
	return t_run_said(&w->run, "begins at") ||
	       t_run_said(&w->run, "goes on at") ||
	       t_run_said(&w->run, "a hole");
}

void
t_writer_start(struct t_writer *w, const struct t_daemon *daemon, ...)
{
	va_list args;

	va_start(args, daemon);
	launch(w, daemon, args);
	va_end(args);
	t_until(is_attached(w));
}

void
t_writer_stop(struct t_writer *w)
{
	ck_assert_int_eq(kill(w->run.pid, SIGTERM), 0);
	t_run_ends(&w->run, 0);
}

void
t_writer_kill(struct t_writer *w)
{
	t_kill(w->run.pid);
}

int64_t
t_writer_sequence(const struct t_bus *b)
{
	struct ringbus_tap *tap = t_tap(b->bus, RINGBUS_FROM_NOW);
	int64_t sequence = t_member(ringbus_tap_channel(tap), RINGBUS_CONSUMER,
				    "journal")
				   .sequence;

	ringbus_tap_close(tap);
	return sequence;
}

void
t_writer_until(const struct t_bus *b, int64_t sequence)
{
	t_until(t_writer_sequence(b) >= sequence);
}

void
t_writer_until_stored(const struct t_writer *w, int64_t sequence)
{
	struct ringbus_journal_info info = { .size = sizeof(info) };
	struct ringbus_journal *journal;

	t_until(t_writer_count(w, ".rbj") > 0);
	t_ok(ringbus_journal_open(w->dir, &journal));
	t_until(ringbus_journal_info(journal, &info) == 0 &&
		info.last == sequence);
	ringbus_journal_close(journal);
}

int
t_told(struct ringbus_journal *journal, struct ringbus_event *ret)
{
	int r = ringbus_journal_next(journal, ret);

	if (r < 0 || r == RINGBUS_JOURNAL_DAMAGE)
		ck_abort_msg("the journal: %d: %s", r,
			     ringbus_journal_error(journal));
	return r;
}

void
t_stored(const struct t_writer *w, int64_t epoch, int64_t first, int64_t last)
{
	struct ringbus_journal *journal;
	struct ringbus_event event;
	int r;

	t_ok(ringbus_journal_open(w->dir, &journal));
	t_ok(ringbus_journal_seek(journal, epoch, RINGBUS_FROM_OLDEST));
	for (int64_t i = first; i <= last; i++) {
		r = t_told(journal, &event);
		if (r != RINGBUS_JOURNAL_EVENT || event.sequence != i ||
		    t_value(&event) != (uint64_t)i)
			ck_abort_msg("at %lld: told %d, sequence %lld, %llu",
				     (long long)i, r, (long long)event.sequence,
				     (unsigned long long)t_value(&event));
	}
	r = t_told(journal, &event);
	ck_assert_int_ne(r, RINGBUS_JOURNAL_EVENT);
	ck_assert_int_ne(r, RINGBUS_JOURNAL_HOLE);
	ringbus_journal_close(journal);
}

static unsigned
look(const struct t_writer *w, const char *suffix, char ret_last[NAME_MAX + 1])
{
	DIR *dir = opendir(w->dir);
	struct dirent *entry;
	unsigned n = 0;

	ret_last[0] = '\0';
	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		size_t size = strlen(entry->d_name), end = strlen(suffix);

		if (size < end ||
		    strcmp(entry->d_name + size - end, suffix) != 0)
			continue;
		n++;
		if (strcmp(entry->d_name, ret_last) > 0)
			snprintf(ret_last, NAME_MAX + 1, "%s", entry->d_name);
	}
	closedir(dir);
	return n;
}

unsigned
t_writer_count(const struct t_writer *w, const char *suffix)
{
	char last[NAME_MAX + 1];

	return look(w, suffix, last);
}

void
t_writer_last(const struct t_writer *w, const char *suffix, char ret[PATH_MAX])
{
	char last[NAME_MAX + 1];

	ck_assert_uint_gt(look(w, suffix, last), 0);
	ck_assert_int_lt(snprintf(ret, PATH_MAX, "%s/%s", w->dir, last),
			 PATH_MAX);
}
