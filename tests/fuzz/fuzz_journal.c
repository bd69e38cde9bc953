/* SPDX-License-Identifier: MIT */
/*
 * fuzz_journal.c - files that say to the reader of a journal what they like
 *
 * The input has a journal written, spoilt and forged, and between that reads it,
 * searches, looks and trims, by a handle that stays or new ones. Whatever the files
 * are: sequences only go forward, calls end, and no byte outside is read. As long as
 * nothing was forged, each event is the one that was written.
 */
#include <errno.h>
#include <unistd.h>

#include "client/archive/scan.h"
#include "client/ringbus.h"
#include "tests/fuzz/forge.h"

#define STEPS_MAX 64
#define CALLS_MAX 200000 /* more than all files have slots */

struct play {
	struct input in;
	struct forge forge;
	const char *folder;
	struct ringbus_journal *journal;
	int64_t next; /* what may come next, at least */
	int64_t epoch;
};

static unsigned seen; /* so that what is read is read */

static void
check_event(struct play *p, const struct ringbus_event *e)
{
	struct ringbus_journal_place place = { .size = sizeof(place) };
	const uint8_t *bytes = e->data;

	fuzz_expect(ringbus_journal_place(p->journal, &place) == 0);
	fuzz_expect(place.sequence == e->sequence);
	fuzz_expect(place.epoch >= p->epoch);
	for (size_t i = 0; i < e->size; i++)
		seen += bytes[i];
	if (p->forge.is_honest)
		fuzz_expect(forge_is_event(place.epoch, e->sequence, e->data,
					   e->size));
}

/* One thing of it; false at the end for now. */
static bool
read_one(struct play *p)
{
	struct ringbus_event e;
	int r = ringbus_journal_next(p->journal, &e);

	switch (r) {
	case RINGBUS_JOURNAL_EVENT:
		check_event(p, &e);
		/* fallthrough */
	case RINGBUS_JOURNAL_HOLE:
		fuzz_expect(e.sequence >= p->next);
		fuzz_expect(e.last >= e.sequence);
		p->next = e.last + 1;
		return true;
	case RINGBUS_JOURNAL_EPOCH:
		p->next = e.sequence;
		return true;
	case RINGBUS_JOURNAL_DAMAGE:
		fuzz_expect(ringbus_journal_error(p->journal)[0] == '/');
		return true;
	}
	fuzz_expect(r == RINGBUS_JOURNAL_END);
	return false;
}

static void
open_anew(struct play *p)
{
	ringbus_journal_close(p->journal);
	fuzz_expect(ringbus_journal_open(p->folder, &p->journal) == 0);
	p->next = p->epoch = 0;
}

static void
read_to_the_end(struct play *p)
{
	unsigned n = 0;

	while (read_one(p))
		fuzz_expect(n++ < CALLS_MAX);
}

static int64_t
choose_sequence(struct play *p)
{
	return input_below(&p->in, 4) == 0
		       ? input_number(&p->in)
		       : (int64_t)input_below(&p->in, 200) - 2;
}

static int64_t
choose_time(struct play *p)
{
	return input_below(&p->in, 4) == 0
		       ? input_number(&p->in)
		       : 1000 + (int64_t)input_below(&p->in, 200);
}

static void
seek(struct play *p)
{
	int64_t r;

	if (input_below(&p->in, 3) == 0) {
		r = ringbus_journal_seek_time(p->journal, choose_time(p));
		fuzz_expect_result(r, -ENOENT, 0);
	} else {
		int64_t epoch = input_below(&p->in, 4);

		r = ringbus_journal_seek(p->journal, epoch, choose_sequence(p));
		fuzz_expect_result(r, -ENOENT, -ERANGE, -EINVAL, 0);
	}
	p->epoch = 0;
	if (r == 0 || r == -ERANGE)
		p->next = 0;
}

static void
look(struct play *p)
{
	struct ringbus_journal_info info = { .size = sizeof(info) };
	struct ringbus_segment s = { .size = sizeof(s) };
	int r;

	fuzz_expect_result(ringbus_journal_info(p->journal, &info), -EBADMSG,
			   -EPROTONOSUPPORT, 0);
	for (unsigned i = 0;; i++) {
		s.size = sizeof(s);
		r = ringbus_journal_segment(p->journal, i, &s);
		if (r == 0)
			return;
		fuzz_expect_result(r, -EBADMSG, -EPROTONOSUPPORT, -ENOENT, 0);
		fuzz_expect(r < 0 || s.last >= s.first - 1);
	}
}

static void
trim(struct play *p)
{
	int64_t epoch = input_below(&p->in, 4);

	fuzz_expect_result(ringbus_journal_trim(p->journal, epoch,
						choose_sequence(p)),
			   -EBADMSG, -EPROTONOSUPPORT, -EINVAL, 0);
}

/* As a writer does that comes again. */
static void
recover(struct play *p)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	struct rb_journal_scan scan;

	if (p->forge.name[0] != '\0' &&
	    rb_journal_file_open(&file, p->forge.dirfd, p->forge.name) == 0) {
		rb_journal_scan_begin(&scan, &file);
		fuzz_expect(rb_journal_scan(&scan, &file) == 0);
		fuzz_expect(scan.chain.next >= file.header.first);
		fuzz_expect(scan.chain.offset >= RB_JOURNAL_START);
	}
	rb_journal_file_close(&file);
}

static void
step(struct play *p)
{
	switch (input_below(&p->in, 16)) {
	case 8:
	case 9:
		forge_spoil(&p->forge);
		break;
	case 10:
		forge_lie(&p->forge);
		break;
	case 11:
		for (unsigned n = input_below(&p->in, 20); n > 0; n--)
			read_one(p);
		break;
	case 12:
		seek(p);
		break;
	case 13:
		look(p);
		break;
	case 14:
		if (input_below(&p->in, 4) == 0)
			trim(p);
		else
			recover(p);
		break;
	case 15:
		if (input_below(&p->in, 2) == 0)
			open_anew(p);
		else
			read_to_the_end(p);
		break;
	default:
		forge_write(&p->forge);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *folder;
	static unsigned n_fds;
	struct play p = { .in = { data, size } };

	if (folder == NULL) {
		folder = fuzz_new_folder();
		n_fds = fuzz_count_fds();
	}
	p.folder = folder;
	forge_begin(&p.forge, &p.in, folder);
	open_anew(&p);
	for (int i = 0; i < STEPS_MAX && p.in.left > 0; i++)
		step(&p);
	read_to_the_end(&p);
	open_anew(&p);
	read_to_the_end(&p);
	ringbus_journal_close(p.journal);
	forge_end(&p.forge);
	fuzz_expect(fuzz_count_fds() == n_fds);
	return 0;
}
