/* SPDX-License-Identifier: MIT */
/*
 * test_placement.c - what is wished of a channel's memory: granted, or done without
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_program.h"
#include "tests/system/util_user.h"

#define CHANNEL(keys)                                                          \
	"channels: { a: { slots: 1024, event_size: 64, " keys " } }"
#define LARGE(keys)                                                            \
	"channels: { a: { slots: 131072, event_size: 64, " keys " } }"

static struct ringbus_placement
placement_of(const struct t_daemon *d, const char *name)
{
	struct ringbus *bus = t_connect(d);
	struct ringbus_placement p = { .size = sizeof(p) };
	struct ringbus_tap *tap;
	unsigned i = 0;

	t_bus_ok(bus, ringbus_tap_open(bus, "a", NULL, &tap));
	do
		ck_assert_int_eq(ringbus_channel_placement(
					 ringbus_tap_channel(tap), i++, &p),
				 1);
	while (strcmp(p.name, name) != 0);
	ringbus_tap_close(tap);
	ringbus_close(bus);
	return p;
}

static void
is_granted(const struct t_daemon *d, const char *name)
{
	struct ringbus_placement p = placement_of(d, name);

	ck_assert_msg(p.granted, "%s: %d", p.text, p.error);
	ck_assert_int_eq(p.asked, 1);
	ck_assert_int_eq(p.error, 0);
	ck_assert_str_eq(p.text, "");
}

/* And the channel works without. */
static void
is_done_without(const struct t_daemon *d, const char *name, int err,
		const char *text)
{
	struct ringbus_placement p = placement_of(d, name);
	struct ringbus *bus = t_connect(d);
	struct ringbus_producer *producer;
	uint64_t event[8] = { 0 };

	ck_assert_int_eq(p.asked, 1);
	ck_assert_int_eq(p.granted, 0);
	ck_assert_int_eq(p.error, err);
	ck_assert_msg(strstr(p.text, text) != NULL, "%s", p.text);
	ck_assert(t_daemon_said(d, name));
	ck_assert(t_daemon_said(d, "is not granted"));
	t_bus_ok(bus, ringbus_producer_open(bus, "a", NULL, &producer));
	t_ok(ringbus_producer_write(producer, event, sizeof(event), T_LONG));
	ringbus_producer_close(producer);
	ringbus_close(bus);
}

/* The sum of a line of a file in /proc/PID, in KiB. */
static uint64_t
sum_of(pid_t pid, const char *file, const char *key)
{
	char path[64], line[512];
	uint64_t sum = 0, value;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0 &&
		    sscanf(line + strlen(key), ": %" SCNu64, &value) == 1)
			sum += value;
	fclose(f);
	return sum;
}

/* -------------------------------------------------------------------- wishes */

TEST(what_nobody_wishes_is_not_there)
{
	struct t_daemon d;
	const char *const names[] = { "lock", "huge_pages", "numa_node",
				      "cpus" };

	t_daemon_start(&d, CHANNEL("prefault: false"));
	ck_assert_int_eq(placement_of(&d, "prefault").asked, 0);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(names); i++)
		ck_assert_int_eq(placement_of(&d, names[i]).asked, 0);
	ck_assert(!t_daemon_said(&d, "granted"));
	t_daemon_stop(&d);
}

TEST(prefault_is_the_default)
{
	struct t_daemon d;

	t_daemon_start(&d, CHANNEL(""));
	is_granted(&d, "prefault");
	t_daemon_stop(&d);
}

TEST(lock_is_taken_anew_by_each_daemon)
{
	struct t_daemon d;

#ifdef SANITIZED
	T_SKIP("a sanitizer locks no memory, and says that it has");
#endif
	t_need_root();
	t_daemon_start(&d, CHANNEL("lock: true"));
	is_granted(&d, "lock");
	ck_assert_uint_ge(sum_of(d.pid, "status", "VmLck"), 64);
	t_daemon_kill(&d);
	t_daemon_restart(&d);
	is_granted(&d, "lock");
	ck_assert_uint_ge(sum_of(d.pid, "status", "VmLck"), 64);
	t_daemon_reload(&d, CHANNEL(""), "was reloaded");
	ck_assert_uint_eq(sum_of(d.pid, "status", "VmLck"), 0);
	ck_assert_int_eq(placement_of(&d, "lock").asked, 0);
	t_daemon_reload(&d, CHANNEL("lock: true"), "was reloaded");
	ck_assert_uint_ge(sum_of(d.pid, "status", "VmLck"), 64);
	t_daemon_stop(&d);
}

/* The line of the log about this key says it last. */
static void
is_told(const struct t_daemon *d, const char *key, const char *what)
{
	char *log = t_daemon_log(d);
	char *line = strstr(log, key);

	ck_assert_msg(line != NULL, "%s", log);
	line[strcspn(line, "\n")] = '\0';
	ck_assert_msg(strlen(line) > strlen(what) &&
			      strcmp(line + strlen(line) - strlen(what),
				     what) == 0,
		      "%s", line);
	free(log);
}

TEST(reload_tells_what_changes_now_and_what_does_not)
{
	static const char later[] = ": for when it is made anew; memory that "
				    "is there stays as it is";
	struct t_daemon d;

	t_daemon_start(&d, CHANNEL("huge_pages: true, numa_node: 700"));
	t_daemon_reload(&d, CHANNEL("prefault: false, lock: true"),
			"was reloaded");
	is_told(&d, "a.prefault: true -> false", later);
	is_told(&d, "a.huge_pages: true -> false", later);
	is_told(&d, "a.numa_node: 700 -> ", later);
	is_told(&d, "a.lock: false -> true", ": live");
	t_daemon_reload(&d, CHANNEL("huge_pages: true, numa_node: 700"),
			"was reloaded");
	is_told(&d, "a.lock: true -> false", ": live");
	is_told(&d, "a.prefault: false -> true", later);
	is_told(&d, "a.huge_pages: false -> true", ": live");
	is_told(&d, "a.numa_node: not given -> 700",
		": live, for memory that no member has in use");
	t_daemon_stop(&d);
}

/* As another user, as root may lock without a limit. */
TEST(lock_beyond_the_limit_is_done_without)
{
	/* io_uring takes some of it, too. */
	const struct rlimit little = { 1 << 20, 1 << 20 };
	struct rlimit before;
	struct t_daemon d;

#ifdef SANITIZED
	T_SKIP("a sanitizer locks no memory, and says that it has");
#endif
	t_need_root();
	t_daemon_prepare_as(&d, &t_alice, LARGE("lock: true"));
	ck_assert_int_eq(chown(d.log, t_alice.uid, t_alice.gid), 0);
	t_ok(getrlimit(RLIMIT_MEMLOCK, &before));
	t_ok(setrlimit(RLIMIT_MEMLOCK, &little));
	t_daemon_start_as(&d, &t_alice);
	is_done_without(&d, "lock", -ENOMEM, "LimitMEMLOCK=");
	/* Not even the small file that comes first. */
	ck_assert_uint_eq(sum_of(d.pid, "status", "VmLck"), 0);
	t_daemon_stop_as(&d);
}

TEST(huge_pages_are_there)
{
	struct ringbus_placement p;
	struct t_daemon d;

	t_daemon_start(&d, LARGE("huge_pages: true"));
	p = placement_of(&d, "huge_pages");
	if (p.error == -EINVAL) {
		t_daemon_stop(&d);
		T_SKIP("no huge pages here: %s", p.text);
	}
	is_granted(&d, "huge_pages");
	ck_assert_uint_ge(sum_of(d.pid, "smaps", "ShmemPmdMapped"), 4096);
	t_daemon_stop(&d);
}

TEST(ring_smaller_than_a_huge_page_is_done_without)
{
	struct t_daemon d;

	t_daemon_start(&d, CHANNEL("huge_pages: true"));
	is_done_without(&d, "huge_pages", -ERANGE, "smaller");
	t_daemon_stop(&d);
}

TEST(folder_without_huge_pages_is_done_without)
{
	struct t_daemon d;

	t_need_root();
	t_daemon_prepare(&d, LARGE("huge_pages: true"));
	t_ok(mount("none", d.shm, "ramfs", 0, "mode=0755"));
	t_daemon_restart(&d);
	is_done_without(&d, "huge_pages", -EINVAL, "tmpfs");
	t_daemon_stop(&d);
	t_ok(umount(d.shm));
}

TEST(node_that_is_not_there_is_done_without)
{
	struct t_daemon d;

	if (access("/sys/devices/system/node/node700", F_OK) == 0)
		T_SKIP("a machine of more than 700 nodes");
	t_daemon_start(&d, CHANNEL("numa_node: 700"));
	is_done_without(&d, "numa_node", -ENODEV, "no such node");
	ck_assert_int_eq(placement_of(&d, "numa_node").number, 700);
	t_daemon_stop(&d);
}

TEST(node_is_asked_for)
{
	char line[512];
	struct t_daemon d;
	bool found = false;
	FILE *f;

	if (access("/sys/devices/system/node/node0", F_OK) < 0)
		T_SKIP("a kernel without NUMA");
	t_daemon_start(&d, CHANNEL("numa_node: 0"));
	is_granted(&d, "numa_node");
	ck_assert_int_eq(placement_of(&d, "numa_node").number, 0);
	snprintf(line, sizeof(line), "/proc/%d/numa_maps", d.pid);
	f = fopen(line, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		found |= strstr(line, "prefer:0 ") != NULL &&
			 strstr(line, "/a/ring") != NULL;
	fclose(f);
	ck_assert(found);
	t_daemon_stop(&d);
}

/* ---------------------------------------------------------------------- CPUs */

static int
pin_to(const struct t_daemon *d)
{
	struct ringbus *bus = t_connect(d);
	struct ringbus_consumer *consumer;
	int r;

	t_bus_ok(bus, ringbus_consumer_open(bus, "a", NULL, &consumer));
	r = ringbus_pin(ringbus_consumer_channel(consumer));
	ringbus_consumer_close(consumer);
	ringbus_close(bus);
	return r;
}

/* One on which we may run. */
static int
own_cpu(void)
{
	cpu_set_t set;
	int cpu = 0;

	t_ok(sched_getaffinity(0, sizeof(set), &set));
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	return cpu;
}

static void
start_on(struct t_daemon *d, const char *fmt, int cpu)
{
	char cpus[64], yaml[256];

	snprintf(cpus, sizeof(cpus), fmt, cpu);
	snprintf(yaml, sizeof(yaml), CHANNEL("cpus: '%s'"), cpus);
	t_daemon_start(d, yaml);
}

TEST(thread_pins_itself_to_the_cpus_of_the_channel)
{
	cpu_set_t set, before;
	int cpu = own_cpu();
	struct t_daemon d;

	t_ok(sched_getaffinity(0, sizeof(before), &before));
	start_on(&d, "%d", cpu);
	is_granted(&d, "cpus");
	ck_assert_int_eq(pin_to(&d), 1);
	t_ok(sched_getaffinity(0, sizeof(set), &set));
	ck_assert_int_eq(CPU_COUNT(&set), 1);
	ck_assert(CPU_ISSET(cpu, &set));
	t_ok(sched_setaffinity(0, sizeof(before), &before));
	t_daemon_stop(&d);
}

TEST(nobody_is_pinned_where_no_cpus_are_named)
{
	cpu_set_t set, before;
	struct t_daemon d;

	t_ok(sched_getaffinity(0, sizeof(before), &before));
	t_daemon_start(&d, CHANNEL(""));
	ck_assert_int_eq(pin_to(&d), 0);
	t_ok(sched_getaffinity(0, sizeof(set), &set));
	ck_assert(CPU_EQUAL(&set, &before));
	ck_assert_int_eq(ringbus_pin(NULL), -EINVAL);
	t_daemon_stop(&d);
}

TEST(cpus_beyond_the_machine_are_told_and_the_others_are_used)
{
	struct t_daemon d;

	if (sysconf(_SC_NPROCESSORS_CONF) > 1022)
		T_SKIP("a machine of more than 1022 CPUs");
	start_on(&d, "%d,1022-1023", own_cpu());
	is_done_without(&d, "cpus", -ENODEV, "lscpu");
	ck_assert_int_eq(pin_to(&d), 1);
	t_daemon_stop(&d);
	start_on(&d, "%d", 1023);
	ck_assert_int_eq(pin_to(&d), -EINVAL);
	t_daemon_stop(&d);
}

/* ----------------------------------------------------------------- who sees it */

static bool
has(const struct t_ctl *run, const char *text)
{
	return strstr(t_ctl_out(run), text) != NULL;
}

/* `ringbusd --check` writes to our own stdout, so into a pipe. */
static void
check_says(const struct t_daemon *d, const char *text)
{
	char command[3 * PATH_MAX], said[4096];
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command),
		 "%s --check --config %s --shm-dir %s", t_program("ringbusd"),
		 d->config, d->shm);
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	n = fread(said, 1, sizeof(said) - 1, pipe);
	said[n] = '\0';
	ck_assert_int_eq(pclose(pipe), 0);
	ck_assert_msg(strstr(said, text) != NULL, "%s", said);
}

TEST(show_and_check_say_what_was_not_granted_and_why)
{
	struct t_daemon d;
	struct t_ctl run;

	if (access("/sys/devices/system/node/node700", F_OK) == 0)
		T_SKIP("a machine of more than 700 nodes");
	t_daemon_start(&d, CHANNEL("numa_node: 700, huge_pages: true"));
	t_ctl_run(&run, &d, NULL, "show a");
	ck_assert(has(&run, "numa_node   no ("));
	ck_assert(has(&run, "): this machine has no such node"));
	ck_assert(has(&run, "huge_pages  no ("));
	ck_assert(!has(&run, "prefault"));
	t_ctl_run(&run, &d, NULL, "show a --json");
	ck_assert(has(&run, "\"placement\":[{\"name\":\"prefault\","
			    "\"granted\":true,"));
	ck_assert(has(&run, "\"name\":\"numa_node\",\"granted\":false,"
			    "\"error\":-19,"));
	check_says(&d, " numa_node: would not be granted: this machine has no "
		       "such node");
	check_says(&d, " huge_pages: would not be granted: ");
	t_daemon_stop(&d);
}

TEST(placement_wants_to_know_the_size)
{
	struct ringbus_placement p = { .size = sizeof(p) - 1 };
	struct ringbus_tap *tap;
	struct t_bus b;

	t_bus_begin_with(&b, CHANNEL(""));
	t_bus_ok(b.bus, ringbus_tap_open(b.bus, "a", NULL, &tap));
	ck_assert_int_eq(ringbus_channel_placement(ringbus_tap_channel(tap), 0,
						   &p),
			 -EINVAL);
	p.size = sizeof(p);
	ck_assert_int_eq(ringbus_channel_placement(ringbus_tap_channel(tap),
						   1000, &p),
			 0);
	ck_assert_int_eq(ringbus_channel_placement(NULL, 0, &p), -EINVAL);
	ringbus_tap_close(tap);
	t_bus_end(&b);
}
