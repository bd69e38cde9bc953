/* SPDX-License-Identifier: MIT */
/*
 * private_daemon.c - see private_daemon.h
 */
#include "examples/demo/private_daemon.h"

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

#include "client/ringbus.h"

/* The graph is all there is to the demo's order of things: `app` names those
 * who have to be done before it sees an event. */
static const char config[] =
	"# The configuration of the demo; see ringbus.yaml(5).\n"
	"channels:\n"
	"  # One order per slot.\n"
	"  orders:\n"
	"    slots: 65536\n"
	"    framing: fixed\n"
	"    event_size: 64\n"
	"    producers: single\n"
	"    wait: blocking\n"
	"    consumers:\n"
	"      journal:\n"
	"      replicate:\n"
	"      app: { after: [journal, replicate] }\n"
	"\n"
	"  # Lines of any length.\n"
	"  lines:\n"
	"    slots: 16384\n"
	"    framing: framed\n"
	"    slot_size: 64\n"
	"    producers: single\n"
	"    wait: blocking\n"
	"    consumers:\n"
	"      journal:\n"
	"      replicate:\n"
	"      app: { after: [journal, replicate] }\n";

static int
complain(const char *what, const char *path)
{
	fprintf(stderr, "demo: cannot %s %s: %s\n", what, path,
		strerror(errno));
	return -1;
}

static void
join(char path[DEMO_PATH_SIZE], const char *dir, const char *name)
{
	snprintf(path, DEMO_PATH_SIZE, "%s/%s", dir, name);
}

static int
write_config(const char *path)
{
	FILE *file = fopen(path, "we");

	if (file == NULL)
		return complain("create", path);
	fputs(config, file);
	return fclose(file) == 0 ? 0 : complain("write", path);
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
	join(place->config, place->dir, "ringbus.yaml");
	join(place->socket, place->dir, "control.sock");
	join(place->log, place->dir, "ringbusd.log");
	join(place->journal, place->dir, "journal");
	join(place->replica, place->dir, "replica");
	return write_config(place->config);
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

/* Path of ringbusd beside this program; "ringbusd" if it is not there. */
static void
find_program(char path[DEMO_PATH_SIZE])
{
	ssize_t n = readlink("/proc/self/exe", path,
			     DEMO_PATH_SIZE - sizeof("ringbusd"));
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL) {
		memcpy(slash + 1, "ringbusd", sizeof("ringbusd"));
		if (access(path, X_OK) == 0)
			return;
	}
	memcpy(path, "ringbusd", sizeof("ringbusd"));
}

void
daemon_become(const struct place *place)
{
	int log = open(place->log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char program[DEMO_PATH_SIZE];

	find_program(program);
	/* The janitor waits for the daemon too. */
	fcntl(place->alive, F_SETFD, 0);
	/* What it would tell systemd concerns our parents' unit. */
	unsetenv("NOTIFY_SOCKET");
	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 ||
	    dup2(log, STDERR_FILENO) < 0)
		_exit(127);
	execlp(program, "ringbusd", "--config", place->config, "--socket",
	       place->socket, "--shm-dir", place->shm, NULL);
	fprintf(stderr, "cannot run %s: %s\n", program, strerror(errno));
	_exit(127);
}

bool
daemon_answers(const struct place *place)
{
	struct ringbus *bus;

	if (ringbus_connect(place->socket, &bus) < 0)
		return false;
	ringbus_close(bus);
	return true;
}

void
daemon_show_log(const struct place *place)
{
	FILE *file = fopen(place->log, "re");
	char line[512];

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		fprintf(stderr, "  its log: %s", line);
	fclose(file);
}
