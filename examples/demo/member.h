/* SPDX-License-Identifier: MIT */
/*
 * member.h - what consumers of ours have in common
 *
 * They differ in what they do with an event and at the ends of a batch. The
 * rest - attach, note, and the event processor, until the stream ends - is here.
 */
#ifndef DEMO_MEMBER_H
#define DEMO_MEMBER_H

#include <stdbool.h>

#include "client/ringbus.h"
#include "examples/demo/board.h"
#include "examples/demo/demo.h"

struct member {
	const struct demo *demo;
	enum role role;
	void *own; /* of the stage */
	struct ringbus *bus;
	struct ringbus_consumer *consumer;
	int64_t sequence; /* of the last event seen */
	bool has_failed;  /* and said why */
	struct report report;
};

/* Each returns 0, or -1 after board_fail(); NULL: nothing to do. */
struct stage {
	/* Before a batch: up to `highest` may be read. */
	int (*begin)(struct member *member, int64_t highest);
	int (*event)(struct member *member, const struct ringbus_event *event);
	/* Before the commit: what has to be done by then? */
	int (*end)(struct member *member);
};

/* Attaches under the name of the role, consumes to the end of the stream, and
 * reports. Returns the exit code. */
int member_run(struct member *member, const struct stage *stage);

#endif
