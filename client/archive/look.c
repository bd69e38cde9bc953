/* SPDX-License-Identifier: MIT */
/*
 * look.c - what a journal has, and the removal of the oldest of it
 *
 * Beside the position, which stays. A sealed segment tells by its last block where it
 * ends; any other has to be looked through. Of the last one that is remembered, and
 * goes on where it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "client/archive/reader.h"

static int
read_list(struct ringbus_journal *j)
{
	int err = rb_journal_list_read(&j->list, j->dirfd);

	return err < 0 ? rb_journal_refuse(j, err, ".", "0: %s", strerror(-err))
		       : 0;
}

static bool
is_id(const struct rb_journal_id *a, const struct rb_journal_id *b)
{
	return rb_journal_id_compare(a, b) == 0;
}

/* ------------------------------------------------------------------ one segment */

static int
open_look(struct rb_journal_look *look, int dirfd,
	  const struct rb_journal_id *id, const char *name)
{
	int err;

	if (look->file.fd >= 0 && is_id(&look->id, id) &&
	    !rb_journal_file_is_gone(&look->file))
		return 0;
	rb_journal_file_close(&look->file);
	err = rb_journal_file_open(&look->file, dirfd, name);
	if (err < 0)
		return err;
	look->id = *id;
	rb_journal_scan_begin(&look->scan, &look->file);
	return 0;
}

static int64_t
first_time(struct rb_journal_file *file)
{
	struct rb_journal_block block;

	return rb_journal_file_peek(file, RB_JOURNAL_START, &block) ==
			       RB_JOURNAL_BLOCK
		       ? block.time_ns
		       : file->header.created_ns;
}

/* Its end: by its seal, or all its blocks. */
static int
find_end(struct rb_journal_look *look, struct ringbus_segment *ret)
{
	struct rb_journal_block seal;
	int r = rb_journal_file_find_seal(&look->file, &seal);

	if (r < 0)
		return r;
	ret->sealed = r;
	ret->last = seal.first - 1;
	ret->last_ns = seal.time_ns;
	if (r == 1)
		return 0;
	r = rb_journal_scan(&look->scan, &look->file);
	ret->last = look->scan.chain.next - 1;
	ret->last_ns = look->scan.chain.time_ns;
	return r;
}

static void
copy_header(struct ringbus_segment *ret, const struct rb_journal_header *header)
{
	memcpy(ret->channel, header->channel, sizeof(ret->channel));
	memcpy(ret->type, header->type, sizeof(ret->type));
	ret->type_version = header->type_version;
	ret->framing = (int)header->framing;
	ret->slot_size = header->slot_size;
	ret->event_size = header->event_size;
	ret->generation = header->generation;
}

/* With *ret as far as it is known from outside. */
static int
describe(struct ringbus_journal *j, struct rb_journal_look *look, size_t i,
	 struct ringbus_segment *ret)
{
	const struct rb_journal_id *id = &j->list.ids[i];
	int err = open_look(look, j->dirfd, id, ret->file);

	if (err < 0)
		return err;
	err = find_end(look, ret);
	if (err < 0)
		return err;
	copy_header(ret, &look->file.header);
	ret->first_ns = first_time(&look->file);
	if (i + 1 < j->list.n && id[1].epoch == id->epoch &&
	    ret->last >= id[1].first)
		ret->last = id[1].first - 1;
	return 0;
}

/* The bytes are of any file of that name. */
static int
describe_name(struct ringbus_journal *j, size_t i, struct ringbus_segment *ret)
{
	const struct rb_journal_id *id = &j->list.ids[i];
	struct stat st;

	*ret = (struct ringbus_segment){ .size = sizeof(*ret) };
	rb_journal_name(ret->file, id->epoch, id->first, "rbj");
	ret->epoch = id->epoch;
	ret->first = id->first;
	ret->last = id->first - 1;
	if (fstatat(j->dirfd, ret->file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	ret->bytes = (uint64_t)st.st_size;
	return 0;
}

static int
describe_segment(struct ringbus_journal *j, size_t i,
		 struct ringbus_segment *ret)
{
	struct rb_journal_look look = { .file = RB_JOURNAL_FILE_NULL };
	int err = describe_name(j, i, ret);

	if (err < 0)
		return rb_journal_explain(j, err, ret->file);
	if (i + 1 == j->list.n) {
		err = describe(j, &j->last, i, ret);
	} else {
		err = describe(j, &look, i, ret);
		rb_journal_file_close(&look.file);
	}
	return err < 0 ? rb_journal_explain(j, err, ret->file) : 0;
}

static int
look_at(struct ringbus_journal *j, unsigned index, struct ringbus_segment *ret)
{
	int err = index == 0 ? read_list(j) : 0;

	if (err < 0)
		return err;
	if (index >= j->list.n)
		return 0;
	err = describe_segment(j, index, ret);
	return err < 0 ? err : 1;
}

int
ringbus_journal_segment(struct ringbus_journal *journal, unsigned index,
			struct ringbus_segment *ret)
{
	int r, cancel;

	if (ret->size != sizeof(*ret))
		return -EINVAL;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	r = look_at(journal, index, ret);
	pthread_setcancelstate(cancel, NULL);
	return r;
}

/* ----------------------------------------------------------------- all of them */

static void
copy_channel(struct ringbus_journal_info *ret, const struct ringbus_segment *s)
{
	memcpy(ret->channel, s->channel, sizeof(ret->channel));
	memcpy(ret->type, s->type, sizeof(ret->type));
	ret->type_version = s->type_version;
	ret->framing = s->framing;
	ret->slot_size = s->slot_size;
	ret->event_size = s->event_size;
	ret->epoch = s->epoch;
	ret->generation = s->generation;
}

/* The oldest one of the last epoch. */
static size_t
find_first(const struct ringbus_journal *j)
{
	size_t i = j->list.n - 1;

	while (i > 0 && j->list.ids[i - 1].epoch == j->list.ids[i].epoch)
		i--;
	return i;
}

/* The ends of the last epoch, of the segments that have a header. */
static int
find_ends(struct ringbus_journal *j, struct ringbus_journal_info *ret)
{
	struct ringbus_segment s;
	size_t first = find_first(j), last = j->list.n - 1;
	int err = describe_segment(j, last, &s);

	while (err == -EBADMSG && last > first)
		err = describe_segment(j, --last, &s);
	if (err < 0)
		return err;
	copy_channel(ret, &s);
	ret->last = s.last;
	ret->last_ns = s.last_ns;
	do
		err = describe_segment(j, first, &s);
	while (err == -EBADMSG && first++ < last);
	ret->first = s.first;
	ret->first_ns = s.first_ns;
	return err;
}

static int
sum_up(struct ringbus_journal *j, struct ringbus_journal_info *ret)
{
	char name[RB_JOURNAL_NAME_SIZE];
	struct stat st;
	int err = read_list(j);

	*ret = (struct ringbus_journal_info){ .size = sizeof(*ret),
					      .last = -1 };
	if (err < 0 || j->list.n == 0)
		return err;
	for (size_t i = 0; i < j->list.n; i++) {
		rb_journal_name(name, j->list.ids[i].epoch,
				j->list.ids[i].first, "rbj");
		if (fstatat(j->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			ret->bytes += (uint64_t)st.st_size;
	}
	ret->segments = j->list.n;
	return find_ends(j, ret);
}

int
ringbus_journal_info(struct ringbus_journal *journal,
		     struct ringbus_journal_info *ret)
{
	int err, cancel;

	if (ret->size != sizeof(*ret))
		return -EINVAL;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	err = sum_up(journal, ret);
	pthread_setcancelstate(cancel, NULL);
	return err;
}

/* -------------------------------------------------------------------- removing */

/* Whether all of it is before a sequence of an epoch: 1, 0 or a negative errno. */
static int
is_before(struct ringbus_journal *j, size_t i, int64_t epoch, int64_t sequence)
{
	const struct rb_journal_id *id = &j->list.ids[i];
	struct ringbus_segment s;
	int err;

	if (id->epoch != epoch)
		return id->epoch < epoch;
	if (id[1].epoch == epoch && id[1].first <= sequence)
		return 1;
	err = describe_segment(j, i, &s);
	return err < 0 ? err : s.last < sequence;
}

static int
remove_one(struct ringbus_journal *j, const struct rb_journal_id *id)
{
	char name[RB_JOURNAL_NAME_SIZE];

	rb_journal_name(name, id->epoch, id->first, "rbi");
	unlinkat(j->dirfd, name, 0);
	rb_journal_name(name, id->epoch, id->first, "rbj");
	if (unlinkat(j->dirfd, name, 0) < 0 && errno != ENOENT)
		return rb_journal_refuse(j, -errno, name,
					 "0: cannot be removed: %m");
	return 0;
}

/* The last one is never looked at: it says where the journal goes on. */
static int64_t
trim(struct ringbus_journal *j, int64_t epoch, int64_t sequence)
{
	int64_t n = 0;
	int r = read_list(j);

	if (r < 0 || j->list.n == 0)
		return r;
	if (epoch == 0)
		epoch = j->list.ids[j->list.n - 1].epoch;
	while ((size_t)n + 1 < j->list.n) {
		r = is_before(j, (size_t)n, epoch, sequence);
		if (r <= 0)
			break;
		r = remove_one(j, &j->list.ids[n]);
		if (r < 0)
			break;
		n++;
	}
	j->list.is_sure = false;
	return r < 0 ? r : n;
}

int64_t
ringbus_journal_trim(struct ringbus_journal *journal, int64_t epoch,
		     int64_t sequence)
{
	int64_t r;
	int cancel;

	if (epoch < 0 || sequence < 0)
		return -EINVAL;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	r = trim(journal, epoch, sequence);
	pthread_setcancelstate(cancel, NULL);
	return r;
}
