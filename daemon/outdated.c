/* SPDX-License-Identifier: MIT */
/*
 * outdated.c - see outdated.h
 */
#include "daemon/outdated.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/renewal.h"

#define PAUSE_NS INT64_C(200000000)

/* Does somebody have it open for writing? A lease for readers is given only if not;
 * we have no use for it beyond that. */
static bool
is_written(int dirfd, const char *name)
{
	rb_cleanup_(rb_closep) int fd = -1;
	bool written;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	written = fd < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) < 0;
	if (!written)
		fcntl(fd, F_SETLEASE, F_UNLCK);
	return written;
}

/* Also if that cannot be told. */
static bool
is_in_use(const struct rb_maker *maker, const char *name)
{
	rb_cleanup_(rb_closep) int fd = -1;

	fd = openat(maker->shm_dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 || is_written(fd, rb_file_names[RB_FILE_RING]) ||
	       is_written(fd, rb_file_names[RB_FILE_GATES]);
}

static int
remove_old(const struct rb_maker *maker, const char *name)
{
	struct rb_hosted *old;
	int err = rb_hosted_new(name, NULL, &old);

	if (err < 0)
		return err;
	err = rb_folder_remove(maker, old);
	rb_hosted_free(old);
	return err;
}

static int
renew(struct rb_daemon *daemon, const char *name)
{
	const struct rb_config_channel *config = rb_config_find(daemon->config,
								name);
	int err = remove_old(&daemon->registry.maker, name);

	if (err < 0)
		return err; /* has been said */
	rb_log_info("channel %s of another memory layout: nobody is in it any "
		    "more: removed%s",
		    name, config != NULL ? ", and made anew" : "");
	rb_registry_admit(&daemon->registry, name);
	if (config != NULL)
		rb_renewal_make(daemon, config);
	return 0;
}

/* By its configuration a consumer may have something to read while it is away. */
static bool
has_kept(const struct rb_config_channel *config)
{
	for (unsigned i = 0; config != NULL && i < config->n_consumers; i++)
		if (config->consumers[i].on_death == RB_CONFIG_KEEP ||
		    config->consumers[i].slow == RB_CONFIG_PARK)
			return true;
	return false;
}

/* From now on it waits for an operator. */
static void
leave(struct rb_daemon *daemon, struct rb_refused *refused)
{
	refused->outdated = false;
	refused->is_left = true;
	refused->err = -EBADMSG;
	snprintf(refused->why, sizeof(refused->why),
		 "%.200s/%s: is of another memory layout and nobody is in it, "
		 "but "
		 "a consumer whose place is kept may have yet to read it: left "
		 "as it is; go back to that ringbus to read it, or have it "
		 "removed and made anew (ringbusctl channel remove %s)",
		 daemon->registry.maker.shm_dir, refused->name, refused->name);
	rb_log_error("channel %s is not served: %s", refused->name,
		     refused->why);
}

/* One that is to be made anew, or NULL. */
static struct rb_refused *
find_left(struct rb_daemon *daemon, bool *ret_any)
{
	struct rb_registry *registry = &daemon->registry;
	struct rb_refused *refused;

	*ret_any = false;
	SLIST_FOREACH(refused, &registry->refused, next)
	{
		if (!refused->outdated)
			continue;
		if (is_in_use(&registry->maker, refused->name)) {
			refused->was_used = true;
			*ret_any = true;
			continue;
		}
		if (refused->was_used &&
		    !has_kept(rb_config_find(daemon->config, refused->name))) {
			*ret_any = true;
			return refused;
		}
		leave(daemon, refused);
	}
	return NULL;
}

static void
on_tick(void *context, int result)
{
	struct rb_outdated *outdated = context;
	struct rb_daemon *daemon = outdated->daemon;
	struct rb_refused *left;
	char name[RB_NAME_SIZE];
	bool any;

	(void)result;
	if (daemon->stopping)
		return;
	left = find_left(daemon, &any);
	if (left != NULL) {
		memcpy(name, left->name, sizeof(name));
		if (renew(daemon, name) < 0)
			left->outdated = false; /* said once is enough */
	}
	if (any)
		rb_watch_timer(outdated->tick, PAUSE_NS);
}

int
rb_outdated_remove(struct rb_outdated *outdated, const char *name)
{
	struct rb_daemon *daemon = outdated->daemon;

	if (is_in_use(&daemon->registry.maker, name))
		return -EBUSY;
	return renew(daemon, name);
}

void
rb_outdated_watch(struct rb_outdated *outdated)
{
	on_tick(outdated, 0);
}

int
rb_outdated_init(struct rb_outdated *outdated, struct rb_daemon *daemon)
{
	outdated->daemon = daemon;
	return rb_watch_new(daemon->loop, on_tick, outdated, &outdated->tick);
}

void
rb_outdated_deinit(struct rb_outdated *outdated)
{
	outdated->tick = rb_watch_free(outdated->tick);
}
