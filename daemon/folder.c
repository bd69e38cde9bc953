/* SPDX-License-Identifier: MIT */
/*
 * folder.c - see folder.h
 */
#include "daemon/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <systemd/sd-id128.h>

#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/files.h"
#include "daemon/kind.h"
#include "daemon/log.h"
#include "daemon/pages.h"
#include "daemon/process.h"
#include "daemon/shortage.h"
#include "shm/member.h"

int
rb_maker_init(struct rb_maker *maker, int shm_dirfd, const char *shm_dir)
{
	sd_id128_t boot_id;
	int err = sd_id128_get_boot(&boot_id);

	if (err < 0) {
		rb_log_error("cannot read /proc/sys/kernel/random/boot_id: %s",
			     strerror(-err));
		return err;
	}
	err = rb_process_check_proc();
	if (err < 0) {
		rb_log_error("/proc is %s: mount it for ringbusd (mount -t "
			     "proc proc /proc, or unshare --mount-proc)",
			     err == -EXDEV ? "of another PID namespace"
					   : strerror(-err));
		return err;
	}
	maker->pid_ns = rb_process_namespace();
	maker->shm_dirfd = shm_dirfd;
	maker->shm_dir = shm_dir;
	memcpy(maker->boot_id, boot_id.bytes, sizeof(maker->boot_id));
	/* We wake too, so registering is for ourselves as well. */
	maker->wake = rb_wait_register() == 0 && rb_membarrier() == 0
			      ? RB_WAKE_MEMBARRIER
			      : RB_WAKE_FENCE;
	return 0;
}

int
rb_folder_geometry(const struct rb_config_channel *config,
		   struct rb_geometry *ret)
{
	struct rb_geometry geometry;
	unsigned n_groups = 0;
	int err;

	err = rb_geometry_init(&geometry, config->slots, config->slot_size,
			       config->history,
			       (enum rb_framing)config->framing,
			       (enum rb_producers)config->producers);
	if (err < 0)
		return err;
	for (unsigned i = 0; i < config->n_consumers; i++)
		n_groups += config->consumers[i].group;
	err = rb_geometry_set_groups(&geometry, n_groups);
	if (err == 0 && config->latency)
		err = rb_geometry_set_times(&geometry);
	if (err == 0)
		*ret = geometry;
	return err;
}

/* A number that grows: of a channel, of a hidden name. The clock may be set back. */
static uint64_t
new_generation(void)
{
	static uint64_t last;
	uint64_t ns = (uint64_t)rb_realtime_ns();

	last = ns > last ? ns : last + 1;
	return last;
}

static void
hide(const char *name, const char *suffix, char hidden[RB_HIDDEN_SIZE])
{
	snprintf(hidden, RB_HIDDEN_SIZE, ".%s.%" PRIu64 ".%s", name,
		 new_generation(), suffix);
}

static int
open_folder(int shm_dirfd, const char *name)
{
	int fd = openat(shm_dirfd, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---------------------------------------------------------------- removing */

/* The four files; whatever else is in it is not ours. */
static int
empty_folder(int dirfd)
{
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return -errno;
	return st.st_uid == geteuid() ? rb_files_remove(dirfd) : -EPERM;
}

/* The folder `dirfd`; with -1 one that has to be empty. */
static int
remove_open(int shm_dirfd, const char *name, int dirfd)
{
	int err = dirfd >= 0 ? empty_folder(dirfd) : 0;

	if (err == 0 && unlinkat(shm_dirfd, name, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		err = -errno;
	return err;
}

static int
remove_folder(int shm_dirfd, const char *name)
{
	rb_cleanup_(rb_closep) int fd = open_folder(shm_dirfd, name);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return remove_open(shm_dirfd, name, fd);
}

static void
tell_left(const struct rb_maker *maker, const char *name, int err)
{
	if (err == -ENOTEMPTY)
		rb_log_warning("%s/%s: more than a channel is in it: left "
			       "there; look at it, and remove it",
			       maker->shm_dir, name);
	else if (err < 0)
		rb_log_warning("cannot remove %s/%s: %s; remove it",
			       maker->shm_dir, name, strerror(-err));
}

/* Opened only if it has to be: what cannot be made for want of descriptors has to
 * go all the same. */
static void
remove_hidden(const struct rb_maker *maker, const struct rb_hosted *hosted,
	      const char *hidden)
{
	int err = remove_open(maker->shm_dirfd, hidden, hosted->dirfd);

	if (err == -ENOTEMPTY && hosted->dirfd < 0)
		err = remove_folder(maker->shm_dirfd, hidden);
	tell_left(maker, hidden, err);
}

/* From its place, or from where it was made. */
static int
hide_folder(const struct rb_maker *maker, const struct rb_hosted *hosted,
	    char hidden[RB_HIDDEN_SIZE])
{
	if (hosted->hidden[0] != '\0') {
		memcpy(hidden, hosted->hidden, RB_HIDDEN_SIZE);
		return 0;
	}
	hide(hosted->name, "old", hidden);
	return renameat(maker->shm_dirfd, hosted->name, maker->shm_dirfd,
			hidden) < 0
		       ? -errno
		       : 0;
}

int
rb_folder_remove(const struct rb_maker *maker, const struct rb_hosted *hosted)
{
	char hidden[RB_HIDDEN_SIZE];
	int err = hide_folder(maker, hosted, hidden);

	if (err < 0 && err != -ENOENT) {
		rb_log_error("cannot remove %s/%s: %s", maker->shm_dir,
			     hosted->name, strerror(-err));
		return err;
	}
	/* Not before: a folder without its memory would be missed. */
	if (rb_hosted_is_sealed(hosted))
		rb_store_drop(hosted->channel.generation);
	if (err == 0)
		remove_hidden(maker, hosted, hidden);
	return 0;
}

bool
rb_folder_is_leftover(const char *name)
{
	const char *end = strrchr(name, '.');
	const char *number = end;
	char channel[RB_NAME_SIZE];
	size_t n;

	if (name[0] != '.' || end == name ||
	    (strcmp(end, ".new") != 0 && strcmp(end, ".old") != 0))
		return false;
	while (number[-1] >= '0' && number[-1] <= '9')
		number--;
	if (number == end || number[-1] != '.' || number - 1 == name)
		return false;
	n = (size_t)(number - 1 - (name + 1));
	if (n >= sizeof(channel))
		return false;
	memcpy(channel, name + 1, n);
	channel[n] = '\0';
	return rb_name_is_valid(channel);
}

void
rb_folder_remove_leftover(const struct rb_maker *maker, const char *name)
{
	tell_left(maker, name, remove_folder(maker->shm_dirfd, name));
}

/* ----------------------------------------------------------------- opening */

/* For who maps the channel here, to wake those that wait by descriptor. */
static int
open_bell(struct rb_hosted *hosted)
{
	hosted->channel.bell = rb_files_open(hosted, RB_FD_BELL, false);
	if (hosted->channel.bell >= 0)
		return 0;
	return hosted->channel.bell == -ENOENT ? -EBADMSG
					       : hosted->channel.bell;
}

/* Ours from the store's, of which it is rid soon. */
static int
take_segments(struct rb_store *store, struct rb_hosted *hosted,
	      uint64_t generation)
{
	int stored[RB_FILES];

	rb_store_find(store, generation, stored);
	for (int i = 0; i < RB_FILES; i++) {
		int fd = rb_segment_reopen(stored[i], true);

		if (fd < 0)
			return fd;
		hosted->segments[i] = fd;
	}
	return 0;
}

int
rb_folder_open(const struct rb_maker *maker, struct rb_hosted *hosted,
	       uint64_t sealed)
{
	int fds[RB_FILES] = { -1, -1, -1 };
	int err = 0;

	hosted->dirfd = open_folder(maker->shm_dirfd, hosted->name);
	if (hosted->dirfd < 0)
		return hosted->dirfd;
	if (sealed != 0)
		err = take_segments(maker->store, hosted, sealed);
	for (int i = 0; i < RB_FILES && err == 0; i++) {
		fds[i] = rb_files_open(hosted, i, true);
		err = fds[i] < 0 ? fds[i] : 0;
		if (err == -ENOENT && i != RB_FILE_META)
			err = -EBADMSG;
	}
	if (err == 0)
		err = rb_channel_attach(&hosted->channel, fds, RB_ROLE_DAEMON);
	rb_files_close(fds);
	if (err == 0)
		err = open_bell(hosted);
	if (err < 0)
		return err;
	hosted->dynamic = hosted->config == NULL &&
			  hosted->channel.meta->header.dynamic != 0;
	hosted->creator = hosted->channel.meta->header.creator;
	hosted->drains = rb_entry_get(&hosted->channel.meta->control.drains) !=
			 0;
	return 0;
}

/* ------------------------------------------------------------------ making */

static void
declare_consumers(struct rb_channel *channel,
		  const struct rb_config_channel *config)
{
	for (unsigned i = 0; i < config->n_consumers; i++) {
		const struct rb_config_consumer *c = &config->consumers[i];
		struct rb_consumer_spec spec = rb_kind_spec(c);

		rb_member_declare(channel, i, c->name, &spec);
	}
}

static uint64_t
stuck_after_ns(const struct rb_config_channel *config)
{
	return config->stuck == RB_CONFIG_STUCK_KILL
		       ? (uint64_t)config->stuck_after_ns
		       : 0;
}

void
rb_folder_set_stuck(struct rb_channel *channel,
		    const struct rb_config_channel *config)
{
	rb_entry_put64(&channel->meta->control.stuck_after_ns,
		       stuck_after_ns(config));
}

static int
format_channel(const struct rb_maker *maker, struct rb_hosted *hosted,
	       const struct rb_config_channel *config,
	       const struct rb_geometry *geometry, const int fds[RB_FILES])
{
	struct rb_channel_format format = {
		.name = hosted->name,
		.generation = new_generation(),
		.pid_ns = maker->pid_ns,
		.wait = (enum rb_wait_kind)config->wait,
		.wake = maker->wake,
		.max_producers = config->max_producers,
		.max_consumers = config->max_consumers,
		.dynamic = hosted->dynamic,
		.creator = hosted->creator,
		.clear = (enum rb_clear)config->clear,
		.isolation = (enum rb_isolation)config->isolation,
		.strict = config->strict,
		.stuck_after_ns = stuck_after_ns(config),
		.type = config->type[0] != '\0' ? config->type : NULL,
		.type_version = config->version,
		.fill = config->fill_size != 0 ? config->fill : NULL,
		.fill_size = config->fill_size,
	};
	int err;

	memcpy(format.boot_id, maker->boot_id, sizeof(format.boot_id));
	err = rb_channel_format(&hosted->channel, fds, geometry, &format);
	if (err == 0)
		declare_consumers(&hosted->channel, config);
	return err;
}

/* Nobody could open them by a name. */
static void
hold(struct rb_hosted *hosted, int fds[RB_FILES])
{
	for (int i = 0; i < RB_FILES; i++)
		hosted->segments[i] = rb_take_fd(&fds[i]);
}

/* Everything below the hidden name. */
static int
make_hidden(const struct rb_maker *maker, struct rb_hosted *hosted,
	    const struct rb_config_channel *config,
	    const struct rb_geometry *geometry)
{
	int fds[RB_FILES] = { -1, -1, -1 };
	int err;

	if (mkdirat(maker->shm_dirfd, hosted->hidden, 0700) < 0)
		return -errno;
	/* Also where the folder above has an ACL for what is made in it. */
	if (fchmodat(maker->shm_dirfd, hosted->hidden, 0700, 0) < 0)
		return -errno;
	hosted->dirfd = open_folder(maker->shm_dirfd, hosted->hidden);
	if (hosted->dirfd < 0)
		return hosted->dirfd;
	rb_pages_prefer(config);
	err = rb_files_create(hosted, geometry,
			      (enum rb_isolation)config->isolation, fds);
	rb_pages_prefer(NULL);
	if (err == 0)
		err = format_channel(maker, hosted, config, geometry, fds);
	if (err == 0 && config->isolation == RB_CONFIG_SEALED)
		hold(hosted, fds);
	rb_files_close(fds);
	if (err < 0)
		return err;
	hosted->channel.bell = rb_files_create_bell(hosted);
	if (hosted->channel.bell < 0)
		return hosted->channel.bell;
	rb_pages_place(hosted, config);
	rb_channel_open(&hosted->channel);
	return 0;
}

int
rb_folder_make(const struct rb_maker *maker, struct rb_hosted *hosted,
	       const struct rb_config_channel *config, char *why,
	       size_t why_size)
{
	struct rb_geometry geometry;
	int err = rb_folder_geometry(config, &geometry);

	if (err < 0) {
		snprintf(why, why_size, "these sizes make no channel");
		return err;
	}
	hide(hosted->name, "new", hosted->hidden);
	err = make_hidden(maker, hosted, config, &geometry);
	if (err < 0) {
		rb_shortage_explain(maker, &geometry, err, why, why_size);
		remove_hidden(maker, hosted, hosted->hidden);
	}
	return err;
}

int
rb_folder_show(const struct rb_maker *maker, struct rb_hosted *hosted,
	       char *why, size_t why_size)
{
	int err;

	if (rb_hosted_is_sealed(hosted))
		rb_store_put(maker->store, &hosted->channel, hosted->segments);
	if (renameat2(maker->shm_dirfd, hosted->hidden, maker->shm_dirfd,
		      hosted->name, RENAME_NOREPLACE) < 0) {
		err = -errno;
		rb_shortage_explain(maker, &hosted->channel.geometry, err, why,
				    why_size);
		return err;
	}
	hosted->hidden[0] = '\0';
	return 0;
}
