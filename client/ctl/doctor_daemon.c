/* SPDX-License-Identifier: MIT */
/*
 * doctor_daemon.c - is the daemon there, as whom, and may we talk to it?
 */
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/doctor.h"

/* Of DynamicUser=, and where users begin whose files logind may remove. */
#define DYNAMIC_MIN 61184
#define DYNAMIC_MAX 65519
#define USERS_MIN 1000

static enum doctor_verdict
look_daemon(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	int r = doctor->connected;

	if (r == 0) {
		doctor_found(found, "pid %" PRId64 " at %s", doctor->daemon_pid,
			     ringbus_socket(doctor->ctl->bus));
		return DOCTOR_OK;
	}
	doctor_found(found, "%s: %s", ringbus_error(NULL), ringbus_strerror(r));
	return r == -ENOENT || r == -ECONNREFUSED ? DOCTOR_NOTE : DOCTOR_WRONG;
}

static const char *
name_user(uid_t uid, char text[64])
{
	struct passwd *user = getpwuid(uid);

	if (user != NULL)
		snprintf(text, 64, "%s", user->pw_name);
	else
		snprintf(text, 64, "%u", (unsigned)uid);
	return text;
}

static enum doctor_verdict
look_socket(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	const char *path = doctor->ctl->common.socket;
	char user[64];
	struct group *group;
	struct stat st;

	if (path == NULL && doctor->ctl->bus != NULL)
		path = ringbus_socket(doctor->ctl->bus);
	if (path == NULL)
		path = ringbus_error(NULL);
	if (stat(path, &st) < 0) {
		doctor_found(found, "%s: %s", path, strerror(errno));
		return errno == EACCES ? DOCTOR_WRONG : DOCTOR_UNKNOWN;
	}
	group = getgrgid(st.st_gid);
	name_user(geteuid(), user);
	doctor_found(found, "%s is for group %s; %s %s connect", path,
		     group != NULL ? group->gr_name : "?", user,
		     access(path, W_OK) == 0 ? "may" : "may not");
	return access(path, W_OK) == 0 ? DOCTOR_OK : DOCTOR_WRONG;
}

/* Whom the channels belong to: the daemon's user. */
static int
find_owner(struct doctor *doctor, struct stat *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRId64, doctor->daemon_pid);
	return doctor->daemon_pid > 0 ? stat(path, ret) : -1;
}

static enum doctor_verdict
look_user(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	struct stat st;
	char user[64];

	if (find_owner(doctor, &st) < 0) {
		doctor_found(found, "no daemon to be seen");
		return DOCTOR_UNKNOWN;
	}
	doctor_found(found, "%s, uid %u", name_user(st.st_uid, user),
		     (unsigned)st.st_uid);
	if (st.st_uid >= DYNAMIC_MIN && st.st_uid <= DYNAMIC_MAX)
		return DOCTOR_WRONG;
	return st.st_uid == 0 ? DOCTOR_NOTE : DOCTOR_OK;
}

static bool
says_no(const char *path)
{
	char text[64];

	return doctor_read_field(path, "RemoveIPC=", text, sizeof(text)) == 0 &&
	       (strcmp(text, "no") == 0 || strcmp(text, "false") == 0 ||
		strcmp(text, "0") == 0);
}

static bool
is_removal_off(void)
{
	bool is_off = says_no("/etc/systemd/logind.conf");
	glob_t found;
	size_t i;

	if (glob("/etc/systemd/logind.conf.d/*.conf", 0, NULL, &found) == 0)
		for (i = 0; i < found.gl_pathc; i++)
			is_off |= says_no(found.gl_pathv[i]);
	globfree(&found);
	return is_off;
}

static enum doctor_verdict
look_removal(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	bool has_logind = access("/run/systemd/seats", F_OK) == 0;
	struct stat st;

	if (find_owner(doctor, &st) < 0) {
		doctor_found(found, "no daemon to be seen");
		return DOCTOR_UNKNOWN;
	}
	if (st.st_uid < USERS_MIN || !has_logind) {
		doctor_found(found, "%s",
			     has_logind ? "not of a system's user"
					: "no logind that would");
		return DOCTOR_OK;
	}
	doctor_found(found, "%s",
		     is_removal_off() ? "switched off"
				      : "RemoveIPC= of logind is on");
	return is_removal_off() ? DOCTOR_OK : DOCTOR_WRONG;
}

const struct doctor_check doctor_daemon[] = {
	{ "daemon", look_daemon,
	  "systemctl start ringbusd; or name its socket with --socket or "
	  "RINGBUS_SOCKET" },
	{ "socket", look_socket,
	  "usermod -aG GROUP USER with the group of the socket, then log in "
	  "anew" },
	{ "user", look_user,
	  "let it run as a user of its own, as ringbusd.service does, and not "
	  "as one of DynamicUser=, whose channels systemd deletes" },
	{ "removal at logout", look_removal,
	  "RemoveIPC=no in logind.conf(5), or loginctl enable-linger: else the "
	  "channels of a user go when he logs out" },
	{ 0 },
};
