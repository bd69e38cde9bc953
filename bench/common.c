/* SPDX-License-Identifier: MIT */
/*
 * common.c - see common.h
 */
#include "bench/common.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/probe.h"

static char dir[64];
static char shm_dir[64];
static pid_t daemon_pid;

int64_t
bench_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t
bench_check(const char *what, int64_t result)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "bench: %s: %s\n", what, ringbus_strerror(result));
	exit(1);
}

void
bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fprintf(stderr, "bench: not pinned: %s\n", strerror(errno));
}

pid_t
bench_child(int cpu, int (*fn)(void *), void *context)
{
	pid_t pid = fork();

	if (pid != 0)
		return (pid_t)bench_check("fork", pid < 0 ? -errno : pid);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bench_pin(cpu);
	_exit(fn(context));
}

void
bench_join(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) == pid && status == 0)
		return;
	fprintf(stderr, "bench: a child failed, status 0x%x\n",
		(unsigned)status);
	exit(1);
}

/* build/release/bench/x -> build/release/ringbusd */
static void
daemon_path(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 16);

	path[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < 2 && strrchr(path, '/') != NULL; i++)
		*strrchr(path, '/') = '\0';
	strncat(path, "/ringbusd", size - strlen(path) - 1);
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
execute_daemon(const char *config)
{
	char path[4096], socket[96];

	daemon_path(path, sizeof(path));
	snprintf(socket, sizeof(socket), "%s/sock", dir);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execl(path, "ringbusd", "--config", config, "--socket", socket,
	      "--shm-dir", shm_dir, (char *)NULL);
	fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
	_exit(127);
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
	daemon_pid = fork();
	if (daemon_pid == 0)
		execute_daemon(config);
	ringbus_close(bench_connect());
}

void
bench_stop_daemon(void)
{
	char command[256];

	if (daemon_pid <= 0)
		return;
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
	snprintf(command, sizeof(command), "rm -rf %s %s", dir, shm_dir);
	if (system(command) != 0)
		fprintf(stderr, "bench: %s failed\n", command);
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
	bench_check("connect", err);
	return bus;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values)
{
	qsort(values, BENCH_ROUNDS, sizeof(*values), compare);
	return values[BENCH_ROUNDS / 2];
}

static void
describe_machine(const char *title)
{
	struct utsname os;

	uname(&os);
	printf("\n%s\n  %ld cores, %s %s; pinned to cores %d and %d; %d "
	       "rounds\n",
	       title, sysconf(_SC_NPROCESSORS_ONLN), os.sysname, os.release,
	       BENCH_PRODUCER_CPU, BENCH_CONSUMER_CPU, BENCH_ROUNDS);
}

/* For whom the other build is: a run of it prints one figure and no more. */
static double
run_once_before(const char *build, unsigned i)
{
	char self[4096], command[8192];
	double figure = 0;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	FILE *f;

	self[n > 0 ? n : 0] = '\0';
	snprintf(command, sizeof(command), "BENCH_ONCE=%u %s/bench/%s", i,
		 build, strrchr(self, '/') + 1);
	f = popen(command, "r");
	if (f == NULL || fscanf(f, "%lf", &figure) != 1)
		figure = 0;
	if (f == NULL || pclose(f) != 0 || figure <= 0) {
		fprintf(stderr, "bench: %s: no figure\n", command);
		exit(1);
	}
	return figure;
}

static void
report(const char *unit, const char *name, double *figures, double *ratios)
{
	double ratio = median(ratios);
	double middle = median(figures);

	printf("  %-34s %8.1f %8.1f %8.1f %s  %6.2f\n", name, figures[0],
	       middle, figures[BENCH_ROUNDS - 1], unit, ratio);
	if (getenv("BENCH_JSON") != NULL)
		printf("{\"name\":\"%s\",\"unit\":\"%s\",\"min\":%.3f,"
		       "\"median\":%.3f,\"max\":%.3f,\"ratio\":%.3f}\n",
		       name, unit, figures[0], middle,
		       figures[BENCH_ROUNDS - 1], ratio);
}

/* Figures of all rounds, by contestant. */
struct results {
	double figures[BENCH_CONTESTANTS_MAX][BENCH_ROUNDS];
	double ratios[BENCH_CONTESTANTS_MAX][BENCH_ROUNDS]; /* to the first */
	/* This build to the other, run after it in the same round. */
	double gains[BENCH_CONTESTANTS_MAX][BENCH_ROUNDS];
};

static void
run_round(const struct bench_contestant *contestants, unsigned n, int round,
	  struct results *r)
{
	const char *before = getenv("BENCH_BEFORE");

	for (unsigned i = 0; i < n; i++) {
		const struct bench_contestant *c = &contestants[i];

		r->figures[i][round] = c->run(c->context);
		r->ratios[i][round] = r->figures[i][round] /
				      r->figures[0][round];
		if (before != NULL)
			r->gains[i][round] = r->figures[i][round] /
					     run_once_before(before, i);
	}
}

/* Beside the other build, with the spread of the pairs: that is the noise. */
static void
report_gains(const struct bench_contestant *contestants, unsigned n,
	     struct results *r)
{
	printf("  %-34s %8s %8s %8s\n", "beside BENCH_BEFORE, in pairs", "min",
	       "median", "max");
	for (unsigned i = 0; i < n; i++) {
		double middle = median(r->gains[i]);

		printf("  %-34s %8.2f %8.2f %8.2f\n", contestants[i].name,
		       r->gains[i][0], middle, r->gains[i][BENCH_ROUNDS - 1]);
	}
}

void
bench_rounds(const char *title, const char *unit,
	     const struct bench_contestant *contestants, unsigned n)
{
	static struct results r;
	const char *once = getenv("BENCH_ONCE");

	if (once != NULL) {
		const struct bench_contestant *c = &contestants[atoi(once)];

		printf("%.6f\n", c->run(c->context));
		return;
	}
	describe_machine(title);
	printf("  line between the cores, ns, at each round:");
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		printf(" %.0f", bench_probe_ns());
		fflush(stdout);
		run_round(contestants, n, round, &r);
	}
	printf("\n  %-34s %8s %8s %8s %*s  %6s\n", "", "min", "median", "max",
	       (int)strlen(unit), "", "ratio");
	for (unsigned i = 0; i < n; i++)
		report(unit, contestants[i].name, r.figures[i], r.ratios[i]);
	if (getenv("BENCH_BEFORE") != NULL)
		report_gains(contestants, n, &r);
	fflush(stdout);
}
