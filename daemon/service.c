/* SPDX-License-Identifier: MIT */
/*
 * service.c - see service.h
 */
#include "daemon/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "daemon/log.h"
#include "shm/wait.h"

#define NSEC INT64_C(1000000000)
#define USEC UINT64_C(1000000)

#define STATUS_PAUSE_NS NSEC
#define WORKS_PAUSE_NS NSEC
/* From one sign of progress to the next; and beyond the drain, for the rest. */
#define PATIENCE_USEC (30 * USEC)
/* A manager that does not answer is not waited for any longer. */
#define SETTLE_USEC (5 * USEC)
/* `man systemd.exec`, DynamicUser=. */
#define DYNAMIC_UID_MIN 61184
#define DYNAMIC_UID_MAX 65519

/* A descriptor is on its way. */
static bool unsettled;

/* -------------------------------------------------------------- status line */

static void
tell(struct rb_service *service, const char *first, const char *verdict)
{
	char text[RB_SERVICE_STATUS_SIZE];

	service->owner.describe(service->owner.context, text);
	service->quiet_until_ns = rb_clock_ns() + STATUS_PAUSE_NS;
	if (first[0] == '\0' && strcmp(text, service->said) == 0)
		return;
	memcpy(service->said, text, sizeof(text));
	if (verdict != NULL)
		sd_notifyf(0, "%sSTATUS=%s (%s)", first, text, verdict);
	else
		sd_notifyf(0, "%sSTATUS=%s", first, text);
}

static void
on_quiet(void *context, int result)
{
	struct rb_service *service = context;

	(void)result;
	service->waits = false;
	if (service->ready && !service->stopping)
		tell(service, "", NULL);
}

void
rb_service_changed(struct rb_service *service)
{
	int64_t left_ns;

	if (!service->ready || service->stopping || service->waits)
		return;
	left_ns = service->quiet_until_ns - rb_clock_ns();
	if (left_ns <= 0) {
		tell(service, "", NULL);
		return;
	}
	service->waits = true;
	rb_watch_timer(service->quiet, left_ns);
}

/* ----------------------------------------------------------------- watchdog */

static void
on_feed(void *context, int result)
{
	struct rb_service *service = context;
	const char *what;

	(void)result;
	what = service->owner.ails(service->owner.context);
	if (what != NULL) {
		rb_log_error("%s: the service manager is asked to start "
			     "ringbusd anew",
			     what);
		sd_notifyf(0, "STATUS=Failed: %s\nWATCHDOG=trigger", what);
		return;
	}
	sd_notify(0, "WATCHDOG=1");
	rb_watch_timer(service->feed, service->feed_ns);
}

static int64_t
feeding_interval(void)
{
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	/* Half of it, as sd_watchdog_enabled(3) advises. */
	return (int64_t)rb_min_u64(usec, INT64_MAX / 1000) * 1000 / 2;
}

/* -------------------------------------------------------------------- life */

int
rb_service_init(struct rb_service *service, struct rb_loop *loop,
		const struct rb_service_owner *owner)
{
	int err;

	*service = (struct rb_service){ .owner = *owner,
					.feed_ns = feeding_interval() };
	err = rb_watch_new(loop, on_quiet, service, &service->quiet);
	if (err == 0)
		err = rb_watch_new(loop, on_feed, service, &service->feed);
	return err;
}

void
rb_service_deinit(struct rb_service *service)
{
	service->quiet = rb_watch_free(service->quiet);
	service->feed = rb_watch_free(service->feed);
}

void
rb_service_ready(struct rb_service *service, const char *verdict)
{
	rb_service_settle();
	tell(service, "READY=1\n", verdict);
	if (service->ready)
		return;
	service->ready = true;
	if (service->feed_ns > 0)
		on_feed(service, 0);
}

void
rb_service_reloading(struct rb_service *service)
{
	(void)service;
	sd_notifyf(0,
		   "RELOADING=1\nMONOTONIC_USEC=%" PRIu64
		   "\nSTATUS=Reading the configuration anew",
		   (uint64_t)rb_clock_ns() / 1000);
}

void
rb_service_stopping(struct rb_service *service, int64_t drain_ns)
{
	service->stopping = true;
	sd_notifyf(0,
		   "STOPPING=1\nSTATUS=Waiting for members to leave\n"
		   "EXTEND_TIMEOUT_USEC=%" PRIu64,
		   (uint64_t)drain_ns / 1000 + PATIENCE_USEC);
}

void
rb_service_leaving(struct rb_service *service)
{
	service->stopping = true;
	sd_notify(0, "STOPPING=1\nSTATUS=Leaving the channels to the next");
}

void
rb_service_works(void)
{
	static int64_t quiet_until_ns;
	int64_t now_ns = rb_clock_ns();

	if (now_ns < quiet_until_ns)
		return;
	quiet_until_ns = now_ns + WORKS_PAUSE_NS;
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64 "\nWATCHDOG=1",
		   PATIENCE_USEC);
}

static int
errno_of(enum rb_exit code)
{
	switch (code) {
	case RB_EXIT_CONFIG:
	case RB_EXIT_USAGE:
		return EINVAL;
	case RB_EXIT_RUNNING:
		return EBUSY;
	case RB_EXIT_CANNOT_CREATE:
		return EACCES;
	default:
		return EIO;
	}
}

/* In the words of the log, which has just said it. */
void
rb_service_failed(enum rb_exit code, int err)
{
	sd_notifyf(0, "STATUS=Failed: %s\nERRNO=%d", rb_log_last_error(),
		   err < 0 ? -err : errno_of(code));
}

/* ------------------------------------------------------------------- store */

void
rb_service_settle(void)
{
	if (unsettled)
		sd_notify_barrier(0, SETTLE_USEC);
	unsettled = false;
}

int
rb_service_store(const char *name, int fd)
{
	char text[128];
	int r;

	/* Not to be looked at for a hangup, which a memfd has not. */
	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	r = sd_pid_notify_with_fds(0, 0, text, &fd, 1);
	unsettled |= r > 0;
	return r;
}

void
rb_service_forget(const char *name)
{
	unsettled |= sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name) > 0;
}

/* -------------------------------------------------------------------- user */

/* A person may have such a number, too, and start us by hand. */
static bool
user_is_dynamic(void)
{
	const char *started = getenv("SYSTEMD_EXEC_PID");

	return geteuid() >= DYNAMIC_UID_MIN && geteuid() <= DYNAMIC_UID_MAX &&
	       started != NULL && strtol(started, NULL, 10) == getpid();
}

static bool
is_in_dev_shm(int dirfd)
{
	struct stat ours, theirs;

	return fstat(dirfd, &ours) == 0 && stat("/dev/shm", &theirs) == 0 &&
	       ours.st_dev == theirs.st_dev;
}

int
rb_service_check_user(int shm_dirfd, const char *shm_dir)
{
	if (!user_is_dynamic() || !is_in_dev_shm(shm_dirfd))
		return 0;
	rb_log_error(
		"%s: uid %u is one that systemd gives to services with "
		"DynamicUser=, and it removes all that such a user has in "
		"/dev/shm whenever the service ends or is started anew, "
		"and clients would lose their channels: give it User=ringbus, "
		"or a folder on another tmpfs by --shm-dir",
		shm_dir, (unsigned)geteuid());
	return -EPERM;
}
