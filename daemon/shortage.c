/* SPDX-License-Identifier: MIT */
/*
 * shortage.c - see shortage.h
 */
#include "daemon/shortage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "daemon/files.h"

void
rb_shortage_explain(const struct rb_maker *maker,
		    const struct rb_geometry *geometry, int err, char *why,
		    size_t why_size)
{
	uint64_t needed = rb_geometry_total(geometry), available;
	struct statvfs fs = { 0 };

	fstatvfs(maker->shm_dirfd, &fs);
	available = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (err == -ENOSPC && fs.f_files != 0 && fs.f_favail <= RB_FDS)
		snprintf(why, why_size,
			 "%s has no room for more files: remove some, or "
			 "enlarge it (mount -o remount,nr_inodes=)",
			 maker->shm_dir);
	else if (err == -ENOSPC)
		snprintf(why, why_size,
			 "%" PRIu64 " bytes of shared memory needed, %" PRIu64
			 " available in %s: take fewer or smaller slots, or "
			 "enlarge it (mount -o remount,size=)",
			 needed, available, maker->shm_dir);
	else if (err == -ENOMEM)
		snprintf(why, why_size,
			 "%" PRIu64 " bytes of memory needed, %" PRIu64
			 " available: take fewer or smaller slots",
			 needed, rb_files_available());
	else if (err == -EFBIG)
		snprintf(why, why_size,
			 "one of %" PRIu64 " bytes is more than ringbusd may "
			 "make: raise its limit of the size of files "
			 "(LimitFSIZE=)",
			 needed);
	else if (err == -EEXIST)
		snprintf(why, why_size,
			 "something of this name is in the way in %s: stop who "
			 "uses it, and remove it",
			 maker->shm_dir);
	else
		snprintf(why, why_size,
			 "cannot make %" PRIu64 " bytes in %s: %s", needed,
			 maker->shm_dir, strerror(-err));
}
