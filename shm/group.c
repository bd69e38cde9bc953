/* SPDX-License-Identifier: MIT */
/*
 * group.c - see group.h
 *
 * Which event a worker takes next, and what it waits for when there is none. A
 * bound is as for any consumer, of the worker's own barrier; what lies between
 * the group's sequence and the bound, and is not open, is other workers'. So a
 * worker that finds nothing sleeps until the bound moves, and looks again all
 * the same when its sleep is over: what others return, or leave, changes no
 * event word that they may write.
 */
#include "shm/group.h"

#include "shm/count.h"
#include "shm/latency.h"
#include "shm/work.h"

int
rb_worker_init(struct rb_worker *worker, struct rb_channel *channel,
	       unsigned index, uint32_t epoch)
{
	struct rb_worker w;
	uint32_t of;
	int err;

	if (index >= RB_CONSUMERS_MAX)
		return -EBADMSG;
	/* ORDER(none, relaxed) - the daemon stored it before it told us over
	 * the socket. */
	of = rb_word32_load_relaxed(&channel->meta->consumers[index].worker_of);
	if (of == 0 || of - 1 == index)
		return -EBADMSG;
	err = rb_work_attach(&w, channel, of - 1);
	if (err < 0)
		return err;
	rb_barrier_init(&w.barrier, channel, index, epoch);
	w.barrier.available = RB_SEQUENCE_INITIAL;
	w.scan = RB_SEQUENCE_INITIAL;
	*worker = w;
	return 0;
}

/* ---------------------------------------------------- what is to be taken */

/* As rb_event_at(). What others have been done with since is nothing to us,
 * though it may have been overwritten with anything. */
static int
view_at(const struct rb_worker *w, int64_t sequence, struct rb_event_view *ret)
{
	int kind = rb_event_at(w->barrier.channel, sequence,
			       w->barrier.available, ret);

	if (kind >= 0)
		return kind;
	/* ORDER(overwrite, acquire) - whoever wrote what we have read there did
	 * so after the group's sequence. */
	rb_fence_acquire();
	return rb_work_sequence(w) < sequence ? kind : RB_NO_EVENT_TOMBSTONE;
}

/* A look for work: only to see whether there is some, or to take it. */
struct search {
	struct rb_work work;
	bool takes;
};

/* An open event: true if it will do. */
static bool
pick(struct rb_worker *w, struct search *search, int64_t sequence,
     uint64_t word)
{
	search->work.sequence = sequence;
	if (search->takes)
		search->work.attempt = rb_work_take(w, sequence, word);
	return !search->takes || search->work.attempt > 0;
}

/* 1 if the search was a success, 0, or -EBADMSG. */
static int
search_all(struct rb_worker *w, struct search *search)
{
	int64_t seen, sequence = rb_work_hint(w, &seen);
	int found = 0;

	while (found == 0 && sequence < w->barrier.available) {
		uint64_t word;
		int kind;

		if (rb_work_state(w, ++sequence, &word) != RB_WORK_OPEN)
			continue;
		kind = view_at(w, sequence, &search->work.view);
		if (kind < 0)
			return kind;
		if (kind == 0)
			found = pick(w, search, sequence, word);
	}
	/* What was only seen is still open. */
	rb_work_raise_hint(w, seen,
			   found && !search->takes ? sequence - 1 : sequence);
	return found;
}

/* The lane of an event; of a shorter one by as much of the key as it has. */
static unsigned
lane_of(const struct rb_worker *w, const struct rb_event_view *view)
{
	uint64_t size = 0;

	if (view->size > w->key_offset)
		size = rb_min_u64(view->size - w->key_offset, w->key_size);
	return rb_lane_of((const char *)view->data + w->key_offset, size);
}

/* The same in our lanes. An event that we must leave to its time holds up its
 * own lane alone, but we look from there again. */
static int
search_lanes(struct rb_worker *w, struct search *search)
{
	struct rb_lane_set held_up = w->lanes.busy;
	int64_t sequence = rb_work_sequence(w);
	int64_t left = RB_SEQUENCE_MAX;
	int found = 0;

	if (sequence < w->scan)
		sequence = w->scan;
	while (found == 0 && sequence < w->barrier.available) {
		enum rb_work_state state;
		unsigned lane;
		uint64_t word;
		int kind;

		state = rb_work_state(w, ++sequence, &word);
		if (state == RB_WORK_DONE)
			continue;
		kind = view_at(w, sequence, &search->work.view);
		if (kind < 0)
			return kind;
		if (kind > 0)
			continue;
		lane = lane_of(w, &search->work.view);
		if (!rb_lane_is_in(&w->lanes.held, lane))
			continue;
		search->work.lane = lane;
		found = state == RB_WORK_OPEN &&
			!rb_lane_is_in(&held_up, lane) &&
			pick(w, search, sequence, word);
		rb_lane_add(&held_up, lane);
		if ((!found || !search->takes) && left > sequence)
			left = sequence;
	}
	w->scan = left <= sequence ? left - 1 : sequence;
	if (found && search->takes)
		rb_lane_add(&w->lanes.busy, search->work.lane);
	return found;
}

/* The lanes are as the set of workers wants them, as far as that goes now. */
static void
settle(struct rb_worker *w)
{
	/* ORDER(membership, acquire) - the set is the same for all. */
	uint64_t workers = rb_word64_load_acquire(&w->member->workers);
	int happened = rb_lanes_settle(&w->lanes, w->group, w->barrier.index,
				       workers);

	if (happened & RB_LANES_TAKEN)
		w->scan = RB_SEQUENCE_INITIAL;
	if (happened & RB_LANES_GIVEN)
		rb_work_call(w);
}

/* First up to where we know, then as far as there is. What is found is 1, else
 * *ret_event is what to wait for. */
static int
search_for(struct rb_worker *w, struct search *search,
	   struct rb_event *ret_event)
{
	int (*look)(struct rb_worker *,
		    struct search *) = w->key_size > 0 ? search_lanes
						       : search_all;
	int64_t before = w->barrier.available;
	int64_t bound;
	int found;

	if (w->key_size > 0)
		settle(w);
	found = look(w, search);
	if (found != 0)
		return found;
	bound = rb_work_bound(w, ret_event);
	if (bound <= before)
		return bound < RB_SEQUENCE_INITIAL ? (int)bound : 0;
	return look(w, search);
}

int
rb_worker_take(struct rb_worker *worker, struct rb_work *ret)
{
	struct search search = { .takes = true };
	struct rb_event event;
	int found;

	/* An evicted one may find out late, but not by taking what is no longer
	 * its. */
	if (rb_unlikely(!rb_barrier_is_ours(&worker->barrier)))
		return 0;
	found = search_for(worker, &search, &event);
	if (found >= 0 &&
	    rb_unlikely(rb_channel_is_broken(worker->barrier.channel)))
		return -EBADMSG;
	if (found > 0)
		*ret = search.work;
	return found;
}

/* -------------------------------------------------------- what was taken */

static int
put(struct rb_worker *w, const struct rb_work *work, enum rb_work_state state)
{
	if (w->key_size > 0)
		rb_lane_remove(&w->lanes.busy, work->lane % RB_LANES);
	if (rb_unlikely(!rb_barrier_is_ours(&w->barrier)) ||
	    !rb_work_put(w, work, state))
		return rb_channel_why_lost(w->barrier.channel);
	return 0;
}

int
rb_worker_done(struct rb_worker *worker, const struct rb_work *work)
{
	struct rb_barrier *b = &worker->barrier;
	int err;

	if (b->is_timed) /* before it may be overwritten */
		rb_latency_note(b->channel, b->index, work->sequence,
				work->sequence);
	err = put(worker, work, RB_WORK_DONE);
	if (err < 0)
		return err;
	if (work->view.last > b->committed) {
		b->committed = work->view.last;
		/* ORDER(none, relaxed) - for people; nobody waits for it. */
		rb_seq_store_relaxed(&b->gate->sequence, b->committed);
	}
	rb_count_set(&b->gate->batches, ++b->batches);
	rb_work_advance(worker);
	return 0;
}

int
rb_worker_return(struct rb_worker *worker, const struct rb_work *work)
{
	int err = put(worker, work, RB_WORK_OPEN);

	if (err < 0)
		return err;
	if (worker->scan >= work->sequence)
		worker->scan = work->sequence - 1;
	rb_work_lower_hint(worker);
	rb_work_call(worker);
	return 0;
}

/* ---------------------------------------------------- waiting for something */

/* Looks once: the sequence of an open event, -EAGAIN if there is none, or why
 * we should not wait. */
static int64_t
look_for_work(struct rb_worker *w, struct rb_event *ret_event)
{
	const struct rb_meta_control *control =
		&w->barrier.channel->meta->control;
	struct search search = { .takes = false };
	int found = rb_barrier_check(&w->barrier);

	if (found == 0)
		found = search_for(w, &search, ret_event);
	if (found != 0)
		return found > 0 ? search.work.sequence : found;
	if (rb_work_is_stuck(w))
		rb_work_advance(w);
	/* ORDER(end, acquire) - what others still work on is before it: they
	 * may die. */
	if (rb_work_sequence(w) >= rb_seq_load_acquire(&control->end))
		return -ESHUTDOWN;
	return rb_work_is_broken(w) ? -EOWNERDEAD : -EAGAIN;
}

/* All that lies before the group; `available` is less where others are faster. */
static void
note_lag(struct rb_worker *w)
{
	struct rb_barrier *b = &w->barrier;
	int64_t lag = b->available - rb_work_sequence(w);

	if (lag <= b->lag_max)
		return;
	b->lag_max = lag;
	rb_count_set(&b->gate->lag_max, (uint64_t)lag);
}

static int64_t
wait_for_work(struct rb_worker *worker, int64_t timeout_ns)
{
	struct rb_barrier *b = &worker->barrier;
	struct rb_event event;
	struct rb_wait wait;
	int64_t found = look_for_work(worker, &event);

	if (found != -EAGAIN || timeout_ns == 0)
		return found;
	rb_wait_begin(&wait, b->wait, timeout_ns, &b->gate->waits, &b->alerted);
	wait.began = &b->gate->waits_since;
	do {
		int late = rb_wait_turn(&wait, &event);

		found = look_for_work(worker, &event);
		if (found == -EAGAIN && late < 0)
			found = late;
	} while (found == -EAGAIN);
	rb_wait_end(&wait, found >= 0);
	return found;
}

int64_t
rb_worker_wait(struct rb_worker *worker, int64_t timeout_ns)
{
	int64_t found = wait_for_work(worker, timeout_ns);

	if (found >= 0)
		note_lag(worker);
	return found;
}

/* The first event that we know nothing of. */
static int64_t
find_next(const struct rb_worker *w)
{
	int64_t sequence = rb_work_sequence(w);

	return 1 + (sequence > w->barrier.available ? sequence
						    : w->barrier.available);
}

/* What the barrier says of `next`; others may have come further meanwhile than a
 * ring holds. */
static int
reconsider(const struct rb_worker *w, int64_t next, int state)
{
	return state == -EBADMSG && rb_work_sequence(w) >= next
		       ? RB_BARRIER_READY
		       : state;
}

int
rb_worker_look(struct rb_worker *worker)
{
	struct rb_barrier *b = &worker->barrier;
	struct rb_event event;
	int64_t found = look_for_work(worker, &event);
	int64_t next;
	int state;

	if (found >= 0)
		return RB_BARRIER_READY;
	if (found == -ESHUTDOWN)
		return RB_BARRIER_END;
	if (found != -EAGAIN)
		return (int)found;
	next = find_next(worker);
	state = reconsider(worker, next, rb_barrier_look(b, next));
	/* What is left of the stream is other workers'. */
	return state == RB_BARRIER_END || state == -EOWNERDEAD ? RB_BARRIER_IDLE
							       : state;
}

/* Who waits for other workers alone is rung by them. */
static void
arm_bell(struct rb_barrier *b)
{
	/* ORDER(bell, relaxed) - the membarrier stands before our look. */
	rb_word64_or_relaxed(&b->channel->gates->bells, UINT64_C(1)
								<< b->index);
	if (rb_membarrier() < 0)
		/* ORDER(bell, seq_cst) - where it is missing. */
		rb_fence_seq_cst();
}

int
rb_worker_arm(struct rb_worker *worker)
{
	struct rb_barrier *b = &worker->barrier;
	int64_t next = find_next(worker);
	int state = reconsider(worker, next, rb_barrier_arm(b, next));
	struct rb_event event;
	int64_t found;

	/* ORDER(end, acquire) - behind the end nothing will come. */
	if (state == -EOWNERDEAD ||
	    (state == 1 &&
	     next > rb_seq_load_acquire(&b->channel->meta->control.end))) {
		arm_bell(b);
		state = 0;
	}
	if (state != 0)
		return state < 0 ? state : 1;
	/* Once more, for what was returned before we could be rung. */
	found = look_for_work(worker, &event);
	if (found == -EAGAIN)
		return 0;
	rb_barrier_disarm(b);
	return found >= 0 || found == -ESHUTDOWN ? 1 : (int)found;
}

/* -------------------------------------------------------------- the daemon */

/* Stands in the group's own place, as none of its workers. */
static int
stand_in(struct rb_worker *w, struct rb_channel *channel, unsigned group)
{
	int err = rb_work_attach(w, channel, group);

	if (err < 0)
		return err;
	rb_barrier_init(&w->barrier, channel, group, 0);
	w->barrier.available = RB_SEQUENCE_INITIAL;
	w->barrier.index = RB_CONSUMERS_MAX;
	return 0;
}

void
rb_group_bury(struct rb_channel *channel, unsigned index)
{
	struct rb_worker w;
	uint32_t of;

	if (index >= RB_CONSUMERS_MAX)
		return;
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	of = rb_word32_load_relaxed(&channel->meta->consumers[index].worker_of);
	if (of == 0 || stand_in(&w, channel, of - 1) < 0)
		return;
	rb_work_open_of(&w, index);
	rb_work_advance(&w);
	rb_work_lower_hint(&w);
	rb_lanes_free(w.group, index);
}

void
rb_group_reset(struct rb_channel *channel, unsigned index)
{
	struct rb_worker w;

	if (stand_in(&w, channel, index) == 0)
		rb_work_clear(&w);
}

void
rb_group_look_again(struct rb_channel *channel, unsigned index)
{
	struct rb_worker w;

	if (stand_in(&w, channel, index) == 0)
		rb_work_lower_hint(&w);
}
