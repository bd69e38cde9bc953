/* SPDX-License-Identifier: MIT */
/*
 * fuzz_segment.c - a channel whose members write into it what they like
 *
 * The input picks a shape of channel and then, step by step: a word of meta, ring
 * or gates that is not what it should be, or a call of a producer, a consumer, a
 * tap, of who looks at the channel, or of the daemon that mends, evicts and takes
 * over. Whatever is in the three files, no call may crash, go on for ever, give
 * out what is outside of the slots, or fail with an error that is not documented.
 *
 * The daemon alone writes meta: before it goes on from what is there, it judges
 * it as one does that finds the channel of another.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/lag.h"
#include "daemon/table.h"
#include "shm/clear.h"
#include "shm/entry.h"
#include "shm/hole.h"
#include "shm/presence.h"
#include "shm/repair.h"
#include "tests/fuzz/lies.h"
#include "tests/fuzz/players.h"

#define STEPS_MAX 200

struct play {
	struct input in;
	struct stage *stage;
	struct rb_channel daemon; /* its copy of the mapping */
	struct ringbus bus;
	struct ringbus_producer *producers[STAGE_PRODUCERS];
	struct ringbus_consumer *consumers[SEATS];
	bool is_meta_new; /* nobody has judged it */
};

/* ------------------------------------------------------------------- people */

static struct ringbus_producer *
producer(struct play *p)
{
	unsigned n = rb_channel_is_multi(&p->daemon) ? STAGE_PRODUCERS : 1;
	unsigned i = input_below(&p->in, n);

	if (p->producers[i] == NULL)
		p->producers[i] = player_producer(
			&p->bus, &p->stage->channels[RB_ROLE_PRODUCER], i,
			p->stage->producer_epochs[i]);
	return p->producers[i];
}

static struct ringbus_consumer *
consumer(struct play *p, unsigned i)
{
	if (i == SEAT_GROUP || i == SEAT_KEYED)
		return NULL;
	if (p->consumers[i] == NULL)
		p->consumers[i] = player_consumer(
			&p->bus, &p->stage->channels[RB_ROLE_CONSUMER], i,
			p->stage->epochs[i]);
	return p->consumers[i];
}

static void
all_read(struct play *p)
{
	for (unsigned i = 0; i < SEATS; i++)
		if (consumer(p, i) != NULL)
			player_read_all(consumer(p, i));
}

static void
leave_all(struct play *p)
{
	for (unsigned i = 0; i < STAGE_PRODUCERS; i++)
		free(p->producers[i]);
	for (unsigned i = 0; i < SEATS; i++)
		if (p->consumers[i] != NULL)
			player_leave(p->consumers[i]);
}

/* --------------------------------------------------------------- the daemon */

/* As one that has found the channel: see judge.c. */
static bool
is_taken_over(struct play *p)
{
	const struct rb_meta_header *header = &p->daemon.meta->header;
	char why[256];

	if (!p->is_meta_new)
		return true;
	if (memcmp(header, p->stage->images[RB_FILE_META], sizeof(*header)) !=
		    0 ||
	    !rb_table_is_sound(&p->daemon, why, sizeof(why)))
		return false;
	rb_member_adopt(&p->daemon);
	p->is_meta_new = false;
	return true;
}

static uint32_t
state_of(const struct play *p, unsigned index)
{
	return rb_entry_get(&p->daemon.meta->consumers[index].state);
}

static void
mend(struct play *p)
{
	unsigned i = input_below(&p->in, STAGE_PRODUCERS);
	struct rb_repair report = { .only_looks = input_below(&p->in, 2) != 0 };
	int left;

	rb_member_set_dying(&p->daemon, i);
	left = rb_repair_producer(&p->daemon, i, &report);
	fuzz_expect(left == 0 || left == 1);
	if (report.only_looks && p->daemon.strict && report.tombstones > 0)
		rb_repair_set_broken(&p->daemon, report.first);
	if (!report.only_looks && left == 0)
		rb_member_leave_producer(&p->daemon, i);
}

static void
dismiss(struct play *p)
{
	unsigned i = input_below(&p->in, SEATS);
	bool keep = input_below(&p->in, 2) != 0;
	uint32_t state = state_of(p, i);
	bool is_group = rb_entry_get(&p->daemon.meta->consumers[i].group) != 0;

	if (state == RB_MEMBER_ABSENT || state == RB_MEMBER_EVICTED ||
	    (state == RB_MEMBER_ATTACHED && !is_group))
		rb_member_leave_consumer(&p->daemon, i,
					 keep && state != RB_MEMBER_ABSENT);
}

static void
restrain(struct play *p)
{
	const struct rb_member *m = &p->daemon.meta->consumers[SEAT_SLOW];
	bool parks = rb_entry_get(&m->slow) == RB_SLOW_PARK &&
		     p->daemon.clear == RB_CLEAR_NONE;

	if (state_of(p, SEAT_SLOW) != RB_MEMBER_ATTACHED)
		return;
	if (parks)
		rb_member_set_parked(&p->daemon, SEAT_SLOW,
				     rb_entry_get(&m->parked) == 0);
	else
		rb_member_evict(&p->daemon, SEAT_SLOW);
}

static void
let_in(struct play *p)
{
	struct rb_join join = {
		.who = { "late", (uint32_t)getpid(), 2, 0 },
		.from = input_number(&p->in),
	};
	int i = rb_member_find_consumer(&p->daemon, "late");
	struct rb_joined joined;
	unsigned index;

	if (join.from < RB_FROM_RESUME)
		join.from = RB_FROM_OLDEST;
	if (input_below(&p->in, 2) == 0)
		rb_member_join_worker(&p->daemon, SEAT_GROUP, &join, &index,
				      &joined);
	else if (i >= 0)
		fuzz_expect_result(rb_member_join_consumer(&p->daemon,
							   (unsigned)i, &join,
							   &joined),
				   -ENOENT, -ERANGE, 0);
}

static void
judge(struct play *p)
{
	unsigned i = input_below(&p->in, SEATS);
	struct rb_hole hole;

	fuzz_expect(rb_lag(&p->daemon, i) >= 0);
	rb_lag_exceeds(&p->daemon, i, input_below(&p->in, 64));
	rb_lag_published(&p->daemon);
	if (!rb_hole_find(&p->daemon, &hole))
		return;
	fuzz_expect(hole.producer < RB_PRODUCERS_MAX);
	rb_hole_is_in_the_way(&p->daemon, &hole);
	rb_hole_has_room(&p->daemon, &hole);
}

static void
rule(struct play *p)
{
	unsigned choice = input_below(&p->in, 8);

	if (!is_taken_over(p))
		return;
	switch (choice) {
	case 0:
	case 1:
		mend(p);
		break;
	case 2:
		dismiss(p);
		break;
	case 3:
		restrain(p);
		break;
	case 4:
		let_in(p);
		break;
	case 5:
		judge(p);
		break;
	case 6:
		rb_presence_of(&p->daemon, RB_ROLE_CONSUMER,
			       input_below(&p->in, SEATS), 1);
		rb_member_adopt(&p->daemon);
		break;
	case 7:
		rb_channel_close_stream(&p->daemon,
					input_below(&p->in, 4) == 0);
		break;
	}
}

/* ------------------------------------------------------------------ the play */

static void
lie(struct play *p, enum rb_file file)
{
	p->is_meta_new |= file == RB_FILE_META;
	lies_tell(&p->in, &p->daemon, file);
}

static void
step(struct play *p)
{
	struct ringbus_consumer *c;

	switch (input_below(&p->in, 16)) {
	case 0:
	case 1:
	case 2:
		lie(p, RB_FILE_RING);
		break;
	case 3:
	case 4:
		lie(p, RB_FILE_GATES);
		break;
	case 5:
		lie(p, RB_FILE_META);
		break;
	case 6:
	case 7:
	case 8:
		player_produce(&p->in, producer(p));
		break;
	case 9:
	case 10:
	case 11:
		c = consumer(p, input_below(&p->in, SEATS));
		if (c != NULL)
			player_consume(&p->in, c);
		break;
	case 12:
		player_tap(&p->in, &p->bus, &p->stage->channels[RB_ROLE_TAP]);
		break;
	case 13:
		player_look(&p->bus, &p->stage->channels[RB_ROLE_TAP]);
		break;
	case 14:
		rule(p);
		break;
	case 15:
		all_read(p);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play p = { .in = { data, size },
			  .bus = { .fd = -1,
				   .lock = PTHREAD_MUTEX_INITIALIZER } };

	p.stage = stage_get(input_below(&p.in, 256));
	p.daemon = p.stage->channels[RB_ROLE_DAEMON];
	for (int i = 0; i < STEPS_MAX && p.in.left > 0; i++)
		step(&p);
	leave_all(&p);
	return 0;
}
