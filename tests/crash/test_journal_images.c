/* SPDX-License-Identifier: MIT */
/*
 * test_journal_images.c - the power goes while a ringbus-journal writes: whatever the
 * disk has then, all that was acknowledged is there
 *
 * What a real one writes and syncs is written down; of that, images of what a disk may
 * have are made, brought in order as the next writer would, and read. A killed process
 * shows nothing of this, as the kernel keeps what it has written. Some thousands by
 * default, JOURNAL_IMAGES=n by request.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/journal/recover.h"
#include "tests/crash/util_faults.h"
#include "tests/crash/util_image.h"

#define KEYS "slots: 4096, event_size: 64, " T_JOURNALLED
#define RECORDS (UINT64_C(64) << 20)
#define EVENTS 2000
#define SAMPLES 20000
#define MANY 7200 /* seconds */

/* What was acknowledged before that record. */
struct sample {
	int64_t sequence;
	uint64_t records;
};

struct flow {
	struct t_bus b;
	struct t_writer w;
	struct faults *f;
	struct sample samples[SAMPLES];
	unsigned n_samples;
};

static int64_t
sample(struct flow *f)
{
	struct sample s = { .sequence = t_writer_sequence(&f->b) };

	s.records = f->f->n_records;
	if (f->n_samples < SAMPLES &&
	    (f->n_samples == 0 ||
	     f->samples[f->n_samples - 1].sequence != s.sequence))
		f->samples[f->n_samples++] = s;
	return s.sequence;
}

/* Small batches and larger ones, one or two on their way. */
static void
publish(struct flow *f)
{
	struct ringbus_producer *p = t_produce(f->b.bus, NULL);
	int64_t last = -1, lag;

	while (last < EVENTS) {
		int64_t n = 1 + random() % 60;

		t_put_all(p, (uint64_t)last + 1, (uint64_t)(last + n));
		last += n;
		lag = random() % 2 == 0 ? 0 : random() % 60;
		t_until(sample(f) >= last - lag);
		/* Before it has begun that would be its end. */
		if (random() % 16 == 0 && sample(f) >= 0)
			kill(f->w.run.pid, SIGHUP);
	}
	t_until(sample(f) >= last);
	ringbus_producer_close(p);
}

static void
record(struct flow *f, const char *const settings[2])
{
	*f = (struct flow){ 0 };
	srandom((unsigned)getpid());
	snprintf(f->w.dir, sizeof(f->w.dir), "%s/journal", t_tmpdir());
	f->f = t_faults(f->w.dir, RECORDS);
	t_bus_begin(&f->b, KEYS);
	t_faults_launch(&f->w, &f->b.daemon, "segment_size=1MiB", settings[0],
			settings[1]);
	publish(f);
	t_writer_stop(&f->w);
	t_bus_end(&f->b);
}

/* ------------------------------------------------------------------------- images */

static int64_t
acknowledged(const struct flow *f, uint64_t records)
{
	int64_t sequence = -1;

	for (unsigned i = 0; i < f->n_samples; i++)
		if (f->samples[i].records <= records)
			sequence = f->samples[i].sequence;
	return sequence;
}

/* From the first on, and at least up to there, with nothing between. */
static void
check(const char *dir, int64_t sequence, uint64_t until)
{
	struct ringbus_journal *journal;
	struct ringbus_event event;
	int64_t next = 0;
	int r;

	t_ok(ringbus_journal_open(dir, &journal));
	while ((r = ringbus_journal_next(journal, &event)) ==
	       RINGBUS_JOURNAL_EVENT) {
		ck_assert_int_eq(event.sequence, next);
		ck_assert_uint_eq(t_value(&event), (uint64_t)next);
		next++;
	}
	if (r != RINGBUS_JOURNAL_END || next <= sequence)
		ck_abort_msg("before record %llu: told %d at %lld, %lld was "
			     "acknowledged: %s",
			     (unsigned long long)until, r, (long long)next,
			     (long long)sequence,
			     ringbus_journal_error(journal));
	ringbus_journal_close(journal);
}

static void
recover(const char *dir)
{
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct recovery r;

	ck_assert_int_ge(dirfd, 0);
	t_ok(recover_look(dirfd, "a", &r));
	t_ok(recover_finish(dirfd, &r, false));
	recover_close(&r);
	close(dirfd);
}

static void
try_image(const struct flow *f, const struct history *h, uint64_t until)
{
	int64_t sequence = acknowledged(f, until);
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/image", t_shm_dir());
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	image_make(h, until, dir);
	if (random() % 2 == 0)
		check(dir, sequence, until);
	recover(dir);
	check(dir, sequence, until);
	t_remove_tree(dir);
}

/* At any time, and right behind what has acknowledged something. */
static uint64_t
choose(const struct flow *f, const struct history *h)
{
	if (random() % 2 == 0)
		return (uint64_t)random() % (h->n + 1);
	return f->samples[(unsigned)random() % f->n_samples].records;
}

static void
try_images(const char *a, const char *b)
{
	const char *const settings[2] = { a, b }, *text;
	static struct flow f;
	struct history h;

	record(&f, settings);
	/* The daemon has taken it along. */
	ck_assert(mkdir(t_shm_dir(), 0700) == 0 || errno == EEXIST);
	history_read(&h, f.f);
	ck_assert_uint_gt(f.n_samples, 10);
	text = getenv("JOURNAL_IMAGES");
	for (int64_t i = text == NULL ? 500 : atoll(text); i > 0; i--)
		try_image(&f, &h, choose(&f, &h));
	history_free(&h);
	rmdir(t_shm_dir());
}

TEST_TIMEOUT(each_write_with_its_sync, MANY)
{
	try_images("io=uring", "sync=always");
}

TEST_TIMEOUT(one_by_one_through_the_page_cache, MANY)
{
	try_images("io=sync", "direct=false");
}

TEST_TIMEOUT(many_writes_and_one_sync, MANY)
{
	try_images("io=uring", "sync=interval");
}

TEST_TIMEOUT(one_by_one_and_one_sync_for_many, MANY)
{
	try_images("io=sync", "sync=interval");
}
