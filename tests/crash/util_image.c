/* SPDX-License-Identifier: MIT */
/*
 * util_image.c - see util_image.h
 */
#include "tests/crash/util_image.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/t.h"

#define SECTOR 512

/* ------------------------------------------------------------------- the history */

struct name {
	char text[FAULTS_NAME_SIZE];
	int file; /* -1: not used */
};

struct names {
	struct name all[IMAGE_FILES];
};

static struct name *
find_name(struct names *names, const char *text)
{
	for (int i = 0; i < IMAGE_FILES; i++)
		if (names->all[i].file >= 0 &&
		    strcmp(names->all[i].text, text) == 0)
			return &names->all[i];
	return NULL;
}

static void
drop_name(struct names *names, const char *text)
{
	struct name *name = find_name(names, text);

	if (name != NULL)
		name->file = -1;
}

static void
add_name(struct names *names, const char *text, int file)
{
	struct name *name = names->all;

	drop_name(names, text);
	while (name->file >= 0)
		ck_assert(++name < names->all + IMAGE_FILES);
	snprintf(name->text, sizeof(name->text), "%s", text);
	name->file = file;
}

static void
init_names(struct names *names)
{
	for (int i = 0; i < IMAGE_FILES; i++)
		names->all[i].file = -1;
}

static void
apply_name(struct names *names, const struct history_step *step)
{
	const char *other = step->data + FAULTS_NAME_SIZE;
	struct name *name;

	if (step->record->op == FAULTS_CREATE)
		add_name(names, step->data, step->file);
	if (step->record->op == FAULTS_REMOVE)
		drop_name(names, step->data);
	if (step->record->op != FAULTS_RENAME)
		return;
	name = find_name(names, step->data);
	ck_assert_ptr_nonnull(name);
	drop_name(names, other);
	snprintf(name->text, sizeof(name->text), "%s", other);
}

static bool
is_name(const struct faults_record *r)
{
	return r->op == FAULTS_CREATE || r->op == FAULTS_RENAME ||
	       r->op == FAULTS_REMOVE;
}

/* What the records of a sync have made safe. */
static void
note_sync(struct history *h, uint64_t at)
{
	const struct history_step *sync = &h->steps[at];
	bool is_folder = sync->record->op == FAULTS_FOLDER;

	for (uint64_t i = 0; i < sync->record->id; i++) {
		struct history_step *s = &h->steps[i], *write;
		uint32_t op = s->record->op;

		if (is_folder && is_name(s->record) &&
		    s->safe_at == IMAGE_NEVER)
			s->safe_at = at;
		if (is_folder || (op != FAULTS_DONE && op != FAULTS_SIZE))
			continue;
		write = op == FAULTS_DONE ? &h->steps[s->record->id] : s;
		if (write->file == sync->file && write->safe_at == IMAGE_NEVER)
			write->safe_at = at;
	}
}

/* One name may be given again and again, and an inode be another file's later. */
static int
file_of(struct history *h, struct names *names, uint64_t *inodes,
	const struct history_step *step)
{
	const struct faults_record *r = step->record;
	struct name *name;

	if (r->op == FAULTS_CREATE) {
		name = find_name(names, step->data);
		if (name != NULL)
			return name->file;
		ck_assert_int_lt(h->n_files, IMAGE_FILES);
		inodes[h->n_files] = r->file;
		return h->n_files++;
	}
	for (int i = h->n_files - 1; i >= 0 && r->file != 0; i--)
		if (inodes[i] == r->file)
			return i;
	return -1;
}

static bool
is_all_zero(const char *data, uint64_t size)
{
	return size > 0 && data[0] == 0 &&
	       memcmp(data, data + 1, size - 1) == 0;
}

void
history_read(struct history *h, const struct faults *f)
{
	uint64_t inodes[IMAGE_FILES];
	const char *at = f->records;
	struct names names;

	init_names(&names);
	*h = (struct history){ .n = f->n_records };
	h->steps = calloc(h->n, sizeof(*h->steps));
	ck_assert_ptr_nonnull(h->steps);
	for (uint64_t i = 0; i < h->n; i++) {
		struct history_step *s = &h->steps[i];
		const struct faults_record *r = (const void *)at;

		s->record = r;
		s->data = at + sizeof(*r);
		s->safe_at = IMAGE_NEVER;
		s->file = file_of(h, &names, inodes, s);
		s->is_zero = r->op == FAULTS_WRITE &&
			     is_all_zero(s->data, r->length);
		at = s->data + ((r->length + 7) & ~UINT64_C(7));
		if (is_name(r))
			apply_name(&names, s);
		if (r->op == FAULTS_DONE && r->is_durable)
			h->steps[r->id].safe_at = i;
		if (r->op == FAULTS_SYNC || r->op == FAULTS_FOLDER)
			note_sync(h, i);
	}
}

void
history_free(struct history *h)
{
	free(h->steps);
	*h = (struct history){ 0 };
}

/* --------------------------------------------------------------------- the image */

struct content {
	char *bytes;
	uint64_t capacity, used; /* behind that all is zero */
	uint64_t size;
};

static void
grow(struct content *c, uint64_t size)
{
	if (size <= c->capacity)
		return;
	c->bytes = realloc(c->bytes, 2 * size);
	ck_assert_ptr_nonnull(c->bytes);
	memset(c->bytes + c->capacity, 0, 2 * size - c->capacity);
	c->capacity = 2 * size;
}

/* Of zeroes only what changes anything is written. */
static void
put(struct content *c, uint64_t offset, const char *data, uint64_t size,
    bool is_zero)
{
	uint64_t end = offset + size;

	if (size == 0)
		return;
	if (end > c->size)
		c->size = end;
	if (is_zero && end > c->used)
		end = c->used;
	if (end <= offset)
		return;
	grow(c, end);
	memcpy(c->bytes + offset, data, end - offset);
	if (end > c->used)
		c->used = end;
}

/* Up to the next sector of the disk, or the write's end. */
static uint64_t
sector(uint64_t offset, uint64_t left)
{
	uint64_t n = SECTOR - offset % SECTOR;

	return n < left ? n : left;
}

static void
put_perhaps(struct content *c, const struct history_step *s, int64_t chance)
{
	const struct faults_record *r = s->record;
	uint64_t n;

	for (uint64_t done = 0; done < r->length; done += n) {
		n = sector(r->offset + done, r->length - done);
		if (random() % 1000 < chance)
			put(c, r->offset + done, s->data + done, n, s->is_zero);
		else if (random() % 16 == 0)
			put(c, r->offset + done, s->data + done,
			    (uint64_t)random() % n / 8 * 8, s->is_zero);
	}
}

static void
resize(struct content *c, uint64_t size)
{
	c->size = size;
	if (c->used > size) {
		memset(c->bytes + size, 0, c->used - size);
		c->used = size;
	}
}

static void
apply(struct content *c, const struct history_step *s, uint64_t until,
      int64_t chance)
{
	const struct faults_record *r = s->record;
	bool is_safe = s->safe_at < until;

	if (r->op == FAULTS_WRITE && is_safe)
		put(c, r->offset, s->data, r->length, s->is_zero);
	else if (r->op == FAULTS_WRITE)
		put_perhaps(c, s, chance);
	else if (r->op == FAULTS_SIZE && (is_safe || random() % 2 == 0))
		resize(c, r->size);
}

static void
write_file(const char *path, const char *name, const struct content *c)
{
	char full[PATH_MAX];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, c->bytes, c->used, 0), (ssize_t)c->used);
	ck_assert_int_eq(ftruncate(fd, (off_t)c->size), 0);
	close(fd);
}

/* All that are safe, and some of those after them. */
static void
apply_names(const struct history *h, uint64_t until, struct names *ret)
{
	uint64_t n = 0, n_safe = 0;

	init_names(ret);
	for (uint64_t i = 0; i < until; i++)
		if (is_name(h->steps[i].record)) {
			n++;
			n_safe += h->steps[i].safe_at < until;
		}
	n = n_safe + (uint64_t)random() % (n - n_safe + 1);
	for (uint64_t i = 0; i < until && n > 0; i++)
		if (is_name(h->steps[i].record)) {
			apply_name(ret, &h->steps[i]);
			n--;
		}
}

void
image_make(const struct history *h, uint64_t until, const char *path)
{
	static const int64_t chances[] = { 0, 100, 500, 900, 1000 };
	int64_t chance = chances[random() % 5];
	struct content contents[IMAGE_FILES] = { 0 };
	struct names names;

	for (uint64_t i = 0; i < until; i++)
		if (h->steps[i].file >= 0)
			apply(&contents[h->steps[i].file], &h->steps[i], until,
			      chance);
	apply_names(h, until, &names);
	for (int i = 0; i < IMAGE_FILES; i++)
		if (names.all[i].file >= 0)
			write_file(path, names.all[i].text,
				   &contents[names.all[i].file]);
	for (int i = 0; i < h->n_files; i++)
		free(contents[i].bytes);
}
