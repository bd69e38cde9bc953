/* SPDX-License-Identifier: MIT */
/*
 * access.h - the entries of an access list
 */
#ifndef RB_CONFIG_ACCESS_H
#define RB_CONFIG_ACCESS_H

#include "config/config.h"

#define RB_ACCESS_CREATOR_WORD "creator"

/*
 * Adds `any`, `user:NAME|UID`, `group:NAME|GID` or, to a list that knows of
 * creators, `creator`; the list has room. 0; -EINVAL for any other text; -ENOENT
 * for a name that the system does not know; else the error of looking it up.
 */
int rb_access_add(struct rb_access_list *list, const char *text,
		  bool knows_creator);

#endif
