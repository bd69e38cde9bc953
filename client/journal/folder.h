/* SPDX-License-Identifier: MIT */
/*
 * folder.h - the folder of a journal, for its one writer
 */
#ifndef JOURNAL_FOLDER_H
#define JOURNAL_FOLDER_H

/* Makes it if it is not there, locks it, and removes what earlier writers had not
 * made segments of yet. A descriptor of it, with that of the lock in *ret_lock; or
 * a negative errno after a message. */
int folder_open(const char *dir, int *ret_lock);

#endif
