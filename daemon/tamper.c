/* SPDX-License-Identifier: MIT */
/*
 * tamper.c - see tamper.h
 *
 * Clients decide how often they do it, so that all there is to do about it has a
 * bound: events are read so many at a time, with a pause behind them; a channel
 * is told of once in a while; and holes are filled only so often and so large,
 * since that takes time.
 */
#include "daemon/tamper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/files.h"
#include "daemon/log.h"
#include "daemon/service.h"
#include "daemon/sigbus.h"
#include "daemon/user.h"

#define EVENTS_SIZE 16384
#define PAUSE_NS INT64_C(20000000)
#define QUIET_NS INT64_C(10000000000)

/* Of one channel, in its life. */
#define REFILLS_MAX 8
#define REFILL_SIZE_MAX (UINT64_C(64) << 20) /* bytes, each time */

/* What lies beyond the end may be the rest of a huge page. */
#define BEYOND_MAX (UINT64_C(2) << 20)

#define WRITERS_MAX 4 /* that are named */

/* ----------------------------------------------------------------- telling */

/* Who may have done it: members that write this file. */
static void
list_writers(const struct rb_hosted *hosted, enum rb_file file, char *text,
	     size_t size)
{
	const struct rb_membership *m;
	size_t length = 0;
	int n = 0;

	snprintf(text, size, "nobody who is in it now");
	LIST_FOREACH(m, &hosted->memberships, of_hosted)
	if (rb_role_writes(m->role, file, hosted->channel.clear) &&
	    ++n <= WRITERS_MAX) {
		const struct rb_member *entry = rb_membership_entry(m);

		length += (size_t)snprintf(text + length, size - length,
					   "%s%s %.64s (pid %u)",
					   n > 1 ? ", " : "",
					   rb_membership_role_name(m->role),
					   entry->name, rb_entry_pid(entry));
	}
	if (n > WRITERS_MAX)
		snprintf(text + length, size - length, " and %d more",
			 n - WRITERS_MAX);
}

/* Of what has been undone, and comes again and again perhaps. */
static void rb_printf_(3, 4)
	tell_undone(struct rb_hosted *hosted, enum rb_file file,
		    const char *fmt, ...)
{
	struct rb_tampering *t = &hosted->tampering;
	char what[128], who[512];
	int64_t now_ns = rb_clock_ns();
	va_list args;

	if (now_ns < t->quiet_until_ns)
		return;
	t->quiet_until_ns = now_ns + QUIET_NS;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	list_writers(hosted, file, who, sizeof(who));
	rb_user_log(hosted->user, LOG_WARNING,
		    "channel %s: %s %s; it may have been: %s", hosted->name,
		    rb_file_names[file], what, who);
}

/* ---------------------------------------------------------------- breaking */

static void rb_printf_(4, 5)
	break_channel(struct rb_tamper *tamper, struct rb_hosted *hosted,
		      enum rb_file file, const char *fmt, ...)
{
	char what[128], who[512];
	va_list args;

	if (rb_hosted_is_broken(hosted))
		return;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	list_writers(hosted, file, who, sizeof(who));
	rb_event_tell(hosted->user, LOG_ERR,
		      RB_ABOUT(RB_EVENT_DAMAGE, hosted->name),
		      "channel %s: a client has truncated %s of it, %s: it is "
		      "broken; stop its members, then reload ringbusd. It may "
		      "have been: %s",
		      hosted->name, rb_file_names[file], what, who);
	rb_channel_break(&hosted->channel);
	rb_reaper_abandon(tamper->reaper, hosted);
	tamper->broke(tamper->context);
}

/* ----------------------------------------------------------------- looking */

/* Nobody maps what lies beyond the size. If it was shortened just now, there is
 * a hole then. */
static void
cut_back(struct rb_hosted *hosted, enum rb_file file, uint64_t size,
	 uint64_t is)
{
	rb_cleanup_(rb_closep) int fd = rb_files_open(hosted, file, true);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
		int err = fd < 0 ? -fd : errno;

		tell_undone(hosted, file,
			    "was lengthened, and cannot be cut back: %s",
			    strerror(err));
		return;
	}
	tell_undone(hosted, file,
		    "was lengthened by %" PRIu64 " bytes: cut "
		    "back",
		    is - size);
}

/* 0, or a negative errno. What is there stays as it is. */
static int
refill(struct rb_hosted *hosted, enum rb_file file, uint64_t size,
       uint64_t missing)
{
	rb_cleanup_(rb_closep) int fd = -1;

	if (missing > REFILL_SIZE_MAX ||
	    hosted->tampering.n_refills++ == REFILLS_MAX)
		return -EMLINK;
	fd = rb_files_open(hosted, file, true);
	return fd < 0 ? fd : rb_segment_allocate(fd, size, rb_service_works);
}

static void
fill_holes(struct rb_tamper *tamper, struct rb_hosted *hosted,
	   enum rb_file file, uint64_t size, uint64_t missing)
{
	int err = refill(hosted, file, size, missing);

	if (err == 0)
		tell_undone(hosted, file,
			    "had holes of %" PRIu64 " bytes: filled", missing);
	else if (err == -EMLINK)
		break_channel(tamper, hosted, file,
			      "by holes of %" PRIu64 " bytes, too large or too "
			      "often",
			      missing);
	else
		break_channel(tamper, hosted, file,
			      "by holes of %" PRIu64 " bytes that cannot be "
			      "filled: %s",
			      missing, strerror(-err));
}

static void
look_at_file(struct rb_tamper *tamper, struct rb_hosted *hosted,
	     enum rb_file file)
{
	uint64_t size = rb_channel_file_size(&hosted->channel.geometry, file);
	uint64_t is, room;
	struct stat st;

	if (fstatat(hosted->dirfd, rb_file_names[file], &st,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return; /* removed under us, whole */
	is = (uint64_t)st.st_size;
	room = (uint64_t)st.st_blocks * 512;
	if (is < size)
		break_channel(tamper, hosted, file,
			      "which has %" PRIu64 " bytes of %" PRIu64, is,
			      size);
	else if (is > size || room > size + BEYOND_MAX)
		cut_back(hosted, file, size, is > room ? is : room);
	else if (room < size)
		fill_holes(tamper, hosted, file, size, size - room);
}

static void
look(struct rb_tamper *tamper, struct rb_hosted *hosted)
{
	hosted->tampering.suspect = false;
	if (rb_hosted_is_sealed(hosted)) /* it has its size for good */
		return;
	for (int i = 0; i < RB_FILES && !rb_hosted_is_broken(hosted); i++)
		if (i != RB_FILE_META) /* which no client may write */
			look_at_file(tamper, hosted, i);
}

static void
look_at_suspects(struct rb_tamper *tamper, bool all)
{
	const struct rb_registry *registry = tamper->registry;

	for (unsigned i = 0; i < registry->n_hosted; i++)
		if (all || registry->hosted[i]->tampering.suspect)
			look(tamper, registry->hosted[i]);
}

void
rb_tamper_heed_faults(struct rb_tamper *tamper)
{
	const void *address = rb_sigbus_take();
	bool any = address != NULL;

	for (; address != NULL; address = rb_sigbus_take()) {
		enum rb_file file;
		struct rb_hosted *hosted = rb_registry_find_address(
			tamper->registry, address, &file);

		if (hosted != NULL)
			break_channel(tamper, hosted, file,
				      "as it turned out when it was read");
	}
	if (any) /* more than we can remember perhaps */
		look_at_suspects(tamper, true);
}

/* ---------------------------------------------------------------- watching */

static void
suspect(const struct rb_registry *registry, int watch)
{
	for (unsigned i = 0; i < registry->n_hosted; i++) {
		struct rb_tampering *t = &registry->hosted[i]->tampering;

		for (int f = 0; f < RB_FILES; f++)
			if (t->watches[f] == watch)
				t->suspect = true;
	}
}

/* Who comes next waits until the pause is over. */
static void
on_event(void *context, int result)
{
	alignas(struct inotify_event) char events[EVENTS_SIZE];
	struct rb_tamper *tamper = context;
	const struct inotify_event *event;
	ssize_t n = read(tamper->fd, events, sizeof(events));
	bool all = false;
	int last = -1;

	(void)result;
	for (ssize_t at = 0; at < n;
	     at += (ssize_t)sizeof(*event) + event->len) {
		event = (const void *)(events + at);
		all |= (event->mask & IN_Q_OVERFLOW) != 0;
		if (event->wd != last)
			suspect(tamper->registry, event->wd);
		last = event->wd;
	}
	look_at_suspects(tamper, all);
	rb_watch_timer(tamper->pause, PAUSE_NS);
}

static void
on_pause(void *context, int result)
{
	struct rb_tamper *tamper = context;

	(void)result;
	rb_watch_poll(tamper->event, tamper->fd);
}

static void
tell_blind(struct rb_tamper *tamper, int err)
{
	if (!tamper->blind)
		rb_log_warning("cannot watch the files of channels: %s; that "
			       "a client truncates one is noticed late. See "
			       "sysctl fs.inotify",
			       strerror(err));
	tamper->blind = true;
}

void
rb_tamper_watch(struct rb_tamper *tamper, struct rb_hosted *hosted)
{
	struct rb_tampering *t = &hosted->tampering;
	char path[64];

	if (rb_hosted_is_broken(hosted) || rb_hosted_is_sealed(hosted))
		return;
	for (int i = 0; i < RB_FILES && tamper->fd >= 0; i++) {
		if (i == RB_FILE_META)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s",
			 hosted->dirfd, rb_file_names[i]);
		t->inotify = tamper->fd;
		t->watches[i] = inotify_add_watch(tamper->fd, path,
						  IN_MODIFY | IN_DONT_FOLLOW);
		if (t->watches[i] < 0)
			tell_blind(tamper, errno);
	}
	look(tamper, hosted);
}

int
rb_tamper_init(struct rb_tamper *tamper, struct rb_loop *loop)
{
	int err;

	tamper->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (tamper->fd < 0)
		tell_blind(tamper, errno);
	err = rb_watch_new(loop, on_event, tamper, &tamper->event);
	if (err == 0)
		err = rb_watch_new(loop, on_pause, tamper, &tamper->pause);
	if (err == 0 && tamper->fd >= 0)
		rb_watch_poll(tamper->event, tamper->fd);
	return err;
}

void
rb_tamper_deinit(struct rb_tamper *tamper)
{
	tamper->event = rb_watch_free(tamper->event);
	tamper->pause = rb_watch_free(tamper->pause);
	rb_closep(&tamper->fd);
}
