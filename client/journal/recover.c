/* SPDX-License-Identifier: MIT */
/*
 * recover.c - see recover.h
 */
#include "client/journal/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "client/archive/index.h"
#include "client/archive/list.h"
#include "client/journal/notice.h"
#include "client/journal/segment.h"
#include "client/journal/signals.h"

#define SECOND_NS INT64_C(1000000000)

/* How many segments back an unsealed one is looked for. */
#define SEALS_MAX 16

/* So much of a tail is kept: more than was ever on its way. */
#define TAIL_MAX (UINT64_C(64) << 20)

static int
put_aside(int dirfd, const char *name)
{
	char aside[RB_JOURNAL_NAME_SIZE + 8];

	snprintf(aside, sizeof(aside), "%s.bad", name);
	if (renameat(dirfd, name, dirfd, aside) < 0 || fsync(dirfd) < 0)
		return -errno;
	notice_error("%s: its header is damaged: kept as %s, and gone on "
		     "without it",
		     name, aside);
	return 0;
}

static int
scan_on(struct recovery *r)
{
	uint64_t n = r->scan.n_damages;
	int err = rb_journal_scan(&r->scan, &r->file);

	if (err < 0) {
		notice_error("%s cannot be read: %s", r->name, strerror(-err));
		return err;
	}
	if (n == 0 && r->scan.n_damages > 0)
		notice_error("%s:%" PRIu64 ": damage: bytes that were safe "
			     "once are wrong; see ringbusctl journal verify",
			     r->name, r->scan.intact.offset);
	return 0;
}

static int
scan_segment(const char *channel, struct recovery *r)
{
	const struct rb_journal_header *h = &r->file.header;

	if (strcmp(h->channel, channel) != 0) {
		notice_error("%s is of channel %s: each channel needs a `dir` "
			     "of its own",
			     r->name, h->channel);
		return -EINVAL;
	}
	/* What an earlier sync could not write is read back as if it had, until
	 * the kernel forgets it. */
	posix_fadvise(r->file.fd, 0, 0, POSIX_FADV_DONTNEED);
	rb_journal_scan_begin(&r->scan, &r->file);
	return scan_on(r);
}

/* What a killed writer has given to the disk goes on its way without it, and would
 * come over what is written here. It has a hold on the segment's lock. */
static int
wait_until_landed(const struct recovery *r)
{
	int64_t say_ns = notice_now_ns() + SECOND_NS;

	while (flock(r->file.fd, LOCK_SH | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (signals_stop())
			return RECOVER_STOPPED;
		if (notice_now_ns() >= say_ns) {
			notice_info("%s: waits for what its writer has on its "
				    "way to the disk",
				    r->name);
			say_ns = INT64_MAX;
		}
		notice_alive();
		signals_nap(SECOND_NS / 1000);
	}
	return 0;
}

/* 1: it was put aside, and is not to be counted. */
static int
look_at(int dirfd, const char *channel, struct recovery *r)
{
	int err = rb_journal_file_open(&r->file, dirfd, r->name);

	if (err == -EBADMSG) {
		err = put_aside(dirfd, r->name);
		if (err == 0)
			return 1;
	}
	if (err == 0)
		err = wait_until_landed(r);
	if (err < 0)
		notice_error("%s cannot be read: %s", r->name, strerror(-err));
	return err != 0 ? err : scan_segment(channel, r);
}

/* --------------------------------------------------------------- its end */

#define PIECE 65536

static bool
is_zero(const char *bytes, size_t n)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

/* How much has been, or the end, 0. */
static ssize_t
copy_piece(int from, uint64_t at, int to, uint64_t offset)
{
	char piece[PIECE];
	ssize_t n = pread(from, piece, PIECE, (off_t)(at + offset));

	if (n <= 0 || is_zero(piece, (size_t)n))
		return n;
	return pwrite(to, piece, (size_t)n, (off_t)offset);
}

/* But for zeroes, which may be most of what was allocated: there need not be room for
 * them. */
static int
copy_tail(int from, int to, uint64_t at)
{
	uint64_t done = 0;
	ssize_t n = 1;

	while (n > 0 && done < TAIL_MAX) {
		n = copy_piece(from, at, to, done);
		done += n > 0 ? (uint64_t)n : 0;
	}
	return n < 0 || fsync(to) < 0 ? -errno : 0;
}

/* The next segment will have its name. */
static bool
is_of_nothing(const struct recovery *r)
{
	return r->scan.chain.next == r->file.header.first;
}

static int
keep_tail(int dirfd, const struct recovery *r, int fd)
{
	/* Of a segment that goes, its damage too. */
	uint64_t from = is_of_nothing(r) ? RB_JOURNAL_START
					 : r->scan.chain.offset;
	char name[RB_JOURNAL_NAME_SIZE + 8];
	int tail, err;

	snprintf(name, sizeof(name), "%s.tail", r->name);
	tail = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		      0640);
	if (tail < 0)
		return -errno;
	err = copy_tail(fd, tail, from);
	close(tail);
	if (err == 0 && fsync(dirfd) < 0)
		err = -errno;
	if (err == 0)
		notice_error("%s: what is cut off at %" PRIu64 " is kept as %s",
			     r->name, from, name);
	return err;
}

static void
write_index(int dirfd, struct recovery *r)
{
	struct rb_journal_index index = { 0 };
	int err;

	rb_journal_file_refresh(&r->file);
	err = rb_journal_index_build(&index, &r->file);
	if (err == 0)
		err = rb_journal_index_write(&index, dirfd, &r->file.header,
					     r->scan.chain.offset);
	rb_journal_index_deinit(&index);
	if (err < 0)
		notice_warning("%s: no index: who seeks reads it: %s", r->name,
			       strerror(-err));
}

static int
remove_empty(int dirfd, const struct recovery *r)
{
	return unlinkat(dirfd, r->name, 0) < 0 || fsync(dirfd) < 0 ? -errno : 0;
}

static bool
has_index(int dirfd, int64_t epoch, int64_t first)
{
	char name[RB_JOURNAL_NAME_SIZE];

	rb_journal_name(name, epoch, first, "rbi");
	return faccessat(dirfd, name, F_OK, 0) == 0;
}

/* Who sealed it may have died before that was safe, and what is there is going to be
 * committed without being written again; or before it was cut, or had its index. */
static int
finish_sealed(int dirfd, struct recovery *r)
{
	const struct rb_journal_header *h = &r->file.header;
	off_t end = (off_t)r->scan.chain.offset;
	int fd = openat(dirfd, r->name, O_RDWR | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (rb_journal_file_size(&r->file) > end && ftruncate(fd, end) < 0)
		err = -errno;
	if (err == 0 && fsync(fd) < 0)
		err = -errno;
	close(fd);
	if (err == 0 && !has_index(dirfd, h->epoch, h->first))
		write_index(dirfd, r);
	return err;
}

static int
seal(int dirfd, struct recovery *r, int fd)
{
	int err;

	/* The SEAL says of all before it that it is safe. */
	if (fsync(fd) < 0)
		return -errno;
	err = segment_end(fd, &r->scan.chain);
	if (err == 0)
		write_index(dirfd, r);
	return err;
}

static int
cut_and_seal(int dirfd, struct recovery *r, bool keeps_tail)
{
	int fd = openat(dirfd, r->name, O_RDWR | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (keeps_tail && r->scan.is_torn)
		err = keep_tail(dirfd, r, fd);
	if (err == 0 && is_of_nothing(r))
		err = remove_empty(dirfd, r);
	else if (err == 0)
		err = seal(dirfd, r, fd);
	close(fd);
	return err;
}

/* One whose writer died before it was through with sealing it, although it had begun the
 * next. What was given up overlaps that one, or has no end: it stays as it is. */
static void
seal_earlier(int dirfd, const struct rb_journal_id *id, int64_t next)
{
	struct recovery r = { .file = RB_JOURNAL_FILE_NULL };
	int err;

	rb_journal_name(r.name, id->epoch, id->first, "rbj");
	if (rb_journal_file_open(&r.file, dirfd, r.name) < 0)
		return;
	rb_journal_scan_begin(&r.scan, &r.file);
	err = rb_journal_scan(&r.scan, &r.file);
	if (err == 0 && r.scan.is_sealed)
		finish_sealed(dirfd, &r);
	else if (err == 0 && !r.scan.is_torn && r.scan.n_damages == 0 &&
		 (next < 0 || r.scan.chain.next == next))
		cut_and_seal(dirfd, &r, false);
	recover_close(&r);
}

/* Behind the last one that has an index; more than a few are never unsealed. */
static void
seal_all_earlier(int dirfd, const struct rb_journal_list *list)
{
	size_t n = list->n;

	for (size_t i = n - 1; i-- > 0 && i + SEALS_MAX > n;) {
		bool is_same = list->ids[i + 1].epoch == list->ids[i].epoch;

		if (has_index(dirfd, list->ids[i].epoch, list->ids[i].first))
			break;
		seal_earlier(dirfd, &list->ids[i],
			     is_same ? list->ids[i + 1].first : -1);
	}
}

int
recover_look(int dirfd, const char *channel, struct recovery *ret)
{
	struct rb_journal_list list = { 0 };
	int err = rb_journal_list_read(&list, dirfd);
	size_t n = list.n;

	*ret = (struct recovery){ .file = RB_JOURNAL_FILE_NULL };
	if (err < 0)
		notice_error("the journal's folder cannot be read: %s",
			     strerror(-err));
	for (err = err < 0 ? err : 1; err == 1 && n > 0; n--) {
		rb_journal_name(ret->name, list.ids[n - 1].epoch,
				list.ids[n - 1].first, "rbj");
		err = look_at(dirfd, channel, ret);
	}
	if (err == 1)
		ret->name[0] = '\0';
	if (err == 0 && list.n > 1)
		seal_all_earlier(dirfd, &list);
	rb_journal_list_deinit(&list);
	return err == 1 ? 0 : err;
}

int
recover_judge(struct recovery *r, uint64_t generation, int64_t told)
{
	if (r->name[0] == '\0' || r->file.header.generation != generation ||
	    r->scan.chain.next >= told)
		return 0;
	r->scan.told = told;
	return scan_on(r);
}

int
recover_finish(int dirfd, struct recovery *r, bool keeps_tail)
{
	int err;

	if (r->name[0] == '\0')
		return 0;
	err = r->scan.is_sealed
		      ? finish_sealed(dirfd, r)
		      : cut_and_seal(dirfd, r,
				     keeps_tail || r->scan.n_damages > 0);
	/* Its name, too: that of one written with `none` is not safe yet. */
	if (err == 0 && fsync(dirfd) < 0)
		err = -errno;
	if (err < 0)
		notice_error("%s cannot be brought to its end: %s: %s", r->name,
			     strerror(-err), notice_remedy(err));
	return err;
}

void
recover_close(struct recovery *r)
{
	rb_journal_file_close(&r->file);
}
