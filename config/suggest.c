/* SPDX-License-Identifier: MIT */
/*
 * suggest.c - the nearest right word
 *
 * Damerau-Levenshtein distance (a swap of neighbours counts as one slip), at
 * most two and at most a third of the word, but one is always allowed. Upper
 * and lower case, `-` and `_`, and a final s are no slip at all: these are the
 * mistakes people make knowing the word.
 */
#include "config/suggest.h"

#include <stdio.h>
#include <string.h>

#include "shm/base.h"
#include "shm/limits.h"

#define DISTANCE_MAX 2
#define WORD_SIZE RB_NAME_SIZE

/* Lower case, dashes for underscores, no final s; false if it is too long. */
static bool
fold(const char *word, char ret[WORD_SIZE])
{
	size_t i, n = strlen(word);

	if (n >= WORD_SIZE)
		return false;
	for (i = 0; i < n; i++) {
		ret[i] = word[i] == '-' ? '_' : word[i];
		if (word[i] >= 'A' && word[i] <= 'Z')
			ret[i] = (char)(word[i] - 'A' + 'a');
	}
	if (n > 1 && ret[n - 1] == 's')
		n--;
	ret[n] = '\0';
	return true;
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

static unsigned
measure(const char *a, const char *b)
{
	unsigned rows[3][WORD_SIZE];
	unsigned *now = rows[0], *last = rows[1], *before = rows[2], *spare;
	size_t i, j, n_a = strlen(a), n_b = strlen(b);

	for (j = 0; j <= n_b; j++)
		now[j] = (unsigned)j;
	for (i = 1; i <= n_a; i++) {
		spare = before;
		before = last;
		last = now;
		now = spare;
		now[0] = (unsigned)i;
		for (j = 1; j <= n_b; j++) {
			now[j] = min3(last[j] + 1, now[j - 1] + 1,
				      last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] < now[j])
				now[j] = before[j - 2] + 1;
		}
	}
	return now[n_b];
}

void
rb_suggestion_init(struct rb_suggestion *suggestion, const char *word)
{
	size_t third = strlen(word) / 3;

	suggestion->word = word;
	suggestion->best = NULL;
	suggestion->distance = third < 1              ? 1
			       : third < DISTANCE_MAX ? (unsigned)third
						      : DISTANCE_MAX;
	suggestion->distance++;
}

void
rb_suggestion_offer(struct rb_suggestion *suggestion, const char *right)
{
	char a[WORD_SIZE], b[WORD_SIZE];
	unsigned distance;

	if (!fold(suggestion->word, a) || !fold(right, b) || !a[0])
		return;
	distance = measure(a, b);
	if (distance < suggestion->distance) {
		suggestion->best = right;
		suggestion->distance = distance;
	}
}

const char *
rb_suggestion_say(const struct rb_suggestion *suggestion, char *text,
		  size_t size)
{
	if (!suggestion->best)
		return NULL;
	snprintf(text, size, "did you mean '%s'?", suggestion->best);
	return text;
}
