/* SPDX-License-Identifier: MIT */
/*
 * lone.c - see lone.h
 *
 * It becomes a file of one value, in quotes, so that what is right and what is
 * said about it are the same.
 */
#include "config/lone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/block.h"

#define NAME "value"

/* False if it is too long. */
static bool
quote(const char *text, char ret[2 * RB_LONE_SIZE + 2])
{
	size_t n = 0;

	if (strlen(text) >= RB_LONE_SIZE)
		return false;
	ret[n++] = '"';
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			ret[n++] = '\\';
		ret[n++] = *text;
	}
	ret[n++] = '"';
	ret[n] = '\0';
	return true;
}

/* The first problem in one line: without its place, and the text it is in. */
static void
tell(const struct rb_problems *problems, char *why, size_t why_size)
{
	const char *text = problems->kept[0].text;
	const char *message = strstr(text, ": ") + 2;
	const char *hint = strstr(message, "\nhint: ");
	int n = (int)strcspn(message, "\n");

	if (hint == NULL)
		snprintf(why, why_size, "%.*s", n, message);
	else
		snprintf(why, why_size, "%.*s; %.*s", n, message,
			 (int)strcspn(hint + 7, "\n"), hint + 7);
}

int
rb_lone_parse(const struct rb_key *key, const char *text, void *base, char *why,
	      size_t why_size)
{
	struct rb_document *document = rb_document_new(NAME, 0);
	char quoted[2 * RB_LONE_SIZE + 2];
	struct rb_problems problems = { 0 };

	if (document == NULL)
		return -ENOMEM;
	if (!quote(text, quoted)) {
		rb_document_free(document);
		snprintf(why, why_size, "'%s' is longer than %d bytes",
			 key->name, RB_LONE_SIZE - 1);
		return -EINVAL;
	}
	rb_document_set_text(document, quoted, strlen(quoted));
	if (rb_document_load(document, &problems))
		rb_value_parse(key, rb_document_root(document), base,
			       &problems);
	if (problems.n_kept > 0)
		tell(&problems, why, why_size);
	if (problems.error == 0 && problems.n_total > 0)
		problems.error = -EINVAL;
	rb_document_free(document);
	rb_problems_deinit(&problems);
	return problems.error;
}
