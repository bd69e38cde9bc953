/* SPDX-License-Identifier: MIT */
/*
 * util_host.c - see util_host.h
 */
#include "tests/system/util_host.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_bus.h"

#define CABLE "wan0"

/* ----------------------------------------------------------- the namespaces */

static bool
make_host(void)
{
	return unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("shm", "/dev/shm", "tmpfs", 0, NULL) == 0 &&
	       mount("run", "/run", "tmpfs", 0, NULL) == 0 &&
	       mkdir("/run/ringbus", 0755) == 0;
}

/* Says whether it could be made, and stays. */
static int
keep(void *arg)
{
	struct rb_word64 *made = arg;

	t_store(made, make_host() ? 1 : 2);
	pause();
	return 0;
}

static uint64_t
start_keeper(struct t_host *host)
{
	struct rb_word64 *made = t_counter();

	host->keeper = t_child(keep, made);
	t_until(t_read(made) != 0);
	return t_read(made);
}

void
t_host_need(void)
{
	struct t_host host;
	uint64_t made;

	if (geteuid() != 0)
		T_SKIP("only root can make a network");
	if (access("/sbin/ip", X_OK) < 0 && access("/bin/ip", X_OK) < 0)
		T_SKIP("iproute2 is missing");
	made = start_keeper(&host);
	t_kill(host.keeper);
	if (made != 1)
		T_SKIP("no network of its own can be made here");
}

static bool
enter_one(pid_t keeper, const char *kind)
{
	char path[64];
	int fd;
	bool entered;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", keeper, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	entered = fd >= 0 && setns(fd, 0) == 0;
	close(fd);
	return entered;
}

/* Relative names stay what they were. */
static bool
enter(const struct t_host *host)
{
	char folder[PATH_MAX];

	return getcwd(folder, sizeof(folder)) != NULL &&
	       enter_one(host->keeper, "net") &&
	       enter_one(host->keeper, "mnt") && chdir(folder) == 0 &&
	       unsetenv("RINGBUS_SOCKET") == 0 &&
	       unsetenv("XDG_RUNTIME_DIR") == 0;
}

struct visit {
	const struct t_host *host;
	t_child_fn fn;
	void *arg;
};

static int
visit(void *arg)
{
	const struct visit *visit = arg;

	if (!enter(visit->host)) {
		dprintf(STDERR_FILENO, "host %s: %s\n", visit->host->name,
			strerror(errno));
		return 127;
	}
	return visit->fn(visit->arg);
}

pid_t
t_host_child(const struct t_host *host, t_child_fn fn, void *arg)
{
	struct visit v = { host, fn, arg };

	return t_child(visit, &v);
}

/* ----------------------------------------------------------------- programs */

struct program {
	const char *log;
	const char *const *argv;
};

static int
execute(void *arg)
{
	const struct program *program = arg;
	int log = open(program->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		       0600);

	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 ||
	    dup2(log, STDERR_FILENO) < 0)
		return 127;
	execv(program->argv[0], (char *const *)program->argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", program->argv[0],
		strerror(errno));
	return 127;
}

pid_t
t_host_spawn(const struct t_host *host, const char *log,
	     const char *const argv[])
{
	struct program program = { log, argv };

	return t_host_child(host, execute, &program);
}

void
t_host_sh(const struct t_host *host, const char *format, ...)
{
	char line[512];
	const char *const argv[] = { "/bin/sh", "-c", line, NULL };
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	t_join(t_host_child(host, execute,
			    &(struct program){ host->daemon.log, argv }));
}

/* --------------------------------------------------------------- its daemon */

static void
launch_daemon(struct t_host *host)
{
	struct t_daemon *d = &host->daemon;
	const char *const argv[] = { t_program("ringbusd"),
				     "--config",
				     d->config,
				     "--socket",
				     "/run/ringbus/control.sock",
				     "--shm-dir",
				     "/dev/shm/ringbus",
				     NULL };

	d->pid = t_host_spawn(host, d->log, argv);
	t_daemon_await(d);
}

void
t_host_restart_daemon(struct t_host *host)
{
	launch_daemon(host);
}

static void
place_daemon(struct t_host *host)
{
	struct t_daemon *d = &host->daemon;

	*d = (struct t_daemon){ 0 };
	snprintf(d->config, sizeof(d->config), "%s/%s.yaml", t_tmpdir(),
		 host->name);
	snprintf(d->log, sizeof(d->log), "%s/%s.log", t_tmpdir(), host->name);
	snprintf(d->socket, sizeof(d->socket),
		 "/proc/%d/root/run/ringbus/control.sock", host->keeper);
	snprintf(d->shm, sizeof(d->shm), "/proc/%d/root/dev/shm/ringbus",
		 host->keeper);
}

void
t_host_open(struct t_host *host, const char *yaml)
{
	ck_assert_uint_eq(start_keeper(host), 1);
	place_daemon(host);
	t_daemon_configure(&host->daemon, yaml);
	t_host_sh(host, "ip link set lo up");
	launch_daemon(host);
}

void
t_host_close(struct t_host *host)
{
	t_daemon_stop(&host->daemon);
	t_kill(host->keeper);
}

/* ---------------------------------------------------------------- the cable */

void
t_host_connect(struct t_host *a, struct t_host *b)
{
	a->address = "10.9.0.1";
	b->address = "10.9.0.2";
	t_host_sh(a,
		  "ip link add " CABLE " type veth peer name " CABLE
		  " netns %d",
		  b->keeper);
	t_host_sh(a,
		  "ip addr add %s/24 dev " CABLE " && ip link set " CABLE " up",
		  a->address);
	t_host_sh(b,
		  "ip addr add %s/24 dev " CABLE " && ip link set " CABLE " up",
		  b->address);
}

void
t_host_unplug(const struct t_host *host)
{
	t_host_sh(host, "ip link set " CABLE " down");
}

void
t_host_plug(const struct t_host *host)
{
	t_host_sh(host, "ip link set " CABLE " up");
}

/* To a machine that is not there: so no netem and no filter is needed. */
void
t_host_lose(const struct t_host *host, const struct t_host *to)
{
	t_host_sh(host,
		  "ip neigh replace %s lladdr 02:00:00:00:00:99 dev " CABLE
		  " nud permanent",
		  to->address);
}

void
t_host_find(const struct t_host *host, const struct t_host *to)
{
	t_host_sh(host, "ip neigh del %s dev " CABLE, to->address);
}
