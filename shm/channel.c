/* SPDX-License-Identifier: MIT */
/*
 * channel.c - see channel.h
 */
#include "shm/channel.h"

#include <errno.h>
#include <string.h>

#include "shm/bell.h"
#include "shm/entry.h"

const char *const rb_file_names[RB_FDS] = { "meta", "ring", "gates", "bell" };

bool
rb_role_writes(enum rb_role role, enum rb_file file, enum rb_clear clear)
{
	switch (role) {
	case RB_ROLE_TAP:
		return false;
	case RB_ROLE_PRODUCER:
		return file == RB_FILE_RING;
	case RB_ROLE_CONSUMER:
		return file == RB_FILE_GATES ||
		       (file == RB_FILE_RING && clear == RB_CLEAR_ZERO);
	case RB_ROLE_DAEMON:
		break;
	}
	return true;
}

uint64_t
rb_channel_file_size(const struct rb_geometry *geometry, enum rb_file file)
{
	uint64_t size = file == RB_FILE_META   ? RB_META_SIZE
			: file == RB_FILE_RING ? geometry->ring_size
					       : geometry->gates_size;

	return rb_round_up(size, geometry->page_size);
}

static int
map_files(struct rb_channel *channel, const int fds[RB_FILES],
	  enum rb_role role)
{
	const struct rb_geometry *g = &channel->geometry;

	for (int i = 0; i < RB_FILES; i++) {
		uint64_t mirror = i == RB_FILE_RING ? g->slots_offset : 0;
		bool checks = role != RB_ROLE_DAEMON || i == RB_FILE_META;
		int err = (checks ? rb_segment_map : rb_segment_map_short)(
			&channel->segments[i], fds[i],
			rb_channel_file_size(g, i), mirror,
			rb_role_writes(role, i, channel->clear));

		if (err < 0)
			return err;
	}
	channel->guard = rb_guard_enter(channel);
	channel->meta = channel->segments[RB_FILE_META].base;
	channel->ring = channel->segments[RB_FILE_RING].base;
	channel->gates = channel->segments[RB_FILE_GATES].base;
	channel->slots = (char *)channel->ring + g->slots_offset;
	if (g->stamps_offset != 0)
		channel->stamps = (void *)((char *)channel->ring +
					   g->stamps_offset);
	if (g->times_offset != 0) {
		channel->times = (void *)((char *)channel->ring +
					  g->times_offset);
		channel->latencies = (void *)rb_channel_group(
			channel, g->n_groups); /* behind the last */
	}
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
	header->clear = format->clear;
	header->strict = format->strict;
	header->isolation = format->isolation;
	header->type_version = format->type_version;
	if (format->type != NULL)
		strncpy(header->type, format->type, RB_NAME_SIZE - 1);
	/* ORDER(none, relaxed) - nobody reads before the magic. */
	rb_word64_store_relaxed(&header->pid_ns, format->pid_ns);
	header->sum = rb_header_sum(header);
}

/* The pattern again and again over what an event may take of each slot. */
static void
fill_slots(struct rb_channel *c, const uint8_t *pattern, size_t size)
{
	const struct rb_geometry *g = &c->geometry;
	uint64_t length = g->framing == RB_FIXED ? g->event_size : g->slot_size;
	uint64_t slots = size > 0 ? g->slots : 0;

	for (uint64_t i = 0; i < slots; i++) {
		char *slot = c->slots + i * g->slot_size;

		for (uint64_t at = 0; at < length; at += size)
			memcpy(slot + at, pattern,
			       rb_min_u64(size, length - at));
	}
}

/* What does not start at zero. */
static void
set_sequences(struct rb_channel *c)
{
	/* ORDER(none, relaxed) - nobody reads before the magic. */
	rb_seq_store_relaxed(&c->meta->control.end, RB_SEQUENCE_MAX);
	rb_seq_store_relaxed(&c->ring->claimed, RB_SEQUENCE_INITIAL);
	rb_seq_store_relaxed(&c->ring->published, RB_SEQUENCE_INITIAL);
	rb_seq_store_relaxed(&c->ring->gate, RB_SEQUENCE_INITIAL);
	/* ORDER(none, relaxed) - as above. */
	rb_seq_store_relaxed(&c->gates->clear.begun, RB_SEQUENCE_INITIAL);
	rb_seq_store_relaxed(&c->gates->clear.done, RB_SEQUENCE_INITIAL);
	for (int i = 0; i < RB_CONSUMERS_MAX; i++)
		/* ORDER(none, relaxed) - as above. */
		rb_seq_store_relaxed(&c->gates->consumers[i].sequence,
				     RB_SEQUENCE_INITIAL);
	for (unsigned i = 0; i < c->geometry.n_groups; i++)
		/* ORDER(none, relaxed) - as above. */
		rb_seq_store_relaxed(&rb_channel_group(c, i)->hint,
				     RB_SEQUENCE_INITIAL);
}

int
rb_channel_format(struct rb_channel *channel, const int fds[RB_FILES],
		  const struct rb_geometry *geometry,
		  const struct rb_channel_format *format)
{
	struct rb_channel c = { .geometry = *geometry,
				.generation = format->generation,
				.wait = format->wait,
				.clear = format->clear,
				.isolation = format->isolation,
				.strict = format->strict,
				.fence = format->wake == RB_WAKE_FENCE,
				.bell = -1 };
	int err = map_files(&c, fds, RB_ROLE_DAEMON);

	if (err < 0) {
		rb_channel_detach(&c);
		return err;
	}
	fill_header(&c.meta->header, geometry, format);
	set_sequences(&c);
	/* ORDER(none, relaxed) - nobody reads before the magic. */
	rb_word64_store_relaxed(&c.meta->control.stuck_after_ns,
				format->stuck_after_ns);
	fill_slots(&c, format->fill,
		   format->fill != NULL ? format->fill_size : 0);
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
	struct rb_channel probe = RB_CHANNEL_NULL;
	struct rb_segment *segment = &probe.segments[RB_FILE_META];
	const struct rb_meta_header *header;
	int err = rb_segment_map(segment, fd, RB_META_SIZE, 0, false);

	if (err < 0)
		return err;
	probe.guard = rb_guard_enter(&probe);
	header = segment->base;
	/* ORDER(magic, acquire) - pairs with rb_channel_open(). */
	if (rb_word64_load_acquire(&header->magic) != RB_MAGIC)
		err = -EBADMSG;
	else
		memcpy(ret, header, sizeof(*ret));
	rb_channel_detach(&probe);
	return err;
}

static bool
is_type(const char type[RB_NAME_SIZE])
{
	if (memchr(type, '\0', RB_NAME_SIZE) == NULL)
		return false;
	return type[0] == '\0' || rb_name_is_valid(type);
}

static int
check_header(const struct rb_meta_header *header)
{
	if (header->layout_version != RB_LAYOUT_VERSION ||
	    header->line != RB_LINE || header->layout_hash != rb_layout_hash())
		return -EPROTONOSUPPORT;
	if (header->wait >= RB_WAIT_KINDS || header->wake > RB_WAKE_FENCE ||
	    header->max_producers > RB_PRODUCERS_MAX ||
	    header->max_consumers > RB_CONSUMERS_MAX ||
	    header->clear > RB_CLEAR_ZERO || header->strict > 1 ||
	    header->isolation > RB_ISOLATION_SEALED || !is_type(header->type))
		return -EBADMSG;
	/* What is kept for those who come late would not be cleared. */
	if (header->clear == RB_CLEAR_ZERO && header->geometry.history != 0)
		return -EBADMSG;
	return rb_geometry_check(&header->geometry);
}

/* The default as it is now; what is no kind is none. */
static enum rb_wait_kind
wait_of(const struct rb_channel *channel)
{
	/* ORDER(none, relaxed) - a wish by itself, for whoever comes. */
	uint32_t wait = rb_word32_load_relaxed(&channel->meta->control.wait);

	return wait - 1 < RB_WAIT_KINDS ? (enum rb_wait_kind)(wait - 1)
					: channel->wait;
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
	c.clear = header.clear;
	c.isolation = header.isolation;
	c.strict = header.strict != 0;
	c.fence = header.wake == RB_WAKE_FENCE;
	err = map_files(&c, fds, role);
	if (err < 0) {
		rb_channel_detach(&c);
		return err;
	}
	c.wait = wait_of(&c);
	*channel = c;
	return 0;
}

void
rb_channel_disinherit(struct rb_channel *channel)
{
	bool has_memory = true;

	if (channel->disinherited) /* a child's own child has that memory */
		return;
	rb_guard_leave(channel->guard);
	channel->guard = NULL;
	for (int i = 0; i < RB_FILES; i++)
		has_memory &= rb_segment_disinherit(&channel->segments[i]);
	channel->disinherited = true;
	if (!has_memory)
		return;
	/* ORDER(none, relaxed) - only this process has it. All epochs are 0. */
	rb_seq_store_relaxed(&channel->ring->claimed, RB_SEQUENCE_MAX / 2);
	rb_seq_store_relaxed(&channel->ring->published, RB_SEQUENCE_MAX / 2);
}

int
rb_channel_why_lost(const struct rb_channel *channel)
{
	if (channel->disinherited)
		return -ECHILD;
	/* ORDER(broken-places, acquire) - after the place that we have lost. */
	rb_fence_acquire();
	return rb_channel_is_broken(channel) ? -EBADMSG : -ESTALE;
}

void
rb_channel_detach(struct rb_channel *channel)
{
	rb_guard_leave(channel->guard);
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
	rb_bell_ring(channel);
}

void
rb_channel_say_broken(struct rb_meta *meta)
{
	/* ORDER(broken-places, relaxed) - by the fence that follows. */
	rb_word32_store_relaxed(&meta->control.stream, RB_STREAM_BROKEN);
	/* ORDER(broken-places, release) - why, before that all have lost their
	 * places; they would be told of an eviction otherwise. */
	rb_fence_release();
	for (int i = 0; i < RB_CONSUMERS_MAX; i++)
		rb_entry_raise_epoch(&meta->consumers[i]);
}

void
rb_channel_break(struct rb_channel *channel)
{
	rb_channel_say_broken(channel->meta);
	rb_channel_wake_all(channel);
	rb_bell_strike(channel); /* who waits for it may be forgotten there */
}

/* The state is what counts; the time is there before it, and stays behind. */
void
rb_channel_set_paused(struct rb_channel *channel, int64_t since_ns)
{
	struct rb_meta_control *control = &channel->meta->control;

	if (since_ns == 0) {
		/* ORDER(none, relaxed) - that one may claim; the event that
		 * wakes producers comes after it. */
		rb_word32_store_relaxed(&control->stream, RB_STREAM_OPEN);
		rb_channel_wake_all(channel);
		return;
	}
	/* ORDER(none, relaxed) - for people, who look at the state first. */
	rb_word64_store_relaxed(&control->paused_ns, (uint64_t)since_ns);
	/* ORDER(none, relaxed) - a wish: who sees it late claims once more. */
	rb_word32_store_relaxed(&control->stream, RB_STREAM_PAUSED);
}

/* What is claimed of several producers will yet be published. */
static int64_t
end_of(const struct rb_channel *channel)
{
	const struct rb_ring *ring = channel->ring;

	/* ORDER(closing, acquire) - after the membarrier. */
	return rb_channel_is_multi(channel)
		       ? rb_seq_load_acquire(&ring->claimed)
		       : rb_seq_load_acquire(&ring->published);
}

void
rb_channel_close_stream(struct rb_channel *channel, bool abort)
{
	struct rb_meta_control *control = &channel->meta->control;

	if (rb_channel_is_broken(channel))
		return;
	/* ORDER(none, relaxed) - the daemon is the only writer. Unknown also
	 * if another daemon died in the middle of this. */
	if (rb_seq_load_relaxed(&control->end) == RB_SEQUENCE_MAX) {
		/* ORDER(closing, release) - before the cursor is read: who
		 * published without seeing it is included in the end. */
		rb_word32_store_release(&control->stream, RB_STREAM_CLOSING);
		if (rb_membarrier() < 0)
			/* ORDER(closing, seq_cst) - where it is missing. */
			rb_fence_seq_cst();
		/* ORDER(end, release) - all that it includes was published
		 * before; a consumer that sees it looks once more. */
		rb_seq_store_release(&control->end, end_of(channel));
	}
	if (abort)
		/* ORDER(gone, release) - after the end, and `retired`. */
		rb_word32_store_release(&control->stream, RB_STREAM_ABORTED);
	rb_channel_wake_all(channel);
}
