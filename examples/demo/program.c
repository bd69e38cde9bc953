/* SPDX-License-Identifier: MIT */
/*
 * program.c - see program.h
 */
#include "examples/demo/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ringbus.h"
#include "examples/demo/place.h"

/* The first of the folders, which have colons between, that has the program. */
static bool
find_in(const char *folders, const char *program, char path[DEMO_PATH_SIZE])
{
	while (folders != NULL && *folders != '\0') {
		int length = (int)strcspn(folders, ":");
		int n = snprintf(path, DEMO_PATH_SIZE, "%.*s/%s", length,
				 folders, program);

		if (n < DEMO_PATH_SIZE && access(path, X_OK) == 0)
			return true;
		folders += length;
		folders += *folders == ':';
	}
	return false;
}

static bool
find_beside(const char *program, char path[DEMO_PATH_SIZE])
{
	char own[DEMO_PATH_SIZE];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	own[n > 0 ? n : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	return find_in(own, program, path);
}

static bool
find_program(const char *program, char path[DEMO_PATH_SIZE])
{
	return find_beside(program, path) ||
	       find_in(getenv("PATH"), program, path) ||
	       find_in("/usr/local/sbin:/usr/sbin:/sbin", program, path);
}

bool
program_exists(const char *program)
{
	char path[DEMO_PATH_SIZE];

	return find_program(program, path);
}

static void
log_path(const struct demo *demo, const char *name, char path[DEMO_PATH_SIZE])
{
	char file[64];

	snprintf(file, sizeof(file), "%s.log", name);
	place_path(&demo->place, file, path);
}

__attribute__((noreturn)) static void
become(const struct demo *demo, const char *name, const char *const argv[])
{
	char path[DEMO_PATH_SIZE];
	int log;

	log_path(demo, name, path);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	/* The janitor waits for it too. */
	fcntl(demo->place.alive, F_SETFD, 0);
	/* What it would tell systemd concerns our parents' unit. */
	unsetenv("NOTIFY_SOCKET");
	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 ||
	    dup2(log, STDERR_FILENO) < 0)
		_exit(127);
	if (find_program(argv[0], path))
		execv(path, (char *const *)argv);
	else
		errno = ENOENT;
	fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

void
program_become_daemon(const struct demo *demo)
{
	const struct place *place = &demo->place;
	const char *const argv[] = {
		"ringbusd",    "--config",  place->config, "--socket",
		place->socket, "--shm-dir", place->shm,    NULL,
	};

	become(demo, "ringbusd", argv);
}

void
program_become_journal(const struct demo *demo)
{
	const char *const argv[] = { "ringbus-journal", "--socket",
				     demo->place.socket, demo->channel, NULL };

	become(demo, role_names[ROLE_JOURNAL], argv);
}

void
program_become_bridge(const struct demo *demo, const char *name,
		      const char *channel)
{
	const char *const argv[] = { "ringbus-bridge", "--socket",
				     demo->place.socket, channel, NULL };

	become(demo, name, argv);
}

/* It takes a free port, and writes down which. */
void
program_become_server(const struct demo *demo)
{
	char store[DEMO_PATH_SIZE];
	const char *const argv[] = {
		"nats-server",   "--addr",      "127.0.0.1",
		"--port",        "-1",          "--ports_file_dir",
		demo->place.dir, "--jetstream", "--store_dir",
		store,           NULL,
	};

	place_path(&demo->place, "nats", store);
	become(demo, "nats-server", argv);
}

void
program_show_log(const struct demo *demo, const char *name)
{
	char path[DEMO_PATH_SIZE], line[512];
	FILE *file;

	log_path(demo, name, path);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		fprintf(stderr, "  its log: %s", line);
	fclose(file);
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

/* {"nats":["nats://127.0.0.1:40123"], ...} */
unsigned
server_port(const struct place *place, pid_t pid)
{
	char name[64], path[DEMO_PATH_SIZE], text[512];
	const char *at = NULL;
	unsigned port = 0;
	char end = '\0';
	FILE *file;

	snprintf(name, sizeof(name), "nats-server_%d.ports", (int)pid);
	place_path(place, name, path);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fgets(text, sizeof(text), file) != NULL)
		at = strstr(text, "nats://127.0.0.1:");
	fclose(file);
	/* It may be half written. */
	if (at == NULL || sscanf(at, "nats://127.0.0.1:%u%c", &port, &end) != 2)
		return 0;
	return end == '"' ? port : 0;
}
