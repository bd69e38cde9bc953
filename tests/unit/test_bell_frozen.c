/* SPDX-License-Identifier: MIT */
/*
 * test_bell_frozen.c - a waker that is stopped on its way to the bell
 *
 * It has taken the wish back that somebody waits for, and is not dead, so that
 * nobody mends that.
 */
#include <poll.h>

#include "tests/trace.h"
#include "tests/unit/bells.h"

static struct seat seat;

static int
put_one(void *arg)
{
	struct rb_channel channel;
	struct rb_sequencer s;

	(void)arg;
	fixture_attach_producer(&f, seat, &channel, &s);
	put(&s, 1, 0);
	return 0;
}

TEST(frozen_waker_does_not_silence_the_others)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct pollfd ear;
	pid_t pid;

	TRACE_OR_SKIP();
	open_channel(SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	seat = fixture_join_producer(&f);
	ear = (struct pollfd){ watch_bell(), POLLIN, 0 };
	ck_assert_int_eq(rb_barrier_arm(&b, 0), 0);
	pid = trace_child(put_one, NULL);
	while (rb_word32_load_relaxed(&f.channel.ring->event) == 0)
		trace_step(pid);
	for (int i = 1; i < 16; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_int_eq(poll(&ear, 1, T_PATIENCE * 1000), 1);
	t_kill(pid);
	close(ear.fd);
	fixture_close(&f);
}
