/* SPDX-License-Identifier: MIT */
/*
 * channel.c - see channel.h
 */
#include "shm/channel.h"

#include <errno.h>
#include <string.h>

const char *const rb_file_names[RB_FILES] = { "meta", "ring", "gates" };

bool
rb_role_writes(enum rb_role role, enum rb_file file)
{
	if (role == RB_ROLE_DAEMON)
		return true;
	return (role == RB_ROLE_PRODUCER && file == RB_FILE_RING) ||
	       (role == RB_ROLE_CONSUMER && file == RB_FILE_GATES);
}

uint64_t
rb_channel_file_size(const struct rb_geometry *geometry, enum rb_file file)
{
	uint64_t size = file == RB_FILE_META   ? RB_META_SIZE
			: file == RB_FILE_RING ? geometry->ring_size
					       : RB_GATES_SIZE;

	return rb_round_up(size, geometry->page_size);
}

#define HASH_START UINT64_C(14695981039346656037)
#define HASH_PRIME UINT64_C(1099511628211)

/* FNV-1a over the numbers that two builds must agree on. */
uint64_t
rb_layout_hash(void)
{
	const uint64_t numbers[] = {
		RB_LAYOUT_VERSION,
		RB_LINE,
		RB_NAME_SIZE,
		RB_CONSUMERS_MAX,
		RB_PRODUCERS_MAX,
		sizeof(struct rb_geometry),
		sizeof(struct rb_meta_header),
		offsetof(struct rb_meta_header, geometry),
		offsetof(struct rb_meta_header, max_consumers),
		offsetof(struct rb_meta_header, creator),
		sizeof(struct rb_meta_control),
		offsetof(struct rb_meta_control, end),
		offsetof(struct rb_meta_control, stream),
		sizeof(struct rb_member),
		offsetof(struct rb_member, state),
		offsetof(struct rb_member, epoch),
		offsetof(struct rb_member, pid),
		offsetof(struct rb_member, on_death),
		offsetof(struct rb_member, start_time),
		offsetof(struct rb_member, after),
		offsetof(struct rb_member, deps),
		offsetof(struct rb_member, keep_for_ns),
		offsetof(struct rb_member, absent_ns),
		offsetof(struct rb_member, declared),
		offsetof(struct rb_member, behind),
		sizeof(struct rb_meta),
		offsetof(struct rb_meta, consumers),
		sizeof(struct rb_handle),
		offsetof(struct rb_handle, n),
		offsetof(struct rb_handle, sleeps),
		sizeof(struct rb_ring),
		offsetof(struct rb_ring, event),
		offsetof(struct rb_ring, handles),
		sizeof(struct rb_gate),
		offsetof(struct rb_gate, wanted),
		sizeof(struct rb_gates),
		sizeof(struct rb_frame),
		RB_STAMP_TOMBSTONE,
		RB_INTENT_CLAIMED,
	};
	uint64_t hash = HASH_START;

	for (size_t i = 0; i < RB_ARRAY_SIZE(numbers); i++)
		hash = (hash ^ numbers[i]) * HASH_PRIME;
	return hash;
}

static int
map_files(struct rb_channel *channel, const int fds[RB_FILES],
	  enum rb_role role)
{
	const struct rb_geometry *g = &channel->geometry;

	for (int i = 0; i < RB_FILES; i++) {
		uint64_t mirror = i == RB_FILE_RING ? g->slots_offset : 0;
		int err = rb_segment_map(&channel->segments[i], fds[i],
					 rb_channel_file_size(g, i), mirror,
					 rb_role_writes(role, i));

		if (err < 0)
			return err;
	}
	channel->meta = channel->segments[RB_FILE_META].base;
	channel->ring = channel->segments[RB_FILE_RING].base;
	channel->gates = channel->segments[RB_FILE_GATES].base;
	channel->slots = (char *)channel->ring + g->slots_offset;
	if (g->stamps_offset != 0)
		channel->stamps = (void *)((char *)channel->ring +
					   g->stamps_offset);
	channel->mask = g->slots - 1;
	return 0;
}

static void
fill_header(struct rb_meta_header *header, const struct rb_geometry *geometry,
	    const struct rb_channel_format *format)
{
	header->layout_version = RB_LAYOUT_VERSION;
	header->line = RB_LINE;
	header->layout_hash = rb_layout_hash();
	header->generation = format->generation;
	memcpy(header->boot_id, format->boot_id, sizeof(header->boot_id));
	strncpy(header->name, format->name, RB_NAME_SIZE - 1);
	header->geometry = *geometry;
	header->wait = format->wait;
	header->wake = format->wake;
	header->max_producers = format->max_producers;
	header->max_consumers = format->max_consumers;
	header->dynamic = format->dynamic;
	header->creator = format->creator;
}

int
rb_channel_format(struct rb_channel *channel, const int fds[RB_FILES],
		  const struct rb_geometry *geometry,
		  const struct rb_channel_format *format)
{
	struct rb_channel c = { .geometry = *geometry,
				.generation = format->generation,
				.wait = format->wait,
				.fence = format->wake == RB_WAKE_FENCE };
	int err = map_files(&c, fds, RB_ROLE_DAEMON);

	if (err < 0) {
		rb_channel_detach(&c);
		return err;
	}
	fill_header(&c.meta->header, geometry, format);
	/* ORDER(none, relaxed) - nobody reads before the magic. */
	rb_seq_store_relaxed(&c.meta->control.end, RB_SEQUENCE_MAX);
	rb_seq_store_relaxed(&c.ring->claimed, RB_SEQUENCE_INITIAL);
	rb_seq_store_relaxed(&c.ring->published, RB_SEQUENCE_INITIAL);
	rb_seq_store_relaxed(&c.ring->gate, RB_SEQUENCE_INITIAL);
	for (int i = 0; i < RB_CONSUMERS_MAX; i++)
		/* ORDER(none, relaxed) - as above. */
		rb_seq_store_relaxed(&c.gates->consumers[i].sequence,
				     RB_SEQUENCE_INITIAL);
	*channel = c;
	return 0;
}

void
rb_channel_open(struct rb_channel *channel)
{
	/* ORDER(magic, release) - all of the format, to whoever attaches; he
	 * would take zeroes for a geometry otherwise. */
	rb_word64_store_release(&channel->meta->header.magic, RB_MAGIC);
}

/* Looks at the header through a mapping of its own, before sizes are known. */
static int
read_header(int fd, struct rb_meta_header *ret)
{
	struct rb_segment segment = RB_SEGMENT_NULL;
	const struct rb_meta_header *header;
	int err = rb_segment_map(&segment, fd, RB_META_SIZE, 0, false);

	if (err < 0)
		return err;
	header = segment.base;
	/* ORDER(magic, acquire) - pairs with rb_channel_open(). */
	if (rb_word64_load_acquire(&header->magic) != RB_MAGIC)
		err = -EBADMSG;
	else
		memcpy(ret, header, sizeof(*ret));
	rb_segment_unmap(&segment);
	return err;
}

static int
check_header(const struct rb_meta_header *header)
{
	if (header->layout_version != RB_LAYOUT_VERSION ||
	    header->line != RB_LINE || header->layout_hash != rb_layout_hash())
		return -EPROTONOSUPPORT;
	if (header->wait >= RB_WAIT_KINDS || header->wake > RB_WAKE_FENCE ||
	    header->max_producers > RB_PRODUCERS_MAX ||
	    header->max_consumers > RB_CONSUMERS_MAX)
		return -EBADMSG;
	return rb_geometry_check(&header->geometry);
}

int
rb_channel_attach(struct rb_channel *channel, const int fds[RB_FILES],
		  enum rb_role role)
{
	struct rb_channel c = RB_CHANNEL_NULL;
	struct rb_meta_header header;
	int err = read_header(fds[RB_FILE_META], &header);

	if (err == 0)
		err = check_header(&header);
	if (err < 0)
		return err;
	c.geometry = header.geometry;
	c.generation = header.generation;
	c.wait = header.wait;
	c.fence = header.wake == RB_WAKE_FENCE;
	err = map_files(&c, fds, role);
	if (err < 0) {
		rb_channel_detach(&c);
		return err;
	}
	*channel = c;
	return 0;
}

void
rb_channel_detach(struct rb_channel *channel)
{
	for (int i = 0; i < RB_FILES; i++)
		rb_segment_unmap(&channel->segments[i]);
	*channel = RB_CHANNEL_NULL;
}

void
rb_channel_wake_all(struct rb_channel *channel)
{
	rb_wake_anyway(&channel->ring->event);
	for (int i = 0; i < RB_CONSUMERS_MAX; i++)
		rb_wake_anyway(&channel->gates->consumers[i].event);
}
