/* SPDX-License-Identifier: MIT */
/*
 * test_worker.c - consumers that share a group's events: who gets what, and what
 * becomes of an event whose worker fails, leaves or is killed
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_record.h"

#define GROUP                                                                  \
	"slots: 64, event_size: 8, producers: %s,"                             \
	" consumers: { g: { group: true } }"

struct scene {
	struct t_bus b;
	struct ringbus_producer *p;
	struct ringbus_consumer *w; /* two workers of this process */
	struct ringbus_consumer *v;
	struct t_record r;
	struct ringbus_handlers h;
};

static struct ringbus_consumer *
join(const struct scene *s)
{
	return t_consume_as(s->b.bus, "g", RINGBUS_FROM_NOW);
}

static void
begin(struct scene *s, enum rb_producers kind)
{
	t_bus_begin(&s->b, GROUP, t_kind(kind));
	s->w = join(s);
	s->v = join(s);
	s->p = t_produce(s->b.bus, NULL);
	s->r = (struct t_record){ 0 };
	s->h = t_all_handlers(&s->r);
}

static struct ringbus_member
group(const struct scene *s)
{
	struct ringbus_member m = { .size = sizeof(m) };

	ck_assert_int_eq(ringbus_channel_find(ringbus_producer_channel(s->p),
					      RINGBUS_CONSUMER, "g", &m),
			 1);
	return m;
}

/* The next event of a worker is this one, given out so many times. */
static void
expect(struct ringbus_consumer *w, uint64_t number, int attempt)
{
	struct ringbus_event e;

	t_next(w, &e);
	ck_assert_uint_eq(t_value(&e), number);
	ck_assert_int_eq(ringbus_consumer_attempt(w), attempt);
}

/* -------------------------------------------------------- one by one */

KINDS(each_event_goes_to_one)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 3);
	expect(s.w, 0, 1);
	expect(s.v, 1, 1);
	expect(s.v, 2, 1);
	expect(s.w, 3, 1);
	t_nothing(s.w);
	t_nothing(s.v);
	/* The group is where everything up to there is done. */
	ck_assert_int_eq(group(&s).sequence, -1);
	t_ok(ringbus_consumer_commit(s.v));
	ck_assert_int_eq(group(&s).sequence, -1);
	ck_assert_int_eq(ringbus_consumer_sequence(s.v), 2);
	t_ok(ringbus_consumer_commit(s.w));
	ck_assert_int_eq(group(&s).sequence, 3);
	ck_assert_int_eq(ringbus_consumer_sequence(s.w), 3);
	ck_assert_int_eq(ringbus_producer_remaining(s.p), 64);
	t_bus_end(&s.b);
}

/* So that none takes the whole ring: a wait is good for one. */
KINDS(a_wait_allows_one)
{
	struct ringbus_event e;
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 3);
	ck_assert_int_eq(ringbus_consumer_next(s.w, &e), 0);
	t_ok(ringbus_consumer_wait(s.w, RINGBUS_NOW));
	t_ok(ringbus_consumer_wait(s.w, RINGBUS_NOW));
	ck_assert_int_eq(ringbus_consumer_next(s.w, &e), 1);
	ck_assert_int_eq(ringbus_consumer_next(s.w, &e), 0);
	t_bus_end(&s.b);
}

KINDS(who_leaves_returns_what_it_holds)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 3);
	for (uint64_t i = 0; i < 3; i++)
		expect(s.w, i, 1);
	ringbus_consumer_close(s.w);
	expect(s.v, 0, 2);
	expect(s.v, 1, 2);
	expect(s.v, 2, 2);
	expect(s.v, 3, 1);
	t_ok(ringbus_consumer_commit(s.v));
	ck_assert_int_eq(group(&s).sequence, 3);
	t_bus_end(&s.b);
}

KINDS(a_group_is_a_member_with_workers)
{
	struct ringbus_member m = { .size = sizeof(m) };
	int workers = 0;
	struct scene s;

	begin(&s, kind);
	ck_assert_int_ne(group(&s).group, 0);
	ck_assert_int_eq(group(&s).worker_of, -1);
	ck_assert_int_eq(group(&s).pid, 0);
	ck_assert_int_ne(group(&s).gates, 0);
	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		if (ringbus_channel_member(ringbus_producer_channel(s.p),
					   RINGBUS_CONSUMER, i, &m) != 1 ||
		    m.worker_of < 0)
			continue;
		workers++;
		ck_assert_int_eq(m.worker_of, (int)group(&s).index);
		ck_assert_str_eq(m.name, "g");
		ck_assert_int_eq(m.pid, getpid());
		ck_assert_int_eq(m.gates, 0);
	}
	ck_assert_int_eq(workers, 2);
	t_bus_end(&s.b);
}

/* ------------------------------------------------------------- a processor */

KINDS(each_event_is_a_batch_of_its_own)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 2);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	ck_assert_int_eq(ringbus_consumer_run(s.w, &s.h), -ESHUTDOWN);
	t_recorded(&s.r, "start batch:1/3 0! batch:1/2 1! batch:1/1 2! end:2 "
			 "shutdown");
	/* All of it is done, by whomever. */
	ck_assert_int_eq(ringbus_consumer_run(s.v, &s.h), -ESHUTDOWN);
	t_recorded(&s.r, "start end:2 shutdown");
	t_bus_end(&s.b);
}

KINDS(a_worker_that_rewinds_has_the_same_event_again)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 2);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	s.h.on_batch_start = NULL;
	s.h.rewind = RINGBUS_REWIND_ALWAYS;
	s.h.rewind_max = 3;
	s.r.answers[0] = (struct t_answer){ 0, RINGBUS_REWIND, 2 };
	s.r.answers[1] = (struct t_answer){ 1, RINGBUS_REWIND, 0 };
	s.r.answers[2] = (struct t_answer){ 2, RINGBUS_RELEASE, 0 };
	ck_assert_int_eq(ringbus_consumer_run(s.w, &s.h), -ESHUTDOWN);
	t_recorded(&s.r, "start 0! 0! 0! 1! 1! 1! failed:-40@1 2! end:2 "
			 "shutdown");
	ck_assert_int_eq(group(&s).sequence, 2);
	t_bus_end(&s.b);
}

KINDS(a_failed_event_goes_to_another)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 2);
	s.h.on_exception = NULL;
	s.r.answers[0] = (struct t_answer){ 1, -7, 0 };
	ck_assert_int_eq(ringbus_consumer_run(s.w, &s.h), -7);
	t_recorded(&s.r, "start batch:1/3 0! batch:1/2 1! shutdown");
	expect(s.v, 1, 2);
	expect(s.v, 2, 1);
	t_ok(ringbus_consumer_commit(s.v));
	ck_assert_int_eq(group(&s).sequence, 2);
	t_bus_end(&s.b);
}

KINDS(stop_and_halt_leave_the_rest_to_others)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 4);
	s.h.on_batch_start = NULL;
	s.h.rewind = RINGBUS_REWIND_ALWAYS;
	s.r.answers[0] = (struct t_answer){ 0, RINGBUS_STOP, 0 };
	s.r.answers[1] = (struct t_answer){ 2, RINGBUS_REWIND, 0 };
	ck_assert_int_eq(ringbus_consumer_run(s.w, &s.h), RINGBUS_STOP);
	t_recorded(&s.r, "start 0! shutdown");
	s.r.halts = s.w;
	s.r.halt_at = 2;
	ck_assert_int_eq(ringbus_consumer_run(s.w, &s.h), 0);
	t_recorded(&s.r, "start 1! 2! shutdown");
	expect(s.v, 2, 2);
	expect(s.v, 3, 1);
	t_bus_end(&s.b);
}

/* ---------------------------------------------------------------- a poller */

KINDS(a_worker_polls_one_event)
{
	struct scene s;

	begin(&s, kind);
	ck_assert_int_eq(ringbus_consumer_poll(s.w, 9, t_record_event, &s.r),
			 RINGBUS_IDLE);
	t_put_all(s.p, 0, 2);
	ck_assert_int_eq(ringbus_consumer_poll(s.w, 0, t_record_event, &s.r),
			 RINGBUS_PROCESSING);
	s.r.answers[0] = (struct t_answer){ 0, RINGBUS_REWIND, 1 };
	s.r.answers[1] = (struct t_answer){ 1, -7, 1 };
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(ringbus_consumer_poll(s.w, 9, t_record_event,
						       &s.r),
				 RINGBUS_PROCESSING);
	ck_assert_int_eq(ringbus_consumer_poll(s.w, 9, t_record_event, &s.r),
			 -7);
	t_recorded(&s.r, "0! 0! 1!");
	expect(s.v, 1, 2);
	expect(s.v, 2, 1);
	ck_assert_int_eq(ringbus_consumer_poll(s.w, 9, t_record_event, &s.r),
			 RINGBUS_IDLE);
	t_bus_end(&s.b);
}

KINDS(what_is_to_be_had_again_needs_no_wake_up)
{
	struct scene s;

	begin(&s, kind);
	t_put(s.p, 0);
	s.r.answers[0] = (struct t_answer){ 0, RINGBUS_REWIND, 1 };
	ck_assert_int_eq(ringbus_consumer_poll(s.w, 9, t_record_event, &s.r),
			 RINGBUS_PROCESSING);
	t_nothing(s.v);
	ck_assert_int_eq(ringbus_consumer_arm(s.v), 0);
	ck_assert_int_eq(ringbus_consumer_arm(s.w), 1);
	ck_assert_int_eq(ringbus_consumer_poll(s.w, 9, t_record_event, &s.r),
			 RINGBUS_PROCESSING);
	ck_assert_int_eq(ringbus_consumer_arm(s.w), 0);
	t_bus_end(&s.b);
}

/* Others that wait are told what is there to take again. */
KINDS(what_is_returned_rings)
{
	struct pollfd wait = { .events = POLLIN };
	struct scene s;

	begin(&s, kind);
	t_put(s.p, 0);
	expect(s.w, 0, 1);
	t_nothing(s.v);
	ck_assert_int_eq(ringbus_consumer_arm(s.v), 0);
	wait.fd = ringbus_consumer_fd(s.v);
	ck_assert_int_eq(poll(&wait, 1, 0), 0);
	ringbus_consumer_close(s.w);
	ck_assert_int_eq(poll(&wait, 1, T_PATIENCE * 1000), 1);
	expect(s.v, 0, 2);
	t_bus_end(&s.b);
}

/* ------------------------------------------------------------ many processes */

struct job {
	const struct t_daemon *daemon;
	struct rb_word64 *step;
	struct rb_word64 *handled; /* times, of each event */
	struct rb_word64 *attempts;
	struct ringbus_consumer *self;
};

static int
take_and_hang(void *arg)
{
	const struct job *j = arg;
	struct ringbus *bus = t_connect(j->daemon);
	struct ringbus_consumer *w = t_consume_as(bus, "g", RINGBUS_FROM_NOW);

	t_store(j->step, 1);
	expect(w, 0, 1);
	expect(w, 1, 1);
	t_store(j->step, 2);
	pause();
	return 1;
}

KINDS(who_is_killed_loses_nothing)
{
	struct job j = { .step = t_counter() };
	struct scene s;
	pid_t child;

	t_bus_begin(&s.b, GROUP, t_kind(kind));
	j.daemon = &s.b.daemon;
	child = t_child(take_and_hang, &j);
	t_until(t_read(j.step) == 1);
	s.w = join(&s);
	s.p = t_produce(s.b.bus, NULL);
	t_put_all(s.p, 0, 1);
	t_until(t_read(j.step) == 2);
	t_put(s.p, 2);
	expect(s.w, 2, 1);
	t_nothing(s.w);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	/* Asleep, and woken by what the daemon does about it. */
	expect(s.w, 0, 2);
	expect(s.w, 1, 2);
	t_ok(ringbus_consumer_commit(s.w));
	ck_assert_int_eq(group(&s).sequence, 2);
	t_join_signal(child, SIGKILL);
	t_bus_end(&s.b);
}

#define EVENTS 20000
#define WORKERS 3

static int
tick(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct job *j = context;
	struct rb_word64 *handled = &j->handled[t_value(event)];
	struct rb_word64 *attempts = &j->attempts[t_value(event)];

	ck_assert_int_ne(end_of_batch, 0);
	atomic_fetch_add(&handled->value, 1);
	t_store(attempts, (uint64_t)ringbus_consumer_attempt(j->self));
	return RINGBUS_CONTINUE;
}

static int
work_to_the_end(void *arg)
{
	struct job *j = arg;
	struct ringbus *bus = t_connect(j->daemon);
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;

	j->self = t_consume_as(bus, "g", RINGBUS_FROM_NOW);
	h.context = j;
	h.on_event = tick;
	atomic_fetch_add(&j->step->value, 1);
	ck_assert_int_eq(ringbus_consumer_run(j->self, &h), -ESHUTDOWN);
	ringbus_close(bus);
	return 0;
}

static struct rb_word64 *
share(size_t n)
{
	void *page = mmap(NULL, n * sizeof(struct rb_word64),
			  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);

	ck_assert_ptr_ne(page, MAP_FAILED);
	return page;
}

static struct job
start_workers(struct scene *s, pid_t *children, int n)
{
	struct job j = { &s->b.daemon, t_counter(), share(EVENTS),
			 share(EVENTS), NULL };

	for (int i = 0; i < n; i++)
		children[i] = t_child(work_to_the_end, &j);
	t_until(t_read(j.step) == (uint64_t)n);
	return j;
}

KINDS(workers_of_many_processes_share)
{
	pid_t children[WORKERS];
	struct scene s;
	struct job j;

	t_bus_begin(&s.b, GROUP, t_kind(kind));
	j = start_workers(&s, children, WORKERS);
	s.p = t_produce(s.b.bus, NULL);
	t_put_all(s.p, 0, EVENTS - 1);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	for (int i = 0; i < WORKERS; i++)
		t_join(children[i]);
	for (int i = 0; i < EVENTS; i++)
		if (t_read(&j.handled[i]) != 1)
			ck_abort_msg("event %d handled %d times", i,
				     (int)t_read(&j.handled[i]));
	t_bus_end(&s.b);
}

/* One is killed now and then, and another comes: at least once each, and more
 * than once only what was given out again. */
KINDS(workers_that_are_killed_share)
{
	pid_t children[WORKERS];
	struct scene s;
	struct job j;

	t_bus_begin(&s.b, GROUP, t_kind(kind));
	j = start_workers(&s, children, WORKERS);
	s.p = t_produce(s.b.bus, NULL);
	for (uint64_t i = 0; i < 10; i++) {
		uint64_t n = EVENTS / 10, joined = t_read(j.step);
		pid_t *victim = &children[i % WORKERS];

		t_put_all(s.p, i * n, i * n + n - 1);
		t_kill(*victim);
		*victim = t_child(work_to_the_end, &j);
		t_until(t_read(j.step) == joined + 1);
	}
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	for (int i = 0; i < WORKERS; i++)
		t_join(children[i]);
	for (int i = 0; i < EVENTS; i++) {
		uint64_t handled = t_read(&j.handled[i]);

		if (handled < 1 || handled > t_read(&j.attempts[i]))
			ck_abort_msg("event %d handled %d times at attempt %d",
				     i, (int)handled,
				     (int)t_read(&j.attempts[i]));
	}
	t_bus_end(&s.b);
}
