/* SPDX-License-Identifier: MIT */
/*
 * util_adopt.h - a channel in use whose daemon was killed, and what the next one
 * makes of it
 *
 *	struct t_orphan o;
 *
 *	t_orphan_begin(&o);
 *	...                                   do something to o.folder
 *	t_orphan_is_refused(&o, -EBADMSG, "ring is missing");
 *	t_orphan_clean_up(&o);
 *
 * The channel is called "a"; there is another one, "b", that stays whole.
 */
#ifndef T_UTIL_ADOPT_H
#define T_UTIL_ADOPT_H

#include "tests/system/util_daemon.h"

struct t_orphan {
	struct t_daemon d;
	pid_t member; /* still lives */
	char folder[PATH_MAX];
	char print[65536]; /* of what is in it */
};

void t_orphan_begin(struct t_orphan *s);

/* A file in the folder, or with "" the folder. */
void t_orphan_path(const struct t_orphan *s, const char *file,
		   char path[2 * PATH_MAX]);

/*
 * --check foretells it, and the next daemon does it: "a" is left as it is, to the
 * last byte, also when that daemon stops; log and refusals say `why`, and "b" is
 * served. Who wants to attach gets `err`.
 */
void t_orphan_is_refused(struct t_orphan *s, int err, const char *why);

/* The same, but "a" is served, and its member is watched. */
void t_orphan_is_taken_over(struct t_orphan *s);

/* The same, but it is broken: nobody is let in until the member has gone and the
 * configuration is reloaded, which makes "a" anew. The next daemon says `why`. */
void t_orphan_is_broken(struct t_orphan *s, const char *why);

/* The operator stops the member and removes the folder, and all is well again. */
void t_orphan_clean_up(struct t_orphan *s);

#endif
