/* SPDX-License-Identifier: MIT */
/*
 * preview.c - see preview.h
 */
#include "daemon/preview.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/judge.h"
#include "daemon/leavings.h"
#include "daemon/log.h"

struct preview {
	const struct rb_config *config;
	struct rb_maker maker;
};

static void
print_verdict(const char *name, const struct rb_judgement *j, bool wanted)
{
	if (j->verdict == RB_VERDICT_LOST)
		printf("%-20s is sealed: would be taken over if the service "
		       "manager has its memory, else be removed\n",
		       name);
	else if (j->verdict == RB_VERDICT_REMOVE)
		printf("%-20s %s: would be removed\n", name, j->why);
	else if (j->verdict == RB_VERDICT_LEAVE && j->err == -ENOENT && !wanted)
		printf("%-20s is no channel: would be left alone\n", name);
	else if (j->verdict == RB_VERDICT_LEAVE)
		printf("%-20s would not be served: %s\n", name, j->why);
	else if (j->why[0] != '\0')
		printf("%-20s would be taken over: %s\n", name, j->why);
	else
		printf("%-20s would be taken over, with %u members\n", name,
		       j->n_alive);
}

static int
print_channel(const struct preview *preview, const char *name)
{
	const struct rb_config_channel *config = rb_config_find(preview->config,
								name);
	struct rb_judgement judgement;
	struct rb_hosted *hosted;
	int err = rb_hosted_new(name, config, &hosted);

	if (err < 0)
		return err;
	rb_judge(&preview->maker, hosted, &judgement);
	print_verdict(name, &judgement, config != NULL);
	rb_hosted_free(hosted);
	return 0;
}

static int
print(void *context, const char *name, enum rb_leaving leaving)
{
	switch (leaving) {
	case RB_LEAVING_CHANNEL:
		return print_channel(context, name);
	case RB_LEAVING_HALF:
		printf("%-20s is half made or removed: would be removed\n",
		       name);
		return 0;
	case RB_LEAVING_OTHER:
		printf("%-20s is no channel: would be left alone\n", name);
	}
	return 0;
}

/* A start in this place would be refused; and what a daemon of that user makes of
 * it, nobody else can tell. */
static bool
is_ours(int fd, const char *shm_dir)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_uid == geteuid())
		return true;
	rb_log_warning("%s is not ours (uid %u): the daemon's user has to ask "
		       "what would become of the channels in it",
		       shm_dir, (unsigned)geteuid());
	return false;
}

void
rb_preview_print(const struct rb_config *config, const char *shm_dir)
{
	struct preview preview = { .config = config };
	rb_cleanup_(rb_closep) int fd = -1;

	fd = open(shm_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		if (errno != ENOENT)
			rb_log_warning("cannot look into %s: %s", shm_dir,
				       strerror(errno));
		return;
	}
	if (is_ours(fd, shm_dir) &&
	    rb_maker_init(&preview.maker, fd, shm_dir) == 0)
		rb_leavings_visit(&preview.maker, print, &preview);
}
