/* SPDX-License-Identifier: MIT */
/*
 * test_short_space.c - whatever there is too little of, a channel is made in full
 * or not at all: who asks is told what is missing, nothing is left of it, and the
 * daemon goes on
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/system/util_holding.h"
#include "tests/system/util_program.h"
#include "tests/system/util_user.h"

#define DYNAMIC                                                                \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: any, max_size: 1GiB }\n"

#define PAGE 4096
#define MIB (UINT64_C(1) << 20)

/* --------------------------------------------------------- what is there */

/* Names, sizes and blocks of all in a folder, and in those below it. */
static char *
list(const char *folder)
{
	char command[2 * PATH_MAX], *text = NULL;
	size_t size = 0;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "cd %s && find . -mindepth 1 -printf '%%P %%s %%b\\n' | sort",
		 folder);
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	if (getdelim(&text, &size, '\0', pipe) < 0) {
		free(text);
		text = calloc(1, 1);
	}
	ck_assert_int_eq(pclose(pipe), 0);
	return text;
}

/* ------------------------------------------------------------- asking for one */

struct asker {
	struct t_daemon d;
	int peer;
	char *before; /* what lies in the folder */
	unsigned n_fds;
	char text[RB_CONTROL_TEXT_SIZE]; /* of the last refusal */
};

static void
begin(struct asker *a)
{
	a->peer = t_peer_greet(&a->d);
	a->before = list(a->d.shm);
	a->n_fds = t_daemon_count_fds(&a->d);
}

static void
all_is_as_before(struct asker *a)
{
	char *now = list(a->d.shm);

	if (strcmp(now, a->before) != 0)
		ck_abort_msg("there was:\n%s\nnow is:\n%s", a->before, now);
	free(now);
}

static void
end(struct asker *a)
{
	all_is_as_before(a);
	ck_assert_uint_eq(t_daemon_count_fds(&a->d), a->n_fds);
	free(a->before);
	close(a->peer);
	t_daemon_stop(&a->d);
}

static int
create(struct asker *a, uint64_t slots)
{
	struct rb_control m = t_message(RB_CONTROL_CREATE, "made");
	int result;

	m.slots = slots;
	m.slot_size = 64;
	result = t_peer_ask(a->peer, &m, NULL);
	memcpy(a->text, m.text, sizeof(a->text));
	return result;
}

static void
remove_made(struct asker *a)
{
	struct rb_control m = t_message(RB_CONTROL_REMOVE, "made");

	t_ok(t_peer_ask(a->peer, &m, NULL));
	all_is_as_before(a);
}

/* Refused for this, and nothing is left. */
static void
is_refused(struct asker *a, int result, int err, const char *text)
{
	ck_assert_int_eq(result, err);
	if (strstr(a->text, text) == NULL)
		ck_abort_msg("not said: %s; but: %s", text, a->text);
	all_is_as_before(a);
}

/* ------------------------------------------------------------- a small tmpfs */

static void
remount(const struct asker *a, const char *fmt, uint64_t n)
{
	char options[64];

	snprintf(options, sizeof(options), fmt, (unsigned long long)n);
	ck_assert_int_eq(mount("small", a->d.shm, "tmpfs", MS_REMOUNT, options),
			 0);
}

static void
begin_in_small(struct asker *a)
{
	if (!t_own_mounts())
		T_SKIP("cannot mount a tmpfs of its own");
	t_daemon_prepare(&a->d, DYNAMIC);
	snprintf(a->d.shm, sizeof(a->d.shm), "%.1000s/small", t_shm_dir());
	ck_assert_int_eq(mkdir(a->d.shm, 0755), 0);
	ck_assert_int_eq(mount("small", a->d.shm, "tmpfs", 0,
			       "size=16m,nr_inodes=1024,mode=0755"),
			 0);
	t_daemon_restart(&a->d);
	begin(a);
}

static void
end_in_small(struct asker *a)
{
	struct statvfs fs;

	end(a);
	ck_assert_int_eq(statvfs(a->d.shm, &fs), 0);
	ck_assert_uint_eq(fs.f_bfree, fs.f_blocks);
	ck_assert_int_eq(umount(a->d.shm), 0);
	ck_assert_int_eq(rmdir(a->d.shm), 0);
}

/* Page by page, until there is enough. */
TEST(too_few_bytes_leave_nothing)
{
	struct asker a = { .peer = -1 };
	uint64_t pages = 2;
	int result;

	begin_in_small(&a);
	remount(&a, "size=%llu", pages * PAGE);
	while ((result = create(&a, 64)) != 0) {
		is_refused(&a, result, -ENOSPC,
			   "bytes of shared memory needed");
		remount(&a, "size=%llu", ++pages * PAGE);
	}
	ck_assert_uint_gt(pages, 10);
	remove_made(&a);
	ck_assert_int_eq(create(&a, 64), 0);
	remove_made(&a);
	end_in_small(&a);
}

/* The folder, and four files in it. */
TEST(too_few_inodes_leave_nothing)
{
	struct asker a = { .peer = -1 };
	struct statvfs fs;
	uint64_t n, used;
	int result;

	begin_in_small(&a);
	ck_assert_int_eq(statvfs(a.d.shm, &fs), 0);
	used = n = fs.f_files - fs.f_ffree;
	remount(&a, "nr_inodes=%llu", n);
	while ((result = create(&a, 64)) != 0) {
		is_refused(&a, result, -ENOSPC, "nr_inodes=");
		remount(&a, "nr_inodes=%llu", ++n);
	}
	ck_assert_uint_eq(n, used + 5);
	remove_made(&a);
	end_in_small(&a);
}

/* ------------------------------------------------------------------- limits */

static void
limit_files(rlim_t size)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size != 0 ? size : limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The signal that comes with it would end a daemon that does not expect it. */
TEST(limit_of_the_size_of_files_is_an_error)
{
	struct asker a = { .peer = -1 };

	t_daemon_prepare(&a.d, DYNAMIC);
	limit_files(MIB);
	t_daemon_restart(&a.d);
	limit_files(0);
	begin(&a);
	for (int i = 0; i < 10; i++)
		is_refused(&a, create(&a, 65536), -EFBIG, "LimitFSIZE=");
	ck_assert_int_eq(create(&a, 64), 0);
	remove_made(&a);
	end(&a);
}

TEST(limit_of_the_size_of_files_is_an_error_at_the_start)
{
	struct t_daemon d;

	t_daemon_prepare(&d, "channels: { fits: { slots: 64, event_size: 8 },"
			     " large: { slots: 65536, event_size: 64 } }");
	limit_files(MIB);
	t_daemon_launch(&d, NULL);
	limit_files(0);
	t_daemon_ends(&d, 73);
	ck_assert(t_daemon_said(&d, "channel large: "));
	ck_assert(t_daemon_said(&d, "LimitFSIZE="));
	ck_assert(!t_daemon_has(&d, "fits"));
	ck_assert(!t_daemon_has(&d, ".lock"));
}

static void
limit_descriptors(const struct asker *a, int n, struct rlimit *was)
{
	struct rlimit limit;

	ck_assert_int_eq(prlimit(a->d.pid, RLIMIT_NOFILE, NULL, &limit), 0);
	if (was != NULL)
		*was = limit;
	limit.rlim_cur = (rlim_t)n;
	ck_assert_int_eq(prlimit(a->d.pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

TEST(too_few_descriptors_leave_nothing)
{
	struct asker a = { .peer = -1 };
	struct rlimit was;
	int n = 0, result;

	t_daemon_start(&a.d, DYNAMIC);
	begin(&a);
	limit_descriptors(&a, n, &was);
	while ((result = create(&a, 64)) != 0) {
		is_refused(&a, result, -EMFILE, "Too many open files");
		limit_descriptors(&a, ++n, NULL);
	}
	ck_assert_int_gt(n, 10); /* it has more than that already */
	/* None at all is needed to remove it. */
	limit_descriptors(&a, 0, NULL);
	remove_made(&a);
	limit_descriptors(&a, (int)was.rlim_cur, NULL);
	end(&a);
}

/* Wishes: without them the channel works as well. */
TEST(memory_that_cannot_be_locked_is_no_error)
{
	const struct rlimit little = { MIB, MIB };
	struct t_daemon d;

#ifdef SANITIZED
	T_SKIP("a sanitizer locks no memory, and says that it has");
#endif
	t_need_root();
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &little), 0);
	t_daemon_prepare_as(&d, T_USER(64120),
			    "daemon: { drain: 1ms, max_clients: 16 }\n"
			    "channels: { a: { slots: 65536, event_size: 64,"
			    " lock: true, prefault: true,"
			    " huge_pages: true } }");
	t_daemon_start_as(&d, T_USER(64120));
	ck_assert(t_daemon_said(&d, "lock is not granted"));
	close(t_peer_greet(&d));
	t_daemon_stop_as(&d);
}
