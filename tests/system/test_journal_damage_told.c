/* SPDX-License-Identifier: MIT */
/*
 * test_journal_damage_told.c - damage that the file alone takes for a torn end
 *
 * When the block behind it was made, it was on its way still, and so that says: that
 * both were acknowledged then, only the place of the consumer tells.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/system/util_writer.h"

#define KEYS "slots: 4096, event_size: 64, " T_JOURNALLED

static void
spoil(const struct t_writer *w, int64_t sequence)
{
	struct ringbus_journal_place place = { .size = sizeof(place) };
	struct ringbus_journal *journal;
	struct ringbus_event event;
	char path[PATH_MAX];
	int fd;

	t_ok(ringbus_journal_open(w->dir, &journal));
	t_ok(ringbus_journal_seek(journal, 0, sequence));
	ck_assert_int_eq(t_told(journal, &event), 1);
	t_ok(ringbus_journal_place(journal, &place));
	ringbus_journal_close(journal);
	ck_assert_int_lt(snprintf(path, PATH_MAX, "%s/%s", w->dir, place.file),
			 PATH_MAX);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "spoilt", 6, place.offset), 6);
	close(fd);
}

/* At once, so that it is one block. */
static void
put_block(struct ringbus_producer *p, int64_t n)
{
	int64_t last = ringbus_producer_claim(p, n, T_LONG);

	t_ok(last);
	for (int64_t s = last - n + 1; s <= last; s++)
		*(int64_t *)ringbus_producer_slot(p, s) = s;
	t_ok(ringbus_producer_publish(p, last - n + 1, last));
}

/* Blocks, none of which is safe before the last: then all of them are. */
static void
store(const struct t_bus *b, struct t_writer *w, struct ringbus_producer *p)
{
	t_writer_start(w, &b->daemon, "sync=interval", "sync_interval=1h",
		       NULL);
	put_block(p, 100);
	t_writer_until_stored(w, 99);
	put_block(p, 100);
	t_writer_until_stored(w, 199);
	/* More than half of the ring: it is synced now. */
	t_put_all(p, 200, 2999);
	t_writer_until(b, 199);
	t_writer_kill(w);
}

static void
told_all(struct ringbus_journal *journal, int64_t first, int64_t last)
{
	struct ringbus_event event;

	for (int64_t i = first; i <= last; i++) {
		ck_assert_int_eq(t_told(journal, &event), 1);
		ck_assert_int_eq(event.sequence, i);
	}
}

TEST(damage_below_the_gate_costs_only_what_is_damaged)
{
	struct ringbus_journal *journal;
	struct ringbus_producer *p;
	struct t_writer w = { 0 };
	struct ringbus_event event;
	struct t_bus b;

	t_bus_begin(&b, KEYS);
	p = t_produce(b.bus, NULL);
	store(&b, &w, p);
	spoil(&w, 50);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	ck_assert(t_run_said(&w.run, "damage: bytes that were safe once"));
	ck_assert(!t_run_said(&w.run, "a hole"));
	t_put_all(p, 3000, 3999);
	t_writer_until(&b, 3999);
	t_writer_stop(&w);
	t_ok(ringbus_journal_open(w.dir, &journal));
	ck_assert_int_eq(ringbus_journal_next(journal, &event),
			 RINGBUS_JOURNAL_DAMAGE);
	ck_assert_int_eq(t_told(journal, &event), RINGBUS_JOURNAL_HOLE);
	ck_assert_int_eq(event.sequence, 0);
	ck_assert_int_eq(event.last, 99);
	told_all(journal, 100, 3999);
	ck_assert_int_eq(t_told(journal, &event), 0);
	ringbus_journal_close(journal);
	ringbus_producer_close(p);
	t_bus_end(&b);
}
