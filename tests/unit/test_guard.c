/* SPDX-License-Identifier: MIT */
/*
 * test_guard.c - faults in mapped channels get memory, all others do not, however
 * many channels come and go meanwhile
 */
#include "shm/guard.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/sigbus.h"

static bool breaks;
static sig_atomic_t n_handled;

static void
on_sigbus(int signo, siginfo_t *info, void *context)
{
	(void)context;
	if (rb_guard_handle(info->si_addr, breaks))
		n_handled++;
	else
		signal(signo, SIG_DFL);
}

static void
begin(struct fixture *f, bool as_client)
{
	struct sigaction action = { .sa_sigaction = on_sigbus,
				    .sa_flags = SA_SIGINFO };

	breaks = as_client;
	n_handled = 0;
	ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
	fixture_open(f, SHAPE(.slots = 4096));
}

static void
cut(const struct fixture *f, enum rb_file file)
{
	ck_assert_int_eq(ftruncate(f->fds[file], 0), 0);
}

static uint32_t
stream_of(const struct rb_channel *c)
{
	return rb_word32_load_relaxed(&c->meta->control.stream);
}

TEST(daemon_gets_memory_and_decides_itself)
{
	struct fixture f;

	begin(&f, false);
	cut(&f, RB_FILE_RING);
	ck_assert_int_eq(f.channel.slots[0], 0);
	f.channel.slots[1] = 1;
	ck_assert_int_eq(f.channel.slots[1], 1);
	ck_assert_int_eq(n_handled, 1);
	ck_assert_uint_eq(stream_of(&f.channel), RB_STREAM_OPEN);
	fixture_close(&f);
}

TEST(client_has_a_meta_that_says_broken)
{
	struct fixture f;
	struct rb_channel other;

	begin(&f, true);
	t_ok(rb_channel_attach(&other, f.fds, RB_ROLE_PRODUCER));
	cut(&f, RB_FILE_GATES);
	ck_assert(!rb_channel_is_broken(&other));
	ck_assert_int_eq(
		rb_seq_load_relaxed(&other.gates->consumers[3].sequence), 0);
	ck_assert(rb_channel_is_broken(&other));
	ck_assert_int_eq(n_handled, 1);
	/* To this mapping alone, and with all else that stood there. */
	ck_assert_uint_eq(stream_of(&f.channel), RB_STREAM_OPEN);
	ck_assert_mem_eq(&other.meta->header, &f.channel.meta->header,
			 sizeof(other.meta->header));
	rb_channel_detach(&other);
	fixture_close(&f);
}

/* As who owns a folder can do that is looked at without a daemon. */
TEST(meta_may_be_shortened_too)
{
	struct fixture f;
	struct rb_channel tap;

	begin(&f, true);
	t_ok(rb_channel_attach(&tap, f.fds, RB_ROLE_TAP));
	cut(&f, RB_FILE_META);
	cut(&f, RB_FILE_RING);
	ck_assert_int_eq(tap.slots[0], 0);
	ck_assert(rb_channel_is_broken(&tap));
	ck_assert_int_eq(tap.meta->header.name[0], 0);
	rb_channel_detach(&tap);
	fixture_close(&f);
}

TEST(a_touch_of_meta_alone_breaks_it)
{
	struct fixture f;
	struct rb_channel tap;

	begin(&f, true);
	t_ok(rb_channel_attach(&tap, f.fds, RB_ROLE_TAP));
	cut(&f, RB_FILE_META);
	ck_assert_int_eq(tap.meta->header.name[0], 0);
	ck_assert_int_eq(n_handled, 1);
	ck_assert(rb_channel_is_broken(&tap));
	rb_channel_detach(&tap);
	fixture_close(&f);
}

/* The second look at the slots is as good as the first. */
TEST(mirror_is_guarded_too)
{
	struct fixture f;
	char *end;

	begin(&f, true);
	end = f.channel.slots + 2 * rb_geometry_slots_size(&f.channel.geometry);
	cut(&f, RB_FILE_RING);
	ck_assert_int_eq(end[-1], 0);
	ck_assert_int_eq(n_handled, 1);
	ck_assert_int_eq(f.channel.slots[0], 0);
	ck_assert_int_eq(n_handled, 2);
	fixture_close(&f);
}

/* Mapped again, most likely where it was before, and no longer as a channel. */
static int
touch_after_detach(void *arg)
{
	const struct fixture *f = arg;
	struct rb_segment again = RB_SEGMENT_NULL;
	struct rb_channel c;

	fixture_attach(f, RB_ROLE_TAP, &c);
	rb_channel_detach(&c);
	cut(f, RB_FILE_RING);
	t_ok(rb_segment_map_short(&again, f->fds[RB_FILE_RING], 1 << 18, 0,
				  false));
	return *(char *)again.base;
}

TEST(what_is_no_longer_mapped_is_not_guarded)
{
	struct fixture f;

	begin(&f, true);
	t_join_signal(t_child(touch_after_detach, &f), SIGBUS);
	fixture_close(&f);
}

/* What the parent has mapped is not here, whatever is now where it was. */
static int
touch_where_it_was(void *arg)
{
	const struct fixture *f = arg;
	const struct rb_segment *segments = f->channel.segments;
	int flags = MAP_FIXED_NOREPLACE;
	char *own;

	cut(f, RB_FILE_RING);
	own = mmap(segments[RB_FILE_META].base, segments[RB_FILE_META].mapping,
		   PROT_READ, flags | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_eq(own, segments[RB_FILE_META].base);
	own = mmap(segments[RB_FILE_RING].base, 4096, PROT_READ,
		   flags | MAP_SHARED, f->fds[RB_FILE_RING], 0);
	ck_assert_ptr_eq(own, segments[RB_FILE_RING].base);
	return *own;
}

TEST(what_was_not_inherited_is_not_guarded)
{
	struct fixture f;

	begin(&f, true);
	t_join_signal(t_child(touch_where_it_was, &f), SIGBUS);
	fixture_close(&f);
}

/* ------------------------------------------------------------ come and go */

#define TURNS 2000

static struct fixture shared;

static void *
come_and_go(void *arg)
{
	struct rb_channel all[40];

	(void)arg;
	for (int turn = 0; turn < TURNS / 40; turn++) {
		for (int i = 0; i < 40; i++)
			t_ok(rb_channel_attach(&all[i], shared.fds,
					       RB_ROLE_TAP));
		for (int i = 0; i < 40; i++)
			rb_channel_detach(&all[i]);
	}
	return NULL;
}

/* Each is found among many that change. */
TEST(entries_come_and_go_under_a_reader)
{
	struct fixture f;
	pthread_t threads[2];

	begin(&f, true);
	fixture_open(&shared, SHAPE(.slots = 16));
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go,
						NULL),
				 0);
	for (int i = 0; i < 200; i++) {
		struct rb_channel c;
		off_t size = (off_t)rb_channel_file_size(&f.channel.geometry,
							 RB_FILE_RING);

		t_ok(rb_channel_attach(&c, f.fds, RB_ROLE_TAP));
		cut(&f, RB_FILE_RING);
		ck_assert_int_eq(c.slots[0], 0);
		ck_assert(rb_channel_is_broken(&c));
		rb_channel_detach(&c);
		ck_assert_int_eq(ftruncate(f.fds[RB_FILE_RING], size), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	fixture_close(&shared);
	fixture_close(&f);
}
