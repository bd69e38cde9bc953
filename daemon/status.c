/* SPDX-License-Identifier: MIT */
/*
 * status.c - STATUS: how the daemon fares, in lines of "key=value"
 *
 * Put together anew for each line that is asked for: they are few, and nobody asks
 * often. Numbers are whole. What went wrong is for root and the daemon's own user, as
 * it may be about others.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/request.h"
#include "shm/member.h"
#include "shm/wait.h"

/* The line that is wanted, until it is found. */
struct wanted {
	const struct rb_peer *peer;
	const struct rb_daemon *daemon;
	struct rb_control *answer;
	uint32_t left;
	bool found;
};

static void rb_printf_(2, 3) say(struct wanted *w, const char *fmt, ...)
{
	va_list args;

	if (w->found || w->left-- > 0)
		return;
	w->found = true;
	va_start(args, fmt);
	vsnprintf(w->answer->text, sizeof(w->answer->text), fmt, args);
	va_end(args);
}

static void
say_yes(struct wanted *w, const char *key, bool yes)
{
	say(w, "%s=%s", key, yes ? "yes" : "no");
}

static unsigned
count_members(const struct rb_registry *registry)
{
	unsigned n = 0;

	for (unsigned i = 0; i < registry->n_hosted; i++)
		if (!rb_hosted_is_broken(registry->hosted[i]))
			n += rb_member_count(&registry->hosted[i]->channel);
	return n;
}

static void
say_counts(struct wanted *w)
{
	const struct rb_daemon *d = w->daemon;
	const struct rb_registry *r = &d->registry;

	say(w, "channels=%u", r->n_hosted);
	say(w, "channels_broken=%u", rb_registry_count_broken(r));
	say(w, "channels_refused=%u", r->n_refused);
	say(w, "clients=%u", d->server.n_greeted);
	say(w, "clients_max=%u", d->server.max_clients);
	say(w, "members=%u", count_members(r));
	say(w, "reloads_total=%" PRIu64, d->n_reloads);
	say(w, "reload_failures_total=%" PRIu64, d->n_reload_failures);
}

static void
say_loop(struct wanted *w)
{
	struct rb_loop_times times = rb_loop_times(w->daemon->loop);

	say(w, "loop_rounds_total=%" PRIu64, times.n_rounds);
	say(w, "loop_slow_rounds_total=%" PRIu64, times.n_slow);
	say(w, "loop_longest_ns=%" PRId64, times.longest_ns);
}

static bool
has_waitv(void)
{
	return syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) == 0 ||
	       (errno != ENOSYS && errno != EPERM);
}

static void
say_backends(struct wanted *w)
{
	say_yes(w, "io_uring", true); /* or we would not run */
	say_yes(w, "membarrier", rb_membarrier() == 0);
	say_yes(w, "futex_waitv", has_waitv());
	say_yes(w, "watchdog", w->daemon->service.feed_ns > 0);
}

static void
say_warnings(struct wanted *w)
{
	const struct rb_registry *r = &w->daemon->registry;
	unsigned n_broken = rb_registry_count_broken(r);

	if (rb_membarrier() < 0)
		say(w, "warning=membarrier(2) is refused: each wake-up costs "
		       "publishers a fence; allow it in the sandbox");
	if (!has_waitv())
		say(w, "warning=futex_waitv(2) is missing: who waits is "
		       "cancelled up to 50 ms late; use Linux 5.16 or later");
	if (n_broken > 0)
		say(w,
		    "warning=%u channels are broken: stop their members, "
		    "then reload",
		    n_broken);
	if (r->n_refused > 0)
		say(w,
		    "warning=%u channels of an earlier daemon are not "
		    "served: see the log",
		    r->n_refused);
	if (w->daemon->reload_failed)
		say(w, "warning=the last reload was refused: all goes on by "
		       "the configuration before it; see ringbusctl reload");
}

static void
say_errors(struct wanted *w)
{
	const struct rb_log_error_seen *e;

	if (!rb_access_is_owner(&w->peer->who))
		return;
	for (unsigned i = 0; (e = rb_log_error_at(i)) != NULL; i++)
		say(w, "error=%" PRIu64 " %" PRId64 " %" PRId64 " %s", e->n,
		    e->first_seconds, e->last_seconds, e->text);
}

int
rb_request_status(struct rb_peer *peer, struct rb_control *answer)
{
	const struct rb_daemon *d = peer->daemon;
	const char *path = rb_daemon_config_path(d->options);
	struct wanted w = { .peer = peer,
			    .daemon = d,
			    .answer = answer,
			    .left = answer->index };

	say(&w, "version=%s", RB_VERSION);
	say(&w, "pid=%d", getpid());
	say(&w, "uptime_seconds=%" PRId64,
	    (rb_boottime_ns() - d->started_ns) / 1000000000);
	say(&w, "config=%s", path != NULL ? path : "built-in");
	say(&w, "socket=%s", d->paths.socket);
	say(&w, "shm_dir=%s", d->paths.shm_dir);
	say_counts(&w);
	say_backends(&w);
	say_loop(&w);
	say_warnings(&w);
	say_errors(&w);
	if (!w.found)
		answer->result = -ENOENT; /* the end of the list */
	return answer->result;
}
