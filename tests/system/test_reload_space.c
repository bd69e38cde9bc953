/* SPDX-License-Identifier: MIT */
/*
 * test_reload_space.c - a reload whose new channels do not fit changes nothing,
 * whatever it was about to remove; and one that fits once the old ones are gone
 * has them removed first
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"

#define USED "used: { slots: 16, event_size: 8 }"
#define SPARE(slots) "spare: { slots: " slots ", event_size: 64 }"
#define OLD "old: { slots: 4096, event_size: 64 }"
#define NEW "new: { slots: 8192, event_size: 64 }"
#define HUGE "huge: { slots: 65536, event_size: 64 }"
#define BEFORE "channels: { " USED ", " SPARE("64") ", " OLD " }"

/* ------------------------------------------------------ a folder that is full */

struct small {
	struct t_bus b;
	struct ringbus_producer *p; /* of "used" */
	struct ringbus_consumer *c;
	char *files;
	char *table;
};

/* Names, sizes and blocks of all in the folder. */
static char *
list(const struct small *s)
{
	char command[2 * PATH_MAX], *text = NULL;
	size_t size = 0;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "cd %s && find . -mindepth 1 -printf '%%P %%s %%b\\n' | sort",
		 s->b.daemon.shm);
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_int_gt(getdelim(&text, &size, '\0', pipe), 0);
	ck_assert_int_eq(pclose(pipe), 0);
	return text;
}

static char *
tabulate(const struct small *s)
{
	struct t_ctl run;
	char *text;

	t_ctl_run(&run, &s->b.daemon, NULL, "ls");
	text = strdup(t_ctl_out(&run));
	ck_assert_ptr_nonnull(text);
	return text;
}

/* 816 KiB: what there is takes more than half of them. */
static void
begin(struct small *s)
{
	struct t_daemon *d = &s->b.daemon;

	if (!t_own_mounts())
		T_SKIP("cannot mount a tmpfs of its own");
	t_daemon_prepare(d, "daemon: { drain: 1ms }\n" BEFORE);
	snprintf(d->shm, sizeof(d->shm), "%.1000s/small", t_shm_dir());
	ck_assert_int_eq(mkdir(d->shm, 0755), 0);
	ck_assert_int_eq(
		mount("small", d->shm, "tmpfs", 0, "size=816k,mode=0755"), 0);
	t_daemon_restart(d);
	s->b.bus = t_connect(d);
	t_bus_ok(s->b.bus,
		 ringbus_producer_open(s->b.bus, "used", NULL, &s->p));
	t_bus_ok(s->b.bus,
		 ringbus_consumer_open(s->b.bus, "used", NULL, &s->c));
	s->files = list(s);
	s->table = tabulate(s);
}

static void
end(struct small *s)
{
	t_put_all(s->p, 1, 16);
	t_take(s->c, 1, 16);
	free(s->files);
	free(s->table);
	ringbus_close(s->b.bus);
	t_daemon_stop(&s->b.daemon);
	ck_assert_int_eq(umount(s->b.daemon.shm), 0);
	ck_assert_int_eq(rmdir(s->b.daemon.shm), 0);
}

static int
reload(struct small *s, const char *yaml)
{
	t_daemon_configure(&s->b.daemon, yaml);
	return ringbus_reload(s->b.bus, 0);
}

static bool
is_reported(struct small *s, const char *text)
{
	char line[1024];
	bool is = false;

	for (unsigned i = 0;
	     ringbus_report(s->b.bus, i, line, sizeof(line)) == 0; i++)
		is |= strstr(line, text) != NULL;
	return is;
}

/* What lies there, what is listed, and what the daemon holds itself to. */
static void
all_is_as_before(struct small *s)
{
	char *files = list(s);
	char *table = tabulate(s);

	ck_assert_str_eq(files, s->files);
	ck_assert_str_eq(table, s->table);
	free(files);
	free(table);
	t_bus_ok(s->b.bus, reload(s, "daemon: { drain: 1ms }\n" BEFORE));
	ck_assert(is_reported(s, "was reloaded: 3 channels, 0 changes"));
}

/* ---------------------------------------------------------------------- tests */

TEST(new_channel_that_does_not_fit_changes_nothing)
{
	struct small s;

	begin(&s);
	ck_assert_int_eq(
		reload(&s, "daemon: { drain: 1ms, max_clients: 9 }\n"
			   "channels: { " USED
			   ", " SPARE("64") ", " OLD
					    ", few: { slots: 16 }, " HUGE " }"),
		-ENOSPC);
	ck_assert(is_reported(&s, "channel huge: "));
	ck_assert(is_reported(&s, "bytes of shared memory needed"));
	ck_assert(is_reported(&s, "was not reloaded"));
	all_is_as_before(&s);
	end(&s);
}

TEST(what_was_to_go_or_to_be_made_anew_stays_with_it)
{
	struct small s;

	begin(&s);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(reload(&s,
					"channels: { few: { slots: 16 }, " HUGE
					", " SPARE("128") ", " USED " }"),
				 -ENOSPC);
		ck_assert(is_reported(&s, "channels.old: removed"));
		ck_assert(is_reported(&s, "channels.spare.slots: 64 -> 128"));
		ck_assert(is_reported(&s, "channel huge: "));
		ck_assert(is_reported(&s, "was not reloaded"));
		all_is_as_before(&s);
	}
	end(&s);
}

/* Of what is made again, too, a place is kept for so long and no longer. */
TEST(kept_place_of_what_stays_with_it_runs_out)
{
	static const char kept[] = "channels: { " USED ", " SPARE(
		"64") ", old: { slots: 4096, "
		      "event_size: 64, consumers: { late: { on_death: keep, "
		      "keep_for: 50ms } } } }";
	static const char released[] = "consumer late did not attach in time";
	struct small s;

	begin(&s);
	t_bus_ok(s.b.bus, reload(&s, kept));
	t_until(t_daemon_count(&s.b.daemon, released) == 1);
	ck_assert_int_eq(reload(&s, "channels: { " USED ", " HUGE " }"),
			 -ENOSPC);
	ck_assert(!is_reported(&s, "cannot be made again"));
	t_until(t_daemon_count(&s.b.daemon, released) == 2);
	end(&s);
}

/* The last in the file cannot come, so none of the others goes. */
TEST(name_that_is_taken_keeps_what_was_to_go)
{
	char path[PATH_MAX + 8];
	struct small s;

	begin(&s);
	snprintf(path, sizeof(path), "%s/few", s.b.daemon.shm);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(reload(&s, "channels: { " USED
				    ", " SPARE("128") ", few: { slots: 16 } }"),
			 -EBUSY);
	ck_assert(is_reported(&s, "is in the way in shared memory"));
	ck_assert_int_eq(rmdir(path), 0);
	all_is_as_before(&s);
	end(&s);
}

TEST(what_goes_makes_room_for_what_comes)
{
	struct ringbus_producer *p;
	struct small s;

	begin(&s);
	t_bus_ok(s.b.bus, reload(&s, "channels: { " USED
				     ", " SPARE("128") ", " NEW " }"));
	ck_assert(is_reported(&s, "was reloaded: 3 channels"));
	ck_assert(!is_reported(&s, "bytes of shared memory needed"));
	ck_assert(!t_daemon_has(&s.b.daemon, "old"));
	t_bus_ok(s.b.bus, ringbus_producer_open(s.b.bus, "new", NULL, &p));
	t_put(p, 1);
	ringbus_producer_close(p);
	t_bus_ok(s.b.bus, reload(&s, "daemon: { drain: 1ms }\n" BEFORE));
	ck_assert(!t_daemon_has(&s.b.daemon, "new"));
	all_is_as_before(&s);
	end(&s);
}
