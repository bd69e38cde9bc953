/* SPDX-License-Identifier: MIT */
/*
 * torture.c - everybody is killed and stopped all the time, and nothing is lost
 *
 * Every 10 ms or so an act on somebody: SIGKILL, and another takes the seat; or
 * SIGSTOP, and some milliseconds later SIGCONT or SIGKILL. The row of acts
 * follows from the seed. A run prints the seed first; `make torture SEED=` has
 * the same row again. What must hold is in util_ledger.c. `make test` runs two
 * samples, one with a seed of its own.
 *
 * Nobody may stand still: with everybody alive and let go on, `app` has to see
 * more events within ten seconds.
 */
#include "tests/torture/torture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/fixture.h"

#define SAMPLE_SECONDS 4
#define SAMPLE_SEED 1
#define SECONDS 60
#define SAMPLE_TIMEOUT 240
#define TIMEOUT (1 << 22)

#define PATIENCE_NS (10 * T_SECOND)
#define PAUSE_NS T_SECOND   /* is not wrong, but worth a look */
#define LATE_NS (50 * T_MS) /* of this much the rest of the plan is put off */
#define NEVER INT64_MAX

static struct t_bus b;
static struct ringbus_tap *tap;
static struct torture_seat seats[SEATS];
static struct torture_client clients[CLIENTS];
static uint64_t seed;
static uint64_t n_lives;

/* When the plan began, and how `app` gets on. */
static int64_t begin_ns;
static uint64_t seen;
static int64_t moved_ns;
static int64_t longest_ns;
static int64_t shown_ns;

static struct {
	uint64_t acts;
	uint64_t kills[SEATS];
	uint64_t killed_stopped;
	uint64_t stops;
} counts;

__attribute__((noreturn)) static void
give_up(const char *why)
{
	torture_show(ringbus_tap_channel(tap), seats);
	torture_keep(seed);
	torture_fail("%s (seed %" PRIu64 ")", why, seed);
}

/* ------------------------------------------------------------------- seats */

static void
start(unsigned i)
{
	struct torture_seat *seat = &seats[i];

	ck_assert_uint_lt(n_lives + 1, LIVES_MAX);
	seat->life = ++n_lives;
	seat->due_ns = NEVER;
	if (i == DAEMON) {
		t_daemon_launch(&b.daemon, NULL);
		seat->pid = b.daemon.pid;
		return;
	}
	clients[i] = (struct torture_client){
		.socket = b.daemon.socket,
		.seat = i,
		.life = seat->life,
		.random = seed * LIVES_MAX + seat->life,
		.born_ns = t_now_ns(),
	};
	seat->pid = t_child(torture_client, &clients[i]);
}

static void
slay(unsigned i)
{
	struct torture_seat *seat = &seats[i];

	if (i >= PRODUCERS + STAGES && i < CLIENTS)
		t_store(&torture_ledger->worker_kills,
			t_read(&torture_ledger->worker_kills) + 1);
	t_store(&torture_ledger->lives[seat->life].killed, 1);
	counts.killed_stopped += seat->stopped;
	counts.kills[i]++;
	t_kill(seat->pid);
	seat->pid = 0;
	seat->stopped = false;
}

static void
let_go_on(unsigned i)
{
	if (seats[i].pid == 0)
		start(i);
	else if (seats[i].stopped)
		ck_assert_int_eq(kill(seats[i].pid, SIGCONT), 0);
	seats[i].stopped = false;
	seats[i].due_ns = NEVER;
}

static unsigned
seat_of(pid_t pid)
{
	unsigned i = 0;

	while (i < SEATS && seats[i].pid != pid)
		i++;
	torture_expect(i < SEATS, "pid %d is nobody's", (int)pid);
	return i;
}

__attribute__((noreturn)) static void
give_up_on(unsigned i)
{
	char text[64];

	snprintf(text, sizeof(text), "%s has ended", torture_seat_name(i));
	give_up(text);
}

/* Once the stream is at its end clients end too; before that nobody does. */
static void
look_for_ends(void)
{
	siginfo_t info = { 0 };
	unsigned i;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid != 0) {
		i = seat_of(info.si_pid);
		if (info.si_code != CLD_EXITED || info.si_status != 0 ||
		    i == DAEMON || t_read(&torture_ledger->stop) == 0)
			give_up_on(i);
		t_join(info.si_pid);
		seats[i].pid = 0;
		info.si_pid = 0;
	}
}

/* -------------------------------------------------------------- standstill */

static void
look_for_progress(void)
{
	uint64_t now_seen = t_read(&torture_ledger->stages[STAGES - 1].last);
	int64_t now = t_now_ns();

	if (now - moved_ns > longest_ns)
		longest_ns = now - moved_ns;
	if (now - moved_ns > PAUSE_NS && shown_ns < moved_ns) {
		shown_ns = now;
		torture_show(ringbus_tap_channel(tap), seats);
	}
	if (now_seen != seen)
		moved_ns = now;
	seen = now_seen;
}

static void
nap(int64_t until_ns)
{
	int64_t left_ns = until_ns - t_now_ns();
	struct timespec pause = { .tv_nsec = T_MS };

	if (left_ns > 0 && left_ns < T_MS)
		pause.tv_nsec = left_ns;
	nanosleep(&pause, NULL);
	look_for_ends();
	look_for_progress();
}

/* Lets everybody go on: now it must. */
static void
challenge(void)
{
	int64_t end_ns = t_now_ns() + PATIENCE_NS;
	int64_t stood_since_ns = moved_ns;

	for (unsigned i = 0; i < SEATS; i++)
		let_go_on(i);
	while (moved_ns == stood_since_ns) {
		nap(end_ns);
		if (t_now_ns() > end_ns)
			give_up("stalled");
	}
}

/* ------------------------------------------------------------------- acts */

static void
wait_for(int64_t at_ns)
{
	int64_t late_ns;

	while (t_now_ns() < begin_ns + at_ns) {
		nap(begin_ns + at_ns);
		if (t_now_ns() - moved_ns > PATIENCE_NS)
			challenge();
	}
	late_ns = t_now_ns() - begin_ns - at_ns;
	if (late_ns > LATE_NS)
		begin_ns += late_ns;
}

static void
act_on(const struct torture_act *act)
{
	struct torture_seat *seat = &seats[act->victim];

	counts.acts++;
	if (seat->pid == 0)
		return;
	if (act->deed == TORTURE_KILL) {
		slay(act->victim);
	} else if (!seat->stopped) {
		ck_assert_int_eq(kill(seat->pid, SIGSTOP), 0);
		seat->stopped = true;
		seat->then = act->deed;
		counts.stops++;
	}
	seat->due_ns = act->at_ns + act->length_ns;
}

static void
take_up(unsigned i)
{
	if (seats[i].stopped && seats[i].then == TORTURE_STOP_KILL)
		slay(i);
	let_go_on(i);
}

/* The seat that is due first, but before this time; or SEATS. */
static unsigned
find_due(int64_t before_ns)
{
	unsigned found = SEATS;

	for (unsigned i = 0; i < SEATS; i++)
		if (seats[i].due_ns < before_ns) {
			before_ns = seats[i].due_ns;
			found = i;
		}
	return found;
}

static void
torture_for(int seconds)
{
	struct torture_plan plan;
	struct torture_act act;
	unsigned i;

	torture_plan_begin(&plan, seed);
	begin_ns = t_now_ns();
	for (act = torture_plan_next(&plan); act.at_ns < seconds * T_SECOND;
	     act = torture_plan_next(&plan)) {
		while ((i = find_due(act.at_ns)) < SEATS) {
			wait_for(seats[i].due_ns);
			if (seats[i].due_ns != NEVER)
				take_up(i);
		}
		wait_for(act.at_ns);
		act_on(&act);
	}
}

/* --------------------------------------------------------- beginning and end */

/* All of these seats hold what they asked for, or have nobody left in them. */
static bool
are_attached(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		if (t_read(&torture_ledger->lives[seats[i].life].attached) == 0)
			return false;
	return true;
}

static bool
are_gone(unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		if (seats[i].pid != 0)
			return false;
	return true;
}

#define await(cond)                                                            \
	do {                                                                   \
		struct t_deadline deadline_ = t_deadline(3 * T_PATIENCE);      \
                                                                               \
		while (!(cond)) {                                              \
			nap(NEVER);                                            \
			if (t_now_ns() > deadline_.end_ns)                     \
				give_up("not in time: " #cond);                \
		}                                                              \
	} while (0)

static void
begin(void)
{
	struct torture_shape shape = torture_shape(seed);

	torture_ledger = fixture_share(sizeof(*torture_ledger));
	torture_ledger->shape = shape;
	printf("torture: seed %" PRIu64 "; %" PRIu64 " slots%s%s\n", seed,
	       shape.slots, shape.clear ? ", cleared" : "",
	       shape.keyed ? ", a key in the group" : "");
	t_bus_begin(&b,
		    "slots: %" PRIu64 ", event_size: %zu, producers: multi, "
		    "clear: %s, consumers: { journal: { on_death: keep }, "
		    "replicate: { on_death: keep }, app: { after: [journal, "
		    "replicate], on_death: keep }, workers: { group: true, "
		    "on_death: keep%s } }",
		    shape.slots, sizeof(struct torture_event),
		    shape.clear ? "zero" : "none",
		    shape.keyed ? ", key: { offset: 16, size: 8 }" : "");
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	for (unsigned i = 0; i < SEATS; i++)
		seats[i] = (struct torture_seat){ .due_ns = NEVER };
	seats[DAEMON].pid = b.daemon.pid;
	for (unsigned i = 0; i < CLIENTS; i++)
		start(i);
}

static unsigned
count_attached(void)
{
	const struct ringbus_channel *channel = ringbus_tap_channel(tap);
	unsigned n = 0;

	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++)
		for (int role = 0; role <= RINGBUS_CONSUMER; role++) {
			struct ringbus_member m = { .size = sizeof(m) };

			n += ringbus_channel_member(channel, role, i, &m) ==
				     1 &&
			     m.pid != 0;
		}
	return n;
}

/* Everybody is there again, reads all, and leaves; and nobody stays behind. */
static void
end(void)
{
	struct ringbus *bus;

	for (unsigned i = 0; i < SEATS; i++)
		let_go_on(i);
	t_daemon_await(&b.daemon);
	await(are_attached());
	t_store(&torture_ledger->stop, 1);
	await(are_gone(0, PRODUCERS - 1));
	bus = t_connect(&b.daemon);
	t_bus_ok(bus, ringbus_end(bus, "a"));
	await(are_gone(PRODUCERS, CLIENTS - 1));
	await(count_attached() == 0);
	ringbus_close(bus);
}

static uint64_t
kills_of(unsigned first, unsigned last)
{
	uint64_t n = 0;

	for (unsigned i = first; i <= last; i++)
		n += counts.kills[i];
	return n;
}

static uint64_t
longest_way_in(void)
{
	uint64_t longest_in = 0;

	for (uint64_t i = 1; i <= n_lives; i++) {
		uint64_t ns = t_read(&torture_ledger->lives[i].attached);

		longest_in = ns > longest_in ? ns : longest_in;
	}
	return longest_in;
}

static void
report(int64_t ran_ns, const struct torture_totals *totals)
{
	printf("  %" PRIu64 " acts: killed producers %" PRIu64
	       ", stages %" PRIu64 ", workers %" PRIu64 ", daemon %" PRIu64
	       ", while stopped %" PRIu64 "; stops %" PRIu64 "\n",
	       counts.acts, kills_of(0, PRODUCERS - 1),
	       kills_of(PRODUCERS, PRODUCERS + STAGES - 1),
	       kills_of(PRODUCERS + STAGES, CLIENTS - 1), counts.kills[DAEMON],
	       counts.killed_stopped, counts.stops);
	printf("  %" PRIu64 " events (%.2f M/s), tombstones %" PRIu64
	       ", read again %" PRIu64 ", worked on again %" PRIu64
	       "; longest pause %.1f ms, way in %.1f ms\n",
	       totals->events, (double)totals->events * 1e3 / (double)ran_ns,
	       totals->tombstones, totals->repeats, totals->again,
	       (double)longest_ns / 1e6, (double)longest_way_in() / 1e6);
	printf("  lost=0 doubled=0 torn=0 stalled=0\n");
}

static void
run(uint64_t with_seed, int seconds)
{
	struct torture_totals totals;
	int64_t ran_ns;

	seed = with_seed;
	moved_ns = t_now_ns();
	begin();
	await(are_attached());
	ran_ns = t_now_ns();
	torture_for(seconds);
	end();
	ran_ns = t_now_ns() - ran_ns;
	torture_check(n_lives + 1, kills_of(0, PRODUCERS - 1),
		      t_info(ringbus_tap_channel(tap)).cursor, &totals);
	report(ran_ns, &totals);
	ck_assert_uint_gt(totals.events, 0);
	ck_assert_uint_gt(counts.acts, 0);
	t_bus_end(&b);
}

static uint64_t
new_seed(void)
{
	return (uint64_t)t_now_ns() ^ (uint64_t)getpid() << 40;
}

TEST_TIMEOUT(from_a_fixed_seed, SAMPLE_TIMEOUT)
{
	run(SAMPLE_SEED, SAMPLE_SECONDS);
}

TEST_TIMEOUT(from_a_new_seed, SAMPLE_TIMEOUT)
{
	run(new_seed() % 1000000, SAMPLE_SECONDS);
}

/* For make torture. */
T_CASE_(as_asked, TIMEOUT, true)
{
	const char *with_seed = getenv("TORTURE_SEED");
	const char *seconds = getenv("TORTURE_SECONDS");

	run(with_seed != NULL && *with_seed != '\0'
		    ? strtoull(with_seed, NULL, 10)
		    : new_seed() % 1000000,
	    seconds != NULL && *seconds != '\0' ? atoi(seconds) : SECONDS);
}
