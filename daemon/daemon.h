/* SPDX-License-Identifier: MIT */
/*
 * daemon.h - the root object: owns everything, in the order it is built
 *
 * Nothing of what it knows is needed after its death: the next daemon finds it
 * all in shared memory.
 */
#ifndef RB_DAEMON_DAEMON_H
#define RB_DAEMON_DAEMON_H

#include <stdbool.h>

#include "config/config.h"
#include "daemon/exit.h"
#include "daemon/health.h"
#include "daemon/loop.h"
#include "daemon/options.h"
#include "daemon/outdated.h"
#include "daemon/paths.h"
#include "daemon/process.h"
#include "daemon/reaper.h"
#include "daemon/registry.h"
#include "daemon/report.h"
#include "daemon/server.h"
#include "daemon/service.h"
#include "daemon/store.h"
#include "daemon/stuck.h"
#include "daemon/tamper.h"
#include "daemon/user.h"
#include "daemon/warden.h"

struct rb_daemon {
	const struct rb_options *options; /* the caller's, as long as we are */
	struct rb_config *config;
	struct rb_paths paths;
	int shm_dirfd;
	bool shm_made; /* the folder, by us */
	int lock;
	int inherited; /* the service manager's socket, until it is used; -1 */
	struct rb_store store;
	struct rb_loop *loop;
	int signals;
	struct rb_watch *signal;
	struct rb_watch *drain;
	struct rb_registry registry;
	struct rb_reaper reaper;
	struct rb_warden warden;
	struct rb_stuck stuck;
	struct rb_tamper tamper;
	struct rb_processes processes;
	struct rb_users users;
	struct rb_server server;
	struct rb_service service;
	struct rb_health health;
	struct rb_outdated outdated;
	struct rb_report report; /* of the last reload */
	int64_t started_ns;      /* CLOCK_BOOTTIME */
	uint64_t n_reloads, n_reload_failures;
	bool reload_failed; /* the last one */
	bool stopping;
	bool leaving; /* all of it to the next daemon */
	int err;      /* why it does not start, as far as it is known; 0 */
	enum rb_registry_rest rest; /* of the channels, at the end */
};

/* Everything up to the listening socket. On failure it has said why, and
 * returns what to exit with. */
enum rb_exit rb_daemon_new(const struct rb_options *options,
			   struct rb_daemon **ret);

/* Serves until it is told to stop. */
enum rb_exit rb_daemon_run(struct rb_daemon *daemon);

/* After a stop in order, channels, socket and lock go too. */
struct rb_daemon *rb_daemon_free(struct rb_daemon *daemon);

/* Looks after a channel that it has made or taken over, or of which it has read
 * something new in the configuration. */
void rb_daemon_watch(struct rb_daemon *daemon, struct rb_hosted *hosted);

/* The file that the options ask for, or NULL for what is built in. */
const char *rb_daemon_config_path(const struct rb_options *options);

/* Loads the configuration that the options ask for, and has logged what is wrong
 * with it: errors of rb_config_load(). */
int rb_daemon_read_config(const struct rb_options *options,
			  struct rb_config_report *report,
			  struct rb_config **ret);

/* The same for a start. */
enum rb_exit rb_daemon_load_config(const struct rb_options *options,
				   struct rb_config **ret);

#endif
