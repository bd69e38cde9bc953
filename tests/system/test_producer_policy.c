/* SPDX-License-Identifier: MIT */
/*
 * test_producer_policy.c - what a producer does about a full ring, by the policy
 * that it was opened with, while a consumer in another process is stopped
 */
#include <errno.h>
#include <signal.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define SLOTS 16

struct full {
	struct t_bus b;
	pid_t consumer;
	struct ringbus_producer *p;
};

static struct ringbus_producer *
produce(struct ringbus *bus, int policy, int64_t timeout_ns)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;

	o.full = policy;
	o.full_timeout_ns = timeout_ns;
	return t_produce(bus, &o);
}

/* A ring that is full until the consumer may go on. */
static void
begin(struct full *f, const char *keys, enum rb_producers kind, int policy)
{
	t_bus_begin(&f->b, "slots: %d, %s, producers: %s", SLOTS, keys,
		    t_kind(kind));
	f->consumer = t_stopped_consumer(&f->b, "slow");
	f->p = produce(f->b.bus, policy, T_MS);
	while (ringbus_producer_write(f->p, "", 0, RINGBUS_NOW) >= 0)
		;
	ck_assert_int_eq(ringbus_producer_remaining(f->p), 0);
}

static void
end(struct full *f)
{
	t_kill(f->consumer);
	t_bus_end(&f->b);
}

static int64_t
write_by_policy(struct ringbus_producer *p)
{
	return ringbus_producer_write(p, "x", 1, RINGBUS_BY_POLICY);
}

static uint64_t
dropped(const struct full *f)
{
	struct ringbus *bus = t_connect(&f->b.daemon);
	struct ringbus_tap *tap = t_tap(bus, RINGBUS_FROM_NOW);
	uint64_t n = t_member(ringbus_tap_channel(tap), RINGBUS_PRODUCER,
			      "producer")
			     .dropped;

	ringbus_close(bus);
	return n;
}

static void
let_go_on(const struct full *f)
{
	ck_assert_int_eq(kill(f->consumer, SIGCONT), 0);
	t_until(ringbus_producer_remaining(f->p) == SLOTS);
}

#define FIXED "event_size: 8"
#define FRAMED "framing: framed, slot_size: 256"

KINDS(fail_says_so_at_once_and_counts_nothing)
{
	struct full f;

	begin(&f, FIXED, kind, RINGBUS_FULL_FAIL);
	ck_assert_int_eq(write_by_policy(f.p), -EAGAIN);
	ck_assert_int_eq(ringbus_producer_claim(f.p, 2, RINGBUS_BY_POLICY),
			 -EAGAIN);
	ck_assert_uint_eq(dropped(&f), 0);
	let_go_on(&f);
	ck_assert_int_eq(write_by_policy(f.p), SLOTS);
	end(&f);
}

KINDS(deadline_gives_up_and_names_the_blocker)
{
	struct ringbus_member m = { .size = sizeof(m) };
	struct full f;

	begin(&f, FIXED, kind, RINGBUS_FULL_DEADLINE);
	ck_assert_int_eq(write_by_policy(f.p), -ETIMEDOUT);
	ck_assert_int_eq(ringbus_producer_blocker(f.p, &m), 1);
	ck_assert_str_eq(m.name, "slow");
	ck_assert_uint_eq(dropped(&f), 0);
	let_go_on(&f);
	ck_assert_int_eq(write_by_policy(f.p), SLOTS);
	end(&f);
}

KINDS(drop_counts_slots_for_all_to_see)
{
	struct full f;
	void *data;

	begin(&f, FIXED, kind, RINGBUS_FULL_DROP);
	ck_assert_uint_eq(dropped(&f), 0);
	ck_assert_int_eq(write_by_policy(f.p), -ENOBUFS);
	ck_assert_uint_eq(dropped(&f), 1);
	ck_assert_int_eq(ringbus_producer_claim(f.p, 3, RINGBUS_BY_POLICY),
			 -ENOBUFS);
	ck_assert_uint_eq(dropped(&f), 4);
	ck_assert_int_eq(ringbus_producer_claim_event(f.p, 8, RINGBUS_BY_POLICY,
						      &data),
			 -ENOBUFS);
	ck_assert_uint_eq(dropped(&f), 5);
	let_go_on(&f);
	ck_assert_int_eq(write_by_policy(f.p), SLOTS);
	ck_assert_uint_eq(dropped(&f), 5);
	end(&f);
}

KINDS(drop_counts_all_slots_of_a_framed_event)
{
	struct full f;
	void *data;

	begin(&f, FRAMED, kind, RINGBUS_FULL_DROP);
	ck_assert_int_eq(ringbus_producer_claim_event(f.p, 600,
						      RINGBUS_BY_POLICY, &data),
			 -ENOBUFS);
	ck_assert_uint_eq(dropped(&f), 3);
	end(&f);
}

/* What is no matter of room is no drop. */
KINDS(wrong_calls_are_not_dropped)
{
	struct full f;

	begin(&f, FIXED, kind, RINGBUS_FULL_DROP);
	ck_assert_int_eq(ringbus_producer_claim(f.p, 0, RINGBUS_BY_POLICY),
			 -EINVAL);
	ck_assert_int_eq(ringbus_producer_claim(f.p, SLOTS + 1,
						RINGBUS_BY_POLICY),
			 -EINVAL);
	ck_assert_int_eq(ringbus_producer_write(f.p, "123456789", 9,
						RINGBUS_BY_POLICY),
			 -EMSGSIZE);
	t_bus_ok(f.b.bus, ringbus_end(f.b.bus, "a"));
	ck_assert_int_eq(write_by_policy(f.p), -ESHUTDOWN);
	ck_assert_uint_eq(dropped(&f), 0);
	end(&f);
}

KINDS(a_timeout_that_is_given_wins_over_the_policy)
{
	struct full f;

	begin(&f, FIXED, kind, RINGBUS_FULL_DROP);
	ck_assert_int_eq(ringbus_producer_write(f.p, "x", 1, RINGBUS_NOW),
			 -EAGAIN);
	ck_assert_int_eq(ringbus_producer_write(f.p, "x", 1, T_MS), -ETIMEDOUT);
	ck_assert_uint_eq(dropped(&f), 0);
	end(&f);
}

struct blocked {
	const struct t_daemon *daemon;
	const struct ringbus_producer_options *options;
};

static int
fill_and_one_more(void *arg)
{
	const struct blocked *blocked = arg;
	struct ringbus *bus = t_connect(blocked->daemon);
	struct ringbus_producer *p = t_produce(bus, blocked->options);

	for (int i = 0; i <= SLOTS; i++)
		ck_assert_int_eq(write_by_policy(p), i);
	ringbus_close(bus);
	return 0;
}

static void
block(enum rb_producers kind, const struct ringbus_producer_options *o)
{
	struct blocked blocked;
	pid_t consumer, producer;
	struct ringbus_tap *tap;
	struct t_bus b;

	t_bus_begin(&b, "slots: %d, event_size: 8, producers: %s", SLOTS,
		    t_kind(kind));
	blocked = (struct blocked){ &b.daemon, o };
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	consumer = t_stopped_consumer(&b, "slow");
	producer = t_child(fill_and_one_more, &blocked);
	t_until(t_info(ringbus_tap_channel(tap)).cursor >= SLOTS - 1 &&
		t_is_asleep(producer));
	ck_assert_int_eq(kill(consumer, SIGCONT), 0);
	t_join(producer);
	t_kill(consumer);
	t_bus_end(&b);
}

KINDS(block_waits_until_there_is_room)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;

	o.full = RINGBUS_FULL_BLOCK;
	block(kind, &o);
}

KINDS(the_policy_of_who_has_none_is_to_block)
{
	block(kind, NULL);
}

static void
expect_refusal(struct ringbus *bus, int policy, int64_t timeout_ns,
	       const char *why)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_producer *p;

	o.full = policy;
	o.full_timeout_ns = timeout_ns;
	ck_assert_int_eq(ringbus_producer_open(bus, "a", &o, &p), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ringbus_error(bus), why));
}

TEST(policies_that_are_none_are_refused)
{
	struct t_bus b;

	t_bus_begin(&b, FIXED);
	expect_refusal(b.bus, RINGBUS_FULL_DROP + 1, 0, "full is none");
	expect_refusal(b.bus, -1, 0, "full is none");
	expect_refusal(b.bus, RINGBUS_FULL_DEADLINE, -1, "full_timeout_ns");
	expect_refusal(b.bus, RINGBUS_FULL_BLOCK, -1, "full_timeout_ns");
	expect_refusal(b.bus, RINGBUS_FULL_DEADLINE, 0, "full_timeout_ns");
	produce(b.bus, RINGBUS_FULL_DEADLINE, 1);
	t_bus_end(&b);
}
