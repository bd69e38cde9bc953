/* SPDX-License-Identifier: MIT */
/*
 * util_crew.c - see util_crew.h
 */
#include "tests/crash/util_crew.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#define EVENT_MAX 4096

/* What the sleeper has seen: it writes `n` last. */
struct t_log {
	struct rb_word64 n;
	struct t_seen seen[T_SEEN_MAX];
};

/* ------------------------------------------------------------------- notes */

static uint8_t
byte_of(struct t_note note, size_t i)
{
	return (uint8_t)(note.who * 31 + note.number * 7 + i);
}

void
t_note_fill(void *to, size_t size, struct t_note note)
{
	memcpy(to, &note, sizeof(note));
	for (size_t i = sizeof(note); i < size; i++)
		((uint8_t *)to)[i] = byte_of(note, i);
}

int64_t
t_note_put(struct ringbus_producer *p, size_t size, struct t_note note)
{
	void *slot;
	int64_t sequence = ringbus_producer_claim_event(p, size, RINGBUS_NOW,
							&slot);

	t_ok(sequence);
	t_note_fill(slot, size, note);
	t_ok(ringbus_producer_publish_event(p, sequence));
	return sequence;
}

struct t_note
t_note_of(const struct ringbus_event *event)
{
	const uint8_t *bytes = event->data;
	struct t_note note;

	/* Without check's macros, which make a system call each. */
	if (event->size < sizeof(note))
		ck_abort_msg("an event of %zu bytes", event->size);
	memcpy(&note, bytes, sizeof(note));
	for (size_t i = sizeof(note); i < event->size; i++)
		if (bytes[i] != byte_of(note, i))
			ck_abort_msg("torn at byte %zu of %lld", i,
				     (long long)event->sequence);
	return note;
}

static struct t_seen
see(const struct ringbus_event *event)
{
	return (struct t_seen){ event->sequence, event->last,
				t_note_of(event) };
}

/* ----------------------------------------------------------------- sleeper */

static void
write_down(struct t_log *log, const struct ringbus_event *event)
{
	uint64_t n = t_read(&log->n);

	log->seen[n % T_SEEN_MAX] = see(event);
	t_store(&log->n, n + 1);
}

static int
sleep_and_read(void *arg)
{
	const struct t_crew *crew = arg;
	struct ringbus *bus = t_connect(&crew->b.daemon);
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	struct ringbus_event event;

	o.name = "sleeper";
	o.wait = RINGBUS_WAIT_BLOCKING;
	c = t_consume(bus, &o);
	for (;;) {
		t_ok(ringbus_consumer_wait(c, RINGBUS_FOREVER));
		while (ringbus_consumer_next(c, &event) > 0)
			write_down(crew->log, &event);
		t_ok(ringbus_consumer_commit(c));
	}
}

/* -------------------------------------------------------------------- crew */

void
t_crew_begin(struct t_crew *crew, const char *keys)
{
	*crew = (struct t_crew){ .last = -1 };
	t_bus_begin(&crew->b, "%s", keys);
	t_daemon_map(&crew->b.daemon, "a", RB_ROLE_TAP, &crew->map);
	crew->log = mmap(NULL, sizeof(*crew->log), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(crew->log, MAP_FAILED);
	crew->reader = t_consume_as(crew->b.bus, "reader", RINGBUS_FROM_NOW);
	crew->tap = t_tap(crew->b.bus, RINGBUS_FROM_NOW);
	crew->sleeper = t_child(sleep_and_read, crew);
	t_until(t_has_member(ringbus_consumer_channel(crew->reader),
			     RINGBUS_CONSUMER, "sleeper"));
}

void
t_crew_end(struct t_crew *crew)
{
	t_kill(crew->sleeper);
	rb_channel_detach(&crew->map);
	t_bus_end(&crew->b);
	munmap(crew->log, sizeof(*crew->log));
}

/* The reader's view is the one that the others are held to. */
static bool
is_last(struct t_crew *crew, const struct t_seen *seen, struct t_note up_to)
{
	ck_assert_uint_lt(crew->n_seen, T_SEEN_MAX);
	ck_assert_int_gt(seen->sequence, crew->last);
	crew->n_gaps += seen->sequence - crew->last - 1;
	crew->last = seen->last;
	crew->seen[crew->n_seen++] = *seen;
	return memcmp(&seen->note, &up_to, sizeof(up_to)) == 0;
}

static void
read_up_to(struct t_crew *crew, struct t_note up_to)
{
	struct ringbus_event event;
	struct t_seen seen;

	do {
		t_next(crew->reader, &event);
		seen = see(&event);
	} while (!is_last(crew, &seen, up_to));
}

static void
check_same(const struct t_seen *a, const struct t_seen *b)
{
	ck_assert_int_eq(a->sequence, b->sequence);
	ck_assert_uint_eq(a->note.who, b->note.who);
	ck_assert_uint_eq(a->note.number, b->note.number);
}

static void
check_tap(const struct t_crew *crew)
{
	static uint8_t buffer[EVENT_MAX];

	for (unsigned i = 0; i < crew->n_seen; i++) {
		struct ringbus_event event = { .data = buffer };
		struct t_seen seen;

		event.sequence = ringbus_tap_read(
			crew->tap, buffer, sizeof(buffer), &event.size, T_LONG);
		t_ok(event.sequence);
		seen = see(&event);
		check_same(&crew->seen[i], &seen);
	}
	if (crew->map.clear == RB_CLEAR_NONE) /* else it may come too late */
		ck_assert_int_eq(ringbus_tap_lost(crew->tap), 0);
}

static void
check_sleeper(struct t_crew *crew)
{
	const struct ringbus_channel *channel = ringbus_consumer_channel(
		crew->reader);
	struct t_log *log = crew->log;

	t_until(t_read(&log->n) >= crew->n_read + crew->n_seen);
	for (unsigned i = 0; i < crew->n_seen; i++, crew->n_read++)
		check_same(&crew->seen[i],
			   &log->seen[crew->n_read % T_SEEN_MAX]);
	t_until(t_member(channel, RINGBUS_CONSUMER, "sleeper").sequence >=
		crew->last);
}

void
t_crew_read(struct t_crew *crew, uint64_t who, uint64_t number)
{
	crew->n_seen = 0;
	crew->n_gaps = 0;
	read_up_to(crew, (struct t_note){ who, number });
	check_tap(crew); /* until we commit, nothing of it is cleared */
	t_ok(ringbus_consumer_commit(crew->reader));
	check_sleeper(crew);
}

uint64_t
t_crew_n_heard(const struct t_crew *crew)
{
	return t_read(&crew->log->n);
}

unsigned
t_crew_count(const struct t_crew *crew, uint64_t who)
{
	unsigned n = 0;

	for (unsigned i = 0; i < crew->n_seen; i++)
		if (crew->seen[i].note.who == who)
			ck_assert_uint_eq(crew->seen[i].note.number, n++);
	return n;
}

struct ringbus_producer *
t_crew_succeed(const struct t_crew *crew)
{
	struct ringbus_producer *p = NULL;
	int err;

	t_until((err = ringbus_producer_open(crew->b.bus, "a", NULL, &p)) !=
		-EBUSY);
	t_bus_ok(crew->b.bus, err);
	return p;
}

static unsigned
count_members(const struct t_crew *crew, int role)
{
	const struct ringbus_channel *channel = ringbus_consumer_channel(
		crew->reader);
	unsigned n = 0;

	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		struct ringbus_member m = { .size = sizeof(m) };

		if (ringbus_channel_member(channel, role, i, &m) == 1 &&
		    m.state != RINGBUS_MEMBER_DECLARED)
			n++;
	}
	return n;
}

void
t_crew_until_members(const struct t_crew *crew, unsigned n_producers,
		     unsigned n_consumers)
{
	t_until(count_members(crew, RINGBUS_PRODUCER) == n_producers);
	t_until(count_members(crew, RINGBUS_CONSUMER) == n_consumers);
}
