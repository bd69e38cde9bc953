/* SPDX-License-Identifier: MIT */
/*
 * suggest.h - "did you mean"
 *
 * Start with the word as written, offer it every word that would have been
 * right, and take the best.
 */
#ifndef RB_CONFIG_SUGGEST_H
#define RB_CONFIG_SUGGEST_H

#include <stddef.h>

struct rb_suggestion {
	const char *word;
	const char *best; /* NULL while none is near enough */
	unsigned distance;
};

void rb_suggestion_init(struct rb_suggestion *suggestion, const char *word);
void rb_suggestion_offer(struct rb_suggestion *suggestion, const char *right);

/* "did you mean 'slots'?" in `text`; NULL if nothing is near enough. */
const char *rb_suggestion_say(const struct rb_suggestion *suggestion,
			      char *text, size_t size);

#endif
