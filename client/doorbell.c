/* SPDX-License-Identifier: MIT */
/*
 * doorbell.c - a descriptor that says when to poll, for event loops
 *
 * The channel's bell is a file that wakers read when somebody waits by
 * descriptor; see shm/bell.h. Ours is an inotify instance that watches it, and
 * as silent as the bell. A ring is for everybody who is armed, so that one for
 * nothing is possible, and harmless.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/replay.h"
#include "shm/bell.h"

/* A watch on what our descriptor is open on, whatever its name is by now. */
static int
watch(int fd, int bell)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", bell);
	if (inotify_add_watch(fd, path, IN_ACCESS) >= 0)
		return 0;
	if (errno == ENOSPC) /* too many watches of this user */
		return -EMFILE;
	return errno == ENOMEM ? -ENOMEM : -EOPNOTSUPP;
}

static int
make(int bell, bool fences)
{
	rb_cleanup_(rb_closep) int fd = -1;
	int err;

	/* Who may not issue a membarrier, where publishers rely on it, could miss
	 * a ring; a descriptor has no bounded sleep. */
	if (bell < 0 || (!fences && rb_membarrier() < 0))
		return -EOPNOTSUPP;
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0)
		return errno == ENOSYS ? -EOPNOTSUPP : -errno;
	err = watch(fd, bell);
	return err < 0 ? err : rb_take_fd(&fd);
}

static int
fd_of(const struct ringbus_consumer *c)
{
	/* ORDER(none, relaxed) - another thread may only find it in time, or
	 * not: who has no descriptor yet, does not wait for it. */
	return (int)rb_word32_load_relaxed(&c->fd) - 1;
}

int
ringbus_consumer_fd(struct ringbus_consumer *consumer)
{
	const struct rb_channel *c = &consumer->attachment.channel.shm;
	int fd = fd_of(consumer);

	if (c->disinherited) /* what we drain, our parent would not hear */
		return -ECHILD;
	if (fd >= 0)
		return fd;
	fd = make(c->bell, c->fence);
	if (fd >= 0)
		/* ORDER(none, relaxed) - as in fd_of(). */
		rb_word32_store_relaxed(&consumer->fd, (uint32_t)fd + 1);
	return fd;
}

/* Forgets rings that came before. Not by read(), which is a point where a thread
 * may be cancelled. */
static void
drain(int fd)
{
	char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];

	while (syscall(SYS_read, fd, events, sizeof(events)) > 0)
		;
}

static int
arm(struct ringbus_consumer *c)
{
	if (c->reader == RB_READER_WORKER)
		return c->holding.has_hand ? 1 : rb_worker_arm(&c->worker);
	if (c->reader == RB_READER_REPLAY)
		return rb_replay_arm(c);
	return rb_barrier_arm(&c->barrier, c->next);
}

int
ringbus_consumer_arm(struct ringbus_consumer *consumer)
{
	int fd = ringbus_consumer_fd(consumer);
	int ready;

	if (fd < 0)
		return fd;
	drain(fd);
	ready = arm(consumer);
	consumer->is_armed = true;
	if (ready != 0)
		rb_doorbell_disarm(consumer);
	return ready == -ESHUTDOWN ? 1 : ready; /* a poll tells the end */
}

void
rb_doorbell_disarm(struct ringbus_consumer *consumer)
{
	if (rb_likely(!consumer->is_armed))
		return;
	if (consumer->reader != RB_READER_REPLAY)
		rb_barrier_disarm(&consumer->barrier);
	consumer->is_armed = false;
}

void
rb_doorbell_ring(struct ringbus_consumer *consumer)
{
	int was = errno; /* of whom a signal handler has interrupted */

	if (fd_of(consumer) < 0)
		return;
	/* A failure would be seen as the bounded sleep is: too late. */
	rb_bell_strike(&consumer->attachment.channel.shm);
	errno = was;
}

void
rb_doorbell_close(struct ringbus_consumer *consumer)
{
	int fd = fd_of(consumer);

	if (fd < 0)
		return;
	rb_doorbell_disarm(consumer);
	rb_closep(&fd);
}
