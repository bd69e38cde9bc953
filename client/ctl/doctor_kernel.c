/* SPDX-License-Identifier: MIT */
/*
 * doctor_kernel.c - does the kernel have what ringbus uses, and may we use it?
 *
 * Each is tried, since a sandbox may forbid what the kernel could do.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/ctl/doctor.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#define URING_PARAMS 120 /* bytes of struct io_uring_params */

static enum doctor_verdict
say_errno(char found[DOCTOR_TEXT], int err, enum doctor_verdict verdict)
{
	doctor_found(found, "%s", strerror(err));
	return verdict;
}

static enum doctor_verdict
look_uring(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	unsigned char params[URING_PARAMS] = { 0 };
	uint64_t disabled = 0;
	long fd = syscall(SYS_io_uring_setup, 4, params);
	int err = errno;

	(void)doctor;
	doctor_read_number("/proc/sys/kernel/io_uring_disabled", &disabled);
	if (fd >= 0)
		close((int)fd);
	if (fd < 0 && disabled > 0)
		doctor_found(found, "%s: kernel.io_uring_disabled is %" PRIu64,
			     strerror(err), disabled);
	else if (fd < 0)
		doctor_found(found, "%s", strerror(err));
	else
		doctor_found(found, "works");
	return fd < 0 ? DOCTOR_WRONG : DOCTOR_OK;
}

static enum doctor_verdict
look_futex(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	long r = syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0);

	(void)doctor;
	if (r < 0 && errno != EINVAL)
		return say_errno(found, errno, DOCTOR_NOTE);
	doctor_found(found, "works");
	return DOCTOR_OK;
}

static enum doctor_verdict
look_membarrier(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	long can = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	(void)doctor;
	if (can < 0)
		return say_errno(found, errno, DOCTOR_NOTE);
	if ((can & MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0)
		return say_errno(found, ENOSYS, DOCTOR_NOTE);
	doctor_found(found, "works");
	return DOCTOR_OK;
}

static enum doctor_verdict
look_pidfd(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	long fd = syscall(SYS_pidfd_open, getpid(), 0);

	(void)doctor;
	if (fd < 0)
		return say_errno(found, errno, DOCTOR_WRONG);
	close((int)fd);
	doctor_found(found, "works");
	return DOCTOR_OK;
}

static enum doctor_verdict
look_memfd(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	int fd = memfd_create("doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)doctor;
	if (fd < 0)
		return say_errno(found, errno, DOCTOR_NOTE);
	close(fd);
	doctor_found(found, "works");
	return DOCTOR_OK;
}

#define INSTANCES_MIN 128

static enum doctor_verdict
look_inotify(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	uint64_t instances = 0, watches = 0;
	int fd = inotify_init1(IN_CLOEXEC);

	(void)doctor;
	if (fd < 0)
		return say_errno(found, errno, DOCTOR_WRONG);
	close(fd);
	doctor_read_number("/proc/sys/fs/inotify/max_user_instances",
			   &instances);
	doctor_read_number("/proc/sys/fs/inotify/max_user_watches", &watches);
	doctor_found(found,
		     "%" PRIu64 " instances and %" PRIu64 " watches a user",
		     instances, watches);
	return instances < INSTANCES_MIN ? DOCTOR_NOTE : DOCTOR_OK;
}

static enum doctor_verdict
look_protected(struct doctor *doctor, char found[DOCTOR_TEXT])
{
	uint64_t value;
	int r = doctor_read_number("/proc/sys/fs/protected_regular", &value);

	(void)doctor;
	if (r < 0)
		return say_errno(found, -r, DOCTOR_UNKNOWN);
	doctor_found(found, "%" PRIu64, value);
	return value == 0 ? DOCTOR_NOTE : DOCTOR_OK;
}

const struct doctor_check doctor_kernel[] = {
	{ "io_uring", look_uring,
	  "the daemon runs on it: sysctl kernel.io_uring_disabled=0, or let a "
	  "container's seccomp profile allow io_uring_*" },
	{ "futex_waitv", look_futex,
	  "a wait is ended from another thread only within 50 ms: Linux 5.16 "
	  "has it" },
	{ "membarrier", look_membarrier,
	  "each publish pays for a fence instead: Linux 4.16 has it; see to "
	  "the "
	  "sandbox" },
	{ "pidfd", look_pidfd,
	  "deaths are learned by it: Linux 5.3 has it; see to the sandbox" },
	{ "memfd", look_memfd, "without it no `isolation: sealed`" },
	{ "inotify", look_inotify,
	  "one for the daemon, one for each consumer in an event loop: sysctl "
	  "fs.inotify.max_user_instances=1024" },
	{ "protected_regular", look_protected,
	  "files of others in /dev/shm may be opened for writing by mistake: "
	  "sysctl fs.protected_regular=2" },
	{ 0 },
};
