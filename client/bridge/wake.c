/* SPDX-License-Identifier: MIT */
/*
 * wake.c - see wake.h
 *
 * No signal handler: a thread of its own takes the signals, so that whoever rings is a
 * thread and may hold the lock.
 */
#include "client/bridge/wake.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC INT64_C(1000000000)
#define PAUSE_FIRST_NS INT64_C(20000000)
#define PAUSE_MAX_NS NSEC

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ringbus_consumer *consumer;
static struct ringbus_producer *producer;
static int bell = -1; /* rung, and not yet heard */
static int stop = -1; /* never read, so it stays */

static void
put(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

void
wake_ring(void)
{
	pthread_mutex_lock(&lock);
	put(bell);
	if (consumer != NULL)
		ringbus_consumer_halt(consumer);
	if (producer != NULL)
		ringbus_producer_cancel(producer);
	pthread_mutex_unlock(&lock);
}

static void *
take_signals(void *arg)
{
	const sigset_t *signals = arg;
	int signo;

	while (sigwait(signals, &signo) == 0) {
		put(stop);
		wake_ring();
	}
	return NULL;
}

int
wake_init(void)
{
	static sigset_t signals;
	pthread_t thread;
	int err;

	bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (bell < 0 || stop < 0)
		return -errno;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	err = pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (err == 0)
		err = pthread_create(&thread, NULL, take_signals, &signals);
	if (err == 0)
		err = pthread_detach(thread);
	return -err;
}

bool
wake_is_stopped(void)
{
	struct pollfd fd = { .fd = stop, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void
watch(struct ringbus_consumer *c, struct ringbus_producer *p)
{
	pthread_mutex_lock(&lock);
	consumer = c;
	producer = p;
	pthread_mutex_unlock(&lock);
}

void
wake_watch_consumer(struct ringbus_consumer *c)
{
	watch(c, NULL);
}

void
wake_watch_producer(struct ringbus_producer *p)
{
	watch(NULL, p);
}

void
wake_sleep(int64_t timeout_ns)
{
	struct pollfd fd = { .fd = bell, .events = POLLIN };
	struct timespec timeout = { timeout_ns / NSEC, timeout_ns % NSEC };
	uint64_t n;

	if (ppoll(&fd, 1, &timeout, NULL) > 0)
		(void)!read(bell, &n, sizeof(n));
}

void
wake_pause(int64_t *pause_ns)
{
	if (*pause_ns > 0)
		wake_sleep(*pause_ns);
	*pause_ns = *pause_ns == 0 ? PAUSE_FIRST_NS : 2 * *pause_ns;
	if (*pause_ns > PAUSE_MAX_NS)
		*pause_ns = PAUSE_MAX_NS;
}

int64_t
wake_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC + t.tv_nsec;
}
