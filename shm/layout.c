/* SPDX-License-Identifier: MIT */
/*
 * layout.c - two builds agree on every byte, or do not meet
 */
#include "shm/layout.h"

#include <string.h>

#define HASH_START UINT64_C(14695981039346656037)
#define HASH_PRIME UINT64_C(1099511628211)

#define CHANNEL_OWNER rb_channel_counters
#define PRODUCER_OWNER rb_handle
#define CONSUMER_OWNER rb_gate

/* What two builds must agree on. */
static const uint64_t numbers[] = {
	RB_LAYOUT_VERSION,
	RB_LINE,
	RB_NAME_SIZE,
	RB_CONSUMERS_MAX,
	RB_PRODUCERS_MAX,
	sizeof(struct rb_geometry),
	offsetof(struct rb_geometry, gates_size),
	offsetof(struct rb_geometry, times_offset),
	offsetof(struct rb_geometry, n_groups),
	sizeof(struct rb_meta_header),
	offsetof(struct rb_meta_header, geometry),
	offsetof(struct rb_meta_header, max_consumers),
	offsetof(struct rb_meta_header, creator),
	offsetof(struct rb_meta_header, clear),
	offsetof(struct rb_meta_header, type_version),
	offsetof(struct rb_meta_header, type),
	offsetof(struct rb_meta_header, strict),
	offsetof(struct rb_meta_header, isolation),
	offsetof(struct rb_meta_header, pid_ns),
	offsetof(struct rb_meta_header, sum),
	sizeof(struct rb_meta_control),
	offsetof(struct rb_meta_control, gating),
	offsetof(struct rb_meta_control, skip),
	offsetof(struct rb_meta_control, end),
	offsetof(struct rb_meta_control, stream),
	offsetof(struct rb_meta_control, broken),
	offsetof(struct rb_meta_control, stuck_after_ns),
	offsetof(struct rb_meta_control, retired),
	offsetof(struct rb_meta_control, counters),
#define RB_WORD(scope, word, name, kind, unit, text)                           \
	offsetof(struct scope##_OWNER, word),
#define RB_WAIT_WORD(word, producer, consumer, unit, text)                     \
	offsetof(struct rb_wait_counters, word),
#define RB_IO_WORD(word, producer, consumer, kind, unit, text)                 \
	offsetof(struct rb_io_counters, word),
#include "shm/metrics.h"
	offsetof(struct rb_meta_placement, wishes),
	offsetof(struct rb_meta_placement, cpus),
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
	offsetof(struct rb_member, slow),
	offsetof(struct rb_member, parked),
	offsetof(struct rb_member, max_lag),
	offsetof(struct rb_member, max_stall_ns),
	offsetof(struct rb_member, group),
	offsetof(struct rb_member, worker_of),
	offsetof(struct rb_member, workers),
	offsetof(struct rb_member, key_offset),
	offsetof(struct rb_member, key_size),
	offsetof(struct rb_member, recalled),
	offsetof(struct rb_member, returned),
	offsetof(struct rb_member, pidfd_inode),
	offsetof(struct rb_member, known),
	sizeof(struct rb_meta),
	offsetof(struct rb_meta, consumers),
	sizeof(struct rb_handle),
	offsetof(struct rb_handle, n),
	offsetof(struct rb_handle, presence),
	offsetof(struct rb_handle, published),
	offsetof(struct rb_handle, waits),
	offsetof(struct rb_handle, io),
	sizeof(struct rb_ring),
	offsetof(struct rb_ring, event),
	offsetof(struct rb_ring, handles),
	sizeof(struct rb_gate),
	offsetof(struct rb_gate, wanted),
	offsetof(struct rb_gate, run),
	offsetof(struct rb_gate, failed),
	offsetof(struct rb_gate, presence),
	offsetof(struct rb_gate, waits),
	offsetof(struct rb_gate, io),
	offsetof(struct rb_io_counters, told),
	sizeof(struct rb_gates),
	offsetof(struct rb_gates, bells),
	offsetof(struct rb_gates, clear),
	offsetof(struct rb_gates, clear.begun),
	offsetof(struct rb_gates, clear.done),
	offsetof(struct rb_gates, consumers),
	sizeof(struct rb_group),
	offsetof(struct rb_group, lanes),
	offsetof(struct rb_group, work),
	RB_LANES,
	sizeof(struct rb_latency),
	offsetof(struct rb_latency, counts),
	RB_LATENCY_BUCKETS,
	sizeof(struct rb_frame),
	RB_STAMP_TOMBSTONE,
	RB_INTENT_CLAIMED,
};

/* FNV-1a. */
uint64_t
rb_layout_hash(void)
{
	uint64_t hash = HASH_START;

	for (size_t i = 0; i < RB_ARRAY_SIZE(numbers); i++)
		hash = (hash ^ numbers[i]) * HASH_PRIME;
	return hash;
}

uint64_t
rb_header_sum(const struct rb_meta_header *header)
{
	struct rb_meta_header h;
	const uint8_t *bytes = (const uint8_t *)&h;
	uint64_t hash = HASH_START;

	memcpy(&h, header, sizeof(h));
	memset(&h.magic, 0, sizeof(h.magic));
	memset(&h.pid_ns, 0, sizeof(h.pid_ns));
	h.sum = 0;
	for (size_t i = 0; i < sizeof(h); i++)
		hash = (hash ^ bytes[i]) * HASH_PRIME;
	return hash;
}
