/* SPDX-License-Identifier: MIT */
/*
 * error.c - what the library's error numbers mean, in a sentence each
 */
#include <errno.h>

#include "client/internal.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

static const struct {
	int err;
	const char *text;
} sentences[] = {
	{ EINVAL, "an argument is out of range" },
	{ EAGAIN, "not now: the ring is full, or there is nothing to read" },
	{ ETIMEDOUT, "it did not happen in time" },
	{ ECANCELED, "cancelled by another thread or a signal handler" },
	{ EDEADLK, "only the caller itself could make room in the full ring" },
	{ EBUSY, "taken: by the single producer, by a consumer of that name, "
		 "or by a claim not yet published" },
	{ EUSERS, "a limit of the daemon or of the channel is reached" },
	{ ESHUTDOWN, "the stream has ended" },
	{ EOWNERDEAD, "the stream stops: what comes next died with its "
		      "producer" },
	{ ESTALE, "this handle was evicted as too slow, or the daemon has "
		  "given its place to another" },
	{ ECHILD, "this handle is that of the parent process: connect anew" },
	{ EBADMSG, "the channel's memory is damaged, or no channel at all" },
	{ ENOBUFS, "the ring is full, and the event counts as dropped" },
	{ ERANGE, "the sequence is not published yet, or may be gone" },
	{ EPROTOTYPE, "the channel's events are of another type or version" },
	{ ELOOP, "the batch was rewound too often" },
	{ ENOTSUP, "a batch may not be rewound here, or this system lacks "
		   "what it takes" },
	{ EMSGSIZE, "the event is too large" },
	{ EPROTONOSUPPORT,
	  "daemon and library have different versions or memory layouts" },
	{ EPROTO, "the other end of the socket is no ringbus daemon" },
	{ ECONNRESET, "the daemon has closed the connection" },
	{ ENOTCONN, "there is no daemon behind a folder that is looked at" },
	{ ENODATA, "the memory of a sealed channel is in no folder" },
	{ ENOTDIR, "not a folder" },
	{ ECONNREFUSED, "no daemon is listening on the socket" },
	{ ENOENT, "no such channel, consumer or kept place, or no daemon's "
		  "socket" },
	{ EXDEV, "the daemon lives in a PID namespace that does not have this "
		 "process" },
	{ EACCES, "not allowed for this user" },
	{ EEXIST, "a channel of that name exists" },
	{ ENOSPC, "not enough shared memory in /dev/shm" },
	{ ENAMETOOLONG, "the path is too long for a socket" },
	{ ENOMEM, "out of memory" },
	{ EMFILE, "out of file descriptors" },
	{ ENFILE, "the system is out of file descriptors" },
};

const char *
ringbus_strerror(int64_t err)
{
	if (err >= 0)
		return "success";
	for (size_t i = 0; i < RB_ARRAY_SIZE(sentences); i++)
		if (sentences[i].err == -err)
			return sentences[i].text;
	return "an unexpected error of the operating system";
}

const char *
ringbus_version(void)
{
	return TEXT(RINGBUS_VERSION_MAJOR) "." TEXT(
		RINGBUS_VERSION_MINOR) "." TEXT(RINGBUS_VERSION_PATCH);
}

const char *
ringbus_wait_name(int wait)
{
	return wait < 1 ? NULL : rb_wait_name((enum rb_wait_kind)(wait - 1));
}

int
ringbus_wait_by_name(const char *name)
{
	int kind = rb_wait_kind(name);

	return kind < 0 ? -EINVAL : kind + 1;
}
