/* SPDX-License-Identifier: MIT */
/*
 * setup.c - see setup.h
 */
#include "bench/setup.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BESIDE_MAX 8

static char dir[64];
static char shm_dir[64];
static pid_t daemon_pid;
static pid_t beside[BESIDE_MAX];
static int n_beside;
static pid_t parent; /* of this one, if it is a child */

int64_t
bench_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void
bench_sort(int64_t *values, int64_t n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
}

int64_t
bench_check(const char *what, int64_t result)
{
	if (result >= 0)
		return result;
	bench_fail("%s: %s", what, ringbus_strerror(result));
}

void
bench_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\n", stderr);
	va_end(args);
	if (parent == 0)
		exit(1);
	kill(parent, SIGTERM); /* it may be waiting for our events */
	_exit(1);
}

int
bench_n_cpus(void)
{
	return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

void
bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % bench_n_cpus(), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fprintf(stderr, "bench: not pinned: %s\n", strerror(errno));
}

pid_t
bench_child(int cpu, int (*fn)(void *), void *context)
{
	pid_t self = getpid(), pid = fork();

	if (pid != 0)
		return (pid_t)bench_check("fork", pid < 0 ? -errno : pid);
	parent = self;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	bench_pin(cpu);
	_exit(fn(context));
}

void
bench_join(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) == pid && status == 0)
		return;
	bench_fail("a child failed, status 0x%x", (unsigned)status);
}

void
bench_join_all(const pid_t *pids, int n)
{
	for (int left = n; left > 0;) {
		int status = 0;
		pid_t pid = waitpid(-1, &status, 0);

		bench_check("wait", pid < 0 ? -errno : 0);
		for (int i = 0; i < n; i++)
			left -= pids[i] == pid;
		if (status != 0)
			bench_fail("a side failed, status 0x%x",
				   (unsigned)status);
	}
}

void *
bench_share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		bench_check("mmap", -errno);
	return memory;
}

void
bench_unshare(void *memory, size_t size)
{
	munmap(memory, size);
}

void
bench_meet(int *n_arrived, int n)
{
	_Atomic int *shared = (_Atomic int *)n_arrived;

	atomic_fetch_add(shared, 1);
	while (atomic_load(shared) < n)
		sched_yield();
}

const char *
bench_wait_for_crowd(int n)
{
	return n <= bench_n_cpus() ? "busy_spin" : "yielding";
}

/* build/release/bench/x -> build/release/ringbusd */
const char *
bench_program(const char *name)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);

	path[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < 2 && strrchr(path, '/') != NULL; i++)
		*strrchr(path, '/') = '\0';
	snprintf(path + strlen(path), 64, "/%s", name);
	return path;
}

const char *
bench_folder(void)
{
	return dir;
}

static void
write_config(const char *path, const char *channels)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fprintf(f, "channels:\n%s", channels) < 0 ||
	    fclose(f) != 0)
		bench_check(path, -errno);
}

static void
execute(const char *log, int death, const char *const argv[])
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", dir, log);
	if (freopen(path, "w", stderr) == NULL)
		bench_check(path, -errno);
	prctl(PR_SET_PDEATHSIG, death);
	execv(argv[0], (char *const *)argv);
	fprintf(stderr, "bench: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void
execute_daemon(const char *config)
{
	char socket[96];
	const char *const argv[] = { bench_program("ringbusd"),
				     "--config",
				     config,
				     "--socket",
				     socket,
				     "--shm-dir",
				     shm_dir,
				     NULL };

	snprintf(socket, sizeof(socket), "%s/sock", dir);
	execute("log", SIGTERM, argv);
}

void
bench_start_beside(const char *log, const char *const argv[])
{
	pid_t pid;

	if (n_beside == BESIDE_MAX)
		bench_fail("more than %d programs", BESIDE_MAX);
	pid = fork();
	bench_check("fork", pid < 0 ? -errno : pid);
	if (pid == 0)
		execute(log, SIGKILL, argv);
	beside[n_beside++] = pid;
}

void
bench_look_beside(void)
{
	for (int i = 0; i < n_beside; i++)
		if (waitpid(beside[i], NULL, WNOHANG) != 0)
			bench_fail("a program beside the daemon has ended");
}

/* The last one first. */
static void
end_beside(void)
{
	while (n_beside > 0) {
		pid_t pid = beside[--n_beside];

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* Nothing stays behind who is interrupted. A second signal does not hit the
 * command that removes it. */
static void
stop_and_die(int number)
{
	signal(number, SIG_IGN);
	bench_stop_daemon();
	signal(number, SIG_DFL);
	raise(number);
}

void
bench_start_daemon(const char *channels)
{
	char config[96], socket[96];

	snprintf(dir, sizeof(dir), "/tmp/ringbus-bench-XXXXXX");
	if (mkdtemp(dir) == NULL)
		bench_check(dir, -errno);
	snprintf(shm_dir, sizeof(shm_dir), "/dev/shm/ringbus-bench-%d",
		 (int)getpid());
	snprintf(config, sizeof(config), "%s/bench.yaml", dir);
	snprintf(socket, sizeof(socket), "%s/sock", dir);
	write_config(config, channels);
	setenv("RINGBUS_SOCKET", socket, 1);
	atexit(bench_stop_daemon);
	signal(SIGINT, stop_and_die);
	signal(SIGTERM, stop_and_die);
	daemon_pid = fork();
	if (daemon_pid == 0)
		execute_daemon(config);
	ringbus_close(bench_connect());
}

void
bench_stop_daemon(void)
{
	char command[256];

	if (daemon_pid <= 0 || parent != 0)
		return;
	end_beside();
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
	snprintf(command, sizeof(command), "rm -rf %s %s", dir, shm_dir);
	if (system(command) != 0)
		fprintf(stderr, "bench: %s failed\n", command);
}

/* What the daemon had to say goes to a file: it is of interest if it failed. */
static void
show_log(void)
{
	char path[96], text[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", dir);
	f = fopen(path, "r");
	while (f != NULL && fgets(text, sizeof(text), f) != NULL)
		fputs(text, stderr);
	if (f != NULL)
		fclose(f);
}

struct ringbus *
bench_connect(void)
{
	struct timespec nap = { .tv_nsec = 1000000 };
	struct ringbus *bus = NULL;
	int err = -ENOENT;

	for (int i = 0; i < 5000 && err < 0; i++) {
		err = ringbus_connect(NULL, &bus);
		if (err < 0)
			nanosleep(&nap, NULL);
	}
	if (err < 0)
		show_log();
	bench_check("connect", err);
	return bus;
}
