/* SPDX-License-Identifier: MIT */
/*
 * lies.c - see lies.h
 */
#include "tests/fuzz/lies.h"

/* Words of one meaning: how many, and how far apart. */
struct words {
	uint64_t offset; /* in the file */
	uint64_t stride;
	uint64_t n;
	unsigned size;
};

#define WORD(type, field)                                                      \
	{                                                                      \
		offsetof(type, field), 0, 1,                                   \
			sizeof(((type *)0)->field) < 8 ? 4 : 8                 \
	}
#define WORDS(type, array, element, field)                                     \
	{                                                                      \
		offsetof(type, array) + offsetof(element, field),              \
			sizeof(element), 64,                                   \
			sizeof(((element *)0)->field) < 8 ? 4 : 8              \
	}

static const struct words in_meta[] = {
	WORD(struct rb_meta, control.version),
	WORD(struct rb_meta, control.gating),
	WORD(struct rb_meta, control.skip),
	WORD(struct rb_meta, control.end),
	WORD(struct rb_meta, control.stream),
	WORD(struct rb_meta, control.broken),
	WORD(struct rb_meta, control.stuck_after_ns),
	WORDS(struct rb_meta, consumers, struct rb_member, state),
	WORDS(struct rb_meta, consumers, struct rb_member, epoch),
	WORDS(struct rb_meta, consumers, struct rb_member, pid),
	WORDS(struct rb_meta, consumers, struct rb_member, after),
	WORDS(struct rb_meta, consumers, struct rb_member, deps),
	WORDS(struct rb_meta, consumers, struct rb_member, declared),
	WORDS(struct rb_meta, consumers, struct rb_member, behind),
	WORDS(struct rb_meta, consumers, struct rb_member, slow),
	WORDS(struct rb_meta, consumers, struct rb_member, parked),
	WORDS(struct rb_meta, consumers, struct rb_member, max_lag),
	WORDS(struct rb_meta, consumers, struct rb_member, group),
	WORDS(struct rb_meta, consumers, struct rb_member, worker_of),
	WORDS(struct rb_meta, consumers, struct rb_member, workers),
	WORDS(struct rb_meta, consumers, struct rb_member, key_offset),
	WORDS(struct rb_meta, consumers, struct rb_member, key_size),
	WORDS(struct rb_meta, consumers, struct rb_member, recalled),
	WORDS(struct rb_meta, consumers, struct rb_member, name),
	WORDS(struct rb_meta, producers, struct rb_member, state),
	WORDS(struct rb_meta, producers, struct rb_member, epoch),
	WORDS(struct rb_meta, producers, struct rb_member, name),
};

static const struct words in_ring[] = {
	WORD(struct rb_ring, claimed),
	WORD(struct rb_ring, published),
	WORD(struct rb_ring, gate),
	WORD(struct rb_ring, event),
	WORDS(struct rb_ring, space_wanted, struct rb_word32, value),
	WORDS(struct rb_ring, handles, struct rb_handle, intent),
	WORDS(struct rb_ring, handles, struct rb_handle, n),
	WORDS(struct rb_ring, handles, struct rb_handle, dropped),
	WORDS(struct rb_ring, handles, struct rb_handle, presence),
};

static const struct words in_gates[] = {
	WORD(struct rb_gates, data_wanted),
	WORD(struct rb_gates, bells),
	WORD(struct rb_gates, clear.owner),
	WORD(struct rb_gates, clear.begun),
	WORD(struct rb_gates, clear.done),
	WORDS(struct rb_gates, consumers, struct rb_gate, sequence),
	WORDS(struct rb_gates, consumers, struct rb_gate, event),
	WORDS(struct rb_gates, consumers, struct rb_gate, wanted),
	WORDS(struct rb_gates, consumers, struct rb_gate, lost),
	WORDS(struct rb_gates, consumers, struct rb_gate, failed),
	WORDS(struct rb_gates, consumers, struct rb_gate, run),
	WORDS(struct rb_gates, consumers, struct rb_gate, presence),
};

#define N_OF(table) (sizeof(table) / sizeof((table)[0]))

/* What depends on the geometry. */
static struct words
find_more(const struct rb_channel *c, enum rb_file file, unsigned which)
{
	const struct rb_geometry *g = &c->geometry;
	uint64_t group = (uint64_t)((char *)rb_channel_group(c, which & 1) -
				    (char *)c->gates);

	if (file == RB_FILE_RING && which < 3 && g->stamps_offset != 0)
		return (struct words){ g->stamps_offset, 8, g->slots, 8 };
	if (file == RB_FILE_RING)
		return (struct words){ g->slots_offset, g->slot_size, g->slots,
				       4 };
	if (file == RB_FILE_META || g->n_groups < 2)
		return (struct words){ 0, 8, 16, 8 };
	if (which < 2)
		return (struct words){ group, 0, 1, 8 };
	if (which < 4)
		return (struct words){ group + offsetof(struct rb_group, lanes),
				       4, RB_LANES, 4 };
	return (struct words){ group + offsetof(struct rb_group, work), 8,
			       g->slots, 8 };
}

static struct words
find_words(struct input *in, const struct rb_channel *c, enum rb_file file)
{
	unsigned which = input_below(in, 256);
	const struct words *table = file == RB_FILE_META   ? in_meta
				    : file == RB_FILE_RING ? in_ring
							   : in_gates;
	unsigned n = file == RB_FILE_META   ? N_OF(in_meta)
		     : file == RB_FILE_RING ? N_OF(in_ring)
					    : N_OF(in_gates);

	if (which == 255) /* anywhere */
		return (struct words){ 0, 1, c->segments[file].size - 8, 8 };
	which %= n + 6;
	return which < n ? table[which] : find_more(c, file, which - n);
}

static uint64_t
find_value(struct input *in, uint64_t before)
{
	uint64_t a;

	switch (input_below(in, 6)) {
	case 0:
		return (uint64_t)input_number(in);
	case 1: /* as it is, and a little more or less */
		return before + (uint64_t)(int64_t)(int8_t)input_bytes(in, 1);
	case 2: /* a stamp, an intent, a presence */
		a = (uint64_t)input_number(in);
		return (a + 1) << 2 | input_below(in, 4);
	case 3: /* a word of work */
		a = input_below(in, 4);
		return a << 32 | input_bytes(in, 2) << 16 |
		       (uint64_t)input_below(in, 66) << 8 | input_below(in, 4);
	case 4: /* a set */
		return UINT64_C(1) << input_below(in, 64) | input_bytes(in, 2);
	}
	return input_bytes(in, 8);
}

/* By place: of an honest peer, but where it may be. */
void
lies_tell(struct input *in, struct rb_channel *channel, enum rb_file file)
{
	struct words words = find_words(in, channel, file);
	uint64_t index = input_bytes(in, words.n > 256 ? 2 : 1) % words.n;
	char *at = (char *)channel->segments[file].base + words.offset +
		   index * words.stride;
	uint64_t value = 0;

	memcpy(&value, at, words.size);
	value = find_value(in, value);
	memcpy(at, &value, words.size);
}
