/* SPDX-License-Identifier: MIT */
/*
 * adopt.c - see adopt.h
 *
 * The folder is ours alone to write, so what is in a member table was written
 * by a daemon; names are printed with a bound all the same.
 */
#include "daemon/adopt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/entry.h"
#include "daemon/kind.h"
#include "daemon/lock.h"
#include "daemon/log.h"
#include "shm/member.h"

/* ------------------------------------------------------------------- shape */

static bool
has_shape(const struct rb_meta_header *header,
	  const struct rb_config_channel *config)
{
	struct rb_geometry wanted;

	return rb_folder_geometry(config, &wanted) == 0 &&
	       memcmp(&wanted, &header->geometry, sizeof(wanted)) == 0 &&
	       header->wait == (uint32_t)config->wait &&
	       header->clear == (uint32_t)config->clear &&
	       strncmp(header->type, config->type, RB_NAME_SIZE) == 0 &&
	       header->type_version == config->version &&
	       header->max_producers == config->max_producers &&
	       header->max_consumers == config->max_consumers;
}

static bool
is_declared_as(const struct rb_member *entry,
	       const struct rb_config_consumer *consumer, uint64_t history)
{
	struct rb_config_consumer kind;

	rb_kind_of_entry(entry, &kind);
	return rb_entry_is_declared(entry) &&
	       rb_kind_find_difference(&kind, consumer, history) == NULL;
}

static bool
has_graph(const struct rb_meta *meta, const struct rb_config_channel *config)
{
	unsigned i;

	for (i = 0; i < config->n_consumers; i++)
		if (!is_declared_as(&meta->consumers[i], &config->consumers[i],
				    config->history))
			return false;
	for (; i < RB_CONSUMERS_MAX; i++)
		if (rb_entry_is_declared(&meta->consumers[i]))
			return false;
	return true;
}

/* NULL, or what stands against taking the channel over. */
static const char *
find_difference(const struct rb_daemon *daemon, const struct rb_hosted *hosted)
{
	const struct rb_meta *meta = hosted->channel.meta;

	if (memcmp(meta->header.boot_id, daemon->registry.maker.boot_id,
		   sizeof(meta->header.boot_id)) != 0)
		return "is of an earlier boot";
	if (strncmp(meta->header.name, hosted->name, RB_NAME_SIZE) != 0)
		return "has another name inside";
	if (hosted->config == NULL)
		return NULL;
	if (!has_shape(&meta->header, hosted->config) ||
	    !has_graph(meta, hosted->config))
		return "is not what the configuration says";
	return NULL;
}

/* ----------------------------------------------------------------- members */

typedef int (*visit_fn)(struct rb_daemon *daemon, struct rb_hosted *hosted,
			enum rb_role role, unsigned index);

/* Calls `visit` for everybody who was attached, until it returns non-zero. */
static int
for_each_member(struct rb_daemon *daemon, struct rb_hosted *hosted,
		visit_fn visit)
{
	const struct rb_meta *meta = hosted->channel.meta;
	int r = 0;

	for (unsigned i = 0; i < RB_PRODUCERS_MAX && r == 0; i++)
		if (rb_entry_is_taken(&meta->producers[i]))
			r = visit(daemon, hosted, RB_ROLE_PRODUCER, i);
	for (unsigned i = 0; i < RB_CONSUMERS_MAX && r == 0; i++)
		if (rb_entry_is_taken(&meta->consumers[i]))
			r = visit(daemon, hosted, RB_ROLE_CONSUMER, i);
	return r;
}

static const struct rb_member *
entry_of(const struct rb_hosted *hosted, enum rb_role role, unsigned index)
{
	const struct rb_meta *meta = hosted->channel.meta;

	return role == RB_ROLE_PRODUCER ? &meta->producers[index]
					: &meta->consumers[index];
}

static int
open_process(const struct rb_member *entry)
{
	return rb_process_open(rb_entry_pid(entry), rb_entry_start_time(entry),
			       rb_entry_pidfd_inode(entry));
}

/* 1 if the member's process is alive. */
static int
is_alive(struct rb_daemon *daemon, struct rb_hosted *hosted, enum rb_role role,
	 unsigned index)
{
	int fd = open_process(entry_of(hosted, role, index));

	(void)daemon;
	if (fd < 0)
		return fd == -ESRCH ? 0 : 1;
	rb_closep(&fd);
	return 1;
}

static int
name_obstacle(struct rb_daemon *daemon, struct rb_hosted *hosted,
	      enum rb_role role, unsigned index)
{
	const struct rb_member *entry = entry_of(hosted, role, index);

	if (!is_alive(daemon, hosted, role, index))
		return 0;
	rb_log_error("channel %s cannot be made anew: %s %.64s (pid %u) is "
		     "still in it; stop it, or go back to the configuration "
		     "that it was made with",
		     hosted->name, rb_membership_role_name(role), entry->name,
		     rb_entry_pid(entry));
	return 1;
}

/* A living one is watched; -ESRCH is a dead one and goes to the reaper. */
static int
take_member(struct rb_daemon *daemon, struct rb_hosted *hosted,
	    enum rb_role role, unsigned index)
{
	const struct rb_member *entry = entry_of(hosted, role, index);
	struct rb_process *process = NULL;
	struct rb_membership *membership;
	int fd = open_process(entry);
	int err;

	if (fd < 0 && fd != -ESRCH) {
		rb_log_error("cannot watch pid %u of channel %s: %s",
			     rb_entry_pid(entry), hosted->name, strerror(-fd));
		return fd;
	}
	if (fd >= 0) {
		err = rb_process_get(&daemon->processes, rb_entry_pid(entry),
				     rb_entry_start_time(entry), fd, &process);
		if (err < 0)
			return err;
	}
	err = rb_membership_new(hosted, process, role, index, &membership);
	if (err < 0)
		return err;
	membership->found = true; /* as far as we know */
	if (rb_entry_state(entry) != RB_MEMBER_EVICTED)
		membership->epoch = rb_entry_epoch(entry);
	if (process == NULL)
		rb_reaper_bury(&daemon->reaper, membership);
	return 0;
}

/* ---------------------------------------------------------------- channels */

static const struct rb_config_channel *
find_config(const struct rb_config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_channels; i++)
		if (strcmp(config->channels[i].name, name) == 0)
			return &config->channels[i];
	return NULL;
}

static int
take_over(struct rb_daemon *daemon, struct rb_hosted *hosted)
{
	int err = rb_registry_add(&daemon->registry, hosted);

	if (err < 0) {
		rb_log_error("more than %d channels", RB_CHANNELS_MAX);
		rb_hosted_free(hosted);
		return err;
	}
	rb_log_info("channel %s: taken over from an earlier daemon",
		    hosted->name);
	rb_member_adopt(&hosted->channel);
	err = for_each_member(daemon, hosted, take_member);
	rb_warden_watch_all(&daemon->warden, hosted);
	return err;
}

static int
discard(struct rb_daemon *daemon, struct rb_hosted *hosted, const char *why)
{
	int err;

	rb_log_info("channel %s of an earlier daemon %s: removed", hosted->name,
		    why);
	err = rb_folder_remove(&daemon->registry.maker, hosted);
	rb_hosted_free(hosted);
	return err;
}

/* Of what is mapped: to keep, to remove, or a reason not to start. */
static int
judge(struct rb_daemon *daemon, struct rb_hosted *hosted)
{
	const char *difference = find_difference(daemon, hosted);

	if (difference != NULL) {
		if (for_each_member(daemon, hosted, name_obstacle) != 0) {
			rb_hosted_free(hosted);
			return -EBUSY;
		}
		return discard(daemon, hosted, difference);
	}
	if (for_each_member(daemon, hosted, is_alive) == 0) {
		if (hosted->config == NULL)
			return discard(daemon, hosted, "is in nobody's use");
		if (rb_hosted_stream(hosted) != RB_STREAM_OPEN)
			return discard(daemon, hosted, "has ended");
	}
	return take_over(daemon, hosted);
}

/* Who lives in such a channel is written where we cannot read it. */
static void
tell_unreadable(const struct rb_daemon *daemon, const char *name, int err)
{
	rb_log_error("%s/%s: the channel %s: left alone; stop its members, "
		     "then remove the folder",
		     daemon->registry.maker.shm_dir, name,
		     err == -EPROTONOSUPPORT ? "has another memory layout, of "
					       "another ringbus"
					     : "is damaged");
}

/* What stays where it is may be in the way of a channel. */
static int
leave_alone(const struct rb_daemon *daemon, const char *name)
{
	if (find_config(daemon->config, name) == NULL)
		return 0;
	rb_log_error("channel %s cannot be made: %s/%s is in the way; see to "
		     "it, or give the channel another name",
		     name, daemon->registry.maker.shm_dir, name);
	return -EEXIST;
}

static int
leave_stranger(const struct rb_daemon *daemon, const char *name)
{
	rb_log_info("%s/%s is no channel: left alone",
		    daemon->registry.maker.shm_dir, name);
	return leave_alone(daemon, name);
}

static int
adopt_channel(struct rb_daemon *daemon, const char *name)
{
	struct rb_hosted *hosted;
	int err = rb_hosted_new(name, find_config(daemon->config, name),
				&hosted);

	if (err < 0)
		return err;
	err = rb_folder_open(&daemon->registry.maker, hosted);
	if (err == 0)
		return judge(daemon, hosted);
	rb_hosted_free(hosted);
	if (err == -ENOENT)
		return leave_stranger(daemon, name);
	if (err == -EPROTONOSUPPORT || err == -EBADMSG) {
		tell_unreadable(daemon, name, err);
		return leave_alone(daemon, name);
	}
	rb_log_error("cannot map channel %s of an earlier daemon: %s", name,
		     strerror(-err));
	return err;
}

static bool
is_folder(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static int
adopt_entry(struct rb_daemon *daemon, const char *name)
{
	const struct rb_maker *maker = &daemon->registry.maker;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strcmp(name, RB_LOCK_NAME) == 0 ||
	    strcmp(name, RB_SOCKET_NAME) == 0)
		return 0;
	if (!is_folder(maker->shm_dirfd, name))
		return leave_stranger(daemon, name);
	if (rb_folder_is_leftover(name)) {
		rb_folder_remove_leftover(maker, name);
		return 0;
	}
	return rb_name_is_valid(name) ? adopt_channel(daemon, name)
				      : leave_stranger(daemon, name);
}

int
rb_adopt_all(struct rb_daemon *daemon)
{
	struct dirent **entries;
	int n = scandirat(daemon->registry.maker.shm_dirfd, ".", &entries, NULL,
			  alphasort);
	int err = n < 0 ? -errno : 0;

	if (err < 0)
		rb_log_error("cannot read %s: %s",
			     daemon->registry.maker.shm_dir, strerror(-err));
	for (int i = 0; i < n; i++) {
		if (err == 0)
			err = adopt_entry(daemon, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return err;
}
