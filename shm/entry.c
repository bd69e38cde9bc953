/* SPDX-License-Identifier: MIT */
/*
 * entry.c - see entry.h
 */
#include "shm/entry.h"

#include <string.h>

/* Who resumes has its name: killed between these two, we would have left none,
 * and with it the place that was kept would be lost. */
void
rb_entry_set_name(struct rb_member *entry, const char *name)
{
	if (strncmp(entry->name, name, RB_NAME_SIZE) == 0)
		return;
	memset(entry->name, 0, sizeof(entry->name));
	memcpy(entry->name, name, strnlen(name, RB_NAME_SIZE - 1));
}

bool
rb_entry_has_name(const struct rb_member *entry, const char *name)
{
	return rb_entry_get(&entry->worker_of) == 0 &&
	       strncmp(entry->name, name, RB_NAME_SIZE) == 0;
}

uint32_t
rb_entry_raise_epoch(struct rb_member *entry)
{
	uint32_t epoch = rb_entry_get(&entry->epoch) + 1;

	rb_entry_put(&entry->epoch, epoch);
	return epoch;
}

uint32_t
rb_entry_identify(struct rb_member *entry, const struct rb_identity *who)
{
	rb_entry_set_name(entry, who->name);
	rb_entry_put(&entry->pid, who->pid);
	rb_entry_put64(&entry->start_time, who->start_time);
	rb_entry_put64(&entry->pidfd_inode, who->pidfd_inode);
	return rb_entry_raise_epoch(entry);
}
