/* SPDX-License-Identifier: MIT */
/*
 * look.c - what verbs that only look read from: a daemon, or the folder it left
 *
 * Looking has to work when things go wrong, which is when a daemon is dead or
 * stopped. A channel is in a folder, and root and the daemon's user may read it there.
 * Where the folder is follows from the socket, unless somebody says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/ctl.h"

#define PATIENCE_NS CTL_SECOND_NS

/* Of a daemon whose socket lies in the folder of its channels. */
#define HIDDEN_SOCKET "/.control.sock"

/* Where daemons listen that were not told where; see ringbusd(8). */
static bool
is_usual(const char *socket)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char users[4096];

	if (strcmp(socket, "/run/ringbus/control.sock") == 0)
		return true;
	snprintf(users, sizeof(users), "%s/ringbus/control.sock",
		 runtime != NULL ? runtime : "");
	return runtime != NULL && strcmp(socket, users) == 0;
}

/* The folder of the daemon that we wanted; NULL is what the library takes for it.
 * False if that cannot be known. */
static bool
find_folder(const struct ctl *ctl, char *text, size_t size, const char **ret)
{
	const char *socket = ctl->common.socket;
	size_t length;

	*ret = NULL;
	if (socket == NULL)
		socket = getenv("RINGBUS_SOCKET");
	if (socket == NULL || getenv("RINGBUS_SHM_DIR") != NULL ||
	    is_usual(socket))
		return true;
	length = strlen(socket);
	if (length <= strlen(HIDDEN_SOCKET) || length >= size)
		return false;
	length -= strlen(HIDDEN_SOCKET);
	if (strcmp(socket + length, HIDDEN_SOCKET) != 0)
		return false;
	snprintf(text, size, "%.*s", (int)length, socket);
	*ret = text;
	return true;
}

static enum ctl_exit
open_folder(struct ctl *ctl, const char *path)
{
	int r = ringbus_open_folder(path, &ctl->bus);

	if (r < 0) {
		ctl_say(ctl, "%s: %s", ringbus_error(NULL),
			r == -ENOENT ? "no such folder" : strerror(-r));
		return ctl_exit_code(r);
	}
	ctl->is_alone = true;
	return CTL_OK;
}

/* Anybody may make a folder in /dev/shm, and then what is in it is his word. */
static void
say_alone(const struct ctl *ctl, const char *socket, int err)
{
	const char *folder = ringbus_socket(ctl->bus);
	char owner[48] = "";
	struct stat st;

	if (stat(folder, &st) == 0 && st.st_uid != 0 && st.st_uid != geteuid())
		snprintf(owner, sizeof(owner), ", as uid %u left it",
			 (unsigned)st.st_uid);
	if (err == -ETIMEDOUT)
		ctl_say(ctl,
			"the daemon at %s does not answer: looking into %s%s",
			socket, folder, owner);
	else
		ctl_say(ctl, "no daemon at %s: looking into %s%s", socket,
			folder, owner);
}

static bool
is_gone(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -ECONNRESET ||
	       err == -ETIMEDOUT;
}

/* Whether there is a folder to look into. */
static bool
look_instead(struct ctl *ctl, const char *socket, int err)
{
	char text[4096];
	const char *path;

	if (!is_gone(err) || !find_folder(ctl, text, sizeof(text), &path) ||
	    ringbus_open_folder(path, &ctl->bus) < 0)
		return false;
	ctl->is_alone = true;
	say_alone(ctl, socket, err);
	return true;
}

enum ctl_exit
ctl_connect_to_look(struct ctl *ctl)
{
	char socket[4096];
	int r;

	if (ctl->common.shm_dir != NULL)
		return open_folder(ctl, ctl->common.shm_dir);
	r = ringbus_connect_within(ctl->common.socket, PATIENCE_NS, &ctl->bus);
	if (r == 0)
		return CTL_OK;
	snprintf(socket, sizeof(socket), "%s", ringbus_error(NULL));
	if (look_instead(ctl, socket, r))
		return CTL_OK;
	return ctl_not_connected(ctl, r,
				 ", or the folder of its channels with "
				 "--shm-dir");
}

bool
ctl_look_alone(struct ctl *ctl, int err)
{
	struct ringbus *with_daemon = ctl->bus;

	if (ctl->is_alone || (err != -ECONNRESET && err != -ETIMEDOUT) ||
	    !look_instead(ctl, ringbus_socket(with_daemon), err))
		return false;
	ctl->gone = with_daemon;
	return true;
}

enum ctl_exit
ctl_look_at(struct ctl *ctl, const struct ringbus_channel **ret)
{
	enum ctl_exit code = ctl_connect_to_look(ctl);
	struct ringbus_tap *tap;
	int r;

	if (code != CTL_OK)
		return code;
	r = ringbus_tap_open(ctl->bus, ctl->operands[0], NULL, &tap);
	if (ctl_look_alone(ctl, r))
		r = ringbus_tap_open(ctl->bus, ctl->operands[0], NULL, &tap);
	if (r < 0)
		return ctl_refused(ctl, r);
	*ret = ringbus_tap_channel(tap);
	return CTL_OK;
}
