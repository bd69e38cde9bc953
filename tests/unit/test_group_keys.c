/* SPDX-License-Identifier: MIT */
/*
 * test_group_keys.c - the events of a key stay in order, whoever comes and goes
 */
#include "shm/group.h"

#include <stdlib.h>

#include "shm/lane.h"
#include "tests/unit/workers.h"

#define BY_KEY SPEC(.is_group = true, .key_size = 8)

struct note {
	uint64_t key;
	uint64_t number; /* of the events of this key */
};

static int64_t
put_note(struct rb_sequencer *s, uint64_t key, uint64_t number)
{
	int64_t sequence = rb_sequencer_claim(s, 1, -1);
	struct note *note;

	t_ok(sequence);
	note = rb_channel_slot(s->channel, sequence);
	*note = (struct note){ key, number };
	t_ok(rb_sequencer_publish(s, sequence, sequence));
	return sequence;
}

static unsigned
lane_of_key(uint64_t key)
{
	return rb_lane_of(&key, sizeof(key));
}

/* The next key from `key` on whose lane should be this worker's. */
static uint64_t
key_for(struct seat seat, uint64_t workers, uint64_t key)
{
	while (rb_lane_owner(lane_of_key(key), workers) != (int)seat.index)
		key++;
	return key;
}

static struct rb_work
take_note(struct rb_worker *w, uint64_t key, uint64_t number)
{
	const struct note *note;
	struct rb_work work;

	ck_assert_int_eq(rb_worker_take(w, &work), 1);
	note = work.view.data;
	ck_assert_uint_eq(note->key, key);
	ck_assert_uint_eq(note->number, number);
	return work;
}

TEST(worker_has_one_event_of_a_key_at_a_time)
{
	struct rb_work first, second, work;
	struct rb_sequencer s;
	struct rb_worker w;

	open_group(SHAPE(0), BY_KEY, &s);
	join_worker(&w);
	for (uint64_t i = 0; i < 3; i++) {
		put_note(&s, 1, i);
		put_note(&s, 2, i);
	}
	for (uint64_t i = 0; i < 3; i++) {
		ck_assert_int_eq(rb_worker_wait(&w, 0), (int64_t)(2 * i));
		first = take_note(&w, 1, i);
		second = take_note(&w, 2, i);
		ck_assert_int_eq(rb_worker_take(&w, &work), 0);
		ck_assert_int_eq(rb_worker_wait(&w, 0), -EAGAIN);
		t_ok(rb_worker_done(&w, &second));
		t_ok(rb_worker_done(&w, &first));
	}
	ck_assert_int_eq(sequence_of_group(), 5);
	fixture_close(&f);
}

TEST(what_is_returned_comes_before_what_follows_it)
{
	struct rb_sequencer s;
	struct rb_worker w;
	struct rb_work work;

	open_group(SHAPE(0), BY_KEY, &s);
	join_worker(&w);
	for (uint64_t i = 0; i < 4; i++)
		put_note(&s, 9, i);
	for (uint64_t i = 0; i < 4; i++) {
		work = take_note(&w, 9, i);
		t_ok(rb_worker_return(&w, &work));
		work = take_note(&w, 9, i);
		ck_assert_uint_eq(work.attempt, 2);
		t_ok(rb_worker_done(&w, &work));
	}
	fixture_close(&f);
}

TEST(newcomer_gets_its_keys_after_what_is_begun)
{
	struct rb_work begun, work;
	struct rb_worker a, b;
	struct rb_sequencer s;
	struct seat old, young;
	uint64_t workers, key, other;

	open_group(SHAPE(0), BY_KEY, &s);
	old = join_worker(&a);
	young = join_worker(&b);
	workers = UINT64_C(1) << old.index | UINT64_C(1) << young.index;
	leave_worker(young.index);
	key = key_for(young, workers, 0);
	other = key_for(old, workers, 0);
	put_note(&s, key, 0);
	put_note(&s, key, 1);
	put_note(&s, other, 0);
	begun = take_note(&a, key, 0);

	ck_assert_uint_eq(join_worker(&b).index, young.index);
	ck_assert_int_eq(rb_worker_take(&b, &work), 0);
	work = take_note(&a, other, 0); /* and gives up all but one */
	ck_assert_int_eq(rb_worker_take(&b, &work), 0);
	t_ok(rb_worker_done(&a, &begun));
	ck_assert_int_eq(rb_worker_take(&b, &work), 0);
	ck_assert_int_eq(rb_worker_take(&a, &work), 0); /* and that one */
	work = take_note(&b, key, 1);
	t_ok(rb_worker_done(&b, &work));
	fixture_close(&f);
}

TEST(dead_owner_holds_up_its_own_keys_alone)
{
	struct rb_worker a, b;
	struct rb_sequencer s;
	struct rb_work work;
	struct seat dead, live;
	uint64_t workers, key, other;

	open_group(SHAPE(0), BY_KEY, &s);
	dead = join_worker(&a);
	live = join_worker(&b);
	workers = UINT64_C(1) << dead.index | UINT64_C(1) << live.index;
	key = key_for(dead, workers, 0);
	other = key_for(live, workers, 0);
	for (uint64_t i = 0; i < 3; i++) {
		put_note(&s, key, i);
		put_note(&s, other, i);
	}
	work = take_note(&a, key, 0);
	for (uint64_t i = 0; i < 3; i++) {
		work = take_note(&b, other, i);
		t_ok(rb_worker_done(&b, &work));
	}
	ck_assert_int_eq(rb_worker_take(&b, &work), 0);
	leave_worker(dead.index);
	for (uint64_t i = 0; i < 3; i++) {
		work = take_note(&b, key, i);
		ck_assert_uint_eq(work.attempt, i == 0 ? 2 : 1);
		t_ok(rb_worker_done(&b, &work));
	}
	ck_assert_int_eq(sequence_of_group(), 5);
	fixture_close(&f);
}

/* Somebody has it who should not: the keys that are free of that go on. */
TEST(event_that_a_stranger_has_holds_up_its_key)
{
	struct rb_sequencer s;
	struct rb_worker w;
	struct rb_work work;
	uint64_t word;

	open_group(SHAPE(0), BY_KEY, &s);
	join_worker(&w);
	put_note(&s, 1, 0);
	put_note(&s, 1, 1);
	put_note(&s, 2, 0);
	/* lap 1, attempt 1, consumer 41, taken */
	word = UINT64_C(1) << 32 | 1 << 16 | 42 << 8 | 1;
	rb_word64_store_release(&w.group->work[0], word);
	work = take_note(&w, 2, 0);
	ck_assert_int_eq(rb_worker_take(&w, &work), 0);
	rb_word64_store_release(&w.group->work[0], word & ~UINT64_C(0xffff));
	work = take_note(&w, 1, 0);
	ck_assert_uint_eq(work.attempt, 2);
	t_ok(rb_worker_done(&w, &work));
	take_note(&w, 1, 1);
	fixture_close(&f);
}

/* Too short for a part of the key, or for all of it. */
TEST(short_events_have_a_lane_too)
{
	const uint32_t sizes[] = { 0, 4, 5, 8, 9, 12, 13, 40 };
	struct rb_sequencer s;
	struct rb_worker w;
	int64_t hi = -1;

	open_group(SHAPE(.framing = RB_FRAMED, .slots = 64, .slot_size = 64),
		   SPEC(.is_group = true, .key_offset = 5, .key_size = 8), &s);
	join_worker(&w);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(sizes); i++) {
		struct rb_work work;
		const char *key;

		hi = put_frame(&s, sizes[i], 0);
		t_ok(hi);
		work = take_work(&w);
		ck_assert_uint_eq(work.view.size, sizes[i]);
		key = (const char *)work.view.data + 5;
		if (sizes[i] <= 5)
			ck_assert_uint_eq(work.lane, 0);
		else
			ck_assert_uint_eq(
				work.lane,
				rb_lane_of(key, rb_min_u64(sizes[i] - 5, 8)));
		t_ok(rb_worker_done(&w, &work));
	}
	ck_assert_int_eq(sequence_of_group(), hi);
	fixture_close(&f);
}

/* ------------------------------------------- workers that come, go and die */

#define N_WORKERS 5
#define N_KEYS 24
#define N_ROUNDS 120

/* Shared by all. */
struct book {
	struct rb_word64 next[N_KEYS];  /* the number that is due */
	struct rb_word32 owner[N_KEYS]; /* who is at an event, or 0 */
	struct rb_word32 stop[N_WORKERS];
};

static struct book *book;

struct colleague {
	struct seat seat;
	unsigned number;
	pid_t pid;
};

static void
handle_note(const struct note *note, unsigned attempt)
{
	struct rb_word32 *owner = &book->owner[note->key];
	uint64_t next = rb_word64_load_acquire(&book->next[note->key]);
	uint32_t nobody = 0;

	must(rb_word32_cas_acq_rel(owner, &nobody, (uint32_t)getpid()));
	/* The dead one may have come as far as this. */
	must(note->number == next || (attempt > 1 && note->number + 1 == next));
	rb_word64_store_release(&book->next[note->key], note->number + 1);
	rb_word32_store_release(owner, 0);
}

static int
work_on_notes(void *arg)
{
	const struct colleague *me = arg;
	struct rb_channel channel;
	struct rb_worker w;

	attach_worker(me->seat, &channel, &w);
	while (value_of(&book->stop[me->number]) == 0) {
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
		if (taken == 0)
			continue;
		if (work.sequence % 61 == 0 && work.attempt == 1) {
			t_ok(rb_worker_return(&w, &work));
			continue;
		}
		handle_note(work.view.data, work.attempt);
		t_ok(rb_worker_done(&w, &work));
	}
	return 0;
}

static void
start_colleague(struct colleague *c, unsigned number)
{
	rb_word32_store_release(&book->stop[number], 0);
	c->number = number;
	c->seat = fixture_join_worker(&f, "g", RB_FROM_NOW);
	c->pid = t_child(work_on_notes, c);
}

/* What it was at is nobody's any more, before the daemon gives it to others. */
static void
stop_colleague(struct colleague *c, bool kills)
{
	if (kills) {
		t_kill(c->pid);
	} else {
		rb_word32_store_release(&book->stop[c->number], 1);
		t_join(c->pid);
	}
	for (int i = 0; i < N_KEYS; i++) {
		uint32_t dead = (uint32_t)c->pid;

		rb_word32_cas_acq_rel(&book->owner[i], &dead, 0);
	}
	leave_worker(c->seat.index);
}

static void
come_and_go(const struct shape *shape)
{
	struct colleague colleagues[N_WORKERS];
	uint64_t number[N_KEYS] = { 0 };
	struct rb_sequencer s;
	unsigned random = 1;
	int64_t hi = -1;

	book = fixture_share(sizeof(*book));
	open_group(shape, BY_KEY, &s);
	for (unsigned i = 0; i < N_WORKERS; i++)
		start_colleague(&colleagues[i], i);
	for (unsigned i = 0; i < N_ROUNDS; i++) {
		unsigned k = (unsigned)rand_r(&random) % N_WORKERS;

		for (unsigned j = 0; j < 200; j++) {
			uint64_t key = (unsigned)rand_r(&random) % N_KEYS;

			hi = put_note(&s, key, number[key]++);
		}
		stop_colleague(&colleagues[k], i % 2 == 0);
		start_colleague(&colleagues[k], k);
	}
	rb_channel_close_stream(&f.channel, false);
	for (unsigned i = 0; i < N_WORKERS; i++)
		t_join(colleagues[i].pid);
	ck_assert_int_eq(sequence_of_group(), hi);
	for (int i = 0; i < N_KEYS; i++)
		ck_assert_uint_eq(rb_word64_load_acquire(&book->next[i]),
				  number[i]);
	fixture_close(&f);
}

TEST_TIMEOUT(keys_stay_in_order_while_workers_come_and_go, 300)
{
	come_and_go(SHAPE(.slots = 128));
}

TEST_TIMEOUT(keys_stay_in_order_while_spinning_workers_come_and_go, 300)
{
	come_and_go(SHAPE(.slots = 128, .producers = RB_MULTI,
			  .wait = WAIT(RB_WAIT_YIELDING)));
}
