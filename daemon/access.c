/* SPDX-License-Identifier: MIT */
/*
 * access.c - see access.h
 */
#include "daemon/access.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 6.5; absent from the headers of some builders. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static int
compare_groups(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return (x > y) - (x < y);
}

/*
 * -ERANGE comes with the size that is needed. There may be 65536, and a LIST of
 * all channels looks each entry of their lists up: so they are sorted.
 */
static int
read_groups(struct rb_credentials *who, int fd)
{
	socklen_t size = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0)
		return 0;
	if (errno != ERANGE)
		return -errno;
	who->groups = malloc(size);
	if (who->groups == NULL)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, who->groups, &size) < 0)
		return -errno;
	who->n_groups = (unsigned)(size / sizeof(gid_t));
	qsort(who->groups, who->n_groups, sizeof(gid_t), compare_groups);
	return 0;
}

int
rb_credentials_init(struct rb_credentials *who, int fd)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);
	int err;

	*who = (struct rb_credentials){ 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	who->pid = cred.pid;
	who->uid = cred.uid;
	who->gid = cred.gid;
	err = read_groups(who, fd);
	if (err < 0)
		rb_credentials_deinit(who);
	return err;
}

void
rb_credentials_deinit(struct rb_credentials *who)
{
	free(who->groups);
	*who = (struct rb_credentials){ 0 };
}

/*
 * Without SO_PEERPIDFD a pid that was used again since the connect is taken for
 * the one that connected. Such a connection asks for nothing any more: who
 * attaches has had our answer to its HELLO, so it lived when its pidfd was
 * opened, and the pid was its own.
 */
int
rb_credentials_open_process(const struct rb_credentials *who, int fd)
{
	int pidfd = -1;
	socklen_t size = sizeof(pidfd);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
		return pidfd;
	if (errno != ENOPROTOOPT)
		return errno == EINVAL ? -ESRCH : -errno;
	pidfd = (int)syscall(SYS_pidfd_open, who->pid, 0);
	return pidfd < 0 ? -errno : pidfd;
}

bool
rb_credentials_are_foreign(const struct rb_credentials *who)
{
	return who->pid == 0;
}

bool
rb_access_is_owner(const struct rb_credentials *who)
{
	return who->uid == 0 || who->uid == geteuid();
}

static bool
is_in_group(const struct rb_credentials *who, gid_t gid)
{
	if (who->gid == gid)
		return true;
	return who->n_groups > 0 &&
	       bsearch(&gid, who->groups, who->n_groups, sizeof(gid),
		       compare_groups) != NULL;
}

static bool
matches(const struct rb_access_entry *entry, const struct rb_credentials *who,
	const uid_t *creator)
{
	switch (entry->kind) {
	case RB_ACCESS_ANY:
		return true;
	case RB_ACCESS_USER:
		return who->uid == entry->id;
	case RB_ACCESS_GROUP:
		return is_in_group(who, entry->id);
	case RB_ACCESS_CREATOR:
		return creator != NULL && who->uid == *creator;
	}
	return false;
}

bool
rb_access_allows(const struct rb_access_list *list,
		 const struct rb_credentials *who, const uid_t *creator)
{
	if (!list->given || rb_access_is_owner(who))
		return true;
	for (unsigned i = 0; i < list->n_entries; i++)
		if (matches(&list->entries[i], who, creator))
			return true;
	return false;
}
