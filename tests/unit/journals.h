/* SPDX-License-Identifier: MIT */
/*
 * journals.h - what the tests of reading a journal expect of it, call by call
 */
#ifndef UNIT_JOURNALS_H
#define UNIT_JOURNALS_H

#include <stdlib.h>

#include "client/ringbus.h"
#include "shm/geometry.h"
#include "tests/t.h"
#include "tests/util_journal.h"

static struct t_journal w; /* what is written */
static struct ringbus_journal *r;
static struct ringbus_event e;

__attribute__((unused)) static void
begin(uint32_t align, uint32_t framing, uint64_t slot_size)
{
	t_journal_open(&w, t_tmpdir(), align, framing, slot_size);
	t_ok(ringbus_journal_open(t_tmpdir(), &r));
}

__attribute__((unused)) static void
end(void)
{
	ringbus_journal_close(r);
	t_journal_close(&w);
}

/* Further ones on a folder: from its beginning. */
__attribute__((unused)) static void
reopen(void)
{
	ringbus_journal_close(r);
	t_ok(ringbus_journal_open(t_tmpdir(), &r));
}

#define expect(what) ck_assert_int_eq(ringbus_journal_next(r, &e), (what))
#define expect_end() expect(RINGBUS_JOURNAL_END)

/* Events of one slot each. */
#define expect_events(first, last_)                                            \
	do {                                                                   \
		for (int64_t s_ = (first); s_ <= (last_); s_++) {              \
			expect(RINGBUS_JOURNAL_EVENT);                         \
			ck_assert_int_eq(e.sequence, s_);                      \
			ck_assert_int_eq(e.last, s_);                          \
			ck_assert(t_event_is(e.data, e.size, s_));             \
		}                                                              \
	} while (0)

#define expect_range(what, first, last_)                                       \
	do {                                                                   \
		expect(what);                                                  \
		ck_assert_int_eq(e.sequence, first);                           \
		ck_assert_int_eq(e.last, last_);                               \
		ck_assert_ptr_null(e.data);                                    \
	} while (0)

#define expect_hole(first, last_)                                              \
	expect_range(RINGBUS_JOURNAL_HOLE, first, last_)

/* At an offset of the file that is written, or of another. */
#define expect_damage(name, offset_)                                           \
	do {                                                                   \
		char where_[128];                                              \
                                                                               \
		expect(RINGBUS_JOURNAL_DAMAGE);                                \
		snprintf(where_, sizeof(where_), "/%s:%llu: ", name,           \
			 (unsigned long long)(offset_));                       \
		ck_assert_msg(                                                 \
			strstr(ringbus_journal_error(r), where_) != NULL,      \
			"%s is not at %s", ringbus_journal_error(r), where_);  \
	} while (0)

#endif
