/* SPDX-License-Identifier: MIT */
/*
 * doctor_machine.c - processors and time: what makes latency, and its tail
 *
 * Also how long this machine is away by itself: a thread that does nothing but
 * look at the clock sees what no program on it can do better than.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/doctor.h"
#include "client/ctl/interrupt.h"

#define JITTER_MAX INT64_C(1000000)
#define CPU "/sys/devices/system/cpu/"

static enum doctor_verdict
look_governor(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	char text[64];

	(void)doctor;
	if (doctor_read_line(CPU "cpu0/cpufreq/scaling_governor", text,
			     sizeof(text)) < 0) {
		doctor_found(found, "none to be seen: the machine decides");
		return DOCTOR_OK;
	}
	doctor_found(found, "%s", text);
	return strcmp(text, "performance") == 0 ? DOCTOR_OK : DOCTOR_NOTE;
}

static enum doctor_verdict
look_isolated(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	char isolated[64] = "", nohz[64] = "";

	(void)doctor;
	doctor_read_line(CPU "isolated", isolated, sizeof(isolated));
	doctor_read_line(CPU "nohz_full", nohz, sizeof(nohz));
	if (strcmp(nohz, "(null)") == 0)
		nohz[0] = '\0';
	doctor_found(found, "isolated: %s; without ticks: %s",
		     isolated[0] != '\0' ? isolated : "none",
		     nohz[0] != '\0' ? nohz : "none");
	return isolated[0] != '\0' && nohz[0] != '\0' ? DOCTOR_OK : DOCTOR_NOTE;
}

static enum doctor_verdict
look_number(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	(void)doctor;
	doctor_found(found, "%ld", n);
	return n < 2 ? DOCTOR_NOTE : DOCTOR_OK;
}

/* Those that are read without a system call. */
static enum doctor_verdict
look_clock(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	static const char *const good[] = {
		"tsc",
		"kvm-clock",
		"arch_sys_counter",
		"hyperv_clocksource_tsc_page",
	};
	char text[64];
	size_t i;

	(void)doctor;
	if (doctor_read_line("/sys/devices/system/clocksource/clocksource0/"
			     "current_clocksource",
			     text, sizeof(text)) < 0) {
		doctor_found(found, "cannot be seen");
		return DOCTOR_UNKNOWN;
	}
	doctor_found(found, "%s", text);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (strcmp(text, good[i]) == 0)
			return DOCTOR_OK;
	return DOCTOR_NOTE;
}

/* Ticks of all processors, and those that the host gave to others. */
static int
read_ticks(uint64_t *ret_all, uint64_t *ret_stolen)
{
	uint64_t t[8] = { 0 }, all = 0;
	char text[256];
	int i;

	if (doctor_read_field("/proc/stat", "cpu ", text, sizeof(text)) < 0 ||
	    sscanf(text,
		   "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
		return -1;
	for (i = 0; i < 8; i++)
		all += t[i];
	*ret_all = all;
	*ret_stolen = t[7];
	return 0;
}

static enum doctor_verdict
look_steal(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	uint64_t all, stolen;
	double part;

	(void)doctor;
	if (read_ticks(&all, &stolen) < 0 || all == 0) {
		doctor_found(found, "cannot be seen");
		return DOCTOR_UNKNOWN;
	}
	part = 100.0 * (double)stolen / (double)all;
	doctor_found(found, "%.2f%% of the time since the boot", part);
	return part >= 1 ? DOCTOR_NOTE : DOCTOR_OK;
}

static enum doctor_verdict
look_jitter(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	int64_t start = ctl_now_ns(), last = start, now = start, longest = 0;
	int64_t away = 0;
	unsigned n = 0;

	while (now - start < doctor->jitter_ns) {
		now = ctl_now_ns();
		if (now - last > longest)
			longest = now - last;
		if (now - last > 20000)
			away += now - last;
		last = now;
		if (++n % 65536 == 0 && interrupt_is_pending())
			break;
	}
	doctor_found(found,
		     "at most %.1f us away in %.0f ms, %.2f%% of it more than "
		     "20 us at once",
		     (double)longest / 1e3, (double)(now - start) / 1e6,
		     now > start ? 100.0 * (double)away / (double)(now - start)
				 : 0);
	return longest > JITTER_MAX ? DOCTOR_NOTE : DOCTOR_OK;
}

const struct doctor_check doctor_machine[] = {
	{ "processors", look_number,
	  "with one only `wait: blocking` makes sense" },
	{ "governor", look_governor,
	  "cpupower frequency-set -g performance: a slept processor is slow "
	  "for a while" },
	{ "isolation", look_isolated,
	  "for the lowest latency: isolcpus= and nohz_full= on the kernel's "
	  "command line, and members placed there" },
	{ "clock", look_clock,
	  "reading it is a system call: clocksource=tsc on the kernel's "
	  "command line, if it is stable" },
	{ "steal", look_steal,
	  "the host gives this machine's processors to others: reserve them "
	  "there" },
	{ "jitter", look_jitter,
	  "no event can be faster than that: see what else runs, governor and "
	  "isolation" },
	{ 0 },
};
