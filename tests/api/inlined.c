/* SPDX-License-Identifier: MIT */
/*
 * inlined.c - what ringbus.h inlines does what the calls of the library do
 *
 * Good in C and C++. Built with and without inlining and run by
 * tests/system/test_inlined.c, against a daemon with its channels; the linker
 * hands us what calls the library, to be counted. The argument says what to
 * expect: "inlined" or "called". Ends with 0 if all is as it should be.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/ringbus.h"

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "line %d: %s\n", __LINE__,             \
				#condition);                                   \
			_exit(1);                                              \
		}                                                              \
	} while (0)

#define FOREVER_NS (10 * INT64_C(1000000000))
#define N_EVENTS 512
#define N_SLEEPS 100

static struct ringbus *bus;
static int64_t n_calls;

#ifdef __cplusplus
extern "C" {
#endif

int64_t __real_ringbus_producer_claim(struct ringbus_producer *, int64_t,
				      int64_t);
int __real_ringbus_producer_publish(struct ringbus_producer *, int64_t,
				    int64_t);
int __real_ringbus_consumer_next(struct ringbus_consumer *,
				 struct ringbus_event *);

int64_t
__wrap_ringbus_producer_claim(struct ringbus_producer *p, int64_t n,
			      int64_t timeout_ns)
{
	n_calls++;
	return __real_ringbus_producer_claim(p, n, timeout_ns);
}

int
__wrap_ringbus_producer_publish(struct ringbus_producer *p, int64_t lowest,
				int64_t highest)
{
	n_calls++;
	return __real_ringbus_producer_publish(p, lowest, highest);
}

int
__wrap_ringbus_consumer_next(struct ringbus_consumer *c,
			     struct ringbus_event *ret)
{
	n_calls++;
	return __real_ringbus_consumer_next(c, ret);
}

#ifdef __cplusplus
}
#endif

static struct ringbus_producer *
produce(const char *channel)
{
	struct ringbus_producer *p;

	CHECK(ringbus_producer_open(bus, channel, NULL, &p) == 0);
	return p;
}

static struct ringbus_consumer *
consume(const char *channel, int slow)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;

	o.name = "c";
	o.slow = slow;
	CHECK(ringbus_consumer_open(bus, channel, &o, &c) == 0);
	return c;
}

/* Fills lowest..highest by their numbers. */
static void
fill(struct ringbus_producer *p, int64_t lowest, int64_t highest)
{
	for (int64_t i = lowest; i <= highest; i++)
		*(int64_t *)ringbus_producer_slot(p, i) = i;
}

static void
put(struct ringbus_producer *p, int64_t n)
{
	int64_t highest = ringbus_producer_claim(p, n, RINGBUS_NOW);

	CHECK(highest >= n - 1);
	fill(p, highest - n + 1, highest);
	CHECK(ringbus_producer_publish(p, highest - n + 1, highest) == 0);
}

/* Reads first..last, which is all there is. */
static void
take(struct ringbus_consumer *c, int64_t first, int64_t last)
{
	struct ringbus_event e;

	CHECK(ringbus_consumer_next(c, &e) == 0);
	CHECK(ringbus_consumer_wait(c, FOREVER_NS) == last);
	for (; first <= last; first++) {
		CHECK(ringbus_consumer_next(c, &e) == 1);
		CHECK(e.sequence == first && e.last == first && e.size == 8);
		CHECK(*(const int64_t *)e.data == first);
	}
	CHECK(ringbus_consumer_next(c, &e) == 0);
	CHECK(ringbus_consumer_commit(c) == 0);
	CHECK(ringbus_consumer_wait(c, RINGBUS_NOW) == -EAGAIN);
}

static void
refuse_sizes(struct ringbus_producer *p)
{
	static const int64_t sizes[] = { 0,  -1, INT64_MIN, INT64_MIN + 1,
					 17, 18, INT64_MAX, INT64_MAX - 1 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		CHECK(ringbus_producer_claim(p, sizes[i], RINGBUS_NOW) ==
		      -EINVAL);
}

static void
refuse_ranges(struct ringbus_producer *p, int64_t lo, int64_t hi)
{
	CHECK(ringbus_producer_publish(p, lo, hi + 1) == -EINVAL);
	CHECK(ringbus_producer_publish(p, lo - 1, hi) == -EINVAL);
	CHECK(ringbus_producer_publish(p, hi + 1, hi + 1) == -EINVAL);
	CHECK(ringbus_producer_publish(p, hi, lo) == -EINVAL);
	CHECK(ringbus_producer_publish(p, lo, INT64_MAX) == -EINVAL);
	CHECK(ringbus_producer_publish(p, lo, INT64_MIN) == -EINVAL);
	CHECK(ringbus_producer_publish(p, INT64_MIN, hi) == -EINVAL);
	CHECK(ringbus_producer_publish(p, INT64_MAX, hi) == -EINVAL);
}

/* A single producer; another one takes over what the first has left. */
static void
claim_and_publish(void)
{
	struct ringbus_consumer *c = consume("single", RINGBUS_SLOW_GATE);
	struct ringbus_producer *p = produce("single");

	refuse_sizes(p);
	put(p, 1);
	put(p, 4);
	take(c, 0, 4);
	ringbus_producer_close(p);
	p = produce("single");
	refuse_sizes(p);
	CHECK(ringbus_producer_claim(p, 4, RINGBUS_NOW) == 8);
	fill(p, 5, 8);
	refuse_ranges(p, 5, 8);
	CHECK(ringbus_producer_publish(p, 6, 8) == -EINVAL);
	CHECK(ringbus_consumer_wait(c, RINGBUS_NOW) == -EAGAIN);
	CHECK(ringbus_producer_publish(p, 5, 6) == 0);
	CHECK(ringbus_producer_publish(p, 5, 6) == -EINVAL);
	CHECK(ringbus_producer_publish(p, 7, 8) == 0);
	refuse_ranges(p, 9, 8);
	take(c, 5, 8);
	put(p, 16);
	CHECK(ringbus_producer_claim(p, 1, RINGBUS_NOW) == -EAGAIN);
	CHECK(ringbus_producer_claim(p, 1, 1000) == -EDEADLK); /* with c */
	take(c, 9, 24);
	put(p, 1);
	take(c, 25, 25);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

/* One handle, by calls that are inlined and by others. */
static void
mix_with_others(void)
{
	struct ringbus_consumer *c = consume("wide", RINGBUS_SLOW_GATE);
	struct ringbus_producer *p = produce("wide");

	for (int64_t i = 0; i < 500; i += 5) {
		int64_t j = i + 1;
		void *data;

		put(p, 1);
		CHECK(ringbus_producer_write(p, &j, sizeof(j), RINGBUS_NOW) ==
		      j);
		CHECK(ringbus_producer_claim(p, 3, RINGBUS_NOW) == i + 4);
		CHECK(ringbus_producer_abandon(p, i + 3, i + 4) == 0);
		fill(p, i + 2, i + 2);
		CHECK(ringbus_producer_publish(p, i + 2, i + 2) == 0);
		CHECK(ringbus_producer_claim_event(p, 8, RINGBUS_NOW, &data) ==
		      i + 3);
		CHECK(ringbus_producer_claim(p, 1, RINGBUS_NOW) == i + 4);
		fill(p, i + 3, i + 4);
		CHECK(ringbus_producer_publish_event(p, i + 3) == 0);
		CHECK(ringbus_producer_publish(p, i + 4, i + 4) == 0);
		take(c, i, i + 4);
	}
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

static void
skip_tombstones(const char *channel)
{
	struct ringbus_consumer *c = consume(channel, RINGBUS_SLOW_GATE);
	struct ringbus_producer *p = produce(channel);
	struct ringbus_event e;

	refuse_sizes(p);
	CHECK(ringbus_producer_claim(p, 6, RINGBUS_NOW) == 5);
	CHECK(ringbus_producer_claim(p, 1, RINGBUS_NOW) == -EBUSY);
	fill(p, 0, 5);
	CHECK(ringbus_producer_publish(p, 0, 6) == -EINVAL);
	CHECK(ringbus_producer_publish(p, 1, 1) == 0);
	CHECK(ringbus_producer_abandon(p, 0, 0) == 0);
	CHECK(ringbus_producer_abandon(p, 2, 3) == 0);
	CHECK(ringbus_producer_publish(p, 4, 5) == 0);
	CHECK(ringbus_consumer_wait(c, FOREVER_NS) == 5);
	for (int64_t i = 1; i < 6; i += i == 1 ? 3 : 1) {
		CHECK(ringbus_consumer_next(c, &e) == 1);
		CHECK(e.sequence == i && *(const int64_t *)e.data == i);
	}
	CHECK(ringbus_consumer_next(c, &e) == 0);
	CHECK(ringbus_consumer_commit(c) == 0);
	put(p, 2);
	take(c, 6, 7);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

/* Fixed calls are not for it; its events have a header before them. */
static void
leave_frames_alone(void)
{
	struct ringbus_consumer *c = consume("framed", RINGBUS_SLOW_GATE);
	struct ringbus_producer *p = produce("framed");
	struct ringbus_event e;

	CHECK(ringbus_producer_claim(p, 1, RINGBUS_NOW) == -EINVAL);
	CHECK(ringbus_producer_publish(p, 0, 0) == -EINVAL);
	CHECK(ringbus_producer_write(p, "abc", 3, RINGBUS_NOW) == 0);
	CHECK(ringbus_consumer_wait(c, FOREVER_NS) == 0);
	CHECK(ringbus_consumer_next(c, &e) == 1);
	CHECK(e.size == 3 && memcmp(e.data, "abc", 3) == 0);
	CHECK(ringbus_consumer_next(c, &e) == 0);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

/* Readers that do not read the ring themselves. */
static void
read_in_other_ways(void)
{
	struct ringbus_consumer *c = consume("lossy", RINGBUS_SLOW_LOSSY);
	struct ringbus_producer *p = produce("lossy");
	struct ringbus_event e;

	put(p, 3);
	CHECK(ringbus_consumer_wait(c, FOREVER_NS) == 2);
	for (int64_t i = 0; i < 3; i++) {
		CHECK(ringbus_consumer_next(c, &e) == 1);
		CHECK(*(const int64_t *)e.data == i);
	}
	CHECK(ringbus_consumer_next(c, &e) == 0);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

/* With nothing to be done but the usual. */
static void
count_calls(int is_inlined)
{
	struct ringbus_consumer *c = consume("single_wide", RINGBUS_SLOW_GATE);
	struct ringbus_producer *p = produce("single_wide");

	n_calls = 0;
	for (int64_t i = 0; i < N_EVENTS; i++)
		put(p, 1);
	take(c, 0, N_EVENTS - 1);
	if (is_inlined)
		CHECK(n_calls < N_EVENTS / 2);
	else
		CHECK(n_calls == 3 * N_EVENTS + 2);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

/* In another process: reads one by one, and sleeps before each. By one more it is
 * told that nobody looks at it any longer. */
static int
sleep_for_each(void)
{
	struct ringbus_consumer *c;

	CHECK(ringbus_connect(NULL, &bus) == 0);
	c = consume("blocking", RINGBUS_SLOW_GATE);
	for (int64_t i = 0; i <= N_SLEEPS; i++)
		take(c, i, i);
	ringbus_close(bus);
	return 0;
}

/* The reader: not there yet, or as it is. */
static struct ringbus_member
find_reader(struct ringbus_producer *p)
{
	struct ringbus_member m;

	memset(&m, 0, sizeof(m));
	m.size = sizeof(m);
	CHECK(ringbus_channel_find(ringbus_producer_channel(p),
				   RINGBUS_CONSUMER, "c", &m) >= 0);
	return m;
}

static void
await_another_sleep(struct ringbus_producer *p, uint64_t sleeps)
{
	while (find_reader(p).sleeps == sleeps)
		;
}

static void
wake_sleeper(pid_t reader)
{
	struct ringbus_producer *p = produce("blocking");
	struct ringbus_member m;
	uint64_t sleeps = 0;
	int status;

	for (int64_t i = 0; i < N_SLEEPS; i++) {
		await_another_sleep(p, sleeps);
		put(p, 1);
		/* A sleep that its bound has ended begins another one. */
		do
			m = find_reader(p);
		while (m.sequence < i);
		sleeps = find_reader(p).sleeps;
	}
	/* Few, whose bound came just then. */
	CHECK(find_reader(p).missed < N_SLEEPS / 10);
	await_another_sleep(p, sleeps);
	put(p, 1);
	CHECK(waitpid(reader, &status, 0) == reader && status == 0);
	ringbus_producer_close(p);
}

static void
tell_child(void)
{
	struct ringbus_consumer *c = consume("child", RINGBUS_SLOW_GATE);
	struct ringbus_producer *p = produce("child");
	struct ringbus_event e;
	int status;
	pid_t pid;

	put(p, 3);
	CHECK(ringbus_consumer_wait(c, FOREVER_NS) == 2);
	CHECK(ringbus_producer_claim(p, 2, RINGBUS_NOW) == 4);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(ringbus_producer_publish(p, 3, 4) == -ECHILD);
		CHECK(ringbus_producer_claim(p, 1, RINGBUS_NOW) == -ECHILD);
		CHECK(ringbus_producer_claim(p, INT64_MAX, RINGBUS_NOW) < 0);
		CHECK(ringbus_producer_claim(p, INT64_MIN, RINGBUS_NOW) < 0);
		CHECK(ringbus_consumer_next(c, &e) == 0);
		CHECK(ringbus_consumer_wait(c, RINGBUS_NOW) == -ECHILD);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	fill(p, 3, 4);
	CHECK(ringbus_producer_publish(p, 3, 4) == 0);
	CHECK(ringbus_consumer_next(c, &e) == 1 && e.sequence == 0);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

static void
end_stream(void)
{
	struct ringbus_consumer *c = consume("ending", RINGBUS_SLOW_GATE);
	struct ringbus_producer *p = produce("ending");

	put(p, 2);
	CHECK(ringbus_producer_claim(p, 4, RINGBUS_NOW) == 5);
	CHECK(ringbus_end(bus, "ending") == 0);
	CHECK(ringbus_producer_publish(p, 2, 2) == -ESHUTDOWN);
	CHECK(ringbus_producer_publish(p, 2, 2) == -EINVAL);
	CHECK(ringbus_producer_publish(p, 3, 5) == -ESHUTDOWN);
	CHECK(ringbus_producer_claim(p, 15, RINGBUS_NOW) == -ESHUTDOWN);
	CHECK(ringbus_consumer_wait(c, FOREVER_NS) == 1);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

int
main(int argc, char **argv)
{
	int is_inlined = argc > 1 && strcmp(argv[1], "inlined") == 0;
	pid_t reader = fork();

	CHECK(reader >= 0);
	if (reader == 0)
		return sleep_for_each();
	CHECK(ringbus_connect(NULL, &bus) == 0);
	wake_sleeper(reader);
	claim_and_publish();
	mix_with_others();
	skip_tombstones("multi");
	skip_tombstones("strict");
	leave_frames_alone();
	read_in_other_ways();
	count_calls(is_inlined);
	tell_child();
	end_stream();
	ringbus_close(bus);
	return 0;
}
