/* SPDX-License-Identifier: MIT */
/*
 * daemon.c - see daemon.h
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "daemon/adopt.h"
#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/inherit.h"
#include "daemon/lag.h"
#include "daemon/lock.h"
#include "daemon/log.h"
#include "daemon/reload.h"
#include "daemon/renewal.h"
#include "daemon/sigbus.h"

/* Connections, pidfds and channels: far beyond the usual soft limit. */
#define FILES_WANTED 65536

/* ----------------------------------------------------------------- stopping */

/* Goes on once nobody is attached, or when the patience is over. */
static void
stop(struct rb_daemon *daemon)
{
	if (daemon->stopping) {
		rb_loop_stop(daemon->loop);
		return;
	}
	daemon->stopping = true;
	rb_event_tell(NULL, LOG_DEBUG, RB_ABOUT(RB_EVENT_STOP),
		      "the daemon begins to stop");
	rb_service_stopping(&daemon->service, daemon->config->drain_ns);
	rb_server_stop(&daemon->server);
	rb_registry_close_streams(&daemon->registry, false);
	if (!rb_registry_has_members(&daemon->registry)) {
		rb_loop_stop(daemon->loop);
		return;
	}
	rb_log_info("stopping: streams are closed, members have %.1f s to "
		    "leave",
		    (double)daemon->config->drain_ns / 1e9);
	rb_watch_timer(daemon->drain, daemon->config->drain_ns);
}

/* All stays as it is, for the next daemon: as after a kill, but that nothing was
 * in the middle. */
static void
leave(struct rb_daemon *daemon)
{
	daemon->leaving = true;
	rb_service_leaving(&daemon->service);
	rb_log_info("leaving: the channels go on, for the next daemon");
	rb_loop_stop(daemon->loop);
}

/* A worker is as far behind as its group. */
static int64_t
lag_of(const struct rb_membership *m)
{
	int group = rb_entry_group(rb_membership_entry(m));

	return rb_lag(&m->hosted->channel,
		      group >= 0 ? (unsigned)group : m->index);
}

static void
tell_member(const struct rb_membership *m)
{
	const struct rb_member *entry = rb_membership_entry(m);

	if (m->role == RB_ROLE_PRODUCER)
		rb_log_warning("channel %s: producer %.64s (pid %u) is still "
			       "attached",
			       m->hosted->name, entry->name,
			       rb_entry_pid(entry));
	else
		rb_log_warning("channel %s: consumer %.64s (pid %u) is "
			       "%" PRId64 " slots behind",
			       m->hosted->name, entry->name,
			       rb_entry_pid(entry), lag_of(m));
}

static void
tell_members(const struct rb_hosted *hosted)
{
	const struct rb_membership *m;

	LIST_FOREACH(m, &hosted->memberships, of_hosted)
	tell_member(m);
}

static void
on_drained(void *context, int result)
{
	struct rb_daemon *daemon = context;

	(void)result;
	rb_log_warning("members are still attached: stopping all the same");
	for (unsigned i = 0; i < daemon->registry.n_hosted; i++)
		tell_members(daemon->registry.hosted[i]);
	rb_loop_stop(daemon->loop);
}

static void
on_left(void *context)
{
	struct rb_daemon *daemon = context;

	if (daemon->stopping && !rb_registry_has_members(&daemon->registry))
		rb_loop_stop(daemon->loop);
}

/* Who is stopping has told everybody: there is no way back. */
static void
obey(struct rb_daemon *daemon, uint32_t signo)
{
	if (signo == SIGUSR1 && !daemon->stopping)
		leave(daemon);
	else if (signo != SIGHUP)
		stop(daemon);
	else if (!daemon->stopping)
		rb_reload(daemon, 0);
}

static void
on_signal(void *context, int result)
{
	struct rb_daemon *daemon = context;
	struct signalfd_siginfo info;

	(void)result;
	if (read(daemon->signals, &info, sizeof(info)) == sizeof(info))
		obey(daemon, info.ssi_signo);
	rb_watch_poll(daemon->signal, daemon->signals);
}

static void
on_death(void *context, struct rb_process *process)
{
	struct rb_daemon *daemon = context;

	rb_reaper_bury_process(&daemon->reaper, process);
}

static void
on_turned(void *context)
{
	struct rb_daemon *daemon = context;

	rb_tamper_heed_faults(&daemon->tamper);
	rb_health_look(daemon);
	if (!daemon->stopping)
		rb_renewal_look(daemon);
}

void
rb_daemon_watch(struct rb_daemon *daemon, struct rb_hosted *hosted)
{
	rb_tamper_watch(&daemon->tamper, hosted);
	rb_warden_watch_all(&daemon->warden, hosted);
	rb_stuck_watch(&daemon->stuck, hosted);
}

static void
on_broken(void *context)
{
	struct rb_daemon *daemon = context;

	rb_service_changed(&daemon->service);
}

/* ----------------------------------------------------------------- building */

/* Signals come as events; their handlers would come at any time. */
static int
watch_signals(struct rb_daemon *daemon)
{
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    signal(SIGIO, SIG_IGN) == SIG_ERR || /* of a lease */
	    signal(SIGXFSZ, SIG_IGN) == SIG_ERR) /* an error comes as well */
		return -errno;
	daemon->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon->signals < 0)
		return -errno;
	err = rb_watch_new(daemon->loop, on_signal, daemon, &daemon->signal);
	if (err == 0)
		err = rb_watch_new(daemon->loop, on_drained, daemon,
				   &daemon->drain);
	if (err == 0)
		rb_watch_poll(daemon->signal, daemon->signals);
	return err;
}

static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = rb_min_u64(limit.rlim_max, FILES_WANTED);
	setrlimit(RLIMIT_NOFILE, &limit);
}

static enum rb_exit
set_up_shm(struct rb_daemon *daemon)
{
	const char *path = daemon->paths.shm_dir;

	daemon->err = daemon->shm_dirfd = rb_paths_open_shm(path,
							    &daemon->shm_made);
	if (daemon->shm_dirfd < 0)
		return RB_EXIT_CANNOT_CREATE;
	daemon->err = rb_service_check_user(daemon->shm_dirfd, path);
	if (daemon->err < 0)
		return RB_EXIT_CANNOT_CREATE;
	daemon->err = daemon->lock = rb_lock_take(daemon->shm_dirfd, path);
	if (daemon->lock < 0)
		return daemon->lock == -EBUSY ? RB_EXIT_RUNNING
					      : RB_EXIT_CANNOT_CREATE;
	daemon->err = rb_maker_init(&daemon->registry.maker, daemon->shm_dirfd,
				    path);
	if (daemon->err < 0)
		return RB_EXIT_FAILURE;
	daemon->registry.maker.store = &daemon->store;
	return RB_EXIT_OK;
}

static int
set_up_tamper(struct rb_daemon *daemon)
{
	daemon->tamper.registry = &daemon->registry;
	daemon->tamper.reaper = &daemon->reaper;
	daemon->tamper.broke = on_broken;
	daemon->tamper.context = daemon;
	return rb_tamper_init(&daemon->tamper, daemon->loop);
}

static enum rb_exit
set_up_loop(struct rb_daemon *daemon)
{
	struct rb_service_owner owner = rb_health_owner(daemon);
	int err = rb_loop_new(
		rb_server_max_watches(daemon->config->max_clients),
		&daemon->loop);

	if (err == 0)
		err = rb_event_init();
	daemon->err = err;
	if (err < 0)
		return RB_EXIT_FAILURE;
	rb_processes_init(&daemon->processes, daemon->loop, on_death, daemon);
	err = rb_users_init(&daemon->users, daemon->loop);
	daemon->registry.users = &daemon->users;
	if (err == 0)
		err = rb_sigbus_init();
	if (err == 0)
		err = watch_signals(daemon);
	if (err == 0)
		err = rb_reaper_init(&daemon->reaper, daemon->loop,
				     &daemon->registry, on_left, daemon);
	if (err == 0)
		err = rb_warden_init(&daemon->warden, daemon->loop,
				     &daemon->registry);
	if (err == 0)
		err = rb_stuck_init(&daemon->stuck, daemon->loop,
				    &daemon->registry);
	if (err == 0)
		err = rb_outdated_init(&daemon->outdated, daemon);
	if (err == 0)
		err = set_up_tamper(daemon);
	if (err == 0)
		err = rb_service_init(&daemon->service, daemon->loop, &owner);
	daemon->err = err;
	if (err < 0)
		rb_log_error("cannot set up the event loop: %s",
			     strerror(-err));
	return err < 0 ? RB_EXIT_FAILURE : RB_EXIT_OK;
}

/* Taken over, or in nobody's power to make. */
static bool
is_settled(const struct rb_registry *registry, const char *name)
{
	return rb_registry_find(registry, name) != NULL ||
	       rb_registry_find_refused(registry, name) != NULL;
}

/* Those that an earlier daemon has not left us. */
static int
create_missing(struct rb_daemon *daemon)
{
	struct rb_config *config = daemon->config;
	char why[256];

	for (unsigned i = 0; i < config->n_channels; i++) {
		const struct rb_config_channel *c = &config->channels[i];
		struct rb_creation creation = { .config = c };
		struct rb_hosted *hosted;
		int err;

		if (is_settled(&daemon->registry, c->name))
			continue;
		rb_service_works();
		err = rb_registry_create(&daemon->registry, &creation, why,
					 sizeof(why), &hosted);
		if (err < 0) {
			rb_log_error("channel %s: %s", c->name, why);
			return err;
		}
		rb_daemon_watch(daemon, hosted);
	}
	rb_expiry_expect(&daemon->reaper.expiry);
	return 0;
}

static enum rb_exit
set_up_channels(struct rb_daemon *daemon)
{
	daemon->err = rb_adopt_all(daemon);
	if (daemon->err < 0)
		return RB_EXIT_FAILURE;
	rb_store_settle(&daemon->store, daemon->registry.n_refused > 0);
	daemon->err = create_missing(daemon);
	return daemon->err < 0 ? RB_EXIT_CANNOT_CREATE : RB_EXIT_OK;
}

static enum rb_exit
set_up_server(struct rb_daemon *daemon)
{
	int err = rb_server_init(&daemon->server, daemon, &daemon->paths,
				 daemon->config->max_clients);

	daemon->err = err;
	if (err == 0) {
		/* Who leaves from now on finds us. */
		rb_reaper_heed_all(&daemon->reaper);
		rb_outdated_watch(&daemon->outdated);
		return RB_EXIT_OK;
	}
	return err == -EADDRINUSE ? RB_EXIT_RUNNING : RB_EXIT_CANNOT_CREATE;
}

static enum rb_exit
set_up(struct rb_daemon *daemon, const struct rb_options *options)
{
	enum rb_exit code = rb_daemon_load_config(options, &daemon->config);

	if (code == RB_EXIT_OK &&
	    rb_paths_init(&daemon->paths, options, daemon->config) < 0)
		code = RB_EXIT_CONFIG;
	if (code == RB_EXIT_OK && rb_inherit(&daemon->store, &daemon->inherited,
					     daemon->paths.socket) < 0)
		code = RB_EXIT_CANNOT_CREATE;
	if (code == RB_EXIT_OK)
		code = set_up_loop(daemon);
	if (code == RB_EXIT_OK)
		code = set_up_shm(daemon);
	if (code == RB_EXIT_OK)
		code = set_up_channels(daemon);
	if (code == RB_EXIT_OK)
		code = set_up_server(daemon);
	return code;
}

enum rb_exit
rb_daemon_new(const struct rb_options *options, struct rb_daemon **ret)
{
	struct rb_daemon *daemon = calloc(1, sizeof(*daemon));
	enum rb_exit code;

	if (daemon == NULL) {
		rb_log_error("out of memory");
		return RB_EXIT_FAILURE;
	}
	daemon->options = options;
	daemon->started_ns = rb_boottime_ns();
	daemon->shm_dirfd = daemon->lock = daemon->signals = -1;
	daemon->inherited = -1;
	daemon->tamper.fd = -1;
	daemon->server.socket = RB_SOCKET_NULL;
	LIST_INIT(&daemon->server.peers);
	raise_limits();
	/* Not that of whoever starts us: what is to be open says so itself. */
	umask(S_IRWXG | S_IRWXO);
	code = set_up(daemon, options);
	if (code != RB_EXIT_OK) {
		rb_service_failed(code, daemon->err);
		daemon->rest = RB_REGISTRY_REMOVE_MADE;
		rb_daemon_free(daemon);
		return code;
	}
	*ret = daemon;
	return RB_EXIT_OK;
}

enum rb_exit
rb_daemon_run(struct rb_daemon *daemon)
{
	rb_event_tell(NULL, LOG_INFO, RB_ABOUT(RB_EVENT_START),
		      "%u channels in %s, listening on %s",
		      daemon->registry.n_hosted, daemon->paths.shm_dir,
		      daemon->paths.socket);
	if (daemon->registry.n_refused > 0)
		rb_log_warning("%u more are not served, see above",
			       daemon->registry.n_refused);
	rb_service_ready(&daemon->service, NULL);
	daemon->err = rb_loop_run(daemon->loop, on_turned, daemon);
	if (daemon->err < 0) {
		rb_service_failed(RB_EXIT_FAILURE, daemon->err);
		return RB_EXIT_FAILURE;
	}
	if (daemon->leaving)
		return RB_EXIT_OK;
	rb_registry_close_streams(&daemon->registry, true);
	daemon->rest = RB_REGISTRY_REMOVE;
	return RB_EXIT_OK;
}

struct rb_daemon *
rb_daemon_free(struct rb_daemon *daemon)
{
	if (daemon == NULL)
		return NULL;
	rb_service_deinit(&daemon->service);
	rb_server_deinit(&daemon->server);
	rb_outdated_deinit(&daemon->outdated);
	rb_stuck_deinit(&daemon->stuck);
	rb_warden_deinit(&daemon->warden);
	rb_reaper_deinit(&daemon->reaper);
	rb_processes_deinit(&daemon->processes);
	rb_registry_deinit(&daemon->registry, daemon->rest);
	rb_store_deinit(&daemon->store);
	rb_users_deinit(&daemon->users);
	rb_tamper_deinit(&daemon->tamper);
	daemon->loop = rb_loop_free(daemon->loop);
	if (daemon->lock >= 0)
		rb_lock_remove(daemon->shm_dirfd);
	if (daemon->shm_made || (daemon->rest == RB_REGISTRY_REMOVE &&
				 daemon->paths.shm_dir_is_ours))
		rmdir(daemon->paths.shm_dir); /* unless others use it */
	rb_closep(&daemon->inherited);
	rb_closep(&daemon->lock);
	rb_closep(&daemon->shm_dirfd);
	rb_closep(&daemon->signals);
	rb_service_settle();
	rb_event_deinit();
	rb_report_clear(&daemon->report);
	daemon->config = rb_config_free(daemon->config);
	free(daemon);
	return NULL;
}
