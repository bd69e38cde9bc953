/* SPDX-License-Identifier: MIT */
/*
 * doctor_need.c - how much memory all channels of a configuration take
 *
 * The daemon knows: it says so when it only checks a configuration. If that is not
 * to be had, but a daemon runs, what its channels take now is added up.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/ctl/doctor.h"

extern char **environ;

/* `ringbusctl config check` knows where ringbusd is. Returns its output, or -1. */
static int
start_check(struct doctor *doctor, pid_t *ret)
{
	const char *argv[] = { "ringbusctl", "config", "check", doctor->config,
			       NULL };
	posix_spawn_file_actions_t actions;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
					 O_WRONLY, 0);
	r = posix_spawn(ret, "/proc/self/exe", &actions, NULL,
			(char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (r == 0)
		return fds[0];
	close(fds[0]);
	return -1;
}

/* "2 channels, 5513216 bytes of shared memory" is its last line. */
static bool
ask_for_need(struct doctor *doctor)
{
	char line[512];
	bool is_known = false;
	int fd, status;
	FILE *file;
	pid_t pid;

	fd = start_check(doctor, &pid);
	file = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL)
		is_known = sscanf(line, "%*u channels, %" SCNu64 " bytes of",
				  &doctor->need) == 1 ||
			   sscanf(line, "%*u channel, %" SCNu64 " bytes of",
				  &doctor->need) == 1;
	fclose(file);
	return waitpid(pid, &status, 0) == pid && status == 0 && is_known;
}

static void
add_up_channels(struct doctor *doctor)
{
	struct ringbus_info info = { .size = sizeof(info) };
	char name[RINGBUS_NAME_SIZE];
	struct ringbus_tap *tap;
	unsigned i;

	doctor->need = 0;
	for (i = 0; ringbus_list(doctor->ctl->bus, i, name) == 0; i++) {
		if (ringbus_tap_open(doctor->ctl->bus, name, NULL, &tap) < 0) {
			doctor->need_unknown =
				"not all channels may be looked at";
			continue;
		}
		if (ringbus_channel_info(ringbus_tap_channel(tap), &info) == 0)
			doctor->need += info.memory;
		ringbus_tap_close(tap);
	}
}

void
doctor_find_need(struct doctor *doctor)
{
	if (ask_for_need(doctor))
		return;
	doctor->need = 0;
	if (doctor->ctl->bus != NULL)
		add_up_channels(doctor);
	else
		doctor->need_unknown = "ringbusd --check does not tell what "
				       "channels take";
}
