/* SPDX-License-Identifier: MIT */
/*
 * textfile.c - see textfile.h
 */
#include "client/exporter/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/exporter/page.h"

#define SECOND_NS INT64_C(1000000000)

/* The collector reads what ends in .prom, and so not this. */
static int
replace(struct source *source, const char *path)
{
	char beside[PATH_MAX];
	int fd, r;

	if (snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >=
	    (int)sizeof(beside))
		return -ENAMETOOLONG;
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = page_write(source, fd, true);
	if (r == 0 && fchmod(fd, 0644) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(beside);
	return r;
}

static int
write_once(struct source *source, const char *path)
{
	int r = replace(source, path);

	if (r < 0)
		fprintf(stderr, "ringbus-exporter: cannot write %s: %s\n", path,
			strerror(-r));
	return r < 0 ? -1 : 0;
}

int
textfile_write(struct source *source, const char *path, int64_t interval_ns)
{
	struct timespec interval = { interval_ns / SECOND_NS,
				     interval_ns % SECOND_NS };
	sigset_t stops;
	int r = 0;

	if (interval_ns <= 0)
		return write_once(source, path);
	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	do
		r = write_once(source, path);
	while (r == 0 && sigtimedwait(&stops, NULL, &interval) < 0);
	return r;
}
