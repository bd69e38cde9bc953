/* SPDX-License-Identifier: MIT */
/*
 * report.c - problems as text: place, message, the line, a caret, a hint
 *
 * The text is written to terminals and journals while what it quotes comes from
 * a file, so control characters and broken UTF-8 are shown as '?'. The caret
 * line repeats the tabs of the source line, so that it points right whatever
 * a tab is worth. Lines break where libyaml breaks them, or its line numbers
 * would point elsewhere.
 */
#include "config/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SHOWN 160 /* characters shown of a long line */
#define LINE_BEFORE 80 /* of them in front of the caret */

static void
freep(char **p)
{
	free(*p);
}

/* Bytes of the character at p; 1 for what is no UTF-8. */
static size_t
char_size(const char *p, size_t left)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t n = u[0] < 0xc2   ? 1
		   : u[0] < 0xe0 ? 2
		   : u[0] < 0xf0 ? 3
		   : u[0] < 0xf5 ? 4
				 : 1;
	size_t i;

	if (n > left)
		return 1;
	for (i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 1;
	return n;
}

/* Bytes of the line break at p; 0 if there is none. */
static size_t
break_size(const char *p, size_t left)
{
	if (p[0] == '\r')
		return left > 1 && p[1] == '\n' ? 2 : 1;
	if (p[0] == '\n')
		return 1;
	if (left > 1 && memcmp(p, "\xc2\x85", 2) == 0)
		return 2;
	if (left > 2 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 ||
			 memcmp(p, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

static void
print_char(FILE *file, const char *p, size_t size)
{
	unsigned char c = (unsigned char)p[0];
	bool is_control = size == 1 && ((c < 0x20 && c != '\t') || c >= 0x7f);
	bool is_c1 = size == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0;

	if (is_control || is_c1)
		fputc('?', file);
	else
		fwrite(p, 1, size, file);
}

static void
print_clean(FILE *file, const char *text)
{
	size_t left = strlen(text), n;

	for (; left > 0; text += n, left -= n) {
		n = char_size(text, left);
		print_char(file, text, n);
	}
	fputc('\n', file);
}

/* The byte at which a line starts. */
static size_t
find_line(const struct rb_source *source, size_t line)
{
	size_t at = 0, n;

	while (line > 0 && at < source->size) {
		n = break_size(source->text + at, source->size - at);
		at += n ? n : 1;
		line -= n ? 1 : 0;
	}
	return at;
}

static void
print_source_line(FILE *file, struct rb_place place)
{
	const struct rb_source *source = place.source;
	size_t at = find_line(source, place.line), i, n;
	size_t cut = place.column > LINE_SHOWN - LINE_BEFORE
			     ? place.column - LINE_BEFORE
			     : 0;
	char pad[LINE_SHOWN];
	size_t n_pad = 0;

	for (i = 0; i < cut + LINE_SHOWN && at < source->size; i++, at += n) {
		if (break_size(source->text + at, source->size - at))
			break;
		n = char_size(source->text + at, source->size - at);
		if (i < cut)
			continue;
		print_char(file, source->text + at, n);
		if (i < place.column)
			pad[n_pad++] = source->text[at] == '\t' ? '\t' : ' ';
	}
	fprintf(file, "\n%.*s^\n", (int)n_pad, pad);
}

struct rb_place
rb_source_place(const struct rb_source *source, size_t offset)
{
	struct rb_place place = { .source = source };
	size_t at = 0, n;

	while (at < source->size && at < offset) {
		n = break_size(source->text + at, source->size - at);
		if (n) {
			place.line++;
			place.column = 0;
		} else {
			n = char_size(source->text + at, source->size - at);
			place.column++;
		}
		at += n;
	}
	return place;
}

size_t
rb_source_offset(struct rb_place place)
{
	const struct rb_source *source = place.source;
	size_t at = find_line(source, place.line), i;

	for (i = 0; i < place.column && at < source->size; i++)
		at += char_size(source->text + at, source->size - at);
	return at;
}

/* Less, equal or greater than zero, as strcmp(). */
static int
compare_places(struct rb_place a, struct rb_place b)
{
	if (a.source->order != b.source->order)
		return a.source->order < b.source->order ? -1 : 1;
	if (a.line != b.line)
		return a.line < b.line ? -1 : 1;
	if (a.column != b.column)
		return a.column < b.column ? -1 : 1;
	return 0;
}

/* The whole text of a problem, to be freed; NULL on no memory. */
static char *
render(struct rb_place place, const char *message, const char *hint)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	bool failed;

	if (!file)
		return NULL;
	if (place.line == RB_WHOLE_FILE)
		fprintf(file, "%s: ", place.source->name);
	else
		fprintf(file, "%s:%zu:%zu: ", place.source->name,
			place.line + 1, place.column + 1);
	print_clean(file, message);
	if (place.line != RB_WHOLE_FILE)
		print_source_line(file, place);
	if (hint) {
		fputs("hint: ", file);
		print_clean(file, hint);
	}
	failed = ferror(file);
	if (fclose(file) || failed) {
		free(text);
		return NULL;
	}
	return text;
}

/* Puts a problem behind those that are not after it; drops the last. */
static void
insert_problem(struct rb_problems *problems, struct rb_problem problem)
{
	unsigned at = problems->n_kept;
	struct rb_problem *kept = problems->kept;

	if (problems->n_kept == RB_CONFIG_PROBLEMS_MAX) {
		free(kept[--at].text);
		problems->n_kept--;
	}
	for (; at > 0; at--) {
		if (compare_places(kept[at - 1].place, problem.place) <= 0)
			break;
		kept[at] = kept[at - 1];
	}
	kept[at] = problem;
	problems->n_kept++;
}

static bool
is_worth_keeping(const struct rb_problems *problems, struct rb_place place)
{
	const struct rb_problem *last;

	if (problems->n_kept < RB_CONFIG_PROBLEMS_MAX)
		return true;
	last = &problems->kept[RB_CONFIG_PROBLEMS_MAX - 1];
	return compare_places(place, last->place) < 0;
}

void
rb_problems_add(struct rb_problems *problems, struct rb_place place,
		const char *hint, const char *format, ...)
{
	struct rb_problem problem = { .place = place };
	rb_cleanup_(freep) char *message = NULL;
	va_list args;

	problems->n_total++;
	if (!is_worth_keeping(problems, place))
		return;
	va_start(args, format);
	if (vasprintf(&message, format, args) < 0)
		message = NULL;
	va_end(args);
	if (message)
		problem.text = render(place, message, hint);
	if (!problem.text) {
		rb_problems_fail(problems, -ENOMEM);
		return;
	}
	insert_problem(problems, problem);
}

void
rb_problems_fail(struct rb_problems *problems, int error)
{
	if (!problems->error)
		problems->error = error;
}

static char *
join_problems(const struct rb_problems *problems)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	unsigned i, n_more = problems->n_total - problems->n_kept;
	bool failed;

	if (!file)
		return NULL;
	for (i = 0; i < problems->n_kept; i++)
		fputs(problems->kept[i].text, file);
	if (n_more)
		fprintf(file, "%u more problem%s not shown\n", n_more,
			n_more == 1 ? "" : "s");
	failed = ferror(file);
	if (fclose(file) || failed) {
		free(text);
		return NULL;
	}
	return text;
}

int
rb_problems_report(struct rb_problems *problems,
		   struct rb_config_report *report)
{
	*report = (struct rb_config_report){ 0 };
	if (problems->n_total == 0)
		return problems->error;
	report->text = join_problems(problems);
	if (!report->text)
		return -ENOMEM;
	report->n_problems = problems->n_total;
	return problems->error ? problems->error : -EINVAL;
}

void
rb_problems_deinit(struct rb_problems *problems)
{
	while (problems->n_kept > 0)
		free(problems->kept[--problems->n_kept].text);
}

void
rb_config_report_deinit(struct rb_config_report *report)
{
	free(report->text);
	*report = (struct rb_config_report){ 0 };
}
