/* SPDX-License-Identifier: MIT */
/*
 * journal.c - writes every event to a file
 *
 * An event is committed after it was written, a whole batch by few calls. So
 * what `app` has seen is in the file, whatever happens next. (A journal that
 * outlives the machine would call fdatasync(2) before the commit.)
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "examples/demo/member.h"
#include "examples/demo/roles.h"
#include "examples/demo/sink.h"

static int
fail(const struct member *m, const char *what, int err)
{
	return board_fail(m->demo, m->role, "cannot %s %s: %s", what,
			  m->demo->place.journal, strerror(-err));
}

/* Orders are kept whole, lines as they were in the input. */
static int
write_event(struct member *m, const struct ringbus_event *event)
{
	size_t skip = m->demo->input != NULL ? sizeof(struct line) : 0;
	int err;

	if (!tally_check(&m->report.tally, event->data, event->size) &&
	    event->size < skip)
		return 0;
	err = sink_put(m->own, (const char *)event->data + skip,
		       event->size - skip);
	return err < 0 ? fail(m, "write", err) : 0;
}

static int
write_batch(struct member *m)
{
	int err = sink_flush(m->own);

	return err < 0 ? fail(m, "write", err) : 0;
}

int
role_journal(const struct demo *demo)
{
	static const struct stage stage = { .event = write_event,
					    .end = write_batch };
	static struct sink sink;
	struct member m = { .demo = demo, .role = ROLE_JOURNAL, .own = &sink };
	int failed;

	sink.fd = open(demo->place.journal,
		       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (sink.fd < 0) {
		fail(&m, "create", -errno);
		return 1;
	}
	failed = member_run(&m, &stage);
	if (close(sink.fd) < 0 && !failed) {
		fail(&m, "close", -errno);
		return 1;
	}
	return failed;
}
