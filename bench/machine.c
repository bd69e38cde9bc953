/* SPDX-License-Identifier: MIT */
/*
 * machine.c - see machine.h
 */
#include "bench/machine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "bench/setup.h"

#define GROUPS 15
#define TRIPS 1000
#define LISTEN_NS 2000000
#define GAP_NS 1000 /* longer than the clock takes */

/* ------------------------------------------------------- between the cores */

static _Alignas(128) _Atomic int64_t line;

static void *
answer(void *unused)
{
	bench_pin(BENCH_CONSUMER_CPU);
	for (int64_t i = 1; i < 2 * GROUPS * TRIPS; i += 2) {
		while (atomic_load_explicit(&line, memory_order_acquire) != i)
			;
		atomic_store_explicit(&line, i + 1, memory_order_release);
	}
	return unused;
}

static void
go_and_return(int64_t i)
{
	atomic_store_explicit(&line, i + 1, memory_order_release);
	while (atomic_load_explicit(&line, memory_order_acquire) != i + 2)
		;
}

double
bench_probe_ns(void)
{
	int64_t times[GROUPS], i = 0;
	pthread_t thread;

	atomic_store(&line, 0);
	bench_pin(BENCH_PRODUCER_CPU);
	if (pthread_create(&thread, NULL, answer, NULL) != 0)
		return 0;
	for (int group = 0; group < GROUPS; group++) {
		int64_t start = bench_clock_ns();

		for (int trip = 0; trip < TRIPS; trip++, i += 2)
			go_and_return(i);
		times[group] = bench_clock_ns() - start;
	}
	pthread_join(thread, NULL);
	bench_sort(times, GROUPS);
	return (double)times[GROUPS / 4] / TRIPS;
}

/* ------------------------------------------------------------------- noise */

/* On both at the same time, once they are there. */
static double
listen_at(int cpu, int *n_there)
{
	int64_t start, last, now, lost = 0;

	bench_pin(cpu);
	bench_meet(n_there, 2);
	start = last = bench_clock_ns();
	do {
		now = bench_clock_ns();
		if (now - last > GAP_NS)
			lost += now - last;
		last = now;
	} while (now - start < LISTEN_NS);
	return (double)lost * 100 / (double)(now - start);
}

struct listener {
	int n_there;
	double percent;
};

static void *
listen_aside(void *context)
{
	struct listener *listener = context;

	listener->percent = listen_at(BENCH_CONSUMER_CPU, &listener->n_there);
	return NULL;
}

double
bench_noise_percent(void)
{
	struct listener there = { 0, 0 };
	pthread_t thread;
	double here;

	if (pthread_create(&thread, NULL, listen_aside, &there) != 0)
		return 0;
	here = listen_at(BENCH_PRODUCER_CPU, &there.n_there);
	pthread_join(thread, NULL);
	return here > there.percent ? here : there.percent;
}

/* ------------------------------------------------------------------- steal */

struct bench_ticks
bench_ticks(void)
{
	struct bench_ticks ticks = { 0, 0 };
	long long value;
	FILE *f = fopen("/proc/stat", "r");

	if (f == NULL || fscanf(f, "cpu") != 0)
		return ticks;
	/* user nice system idle iowait irq softirq steal */
	for (int i = 0; i < 8 && fscanf(f, "%lld", &value) == 1; i++) {
		ticks.total += value;
		if (i == 7)
			ticks.steal = value;
	}
	fclose(f);
	return ticks;
}

double
bench_steal_percent(const struct bench_ticks *since)
{
	struct bench_ticks now = bench_ticks();
	int64_t total = now.total - since->total;

	return total > 0 ? (double)(now.steal - since->steal) * 100 /
				   (double)total
			 : 0;
}

/* ------------------------------------------------------------- description */

static void
read_line(const char *path, char *ret, size_t size)
{
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return;
	if (fgets(ret, (int)size, f) != NULL)
		ret[strcspn(ret, "\n")] = '\0';
	fclose(f);
}

static void
find_cpu(char *ret, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char text[256];

	while (f != NULL && ret[0] == '\0' &&
	       fgets(text, sizeof(text), f) != NULL)
		if (strncmp(text, "model name", 10) == 0) {
			const char *colon = strchr(text, ':');

			text[strcspn(text, "\n")] = '\0';
			if (colon != NULL)
				snprintf(ret, size, "%.*s", (int)size - 1,
					 colon + 2);
		}
	if (f != NULL)
		fclose(f);
}

static void
find_hypervisor(char *ret)
{
#if defined(__x86_64__)
	unsigned level, features, name[4] = { 0 };

	__cpuid(1, level, name[0], features, name[1]);
	if (!(features & 1U << 31))
		return;
	__cpuid(0x40000000, level, name[0], name[1], name[2]);
	name[3] = 0;
	memcpy(ret, name, sizeof(name));
#else
	(void)ret;
#endif
}

void
bench_machine_get(struct bench_machine *ret)
{
	struct utsname os;

	memset(ret, 0, sizeof(*ret));
	uname(&os);
	ret->n_cpus = bench_n_cpus();
	snprintf(ret->kernel, sizeof(ret->kernel), "%.20s %.64s", os.sysname,
		 os.release);
	find_cpu(ret->cpu, sizeof(ret->cpu));
	find_hypervisor(ret->hypervisor);
	read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
		  ret->governor, sizeof(ret->governor));
}
