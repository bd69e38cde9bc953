/* SPDX-License-Identifier: MIT */
/*
 * workers.h - a group of workers, and a ledger of what they did
 *
 * For the tests of groups. The channel is the static `f` of the test file, the
 * group is called "g" and has entry 0.
 */
#ifndef T_WORKERS_H
#define T_WORKERS_H

#include "shm/group.h"
#include "tests/fixture.h"

static struct fixture f;

#define LEDGER 65536

/* Shared by all processes of a test; by sequence. */
struct ledger {
	struct rb_word32 begun[LEDGER];
	struct rb_word32 finished[LEDGER];
	struct rb_word32 attempt[LEDGER]; /* the last */
	struct rb_word32 stop;            /* leave, all of you */
};

static inline uint32_t
bump(struct rb_word32 *word)
{
	return rb_word32_add_acq_rel(word, 1) + 1;
}

static inline uint32_t
value_of(const struct rb_word32 *word)
{
	return rb_word32_load_acquire(word);
}

/* One of several workers, in a process or thread of its own. */
struct hand {
	struct seat seat;
	struct ledger *ledger;
	struct task task;
};

static inline void
open_group(const struct shape *shape, const struct rb_consumer_spec *spec,
	   struct rb_sequencer *ret)
{
	struct shape with_group = *shape;

	with_group.n_groups = 1;
	fixture_format(&f, &with_group);
	fixture_declare(&f, 0, "g", spec);
	rb_channel_open(&f.channel);
	fixture_producer(&f, ret);
}

/* Joins and takes the seat in this process. */
static inline struct seat
join_worker(struct rb_worker *ret)
{
	struct seat seat = fixture_join_worker(&f, "g", RB_FROM_NOW);

	t_ok(rb_worker_init(ret, &f.channel, seat.index, seat.epoch));
	return seat;
}

static inline void
attach_worker(struct seat seat, struct rb_channel *channel,
	      struct rb_worker *ret)
{
	fixture_attach(&f, RB_ROLE_CONSUMER, channel);
	t_ok(rb_worker_init(ret, channel, seat.index, seat.epoch));
}

static inline int64_t
sequence_of_group(void)
{
	return rb_seq_load_acquire(&f.channel.gates->consumers[0].sequence);
}

/* Says nothing as long as all is well: for children that are killed, who must not
 * be at it in the middle of what check writes. */
#define must(cond)                                                             \
	do {                                                                   \
		if (!(cond))                                                   \
			ck_abort_msg("not so: %s", #cond);                     \
	} while (0)

/* The next event must be there, and its bytes. */
static inline struct rb_work
take_work(struct rb_worker *w)
{
	struct rb_work work = { 0 };

	must(rb_worker_take(w, &work) == 1);
	must(is_filled(work.view.data, work.view.size,
		       (uint64_t)work.sequence));
	return work;
}

static inline void
do_work(struct rb_worker *w, struct ledger *ledger, const struct rb_work *work)
{
	int64_t i = work->sequence;

	must(i < LEDGER);
	must(is_filled(work->view.data, work->view.size, (uint64_t)i));
	bump(&ledger->begun[i]);
	rb_word32_store_relaxed(&ledger->attempt[i], work->attempt);
	t_ok(rb_worker_done(w, work));
	bump(&ledger->finished[i]);
}

/* Until the end of the stream, or until told to stop. */
static inline int
work_on(void *arg)
{
	const struct hand *hand = arg;
	struct rb_channel channel;
	struct rb_worker w;

	attach_worker(hand->seat, &channel, &w);
	while (value_of(&hand->ledger->stop) == 0) {
		int64_t found = rb_worker_wait(&w, 100 * MS);
		struct rb_work work;
		int taken;

		if (found == -ESHUTDOWN)
			break;
		if (found == -ETIMEDOUT)
			continue;
		t_ok(found);
		taken = rb_worker_take(&w, &work);
		t_ok(taken);
		if (taken > 0)
			do_work(&w, hand->ledger, &work);
	}
	return 0;
}

static inline void
start_hand(struct hand *hand, enum side side, struct ledger *ledger)
{
	hand->seat = fixture_join_worker(&f, "g", RB_FROM_NOW);
	hand->ledger = ledger;
	task_start(&hand->task, side, work_on, hand);
}

static inline void
leave_worker(unsigned index)
{
	rb_member_leave_consumer(&f.channel, index, false);
}

#endif
