/* SPDX-License-Identifier: MIT */
/*
 * util_fuzz.c - see fuzz.h
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/sequence.h"

#define FOLDERS_MAX 8

static char folders[FOLDERS_MAX][256];
static unsigned n_folders;
static pid_t owner; /* a fork()ed child removes nothing */

int64_t
input_number(struct input *in)
{
	static const int64_t edges[] = {
		INT64_MAX,           INT64_MIN,        RB_SEQUENCE_MAX,
		RB_SEQUENCE_MAX / 2, UINT32_MAX,       INT64_C(1) << 32,
		INT64_C(1) << 31,    INT64_C(1) << 40, INT64_MAX >> 2,
	};
	unsigned n_edges = sizeof(edges) / sizeof(edges[0]);
	unsigned choice = input_below(in, 256);

	if (choice < 128)
		return (int64_t)choice - 8;
	if (choice < 250) {
		uint64_t edge = (uint64_t)edges[choice % n_edges];

		return (int64_t)(edge + (choice - 128) / n_edges % 5 - 2);
	}
	return (int64_t)input_bytes(in, 8);
}

void
fuzz_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

void
fuzz_expect_result(int64_t result, ...)
{
	bool found = result >= 0;
	va_list errors;
	int err;

	va_start(errors, result);
	while (!found && (err = va_arg(errors, int)) != 0)
		found = result == err;
	va_end(errors);
	if (!found)
		fprintf(stderr, "result %" PRId64 " (%s)\n", result,
			result > -4096 ? strerror((int)-result) : "none");
	fuzz_expect(found);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void
fuzz_remove_folder(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
remove_folders(void)
{
	for (unsigned i = 0; i < n_folders && getpid() == owner; i++)
		fuzz_remove_folder(folders[i]);
}

const char *
fuzz_new_folder(void)
{
	const char *parent = getenv("T_SHM_DIR");
	char *path = folders[n_folders];

	fuzz_expect(n_folders < FOLDERS_MAX);
	snprintf(path, sizeof(folders[0]), "%s/fuzz.XXXXXX",
		 parent != NULL ? parent : "/dev/shm");
	fuzz_expect(mkdtemp(path) != NULL);
	if (n_folders++ == 0) {
		owner = getpid();
		atexit(remove_folders);
	}
	return path;
}

unsigned
fuzz_count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned n = 0;

	fuzz_expect(folder != NULL);
	while ((entry = readdir(folder)) != NULL) {
		char target[8] = "";

		n += readlinkat(dirfd(folder), entry->d_name, target,
				sizeof(target) - 1) < 0 ||
		     strncmp(target, "pipe:", 5) != 0;
	}
	closedir(folder);
	return n;
}
