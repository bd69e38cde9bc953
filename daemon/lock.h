/* SPDX-License-Identifier: MIT */
/*
 * lock.h - one daemon per shared memory folder
 *
 * A flock() on the file `.lock` in it, which holds the daemon's pid for people.
 * The lock goes with the process, however it ends; a clean end removes the file.
 */
#ifndef RB_DAEMON_LOCK_H
#define RB_DAEMON_LOCK_H

#include <stdbool.h>

#define RB_LOCK_NAME ".lock" /* no channel has such a name */

/*
 * Takes the lock. `path` is the folder's, for messages. A descriptor to keep;
 * -EBUSY if another daemon has it, or another negative errno; has said why.
 */
int rb_lock_take(int shm_dirfd, const char *path);

/* Whether the file is still there, and the one that is held by `fd`. */
bool rb_lock_is_ours(int shm_dirfd, int fd);

/* Removes the file, while the lock is still held. */
void rb_lock_remove(int shm_dirfd);

#endif
