/* SPDX-License-Identifier: MIT */
/*
 * test_reload_flow.c - one reload after another while processes publish as fast as
 * they can: nothing is lost, nothing leaks; and the same with one daemon after
 * another
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/system/util_bus.h"

#define N_RELOADS 100
#define N_PRODUCERS 2 /* of each channel */
#define N_CHANNELS 2

static const char *const names[N_CHANNELS] = { "fixed", "framed" };

/* ------------------------------------------------------------- who publishes, reads */

struct event {
	uint64_t producer;
	uint64_t number;
	char more[64]; /* on a framed channel, some of it */
};

struct flow {
	struct t_daemon d;
	struct rb_word64 *stop;
	struct rb_word64 *written[N_CHANNELS][N_PRODUCERS];
	struct rb_word64 *ended[N_CHANNELS]; /* producers that are */
	struct rb_word64 *longest_ns; /* between two events that were read */
	struct rb_word64 *n_read;
	pid_t readers[N_CHANNELS];
	pid_t writers[N_CHANNELS][N_PRODUCERS];
};

struct role {
	struct flow *flow;
	unsigned channel;
	uint64_t number;
};

static size_t
size_of(unsigned channel, uint64_t number)
{
	return 16 + (channel == 1 ? number % 64 : 0);
}

static int
publish(void *arg)
{
	const struct role *r = arg;
	struct event event = { .producer = r->number };
	struct ringbus *bus = t_connect(&r->flow->d);
	struct ringbus_producer *p;

	t_bus_ok(bus, ringbus_producer_open(bus, names[r->channel], NULL, &p));
	t_store(r->flow->written[r->channel][r->number], 1); /* it is there */
	while (t_read(r->flow->stop) == 0) {
		t_bus_ok(bus, ringbus_producer_write(p, &event,
						     size_of(r->channel,
							     event.number),
						     T_LONG));
		event.number++;
	}
	t_store(r->flow->written[r->channel][r->number], event.number);
	ringbus_producer_close(p);
	ringbus_close(bus);
	return 0;
}

static bool
is_done(const struct role *r, const uint64_t next[N_PRODUCERS])
{
	if (t_read(r->flow->ended[r->channel]) == 0)
		return false;
	for (unsigned i = 0; i < N_PRODUCERS; i++)
		if (next[i] < t_read(r->flow->written[r->channel][i]))
			return false;
	return true;
}

static void
look(const struct role *r, const struct ringbus_event *e,
     uint64_t next[N_PRODUCERS])
{
	struct event event = { 0 };

	ck_assert_uint_le(e->size, sizeof(event));
	memcpy(&event, e->data, e->size);
	ck_assert_uint_lt(event.producer, N_PRODUCERS);
	ck_assert_uint_eq(event.number, next[event.producer]);
	next[event.producer]++;
	if (r->channel == 1)
		ck_assert_uint_eq(e->size, size_of(1, event.number));
}

static void
note_pause(const struct role *r, int64_t *last_ns)
{
	int64_t now_ns = rb_clock_ns();

	if (*last_ns != 0 &&
	    (uint64_t)(now_ns - *last_ns) > t_read(r->flow->longest_ns))
		t_store(r->flow->longest_ns, (uint64_t)(now_ns - *last_ns));
	*last_ns = now_ns;
}

static int
consume(void *arg)
{
	const struct role *r = arg;
	uint64_t next[N_PRODUCERS] = { 0 };
	struct ringbus *bus = t_connect(&r->flow->d);
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	struct ringbus_event event;
	int64_t last_ns = 0;

	o.name = "app";
	t_bus_ok(bus, ringbus_consumer_open(bus, names[r->channel], &o, &c));
	t_store(r->flow->n_read, t_read(r->flow->n_read) + 1);
	while (!is_done(r, next)) {
		if (ringbus_consumer_wait(c, 10 * T_MS) < 0)
			continue;
		while (ringbus_consumer_next(c, &event) > 0)
			look(r, &event, next);
		t_ok(ringbus_consumer_commit(c));
		if (r->channel == 0)
			note_pause(r, &last_ns);
	}
	printf("%s: %" PRIu64 " and %" PRIu64 " events\n", names[r->channel],
	       next[0], next[1]);
	fflush(stdout);
	ringbus_consumer_close(c);
	ringbus_close(bus);
	return 0;
}

static void
prepare(struct flow *f)
{
	f->stop = t_counter();
	f->longest_ns = t_counter();
	f->n_read = t_counter();
	for (unsigned c = 0; c < N_CHANNELS; c++) {
		f->ended[c] = t_counter();
		for (unsigned i = 0; i < N_PRODUCERS; i++)
			f->written[c][i] = t_counter();
	}
}

/* Readers first, each before the next, as they count themselves. */
static void
begin(struct flow *f, const char *yaml)
{
	struct role role = { .flow = f };

	t_daemon_start(&f->d, yaml);
	prepare(f);
	for (unsigned c = 0; c < N_CHANNELS; c++) {
		role.channel = c;
		f->readers[c] = t_child(consume, &role);
		t_until(t_read(f->n_read) == c + 1);
	}
	for (unsigned c = 0; c < N_CHANNELS; c++)
		for (unsigned i = 0; i < N_PRODUCERS; i++) {
			role.channel = c;
			role.number = i;
			f->writers[c][i] = t_child(publish, &role);
			t_until(t_read(f->written[c][i]) > 0);
		}
}

static void
end(struct flow *f)
{
	t_store(f->stop, 1);
	for (unsigned c = 0; c < N_CHANNELS; c++) {
		for (unsigned i = 0; i < N_PRODUCERS; i++)
			t_join(f->writers[c][i]);
		t_store(f->ended[c], 1);
		t_join(f->readers[c]);
	}
}

/* ----------------------------------------------------------------- the daemon */

static unsigned
count_files(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Of channels. */
static unsigned
count_mappings(const struct t_daemon *d)
{
	char path[64], line[PATH_MAX + 256];
	unsigned n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", d->pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		n += strstr(line, d->shm) != NULL;
	fclose(file);
	return n;
}

#define USED(wait, keep, extra)                                                \
	"  fixed: { slots: 1024, event_size: 80, producers: multi, "           \
	"wait: " wait ", consumers: { app: { on_death: keep, keep_for: " keep  \
	" }" extra " } }\n"                                                    \
	"  framed: { slots: 2048, framing: framed, slot_size: 32, producers: " \
	"multi, stuck: kill, stuck_after: " keep ", access: { tap: [] }, "     \
	"consumers: { app: } }\n"

/* Channels come, go, and are made anew; policies change; and back. */
static const char *const states[] = {
	"channels:\n" USED("blocking", "60s", ""),
	"channels:\n" USED("blocking", "90s",
			   "") "  new: { slots: 16 }\n  other: { slots: 64 }\n",
	"daemon: { max_clients: 100 }\nchannels:\n" USED(
		"yielding", "60s",
		", late: { on_death: release }") "  new: { slots: 32 }\n",
	"channels:\n" USED("blocking", "70s",
			   "") "  new: { slots: 32, isolation: sealed }\n",
};

static void
reload(struct ringbus *bus, const struct flow *f, unsigned i)
{
	t_daemon_configure(&f->d, states[i % RB_ARRAY_SIZE(states)]);
	t_bus_ok(bus, ringbus_reload(bus, 0));
}

TEST_TIMEOUT(hundred_reloads_lose_nothing_and_leak_nothing, 120)
{
	unsigned n_files, n_mappings;
	struct ringbus *bus;
	struct flow f;

	begin(&f, states[0]);
	bus = t_connect(&f.d);
	for (unsigned i = 1; i <= RB_ARRAY_SIZE(states); i++)
		reload(bus, &f, i);
	n_files = count_files(f.d.pid);
	n_mappings = count_mappings(&f.d);
	for (unsigned i = 1; i <= N_RELOADS; i++)
		reload(bus, &f, i);
	ck_assert_uint_eq(count_files(f.d.pid), n_files);
	ck_assert_uint_eq(count_mappings(&f.d), n_mappings);
	end(&f);
	ringbus_close(bus);
	t_daemon_stop(&f.d);
}

/* ------------------------------------------------------------------- upgrades */

/* How long nothing was read, at most, while nothing was done to the daemon, and
 * while one followed another. For people: this is no place to judge times. */
TEST_TIMEOUT(daemon_after_daemon_loses_nothing, 120)
{
	int64_t calm_ns = 500 * T_MS, until_ns;
	uint64_t calm, busy;
	struct flow f;

	begin(&f, states[0]);
	until_ns = rb_clock_ns() + calm_ns;
	t_until(rb_clock_ns() > until_ns);
	calm = t_read(f.longest_ns);
	t_store(f.longest_ns, 0);
	for (unsigned i = 0; i < 5; i++) {
		t_daemon_kill(&f.d);
		t_daemon_restart(&f.d);
	}
	busy = t_read(f.longest_ns);
	end(&f);
	printf("longest without an event: %.1f ms calm, %.1f ms while 5 "
	       "daemons followed each other\n",
	       (double)calm / 1e6, (double)busy / 1e6);
	t_daemon_stop(&f.d);
}
