/* SPDX-License-Identifier: MIT */
/*
 * fixture.c - see fixture.h
 */
#include "tests/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* In a file system: where nothing is ever opened by its name, as with memfds,
 * inotify may not look. */
static int
open_bell(void)
{
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 1), 0);
	return fd;
}

void
fixture_files(const struct rb_geometry *geometry, int fds[RB_FDS])
{
	for (int i = 0; i < RB_FILES; i++) {
		uint64_t size = rb_channel_file_size(geometry, i);

		fds[i] = memfd_create(rb_file_names[i], MFD_CLOEXEC);
		ck_assert_int_ge(fds[i], 0);
		ck_assert_int_eq(ftruncate(fds[i], (off_t)size), 0);
	}
	fds[RB_FD_BELL] = open_bell();
}

void
fixture_format(struct fixture *f, const struct shape *shape)
{
	struct rb_channel_format format = {
		.name = "test",
		.generation = 7,
		.wait = shape->wait ? shape->wait - 1 : RB_WAIT_BLOCKING,
		.wake = shape->wake,
		.max_producers = RB_PRODUCERS_MAX,
		.max_consumers = RB_CONSUMERS_MAX,
		.clear = shape->clear,
		.strict = shape->strict,
		.type = shape->type,
		.type_version = shape->type_version,
		.fill = (const uint8_t *)shape->fill,
		.fill_size = shape->fill != NULL ? strlen(shape->fill) : 0,
	};
	struct rb_geometry geometry;

	t_ok(rb_wait_register());
	t_ok(rb_geometry_init(&geometry, shape->slots ? shape->slots : 16,
			      shape->slot_size ? shape->slot_size : 32,
			      shape->history, shape->framing,
			      shape->producers));
	t_ok(rb_geometry_set_groups(&geometry, shape->n_groups));
	if (shape->latency)
		t_ok(rb_geometry_set_times(&geometry));
	fixture_files(&geometry, f->fds);
	t_ok(rb_channel_format(&f->channel, f->fds, &geometry, &format));
	f->channel.bell = f->fds[RB_FD_BELL];
	f->pid = getpid();
}

void
fixture_open(struct fixture *f, const struct shape *shape)
{
	fixture_format(f, shape);
	rb_channel_open(&f->channel);
}

void
fixture_close(struct fixture *f)
{
	rb_channel_detach(&f->channel);
	for (int i = 0; i < RB_FDS; i++)
		close(f->fds[i]);
}

void
fixture_declare(struct fixture *f, unsigned index, const char *name,
		const struct rb_consumer_spec *spec)
{
	rb_member_declare(&f->channel, index, name, spec);
}

struct seat
fixture_join_producer(struct fixture *f)
{
	struct rb_identity who = { "producer", (uint32_t)getpid(), 1, 0 };
	int i = rb_member_find_producer(&f->channel);

	t_ok(i);
	return (struct seat){
		.index = (unsigned)i,
		.epoch = rb_member_join_producer(&f->channel, (unsigned)i,
						 &who),
	};
}

struct seat
fixture_join_spec(struct fixture *f, const char *name, int64_t from,
		  const struct rb_consumer_spec *spec)
{
	struct rb_join join = {
		.who = { name, (uint32_t)getpid(), 1, 0 },
		.from = from,
		.spec = spec,
	};
	int i = rb_member_find_consumer(&f->channel, name);
	struct rb_joined joined;

	t_ok(i);
	t_ok(rb_member_join_consumer(&f->channel, (unsigned)i, &join, &joined));
	return (struct seat){ (unsigned)i, joined.epoch, joined.missed };
}

struct seat
fixture_join_consumer(struct fixture *f, const char *name, int64_t from)
{
	return fixture_join_spec(f, name, from, NULL);
}

struct seat
fixture_join_worker(struct fixture *f, const char *group, int64_t from)
{
	struct rb_join join = {
		.who = { group, (uint32_t)getpid(), 1, 0 },
		.from = from,
	};
	int i = rb_member_find_named(&f->channel, group);
	struct rb_joined joined;
	unsigned index;

	t_ok(i);
	t_ok(rb_member_join_worker(&f->channel, (unsigned)i, &join, &index,
				   &joined));
	return (struct seat){ index, joined.epoch, joined.missed };
}

void
fixture_producer(struct fixture *f, struct rb_sequencer *ret)
{
	struct seat seat = fixture_join_producer(f);

	rb_sequencer_init(ret, &f->channel, seat.index, seat.epoch);
}

void
fixture_consumer(struct fixture *f, const char *name, struct rb_barrier *ret)
{
	struct seat seat = fixture_join_consumer(f, name, RB_FROM_NOW);

	rb_barrier_init(ret, &f->channel, seat.index, seat.epoch);
}

void
fixture_attach(const struct fixture *f, enum rb_role role,
	       struct rb_channel *ret)
{
	if (getpid() == f->pid)
		*ret = f->channel;
	else
		t_ok(rb_channel_attach(ret, f->fds, role));
	ret->bell = f->fds[RB_FD_BELL];
}

void
fixture_attach_producer(const struct fixture *f, struct seat seat,
			struct rb_channel *channel, struct rb_sequencer *ret)
{
	fixture_attach(f, RB_ROLE_PRODUCER, channel);
	rb_sequencer_init(ret, channel, seat.index, seat.epoch);
}

void
fixture_attach_consumer(const struct fixture *f, struct seat seat,
			struct rb_channel *channel, struct rb_barrier *ret)
{
	fixture_attach(f, RB_ROLE_CONSUMER, channel);
	rb_barrier_init(ret, channel, seat.index, seat.epoch);
}

int
fixture_repair(struct fixture *f, unsigned index, struct rb_repair *report)
{
	rb_member_set_dying(&f->channel, index);
	return rb_repair_producer(&f->channel, index, report);
}

void
fixture_bury(struct fixture *f, unsigned index, struct rb_repair *report)
{
	t_until(fixture_repair(f, index, report) == 0);
	rb_member_leave_producer(&f->channel, index);
}

void *
fixture_share(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

/* ---------------------------------------------------------------- payload */

/* splitmix64: every bit of the seed tells in every byte. */
static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* Whole words and then bytes, each by an access of its own that tsan sees. */
void
fill(void *data, uint64_t size, uint64_t seed)
{
	char *at = data;
	uint64_t word;

	for (; size >= sizeof(word); size -= sizeof(word)) {
		word = mix(seed++);
		memcpy(at, &word, sizeof(word));
		at += sizeof(word);
	}
	for (word = mix(seed); size > 0; size--, word >>= 8)
		*at++ = (char)word;
}

bool
is_filled(const void *data, uint64_t size, uint64_t seed)
{
	const char *at = data;
	uint64_t word, found;

	for (; size >= sizeof(word); size -= sizeof(word)) {
		word = mix(seed++);
		memcpy(&found, at, sizeof(found));
		if (found != word)
			return false;
		at += sizeof(word);
	}
	for (word = mix(seed); size > 0; size--, word >>= 8)
		if (*at++ != (char)word)
			return false;
	return true;
}

void
fill_slots(struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	uint64_t size = s->channel->geometry.event_size;

	for (int64_t i = lo; i <= hi; i++)
		fill(rb_channel_slot(s->channel, i), size, (uint64_t)i);
}

int64_t
put(struct rb_sequencer *s, int64_t n, int64_t timeout_ns)
{
	int64_t hi = rb_sequencer_claim(s, n, timeout_ns);
	int err;

	if (hi < 0)
		return hi;
	fill_slots(s, hi - n + 1, hi);
	err = rb_sequencer_publish(s, hi - n + 1, hi);
	return err < 0 ? err : hi;
}

int64_t
claim_frame(struct rb_sequencer *s, uint32_t size, int64_t timeout_ns)
{
	int64_t n = rb_geometry_frame_slots(&s->channel->geometry, size);
	int64_t hi = rb_sequencer_claim(s, n, timeout_ns);
	struct rb_frame *frame;

	if (hi < 0)
		return hi;
	frame = rb_channel_slot(s->channel, hi - n + 1);
	rb_word32_store_relaxed(&frame->size, size);
	fill(frame + 1, size, (uint64_t)(hi - n + 1));
	return hi - n + 1;
}

int64_t
put_frame(struct rb_sequencer *s, uint32_t size, int64_t timeout_ns)
{
	int64_t n = rb_geometry_frame_slots(&s->channel->geometry, size);
	int64_t lo = claim_frame(s, size, timeout_ns);
	int err;

	if (lo < 0)
		return lo;
	err = rb_sequencer_publish(s, lo, lo + n - 1);
	return err < 0 ? err : lo;
}

int64_t
take(struct rb_barrier *b, int64_t hi)
{
	int64_t n = 0;

	while (b->committed < hi) {
		struct rb_event_view view;
		int64_t next = b->committed + 1;
		int64_t available = rb_barrier_wait(b, next, -1);

		t_ok(available);
		while (next <= available && next <= hi) {
			int kind = rb_event_at(b->channel, next, available,
					       &view);

			t_ok(kind);
			if (kind == 0)
				ck_assert(is_filled(view.data, view.size,
						    (uint64_t)next));
			n += kind == 0;
			next = view.last + 1;
		}
		t_ok(rb_barrier_commit(b, next - 1));
	}
	return n;
}

bool
is_readable(const struct rb_channel *channel, int64_t sequence)
{
	return rb_published_from(channel, sequence) >= sequence;
}

/* --------------------------------------------------------- the other side */

static void *
run_thread(void *arg)
{
	struct task *task = arg;

	task->result = task->fn(task->arg);
	return NULL;
}

void
task_start(struct task *task, enum side side, int (*fn)(void *), void *arg)
{
	*task = (struct task){ .side = side, .fn = fn, .arg = arg };
	if (side == FORKED)
		task->pid = t_child(fn, arg);
	else
		ck_assert_int_eq(pthread_create(&task->thread, NULL, run_thread,
						task),
				 0);
}

void
task_join(struct task *task)
{
	if (task->side == FORKED) {
		t_join(task->pid);
		return;
	}
	ck_assert_int_eq(pthread_join(task->thread, NULL), 0);
	ck_assert_int_eq(task->result, 0);
}
