/* SPDX-License-Identifier: MIT */
/*
 * test_group_lies.c - a group whose shared words nobody of ours has written
 *
 * Nothing there may crash a worker or the daemon, or keep it for ever.
 */
#include "shm/group.h"
#include "tests/trace.h"
#include "tests/unit/workers.h"

#define ANY SPEC(.is_group = true)

static struct rb_member *
entry(unsigned index)
{
	return &f.channel.meta->consumers[index];
}

TEST(group_that_cannot_be_is_refused)
{
	struct rb_sequencer s;
	struct rb_worker w;
	struct seat seat;

	open_group(SHAPE(.slot_size = 32),
		   SPEC(.is_group = true, .key_offset = 24, .key_size = 8), &s);
	seat = join_worker(&w);
	ck_assert_int_eq(rb_worker_init(&w, &f.channel, 0, 1), -EBADMSG);
	ck_assert_int_eq(rb_worker_init(&w, &f.channel, 7, 1), -EBADMSG);
	ck_assert_int_eq(rb_worker_init(&w, &f.channel, RB_CONSUMERS_MAX, 1),
			 -EBADMSG);
	rb_word32_store_relaxed(&entry(seat.index)->worker_of, UINT32_MAX);
	ck_assert_int_eq(rb_worker_init(&w, &f.channel, seat.index, 1),
			 -EBADMSG);
	rb_word32_store_relaxed(&entry(seat.index)->worker_of, seat.index + 1);
	ck_assert_int_eq(rb_worker_init(&w, &f.channel, seat.index, 1),
			 -EBADMSG);
	rb_word32_store_relaxed(&entry(seat.index)->worker_of, 1);
	t_ok(rb_worker_init(&w, &f.channel, seat.index, 1));
	rb_word32_store_relaxed(&entry(0)->group, 2);
	ck_assert_int_eq(rb_worker_init(&w, &f.channel, seat.index, 1),
			 -EBADMSG);
	rb_word32_store_relaxed(&entry(0)->group, 1);
	rb_word32_store_relaxed(&entry(0)->key_offset, 25);
	ck_assert_int_eq(rb_worker_init(&w, &f.channel, seat.index, 1),
			 -EBADMSG);
	rb_word32_store_relaxed(&entry(0)->key_offset, UINT32_MAX);
	ck_assert_int_eq(rb_worker_init(&w, &f.channel, seat.index, 1),
			 -EBADMSG);
	rb_word32_store_relaxed(&entry(0)->key_offset, 0);
	rb_word32_store_relaxed(&entry(0)->slow, RB_SLOW_LOSSY);
	ck_assert_int_eq(rb_worker_init(&w, &f.channel, seat.index, 1),
			 -EBADMSG);
	/* Nothing happens to nobody. */
	rb_group_bury(&f.channel, 0);
	rb_group_bury(&f.channel, 7);
	rb_group_bury(&f.channel, UINT32_MAX);
	rb_group_reset(&f.channel, 7);
	rb_group_reset(&f.channel, UINT32_MAX);
	fixture_close(&f);
}

TEST(sequence_of_the_group_that_cannot_be_is_survived)
{
	const int64_t lies[] = { INT64_MIN,     -2,       4, 15, 16, 17,
				 INT64_MAX - 1, INT64_MAX };
	struct rb_sequencer s;
	struct rb_worker w;
	struct rb_work work;
	struct seat seat;

	open_group(SHAPE(.producers = RB_MULTI), ANY, &s);
	seat = join_worker(&w);
	ck_assert_int_eq(put(&s, 3, 0), 2);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(lies); i++) {
		rb_seq_store_release(&f.channel.gates->consumers[0].sequence,
				     lies[i]);
		rb_worker_wait(&w, 0);
		if (rb_worker_take(&w, &work) == 1)
			rb_worker_done(&w, &work);
		rb_group_bury(&f.channel, seat.index);
		rb_group_reset(&f.channel, 0);
	}
	fixture_close(&f);
}

TEST(published_sequence_that_cannot_be_is_refused)
{
	struct rb_sequencer s;
	struct rb_worker w;
	struct rb_work work;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&w);
	rb_seq_store_release(&f.channel.ring->published, INT64_MAX);
	ck_assert_int_eq(rb_worker_take(&w, &work), -EBADMSG);
	ck_assert_int_eq(rb_worker_wait(&w, -1), -EBADMSG);
	rb_seq_store_release(&f.channel.ring->published, 16);
	ck_assert_int_eq(rb_worker_take(&w, &work), -EBADMSG);
	rb_seq_store_release(&f.channel.ring->published, 15);
	ck_assert_int_eq(rb_worker_wait(&w, -1), 0);
	fixture_close(&f);
}

TEST(frame_that_cannot_be_is_refused)
{
	struct rb_sequencer s;
	struct rb_worker w;
	struct rb_work work;
	struct rb_frame *frame;
	int64_t lo;

	open_group(SHAPE(.framing = RB_FRAMED, .slots = 64, .slot_size = 64),
		   SPEC(.is_group = true, .key_size = 8), &s);
	join_worker(&w);
	lo = put_frame(&s, 8, 0);
	frame = rb_channel_slot(&f.channel, lo);
	rb_word32_store_relaxed(&frame->size, UINT32_MAX);
	ck_assert_int_eq(rb_worker_take(&w, &work), -EBADMSG);
	rb_word32_store_relaxed(&frame->size, 100); /* beyond the last */
	ck_assert_int_eq(rb_worker_take(&w, &work), -EBADMSG);
	rb_word32_store_relaxed(&frame->size, 8);
	ck_assert_int_eq(rb_worker_take(&w, &work), 1);
	fixture_close(&f);
}

/* Bytes that say anything, and half of the time something that is near to what
 * could be. */
static void
scribble(struct rb_group *group, uint64_t seed)
{
	uint64_t slots = f.channel.geometry.slots;

	fill(group, sizeof(*group) + slots * 8, seed);
	if (seed % 2 == 0)
		return;
	for (uint64_t i = 0; i < slots; i++) {
		uint64_t word = rb_word64_load_relaxed(&group->work[i]);

		rb_word64_store_relaxed(&group->work[i],
					(word & 0xffff0307) | UINT64_C(1)
								      << 32);
	}
	for (unsigned i = 0; i < RB_LANES; i++)
		rb_word32_store_relaxed(&group->lanes[i],
					(uint32_t)(seed + i) % 5);
}

static void
survive_anything(const struct rb_consumer_spec *spec)
{
	struct rb_group *group;
	struct rb_sequencer s;
	struct rb_worker w;
	struct rb_work work;
	struct seat seat;

	open_group(SHAPE(.producers = RB_MULTI), spec, &s);
	seat = join_worker(&w);
	group = w.group;
	ck_assert_int_eq(put(&s, 16, 0), 15);
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		t_ok(rb_worker_init(&w, &f.channel, seat.index, seat.epoch));
		scribble(group, seed);
		for (int i = 0; i < 20; i++) {
			rb_worker_wait(&w, 0);
			if (rb_worker_take(&w, &work) != 1)
				continue;
			if (i % 3 == 0)
				rb_worker_return(&w, &work);
			else
				rb_worker_done(&w, &work);
		}
		rb_group_bury(&f.channel, seat.index);
		ck_assert_int_ge(sequence_of_group(), -1);
		ck_assert_int_le(sequence_of_group(), 15);
		rb_seq_store_release(&f.channel.gates->consumers[0].sequence,
				     -1);
	}
	/* And all is well again. */
	rb_group_reset(&f.channel, 0);
	t_ok(rb_worker_init(&w, &f.channel, seat.index, seat.epoch));
	for (int i = 0; i < 16; i++) {
		work = take_work(&w);
		t_ok(rb_worker_done(&w, &work));
	}
	ck_assert_int_eq(sequence_of_group(), 15);
	fixture_close(&f);
}

TEST(any_words_of_a_group_are_survived)
{
	survive_anything(ANY);
}

TEST(any_words_of_a_group_with_a_key_are_survived)
{
	survive_anything(SPEC(.is_group = true, .key_size = 8));
}

static struct seat buried;

static int
bury(void *arg)
{
	struct rb_channel c;

	(void)arg;
	fixture_attach(&f, RB_ROLE_DAEMON, &c);
	rb_group_bury(&c, buried.index); /* once more in haste */
	trace_mark();
	rb_group_bury(&c, buried.index);
	trace_mark();
	return 0;
}

/* Says that all is done, for ever, just as the daemon is looking. */
TEST(sequence_that_jumps_does_not_keep_the_daemon)
{
	struct rb_sequence *sequence;
	struct rb_sequencer s;
	struct rb_worker w;
	bool is_over = false;

	TRACE_OR_SKIP();
	open_group(SHAPE(.producers = RB_MULTI), ANY, &s);
	sequence = &f.channel.gates->consumers[0].sequence;
	buried = join_worker(&w);
	ck_assert_int_eq(put(&s, 3, 0), 2);
	for (int step = 1; !is_over; step += 1 + step / 20) {
		pid_t pid = trace_child(bury, NULL);

		rb_seq_store_release(sequence, -1);
		trace_to(pid, trace_mark);
		for (int i = 0; i < step && !is_over; i++) {
			trace_step(pid);
			is_over = trace_is_at(pid, trace_mark);
		}
		rb_seq_store_release(sequence, INT64_MAX / 2);
		trace_release(pid);
		t_join(pid);
	}
	fixture_close(&f);
}
