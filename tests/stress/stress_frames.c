/* SPDX-License-Identifier: MIT */
/*
 * stress_frames.c - events of random sizes, from several to several
 *
 * Each producer numbers its events; each consumer sees every event of every
 * producer once, in that one's order, with its checksum right, also where it
 * lies across the end of the ring.
 */
#include "tests/fixture.h"
#include "tests/stress/stress.h"

#define PRODUCERS_MAX 4
#define CONSUMERS_MAX 4

struct plan {
	int n_producers;
	int n_consumers;
	int64_t n_events; /* of each producer */
};

/* Whose it is, and its place in that one's row. */
struct title {
	uint64_t producer;
	uint64_t number;
};

struct part {
	struct seat seat;
	uint64_t producer;
};

static struct fixture f;
static struct plan plan;

/* Mostly small, sometimes up to a quarter of the ring. */
static uint32_t
random_size(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	if (*random % 64 != 0)
		return (uint32_t)sizeof(struct title) +
		       (uint32_t)(*random >> 32) % 100;
	return (uint32_t)sizeof(struct title) +
	       (uint32_t)((*random >> 32) % (f.channel.geometry.event_size -
					     sizeof(struct title)));
}

static uint64_t
seed_of(const struct title *title)
{
	return title->producer << 48 | title->number;
}

static void
publish_title(struct rb_sequencer *s, const struct title *title, uint32_t size)
{
	int64_t n = rb_geometry_frame_slots(&s->channel->geometry, size);
	int64_t hi = rb_sequencer_claim(s, n, -1);
	struct rb_frame *frame;
	struct title *at;

	stress_assert(hi >= 0);
	frame = rb_channel_slot(s->channel, hi - n + 1);
	at = (struct title *)(frame + 1);
	rb_word32_store_relaxed(&frame->size, size);
	*at = *title;
	fill(at + 1, size - sizeof(*at), seed_of(title));
	stress_assert(rb_sequencer_publish(s, hi - n + 1, hi) == 0);
}

static int
publish_all(void *arg)
{
	const struct part *part = arg;
	struct rb_channel channel;
	struct rb_sequencer s;
	uint64_t random = part->producer * 977 + 1;

	fixture_attach_producer(&f, part->seat, &channel, &s);
	for (int64_t i = 0; i < plan.n_events; i++) {
		struct title title = { part->producer, (uint64_t)i };

		publish_title(&s, &title, random_size(&random));
	}
	return 0;
}

static int64_t
read_batch(struct rb_barrier *b, uint64_t *numbers)
{
	int64_t next = b->committed + 1;
	int64_t hi = rb_barrier_wait(b, next, -1);
	int64_t n = 0;

	stress_assert(hi >= 0);
	for (; next <= hi; n++) {
		struct rb_event_view view;
		const struct title *title;

		stress_assert(rb_event_at(b->channel, next, hi, &view) == 0);
		title = view.data;
		stress_assert(title->producer < PRODUCERS_MAX);
		stress_assert(title->number == numbers[title->producer]);
		stress_assert(is_filled(title + 1, view.size - sizeof(*title),
					seed_of(title)));
		numbers[title->producer]++;
		next = view.last + 1;
	}
	stress_assert(rb_barrier_commit(b, hi) == 0);
	return n;
}

static int
read_all(void *arg)
{
	const struct part *part = arg;
	uint64_t numbers[PRODUCERS_MAX] = { 0 };
	struct rb_channel channel;
	struct rb_barrier b;
	int64_t left = plan.n_events * plan.n_producers;

	fixture_attach_consumer(&f, part->seat, &channel, &b);
	while (left > 0)
		left -= read_batch(&b, numbers);
	ck_assert_int_eq(left, 0);
	return 0;
}

static void
run_plan(enum side side, enum rb_wait_kind wait)
{
	struct part parts[PRODUCERS_MAX + CONSUMERS_MAX];
	struct task tasks[PRODUCERS_MAX + CONSUMERS_MAX];
	int n = plan.n_producers + plan.n_consumers;

	fixture_open(&f, SHAPE(.slots = 256, .slot_size = 64,
			       .framing = RB_FRAMED, .wait = WAIT(wait),
			       .producers = plan.n_producers > 1 ? RB_MULTI
								 : RB_SINGLE));
	for (int i = 0; i < plan.n_consumers; i++) {
		char name[] = { (char)('a' + i), '\0' };

		parts[i].seat = fixture_join_consumer(&f, name, RB_FROM_NOW);
		task_start(&tasks[i], side, read_all, &parts[i]);
	}
	for (int i = plan.n_consumers; i < n; i++) {
		parts[i].seat = fixture_join_producer(&f);
		parts[i].producer = (uint64_t)(i - plan.n_consumers);
		task_start(&tasks[i], side, publish_all, &parts[i]);
	}
	for (int i = 0; i < n; i++)
		task_join(&tasks[i]);
	fixture_close(&f);
}

static void
run(int n_producers, int n_consumers, enum side side)
{
	int64_t total = stress_count(60000, 10000000);

	plan = (struct plan){ n_producers, n_consumers, total / n_producers };
	run_plan(side, RB_WAIT_BLOCKING);
}

TEST_TIMEOUT(one_to_one_processes, STRESS_TIMEOUT)
{
	run(1, 1, FORKED);
}

TEST_TIMEOUT(one_to_three_processes, STRESS_TIMEOUT)
{
	run(1, 3, FORKED);
}

TEST_TIMEOUT(three_to_one_processes, STRESS_TIMEOUT)
{
	run(3, 1, FORKED);
}

TEST_TIMEOUT(three_to_two_processes, STRESS_TIMEOUT)
{
	run(3, 2, FORKED);
}

TEST_TIMEOUT(one_to_two_threads, STRESS_TIMEOUT)
{
	run(1, 2, THREADED);
}

TEST_TIMEOUT(two_to_two_threads, STRESS_TIMEOUT)
{
	run(2, 2, THREADED);
}
