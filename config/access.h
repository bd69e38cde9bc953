/* SPDX-License-Identifier: MIT */
/*
 * access.h - one entry of an access list
 */
#ifndef RB_CONFIG_ACCESS_H
#define RB_CONFIG_ACCESS_H

#include "config/config.h"

/*
 * Reads `any`, `user:NAME|UID` or `group:NAME|GID`. 0; -EINVAL for any other
 * text; -ENOENT for a name that the system does not know; else the error of
 * looking it up.
 */
int rb_access_parse(const char *text, struct rb_access_entry *ret);

#endif
