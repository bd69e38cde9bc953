/* SPDX-License-Identifier: MIT */
/*
 * place.c - see place.h
 */
#include "examples/demo/place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int
complain(const char *what, const char *path)
{
	fprintf(stderr, "demo: cannot %s %s: %s\n", what, path,
		strerror(errno));
	return -1;
}

void
place_path(const struct place *place, const char *name,
	   char ret[DEMO_PATH_SIZE])
{
	snprintf(ret, DEMO_PATH_SIZE, "%s/%s", place->dir, name);
}

/* Makes a folder of an unused name. The pid in it is for people. */
static int
make_dir(char *path, size_t size, const char *parent)
{
	int n = snprintf(path, size, "%s/ringbus-demo-%ld-XXXXXX", parent,
			 (long)getpid());

	if (n > 0 && (size_t)n < size && mkdtemp(path) != NULL)
		return 0;
	complain("make a folder in", parent);
	path[0] = '\0';
	return -1;
}

static int
remove_entry(const char *path, const struct stat *st, int kind,
	     struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static void
remove_tree(const char *path)
{
	if (path[0] != '\0')
		nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void
remove_folders(const struct place *place)
{
	remove_tree(place->shm);
	if (!place->keep)
		remove_tree(place->dir);
}

/* The pipe ends when the last process of the demo does, killed or not. */
static void
await_end(int alive)
{
	char byte;

	while (read(alive, &byte, 1) < 0 && errno == EINTR)
		continue;
}

/* A process that outlives us, whatever kills us and our group. */
static int
start_janitor(struct place *place)
{
	int pipe[2];

	if (pipe2(pipe, O_CLOEXEC) < 0)
		return complain("make", "a pipe");
	place->janitor = fork();
	if (place->janitor == 0) {
		close(pipe[1]);
		setsid();
		prctl(PR_SET_NAME, "janitor");
		await_end(pipe[0]);
		remove_folders(place);
		_exit(0);
	}
	close(pipe[0]);
	place->alive = pipe[1];
	return place->janitor > 0 ? 0 : complain("start", "the janitor");
}

int
place_make(struct place *place, bool keep)
{
	const char *tmp = getenv("TMPDIR");

	place->keep = keep;
	if (make_dir(place->dir, sizeof(place->dir),
		     tmp != NULL ? tmp : "/tmp") < 0 ||
	    make_dir(place->shm, sizeof(place->shm), "/dev/shm") < 0 ||
	    start_janitor(place) < 0)
		return -1;
	place_path(place, "ringbus.yaml", place->config);
	place_path(place, "control.sock", place->socket);
	place_path(place, "journal", place->journal);
	place_path(place, "replica", place->replica);
	return 0;
}

void
place_remove(struct place *place)
{
	if (place->janitor > 0) {
		close(place->alive);
		waitpid(place->janitor, NULL, 0);
	} else {
		remove_folders(place);
	}
	if (place->keep && place->dir[0] != '\0')
		printf("kept: %s\n", place->dir);
}
