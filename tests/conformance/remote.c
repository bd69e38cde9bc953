/* SPDX-License-Identifier: MIT */
/*
 * remote.c - see remote.h
 */
#include "tests/conformance/remote.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fixture.h"

#define N_LANES 2

/* A request, and the answer to it. */
struct message {
	t_remote_fn fn; /* NULL: that was all */
	int64_t result;
	_Alignas(16) char arg[T_REMOTE_ARG];
};

/* One thread of the child, and whom it serves. */
struct lane {
	struct t_place *place;
	int fd;
	struct rb_word64 *stage; /* of the main thread's call */
	bool is_second;
};

/* ---------------------------------------------------------- the child */

/* The second thread sees what the main one has done before. */
static void
advance(struct lane *lane)
{
	uint64_t stage = t_read(lane->stage);

	if (!lane->is_second)
		t_store(lane->stage, stage + 1);
}

static void
serve(struct lane *lane)
{
	struct message m;

	while (recv(lane->fd, &m, sizeof(m), 0) == sizeof(m) && m.fn != NULL) {
		advance(lane);
		m.result = m.fn(lane->place, m.arg);
		advance(lane);
		if (send(lane->fd, &m, sizeof(m), MSG_NOSIGNAL) != sizeof(m))
			return;
	}
}

static void *
serve_second(void *arg)
{
	serve(arg);
	return NULL;
}

struct birth {
	const struct t_daemon *daemon;
	struct rb_word64 *stage;
	int fds[N_LANES];
};

static int
live(void *arg)
{
	const struct birth *birth = arg;
	struct t_place place = { .bus = t_connect(birth->daemon) };
	struct lane first = { &place, birth->fds[0], birth->stage, false };
	struct lane second = { &place, birth->fds[1], birth->stage, true };
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, serve_second, &second),
			 0);
	serve(&first);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ringbus_close(place.bus);
	return 0;
}

/* ----------------------------------------------------------- the test */

void
t_remote_start(struct t_remote *r, const struct t_daemon *daemon)
{
	struct birth birth = { .daemon = daemon, .stage = t_counter() };

	*r = (struct t_remote){ .stage = birth.stage };
	for (int i = 0; i < N_LANES; i++) {
		int pair[2];

		ck_assert_int_eq(socketpair(AF_UNIX,
					    SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
					    pair),
				 0);
		r->fds[i] = pair[0];
		birth.fds[i] = pair[1];
	}
	r->pid = t_child(live, &birth);
	for (int i = 0; i < N_LANES; i++)
		close(birth.fds[i]);
}

static void
hang_up(struct t_remote *r)
{
	for (int i = 0; i < N_LANES; i++)
		close(r->fds[i]);
}

static void
ask(struct t_remote *r, int lane, t_remote_fn fn, const void *arg,
    size_t arg_size)
{
	struct message m = { .fn = fn };

	ck_assert_uint_le(arg_size, sizeof(m.arg));
	if (arg_size > 0)
		memcpy(m.arg, arg, arg_size);
	ck_assert_int_eq(send(r->fds[lane], &m, sizeof(m), MSG_NOSIGNAL),
			 sizeof(m));
}

static int64_t
hear(struct t_remote *r, int lane, void *arg, size_t arg_size)
{
	struct message m;
	char why[128];

	if (recv(r->fds[lane], &m, sizeof(m), 0) != sizeof(m)) {
		t_ended(r->pid, 0, why, sizeof(why));
		ck_abort_msg("the other process %s inside a call", why);
	}
	if (arg_size > 0)
		memcpy(arg, m.arg, arg_size);
	return m.result;
}

void
t_remote_end(struct t_remote *r)
{
	ck_assert(!r->is_begun);
	for (int i = 0; i < N_LANES; i++)
		ask(r, i, NULL, NULL, 0);
	t_join(r->pid);
	hang_up(r);
}

void
t_remote_kill(struct t_remote *r)
{
	t_kill(r->pid);
	hang_up(r);
}

void
t_remote_begin(struct t_remote *r, t_remote_fn fn, void *arg, size_t arg_size)
{
	ck_assert(!r->is_begun);
	r->is_begun = true;
	r->arg = arg;
	r->arg_size = arg_size;
	t_store(r->stage, 0);
	ask(r, 0, fn, arg, arg_size);
}

int64_t
t_remote_collect(struct t_remote *r)
{
	ck_assert(r->is_begun);
	r->is_begun = false;
	return hear(r, 0, r->arg, r->arg_size);
}

int64_t
t_remote_call(struct t_remote *r, t_remote_fn fn, void *arg, size_t arg_size)
{
	t_remote_begin(r, fn, arg, arg_size);
	return t_remote_collect(r);
}

int64_t
t_remote_meanwhile(struct t_remote *r, t_remote_fn fn, void *arg,
		   size_t arg_size)
{
	ask(r, 1, fn, arg, arg_size);
	return hear(r, 1, arg, arg_size);
}

bool
t_remote_is_inside(const struct t_remote *r)
{
	return t_read(r->stage) == 1;
}

/* Between two calls it sleeps too, waiting for a request. */
bool
t_remote_sleeps(const struct t_remote *r)
{
	return t_remote_is_inside(r) && t_is_asleep(r->pid) &&
	       t_remote_is_inside(r);
}

bool
t_remote_is_done(const struct t_remote *r)
{
	return t_read(r->stage) == 2;
}

/* ------------------------------------------------------------- a pair */

void
t_pair_begin_with(struct t_pair *x, enum rb_producers kind, const char *keys)
{
	t_bus_begin(&x->b, "producers: %s, %s", t_kind(kind), keys);
	x->channel = ringbus_tap_channel(t_tap(x->b.bus, RINGBUS_FROM_NOW));
	t_remote_start(&x->p, &x->b.daemon);
	t_remote_produce(&x->p, NULL);
	t_pair_consumer(x, &x->c, "c");
}

void
t_pair_begin(struct t_pair *x, enum rb_producers kind)
{
	t_pair_begin_with(x, kind, "slots: 16, event_size: 8");
}

void
t_pair_consumer(struct t_pair *x, struct t_remote *ret, const char *name)
{
	t_remote_start(ret, &x->b.daemon);
	t_remote_join(ret, name, RINGBUS_FROM_NOW);
}

void
t_pair_end(struct t_pair *x)
{
	t_remote_end(&x->p);
	t_remote_end(&x->c);
	t_bus_end(&x->b);
}
