/* SPDX-License-Identifier: MIT */
/*
 * name.c - which names may become a file in /dev/shm
 *
 * Asked by everyone who takes a name from somebody else. Byte ranges instead of
 * <ctype.h>, so that a locale has no say in it.
 */
#include "shm/limits.h"

#include <stddef.h>

static bool
is_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool
rb_name_is_valid(const char *name)
{
	size_t n;

	if (name == NULL || name[0] == '.' || name[0] == '-')
		return false;
	for (n = 0; n < RB_NAME_SIZE && name[n]; n++)
		if (!is_name_char(name[n]))
			return false;
	return n > 0 && n < RB_NAME_SIZE;
}
