/* SPDX-License-Identifier: MIT */
/*
 * copy.c - a channel as files that can be looked at later, and elsewhere
 *
 * Everybody goes on meanwhile, so the order matters: how far consumers are first,
 * then slots and stamps, then what is published, and then what is claimed, so that
 * nothing in the copy is ahead of what it depends on. What was claimed in between
 * has no stamp in it, as if its producer had died. Meta comes last: without it
 * there is no channel.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include "client/internal.h"

#define BLOCK 4096

static bool
is_zero(const char *block, size_t size)
{
	return block[0] == 0 && memcmp(block, block + 1, size - 1) == 0;
}

static int
write_block(int fd, const char *block, size_t size, uint64_t offset)
{
	while (size > 0) {
		ssize_t n = pwrite(fd, block, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		block += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/* By way of a block of our own: a fault in it is ours to handle, in the kernel it
 * would be an error. What is zero stays a hole. */
static int
copy_part(int fd, const void *base, uint64_t from, uint64_t to)
{
	char block[BLOCK];
	int err = 0;

	while (from < to && err == 0) {
		size_t size = BLOCK - from % BLOCK;

		if (size > to - from)
			size = (size_t)(to - from);
		memcpy(block, (const char *)base + from, size);
		if (!is_zero(block, size))
			err = write_block(fd, block, size, from);
		from += size;
	}
	return err;
}

static int
copy_file(const struct rb_channel *c, int dirfd, enum rb_file file)
{
	const struct rb_segment *s = &c->segments[file];
	bool is_ring = file == RB_FILE_RING;
	uint64_t head = is_ring ? sizeof(struct rb_ring) : 0;
	uint64_t claimed = is_ring ? sizeof(struct rb_sequence) : 0;
	rb_cleanup_(rb_closep) int fd = openat(
		dirfd, rb_file_names[file],
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err;

	if (fd < 0 || ftruncate(fd, (off_t)s->size) < 0)
		return -errno;
	err = copy_part(fd, s->base, head, s->size);
	if (err == 0)
		err = copy_part(fd, s->base, claimed, head);
	return err == 0 ? copy_part(fd, s->base, 0, claimed) : err;
}

int
ringbus_channel_copy(const struct ringbus_channel *channel, int dirfd)
{
	static const enum rb_file order[] = { RB_FILE_GATES, RB_FILE_RING,
					      RB_FILE_META };
	const struct rb_channel *c = &channel->shm;
	int err = 0, n = 0, cancel;

	if (c->disinherited)
		return -ECHILD;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	while (n < RB_FILES && err == 0)
		err = copy_file(c, dirfd, order[n++]);
	if (err == 0 && rb_channel_is_broken(c))
		err = -EBADMSG;
	if (err == -EEXIST) /* not ours to remove */
		n--;
	while (err < 0 && n > 0)
		unlinkat(dirfd, rb_file_names[order[--n]], 0);
	pthread_setcancelstate(cancel, NULL);
	return err;
}
