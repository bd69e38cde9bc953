/* SPDX-License-Identifier: MIT */
/*
 * test_truncate.c - a member shortens a file of its channel, and everybody else
 * in it gets an error from his next call, be he at work or asleep
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/system/util_victim.h"

#define PAGE 4096

static const t_victim_fn workers[] = {
	t_victim_publish,     t_victim_publish_batches,
	t_victim_consume,     t_victim_run,
	t_victim_poll,        t_victim_lag,
	t_victim_sleep_by_fd, t_victim_tap,
	t_victim_span,
};

static const t_victim_fn sleepers[] = {
	t_victim_publish, t_victim_consume, t_victim_run,
	t_victim_work,    t_victim_lag,     t_victim_sleep_by_fd,
	t_victim_tap,     t_victim_drain,   t_victim_span,
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void
put_in(struct t_victims *v, const t_victim_fn *acts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		t_victims_add(v, acts[i]);
}

/* One attack of each size on all that are there. */
static void
cut_all(const char *keys, enum rb_file file, const t_victim_fn *acts, size_t n,
	bool asleep)
{
	struct t_victims v;

	t_victims_begin(&v, keys);
	for (int i = 0; i < 6; i++) {
		off_t size = t_victims_size(&v, file);
		const off_t sizes[] = {
			0, 1, PAGE - 1, PAGE, size / 2, size - 1
		};

		put_in(&v, acts, n);
		t_victims_await(&v, asleep ? 1 : 3);
		if (asleep)
			t_victims_await_sleep(&v);
		t_victims_cut(&v, file, sizes[i]);
		t_victims_end(&v);
		t_victims_renew(&v);
	}
	t_victims_finish(&v);
}

TEST_TIMEOUT(ring_is_cut_in_flow, 120)
{
	cut_all(T_FLOW, RB_FILE_RING, workers, N(workers), false);
}

TEST_TIMEOUT(gates_are_cut_in_flow, 120)
{
	cut_all(T_FLOW, RB_FILE_GATES, workers, N(workers), false);
}

TEST_TIMEOUT(ring_is_cut_while_all_sleep, 120)
{
	cut_all(T_CALM, RB_FILE_RING, sleepers, N(sleepers), true);
}

TEST_TIMEOUT(gates_are_cut_while_all_sleep, 120)
{
	cut_all(T_CALM, RB_FILE_GATES, sleepers, N(sleepers), true);
}

/* ----------------------------------------------- the library, all by itself */

/* Stopped, it can tell nobody; who looks at the file finds out. */
static void
cut_unseen(enum rb_file file, const t_victim_fn *acts, size_t n)
{
	struct t_victims v;

	t_victims_begin(&v, T_FLOW);
	put_in(&v, acts, n);
	t_victims_await(&v, 3);
	ck_assert_int_eq(kill(v.d.pid, SIGSTOP), 0);
	t_victims_cut(&v, file, 0);
	for (unsigned i = 0; i < v.n; i++) {
		t_until_within(t_read(v.all[i].error) != 0, T_PATIENCE);
		ck_assert_uint_eq(t_read(v.all[i].error), EBADMSG);
	}
	ck_assert_int_eq(kill(v.d.pid, SIGCONT), 0);
	t_victims_end(&v);
	t_victims_finish(&v);
}

TEST(library_finds_out_about_a_ring_by_itself)
{
	const t_victim_fn acts[] = { t_victim_publish, t_victim_publish_batches,
				     t_victim_consume, t_victim_run,
				     t_victim_poll,    t_victim_lag,
				     t_victim_span,    t_victim_tap };

	cut_unseen(RB_FILE_RING, acts, N(acts));
}

/* A poller that finds nothing looks at no gate. */
TEST(library_finds_out_about_gates_by_itself)
{
	const t_victim_fn acts[] = { t_victim_publish, t_victim_publish_batches,
				     t_victim_consume, t_victim_span,
				     t_victim_run };

	cut_unseen(RB_FILE_GATES, acts, N(acts));
}

/* ------------------------------------------------------- whose signal it is */

static struct rb_word64 *n_handled;

static void
ask_library(int signo, siginfo_t *info, void *context)
{
	(void)context;
	if (ringbus_handle_sigbus(info) == 0) {
		signal(signo, SIG_DFL);
		return;
	}
	rb_word64_store_release(n_handled,
				rb_word64_load_acquire(n_handled) + 1);
}

static void
leave_at_once(int signo)
{
	(void)signo;
	_exit(42);
}

static void
set_handler(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
}

static int
publish_with_own_handler(struct t_victim *v, struct ringbus *bus)
{
	struct sigaction action = { .sa_sigaction = ask_library,
				    .sa_flags = SA_SIGINFO };
	int err;

	ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
	err = t_victim_publish(v, bus);
	ck_assert_uint_gt(t_read(n_handled), 0);
	return err;
}

TEST(own_handler_may_ask_the_library)
{
	struct t_victims v;

	n_handled = t_counter();
	t_victims_begin(&v, T_FLOW);
	t_victims_add(&v, publish_with_own_handler);
	t_victims_await(&v, 3);
	t_victims_cut(&v, RB_FILE_RING, 0);
	t_victims_end(&v);
	t_victims_finish(&v);
}

struct loner {
	const struct t_daemon *d;
	void (*handler)(int); /* set before the library comes */
	struct rb_word64 *moves;
};

static int
publish_alone(void *arg)
{
	struct loner *l = arg;
	struct t_victim self = { l->d, l->moves, NULL, NULL };

	set_handler(l->handler);
	return t_victim_publish(&self, t_connect(l->d));
}

/* A death or an exit, as the program has it. */
static pid_t
cut_under(struct t_victims *v, void (*handler)(int))
{
	struct loner l = { &v->d, handler, t_counter() };
	pid_t pid;

	t_victims_begin(v, T_FLOW);
	pid = t_child(publish_alone, &l);
	t_until(t_read(l.moves) >= 3);
	ck_assert_int_eq(kill(v->d.pid, SIGSTOP), 0);
	t_victims_cut(v, RB_FILE_RING, 0);
	return pid;
}

static void
let_daemon_go(struct t_victims *v)
{
	ck_assert_int_eq(kill(v->d.pid, SIGCONT), 0);
	t_victims_finish(v);
}

TEST(handler_that_was_there_stays)
{
	struct t_victims v;
	pid_t pid = cut_under(&v, leave_at_once);

	t_join_exit(pid, 42);
	let_daemon_go(&v);
}

TEST(who_ignores_it_dies_as_ever)
{
	struct t_victims v;
	pid_t pid = cut_under(&v, SIG_IGN);

	t_join_signal(pid, SIGBUS);
	let_daemon_go(&v);
}

static int
fault_elsewhere(void *arg)
{
	struct ringbus *bus = t_connect(arg);
	int fd = memfd_create("elsewhere", MFD_CLOEXEC);
	char *p;

	t_produce(bus, NULL);
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	return *p;
}

static int
get_signal(void *arg)
{
	t_produce(t_connect(arg), NULL);
	raise(SIGBUS);
	return 0;
}

/* Of memory that has failed and that nobody has touched: no fault that would come
 * again. The kernel lets a process say so of itself. */
static int
get_notice(void *arg)
{
	siginfo_t info = { .si_signo = SIGBUS, .si_code = BUS_MCEERR_AO };

	t_produce(t_connect(arg), NULL);
	ck_assert_int_eq(syscall(SYS_rt_sigqueueinfo, getpid(), SIGBUS, &info),
			 0);
	return 0;
}

TEST(what_is_not_ours_kills_as_ever)
{
	struct t_bus b;

	t_bus_begin(&b, T_FLOW);
	t_join_signal(t_child(fault_elsewhere, &b.daemon), SIGBUS);
	t_join_signal(t_child(get_signal, &b.daemon), SIGBUS);
	t_join_signal(t_child(get_notice, &b.daemon), SIGBUS);
	t_bus_end(&b);
}

/* One that lives on would do so without its guard. */
TEST(daemon_that_gets_it_dies_as_ever)
{
	struct t_daemon d;

	t_daemon_start(&d, "");
	ck_assert_int_eq(kill(d.pid, SIGBUS), 0);
	t_join_signal(d.pid, SIGBUS);
	t_daemon_restart(&d);
	t_daemon_stop(&d);
}

/* ------------------------------------------------------------------ details */

/* All that a program can still do with handles of such a channel. */
TEST(every_call_says_so_and_closing_works)
{
	struct ringbus_info info = { .size = sizeof(info) };
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus_event event;
	struct ringbus_tap *tap;
	struct t_victims v;
	struct ringbus *bus;
	uint64_t bytes[8] = { 1 };
	int64_t lowest;
	size_t size;

	t_victims_begin(&v, T_FLOW);
	bus = t_connect(&v.d);
	c = t_consume(bus, NULL);
	p = t_produce(bus, NULL);
	tap = t_tap(bus, RINGBUS_FROM_NOW);
	t_put(p, 7);
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	ck_assert_int_eq(ringbus_consumer_next(c, &event), 1);
	t_ok(ringbus_channel_info(ringbus_producer_channel(p), &info));
	ck_assert_int_eq(info.damaged, 0);
	t_victims_cut(&v, RB_FILE_RING, 0);
	ck_assert_uint_eq(t_value(&event), 0); /* no SIGBUS, no event */
	ck_assert_int_eq(ringbus_consumer_commit(c), -EBADMSG);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EBADMSG);
	ck_assert_int_eq(ringbus_producer_write(p, bytes, 64, RINGBUS_NOW),
			 -EBADMSG);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_NOW), -EBADMSG);
	lowest = ringbus_tap_read(tap, bytes, sizeof(bytes), &size,
				  RINGBUS_NOW);
	ck_assert_int_eq(lowest, -EBADMSG);
	t_ok(ringbus_channel_info(ringbus_tap_channel(tap), &info));
	ck_assert_int_ne(info.damaged, 0);
	ck_assert_int_ne(info.ended, 0);
	t_until(t_daemon_said(&v.d, "channel a: a client has truncated"));
	ck_assert_int_eq(ringbus_producer_open(bus, "a", NULL, &p), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(ringbus_error(bus), "has truncated"));
	ringbus_close(bus);
	t_victims_finish(&v);
}

/* It is who looks that finds the numbers missing, and he is not told zeroes. */
static void
look_first(const char *keys, enum rb_file file)
{
	struct ringbus_info info = { .size = sizeof(info) };
	struct ringbus_tap *tap;
	struct t_victims v;
	struct ringbus *bus;

	t_victims_begin(&v, keys);
	bus = t_connect(&v.d);
	tap = t_tap(bus, RINGBUS_FROM_NOW);
	ck_assert_int_eq(kill(v.d.pid, SIGSTOP), 0);
	t_victims_cut(&v, file, 0);
	t_ok(ringbus_channel_info(ringbus_tap_channel(tap), &info));
	ck_assert_int_ne(info.damaged, 0);
	ck_assert_int_ne(info.ended, 0);
	ck_assert_int_eq(kill(v.d.pid, SIGCONT), 0);
	ringbus_close(bus);
	t_victims_finish(&v);
}

TEST(who_looks_first_is_told)
{
	look_first(T_FLOW, RB_FILE_RING);
	look_first(T_CALM, RB_FILE_GATES);
}

/* What tells that there is an event is there, and the event is not. */
TEST(copy_of_what_is_gone_is_no_event)
{
	struct ringbus_consumer_options lossy = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	struct ringbus_event event;
	struct ringbus_tap *tap;
	struct t_victims v;
	struct ringbus *bus;
	uint64_t bytes[8];
	size_t size;

	t_victims_begin(&v, T_FLOW);
	bus = t_connect(&v.d);
	lossy.slow = RINGBUS_SLOW_LOSSY;
	c = t_consume(bus, &lossy);
	tap = t_tap(bus, RINGBUS_FROM_NOW);
	t_put(t_produce(bus, NULL), 7);
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	ck_assert_int_eq(kill(v.d.pid, SIGSTOP), 0);
	t_victims_cut(&v, RB_FILE_RING,
		      t_victims_size(&v, RB_FILE_RING) - 4096 * 64);
	ck_assert_int_eq(ringbus_tap_read(tap, bytes, sizeof(bytes), &size,
					  RINGBUS_NOW),
			 -EBADMSG);
	ck_assert_int_eq(ringbus_consumer_next(c, &event), -EBADMSG);
	ck_assert_int_eq(kill(v.d.pid, SIGCONT), 0);
	ringbus_close(bus);
	t_victims_finish(&v);
}

/* More channels than the first piece of the table has places for. */
TEST(of_many_handles_only_those_are_hit)
{
	struct ringbus_producer *all[60];
	struct t_victims v;
	struct ringbus *bus;

	t_victims_begin(&v, T_FLOW);
	bus = t_connect(&v.d);
	for (int i = 0; i < 60; i++)
		all[i] = t_produce(bus, NULL);
	for (int i = 0; i < 60; i++)
		t_put(all[i], 1);
	ck_assert_int_eq(kill(v.d.pid, SIGSTOP), 0);
	t_victims_cut(&v, RB_FILE_RING, 0);
	for (int i = 59; i >= 0; i--)
		ck_assert_int_eq(ringbus_producer_write(all[i], &v, 8,
							RINGBUS_NOW),
				 -EBADMSG);
	ck_assert_int_eq(kill(v.d.pid, SIGCONT), 0);
	ringbus_close(bus);
	t_victims_finish(&v);
}
