/* SPDX-License-Identifier: MIT */
/*
 * test_member_adopt.c - a daemon that dies anywhere in a change of the members
 *
 * After each store of a change (util_steps.h) a next daemon takes the memory
 * over: what it then finds must be in order, and the change can be finished
 * from there.
 */
#include "shm/member.h"

#include "shm/graph.h"
#include "tests/crash/util_steps.h"
#include "tests/trace.h"

static struct fixture f;    /* in which the daemon dies */
static struct fixture twin; /* in which the next one goes on */

static struct rb_member *
entry(unsigned index)
{
	return &twin.channel.meta->consumers[index];
}

static uint32_t
get(const struct rb_word32 *word)
{
	return rb_word32_load_acquire(word);
}

static uint64_t
get64(const struct rb_word64 *word)
{
	return rb_word64_load_acquire(word);
}

static uint64_t
gating(void)
{
	return get64(&twin.channel.meta->control.gating);
}

/* ---------------------------------------------------------- what must hold */

/* Everybody who has a place is waited for, by producers or by another. */
static void
check_graph(void)
{
	uint64_t waited_for = gating();

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		if (get(&entry(i)->state) != RB_MEMBER_FREE)
			ck_assert_uint_eq(get64(&entry(i)->deps),
					  rb_graph_deps(twin.channel.meta, i));
		if (get(&entry(i)->state) == RB_MEMBER_ATTACHED ||
		    get(&entry(i)->state) == RB_MEMBER_ABSENT)
			waited_for |= get64(&entry(i)->deps);
	}
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		uint32_t state = get(&entry(i)->state);
		bool counts = (state == RB_MEMBER_ATTACHED ||
			       state == RB_MEMBER_ABSENT) &&
			      get(&entry(i)->slow) != RB_SLOW_LOSSY &&
			      get(&entry(i)->parked) == 0 &&
			      get(&entry(i)->worker_of) == 0;

		ck_assert((waited_for >> i & 1) == counts);
	}
}

static void
check_group(unsigned index)
{
	uint64_t workers = 0;

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		if (get(&entry(i)->worker_of) == index + 1)
			workers |= UINT64_C(1) << i;
	ck_assert_uint_eq(get64(&entry(index)->workers), workers);
	ck_assert((get(&entry(index)->state) == RB_MEMBER_ATTACHED) ==
		  (workers != 0));
}

static void
check_entries(void)
{
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		const struct rb_member *m = entry(i);

		ck_assert_uint_ne(get(&m->state), RB_MEMBER_JOINING);
		if (get(&m->group) != 0)
			check_group(i);
		if (get(&m->state) != RB_MEMBER_FREE || get(&m->declared) != 0)
			continue;
		ck_assert_int_eq(m->name[0], '\0');
		ck_assert_uint_eq(get64(&m->after), 0);
		ck_assert_uint_eq(get(&m->worker_of), 0);
		for (unsigned j = 0; j < RB_CONSUMERS_MAX; j++)
			ck_assert_uint_eq(get64(&entry(j)->after) >> i & 1, 0);
	}
}

/* --------------------------------------------------------- at every store */

/* Those whose process is gone, as the next daemon sees it. */
static void
bury_dead(void)
{
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		const struct rb_member *m = entry(i);

		if (get(&m->pid) == 0 && get(&m->group) == 0 &&
		    (get(&m->state) == RB_MEMBER_ATTACHED ||
		     get(&m->state) == RB_MEMBER_EVICTED))
			rb_member_leave_consumer(&twin.channel, i,
						 get(&m->on_death) ==
							 RB_ON_DEATH_KEEP);
	}
}

/* A change, and what a next daemon must come to that began with its start, some
 * of it, or all. */
struct change {
	void (*fn)(struct rb_channel *channel);
	void (*check)(void);
};

static const struct change *current;

static void
take_over(void)
{
	rb_member_adopt(&twin.channel);
	check_entries();
	check_graph();
	bury_dead();
	check_entries();
	check_graph();
	current->check();
}

/* f is set up; twin is not yet. */
static void
die_everywhere(const struct shape *shape, const struct change *change)
{
	current = change;
	ck_assert_uint_ge(steps_die_everywhere(&(struct steps){
				  &f, &twin, shape, change->fn, take_over }),
			  3);
}

/* ---------------------------------------------------------------- changes */

/* first -> middle -> last, declared; then one by request after the first. */
#define CHAIN SHAPE(.producers = RB_MULTI, .n_groups = 1)

static void
open_chain(void)
{
	fixture_format(&f, CHAIN);
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "crew", SPEC(.after = 1, .is_group = true));
	fixture_declare(&f, 2, "last",
			SPEC(.after = 2, .on_death = RB_ON_DEATH_KEEP));
	rb_channel_open(&f.channel);
	fixture_join_consumer(&f, "first", RB_FROM_NOW);
}

/* Whatever came of it, the name can join, and then is where it belongs. */
static void
check_extra(void)
{
	int i = rb_member_find_named(&twin.channel, "extra");

	if (i < 0)
		i = (int)fixture_join_spec(&twin, "extra", RB_FROM_NOW,
					   SPEC(.after = 1))
			    .index;
	ck_assert_uint_eq(get(&entry((unsigned)i)->state), RB_MEMBER_ATTACHED);
	ck_assert_uint_eq(get64(&entry((unsigned)i)->deps), 1);
	check_graph();
}

static void
join_extra(struct rb_channel *channel)
{
	struct rb_consumer_spec spec = { .after = 1 };
	struct rb_join join = { .who = { "extra", 1, 1 },
				.from = RB_FROM_OLDEST,
				.spec = &spec };
	struct rb_joined joined;
	int i = rb_member_find_consumer(channel, "extra");

	t_ok(i);
	t_ok(rb_member_join_consumer(channel, (unsigned)i, &join, &joined));
}

TEST_TIMEOUT(join_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_chain();
	die_everywhere(CHAIN, &(struct change){ join_extra, check_extra });
}

/* extra <- after_extra: the second inherits, and the entry is another's. */
static void
leave_extra(struct rb_channel *channel)
{
	int i = rb_member_find_named(channel, "extra");

	t_ok(i);
	rb_member_leave_consumer(channel, (unsigned)i, false);
}

static void
check_no_extra(void)
{
	struct seat seat;
	int i = rb_member_find_named(&twin.channel, "extra");

	if (i >= 0) /* not begun */
		rb_member_leave_consumer(&twin.channel, (unsigned)i, false);
	i = rb_member_find_named(&twin.channel, "after_extra");
	t_ok(i);
	ck_assert_uint_eq(get64(&entry((unsigned)i)->deps), 1);
	seat = fixture_join_consumer(&twin, "new", RB_FROM_NOW);
	ck_assert_uint_eq(get64(&entry((unsigned)i)->deps), 1);
	ck_assert_uint_eq(get64(&entry(seat.index)->deps), 0);
	check_entries();
	check_graph();
}

TEST_TIMEOUT(leave_can_be_cut_anywhere, 300)
{
	struct seat seat;

	TRACE_OR_SKIP();
	open_chain();
	seat = fixture_join_spec(&f, "extra", RB_FROM_NOW, SPEC(.after = 1));
	fixture_join_spec(&f, "after_extra", RB_FROM_NOW,
			  SPEC(.after = UINT64_C(1) << seat.index));
	die_everywhere(CHAIN, &(struct change){ leave_extra, check_no_extra });
}

static void
keep_first(struct rb_channel *channel)
{
	rb_member_leave_consumer(channel, 0, true);
}

static void
check_first(void)
{
	ck_assert_uint_ne(get(&entry(0)->state), RB_MEMBER_EVICTED);
	if (get(&entry(0)->state) != RB_MEMBER_ATTACHED)
		fixture_join_consumer(&twin, "first", RB_FROM_NOW);
	check_graph();
}

TEST_TIMEOUT(leave_of_one_that_is_kept_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_chain();
	rb_word32_store_relaxed(&f.channel.meta->consumers[0].on_death,
				RB_ON_DEATH_KEEP);
	die_everywhere(CHAIN, &(struct change){ keep_first, check_first });
}

/* Told or not, it can be evicted once more, and leave. */
static void
evict_first(struct rb_channel *channel)
{
	rb_member_evict(channel, 0);
}

static void
check_evicted(void)
{
	if (get(&entry(0)->state) == RB_MEMBER_ATTACHED)
		rb_member_evict(&twin.channel, 0);
	check_graph();
	ck_assert_uint_ge(get(&entry(0)->epoch), 2);
	ck_assert_uint_eq(gating() & 1, 0);
	rb_member_leave_consumer(&twin.channel, 0, true);
	ck_assert_uint_eq(get(&entry(0)->state), RB_MEMBER_FREE);
	fixture_join_consumer(&twin, "first", RB_FROM_NOW);
	check_graph();
}

TEST_TIMEOUT(eviction_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_chain();
	die_everywhere(CHAIN, &(struct change){ evict_first, check_evicted });
}

static void
park_and_back(struct rb_channel *channel)
{
	rb_member_set_parked(channel, 0, true);
	rb_member_set_parked(channel, 0, false);
}

static void
check_parked(void)
{
	rb_member_set_parked(&twin.channel, 0, false);
	check_graph();
	ck_assert_uint_eq(get(&entry(0)->epoch), 1);
}

TEST_TIMEOUT(parking_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_chain();
	die_everywhere(CHAIN, &(struct change){ park_and_back, check_parked });
}

/* ----------------------------------------------------------------- groups */

static void
join_crew(struct rb_channel *channel)
{
	struct rb_join join = { .who = { "crew", 1, 1 }, .from = RB_FROM_NOW };
	struct rb_joined joined;
	unsigned index;

	t_ok(rb_member_join_worker(channel, 1, &join, &index, &joined));
}

/* The group is usable whatever came of it. */
static void
check_crew(void)
{
	struct seat seat = fixture_join_worker(&twin, "crew", RB_FROM_NOW);

	ck_assert_uint_eq(get(&entry(1)->state), RB_MEMBER_ATTACHED);
	ck_assert_uint_eq(get64(&entry(seat.index)->deps), 1);
	check_entries();
	check_graph();
}

TEST_TIMEOUT(join_of_a_first_worker_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_chain();
	die_everywhere(CHAIN, &(struct change){ join_crew, check_crew });
}

TEST_TIMEOUT(join_of_a_second_worker_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_chain();
	fixture_join_worker(&f, "crew", RB_FROM_NOW);
	die_everywhere(CHAIN, &(struct change){ join_crew, check_crew });
}

static void
leave_crew(struct rb_channel *channel)
{
	rb_member_leave_consumer(channel, 3, false);
}

TEST_TIMEOUT(leave_of_a_last_worker_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_chain();
	ck_assert_uint_eq(fixture_join_worker(&f, "crew", RB_FROM_NOW).index,
			  3);
	die_everywhere(CHAIN, &(struct change){ leave_crew, check_crew });
}

TEST_TIMEOUT(leave_of_one_of_two_workers_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_chain();
	ck_assert_uint_eq(fixture_join_worker(&f, "crew", RB_FROM_NOW).index,
			  3);
	fixture_join_worker(&f, "crew", RB_FROM_NOW);
	die_everywhere(CHAIN, &(struct change){ leave_crew, check_crew });
}
