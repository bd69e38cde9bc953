/* SPDX-License-Identifier: MIT */
/*
 * inspect.c - see inspect.h
 */
#include "daemon/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/files.h"

/* What is looked at, and what was seen so far. */
struct look {
	const struct rb_maker *maker;
	const char *name;
	int dirfd;
	int sealed[RB_FILES]; /* of the store; -1 each if it has files */
	struct stat files[RB_FDS];
	struct rb_meta_header header; /* as far as the file goes, else zero */
	struct rb_finding *finding;
};

static int rb_printf_(3, 4)
	complain(struct look *look, int err, const char *fmt, ...)
{
	struct rb_finding *f = look->finding;
	va_list args;

	va_start(args, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, args);
	va_end(args);
	f->err = err;
	return err;
}

/* ------------------------------------------------------------------- files */

static const char *
kind_of(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFLNK:
		return "a symbolic link";
	case S_IFDIR:
		return "a folder";
	case S_IFREG:
		return "a file";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	}
	return "a device";
}

/* Whoever else could write there could have written anything. */
static int
check_owner(struct look *look, const char *what, const struct stat *st)
{
	if (st->st_uid != geteuid())
		return complain(look, -EBADMSG,
				"%s belongs to uid %u, not to us (uid %u)",
				what, (unsigned)st->st_uid,
				(unsigned)geteuid());
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return complain(look, -EBADMSG, "others may write to %s", what);
	return 0;
}

static int
open_folder(struct look *look)
{
	struct stat st;

	if (fstatat(look->maker->shm_dirfd, look->name, &st,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return complain(look, -errno, "cannot be looked at: %s",
				strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return complain(look, -ENOENT, "is no channel but %s",
				kind_of(&st));
	look->dirfd = openat(look->maker->shm_dirfd, look->name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (look->dirfd < 0)
		return complain(look, -errno, "cannot be opened: %s",
				strerror(errno));
	return check_owner(look, "the folder", &st);
}

static bool
is_sealed(const struct look *look, int file)
{
	return file != RB_FD_BELL && look->finding->sealed != 0;
}

static int
check_seals(struct look *look, int file)
{
	const char *name = rb_file_names[file];

	if (!rb_segment_is_sealed(look->sealed[file]))
		return complain(look, -EBADMSG,
				"%s comes from the service manager and is not "
				"sealed",
				name);
	return check_owner(look, name, &look->files[file]);
}

static int
check_file(struct look *look, int file)
{
	const struct stat *st = &look->files[file];
	const char *name = rb_file_names[file];

	if (!S_ISREG(st->st_mode))
		return complain(look, -EBADMSG, "%s is no file but %s", name,
				kind_of(st));
	if (is_sealed(look, file))
		return check_seals(look, file);
	if (st->st_nlink != 1)
		return complain(look, -EBADMSG,
				"%s has %u names (hard links), others may "
				"write to it",
				name, (unsigned)st->st_nlink);
	return check_owner(look, name, st);
}

/* By what the bell says, in a folder that has nothing else. */
static int
find_segments(struct look *look, int64_t generation)
{
	look->finding->sealed = (uint64_t)generation;
	if (look->maker->store != NULL)
		rb_store_find(look->maker->store, look->finding->sealed,
			      look->sealed);
	for (int i = 0; i < RB_FILES; i++)
		if (look->sealed[i] < 0 ||
		    fstat(look->sealed[i], &look->files[i]) < 0)
			return complain(look, -ENODATA,
					"was sealed, and its %s is not in the "
					"store of the service manager",
					rb_file_names[i]);
	return 0;
}

/* What is missing in a folder that has some of our files. */
static int
check_missing(struct look *look, const char *missing, int n_missing)
{
	int64_t generation = 0;

	if (n_missing == RB_FILES && strcmp(missing, "gates") == 0)
		generation = rb_files_read_bell(look->dirfd);
	if (generation > 0)
		return find_segments(look, generation);
	if (generation < 0)
		return complain(look, (int)generation,
				"bell cannot be read: %s",
				strerror((int)-generation));
	return complain(look, -EBADMSG, "%s is missing", missing);
}

/* A folder with none of our files in it was not made by us. */
static int
check_files(struct look *look)
{
	const char *missing = NULL;
	int n_missing = 0;
	int err = 0;

	for (int i = 0; i < RB_FDS; i++) {
		if (fstatat(look->dirfd, rb_file_names[i], &look->files[i],
			    AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		if (errno != ENOENT)
			return complain(look, -errno,
					"%s cannot be looked at: %s",
					rb_file_names[i], strerror(errno));
		missing = rb_file_names[i];
		n_missing++;
	}
	if (n_missing == RB_FDS)
		return complain(look, -ENOENT, "is no channel");
	if (n_missing > 0)
		err = check_missing(look, missing, n_missing);
	for (int i = 0; i < RB_FDS && err == 0; i++)
		err = check_file(look, i);
	return err;
}

static int
check_size(struct look *look, int file, uint64_t size)
{
	uint64_t is = (uint64_t)look->files[file].st_size;

	if (is >= size)
		return 0;
	return complain(look, -EBADMSG, "%s has %" PRIu64 " bytes of %" PRIu64,
			rb_file_names[file], is, size);
}

/* ------------------------------------------------------------------ header */

static int
read_header(struct look *look)
{
	rb_cleanup_(rb_closep) int fd = -1;

	if (look->finding->sealed != 0)
		fd = rb_segment_reopen(look->sealed[RB_FILE_META], false);
	else
		fd = openat(look->dirfd, rb_file_names[RB_FILE_META],
			    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || pread(fd, &look->header, sizeof(look->header), 0) < 0)
		return complain(look, -errno, "meta cannot be read: %s",
				strerror(errno));
	return 0;
}

static int
check_magic(struct look *look)
{
	uint64_t magic;

	memcpy(&magic, &look->header.magic, sizeof(magic));
	if (magic == RB_MAGIC)
		return 0;
	if (magic == 0)
		return complain(look, -EBADMSG,
				"meta has no magic, it was never completed or "
				"was overwritten");
	return complain(look, -EBADMSG,
			"meta has the magic %016" PRIx64 ", not %016" PRIx64,
			magic, RB_MAGIC);
}

static int
check_layout(struct look *look)
{
	const struct rb_meta_header *h = &look->header;

	if (h->layout_version != RB_LAYOUT_VERSION)
		return complain(look, -EPROTONOSUPPORT,
				"has version %u of the memory layout, of "
				"another ringbus; this one has %u",
				h->layout_version, RB_LAYOUT_VERSION);
	if (h->layout_hash != rb_layout_hash() || h->line != RB_LINE)
		return complain(look, -EBADMSG,
				"has another memory layout of version %u "
				"(%016" PRIx64
				") than this ringbus (%016" PRIx64 ")",
				h->layout_version, h->layout_hash,
				rb_layout_hash());
	return 0;
}

/* Of a header that is not what it was: which field it may be. */
static const char *
suspect(const struct look *look)
{
	const struct rb_meta_header *h = &look->header;

	if (memcmp(h->boot_id, look->maker->boot_id, sizeof(h->boot_id)) != 0)
		return "boot_id";
	if (strncmp(h->name, look->name, RB_NAME_SIZE) != 0)
		return "name";
	if (rb_geometry_check(&h->geometry) < 0)
		return "geometry";
	if (h->max_producers > RB_PRODUCERS_MAX)
		return "max_producers";
	if (h->max_consumers > RB_CONSUMERS_MAX)
		return "max_consumers";
	return h->generation == 0 ? "generation" : "cannot be told";
}

/* Its memory is what its header says, and of the generation of its bell. */
static int
check_isolation(struct look *look)
{
	bool sealed = look->finding->sealed != 0;

	if (look->header.isolation !=
	    (uint32_t)(sealed ? RB_ISOLATION_SEALED : RB_ISOLATION_NAMED))
		return complain(look, -EBADMSG,
				"is %s by its header, and yet its segments are "
				"%s",
				sealed ? "named" : "sealed",
				sealed ? "in the store of the service manager"
				       : "files");
	if (sealed && look->header.generation != look->finding->sealed)
		return complain(look, -EBADMSG,
				"has generation %" PRIu64 " by its header and "
				"%" PRIu64 " by its bell",
				look->header.generation, look->finding->sealed);
	return 0;
}

static int
check_header(struct look *look)
{
	int err = check_size(look, RB_FILE_META,
			     offsetof(struct rb_meta_header, generation));

	if (err == 0)
		err = check_magic(look);
	if (err == 0)
		err = check_layout(look);
	if (err == 0)
		err = check_size(look, RB_FILE_META, RB_META_SIZE);
	if (err < 0)
		return err;
	if (look->header.sum != rb_header_sum(&look->header))
		return complain(look, -EBADMSG,
				"the header in meta is damaged, the sum over "
				"it is wrong (field: %s)",
				suspect(look));
	if (strncmp(look->header.name, look->name, RB_NAME_SIZE) != 0)
		return complain(look, -EBADMSG,
				"is channel %.64s by its header, so that it "
				"was copied or renamed",
				look->header.name);
	return check_isolation(look);
}

/* Who may write to a file can make it longer, or shorter. */
static int
check_rest(struct look *look)
{
	const struct rb_geometry *g = &look->header.geometry;
	struct rb_finding *f = look->finding;
	int err = rb_geometry_check(g);

	if (err < 0)
		return complain(look, err,
				"the geometry in meta is none that this "
				"machine makes");
	err = check_size(look, RB_FILE_RING,
			 rb_channel_file_size(g, RB_FILE_RING));
	if (err == 0)
		err = check_size(look, RB_FILE_GATES,
				 rb_channel_file_size(g, RB_FILE_GATES));
	if (err < 0 && f->sealed != 0) /* no client can have done that */
		return err;
	f->is_short = err < 0;
	f->err = 0;
	/* An empty one cannot be rung: nobody is told of a read of nothing. */
	return check_size(look, RB_FD_BELL, 1);
}

int
rb_inspect(const struct rb_maker *maker, const char *name,
	   struct rb_finding *ret)
{
	struct look look = {
		.maker = maker,
		.name = name,
		.dirfd = -1,
		.sealed = { -1, -1, -1 },
		.finding = ret,
	};
	int err;

	*ret = (struct rb_finding){ 0 };
	err = open_folder(&look);
	if (err == 0)
		err = check_files(&look);
	if (err == 0)
		err = read_header(&look);
	if (err == 0)
		err = check_header(&look);
	if (err == 0)
		err = check_rest(&look);
	rb_closep(&look.dirfd);
	return err;
}
