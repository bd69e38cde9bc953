/* SPDX-License-Identifier: MIT */
/*
 * dump.h - the configuration as it holds, and what there is to configure
 *
 * For --dump-config, --schema and --keys, which start nothing.
 */
#ifndef RB_DAEMON_DUMP_H
#define RB_DAEMON_DUMP_H

#include <stdbool.h>

#include "config/config.h"

/* All values of all files, defaults included, as a configuration; behind each
 * where it comes from. Or as one JSON object. */
void rb_dump_config(const struct rb_config *config, bool as_json);

/* A JSON Schema (draft-07) of the file, made from the keys. */
void rb_dump_schema(void);

/* A line a key: section, name, type and range in words, default, what a change
 * takes, text; with tabs between. For the manual. */
void rb_dump_keys(void);

#endif
