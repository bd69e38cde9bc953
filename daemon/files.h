/* SPDX-License-Identifier: MIT */
/*
 * files.h - the four files of a channel: made, opened and removed one by one
 */
#ifndef RB_DAEMON_FILES_H
#define RB_DAEMON_FILES_H

#include "daemon/hosted.h"

/* Makes meta, ring and gates in a folder. 0 or a negative errno; *fds has those
 * that were made. */
int rb_files_create(int dirfd, const struct rb_geometry *geometry,
		    int fds[RB_FILES]);

/* Makes the bell. A descriptor or a negative errno. */
int rb_files_create_bell(int dirfd);

/* Another descriptor of one of its files (enum rb_file or RB_FD_BELL), read-write
 * or read-only. */
int rb_files_open(const struct rb_hosted *hosted, int file, bool writable);

void rb_files_close(int fds[RB_FILES]);

/* Removes those that are there; -ENOTEMPTY if something has the name of one that
 * is no file. */
int rb_files_remove(int dirfd);

#endif
