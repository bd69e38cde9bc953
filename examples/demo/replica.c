/* SPDX-License-Identifier: MIT */
/*
 * replica.c - the far end of the replication, where there is no NATS
 *
 * It knows no ringbus: it might as well be on another machine. It takes every
 * event that arrives, and confirms each batch.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "examples/demo/copy.h"
#include "examples/demo/link.h"
#include "examples/demo/roles.h"

#define INBOX_SIZE 1048576 /* several of the largest events */

struct replica {
	const struct demo *demo;
	struct copy copy;
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
confirm(struct replica *r, const void *body)
{
	int64_t sequence;

	memcpy(&sequence, body, sizeof(sequence));
	if (copy_flush(&r->copy, sequence) < 0)
		return -1;
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
	return head.kind == LINK_EVENT ? copy_take(&r->copy, body, head.size)
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
	if (copy_open(&r.copy, demo) < 0 ||
	    role_ready(demo, ROLE_REPLICA) < 0 || receive(&r) < 0)
		return 1;
	board_report(demo, ROLE_REPLICA, &r.copy.report);
	return 0;
}
