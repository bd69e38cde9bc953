/* SPDX-License-Identifier: MIT */
/*
 * test_kill_publish.c - producers that are killed at every instruction of a
 * publish
 *
 * While the victim publishes, another producer holds a claim of before, and one
 * that it made when the victim had come to where it dies: neither may be buried
 * with it. On a channel of a single producer the next one goes on.
 *
 * From one instruction to the next the victim can only have done more. So what
 * is seen of it, and what it had claimed, never becomes less.
 */
#include "tests/crash/util_crew.h"
#include "tests/crash/util_everywhere.h"

#include <errno.h>

#define N_MAX 4

static struct scene {
	struct t_crew crew;
	bool is_multi;
	unsigned n;     /* events of the victim in its call */
	bool has_begun; /* it has published one before */
	size_t size;    /* of each */
	int64_t timeout_ns;
	/* Of the victim itself. */
	struct ringbus_producer *p;
	uint8_t bytes[N_MAX][512];
	/* Of who lives. */
	struct ringbus_producer *early, *late;
	int64_t early_at, late_at;
	uint64_t last_live; /* number of its last event */
	uint64_t round;
	unsigned n_seen; /* of the last that died: its events, and its slots */
	int64_t n_slots;
} scene;

static int64_t
slots_of_event(const struct scene *s)
{
	const struct rb_geometry *g = &s->crew.map.geometry;

	return g->framing == RB_FRAMED ? rb_geometry_frame_slots(g, s->size)
				       : 1;
}

static struct t_note
note_of_victim(const struct scene *s, unsigned i)
{
	return (struct t_note){ s->round, i };
}

static void
open_victim(void *arg)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct scene *s = arg;

	o.name = "victim";
	s->p = t_produce(t_connect(&s->crew.b.daemon), &o);
	if (s->has_begun)
		t_note_put(s->p, s->size, note_of_victim(s, 0));
	for (unsigned i = 0; i < N_MAX; i++)
		t_note_fill(s->bytes[i], s->size,
			    note_of_victim(s, s->has_begun + i));
}

/* --------------------------------------------------------------- the calls */

static void
write_event(void *arg)
{
	struct scene *s = arg;

	ringbus_producer_write(s->p, s->bytes[0], s->size, s->timeout_ns);
}

/* Claim, fill, publish: three calls. */
static void
publish_range(void *arg)
{
	struct scene *s = arg;
	int64_t hi = ringbus_producer_claim(s->p, s->n, s->timeout_ns);

	for (unsigned i = 0; i < s->n; i++)
		memcpy(ringbus_producer_slot(s->p, hi - s->n + 1 + i),
		       s->bytes[i], s->size);
	ringbus_producer_publish(s->p, hi - s->n + 1, hi);
}

static int
translate(void *context, void *slot, size_t size, int64_t sequence)
{
	const struct scene *s = context;

	(void)sequence;
	memcpy(slot, s->bytes[0], size);
	return 0;
}

static int
refuse(void *context, void *slot, size_t size, int64_t sequence)
{
	translate(context, slot, size, sequence);
	return -ECANCELED;
}

static void
publish_translated(void *arg)
{
	struct scene *s = arg;

	ringbus_producer_publish_with(s->p, s->size, s->timeout_ns, translate,
				      s);
}

static void
publish_in_vain(void *arg)
{
	struct scene *s = arg;

	ringbus_producer_publish_with(s->p, s->size, s->timeout_ns, refuse, s);
}

/* ----------------------------------------------------------- who lives on */

static int64_t
claim_live(struct scene *s, struct ringbus_producer *p, uint64_t number)
{
	struct t_note note = { T_LIVE, number };
	void *slot;
	int64_t sequence = ringbus_producer_claim_event(p, s->size, RINGBUS_NOW,
							&slot);

	t_ok(sequence);
	t_note_fill(slot, s->size, note);
	return sequence;
}

static void
begin(void *arg)
{
	struct scene *s = arg;

	s->round++;
	if (s->is_multi)
		s->early_at = claim_live(s, s->early, 2 * s->round);
}

static void
stopped(void *arg)
{
	struct scene *s = arg;

	if (s->is_multi)
		s->late_at = claim_live(s, s->late, 2 * s->round + 1);
}

/* As many as it takes to use up what its predecessors have announced, so that
 * the next victim has to do as the last one did. */
static void
publish_alone(struct scene *s)
{
	const struct rb_ring *ring = s->crew.map.ring;
	uint64_t number = 2 * s->round;

	s->late = t_crew_succeed(&s->crew);
	do
		t_note_put(s->late, s->size,
			   (struct t_note){ T_LIVE, number++ });
	while (number < 2 * s->round + 2 ||
	       rb_seq_load_acquire(&ring->published) + slots_of_event(s) <=
		       rb_seq_load_acquire(&ring->claimed));
	s->last_live = number - 1;
}

/* What was claimed is published now, or the next one publishes. */
static void
go_on(struct scene *s)
{
	s->last_live = 2 * s->round + 1;
	if (!s->is_multi) {
		publish_alone(s);
		return;
	}
	t_crew_until_members(&s->crew, 2, 2);
	t_ok(ringbus_producer_publish_event(s->early, s->early_at));
	t_ok(ringbus_producer_publish_event(s->late, s->late_at));
}

static void
check_capacity(const struct scene *s)
{
	int64_t slots = (int64_t)s->crew.map.geometry.slots;

	t_until(ringbus_producer_remaining(s->late) == slots);
}

static void
check_victim(struct scene *s, enum t_death death)
{
	unsigned n_seen = t_crew_count(&s->crew, s->round);
	int64_t each = slots_of_event(s);
	int64_t n_slots = s->crew.n_gaps + n_seen * each;

	if (s->is_multi)
		ck_assert(n_slots == 0 ||
			  n_slots == (s->n > 0 ? s->n : 1) * each);
	else
		ck_assert_int_eq(s->crew.n_gaps, 0);
	if (death == T_DIED_ASTRAY)
		return;
	ck_assert_uint_ge(n_seen, s->n_seen);
	ck_assert_int_ge(n_slots, s->n_slots);
	s->n_seen = n_seen;
	s->n_slots = n_slots;
	if (death == T_DIED_RETURNED)
		ck_assert_uint_eq(n_seen, s->n + s->has_begun);
}

static void
died(void *arg, enum t_death death)
{
	struct scene *s = arg;

	go_on(s);
	t_crew_read(&s->crew, T_LIVE, s->last_live);
	check_victim(s, death);
	check_capacity(s);
	if (!s->is_multi)
		ringbus_producer_close(s->late);
	t_crew_until_members(&s->crew, s->is_multi ? 2 : 0, 2);
}

/* --------------------------------------------------------------- the tests */

static void
forget_last(void *arg)
{
	struct scene *s = arg;

	s->n_seen = 0;
	s->n_slots = 0;
}

static void
kill_everywhere(const char *what, void (*call)(void *), const char *keys)
{
	const struct t_victim v = {
		.what = what,
		.prepare = open_victim,
		.call = call,
		.anew = forget_last,
		.begin = begin,
		.stopped = stopped,
		.died = died,
	};

	EVERYWHERE_OR_SKIP();
	t_crew_begin(&scene.crew, keys);
	scene.is_multi = rb_channel_is_multi(&scene.crew.map);
	if (scene.is_multi) {
		scene.early = t_produce(scene.crew.b.bus, NULL);
		scene.late = t_produce(scene.crew.b.bus, NULL);
	}
	t_kill_everywhere(&v, &scene);
	t_crew_end(&scene.crew);
}

#define SINGLE "slots: 64, event_size: 64"
#define MULTI "slots: 64, event_size: 64, producers: multi"
#define FRAMED "slots: 64, slot_size: 64, framing: framed, producers: multi"
#define FRAMED_SINGLE "slots: 64, slot_size: 64, framing: framed"

TEST_TIMEOUT(write_single, 600)
{
	scene = (struct scene){ .n = 1, .size = 64, .timeout_ns = -1 };
	kill_everywhere("write, single", write_event, SINGLE);
}

/* The second one is within what the first has announced, and needs no look. */
TEST_TIMEOUT(second_write_single, 600)
{
	scene = (struct scene){ .n = 1, .size = 64, .has_begun = true };
	kill_everywhere("second write, single", write_event, SINGLE);
}

TEST_TIMEOUT(write_multi, 600)
{
	scene = (struct scene){ .n = 1, .size = 64, .timeout_ns = -1 };
	kill_everywhere("write, multi", write_event, MULTI);
}

/* A claim that may be given up is made in another way. */
TEST_TIMEOUT(write_multi_without_waiting, 600)
{
	scene = (struct scene){ .n = 1, .size = 64 };
	kill_everywhere("write without waiting, multi", write_event, MULTI);
}

TEST_TIMEOUT(range_single, 600)
{
	scene = (struct scene){ .n = N_MAX, .size = 64, .timeout_ns = -1 };
	kill_everywhere("range, single", publish_range, SINGLE);
}

TEST_TIMEOUT(range_multi, 600)
{
	scene = (struct scene){ .n = N_MAX, .size = 64, .timeout_ns = -1 };
	kill_everywhere("range, multi", publish_range, MULTI);
}

TEST_TIMEOUT(frame_single, 600)
{
	scene = (struct scene){ .n = 1, .size = 300, .timeout_ns = -1 };
	kill_everywhere("frame of 5 slots, single", write_event, FRAMED_SINGLE);
}

TEST_TIMEOUT(frame_multi, 600)
{
	scene = (struct scene){ .n = 1, .size = 300, .timeout_ns = -1 };
	kill_everywhere("frame of 5 slots, multi", write_event, FRAMED);
}

TEST_TIMEOUT(translator_single, 600)
{
	scene = (struct scene){ .n = 1, .size = 64, .timeout_ns = -1 };
	kill_everywhere("translator, single", publish_translated, SINGLE);
}

TEST_TIMEOUT(translator_multi, 600)
{
	scene = (struct scene){ .n = 1, .size = 64, .timeout_ns = -1 };
	kill_everywhere("translator, multi", publish_translated, MULTI);
}

TEST_TIMEOUT(translator_that_refuses, 600)
{
	scene = (struct scene){ .n = 0, .size = 64, .timeout_ns = -1 };
	kill_everywhere("translator that refuses, multi", publish_in_vain,
			MULTI);
}

TEST_TIMEOUT(translator_of_a_frame, 600)
{
	scene = (struct scene){ .n = 1, .size = 100, .timeout_ns = -1 };
	kill_everywhere("translator of a frame, multi", publish_translated,
			FRAMED);
}
