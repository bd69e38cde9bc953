/* SPDX-License-Identifier: MIT */
/*
 * test_channel.c - who may attach, to what, and what each role may touch
 */
#include "shm/channel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tests/fixture.h"

static struct fixture f;

static struct rb_meta_header *
header(void)
{
	return &f.channel.meta->header;
}

static void
expect_attach(int expected)
{
	struct rb_channel channel = RB_CHANNEL_NULL;

	ck_assert_int_eq(rb_channel_attach(&channel, f.fds, RB_ROLE_TAP),
			 expected);
	if (expected < 0) /* written on success only */
		ck_assert_ptr_null(channel.meta);
	rb_channel_detach(&channel);
}

TEST(attached_channel_is_the_one_formatted)
{
	struct rb_channel channel;

	fixture_open(&f, SHAPE(.producers = RB_MULTI, .history = 3,
			       .wait = WAIT(RB_WAIT_SLEEPING),
			       .wake = RB_WAKE_FENCE));
	t_ok(rb_channel_attach(&channel, f.fds, RB_ROLE_TAP));
	ck_assert_uint_eq(channel.generation, 7);
	ck_assert_uint_eq(channel.mask, 15);
	ck_assert_int_eq(channel.wait, RB_WAIT_SLEEPING);
	ck_assert(channel.fence);
	ck_assert_int_eq(memcmp(&channel.geometry, &f.channel.geometry,
				sizeof(channel.geometry)),
			 0);
	ck_assert_str_eq(channel.meta->header.name, "test");
	rb_channel_detach(&channel);
	ck_assert_ptr_null(channel.meta);
	rb_channel_detach(&channel);
	fixture_close(&f);
}

TEST(unopened_channel_is_refused)
{
	fixture_format(&f, SHAPE());
	expect_attach(-EBADMSG);
	rb_channel_open(&f.channel);
	expect_attach(0);
	fixture_close(&f);
}

TEST(other_magic_is_refused)
{
	fixture_open(&f, SHAPE());
	rb_word64_store_relaxed(&header()->magic, RB_MAGIC ^ 1);
	expect_attach(-EBADMSG);
	fixture_close(&f);
}

TEST(other_layouts_are_refused_by_an_error_of_their_own)
{
	fixture_open(&f, SHAPE());
	header()->layout_version++;
	expect_attach(-EPROTONOSUPPORT);
	header()->layout_version--;
	header()->layout_hash ^= 1;
	expect_attach(-EPROTONOSUPPORT);
	header()->layout_hash ^= 1;
	header()->line = 64;
	expect_attach(-EPROTONOSUPPORT);
	header()->line = RB_LINE;
	expect_attach(0);
	fixture_close(&f);
}

#define EXPECT_LIE_REFUSED(field, value)                                       \
	do {                                                                   \
		struct rb_meta_header honest_ = *header();                     \
                                                                               \
		header()->field = (value);                                     \
		expect_attach(-EBADMSG);                                       \
		*header() = honest_;                                           \
		expect_attach(0);                                              \
	} while (0)

TEST(lies_in_the_header_are_refused)
{
	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	EXPECT_LIE_REFUSED(wait, RB_WAIT_KINDS);
	EXPECT_LIE_REFUSED(wait, UINT32_MAX);
	EXPECT_LIE_REFUSED(wake, RB_WAKE_FENCE + 1);
	EXPECT_LIE_REFUSED(max_producers, RB_PRODUCERS_MAX + 1);
	EXPECT_LIE_REFUSED(max_consumers, RB_CONSUMERS_MAX + 1);
	EXPECT_LIE_REFUSED(clear, RB_CLEAR_ZERO + 1);
	EXPECT_LIE_REFUSED(clear, UINT32_MAX);
	EXPECT_LIE_REFUSED(isolation, RB_ISOLATION_SEALED + 1);
	EXPECT_LIE_REFUSED(geometry.slots, 32);
	EXPECT_LIE_REFUSED(geometry.slots, UINT64_C(1) << 31);
	EXPECT_LIE_REFUSED(geometry.slot_size, 8);
	EXPECT_LIE_REFUSED(geometry.event_size, UINT64_C(1) << 40);
	EXPECT_LIE_REFUSED(geometry.history, 9);
	EXPECT_LIE_REFUSED(geometry.page_size, 8192);
	EXPECT_LIE_REFUSED(geometry.stamps_offset, 0);
	EXPECT_LIE_REFUSED(geometry.slots_offset, 0);
	EXPECT_LIE_REFUSED(geometry.ring_size, UINT64_C(1) << 50);
	EXPECT_LIE_REFUSED(geometry.framing, 7);
	EXPECT_LIE_REFUSED(geometry.producers, 7);
	EXPECT_LIE_REFUSED(geometry.n_groups, 1);
	EXPECT_LIE_REFUSED(geometry.gates_size, UINT64_C(1) << 50);
	fixture_close(&f);
}

/* What is kept for those who come late would not be cleared. */
TEST(clearing_and_history_are_refused_together)
{
	fixture_open(&f, SHAPE(.history = 4));
	EXPECT_LIE_REFUSED(clear, RB_CLEAR_ZERO);
	fixture_close(&f);
}

static void
set_type(const char *bytes, size_t n)
{
	memset(header()->type, 0, sizeof(header()->type));
	memcpy(header()->type, bytes, n);
}

TEST(type_is_a_name_or_empty)
{
	char endless[RB_NAME_SIZE];

	fixture_open(&f, SHAPE(.type = "trade", .type_version = 3));
	ck_assert_str_eq(header()->type, "trade");
	ck_assert_uint_eq(header()->type_version, 3);
	expect_attach(0);
	set_type("", 0);
	expect_attach(0);
	set_type("a b", 3);
	expect_attach(-EBADMSG);
	set_type("\n", 1);
	expect_attach(-EBADMSG);
	memset(endless, 'a', sizeof(endless));
	set_type(endless, sizeof(endless));
	expect_attach(-EBADMSG);
	set_type(endless, sizeof(endless) - 1);
	expect_attach(0);
	fixture_close(&f);
}

TEST(attached_channel_knows_how_it_is_cleared_and_where_its_groups_are)
{
	struct rb_channel channel;

	fixture_open(&f, SHAPE(.clear = RB_CLEAR_ZERO, .n_groups = 3));
	t_ok(rb_channel_attach(&channel, f.fds, RB_ROLE_TAP));
	ck_assert_int_eq(channel.clear, RB_CLEAR_ZERO);
	ck_assert_int_eq(channel.bell, -1);
	ck_assert_uint_eq(channel.geometry.n_groups, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(rb_seq_load_relaxed(
					 &rb_channel_group(&channel, i)->hint),
				 -1);
	rb_channel_detach(&channel);
	ck_assert_int_eq(channel.bell, -1);
	fixture_close(&f);
}

/* The last byte of the last area is in the file, and its first after the gates. */
TEST(groups_lie_behind_the_gates_and_apart)
{
	char *first, *last;

	fixture_open(&f, SHAPE(.slots = 64, .n_groups = RB_CONSUMERS_MAX));
	first = (char *)rb_channel_group(&f.channel, 0);
	last = (char *)rb_channel_group(&f.channel, RB_CONSUMERS_MAX - 1);
	ck_assert_ptr_eq(first, (char *)f.channel.gates + RB_GATES_SIZE);
	ck_assert_ptr_eq(last + sizeof(struct rb_group) + 64 * 8,
			 (char *)f.channel.gates +
				 f.channel.geometry.gates_size);
	ck_assert_uint_eq((uintptr_t)last % RB_LINE, 0);
	last[sizeof(struct rb_group) + 64 * 8 - 1] = 1;
	fixture_close(&f);
}

TEST(sequences_start_before_the_first)
{
	const struct rb_clearing *clear;

	fixture_open(&f, SHAPE());
	clear = &f.channel.gates->clear;
	ck_assert_int_eq(rb_seq_load_relaxed(&clear->begun), -1);
	ck_assert_int_eq(rb_seq_load_relaxed(&clear->done), -1);
	ck_assert_uint_eq(rb_word32_load_relaxed(&clear->owner), 0);
	ck_assert_int_eq(f.channel.bell, f.fds[RB_FD_BELL]);
	fixture_close(&f);
}

/* ------------------------------------------------------------------- fill */

static void
expect_filled(const struct shape *shape, uint64_t length)
{
	uint64_t n = strlen(shape->fill);

	fixture_open(&f, shape);
	for (int64_t i = 0; i <= (int64_t)f.channel.mask; i++) {
		const char *slot = rb_channel_slot(&f.channel, i);

		for (uint64_t at = 0; at < f.channel.geometry.slot_size; at++)
			ck_assert_int_eq(slot[at],
					 at < length ? shape->fill[at % n] : 0);
	}
	fixture_close(&f);
}

TEST(each_slot_begins_with_the_pattern)
{
	const char longest[] = "0123456789abcdef0123456789abcdef0123456789abcde"
			       "f0123456789abcdef";

	expect_filled(SHAPE(.slots = 1024, .slot_size = 13, .fill = "abc"), 13);
	expect_filled(SHAPE(.slots = 1024, .slot_size = 64, .fill = longest),
		      64);
	expect_filled(SHAPE(.slots = 1024, .slot_size = 10, .fill = longest),
		      10);
	expect_filled(SHAPE(.slots = 1024, .slot_size = 16, .fill = "xyz",
			    .framing = RB_FRAMED),
		      16);
}

TEST(slots_are_zero_without_a_pattern)
{
	fixture_open(&f, SHAPE(.slots = 256));
	for (uint64_t i = 0; i < 256 * f.channel.geometry.slot_size; i++)
		ck_assert_int_eq(f.channel.slots[i], 0);
	fixture_close(&f);
}

/* An honest geometry of another ring is found by the size of the file. */
TEST(larger_geometry_than_the_file_is_refused)
{
	struct rb_geometry larger;

	fixture_open(&f, SHAPE());
	t_ok(rb_geometry_init(&larger, 1024, 32, 0, RB_FIXED, RB_SINGLE));
	header()->geometry = larger;
	expect_attach(-EBADMSG);
	fixture_close(&f);
}

static void
expect_short_file_refused(enum rb_file file)
{
	struct rb_geometry g;
	uint64_t size;

	fixture_open(&f, SHAPE());
	g = f.channel.geometry;
	size = rb_channel_file_size(&g, file);
	rb_channel_detach(&f.channel);
	expect_attach(0);
	ck_assert_int_eq(ftruncate(f.fds[file], (off_t)size - 4096), 0);
	expect_attach(-EBADMSG);
	ck_assert_int_eq(ftruncate(f.fds[file], 0), 0);
	expect_attach(-EBADMSG);
	fixture_close(&f);
}

TEST(short_meta_is_refused)
{
	expect_short_file_refused(RB_FILE_META);
}

TEST(short_ring_is_refused)
{
	expect_short_file_refused(RB_FILE_RING);
}

TEST(short_gates_are_refused)
{
	expect_short_file_refused(RB_FILE_GATES);
}

/* ------------------------------------------------------------------ roles */

struct touch {
	enum rb_role role;
	enum rb_file file;
	bool at_end;
};

static int
touch_file(void *arg)
{
	const struct touch *touch = arg;
	const struct rb_segment *segment;
	struct rb_channel channel;
	char *at, byte;

	t_ok(rb_channel_attach(&channel, f.fds, touch->role));
	segment = &channel.segments[touch->file];
	at = segment->base;
	if (touch->at_end) /* of the mirror, if there is one */
		at += segment->mapping - 1;
	byte = *at;
	rb_fence_compiler(); /* or it would see that nothing changes */
	*at = byte;
	return 0;
}

static void
expect_writes(enum rb_role role, enum rb_clear clear, const bool may[RB_FILES])
{
	signal(SIGSEGV, SIG_DFL); /* not the sanitizer's report */
	fixture_open(&f, SHAPE(.clear = clear));
	for (int i = 0; i < 2 * RB_FILES; i++) {
		struct touch touch = { role, i % RB_FILES, i >= RB_FILES };
		pid_t pid = t_child(touch_file, &touch);

		ck_assert(rb_role_writes(role, touch.file, clear) ==
			  may[touch.file]);
		if (may[touch.file])
			t_join(pid);
		else
			t_join_signal(pid, SIGSEGV);
	}
	fixture_close(&f);
}

static void
expect_role_writes(enum rb_role role, bool meta, bool ring, bool gates)
{
	expect_writes(role, RB_CLEAR_NONE, (bool[]){ meta, ring, gates });
}

TEST(tap_writes_nothing)
{
	expect_role_writes(RB_ROLE_TAP, false, false, false);
	expect_writes(RB_ROLE_TAP, RB_CLEAR_ZERO, (bool[RB_FILES]){ 0 });
}

TEST(producer_writes_the_ring_alone)
{
	expect_role_writes(RB_ROLE_PRODUCER, false, true, false);
	expect_writes(RB_ROLE_PRODUCER, RB_CLEAR_ZERO,
		      (bool[]){ false, true, false });
}

TEST(consumer_writes_the_gates_alone)
{
	expect_role_writes(RB_ROLE_CONSUMER, false, false, true);
}

TEST(consumer_writes_the_ring_where_it_clears)
{
	expect_writes(RB_ROLE_CONSUMER, RB_CLEAR_ZERO,
		      (bool[]){ false, true, true });
}

TEST(daemon_writes_all)
{
	expect_role_writes(RB_ROLE_DAEMON, true, true, true);
}

static int
publish_after_fork(void *arg)
{
	struct rb_sequencer *s = arg;

	put(s, 1, 0);
	return 0;
}

/* Else it could write when its parent's death was already dealt with. */
TEST(forked_child_of_a_producer_cannot_publish)
{
	struct rb_sequencer s;

	signal(SIGSEGV, SIG_DFL);
	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	t_join_signal(t_child(publish_after_fork, &s), SIGSEGV);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	fixture_close(&f);
}

/* ------------------------------------------------------------------ slots */

KINDS(slots_are_apart_and_mirrored)
{
	char *slots;

	fixture_open(&f,
		     SHAPE(.producers = kind, .slots = 256, .slot_size = 40));
	slots = f.channel.slots;
	ck_assert_ptr_eq(rb_channel_slot(&f.channel, 0), slots);
	ck_assert_ptr_eq(rb_channel_slot(&f.channel, 256), slots);
	ck_assert_ptr_eq(rb_channel_slot(&f.channel, 511),
			 slots + 255 * f.channel.geometry.slot_size);
	fill(rb_channel_slot(&f.channel, 255),
	     256 * f.channel.geometry.slot_size, 99);
	rb_fence_compiler();
	ck_assert(is_filled(rb_channel_slot(&f.channel, 255),
			    256 * f.channel.geometry.slot_size, 99));
	fixture_close(&f);
}

TEST(wake_all_moves_every_event_word)
{
	fixture_open(&f, SHAPE());
	rb_channel_wake_all(&f.channel);
	ck_assert_uint_eq(rb_word32_load_relaxed(&f.channel.ring->event), 1);
	for (int i = 0; i < RB_CONSUMERS_MAX; i++)
		ck_assert_uint_eq(rb_word32_load_relaxed(
					  &f.channel.gates->consumers[i].event),
				  1);
	fixture_close(&f);
}

static bool
has_rung(int inotify)
{
	char event[256];

	return read(inotify, event, sizeof(event)) > 0;
}

TEST(wake_all_rings_the_bell_for_those_who_want_it)
{
	int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char path[32];

	fixture_open(&f, SHAPE());
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f.fds[RB_FD_BELL]);
	ck_assert_int_ge(inotify_add_watch(inotify, path, IN_ACCESS), 0);
	rb_channel_wake_all(&f.channel);
	ck_assert(!has_rung(inotify));
	rb_word64_store_relaxed(&f.channel.gates->bells, 4);
	rb_channel_wake_all(&f.channel);
	ck_assert(has_rung(inotify));
	close(inotify);
	fixture_close(&f);
}
