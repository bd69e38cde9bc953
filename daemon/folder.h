/* SPDX-License-Identifier: MIT */
/*
 * folder.h - the folder of a channel, and how it gets its name and loses it
 *
 * A channel is made under the name `.NAME.N.new` and renamed into its place when
 * it is complete and open to all, and renamed to `.NAME.N.old` before it is
 * removed: under its own name it is whole or not there. N is new each time, as one that cannot be
 * removed stays. Channel names never start with a dot. Nothing here follows a
 * link.
 */
#ifndef RB_DAEMON_FOLDER_H
#define RB_DAEMON_FOLDER_H

#include "daemon/hosted.h"
#include "daemon/store.h"

/* What is the same for all channels that this daemon makes. */
struct rb_maker {
	int shm_dirfd;
	const char *shm_dir; /* for messages */
	uint8_t boot_id[16];
	uint64_t pid_ns; /* 0: not known */
	enum rb_wake_mode wake;
	struct rb_store *store; /* NULL: this is not to serve any */
};

/* 0 or a negative errno, and has said why. */
int rb_maker_init(struct rb_maker *maker, int shm_dirfd, const char *shm_dir);

/*
 * Makes the channel of a new rb_hosted as `config` says, files, graph and all,
 * with a folder under a hidden name. On failure nothing is left behind, and `why`
 * says what is in the way and what to do.
 */
int rb_folder_make(const struct rb_maker *maker, struct rb_hosted *hosted,
		   const struct rb_config_channel *config, char *why,
		   size_t why_size);

/* Gives it its own name, and before that its memory to the store, if it is sealed.
 * On failure as above, but it stays as it is. */
int rb_folder_show(const struct rb_maker *maker, struct rb_hosted *hosted,
		   char *why, size_t why_size);

/*
 * Maps the channel that is there under the name of a new rb_hosted: by its files, or
 * if it is a sealed one of that generation (else 0) by what the store has. -EBADMSG,
 * -EPROTONOSUPPORT for another layout, -ENOENT if there is no meta file and so no
 * channel, or another negative errno.
 */
int rb_folder_open(const struct rb_maker *maker, struct rb_hosted *hosted,
		   uint64_t sealed);

/* Removes the channel's files; what is not of the channel stays, under a hidden
 * name. 0 or a negative errno, and has said why. */
int rb_folder_remove(const struct rb_maker *maker,
		     const struct rb_hosted *hosted);

/* True for `.NAME.N.new` and `.NAME.N.old`: what a killed daemon left half done
 * or could not remove. */
bool rb_folder_is_leftover(const char *name);

/* Removes such a one by its own name, or says why not. */
void rb_folder_remove_leftover(const struct rb_maker *maker, const char *name);

/* The geometry of a channel of the configuration. */
int rb_folder_geometry(const struct rb_config_channel *config,
		       struct rb_geometry *ret);

/* How long a producer may hold up others, as the configuration says now. */
void rb_folder_set_stuck(struct rb_channel *channel,
			 const struct rb_config_channel *config);

#endif
