/* SPDX-License-Identifier: MIT */
/*
 * report.h - collecting what is wrong, in file order
 *
 * Checks run in the order that suits them, people read from the top: problems
 * are kept sorted by place, and only the first RB_CONFIG_PROBLEMS_MAX of them.
 * Trouble that is not the author's fault (no memory, an unreadable file) is
 * kept beside them as an errno, so that the checks need no error paths.
 */
#ifndef RB_CONFIG_REPORT_H
#define RB_CONFIG_REPORT_H

#include <stddef.h>

#include "config/config.h"
#include "shm/base.h"

/* One text that problems point into. */
struct rb_source {
	const char *name;
	const char *text;
	size_t size;
	unsigned order; /* of reading */
};

#define RB_WHOLE_FILE SIZE_MAX

/* Zero-based, a column being a character; line RB_WHOLE_FILE for the file. */
struct rb_place {
	const struct rb_source *source;
	size_t line;
	size_t column;
};

struct rb_problem {
	struct rb_place place;
	char *text;
};

struct rb_problems {
	int error; /* the first negative errno, 0 if there was none */
	unsigned n_total;
	unsigned n_kept;
	struct rb_problem kept[RB_CONFIG_PROBLEMS_MAX];
};

/* A word of the author's in a message: quoted, and cut if absurdly long. */
#define RB_QUOTED "'%.80s'"

void rb_problems_deinit(struct rb_problems *problems);

/* Adds a problem; `hint` is one more line below it, or NULL. */
void rb_problems_add(struct rb_problems *problems, struct rb_place place,
		     const char *hint, const char *format, ...)
	rb_printf_(4, 5);

/* Remembers the first failure that is none of the author's. */
void rb_problems_fail(struct rb_problems *problems, int error);

/* Writes it all out. 0, or -EINVAL if there are problems, or their error. */
int rb_problems_report(struct rb_problems *problems,
		       struct rb_config_report *report);

/* Where in the text a byte is, and the byte at a place. */
struct rb_place rb_source_place(const struct rb_source *source, size_t offset);
size_t rb_source_offset(struct rb_place place);

#endif
