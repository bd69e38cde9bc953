/* SPDX-License-Identifier: MIT */
/*
 * replica.c - the far end of the replication
 *
 * It knows no ringbus: it might as well be on another machine. It checks every
 * event that arrives, keeps lines in a file, and confirms each batch.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "examples/demo/board.h"
#include "examples/demo/link.h"
#include "examples/demo/roles.h"
#include "examples/demo/sink.h"

#define INBOX_SIZE 1048576 /* several of the largest events */

struct replica {
	const struct demo *demo;
	struct report report;
	struct sink file; /* of lines */
	size_t used;
	_Alignas(8) char inbox[INBOX_SIZE];
};

static int
fail(const struct replica *r, const char *what, int err)
{
	return board_fail(r->demo, ROLE_REPLICA, "cannot %s: %s", what,
			  strerror(-err));
}

static int
take_event(struct replica *r, const void *event, size_t size)
{
	int err = 0;

	if (tally_check(&r->report.tally, event, size) && r->file.fd >= 0)
		err = sink_put(&r->file,
			       (const char *)event + sizeof(struct line),
			       size - sizeof(struct line));
	return err < 0 ? fail(r, "write the copy", err) : 0;
}

static int
confirm(struct replica *r, const void *body)
{
	int err = r->file.fd >= 0 ? sink_flush(&r->file) : 0;
	int64_t sequence;

	if (err < 0)
		return fail(r, "write the copy", err);
	memcpy(&sequence, body, sizeof(sequence));
	board_note(r->demo, ROLE_REPLICA, sequence, r->report.tally.n_events);
	if (write(r->demo->link[1], body, sizeof(sequence)) < 0)
		return fail(r, "answer replicate", -errno);
	return 0;
}

/* Takes the record at the front: its size in *ret_size, 0 if it is not all
 * there yet. */
static int
take_record(struct replica *r, size_t at, size_t *ret_size)
{
	const char *body = r->inbox + at + sizeof(struct link_head);
	size_t left = r->used - at;
	struct link_head head;
	size_t size;

	*ret_size = 0;
	if (left < sizeof(head))
		return 0;
	memcpy(&head, r->inbox + at, sizeof(head));
	size = sizeof(head) + link_pad(head.size);
	if (size > INBOX_SIZE)
		return board_fail(r->demo, ROLE_REPLICA, "nonsense arrived");
	if (left < size)
		return 0;
	*ret_size = size;
	return head.kind == LINK_EVENT ? take_event(r, body, head.size)
				       : confirm(r, body);
}

static int
take_records(struct replica *r)
{
	size_t at = 0, size = 0;

	do {
		at += size;
		if (take_record(r, at, &size) < 0)
			return -1;
	} while (size > 0);
	memmove(r->inbox, r->inbox + at, r->used - at);
	r->used -= at;
	return 0;
}

static int
receive(struct replica *r)
{
	for (;;) {
		ssize_t n = read(r->demo->link[1], r->inbox + r->used,
				 INBOX_SIZE - r->used);

		if (n < 0)
			return fail(r, "receive", -errno);
		if (n == 0)
			return 0; /* replicate is done */
		r->used += (size_t)n;
		if (take_records(r) < 0)
			return -1;
	}
}

int
role_replica(const struct demo *demo)
{
	static struct replica r;

	r.demo = demo;
	r.file.fd = -1;
	if (demo->input != NULL) {
		r.file.fd = open(demo->place.replica,
				 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (r.file.fd < 0) {
			fail(&r, "create the copy", -errno);
			return 1;
		}
	}
	if (role_ready(demo, ROLE_REPLICA) < 0 || receive(&r) < 0)
		return 1;
	board_report(demo, ROLE_REPLICA, &r.report);
	return 0;
}
