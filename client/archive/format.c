/* SPDX-License-Identifier: MIT */
/*
 * format.c - makes headers and blocks, and tells whether some are any
 *
 * What is checked here is what a single header can be; what it means in its place,
 * behind another, is for the one who reads on.
 */
#include "client/archive/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/archive/hash.h"
#include "shm/geometry.h"

/* ------------------------------------------------------------------ headers */

static uint64_t
header_hash(const struct rb_journal_header *header)
{
	return rb_hash(header, offsetof(struct rb_journal_header, hash), 0);
}

void
rb_journal_header_encode(struct rb_journal_header *header, void *page)
{
	header->magic = RB_JOURNAL_MAGIC;
	header->version = RB_JOURNAL_VERSION;
	header->hash = header_hash(header);
	memcpy(page, header, sizeof(*header));
	memcpy((char *)page + sizeof(*header), header, sizeof(*header));
}

static bool
is_text(const char text[RB_NAME_SIZE])
{
	return text[0] == '\0' || rb_name_is_valid(text);
}

static bool
fits_framing(const struct rb_journal_header *h)
{
	if (h->framing == RB_FIXED)
		return h->event_size >= 1 && h->event_size <= h->slot_size;
	return h->framing == RB_FRAMED && rb_is_power_of_two(h->slot_size) &&
	       h->slot_size >= RB_FRAME_SLOT_SIZE_MIN;
}

bool
rb_journal_header_check(const struct rb_journal_header *h)
{
	return rb_is_power_of_two(h->align) &&
	       h->align >= RB_JOURNAL_ALIGN_MIN &&
	       h->align <= RB_JOURNAL_ALIGN_MAX &&
	       rb_journal_can_store(h->slot_size, h->event_size) &&
	       fits_framing(h) && h->epoch >= 1 &&
	       h->epoch <= RB_JOURNAL_EPOCH_MAX && h->first >= 0 &&
	       h->first <= RB_JOURNAL_SEQUENCE_MAX && h->created_ns >= 0 &&
	       rb_name_is_valid(h->channel) && is_text(h->type);
}

/* Of a copy: its errno. */
static int
decode_copy(const void *copy, struct rb_journal_header *ret)
{
	memcpy(ret, copy, sizeof(*ret));
	if (ret->magic == __builtin_bswap64(RB_JOURNAL_MAGIC))
		return -EPROTONOSUPPORT;
	if (ret->magic != RB_JOURNAL_MAGIC || ret->hash != header_hash(ret))
		return -EBADMSG;
	if (ret->version != RB_JOURNAL_VERSION)
		return -EPROTONOSUPPORT;
	return rb_journal_header_check(ret) ? 0 : -EBADMSG;
}

int
rb_journal_header_decode(const void *page, struct rb_journal_header *ret)
{
	const char *second = (const char *)page + sizeof(*ret);
	struct rb_journal_header other;
	int err = decode_copy(page, ret), other_err;

	if (err == 0)
		return memcmp(page, second, sizeof(*ret)) != 0;
	other_err = decode_copy(second, &other);
	if (other_err < 0)
		return err;
	*ret = other;
	return 1;
}

/* ------------------------------------------------------------------- blocks */

void
rb_journal_chain_begin(struct rb_journal_chain *chain,
		       const struct rb_journal_header *header)
{
	*chain = (struct rb_journal_chain){
		.salt = header->salt,
		.slot_size = header->slot_size,
		.align = header->align,
		.offset = RB_JOURNAL_START,
		.previous = header->hash,
		.next = header->first,
		.time_ns = header->created_ns,
	};
}

static uint32_t
block_check(const struct rb_journal_block *block, uint64_t salt)
{
	return (uint32_t)rb_hash(
		block, offsetof(struct rb_journal_block, check), salt);
}

static uint64_t
block_hash(const struct rb_journal_block *block, uint64_t salt,
	   const void *payload, uint64_t size)
{
	uint64_t seed = rb_hash(block, offsetof(struct rb_journal_block, hash),
				salt);

	return rb_hash(payload, size, seed);
}

static uint32_t
count_unacked(uint64_t offset, uint64_t acked)
{
	uint64_t n = acked < offset ? (offset - acked + 7) / 8 : 0;

	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

void
rb_journal_block_encode(struct rb_journal_chain *chain,
			struct rb_journal_block *block, const void *payload,
			uint64_t acked)
{
	block->magic = RB_JOURNAL_BLOCK_MAGIC;
	block->skipped = (uint64_t)(block->first - chain->next);
	if (block->time_ns < chain->time_ns)
		block->time_ns = chain->time_ns;
	block->previous = chain->previous;
	block->unacked = count_unacked(chain->offset, acked);
	block->check = block_check(block, chain->salt);
	block->hash = block_hash(block, chain->salt, payload,
				 rb_journal_payload_size(block,
							 chain->slot_size));
	chain->offset += rb_journal_extent(block, chain->slot_size,
					   chain->align);
	chain->previous = block->hash;
	chain->next = rb_journal_behind(block);
	chain->time_ns = block->time_ns;
}

static bool
fits_kind(const struct rb_journal_block *b, const struct rb_journal_header *h)
{
	switch (b->kind) {
	case RB_JOURNAL_APART:
		return b->reason == 0 && b->lead < h->align &&
		       b->lead % 8 == 0 &&
		       b->count <= RB_JOURNAL_PAYLOAD_MAX / h->slot_size;
	case RB_JOURNAL_DATA:
		return b->reason == 0 && b->lead == 0 &&
		       b->count <= RB_JOURNAL_PAYLOAD_MAX / h->slot_size;
	case RB_JOURNAL_LOST:
		return b->reason < RB_JOURNAL_REASONS && b->lead == 0 &&
		       b->count > 0;
	case RB_JOURNAL_SEAL:
		return b->reason == 0 && b->lead == 0 && b->count == 0;
	}
	return false;
}

bool
rb_journal_block_check(const struct rb_journal_block *b,
		       const struct rb_journal_header *h)
{
	return b->magic == RB_JOURNAL_BLOCK_MAGIC &&
	       b->check == block_check(b, h->salt) && b->first >= h->first &&
	       b->first <= RB_JOURNAL_SEQUENCE_MAX &&
	       b->skipped <= (uint64_t)(b->first - h->first) &&
	       b->count <= (uint64_t)(RB_JOURNAL_SEQUENCE_MAX - b->first) &&
	       b->time_ns >= 0 && fits_kind(b, h);
}

bool
rb_journal_payload_check(const struct rb_journal_block *block,
			 const struct rb_journal_header *header,
			 const void *payload)
{
	uint64_t size = rb_journal_payload_size(block, header->slot_size);

	return block->hash == block_hash(block, header->salt, payload, size);
}

/* -------------------------------------------------------------------- names */

void
rb_journal_name(char *ret, int64_t epoch, int64_t first, const char *suffix)
{
	snprintf(ret, RB_JOURNAL_NAME_SIZE, "%010" PRId64 "-%020" PRId64 ".%s",
		 epoch, first, suffix);
}

/* So many digits, or -1. */
static int64_t
parse_digits(const char *text, int n)
{
	uint64_t value = 0;

	for (int i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (uint64_t)(text[i] - '0');
		if (value > RB_JOURNAL_SEQUENCE_MAX)
			return -1;
	}
	return (int64_t)value;
}

bool
rb_journal_parse_name(const char *name, int64_t *ret_epoch, int64_t *ret_first)
{
	int64_t epoch, first;

	if (strlen(name) != 35 || name[10] != '-' ||
	    strcmp(name + 31, ".rbj") != 0)
		return false;
	epoch = parse_digits(name, 10);
	first = parse_digits(name + 11, 20);
	if (epoch < 1 || first < 0)
		return false;
	*ret_epoch = epoch;
	*ret_first = first;
	return true;
}
