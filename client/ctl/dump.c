/* SPDX-License-Identifier: MIT */
/*
 * dump.c - copy a channel into a folder, for a look afterwards
 *
 * From memory, by a tap, so that a sealed channel can be copied as well, and one
 * whose daemon is dead. `inspect` reads it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/show.h"

static enum ctl_exit
say(const struct ctl *ctl, const char *path, int err)
{
	ctl_say(ctl, "%s: %s", path,
		err == -EBADMSG ? ringbus_strerror(err) : strerror(-err));
	return ctl_exit_code(err);
}

/* DIR, which may be there, and DIR/CHANNEL, which may not. A descriptor. */
static int
make_folder(const char *dir, const char *channel)
{
	int above, fd = -1, err = 0;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	above = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (above < 0)
		return -errno;
	if (mkdirat(above, channel, 0700) < 0)
		err = -errno;
	else if ((fd = openat(above, channel,
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
				      O_CLOEXEC)) < 0)
		err = -errno;
	close(above);
	return err < 0 ? err : fd;
}

/* What `show --json` says. */
static int
write_view(int dirfd, const struct ringbus_channel *channel)
{
	struct output out;
	struct view view;
	int r = view_read(channel, &view), fd;

	if (r < 0)
		return r;
	fd = openat(dirfd, "channel.json",
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	output_init(&out, fd);
	show_write(&view, &out);
	r = output_flush(&out);
	close(fd);
	return r;
}

static enum ctl_exit
dump(const struct ctl *ctl, const struct ringbus_channel *channel)
{
	const char *dir = ctl->operands[1];
	int fd = make_folder(dir, ctl->operands[0]), r;

	if (fd < 0)
		return say(ctl, dir, fd);
	r = write_view(fd, channel);
	if (r == 0)
		r = ringbus_channel_copy(channel, fd);
	close(fd);
	return r < 0 ? say(ctl, dir, r) : ctl_confirm(ctl, "dumped");
}

static enum ctl_exit
run_dump(struct ctl *ctl, void *args)
{
	const struct ringbus_channel *channel;
	enum ctl_exit code = ctl_look_at(ctl, &channel);

	(void)args;
	return code == CTL_OK ? dump(ctl, channel) : code;
}

const struct ctl_verb ctl_dump = {
	.name = "dump",
	.operands = "CHANNEL DIR",
	.brief = "Copy a channel into DIR/CHANNEL, for `inspect`",
	.help = "Others go on meanwhile, so the copy is of no single moment.\n",
	.min_operands = 2,
	.max_operands = 2,
	.run = run_dump,
};
