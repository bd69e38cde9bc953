/* SPDX-License-Identifier: MIT */
/*
 * exit.c - from the library's errors to exit codes and advice
 *
 * One table, so that an error means the same under every verb.
 */
#include "client/ctl/exit.h"

#include <errno.h>
#include <stddef.h>

struct meaning {
	int err;
	enum ctl_exit code;
	const char *advice;
};

static const struct meaning meanings[] = {
	{ -EINVAL, CTL_USAGE, NULL },
	{ -ENAMETOOLONG, CTL_USAGE, "use a shorter path" },
	{ -ENOENT, CTL_ABSENT, "`ringbusctl ls` lists the channels" },
	{ -ENOTDIR, CTL_ABSENT, NULL },
	{ -ENOTCONN, CTL_ABSENT, "leave --shm-dir out" },
	{ -ENODATA, CTL_ABSENT, NULL },
	{ -ECONNREFUSED, CTL_ABSENT, "is ringbusd running?" },
	{ -ECONNRESET, CTL_ABSENT, "is ringbusd still running?" },
	{ -EACCES, CTL_DENIED,
	  "the daemon's configuration says who may: ask for it there" },
	{ -EPERM, CTL_DENIED, NULL },
	{ -ETIMEDOUT, CTL_TIMED_OUT, NULL },
	{ -EAGAIN, CTL_TIMED_OUT, NULL },
	{ -EBUSY, CTL_BUSY, "`ringbusctl show` tells who is attached" },
	{ -EEXIST, CTL_BUSY, "take another name, or remove that one first" },
	{ -EMSGSIZE, CTL_BAD_DATA, NULL },
	{ -ESHUTDOWN, CTL_ENDED, "nothing more can be published to it" },
	{ -ENOSPC, CTL_CANNOT_CREATE,
	  "ask for fewer or smaller slots, or make /dev/shm larger" },
	{ -EUSERS, CTL_CANNOT_CREATE,
	  "remove or close something, or raise the daemon's limit" },
	{ -ENOMEM, CTL_RETRY, NULL },
	{ -EMFILE, CTL_RETRY, NULL },
	{ -ENFILE, CTL_RETRY, NULL },
	{ -EPROTONOSUPPORT, CTL_PROTOCOL,
	  "use the ringbusctl and the daemon of one release" },
	{ -EPROTO, CTL_PROTOCOL, "is this the socket of a ringbusd?" },
	{ -EOWNERDEAD, CTL_BROKEN,
	  "`ringbusctl why` names it, `ringbusctl mend` gives it up" },
	{ -ERANGE, CTL_FAILED,
	  "it is not published yet: --from now waits for the next one" },
	{ -ESTALE, CTL_FAILED, "start again to attach anew" },
	{ -EBADMSG, CTL_FAILED, "the daemon's log may tell why" },
};

static const struct meaning *
find_meaning(int err)
{
	size_t i;

	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].err == err)
			return &meanings[i];
	return NULL;
}

enum ctl_exit
ctl_exit_code(int err)
{
	const struct meaning *meaning = find_meaning(err);

	if (err >= 0)
		return CTL_OK;
	return meaning != NULL ? meaning->code : CTL_FAILED;
}

const char *
ctl_exit_advice(int err)
{
	const struct meaning *meaning = find_meaning(err);

	return meaning != NULL ? meaning->advice : NULL;
}
