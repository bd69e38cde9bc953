/* SPDX-License-Identifier: MIT */
/*
 * util_arena.c - see util_arena.h
 */
#include "tests/hostile/util_arena.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_user.h"

#define EVENTS UINT64_C(10000000)

/* The users' numbers, one after the other. */
#define YAML                                                                   \
	"daemon: { drain: 1ms, max_clients: 256 }\n"                           \
	"dynamic: { allow: ['user:%d'], max_channels: %d, max_size: %d }\n"    \
	"channels:\n"                                                          \
	"  flow:\n"                                                            \
	"    slots: 4096\n"                                                    \
	"    event_size: %d\n"                                                 \
	"    access:\n"                                                        \
	"      publish: ['user:%d']\n"                                         \
	"      consume: ['user:%d', 'user:%d']\n"                              \
	"      tap: [any]\n"                                                   \
	"    consumers:\n"                                                     \
	"      reader:\n"                                                      \
	"      laggard: { slow: evict, max_lag: 2048, max_stall: 2s }\n"       \
	"  secret:\n"                                                          \
	"    slots: 8\n"                                                       \
	"    access:\n"                                                        \
	"      publish: ['user:%d']\n"                                         \
	"      consume: ['user:%d']\n"                                         \
	"      tap: ['user:%d']\n"

static void
write_yaml(char *text, size_t size)
{
	snprintf(text, size, YAML, UID_STRANGER, ARENA_CHANNELS_MAX,
		 ARENA_SIZE_MAX, PAIR_EVENT_SIZE, UID_PRODUCER, UID_CONSUMER,
		 UID_LAGGARD, UID_PRODUCER, UID_PRODUCER, UID_PRODUCER);
}

void
arena_become(uid_t uid)
{
	const gid_t group = UID_DAEMON;
	const struct t_user user = { uid, uid, 1, &group };

	if (uid != UID_ROOT)
		t_become(&user, NULL);
}

/* ---------------------------------------------------------------- the daemon */

/* By its descriptor: the folders above the build may be root's alone. */
int
arena_exec_daemon(uid_t uid, const char *const argv[])
{
	int fd = t_program_fd("ringbusd");

	arena_become(uid);
	unsetenv("XDG_RUNTIME_DIR");
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return 127;
}

static int
run_daemon(void *arg)
{
	const struct t_daemon *d = arg;
	const char *const argv[] = { "ringbusd", "--config", d->config,
				     "--socket", d->socket,  "--shm-dir",
				     d->shm,     NULL };
	int log = open(d->log, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		return 127;
	/* By this it knows that it is the system's. */
	setenv("RUNTIME_DIRECTORY", "/run/ringbus", 1);
	return arena_exec_daemon(UID_DAEMON, argv);
}

static void
start_daemon(struct t_daemon *d)
{
	char yaml[2048], run[64], options[64];

	write_yaml(yaml, sizeof(yaml));
	t_daemon_prepare(d, yaml);
	snprintf(run, sizeof(run), "%.50s/run", t_tmpdir());
	snprintf(d->socket, sizeof(d->socket), "%s/control.sock", run);
	ck_assert_int_eq(chmod(t_tmpdir(), 0755), 0);
	ck_assert_int_eq(chmod(d->config, 0644), 0);
	ck_assert_int_eq(mkdir(run, 0755), 0);
	ck_assert_int_eq(chown(run, UID_DAEMON, UID_DAEMON), 0);
	snprintf(options, sizeof(options), "size=%d,mode=0755,uid=%d,gid=%d",
		 ARENA_SHM_SIZE, UID_DAEMON, UID_DAEMON);
	ck_assert_int_eq(mount("none", d->shm, "tmpfs", 0, options), 0);
	d->pid = t_child(run_daemon, d);
	t_daemon_await(d);
}

static unsigned
count_fds(pid_t pid)
{
	struct dirent *entry;
	unsigned n = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static unsigned
count_mappings(pid_t pid, const char *of)
{
	char path[64], line[2 * PATH_MAX];
	unsigned n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		n += strstr(line, of) != NULL;
	fclose(file);
	return n;
}

unsigned
arena_holds(const struct arena *arena)
{
	const struct t_daemon *d = &arena->daemon;

	return count_fds(d->pid) + count_mappings(d->pid, d->shm);
}

static int
ask(void *arg)
{
	const struct arena *arena = arg;
	struct ringbus *bus = NULL;

	arena_become(UID_BYSTANDER);
	t_ok(ringbus_connect(arena->daemon.socket, &bus));
	ck_assert_int_eq(ringbus_ping(bus), arena->daemon.pid);
	ringbus_close(bus);
	return 0;
}

void
arena_answers(const struct arena *arena)
{
	t_join(t_child(ask, (void *)arena));
}

/* ------------------------------------------------------- the channel `other` */

static struct ringbus_channel_options
options_of(enum other kind)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;

	o.slots = kind == OTHER_LARGE ? OTHER_SLOTS_LARGE : OTHER_SLOTS;
	o.slot_size = kind == OTHER_LARGE ? 8 : 64;
	o.producers = kind == OTHER_SINGLE || kind == OTHER_CLEAR
			      ? RINGBUS_SINGLE
			      : RINGBUS_MULTI;
	o.framing = kind == OTHER_FRAMED ? RINGBUS_FRAMED : RINGBUS_FIXED;
	o.clear = kind == OTHER_CLEAR;
	o.strict = kind == OTHER_STRICT;
	o.stuck_after_ns = kind == OTHER_STUCK ? T_MS : 0;
	return o;
}

void
arena_make_other(struct arena *arena, enum other kind)
{
	struct ringbus_consumer_kind group = RINGBUS_CONSUMER_KIND_INIT;
	struct ringbus_channel_options o = options_of(kind);
	struct ringbus_graph *graph = NULL;

	if (kind == OTHER_NONE)
		return;
	if (kind == OTHER_GROUP) {
		group.group = 1;
		graph = ringbus_graph_new();
		ringbus_stage_set(
			ringbus_graph_handle_with(graph, "crew", NULL), &group);
		o.graph = graph;
	}
	t_bus_ok(arena->root, ringbus_create(arena->root, "other", &o));
	ringbus_graph_free(graph);
}

bool
arena_remove_other(struct arena *arena)
{
	int err = ringbus_remove(arena->root, "other");

	if (err != -EBUSY && err != -ENOENT)
		t_bus_ok(arena->root, err);
	return err != -EBUSY;
}

/* -------------------------------------------------------------- begin and end */

void
arena_begin(struct arena *arena)
{
	const char *harder = getenv("HOSTILE");

	*arena = (struct arena){ .harder = 1 };
	if (harder != NULL && harder[0] != '\0' && harder[0] != '0')
		arena->harder = 20;
	if (!t_own_mounts())
		T_SKIP("only root can mount and become other users");
	start_daemon(&arena->daemon);
	arena->root = t_connect(&arena->daemon);
	pair_start(&arena->pair, arena->daemon.socket);
	arena_answers(arena);
	/* What was closed before this was asked is closed when it is answered. */
	for (int i = 0; i < 2; i++)
		t_ok(ringbus_ping(arena->root));
	arena->held = arena_holds(arena);
}

void
arena_end(struct arena *arena)
{
	uint64_t n = pair_stop(&arena->pair, EVENTS);

	printf("%llu events arrived unharmed\n", (unsigned long long)n);
	ck_assert_uint_ge(n, EVENTS);
	ringbus_close(arena->root);
	t_daemon_stop(&arena->daemon);
	ck_assert_int_eq(umount(arena->daemon.shm), 0);
}
