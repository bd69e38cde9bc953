/* SPDX-License-Identifier: MIT */
/*
 * parents.h - who else could put another thing in the place of one of ours
 *
 * Whoever may write to a folder can rename what is in it, and put something of
 * his own there, before we start or in between. So whatever is found by its path
 * has to lie below folders that only root and we may write to, or where, as in
 * /dev/shm and /tmp, the sticky bit leaves to everybody what is his.
 */
#ifndef RB_DAEMON_PARENTS_H
#define RB_DAEMON_PARENTS_H

/*
 * Looks at the folder `dirfd`, in which `path` lies, and at all above it, as they
 * are, wherever links on the way lead; and at those links, which have to be root's
 * or ours, or they lead elsewhere tomorrow. `option` is what to give for another
 * place. 0; -EPERM, or another negative errno, and has said why.
 */
int rb_parents_check(int dirfd, const char *path, const char *option);

#endif
