/* SPDX-License-Identifier: MIT */
/*
 * paths.h - where things are when nobody says where
 *
 *                    system                     user
 *   configuration    /etc/ringbus/ringbus.yaml, else the built-in example
 *   socket           /run/ringbus/control.sock  $XDG_RUNTIME_DIR/ringbus/
 *                                               control.sock, else in shm,
 *                                               as .control.sock
 *   socket's mode    0660                       0600
 *   shm              /dev/shm/ringbus           /dev/shm/ringbus-UID
 *   a journal        /var/lib/ringbus/journal/  $XDG_STATE_HOME/ringbus/journal/
 *                    CHANNEL                    CHANNEL, else below
 *                                               ~/.local/state
 *   a bridge's state the same below bridge/
 *
 * The daemon is the system's if it runs as root, or as a service of the system
 * manager under a user of its own. The configuration's place is where the build
 * installs it, RB_CONFIG_DEFAULT.
 */
#ifndef RB_DAEMON_PATHS_H
#define RB_DAEMON_PATHS_H

#include <sys/types.h>

#include "config/config.h"
#include "daemon/options.h"

/* Of the socket in the shared memory folder; no channel has such a name. */
#define RB_SOCKET_NAME ".control.sock"

struct rb_paths {
	char shm_dir[RB_CONFIG_PATH_SIZE];
	char socket[RB_CONFIG_PATH_SIZE];
	mode_t socket_mode;
	mode_t socket_parent_mode;  /* of its folder, if that is missing */
	bool socket_parent_is_ours; /* to remove, once it is empty */
	bool shm_dir_is_ours;       /* likewise */
};

/* Options before configuration before defaults. Touches no file. 0, or
 * -ENAMETOOLONG, and has said which path. */
int rb_paths_init(struct rb_paths *paths, const struct rb_options *options,
		  const struct rb_config *config);

/* Where the journal of a channel is that does not say where, `kind` being
 * "journal", or the state of its bridge. Empty if there is no place: a user
 * without a home. */
void rb_paths_state(const char *kind, const char *channel,
		    char ret[RB_CONFIG_FILE_SIZE]);

/*
 * Opens the shared memory folder, which is made if missing, and refuses one
 * that others could write to or exchange. *ret_made tells if it is new. A
 * descriptor, or a negative errno, and has said why.
 */
int rb_paths_open_shm(const char *path, bool *ret_made);

#endif
