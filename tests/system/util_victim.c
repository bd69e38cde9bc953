/* SPDX-License-Identifier: MIT */
/*
 * util_victim.c - see util_victim.h
 */
#include "tests/system/util_victim.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sigbus.h"

#define VALUE UINT64_C(0x0123456789abcdef)
#define BATCH 32

/* ------------------------------------------------------------ what they do */

static void
move(struct t_victim *v)
{
	t_store(v->moves, t_read(v->moves) + 1);
}

int
t_victim_publish(struct t_victim *v, struct ringbus *bus)
{
	struct ringbus_producer *p = t_produce(bus, NULL);
	uint64_t event[8] = { VALUE };
	int64_t r;

	move(v);
	while ((r = ringbus_producer_write(p, event, sizeof(event),
					   RINGBUS_FOREVER)) >= 0)
		move(v);
	return (int)r;
}

int
t_victim_publish_batches(struct t_victim *v, struct ringbus *bus)
{
	struct ringbus_producer *p = t_produce(bus, NULL);
	int64_t hi, r = 0;

	move(v);
	while (r >= 0) {
		hi = r = ringbus_producer_claim(p, BATCH, RINGBUS_FOREVER);
		for (int64_t i = hi - BATCH + 1; r >= 0 && i <= hi; i++)
			memcpy(ringbus_producer_slot(p, i),
			       &(uint64_t){ VALUE }, sizeof(uint64_t));
		if (r >= 0)
			r = ringbus_producer_publish(p, hi - BATCH + 1, hi);
		move(v);
	}
	return (int)r;
}

/* Reads on and commits; what was committed has to have been events. */
static int
consume(struct t_victim *v, struct ringbus_consumer *c)
{
	struct ringbus_event event;
	bool good = true;
	int64_t r;

	move(v);
	while ((r = ringbus_consumer_wait(c, RINGBUS_FOREVER)) >= 0) {
		while ((r = ringbus_consumer_next(c, &event)) > 0)
			good &= t_value(&event) == VALUE;
		if (r == 0)
			r = ringbus_consumer_commit(c);
		if (r < 0)
			break;
		if (!good && t_read(v->blurs) == 0)
			ck_abort_msg("committed what is no event");
		move(v);
	}
	return (int)r;
}

int
t_victim_consume(struct t_victim *v, struct ringbus *bus)
{
	return consume(v, t_consume_as(bus, NULL, RINGBUS_FROM_NOW));
}

static bool
is_good(const struct ringbus_span *span)
{
	const char *slot = span->slots;
	bool good = true;

	for (int64_t i = span->first; i <= span->last; i++) {
		good &= *(const uint64_t *)(const void *)slot == VALUE;
		slot += span->slot_size;
	}
	return good;
}

/* As a journal does: runs of slots, commits by sequence, and tells of itself. */
int
t_victim_span(struct t_victim *v, struct ringbus *bus)
{
	struct ringbus_consumer *c = t_consume_as(bus, NULL, RINGBUS_FROM_NOW);
	struct ringbus_span span = { .size = sizeof(span) };
	struct ringbus_io io = { .size = sizeof(io) };
	bool good = true;
	int64_t r;

	move(v);
	while ((r = ringbus_consumer_wait(c, RINGBUS_FOREVER)) >= 0) {
		while ((r = ringbus_consumer_span(c, BATCH, &span)) > 0)
			good &= is_good(&span);
		if (r == 0)
			r = ringbus_consumer_io(c, &io);
		if (r == 0)
			r = ringbus_consumer_commit_through(c, span.last);
		if (r < 0)
			break;
		if (!good && t_read(v->blurs) == 0)
			ck_abort_msg("committed what is no event");
		io.batches++;
		move(v);
	}
	return (int)r;
}

int
t_victim_lag(struct t_victim *v, struct ringbus *bus)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.slow = RINGBUS_SLOW_LOSSY;
	return consume(v, t_consume(bus, &o));
}

int
t_victim_work(struct t_victim *v, struct ringbus *bus)
{
	return consume(v, t_consume_as(bus, "team", RINGBUS_FROM_NOW));
}

static int
on_event(void *context, const struct ringbus_event *event, int is_last)
{
	(void)event;
	(void)is_last;
	move(context);
	return 0;
}

int
t_victim_run(struct t_victim *v, struct ringbus *bus)
{
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;
	struct ringbus_consumer *c = t_consume(bus, NULL);

	move(v);
	h.context = v;
	h.on_event = on_event;
	return ringbus_consumer_run(c, &h);
}

int
t_victim_poll(struct t_victim *v, struct ringbus *bus)
{
	struct ringbus_consumer *c = t_consume(bus, NULL);
	int r;

	move(v);
	do
		r = ringbus_consumer_poll(c, 100, on_event, v);
	while (r >= 0);
	return r;
}

int
t_victim_tap(struct t_victim *v, struct ringbus *bus)
{
	struct ringbus_tap *tap = t_tap(bus, RINGBUS_FROM_NOW);
	uint64_t event[8];
	size_t size;
	int64_t r;

	move(v);
	while ((r = ringbus_tap_read(tap, event, sizeof(event), &size,
				     RINGBUS_FOREVER)) >= 0) {
		if (event[0] != VALUE && t_read(v->blurs) == 0)
			ck_abort_msg("read what is no event");
		move(v);
	}
	return (int)r;
}

int
t_victim_drain(struct t_victim *v, struct ringbus *bus)
{
	struct ringbus_producer *p = t_produce(bus, NULL);
	uint64_t event[8] = { VALUE };
	int64_t r;

	move(v);
	r = ringbus_producer_write(p, event, sizeof(event), RINGBUS_FOREVER);
	return r < 0 ? (int)r : ringbus_producer_drain(p, RINGBUS_FOREVER);
}

int
t_victim_sleep_by_fd(struct t_victim *v, struct ringbus *bus)
{
	struct ringbus_consumer *c = t_consume(bus, NULL);
	struct pollfd fd = { .events = POLLIN };
	struct ringbus_event event;
	int r = 0;

	fd.fd = ringbus_consumer_fd(c);
	t_ok(fd.fd);
	while (r >= 0) {
		r = (int)ringbus_consumer_wait(c, RINGBUS_NOW);
		while (r >= 0 && ringbus_consumer_next(c, &event) > 0)
			;
		if (r >= 0)
			r = ringbus_consumer_commit(c);
		if (r >= 0 || r == -EAGAIN)
			r = ringbus_consumer_arm(c);
		move(v);
		if (r == 0)
			ck_assert_int_ge(poll(&fd, 1, -1), 0);
	}
	return r;
}

/* ------------------------------------------------------------ their processes */

struct start {
	struct t_victim *victim;
	t_victim_fn act;
};

static int
live(void *arg)
{
	struct start *start = arg;
	struct ringbus *bus = t_connect(start->victim->daemon);
	int err = start->act(start->victim, bus);

	t_store(start->victim->error, (uint64_t)-err);
	if (err != -EBADMSG)
		ck_abort_msg("not -EBADMSG but %d: %s", err,
			     ringbus_strerror(err));
	ringbus_close(bus);
	return 0;
}

void
t_victims_add(struct t_victims *v, t_victim_fn act)
{
	struct t_victim *victim = &v->all[v->n];
	struct start start = { victim, act };

	ck_assert_uint_lt(v->n, T_VICTIMS_MAX);
	*victim = (struct t_victim){ .daemon = &v->d,
				     .moves = t_counter(),
				     .error = t_counter(),
				     .blurs = v->blurs };
	v->pids[v->n++] = t_child(live, &start);
}

/* Both sides of "b". */
static int
stand_by(void *arg)
{
	const struct t_victims *v = arg;
	struct ringbus *bus = t_connect(&v->d);
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus_event event;

	t_bus_ok(bus, ringbus_consumer_open(bus, "b", NULL, &c));
	t_bus_ok(bus, ringbus_producer_open(bus, "b", NULL, &p));
	for (uint64_t i = 1; t_read(v->stop) == 0; i++) {
		uint64_t bytes[8] = { i, ~i };

		t_ok(ringbus_producer_write(p, bytes, sizeof(bytes), T_LONG));
		t_ok(ringbus_consumer_wait(c, T_LONG));
		ck_assert_int_eq(ringbus_consumer_next(c, &event), 1);
		if (memcmp(event.data, bytes, sizeof(bytes)) != 0)
			ck_abort_msg("b: event %llu is another",
				     (unsigned long long)i);
		t_ok(ringbus_consumer_commit(c));
		t_store(v->passed, i);
	}
	ringbus_close(bus);
	return 0;
}

/* ---------------------------------------------------------------- the attack */

static void
let_attacker_in(struct t_victims *v)
{
	struct rb_control p = t_attach_message("a", RB_ROLE_PRODUCER, "evil");
	struct rb_control c = t_attach_message("a", RB_ROLE_CONSUMER, "eve");
	int of_p[RB_FDS], of_c[RB_FDS];

	c.slow = strstr(v->keys, "blocking") != NULL ? RB_SLOW_GATE
						     : RB_SLOW_LOSSY;
	c.is_slow_set = 1;
	t_ok(t_peer_ask(v->peer, &p, of_p));
	t_ok(t_peer_ask(v->peer, &c, of_c));
	v->producer = p;
	v->consumer = c;
	v->fds[RB_FILE_RING] = of_p[RB_FILE_RING];
	v->fds[RB_FILE_GATES] = of_c[RB_FILE_GATES];
	close(of_c[RB_FILE_RING]);
	close(of_p[RB_FILE_GATES]);
	close(of_p[RB_FILE_META]);
	close(of_c[RB_FILE_META]);
	close(of_p[RB_FD_BELL]);
	close(of_c[RB_FD_BELL]);
}

void
t_victims_begin(struct t_victims *v, const char *keys)
{
	char yaml[1024];

	*v = (struct t_victims){ .peer = -1 };
	snprintf(v->keys, sizeof(v->keys), "%s", keys);
	snprintf(yaml, sizeof(yaml),
		 "daemon: { drain: 1ms }\nchannels:\n  a: { %s }\n"
		 "  b: { slots: 64, event_size: 64 }\n",
		 keys);
	t_daemon_start(&v->d, yaml);
	v->passed = t_counter();
	v->stop = t_counter();
	v->blurs = t_counter();
	v->peer = t_peer_greet(&v->d);
	let_attacker_in(v);
	v->bystander = t_child(stand_by, v);
	t_until(t_read(v->passed) > 0);
}

void
t_victims_await(struct t_victims *v, uint64_t n)
{
	for (unsigned i = 0; i < v->n; i++)
		t_until(t_read(v->all[i].moves) >= n);
}

void
t_victims_await_sleep(struct t_victims *v)
{
	for (unsigned i = 0; i < v->n; i++)
		t_until(t_is_asleep(v->pids[i]));
}

off_t
t_victims_size(const struct t_victims *v, enum rb_file file)
{
	struct stat st;

	ck_assert_int_eq(fstat(v->fds[file], &st), 0);
	return st.st_size;
}

void
t_victims_cut(struct t_victims *v, enum rb_file file, off_t size)
{
	t_store(v->blurs, size % sysconf(_SC_PAGESIZE) != 0);
	ck_assert_int_eq(ftruncate(v->fds[file], size), 0);
}

static bool
is_there(const struct t_victims *v)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_TAP, NULL);

	return t_peer_ask(v->peer, &attach, NULL) == 0;
}

void
t_victims_end(struct t_victims *v)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_TAP, NULL);
	struct rb_control creation = t_message(RB_CONTROL_CREATE, "a");
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "a");
	uint64_t passed = t_read(v->passed);
	int peer = t_peer_greet(&v->d);

	while (v->n > 0)
		t_join(v->pids[--v->n]);
	t_until(!is_there(v));
	ck_assert(t_daemon_said(&v->d, "channel a: a client has truncated"));
	t_until(t_read(v->passed) > passed);
	ck_assert_int_eq(t_peer_refuses(peer, &attach, "has truncated"),
			 -EBADMSG);
	ck_assert_int_eq(t_peer_refuses(peer, &end, "then reload"), -EBADMSG);
	creation.slots = 64;
	creation.slot_size = 8;
	ck_assert_int_lt(t_peer_ask(peer, &creation, NULL), 0);
	close(peer);
}

void
t_victims_renew(struct t_victims *v)
{
	t_ok(t_peer_detach(v->peer, &v->producer));
	t_ok(t_peer_detach(v->peer, &v->consumer));
	close(v->fds[RB_FILE_RING]);
	close(v->fds[RB_FILE_GATES]);
	ck_assert_int_eq(kill(v->d.pid, SIGHUP), 0);
	t_until(is_there(v));
	let_attacker_in(v);
}

void
t_victims_finish(struct t_victims *v)
{
	t_store(v->stop, 1);
	t_join(v->bystander);
	close(v->fds[RB_FILE_RING]);
	close(v->fds[RB_FILE_GATES]);
	close(v->peer);
	t_daemon_stop(&v->d);
}
