/* SPDX-License-Identifier: MIT */
/*
 * test_journal.c - ringbus-journal in order: what is published is stored, once
 *
 * Killed it is in test_journal_recover.c, with a full disk in test_journal_full.c.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/system/util_writer.h"

#define SMALL "slots: 64, event_size: 8, " T_JOURNALLED
#define LARGE "slots: 4096, event_size: 64, " T_JOURNALLED

static void
store_and_check(const char *keys, const char *a, const char *b, int64_t n)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus bus;

	t_bus_begin(&bus, "%s", keys);
	t_writer_start(&w, &bus.daemon, "segment_size=1MiB", a, b, NULL);
	p = t_produce(bus.bus, NULL);
	t_put_all(p, 0, (uint64_t)n - 1);
	t_writer_until(&bus, n - 1);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, n - 1);
	t_bus_end(&bus);
	t_remove_tree(w.dir);
}

TEST(stores_what_is_published)
{
	store_and_check(SMALL, "io=auto", NULL, 1000);
}

TEST(stores_by_each_engine_with_and_without_direct_writes)
{
	store_and_check(LARGE, "io=sync", "direct=true", 20000);
	store_and_check(LARGE, "io=sync", "direct=false", 20000);
	store_and_check(LARGE, "io=auto", "direct=true", 20000);
	store_and_check(LARGE, "io=auto", "direct=false", 20000);
}

TEST(stores_with_each_kind_of_sync)
{
	store_and_check(LARGE, "sync=interval", "sync_interval=1ms", 20000);
	store_and_check(LARGE, "sync=interval", "direct=false", 20000);
	store_and_check(LARGE, "sync=none", "direct=true", 20000);
	store_and_check(LARGE, "sync=none", "direct=false", 20000);
}

/* Nothing but the interval, which is too long to be met, or a ring that is half full
 * moves the gate; and a stop. */
TEST(an_interval_ends_when_the_ring_is_half_full)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	t_writer_start(&w, &b.daemon, "sync=interval", "sync_interval=1h",
		       NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_until(t_writer_count(&w, ".rbj") == 1);
	ck_assert_int_eq(t_writer_sequence(&b), -1);
	t_put_all(p, 10, 999);
	t_put_all(p, 1000, 1002);
	ck_assert_int_gt(t_writer_sequence(&b), 900);
	t_writer_stop(&w);
	ck_assert_int_eq(t_writer_sequence(&b), 1002);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, 1002);
	t_bus_end(&b);
}

TEST(what_comes_after_it_sees_only_what_is_stored)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin(&b, "slots: 64, event_size: 8, consumers: { journal: {"
			" on_death: keep }, app: { after: [journal] } }");
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_OLDEST);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_nothing(c);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	t_take(c, 0, 9);
	t_stored(&w, 1, 0, 9);
	t_writer_stop(&w);
	ringbus_consumer_close(c);
	ringbus_producer_close(p);
	t_bus_end(&b);
}

/* ----------------------------------------------------------------- kinds of events */

static size_t
size_of(uint64_t i)
{
	return i * 37 % 9000;
}

static void
fill(char *data, uint64_t i)
{
	for (size_t k = 0; k < size_of(i); k++)
		data[k] = (char)(i + k);
}

static void
publish_framed(struct ringbus_producer *p, uint64_t i)
{
	char data[9000];

	fill(data, i);
	t_ok(ringbus_producer_write(p, data, size_of(i), T_LONG));
}

static void
check_framed(const struct t_writer *w, uint64_t n)
{
	struct ringbus_journal *journal;
	struct ringbus_event event;
	char data[9000];

	t_ok(ringbus_journal_open(w->dir, &journal));
	for (uint64_t i = 0; i < n; i++) {
		ck_assert_int_eq(t_told(journal, &event), 1);
		fill(data, i);
		ck_assert_uint_eq(event.size, size_of(i));
		ck_assert_mem_eq(event.data, data, size_of(i));
	}
	ck_assert_int_eq(t_told(journal, &event), 0);
	ringbus_journal_close(journal);
}

TEST(stores_framed_events_of_all_lengths)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 2048, framing: framed, slot_size: 64, "
			"producers: multi, " T_JOURNALLED);
	t_writer_start(&w, &b.daemon, "segment_size=1MiB", NULL);
	p = t_produce(b.bus, NULL);
	for (uint64_t i = 0; i < 800; i++)
		publish_framed(p, i);
	t_until(t_info(ringbus_producer_channel(p)).cursor ==
		t_writer_sequence(&b));
	t_writer_stop(&w);
	ringbus_producer_close(p);
	check_framed(&w, 800);
	ck_assert_uint_gt(t_writer_count(&w, ".rbj"), 2);
	t_bus_end(&b);
}

/* Dies with three slots claimed, which become tombstones. */
static int
claim_and_die(void *arg)
{
	struct ringbus *bus = t_connect(arg);
	struct ringbus_producer *p = t_produce(bus, NULL);

	t_ok(ringbus_producer_claim(p, 3, T_LONG));
	return 0;
}

/* Numbers are the sequences, which tombstones take some of. */
static void
put_rest(struct ringbus_producer *p, int64_t until)
{
	int64_t s;

	do {
		s = ringbus_producer_claim(p, 1, T_LONG);
		t_ok(s);
		*(int64_t *)ringbus_producer_slot(p, s) = s;
		t_ok(ringbus_producer_publish(p, s, s));
	} while (s < until);
}

TEST(passes_over_tombstones_also_where_nothing_is_behind_them)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct ringbus_journal *journal;
	struct ringbus_event event;
	struct t_bus b;

	t_bus_begin(
		&b,
		"slots: 64, event_size: 8, producers: multi, " T_JOURNALLED);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	p = t_produce(b.bus, NULL);
	put_rest(p, 9);
	t_join(t_child(claim_and_die, &b.daemon)); /* 10 to 12 */
	t_writer_until(&b, 12);
	t_writer_kill(&w);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	ck_assert(t_run_said(&w.run, "goes on at 13"));
	t_join(t_child(claim_and_die, &b.daemon)); /* 13 to 15 */
	put_rest(p, 199);
	t_writer_until(&b, 199);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	ck_assert(!t_run_said(&w.run, "a hole"));
	t_bus_end(&b);
	t_ok(ringbus_journal_open(w.dir, &journal));
	for (int64_t i = 0; i < 200; i++) {
		if (i >= 10 && i < 16)
			continue;
		ck_assert_int_eq(t_told(journal, &event), 1);
		ck_assert_int_eq(event.sequence, i);
	}
	ck_assert_int_eq(t_told(journal, &event), 0);
	ringbus_journal_close(journal);
}

/* ---------------------------------------------------------------------- segments */

TEST(begins_a_new_segment_on_sighup)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_writer_until(&b, 9);
	ck_assert_int_eq(kill(w.run.pid, SIGHUP), 0);
	t_until(t_writer_count(&w, ".rbi") == 1);
	t_put_all(p, 10, 19);
	t_writer_until(&b, 19);
	ck_assert_uint_eq(t_writer_count(&w, ".rbj"), 2);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, 19);
	t_bus_end(&b);
}

TEST(keeps_no_more_than_retain_size)
{
	struct ringbus_journal_info info = { .size = sizeof(info) };
	struct t_writer w = { 0 };
	struct ringbus_journal *journal;
	struct ringbus_producer *p;
	struct t_bus b;
	int64_t first;

	t_bus_begin(&b, LARGE);
	t_writer_start(&w, &b.daemon, "segment_size=1MiB", "retain_size=3MiB",
		       NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 99999);
	t_writer_until(&b, 99999);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	ck_assert_uint_le(t_writer_count(&w, ".rbj"), 6);
	ck_assert_uint_ge(t_writer_count(&w, ".rbj"), 2);
	t_ok(ringbus_journal_open(w.dir, &journal));
	t_ok(ringbus_journal_info(journal, &info));
	first = info.first;
	ringbus_journal_close(journal);
	ck_assert_int_gt(first, 40000);
	t_stored(&w, 1, first, 99999);
	t_bus_end(&b);
}

/* ------------------------------------------------------------- beginning and end */

TEST(waits_for_a_daemon)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_daemon_prepare(&b.daemon, "channels: { a: { " SMALL " } }");
	t_writer_launch(&w, &b.daemon, "io=auto", NULL);
	t_until(t_run_said(&w.run, "no daemon answers at"));
	t_daemon_restart(&b.daemon);
	b.bus = t_connect(&b.daemon);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_until(t_run_said(&w.run, "begins at"));
	t_writer_until(&b, 9);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_bus_end(&b);
}

TEST(waits_for_a_channel)
{
	char dir[PATH_MAX];
	struct t_run run;
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	snprintf(dir, sizeof(dir), "dir=%s/later", t_tmpdir());
	run = (struct t_run){ .socket = b.daemon.socket };
	t_run_start(&run, "ringbus-journal", "-o", dir, "later", NULL);
	t_until(t_run_said(&run, "there is none of this name"));
	t_daemon_configure(&b.daemon, "channels: { a: { " SMALL " }, "
				      "later: { " SMALL " } }");
	t_bus_ok(b.bus, ringbus_reload(b.bus, 0));
	t_until(t_run_said(&run, "begins at 0"));
	ck_assert_int_eq(kill(run.pid, SIGTERM), 0);
	t_run_ends(&run, 0);
	t_bus_end(&b);
}

TEST(goes_on_while_the_daemon_is_started_anew)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 99);
	t_daemon_kill(&b.daemon);
	t_put_all(p, 100, 299);
	t_daemon_restart(&b.daemon);
	t_put_all(p, 300, 499);
	t_writer_until(&b, 499);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, 499);
	t_bus_end(&b);
}

TEST(ends_with_the_stream_and_begins_an_epoch_with_the_next)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	t_writer_start(&w, &b.daemon, "sync=interval", "sync_interval=1h",
		       NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	t_run_ends(&w.run, 0);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, 9);
	t_bus_end(&b);
	t_daemon_restart(&b.daemon);
	b.bus = t_connect(&b.daemon);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	ck_assert(t_run_said(&w.run, "epoch 2 begins at 0"));
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 19);
	t_writer_until(&b, 19);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, 9);
	t_stored(&w, 2, 0, 19);
	t_bus_end(&b);
}

/* The channel with more slots than SMALL. */
static void
recreate(const struct t_bus *b)
{
	t_daemon_configure(
		&b->daemon,
		"channels: { a: { slots: 128, event_size: 8, " T_JOURNALLED
		" } }");
	t_bus_ok(b->bus, ringbus_reload(b->bus, RINGBUS_RELOAD_RECREATE));
}

/* Written, and the next sync is an hour away. */
TEST(commits_at_the_end_what_was_not_yet_synced)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	t_writer_start(&w, &b.daemon, "sync=interval", "sync_interval=1h",
		       NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_writer_until_stored(&w, 9);
	t_ok(ringbus_end(b.bus, "a"));
	t_run_ends(&w.run, 0);
	ck_assert(t_run_said(&w.run, "all that was published is stored"));
	ck_assert_int_eq(t_writer_sequence(&b), 9);
	ringbus_producer_close(p);
	t_bus_end(&b);
}

TEST(goes_on_with_the_next_epoch_when_the_channel_is_made_anew)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 99);
	recreate(&b);
	ringbus_producer_close(p);
	t_until(t_run_said(&w.run, "epoch 2 begins at 0"));
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 199);
	t_writer_until(&b, 199);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, 99);
	t_stored(&w, 2, 0, 199);
	t_bus_end(&b);
}

/* The stream had its end before: nothing is to be done until there is another. */
TEST(waits_for_the_next_stream_if_this_one_has_ended)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	t_until(t_run_said(&w.run, "waits for the next stream"));
	recreate(&b);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_writer_until(&b, 9);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, 9);
	t_bus_end(&b);
}

/* As a container or kernel.io_uring_disabled does. */
static void
forbid_io_uring(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	t_ok(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

TEST(does_without_io_uring_and_says_so)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, SMALL);
	forbid_io_uring();
	t_writer_launch(&w, &b.daemon, "io=uring", NULL);
	t_run_ends(&w.run, 1);
	ck_assert(!t_run_said(&w.run, "cannot go on"));
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	t_until(t_run_said(&w.run, "no io_uring"));
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 999);
	t_writer_until(&b, 999);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, 999);
	t_bus_end(&b);
}
