/* SPDX-License-Identifier: MIT */
/*
 * inspect.h - what lies under the name of a channel, file by file
 *
 * Before anything of an earlier daemon is mapped or removed, it is looked at
 * from outside: is it a folder of ours, are its files what we make (those of a
 * sealed channel come from the store), does the header say what a header of ours
 * says. Nothing here follows a link, waits for a reader, or writes.
 */
#ifndef RB_DAEMON_INSPECT_H
#define RB_DAEMON_INSPECT_H

#include "daemon/folder.h"

#define RB_WHY_SIZE 768

struct rb_finding {
	int err;
	uint64_t
		sealed; /* the generation of a sealed channel; 0: a named one */
	bool is_short;  /* ring or gates are, as clients can do; no error */
	char why[RB_WHY_SIZE / 2]; /* for people, to continue the path */
};

/*
 * 0 if it is a channel of this ringbus. -ENODATA: a sealed one whose memory is gone;
 * -ENOENT: no channel at all;
 * -EPROTONOSUPPORT: one of another memory layout; -EBADMSG: a damaged one; or
 * another negative errno. ret->err is the same, and ret->why names the file or
 * field, also of one that is short.
 */
int rb_inspect(const struct rb_maker *maker, const char *name,
	       struct rb_finding *ret);

#endif
