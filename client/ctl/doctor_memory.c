/* SPDX-License-Identifier: MIT */
/*
 * doctor_memory.c - is there room for channels, and may it be held?
 */
#include <errno.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/ctl/doctor.h"
#include "client/ctl/table.h"

#define NOFILE_MIN 1024
#define MEMLOCK_MIN (UINT64_C(64) << 20)

/* The deepest mount that a folder is in; its options. */
static int
find_mount(const char *folder, char *type, char *options, size_t size)
{
	FILE *file = setmntent("/proc/self/mounts", "r");
	struct mntent entry;
	size_t best = 0, n;
	char buffer[4096];

	if (file == NULL)
		return -errno;
	while (getmntent_r(file, &entry, buffer, sizeof(buffer)) != NULL) {
		n = strlen(entry.mnt_dir);
		if (strncmp(entry.mnt_dir, folder, n) != 0 ||
		    (n > 1 && folder[n] != '/' && folder[n] != '\0') ||
		    n < best)
			continue;
		best = n;
		snprintf(type, size, "%s", entry.mnt_type);
		snprintf(options, size, "%s", entry.mnt_opts);
	}
	endmntent(file);
	return best > 0 ? 0 : -ENOENT;
}

static enum doctor_verdict
look_mount(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	char type[128], options[128];
	int r = find_mount(doctor->shm_dir, type, options, sizeof(type));

	if (r < 0) {
		doctor_found(found, "%s: %s", doctor->shm_dir, strerror(-r));
		return DOCTOR_UNKNOWN;
	}
	doctor_found(found, "%s: %s, %s", doctor->shm_dir, type, options);
	if (strncmp(options, "ro", 2) == 0 &&
	    (options[2] == ',' || options[2] == '\0'))
		return DOCTOR_WRONG;
	return strcmp(type, "tmpfs") == 0 ? DOCTOR_OK : DOCTOR_WRONG;
}

static enum doctor_verdict
look_space(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	char total[TABLE_SIZE_TEXT], left[TABLE_SIZE_TEXT],
		need[TABLE_SIZE_TEXT];
	struct statvfs fs;
	uint64_t n;

	if (statvfs(doctor->shm_dir, &fs) < 0) {
		doctor_found(found, "%s: %s", doctor->shm_dir, strerror(errno));
		return DOCTOR_WRONG;
	}
	n = (uint64_t)fs.f_bavail * fs.f_frsize;
	table_format_size((uint64_t)fs.f_blocks * fs.f_frsize, total);
	table_format_size(n, left);
	if (doctor->need_unknown != NULL)
		doctor_found(found, "%s of %s are free; %s", left, total,
			     doctor->need_unknown);
	else
		doctor_found(found, "%s of %s are free; channels take %s", left,
			     total, table_format_size(doctor->need, need));
	if (doctor->need_unknown != NULL)
		return n > 0 ? DOCTOR_OK : DOCTOR_WRONG;
	/* A daemon that is there has taken them already. */
	return doctor->daemon_pid > 0 || n >= doctor->need ? DOCTOR_OK
							   : DOCTOR_WRONG;
}

static enum doctor_verdict
look_huge(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	char type[128], options[128] = "", enabled[64] = "?";
	const char *huge;

	doctor_read_choice("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
			   enabled, sizeof(enabled));
	find_mount(doctor->shm_dir, type, options, sizeof(type));
	huge = strstr(options, "huge=");
	doctor_found(found, "%.*s on the mount; shmem_enabled is %s",
		     huge != NULL ? (int)strcspn(huge, ",") : 7,
		     huge != NULL ? huge : "no huge", enabled);
	return huge != NULL || strcmp(enabled, "always") == 0 ||
			       strcmp(enabled, "advise") == 0
		       ? DOCTOR_OK
		       : DOCTOR_NOTE;
}

/* The daemon's own limit if we may see it, else ours; UINT64_MAX: none. */
static uint64_t
read_limit(struct doctor *doctor, const char *name, int resource,
	   const char **ret_whose)
{
	char path[64], text[128];
	struct rlimit limit;
	uint64_t value;

	*ret_whose = "the daemon's";
	snprintf(path, sizeof(path), "/proc/%" PRId64 "/limits",
		 doctor->daemon_pid);
	if (doctor->daemon_pid > 0 &&
	    doctor_read_field(path, name, text, sizeof(text)) == 0)
		return sscanf(text, "%" SCNu64, &value) == 1 ? value
							     : UINT64_MAX;
	*ret_whose = "this shell's";
	if (getrlimit(resource, &limit) < 0)
		return 0;
	return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

static enum doctor_verdict
look_memlock(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	char size[TABLE_SIZE_TEXT];
	const char *whose;
	uint64_t limit = read_limit(doctor, "Max locked memory", RLIMIT_MEMLOCK,
				    &whose);

	doctor_found(found, "%s limit is %s", whose,
		     limit == UINT64_MAX ? "unlimited"
					 : table_format_size(limit, size));
	return limit < MEMLOCK_MIN + doctor->need ? DOCTOR_NOTE : DOCTOR_OK;
}

static enum doctor_verdict
look_files(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	const char *whose;
	uint64_t limit = read_limit(doctor, "Max open files", RLIMIT_NOFILE,
				    &whose);

	doctor_found(found, "%s limit is %" PRIu64, whose, limit);
	return limit < NOFILE_MIN ? DOCTOR_WRONG : DOCTOR_OK;
}

/* Pages of channels are charged to the group of the daemon, which makes them. */
static enum doctor_verdict
look_cgroup(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	char path[64] = "/proc/self/cgroup", group[256], file[512];
	char size[TABLE_SIZE_TEXT];
	uint64_t limit;
	int r;

	if (doctor->daemon_pid > 0)
		snprintf(path, sizeof(path), "/proc/%" PRId64 "/cgroup",
			 doctor->daemon_pid);
	r = doctor_read_field(path, "0::", group, sizeof(group));
	if (r < 0) {
		doctor_found(found, "no control groups of version 2");
		return DOCTOR_UNKNOWN;
	}
	snprintf(file, sizeof(file), "/sys/fs/cgroup%s/memory.max", group);
	r = doctor_read_number(file, &limit);
	if (r < 0) {
		doctor_found(found, "no limit");
		return DOCTOR_OK;
	}
	doctor_found(found, "%s is limited to %s",
		     doctor->daemon_pid > 0 ? "the daemon" : "this shell",
		     table_format_size(limit, size));
	return limit < doctor->need ? DOCTOR_WRONG : DOCTOR_NOTE;
}

static enum doctor_verdict
look_swap(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	char text[64];
	uint64_t kib = 0;
	int r = doctor_read_field("/proc/meminfo", "SwapTotal:", text,
				  sizeof(text));

	(void)doctor;
	if (r < 0 || sscanf(text, "%" SCNu64, &kib) != 1) {
		doctor_found(found, "cannot be seen");
		return DOCTOR_UNKNOWN;
	}
	doctor_found(found, "%s",
		     kib == 0 ? "none" : table_format_size(kib << 10, text));
	return kib > 0 ? DOCTOR_NOTE : DOCTOR_OK;
}

const struct doctor_check doctor_memory[] = {
	{ "mount", look_mount,
	  "channels have to be in a writable tmpfs: see shm_dir in "
	  "ringbus.yaml(5)" },
	{ "space", look_space,
	  "mount -o remount,size=... /dev/shm, and the same in /etc/fstab; or "
	  "fewer or smaller slots" },
	{ "huge pages", look_huge,
	  "for huge_pages: mount -o remount,huge=within_size /dev/shm" },
	{ "locked memory", look_memlock,
	  "for lock: LimitMEMLOCK=infinity in a drop-in of ringbusd.service, "
	  "see low-latency.conf" },
	{ "open files", look_files,
	  "LimitNOFILE=65536 in a drop-in of ringbusd.service" },
	{ "memory limit", look_cgroup,
	  "channels count: MemoryMax= of ringbusd.service has to have room for "
	  "all of them" },
	{ "swap", look_swap,
	  "slots may be swapped out: `lock: true` for a channel, or swapoff" },
	{ 0 },
};
