/* SPDX-License-Identifier: MIT */
/*
 * metrics.c - every number of a channel, by the table that shm/metrics.h is
 *
 * A metric is a word of shared memory at some offset of its owner's, or is
 * derived from others when somebody looks. What is read is only told, never used
 * as an address or a bound.
 */
#include <errno.h>
#include <string.h>

#include "client/internal.h"
#include "shm/count.h"

/* Who is looked at. */
struct subject {
	const struct ringbus_channel *channel;
	struct ringbus_info info;     /* of a CHANNEL */
	struct ringbus_member member; /* of the others */
};

/* That one has no such number. */
#define NONE (-2.0)

typedef double (*derive_fn)(const struct subject *subject);

static const struct rb_channel *
shm_of(const struct subject *s)
{
	return &s->channel->shm;
}

static double
derive_CHANNEL_cursor(const struct subject *s)
{
	return (double)s->info.cursor;
}

static double
derive_CHANNEL_published(const struct subject *s)
{
	return (double)(s->info.cursor + 1);
}

static double
derive_CHANNEL_published_bytes(const struct subject *s)
{
	uint64_t size = s->info.framing == RINGBUS_FRAMED ? s->info.slot_size
							  : s->info.event_size;

	return derive_CHANNEL_published(s) * (double)size;
}

static double
derive_CHANNEL_capacity(const struct subject *s)
{
	return (double)(s->info.slots - s->info.history);
}

/* Several producers claim before there is room: never less than none. */
static double
derive_CHANNEL_remaining(const struct subject *s)
{
	double used = (double)s->info.cursor - (double)s->info.gating;
	double remaining = derive_CHANNEL_capacity(s) - used;

	return remaining > 0 ? remaining : 0;
}

static double
derive_CHANNEL_used(const struct subject *s)
{
	return 1 - derive_CHANNEL_remaining(s) / derive_CHANNEL_capacity(s);
}

static double
derive_CHANNEL_memory(const struct subject *s)
{
	return (double)s->info.memory;
}

static double
derive_CHANNEL_ended(const struct subject *s)
{
	return s->info.ended != 0;
}

static double
derive_CHANNEL_damaged(const struct subject *s)
{
	return s->info.damaged != 0;
}

static double
derive_CHANNEL_broken(const struct subject *s)
{
	return s->info.broken >= 0;
}

static double
derive_CHANNEL_paused(const struct subject *s)
{
	return s->info.paused_ns > 0;
}

static double
derive_CHANNEL_hole(const struct subject *s)
{
	struct ringbus_hole hole = { .size = sizeof(hole) };

	if (ringbus_channel_hole(s->channel, &hole) <= 0)
		return -1;
	return (double)hole.sequence;
}

static double
count_attached(const struct rb_member *members, unsigned n)
{
	unsigned attached = 0;

	for (unsigned i = 0; i < n; i++)
		/* ORDER(none, relaxed) - to look at. */
		attached += rb_word32_load_relaxed(&members[i].state) ==
				    RB_MEMBER_ATTACHED &&
			    rb_word32_load_relaxed(&members[i].pid) != 0;
	return attached;
}

static double
derive_CHANNEL_producers(const struct subject *s)
{
	return count_attached(shm_of(s)->meta->producers, RB_PRODUCERS_MAX);
}

static double
derive_CHANNEL_consumers(const struct subject *s)
{
	return count_attached(shm_of(s)->meta->consumers, RB_CONSUMERS_MAX);
}

static double
derive_PRODUCER_published(const struct subject *s)
{
	const struct rb_channel *c = shm_of(s);
	uint64_t published = rb_count_of(
		&c->ring->handles[s->member.index].published);
	int64_t first = rb_seq_bounded((int64_t)published);

	if (rb_channel_is_multi(c))
		return (double)published;
	return s->member.sequence > first ? (double)(s->member.sequence - first)
					  : 0;
}

/* What is claimed costs nothing to be counted so, and shows by what becomes of it. */
static double
derive_PRODUCER_claimed(const struct subject *s)
{
	const struct rb_channel *c = shm_of(s);

	return derive_PRODUCER_published(s) +
	       (double)rb_count_of(
		       &c->ring->handles[s->member.index].abandoned);
}

static double
derive_PRODUCER_outstanding(const struct subject *s)
{
	struct ringbus_hole hole = { .size = sizeof(hole) };

	return ringbus_channel_hole(s->channel, &hole) > 0 &&
	       hole.producer == (int)s->member.index;
}

static double
derive_CONSUMER_sequence(const struct subject *s)
{
	return (double)s->member.sequence;
}

static double
derive_CONSUMER_lag(const struct subject *s)
{
	return (double)s->member.lag;
}

/* Beside a slot that is claimed, or nobody's, is the time of a lap before. */
static bool
has_time(const struct rb_channel *c, int64_t sequence)
{
	uint64_t stamp;

	if (c->stamps == NULL)
		return true;
	/* ORDER(none, relaxed) - to look at. */
	stamp = rb_word64_load_relaxed(rb_channel_stamp(c, sequence));
	return rb_stamp_sequence(stamp) >= sequence &&
	       rb_stamp_kind(stamp) == RB_STAMP_EVENT;
}

/* What it has to read next may be overwritten meanwhile; then it has moved on. */
static double
derive_CONSUMER_lag_seconds(const struct subject *s)
{
	const struct rb_channel *c = shm_of(s);
	int64_t age_ns, next = s->member.sequence + 1;

	if (c->times == NULL)
		return NONE;
	if (s->member.lag == 0 || !has_time(c, next))
		return 0;
	age_ns = rb_clock_ns() -
		 rb_seq_bounded((int64_t)rb_count_of(rb_channel_time(c, next)));
	return age_ns > 0 ? (double)age_ns / 1e9 : 0;
}

static double
derive_CONSUMER_gating(const struct subject *s)
{
	if (!s->member.gates)
		return 0;
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		if (rb_is_gating(shm_of(s), i) &&
		    rb_sequence_of(shm_of(s), i) < s->member.sequence)
			return 0;
	return 1;
}

static double
derive_CONSUMER_attached(const struct subject *s)
{
	return s->member.pid != 0 ||
	       (s->member.group && s->member.state == RINGBUS_MEMBER_ATTACHED);
}

/* Who has told of none has none. */
#define RB_IO_WORD(word, producer, consumer, kind, unit, text)                 \
	static double derive_io_##word(const struct subject *s)                \
	{                                                                      \
		struct ringbus_io io = { .size = sizeof(io) };                 \
                                                                               \
		return ringbus_channel_io(s->channel, s->member.role,          \
					  s->member.index, &io) == 1           \
			       ? (double)io.word                               \
			       : NONE;                                         \
	}
#include "shm/metrics.h"

/* ------------------------------------------------------------- the table */

#define KIND_COUNTER RINGBUS_COUNTER
#define KIND_GAUGE RINGBUS_GAUGE
#define OWNER_CHANNEL rb_channel_counters
#define OWNER_PRODUCER rb_handle
#define OWNER_CONSUMER rb_gate

struct metric {
	struct ringbus_metric shown;
	derive_fn derive; /* NULL: the word at */
	size_t offset;
	bool is_largest; /* of a group its workers' largest, not their sum */
};

#define METRIC(name, unit, text, kind, scope)                                  \
	{                                                                      \
		sizeof(struct ringbus_metric), name, unit, text, kind, scope   \
	}
#define AS_DERIVED(scope, how, name, kind, unit, text)                         \
	{ METRIC(name, unit, text, KIND_##kind, RINGBUS_OF_##scope),           \
	  derive_##scope##_##how, 0, false },
#define AS_WORD(scope, word, name, kind, unit, text)                           \
	{ METRIC(name, unit, text, KIND_##kind, RINGBUS_OF_##scope), NULL,     \
	  offsetof(struct OWNER_##scope, word),                                \
	  KIND_##kind == RINGBUS_GAUGE },
#define AS_WAIT_WORD(scope, word, name, unit, text)                            \
	{ METRIC(name, unit, text, RINGBUS_COUNTER, RINGBUS_OF_##scope), NULL, \
	  offsetof(struct OWNER_##scope, waits.word), false },

#define AS_IO_WORD(scope, word, name, kind, unit, text)                        \
	{ METRIC(name, unit, text, KIND_##kind, RINGBUS_OF_##scope),           \
	  derive_io_##word, 0, false },

static const struct metric metrics[] = {
#define RB_DERIVED AS_DERIVED
#define RB_WORD AS_WORD
#define RB_WAIT_WORD(word, producer_name, consumer_name, unit, text)           \
	AS_WAIT_WORD(PRODUCER, word, producer_name, unit, text)                \
	AS_WAIT_WORD(CONSUMER, word, consumer_name, unit, text)
#define RB_IO_WORD(word, producer_name, consumer_name, kind, unit, text)       \
	AS_IO_WORD(PRODUCER, word, producer_name, kind, unit, text)            \
	AS_IO_WORD(CONSUMER, word, consumer_name, kind, unit, text)
#include "shm/metrics.h"
};

int
ringbus_metric(unsigned index, struct ringbus_metric *ret)
{
	if (ret->size != sizeof(*ret))
		return -EINVAL;
	if (index >= RB_ARRAY_SIZE(metrics))
		return 0;
	*ret = metrics[index].shown;
	return 1;
}

/* --------------------------------------------------------------- a look */

static uint64_t
word_at(const void *owner, const struct metric *m)
{
	return rb_count_of(
		(const struct rb_word64 *)((const char *)owner + m->offset));
}

/* What is counted of a group is counted by its workers. */
static double
word_of_group(const struct rb_channel *c, unsigned group,
	      const struct metric *m)
{
	/* ORDER(none, relaxed) - to look at. */
	uint64_t workers = rb_word64_load_relaxed(
		&c->meta->consumers[group].workers);
	double sum = 0, largest = 0;

	for (; workers != 0; workers &= workers - 1) {
		int i = __builtin_ctzll(workers);
		double n = (double)word_at(&c->gates->consumers[i], m);

		sum += n;
		if (n > largest)
			largest = n;
	}
	return m->is_largest ? largest : sum;
}

static double
word_of(const struct subject *s, const struct metric *m)
{
	const struct rb_channel *c = shm_of(s);

	if (m->shown.scope == RINGBUS_OF_CHANNEL)
		return (double)word_at(&c->meta->control.counters, m);
	if (m->shown.scope == RINGBUS_OF_PRODUCER)
		return (double)word_at(&c->ring->handles[s->member.index], m);
	if (s->member.group)
		return word_of_group(c, s->member.index, m);
	return (double)word_at(&c->gates->consumers[s->member.index], m);
}

/* 1, 0 if nobody is there, or an errno. */
static int
look_at(struct subject *s, int scope, unsigned index)
{
	if (scope == RINGBUS_OF_CHANNEL) {
		int err = ringbus_channel_info(s->channel, &s->info);

		return err < 0 ? err : 1;
	}
	return ringbus_channel_member(s->channel,
				      scope == RINGBUS_OF_PRODUCER
					      ? RINGBUS_PRODUCER
					      : RINGBUS_CONSUMER,
				      index, &s->member);
}

int
ringbus_channel_metric(const struct ringbus_channel *channel, unsigned metric,
		       unsigned member_index, double *ret)
{
	struct subject s = { .channel = channel,
			     .info = { .size = sizeof(s.info) },
			     .member = { .size = sizeof(s.member) } };
	const struct metric *m;
	double value;
	int found;

	if (metric >= RB_ARRAY_SIZE(metrics))
		return -EINVAL;
	m = &metrics[metric];
	found = look_at(&s, m->shown.scope, member_index);
	if (found <= 0)
		return found;
	value = m->derive != NULL ? m->derive(&s) : word_of(&s, m);
	if (value == NONE)
		return 0;
	/* Words of time are in nanoseconds. */
	if (m->derive == NULL && strcmp(m->shown.unit, "seconds") == 0)
		value /= 1e9;
	*ret = value;
	return 1;
}
