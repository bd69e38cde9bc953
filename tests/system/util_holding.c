/* SPDX-License-Identifier: MIT */
/*
 * util_holding.c - see util_holding.h
 */
#include "tests/system/util_holding.h"

#include "tests/system/util_peer.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static unsigned
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 &&
		     strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static unsigned
count_shared(const char *path)
{
	char line[2 * PATH_MAX], sharing;
	FILE *file = fopen(path, "re");
	unsigned n = 0;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		n += sscanf(line, "%*s %*3c%c", &sharing) == 1 &&
		     sharing == 's';
	fclose(file);
	return n;
}

static unsigned
read_rss_kib(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned pages = 0;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%*u %u", &pages), 1);
	fclose(file);
	return pages * (unsigned)(sysconf(_SC_PAGESIZE) / 1024);
}

static unsigned
count_fds(const struct t_daemon *daemon)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", daemon->pid);
	return count_entries(path);
}

struct t_holding
t_daemon_holds(const struct t_daemon *daemon)
{
	struct t_holding h;
	char path[64];

	h.n_fds = count_fds(daemon);
	snprintf(path, sizeof(path), "/proc/%d/maps", daemon->pid);
	h.n_mappings = count_shared(path);
	snprintf(path, sizeof(path), "/proc/%d/statm", daemon->pid);
	h.rss_kib = read_rss_kib(path);
	h.n_entries = count_entries(daemon->shm);
	return h;
}

/* As t_daemon_look(), but that these are still open when it is counted: whether
 * the daemon has seen the end of the last one, nobody knows. */
unsigned
t_daemon_count_fds(const struct t_daemon *daemon)
{
	int peers[3];
	unsigned n;

	for (int i = 0; i < 3; i++)
		peers[i] = t_peer_greet(daemon);
	n = count_fds(daemon);
	for (int i = 0; i < 3; i++)
		close(peers[i]);
	return n;
}

/* It forgets the process of a connection before it closes that, and has closed it
 * when it answers the next one. */
int
t_daemon_witness(const struct t_daemon *daemon)
{
	t_until(!t_daemon_watches(daemon, getpid()));
	return t_peer_greet(daemon);
}

void
t_daemon_spare_fds(const struct t_daemon *daemon, unsigned n)
{
	struct rlimit limit;
	char path[64];

	ck_assert_int_eq(prlimit(daemon->pid, RLIMIT_NOFILE, NULL, &limit), 0);
	limit.rlim_cur = 0;
	/* The new one has the lowest free number, which has to be below. */
	for (;; limit.rlim_cur++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%ju", daemon->pid,
			 (uintmax_t)limit.rlim_cur);
		if (faccessat(-1, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		if (n == 0)
			break;
		n--;
	}
	ck_assert_int_eq(prlimit(daemon->pid, RLIMIT_NOFILE, &limit, NULL), 0);
}
