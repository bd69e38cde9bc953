/* SPDX-License-Identifier: MIT */
/*
 * util_hole.c - see util_hole.h
 */
#include "tests/system/util_hole.h"

#include <errno.h>
#include <unistd.h>

struct feed {
	const struct t_bus *b;
	const char *channel;
	int64_t n;
	int told[2];
};

static int
claim_and_pause(void *arg)
{
	const struct feed *feed = arg;
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus *bus = t_connect(&feed->b->daemon);
	struct ringbus_producer *p = NULL;

	o.name = "feed";
	t_bus_ok(bus, ringbus_producer_open(bus, feed->channel, &o, &p));
	if (feed->n > 0)
		t_ok(ringbus_producer_claim(p, feed->n, RINGBUS_FOREVER));
	else
		t_put(p, 0);
	if (write(feed->told[1], "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

pid_t
t_feed_start(const struct t_bus *b, const char *channel, int64_t n,
	     int *ret_told)
{
	struct feed feed = { .b = b, .channel = channel, .n = n };
	pid_t pid;

	ck_assert_int_eq(pipe(feed.told), 0);
	pid = t_child(claim_and_pause, &feed);
	close(feed.told[1]);
	*ret_told = feed.told[0];
	return pid;
}

pid_t
t_feed(const struct t_bus *b, const char *channel, int64_t n)
{
	int told;
	char byte;
	pid_t pid = t_feed_start(b, channel, n, &told);

	ck_assert_int_eq(read(told, &byte, 1), 1);
	close(told);
	return pid;
}

bool
t_is_broken_at(const struct ringbus_channel *channel, int64_t sequence)
{
	return t_info(channel).broken == sequence;
}

struct ringbus_producer *
t_break_stream(const struct t_bus *b)
{
	struct ringbus_producer *p = t_produce(b->bus, NULL);
	const struct ringbus_channel *channel = ringbus_producer_channel(p);
	pid_t feed;

	t_put_all(p, 0, T_HOLE - 1);
	feed = t_feed(b, "a", T_HOLE_SIZE);
	t_put_all(p, T_HOLE_LAST + 1, T_LAST);
	ck_assert_int_ne(t_info(channel).strict, 0);
	ck_assert(t_is_broken_at(channel, -1));
	t_kill(feed);
	t_until(t_is_broken_at(channel, T_HOLE));
	return p;
}

void
t_mend(const struct t_bus *b)
{
	ck_assert_int_eq(ringbus_mend(b->bus, "a"), T_HOLE_SIZE);
}

void
t_stands_at_the_hole(struct ringbus_consumer *c)
{
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_FOREVER),
			 -EOWNERDEAD);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EOWNERDEAD);
	ck_assert_int_eq(ringbus_consumer_poll(c, 0, NULL, NULL), -EOWNERDEAD);
	ck_assert_int_eq(ringbus_consumer_arm(c), -EOWNERDEAD);
}

void
t_read_to_the_hole(struct ringbus_consumer *c)
{
	t_take(c, 0, T_HOLE - 1);
	t_stands_at_the_hole(c);
}

void
t_read_on(struct ringbus_consumer *c)
{
	t_take(c, T_HOLE_LAST + 1, T_LAST);
	t_nothing(c);
}
