/* SPDX-License-Identifier: MIT */
/*
 * descriptors.c - a daemon under valgrind has what it began with open at its end
 *
 * Preloaded into it. Valgrind can tell of descriptors that system calls have
 * opened which it knows, but a daemon has most of them from others: connections
 * from its io_uring, pidfds from a socket option.
 */
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <valgrind/valgrind.h>

/* Above are those of valgrind itself. */
#define FDS_MAX 1000

typedef void (*found_fn)(int fd, const char *where);

static bool were_open[FDS_MAX];

static void
remember(int fd, const char *where)
{
	(void)where;
	were_open[fd] = true;
}

static void
complain(int fd, const char *where)
{
	if (!were_open[fd])
		VALGRIND_PRINTF("descriptor %d is still open: %s\n", fd, where);
}

static void
look(found_fn found)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char where[PATH_MAX] = "";
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || fd >= FDS_MAX ||
		    fd == dirfd(dir))
			continue;
		(void)!readlinkat(dirfd(dir), entry->d_name, where,
				  sizeof(where) - 1);
		found(fd, where);
	}
	if (dir != NULL)
		closedir(dir);
}

__attribute__((constructor)) static void
begin(void)
{
	look(remember);
}

__attribute__((destructor)) static void
end(void)
{
	look(complain);
}
