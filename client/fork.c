/* SPDX-License-Identifier: MIT */
/*
 * fork.c - what a forked child finds in the place of its parent's handles
 *
 * No mapping of ours crosses fork(), or a child could write on where the daemon
 * has mended after its parent's death. So that a child which uses a handle all
 * the same is told so, instead of being killed by a fault, it gets memory of its
 * own in their place, and its copies of the handles are left in a state from
 * which every call comes to where it would wait, or refuse: there -ECHILD is
 * found. That costs the calls of everybody else nothing.
 *
 * Children that no handler of fork() runs in (vfork(), clone()) fault.
 */
#include <pthread.h>

#include "client/consumer.h"
#include "client/internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ringbus *buses;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Nobody may be in the middle of a list of ours when it is copied. */
static void
prepare(void)
{
	pthread_mutex_lock(&lock);
	for (struct ringbus *bus = buses; bus != NULL; bus = bus->next)
		pthread_mutex_lock(&bus->lock);
}

static void
go_on_in_parent(void)
{
	for (struct ringbus *bus = buses; bus != NULL; bus = bus->next)
		pthread_mutex_unlock(&bus->lock);
	pthread_mutex_unlock(&lock);
}

static void
disinherit(struct rb_attachment *a)
{
	rb_channel_disinherit(&a->channel.shm);
	if (a->role == RB_ROLE_PRODUCER)
		rb_sequencer_disinherit(&rb_producer_of(a)->sequencer);
	if (a->role == RB_ROLE_CONSUMER || a->is_replay)
		rb_consumer_disinherit(rb_consumer_of(a));
}

/* The thread that has forked is the one that is here, and has the locks. */
static void
go_on_in_child(void)
{
	for (struct ringbus *bus = buses; bus != NULL; bus = bus->next) {
		pthread_mutex_unlock(&bus->lock);
		bus->pid = 0; /* ours may be the same, in another namespace */
		for (struct rb_attachment *a = bus->attachments; a != NULL;
		     a = a->next)
			disinherit(a);
	}
	pthread_mutex_unlock(&lock);
}

static void
set_up(void)
{
	/* Without memory for it a child faults, no more. */
	pthread_atfork(prepare, go_on_in_parent, go_on_in_child);
}

void
rb_fork_enter(struct ringbus *bus)
{
	pthread_once(&once, set_up);
	pthread_mutex_lock(&lock);
	bus->next = buses;
	buses = bus;
	pthread_mutex_unlock(&lock);
}

void
rb_fork_leave(struct ringbus *bus)
{
	struct ringbus **at = &buses;

	pthread_mutex_lock(&lock);
	while (*at != bus)
		at = &(*at)->next;
	*at = bus->next;
	pthread_mutex_unlock(&lock);
}
