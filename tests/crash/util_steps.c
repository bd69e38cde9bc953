/* SPDX-License-Identifier: MIT */
/*
 * util_steps.c - see util_steps.h
 */
#include "tests/crash/util_steps.h"

#include <sys/mman.h>

#include "tests/trace.h"

/* What the memory was after the last store. */
struct picture {
	char *parts[RB_FILES];
};

static uint64_t
size_of(const struct fixture *f, int file)
{
	return rb_channel_file_size(&f->channel.geometry, file);
}

static void *
part_of(const struct fixture *f, int file)
{
	return f->channel.segments[file].base;
}

static void
take_picture(struct picture *p, const struct fixture *f)
{
	for (int i = 0; i < RB_FILES; i++)
		memcpy(p->parts[i], part_of(f, i), size_of(f, i));
}

static void
init_picture(struct picture *p, const struct fixture *f)
{
	for (int i = 0; i < RB_FILES; i++)
		p->parts[i] = fixture_share(size_of(f, i));
	take_picture(p, f);
}

static void
deinit_picture(struct picture *p, const struct fixture *f)
{
	for (int i = 0; i < RB_FILES; i++)
		munmap(p->parts[i], size_of(f, i));
}

static bool
is_same(const struct picture *p, const struct fixture *f)
{
	for (int i = 0; i < RB_FILES; i++)
		if (memcmp(p->parts[i], part_of(f, i), size_of(f, i)) != 0)
			return false;
	return true;
}

static void
restore(const struct picture *p, struct fixture *f)
{
	for (int i = 0; i < RB_FILES; i++)
		memcpy(part_of(f, i), p->parts[i], size_of(f, i));
}

struct daemon {
	const struct fixture *f;
	void (*change)(struct rb_channel *channel);
};

static int
play(void *arg)
{
	const struct daemon *d = arg;
	struct rb_channel channel;

	t_ok(rb_channel_attach(&channel, d->f->fds, RB_ROLE_DAEMON));
	channel.bell = d->f->fds[RB_FD_BELL];
	trace_mark();
	d->change(&channel);
	trace_mark();
	return 0;
}

static pid_t
begin(struct daemon *d)
{
	pid_t pid = trace_child(play, d);

	trace_to(pid, trace_mark);
	trace_step(pid);
	return pid;
}

/* Up to the next store; false at the end of the change. */
static bool
step_on(pid_t pid, const struct fixture *f, struct picture *last)
{
	while (!trace_is_at(pid, trace_mark)) {
		trace_step(pid);
		if (is_same(last, f))
			continue;
		take_picture(last, f);
		return true;
	}
	return false;
}

unsigned
steps_die_everywhere(const struct steps *steps)
{
	struct daemon d = { steps->f, steps->change };
	struct picture last;
	unsigned n = 0;
	pid_t pid;

	init_picture(&last, steps->f);
	fixture_format(steps->twin, steps->shape);
	pid = begin(&d);
	do { /* the first time before any store */
		restore(&last, steps->twin);
		steps->next();
		n++;
	} while (step_on(pid, steps->f, &last));
	trace_release(pid);
	t_join(pid);
	deinit_picture(&last, steps->f);
	fixture_close(steps->twin);
	fixture_close(steps->f);
	return n - 1;
}

bool
steps_die_at(struct fixture *f, void (*change)(struct rb_channel *), unsigned n)
{
	struct daemon d = { f, change };
	struct picture last;
	pid_t pid = begin(&d);
	bool more = true;

	init_picture(&last, f);
	while (more && n-- > 0)
		more = step_on(pid, f, &last);
	if (more) {
		t_kill(pid);
	} else {
		trace_release(pid);
		t_join(pid);
	}
	deinit_picture(&last, f);
	return more;
}
