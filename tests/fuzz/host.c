/* SPDX-License-Identifier: MIT */
/*
 * host.c - see host.h
 */
#include "tests/fuzz/host.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define POLLS_MAX 256

static const char yaml[] = "daemon: { max_clients: 64 }\n"
			   "dynamic: { allow: [any], max_channels: 6,"
			   " max_size: 4M }\n"
			   "channels:\n"
			   "  " HOST_CHANNEL ":\n"
			   "    slots: 64\n"
			   "    producers: multi\n"
			   "    type: order\n"
			   "    version: 2\n"
			   "    max_consumers: 12\n"
			   "    consumers:\n"
			   "      first: { on_death: keep }\n"
			   "      second: { after: [first], slow: evict,"
			   " max_lag: 40 }\n"
			   "      group: { group: true,"
			   " key: { offset: 0, size: 4 } }\n";

static char config_path[300];
static char socket_path[300];
static char shm_path[300];
static struct rb_daemon *daemon_of_ours;
static struct rb_watch *nudge;
static int ready = -1; /* an eventfd that is always readable */

static void
write_config(void)
{
	FILE *file = fopen(config_path, "we");

	fuzz_expect(file != NULL);
	fuzz_expect(fputs(yaml, file) >= 0 && fclose(file) == 0);
}

static void
remove_all(void)
{
	daemon_of_ours->rest = RB_REGISTRY_REMOVE;
	daemon_of_ours = rb_daemon_free(daemon_of_ours);
	close(ready);
}

static void
on_nudge(void *context, int result)
{
	(void)context;
	fuzz_expect(result > 0);
}

/* It blocks signals, to take them as events. libFuzzer wants its own. */
static void
start(void)
{
	static const struct rb_options options = { .config = config_path,
						   .socket = socket_path,
						   .shm_dir = shm_path };
	const char *folder = fuzz_new_folder();
	sigset_t mask;

	snprintf(config_path, sizeof(config_path), "%s/ringbus.yaml", folder);
	snprintf(socket_path, sizeof(socket_path), "%s/control.sock", folder);
	snprintf(shm_path, sizeof(shm_path), "%s/shm", folder);
	write_config();
	sigprocmask(SIG_SETMASK, NULL, &mask);
	fuzz_expect(rb_daemon_new(&options, &daemon_of_ours) == RB_EXIT_OK);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	ready = eventfd(1, EFD_CLOEXEC);
	fuzz_expect(ready >= 0);
	fuzz_expect(rb_watch_new(daemon_of_ours->loop, on_nudge, NULL,
				 &nudge) == 0);
	atexit(remove_all);
	host_settle();
}

struct rb_daemon *
host_get(void)
{
	if (daemon_of_ours == NULL)
		start();
	return daemon_of_ours;
}

/* Whether there is something to be heard on one of its sockets. */
static bool
is_called(const struct rb_daemon *daemon)
{
	struct pollfd polls[POLLS_MAX];
	const struct rb_peer *peer;
	nfds_t n = 0;

	polls[n++] = (struct pollfd){ daemon->server.socket.fd, POLLIN, 0 };
	LIST_FOREACH(peer, &daemon->server.peers, of_server)
	{
		fuzz_expect(n < POLLS_MAX);
		polls[n++] = (struct pollfd){ peer->fd, POLLIN, 0 };
	}
	return poll(polls, n, 0) > 0;
}

static void
on_turned(void *context)
{
	struct rb_daemon *daemon = context;

	if (!is_called(daemon))
		rb_loop_stop(daemon->loop);
	else
		rb_watch_poll(nudge, ready);
}

/* Each turn ends, as the nudge comes at once. */
void
host_settle(void)
{
	rb_watch_poll(nudge, ready);
	fuzz_expect(rb_loop_run(daemon_of_ours->loop, on_turned,
				daemon_of_ours) == 0);
}

int
host_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);

	fuzz_expect(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.107s",
		 socket_path);
	fuzz_expect(connect(fd, (struct sockaddr *)&address, sizeof(address)) ==
		    0);
	host_settle();
	return fd;
}

void
host_renew(void)
{
	struct rb_registry *registry = &daemon_of_ours->registry;
	struct rb_hosted *hosted = rb_registry_find(registry, HOST_CHANNEL);
	const struct rb_config_channel *config = hosted->config;
	struct rb_creation creation = { .config = config };
	char why[256];

	fuzz_expect(rb_reaper_remove(&daemon_of_ours->reaper, hosted) == 0);
	fuzz_expect(rb_registry_create(registry, &creation, why, sizeof(why),
				       &hosted) == 0);
	rb_warden_watch_all(&daemon_of_ours->warden, hosted);
}

static unsigned
count_entries(const char *path)
{
	DIR *folder = opendir(path);
	unsigned n = 0;

	fuzz_expect(folder != NULL);
	while (readdir(folder) != NULL)
		n++;
	closedir(folder);
	return n;
}

void
host_count(struct host_census *ret)
{
	const struct rb_daemon *d = daemon_of_ours;
	const struct rb_process *process;
	const struct rb_membership *m;

	*ret = (struct host_census){
		.n_fds = fuzz_count_fds(),
		.n_files = count_entries(shm_path),
		.n_hosted = d->registry.n_hosted,
		.n_peers = d->server.n_peers,
		.n_greeted = d->server.n_greeted,
	};
	LIST_FOREACH(process, &d->processes.list, of_all)
	ret->n_processes++;
	LIST_FOREACH(m, &d->reaper.dying, of_owner)
	ret->n_dying++;
	for (unsigned i = 0; i < d->registry.n_hosted; i++)
		LIST_FOREACH(m, &d->registry.hosted[i]->memberships, of_hosted)
	ret->n_memberships++;
}

void
host_expect_same(const struct host_census *before,
		 const struct host_census *after)
{
	fuzz_expect(after->n_fds == before->n_fds);
	fuzz_expect(after->n_files == before->n_files);
	fuzz_expect(after->n_hosted == before->n_hosted);
	fuzz_expect(after->n_peers == before->n_peers);
	fuzz_expect(after->n_greeted == before->n_greeted);
	fuzz_expect(after->n_processes == before->n_processes);
	fuzz_expect(after->n_memberships == before->n_memberships);
	fuzz_expect(after->n_dying == before->n_dying);
}
