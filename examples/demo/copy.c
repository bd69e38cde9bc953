/* SPDX-License-Identifier: MIT */
/*
 * copy.c - see copy.h
 */
#include "examples/demo/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int
fail(const struct copy *copy, const char *what, int err)
{
	return board_fail(copy->demo, ROLE_REPLICA, "cannot %s: %s", what,
			  strerror(-err));
}

int
copy_open(struct copy *copy, const struct demo *demo)
{
	copy->demo = demo;
	copy->file.fd = -1;
	if (demo->input == NULL)
		return 0;
	copy->file.fd = open(demo->place.replica,
			     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return copy->file.fd < 0 ? fail(copy, "create the copy", -errno) : 0;
}

int
copy_take(struct copy *copy, const void *event, size_t size)
{
	int err = 0;

	if (tally_check(&copy->report.tally, event, size) &&
	    copy->file.fd >= 0 && size >= sizeof(struct line))
		err = sink_put(&copy->file,
			       (const char *)event + sizeof(struct line),
			       size - sizeof(struct line));
	return err < 0 ? fail(copy, "write the copy", err) : 0;
}

int
copy_flush(struct copy *copy, int64_t sequence)
{
	int err = copy->file.fd >= 0 ? sink_flush(&copy->file) : 0;

	if (err < 0)
		return fail(copy, "write the copy", err);
	board_note(copy->demo, ROLE_REPLICA, sequence,
		   copy->report.tally.n_events);
	return 0;
}
