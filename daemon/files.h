/* SPDX-License-Identifier: MIT */
/*
 * files.h - the four files of a channel: made, opened and removed one by one
 *
 * Of a named channel all four lie in its folder. Of a sealed one only the bell does,
 * as nobody is notified of what is read from a memfd; meta, ring and gates are memfds
 * that the daemon holds, and store.h keeps. Either way a descriptor for a client is
 * opened anew, in the mode of its role.
 */
#ifndef RB_DAEMON_FILES_H
#define RB_DAEMON_FILES_H

#include "daemon/hosted.h"

/* Makes meta, ring and gates for a new rb_hosted, in its folder or sealed. 0 or a
 * negative errno; *fds has those that were made. */
int rb_files_create(const struct rb_hosted *hosted,
		    const struct rb_geometry *geometry,
		    enum rb_isolation isolation, int fds[RB_FILES]);

/* Makes the bell, in which the generation of a sealed channel is written down. A
 * descriptor or a negative errno. */
int rb_files_create_bell(const struct rb_hosted *hosted);

/*
 * What the bell in a folder says: the generation of a sealed channel, 0 in a named
 * one or if it says something else, or a negative errno.
 */
int64_t rb_files_read_bell(int dirfd);

/* Another descriptor of one of its files (enum rb_file or RB_FD_BELL), read-write
 * or read-only. -EBADMSG if what has its name is no plain file of one link. */
int rb_files_open(const struct rb_hosted *hosted, int file, bool writable);

void rb_files_close(int fds[RB_FILES]);

/* Removes those that are in a folder; -ENOTEMPTY if something has the name of one
 * that is no file. */
int rb_files_remove(int dirfd);

/* Bytes that a sealed channel could have at most, as no file system bounds it. */
uint64_t rb_files_available(void);

#endif
