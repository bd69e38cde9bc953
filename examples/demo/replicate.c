/* SPDX-License-Identifier: MIT */
/*
 * replicate.c - sends every event to the replica, and commits what it confirmed;
 * where there is NATS, ringbus-bridge does
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "examples/demo/link.h"
#include "examples/demo/member.h"
#include "examples/demo/roles.h"
#include "examples/demo/sink.h"

static int
send_record(struct member *m, uint32_t kind, const void *body, size_t size)
{
	static const char padding[8];
	struct link_head head = { kind, (uint32_t)size };
	int err = sink_put(m->own, &head, sizeof(head));

	if (err == 0)
		err = sink_put(m->own, body, size);
	if (err == 0)
		err = sink_put(m->own, padding, link_pad(size) - size);
	if (err == 0 && kind == LINK_BATCH)
		err = sink_flush(m->own);
	if (err < 0)
		return board_fail(m->demo, m->role,
				  "cannot send to the replica: %s",
				  strerror(-err));
	return 0;
}

static int
send_event(struct member *m, const struct ringbus_event *event)
{
	tally_check(&m->report.tally, event->data, event->size);
	return send_record(m, LINK_EVENT, event->data, event->size);
}

static int
await_answer(struct member *m)
{
	const struct sink *sink = m->own;
	int64_t confirmed;
	ssize_t n = read(sink->fd, &confirmed, sizeof(confirmed));

	if (n != sizeof(confirmed))
		return board_fail(m->demo, m->role, "the replica is gone");
	if (confirmed != m->sequence)
		return board_fail(m->demo, m->role,
				  "the replica confirmed %lld, not %lld",
				  (long long)confirmed, (long long)m->sequence);
	return 0;
}

static int
send_batch(struct member *m)
{
	if (send_record(m, LINK_BATCH, &m->sequence, sizeof(m->sequence)) < 0)
		return -1;
	return await_answer(m);
}

int
role_replicate(const struct demo *demo)
{
	static const struct stage stage = { .event = send_event,
					    .end = send_batch };
	static struct sink sink;
	struct member m = { .demo = demo,
			    .role = ROLE_REPLICATE,
			    .own = &sink };

	sink.fd = demo->link[0];
	return member_run(&m, &stage);
}
