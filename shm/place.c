/* SPDX-License-Identifier: MIT */
/*
 * place.c - see place.h
 *
 * A consumer joins while producers run. Between the moment a producer reads the
 * gating set and the moment it claims, it trusts what it read. So:
 *
 *   1. place the joiner's sequence, a first guess
 *   2. publish the new graph, then raise its version
 *   3. membarrier: every producer that goes on with the old set has read its
 *      sequences before this point, so its minimum is at most what 4 reads
 *   4. place the sequence again; now it is right
 *
 * and producers take their minimum again if the version moved meanwhile. A stale
 * minimum m lets a producer overwrite up to m - history, and m <= the place read
 * in 4, so everything later than that place less the history is still there:
 * that is what RB_FROM_OLDEST gives. What another that gates has yet to read is
 * there as well, so that one who holds a place in the ring can be followed there by
 * another; and, once it has come further than what was its place in 4 or where it was
 * moved back from (`known`), the history before it too. So a stage that waits for one
 * that is not there yet counts its history from `known`. One that was parked holds
 * nothing until it has come to where others may have been when it gated again.
 * Setting the sequence before and after without 3 and the version (as upstream
 * does) loses events with two producers.
 *
 * The place is the last sequence up to which all is published; for a dependent
 * stage it is the slowest of those it waits for. The last one claimed would not
 * do: a gate there lets producers lap the slots below that are claimed and not
 * yet published.
 *
 * Slots that are cleared, or are being cleared, are gone too. Who clears says so
 * before it looks at the version of the graph once more, and we look there after
 * 3: so either it counts the joiner in, or we see how far it will go.
 */
#include "shm/place.h"

#include "shm/clear.h"
#include "shm/graph.h"
#include "shm/member.h"
#include "shm/sequencer.h"

int64_t
rb_place_frontier(const struct rb_channel *channel)
{
	const struct rb_ring *ring = channel->ring;
	int64_t claimed;

	if (!rb_channel_is_multi(channel))
		/* ORDER(membership, acquire) - after the membarrier. */
		return rb_seq_bounded(rb_seq_load_acquire(&ring->published));
	/* ORDER(membership, acquire) - as above. */
	claimed = rb_seq_load_acquire(&ring->claimed);
	return rb_seq_bounded(
		rb_multi_frontier(channel, RB_SEQUENCE_INITIAL, claimed));
}

static int64_t
sequence_of(const struct rb_channel *channel, int index)
{
	/* ORDER(commit, acquire) - as producers read it. */
	return rb_seq_load_acquire(&channel->gates->consumers[index].sequence);
}

static bool
has_producers(const struct rb_meta *meta)
{
	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++)
		/* ORDER(none, relaxed) - the daemon is the only writer. */
		if (rb_word32_load_relaxed(&meta->producers[i].state) !=
		    RB_MEMBER_FREE)
			return true;
	return false;
}

/*
 * The sequence before the oldest that is surely there, starting from `place`:
 * the history; or, while nobody can be claiming, the whole ring, of which some
 * may be cleared.
 */
static int64_t
oldest_from(const struct rb_channel *c, int64_t place)
{
	const struct rb_geometry *g = &c->geometry;
	int64_t slots = (int64_t)g->slots;
	int64_t kept = (int64_t)g->history;
	int64_t claimed, begun = RB_SEQUENCE_INITIAL;

	if (!has_producers(c->meta)) {
		/* ORDER(none, relaxed) - no producer, so nobody writes it. */
		claimed = rb_seq_bounded(
			rb_seq_load_relaxed(&c->ring->claimed));
		if (claimed >= place && claimed - place < slots)
			kept = slots - (claimed - place);
	}
	if (c->clear != RB_CLEAR_NONE)
		/* ORDER(clear-set, acquire) - after the membarrier. */
		begun = rb_seq_bounded(
			rb_seq_load_acquire(&c->gates->clear.begun));
	if (begun > place) /* not from a consumer of ours */
		return place;
	return place - kept > begun ? place - kept : begun;
}

/* What producers may have known to be read of all that consumer `index` gates. */
static int64_t
known_of(const struct rb_channel *c, unsigned index)
{
	int64_t here = rb_seq_bounded(sequence_of(c, (int)index));
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	int64_t known = (int64_t)rb_word64_load_relaxed(
		&c->meta->consumers[index].known);

	return here > known ? here : known;
}

/* The sequence before the oldest that is there as consumer `index` gates. */
static int64_t
oldest_held(const struct rb_channel *c, unsigned index)
{
	int64_t here = rb_seq_bounded(sequence_of(c, (int)index));
	int64_t known = known_of(c, index);
	int64_t oldest = oldest_from(c, known);

	/* ORDER(none, relaxed) - the daemon is the only writer. */
	if (here < known &&
	    rb_word32_load_relaxed(&c->meta->consumers[index].returned) != 0)
		return oldest;
	return here < oldest ? here : oldest;
}

/* For one that comes after others, or after none. */
struct start {
	int64_t place; /* up to where it may read */
	int64_t known; /* up to where producers may have known all to be read */
	int64_t oldest; /* the sequence before the oldest that is there */
};

static struct start
find_start(const struct rb_channel *c, uint64_t deps)
{
	struct start s = { RB_SEQUENCE_MAX, RB_SEQUENCE_MAX, RB_SEQUENCE_MAX };

	if (deps == 0) {
		s.place = s.known = rb_place_frontier(c);
		s.oldest = oldest_from(c, s.known);
	}
	for (; deps != 0; deps &= deps - 1) {
		unsigned i = (unsigned)__builtin_ctzll(deps);

		s.place = rb_min_i64(s.place, sequence_of(c, (int)i));
		s.known = rb_min_i64(s.known, known_of(c, i));
		s.oldest = rb_min_i64(s.oldest, oldest_held(c, i));
	}
	s.place = rb_seq_bounded(s.place);
	return s;
}

/* Moves forward to the slot before one where an event starts. */
static int64_t
align_to_event(const struct rb_channel *c, int64_t before, int64_t place)
{
	if (!rb_channel_is_framed(c))
		return before;
	for (; before < place; before++) {
		/* ORDER(stamp, acquire) - pairs with stamp() in multi.c. */
		uint64_t stamp = rb_word64_load_acquire(
			rb_channel_stamp(c, before + 1));

		if (stamp != rb_stamp(before + 1, RB_STAMP_REST))
			break;
	}
	return before;
}

/* The producers that are gone may have known of more room than one that starts
 * in the past leaves to those that come. */
static void
forget_gate(struct rb_channel *channel, int64_t place)
{
	struct rb_sequence *gate = &channel->ring->gate;

	/* ORDER(none, relaxed) - no producer, so nobody else writes it. */
	if (rb_seq_load_relaxed(gate) > place)
		rb_seq_store_relaxed(gate, place);
}

/* Those that it waits for and is ahead of gate themselves from now on. */
static void
keep_gating(struct rb_channel *channel, uint64_t deps, int64_t before)
{
	for (; deps != 0; deps &= deps - 1) {
		int i = __builtin_ctzll(deps);

		if (sequence_of(channel, i) < before)
			/* ORDER(none, relaxed) - for the daemon itself. */
			rb_word32_store_relaxed(
				&channel->meta->consumers[i].behind, 1);
	}
}

/* The same of all that gate beside consumer `index`, if that is before `oldest`. Not
 * where it would be a lie. */
static int64_t
oldest_beside(const struct rb_channel *c, unsigned index, int64_t oldest,
	      int64_t place)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	uint64_t gating = rb_word64_load_relaxed(&c->meta->control.gating) &
			  ~(UINT64_C(1) << index);
	int64_t slots = (int64_t)c->geometry.slots;

	for (; gating != 0; gating &= gating - 1) {
		int64_t held = oldest_held(c,
					   (unsigned)__builtin_ctzll(gating));

		if (held < oldest && place - held <= slots)
			oldest = held;
	}
	return oldest;
}

/* The sequence before the first that it gets, which lies at its place or before,
 * but for a dependent stage that wants to start later, or cannot start there. */
static int64_t
choose(const struct rb_channel *c, unsigned index, int64_t from,
       const struct start *start)
{
	int64_t oldest = start->oldest;

	if (from == RB_FROM_NOW && start->place >= oldest)
		return start->place;
	if (from >= 0 && from - 1 < oldest)
		oldest = oldest_beside(c, index, oldest, start->place);
	if (from >= 0 && from - 1 >= oldest)
		return from - 1;
	return align_to_event(c, oldest, start->known);
}

/* Nobody else gates: before the graph with it is published, and after. */
static bool
is_first(const struct rb_channel *channel, unsigned index)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	uint64_t gating = rb_word64_load_relaxed(
		&channel->meta->control.gating);

	return (gating & ~(UINT64_C(1) << index)) == 0;
}

static void
set_known(struct rb_channel *channel, unsigned index, int64_t known,
	  bool returned)
{
	struct rb_member *m = &channel->meta->consumers[index];

	/* ORDER(none, relaxed) - for the daemon itself. */
	rb_word64_store_relaxed(&m->known, (uint64_t)known);
	rb_word32_store_relaxed(&m->returned, returned);
}

int64_t
rb_place_consumer(struct rb_channel *channel, unsigned index, int64_t from)
{
	uint64_t deps = rb_graph_deps(channel->meta, index);
	struct start start = find_start(channel, deps);
	int64_t before = choose(channel, index, from, &start);

	keep_gating(channel, deps, before);
	if (!has_producers(channel->meta))
		forget_gate(channel, before);
	if (channel->clear != RB_CLEAR_NONE && is_first(channel, index))
		rb_clear_skip(channel, before);
	set_known(channel, index, start.known, false);
	/* ORDER(commit, release) - to producers that count us in. */
	rb_seq_store_release(&channel->gates->consumers[index].sequence,
			     before);
	if (from == RB_FROM_OLDEST)
		return before + 1;
	return from >= 0 && before >= from ? before + 1 - from : 0;
}

/* Whether producers keep for it what it has yet to read. */
static bool
is_kept_for(const struct rb_member *m)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word32_load_relaxed(&m->slow) != RB_SLOW_LOSSY &&
	       rb_word32_load_relaxed(&m->parked) == 0;
}

void
rb_place_find_range(const struct rb_channel *channel, unsigned index,
		    int64_t *ret_lowest, int64_t *ret_highest)
{
	uint64_t deps = rb_graph_deps(channel->meta, index);
	struct start start = find_start(channel, deps);
	int64_t here = rb_seq_bounded(sequence_of(channel, (int)index));
	bool kept = is_kept_for(&channel->meta->consumers[index]);

	*ret_lowest = start.oldest;
	if (kept && oldest_held(channel, index) < *ret_lowest)
		*ret_lowest = oldest_held(channel, index);
	*ret_highest = here > start.place ? here : start.place;
}

int64_t
rb_place_move(struct rb_channel *channel, unsigned index, int64_t before,
	      int64_t highest)
{
	before = align_to_event(channel, before, highest);
	if (!has_producers(channel->meta))
		forget_gate(channel, before);
	set_known(channel, index, known_of(channel, index), false);
	/* ORDER(commit, release) - to producers, which go by it. */
	rb_seq_store_release(&channel->gates->consumers[index].sequence,
			     before);
	return before;
}

void
rb_place_return(struct rb_channel *channel, unsigned index)
{
	set_known(channel, index, RB_SEQUENCE_MAX, true);
}

void
rb_place_settle_returned(struct rb_channel *channel)
{
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		/* ORDER(none, relaxed) - the daemon is the only writer. */
		if (rb_word64_load_relaxed(
			    &channel->meta->consumers[i].known) ==
		    RB_SEQUENCE_MAX)
			set_known(channel, i, rb_place_frontier(channel), true);
}
