/* SPDX-License-Identifier: MIT */
/*
 * replay.c - a fuzz target as a suite: runs it over its corpus, once each file
 *
 * usage: fuzz_NAME [FILE|PATTERN]...
 *
 * Without libFuzzer, so that any compiler and any sanitizer can do it. The files
 * are those of tests/fuzz/corpus/NAME whose names match; what has a slash is the
 * path of a file somewhere else. All run in one child, as they do for libFuzzer;
 * when that dies of one, the next goes on behind it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define FILES_MAX 4096
#define INPUT_MAX (1 << 20)
#define NOTHING_MATCHES 77 /* as the other suites, see tests/run */

static char *paths[FILES_MAX];
static unsigned n_paths;

static void
add(const char *folder, const char *name)
{
	fuzz_expect(n_paths < FILES_MAX);
	fuzz_expect(asprintf(&paths[n_paths++], "%s%s%s", folder,
			     folder[0] != '\0' ? "/" : "", name) > 0);
}

static bool
is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (fnmatch(argv[i], name, 0) == 0)
			return true;
	return argc == 1;
}

static void
add_corpus(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	struct dirent **entries;
	char folder[256];
	int n;

	name = name != NULL ? name + 1 : argv[0];
	name += strncmp(name, "fuzz_", 5) == 0 ? 5 : 0;
	snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", name);
	n = scandir(folder, &entries, NULL, alphasort);
	if (n < 0)
		perror(folder);
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.' &&
		    is_wanted(entries[i]->d_name, argc, argv))
			add(folder, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void
add_all(int argc, char **argv)
{
	bool given = false;

	for (int i = 1; i < argc; i++)
		if (strchr(argv[i], '/') != NULL) {
			add("", argv[i]);
			given = true;
		}
	if (!given)
		add_corpus(argc, argv);
}

static void
run_file(const char *path)
{
	uint8_t *bytes = malloc(INPUT_MAX), *exact;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, INPUT_MAX);

	fuzz_expect(n >= 0);
	close(fd);
	/* Of its own size: a read beyond it shows. */
	exact = malloc((size_t)n + 1);
	memcpy(exact + 1, bytes, (size_t)n);
	free(bytes);
	LLVMFuzzerTestOneInput(exact + 1, (size_t)n);
	free(exact);
}

/* From *at on; where that comes to is for the parent to see. */
static int
run_from(unsigned *at)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	fuzz_expect(child >= 0);
	if (child == 0) {
		/* What a target shows is of no interest. */
		fuzz_expect(freopen("/dev/null", "we", stdout) != NULL);
		for (; *at < n_paths; ++*at)
			run_file(paths[*at]);
		exit(0);
	}
	fuzz_expect(waitpid(child, &status, 0) == child);
	return status;
}

int
main(int argc, char **argv)
{
	unsigned n_failed = 0;
	unsigned *at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	fuzz_expect(at != MAP_FAILED);
	add_all(argc, argv);
	if (n_paths == 0)
		return argc > 1 ? NOTHING_MATCHES : 1;
	while (*at < n_paths) {
		int status = run_from(at);

		if (status == 0)
			continue;
		n_failed++;
		/* Of a leak the end tells, and of no file. */
		printf("%s: status %#x\n",
		       *at < n_paths ? paths[*at] : "at the end", status);
		++*at;
	}
	printf("%u%%: Checks: %u, Failures: %u, Errors: 0\n",
	       (n_paths - (n_failed < n_paths ? n_failed : n_paths)) * 100 /
		       n_paths,
	       n_paths, n_failed);
	for (unsigned i = 0; i < n_paths; i++)
		free(paths[i]);
	return n_failed > 0;
}
