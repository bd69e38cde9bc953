/* SPDX-License-Identifier: MIT */
/*
 * test_wan.c - from ring to ring over a network in which all that can fail does
 *
 * What comes out on the other host is what went in, each event once and in order,
 * whoever of the processes on the way dies and whatever the cable does. With
 * WAN_EVENTS=10000000 it is those many, and a disturbance a second.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_jetstream.h"
#include "tests/system/util_wan.h"

#define WAN_TEST(name) TEST_TIMEOUT(name, 900)

/* How long something is as it should not be. */
static void
hold(struct t_wan *w)
{
	int64_t end = t_now_ns() + (w->is_long ? 5 : 1) * T_SECOND;

	t_wan_until(w, t_now_ns() >= end);
}

WAN_TEST(nothing_happens)
{
	struct t_wan w = { .server_at = 1 };

	t_wan_prepare(&w);
	t_wan_flow(&w);
	while (t_wan_goes_on(&w))
		;
	t_wan_end(&w);
}

/* --------------------------------------------------------------- who is killed */

/* The ring at the far end has not the room for a message. */
static void
kill_bridges(bool is_framed, int server_at)
{
	struct t_wan w = { .server_at = server_at,
			   .is_framed = is_framed,
			   .slots[1] = 256 };

	t_wan_begin(&w);
	while (t_wan_goes_on(&w)) {
		t_wan_restart(&w, T_WAN_EXPORTER);
		t_wan_restart(&w, T_WAN_IMPORTER);
	}
	t_wan_end(&w);
}

WAN_TEST(bridges_are_killed)
{
	kill_bridges(false, 1);
}

WAN_TEST(bridges_of_frames_of_any_size_are_killed)
{
	kill_bridges(true, 0);
}

WAN_TEST(server_is_killed)
{
	struct t_wan w = { .server_at = 1 };

	t_wan_begin(&w);
	while (t_wan_goes_on(&w))
		t_wan_restart(&w, T_WAN_SERVER);
	t_wan_end(&w);
}

WAN_TEST(producer_and_consumer_are_killed)
{
	struct t_wan w = { .server_at = 0 };

	t_wan_begin(&w);
	while (t_wan_goes_on(&w)) {
		t_wan_restart(&w, T_WAN_PRODUCER);
		t_wan_restart(&w, T_WAN_CONSUMER);
	}
	t_wan_end(&w);
}

WAN_TEST(daemons_are_killed)
{
	struct t_wan w = { .server_at = 0 };

	t_wan_begin(&w);
	while (t_wan_goes_on(&w))
		for (int i = 0; i < 2; i++) {
			t_daemon_kill(&w.hosts[i].daemon);
			t_host_restart_daemon(&w.hosts[i]);
		}
	t_wan_end(&w);
}

/* The same kills each time; now and then of one that has only just begun. */
WAN_TEST(anybody_is_killed_at_any_time)
{
	struct t_wan w = { .server_at = 1, .rounds = 2 * T_WAN_ROUNDS };
	uint64_t seed = 8;

	t_wan_begin(&w);
	while (t_wan_goes_on(&w))
		for (int i = 0; i < 4; i++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			t_wan_restart(&w, (seed >> 33) % T_WAN_PROCESSES);
		}
	t_wan_end(&w);
}

/* ------------------------------------------------------- the network in between */

/* Of that bridge which is not on the server's host. */
static void
cut(int server_at)
{
	struct t_wan w = { .server_at = server_at,
			   .is_paced = true,
			   .rounds = 1 };

	t_wan_begin(&w);
	while (t_wan_goes_on(&w)) {
		t_host_unplug(&w.hosts[0]);
		hold(&w);
		t_host_plug(&w.hosts[0]);
	}
	t_wan_end(&w);
}

WAN_TEST(cable_of_the_exporter_is_cut)
{
	cut(1);
}

WAN_TEST(cable_of_the_importer_is_cut)
{
	cut(0);
}

/* One way: who sends is not told, and acknowledgements still come. */
WAN_TEST(packets_are_lost_one_way)
{
	struct t_wan w = { .server_at = 1, .is_paced = true, .rounds = 1 };

	t_wan_begin(&w);
	while (t_wan_goes_on(&w)) {
		t_host_lose(&w.hosts[0], &w.hosts[1]);
		hold(&w);
		t_host_find(&w.hosts[0], &w.hosts[1]);
		t_wan_await(&w, 1);
		t_host_lose(&w.hosts[1], &w.hosts[0]);
		hold(&w);
		t_host_find(&w.hosts[1], &w.hosts[0]);
	}
	t_wan_end(&w);
}

WAN_TEST(server_hangs)
{
	struct t_wan w = { .server_at = 1, .is_paced = true, .rounds = 1 };

	t_wan_begin(&w);
	while (t_wan_goes_on(&w)) {
		kill(w.pids[T_WAN_SERVER], SIGSTOP);
		hold(&w);
		kill(w.pids[T_WAN_SERVER], SIGCONT);
	}
	t_wan_end(&w);
}

/* ------------------------------------------------------------ who has lost some */

/*
 * As after a loss of power: it has acknowledged what was not synced, and its files are
 * those of a moment ago. The ring still has all of it.
 */
WAN_TEST(server_forgets_what_it_had_acknowledged)
{
	struct t_wan w = { .server_at = 1 };
	unsigned n = 0;

	t_wan_begin(&w);
	while (t_wan_goes_on(&w)) {
		t_wan_drain(&w);
		kill(w.pids[T_WAN_SERVER], SIGSTOP);
		t_host_sh(&w.hosts[1], "cp -a %s/store %s/old", t_tmpdir(),
			  t_tmpdir());
		kill(w.pids[T_WAN_SERVER], SIGCONT);
		t_wan_send(&w, 5000);
		t_wan_kill(&w, T_WAN_SERVER);
		t_host_sh(&w.hosts[1], "rm -rf %s/store && mv %s/old %s/store",
			  t_tmpdir(), t_tmpdir(), t_tmpdir());
		t_wan_start(&w, T_WAN_SERVER);
		t_wan_start(&w, T_WAN_PRODUCER);
		n++;
	}
	ck_assert_uint_eq(t_wan_said(&w, T_WAN_EXPORTER, "has not got slots"),
			  n);
	t_wan_end(&w);
}

/* ------------------------------------------------------------- who is too slow */

/* What the ring of the far end has no room for stays in the stream. */
WAN_TEST(consumer_that_stands_still_is_waited_for)
{
	struct t_wan w = { .server_at = 1 };

	t_wan_begin(&w);
	while (t_wan_goes_on(&w)) {
		kill(w.pids[T_WAN_CONSUMER], SIGSTOP);
		t_wan_until(&w, t_wan_is_full(&w, 1));
		kill(w.pids[T_WAN_CONSUMER], SIGCONT);
	}
	t_wan_end(&w);
}

/* What the stream has no room for stays in the ring, and producers wait. */
WAN_TEST(full_stream_is_waited_for)
{
	struct t_wan w = { .server_at = 1, .bridge[0] = ", stream_size: 4MiB" };
	int64_t size = 4 << 20;

	t_wan_begin(&w);
	while (t_wan_goes_on(&w)) {
		t_wan_until(&w, t_wan_is_full(&w, 0) || t_wan_has_all_sent(&w));
		size += w.is_long ? 64 << 20 : 4 << 20;
		t_js_limit(&w.hosts[1], w.hosts[1].address, T_WAN_PORT, "a",
			   size);
	}
	t_js_limit(&w.hosts[1], w.hosts[1].address, T_WAN_PORT, "a", -1);
	t_wan_end(&w);
}
