/* SPDX-License-Identifier: MIT */
/*
 * choice.c - the words that a value can be, read from what its type says it is
 *
 * A part between commas or "or" that is one word in small letters is such a
 * word; one with blanks or digits in it describes something.
 */
#include "client/ctl/choice.h"

#include <stddef.h>
#include <string.h>

/* The next part of a text, and where the one behind it begins; NULL: none. */
static const char *
next_part(const char *text, size_t *ret_length)
{
	size_t n;

	text += strspn(text, ", ");
	if (strncmp(text, "or ", 3) == 0)
		text += 3;
	for (n = 0; text[n] != '\0' && text[n] != ','; n++)
		if (strncmp(text + n, " or ", 4) == 0)
			break;
	*ret_length = n;
	return n > 0 ? text : NULL;
}

static bool
is_word(const char *part, size_t length)
{
	size_t n = strspn(part, "abcdefghijklmnopqrstuvwxyz_");

	return n == length && n < CHOICE_SIZE;
}

static const char *
parts_of(const struct options_type *type)
{
	const char *text = type->wanted;

	return strncmp(text, "one of ", 7) == 0 ? text + 7 : text;
}

bool
choice_word(const struct options_type *type, unsigned index,
	    char word[CHOICE_SIZE])
{
	const char *part = parts_of(type);
	size_t length;

	while ((part = next_part(part, &length)) != NULL) {
		if (is_word(part, length) && index-- == 0) {
			memcpy(word, part, length);
			word[length] = '\0';
			return true;
		}
		part += length;
	}
	return false;
}

bool
choice_is_all(const struct options_type *type)
{
	const char *part = parts_of(type);
	size_t length;

	while ((part = next_part(part, &length)) != NULL) {
		if (!is_word(part, length))
			return false;
		part += length;
	}
	return true;
}
