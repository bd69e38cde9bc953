/* SPDX-License-Identifier: MIT */
/*
 * test_journal_full.c - a ringbus-journal whose disk is full or hangs, and then
 * does not
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_writer.h"

struct small {
	struct t_bus b;
	struct t_writer w;
	struct ringbus_producer *p;
	char hog[PATH_MAX]; /* takes the room */
	uint64_t first;     /* that publish() publishes */
};

/* A disk of 8 MiB, of which there is room for two segments and a half. */
static void
make_small_disk(struct small *s, const char *path)
{
	int fd;

	ck_assert_int_eq(mount("small", path, "tmpfs", 0, "size=8m"), 0);
	snprintf(s->hog, sizeof(s->hog), "%s/hog", path);
	fd = open(s->hog, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(posix_fallocate(fd, 0, 5500 << 10), 0);
	close(fd);
}

/* One that can be made to hang. */
static void
make_real_disk(struct small *s, const char *path)
{
	char command[5 * PATH_MAX];

	snprintf(s->hog, sizeof(s->hog), "%s.img", path);
	snprintf(
		command, sizeof(command),
		"truncate -s 64M %s && mkfs.ext4 -qF %s && mount -o loop %s %s",
		s->hog, s->hog, s->hog, path);
	if (system(command) != 0)
		T_SKIP("no loop device, or no mkfs.ext4");
}

static void
begin(struct small *s, const char *policy,
      void (*make_disk)(struct small *s, const char *path))
{
	char path[PATH_MAX];

	*s = (struct small){ 0 };
	if (!t_own_mounts())
		T_SKIP("cannot mount in a namespace of its own");
	snprintf(path, sizeof(path), "%s/disk", t_tmpdir());
	ck_assert_int_eq(mkdir(path, 0755), 0);
	make_disk(s, path);
	snprintf(s->w.dir, sizeof(s->w.dir), "%s/disk/journal", t_tmpdir());
	t_bus_begin(&s->b, "slots: 4096, event_size: 64, " T_JOURNALLED);
	t_writer_start(&s->w, &s->b.daemon, "segment_size=1MiB", policy, NULL);
	s->p = t_produce(s->b.bus, NULL);
}

static void
end(struct small *s)
{
	char path[PATH_MAX];

	ringbus_producer_close(s->p);
	t_bus_end(&s->b);
	snprintf(path, sizeof(path), "%s/disk", t_tmpdir());
	ck_assert_int_eq(umount(path), 0);
}

/* For as long as the disk takes. */
static int
publish(void *arg)
{
	const struct small *s = arg;
	struct ringbus *bus = t_connect(&s->b.daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);

	for (uint64_t value = s->first; value <= 79999; value++)
		t_ok(ringbus_producer_write(p, &value, sizeof(value),
					    RINGBUS_FOREVER));
	ringbus_close(bus);
	return 0;
}

static struct ringbus_io
io_of(struct small *s)
{
	struct ringbus_tap *tap = t_tap(s->b.bus, RINGBUS_FROM_NOW);
	const struct ringbus_channel *c = ringbus_tap_channel(tap);
	struct ringbus_io io = { .size = sizeof(io) };
	unsigned i = t_member(c, RINGBUS_CONSUMER, "journal").index;

	ck_assert_int_eq(ringbus_channel_io(c, RINGBUS_CONSUMER, i, &io), 1);
	ringbus_tap_close(tap);
	return io;
}

TEST(stalls_while_the_disk_is_full_and_goes_on_when_it_is_not)
{
	struct ringbus_io io;
	struct small s;
	pid_t pid;

	begin(&s, "on_full=stall", make_small_disk);
	ringbus_producer_close(s.p);
	pid = t_child(publish, &s);
	t_until(t_run_said(&s.w.run, "the stream stands at this consumer"));
	t_until(io_of(&s).up == 0); /* which it tells after it has said so */
	io = io_of(&s);
	ck_assert_int_gt(io.errors, 0);
	ck_assert_int_lt(t_writer_sequence(&s.b), 79999);
	t_until(io_of(&s).lag == 4096); /* all that the ring has */
	ck_assert_int_eq(unlink(s.hog), 0);
	t_until(t_run_said(&s.w.run, "nothing is lost"));
	t_join(pid);
	t_writer_until(&s.b, 79999);
	ck_assert_int_eq(io_of(&s).up, 1);
	t_writer_stop(&s.w);
	s.p = NULL;
	t_stored(&s.w, 1, 0, 79999);
	end(&s);
}

/* From the first on, up to `last` or as far as it gets. */
static void
take_until(struct ringbus_consumer *c, int64_t last)
{
	struct ringbus_event event = { .sequence = -1 };
	int64_t found = 0;

	while (found >= 0 && event.sequence < last) {
		found = ringbus_consumer_wait(c, 3 * T_SECOND);
		while (found >= 0 && ringbus_consumer_next(c, &event) > 0)
			ck_assert_uint_eq(t_value(&event),
					  (uint64_t)event.sequence);
		t_ok(ringbus_consumer_commit(c));
	}
	if (event.sequence < last)
		ck_assert_int_eq(found, -ETIMEDOUT);
}

TEST(who_reads_behind_it_waits_until_it_can_say_what_was_dropped)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	struct small s;

	begin(&s, "on_full=drop", make_small_disk);
	t_put_all(s.p, 0, 79999);
	t_writer_until(&s.b, 79999);
	o.journal = s.w.dir;
	o.from = 0;
	t_ok(ringbus_consumer_open(s.b.bus, "a", &o, &c));
	take_until(c, 79999);
	ck_assert_int_eq(ringbus_consumer_lost(c), 0);
	ck_assert_int_eq(unlink(s.hog), 0);
	t_until(t_run_said(&s.w.run, "slots were dropped"));
	t_put_all(s.p, 80000, 80999);
	take_until(c, 80999);
	ck_assert_int_gt(ringbus_consumer_lost(c), 0);
	ringbus_consumer_close(c);
	t_writer_stop(&s.w);
	end(&s);
}

TEST(drops_while_the_disk_is_full_and_says_what)
{
	struct ringbus_journal *journal;
	struct ringbus_event event;
	int64_t next = 0, lost = 0;
	struct small s;
	int r;

	begin(&s, "on_full=drop", make_small_disk);
	t_put_all(s.p, 0, 79999);
	t_writer_until(&s.b, 79999);
	ck_assert(t_run_said(&s.w.run, "DROPPED"));
	ck_assert_int_eq(unlink(s.hog), 0);
	t_until(t_run_said(&s.w.run, "slots were dropped"));
	t_put_all(s.p, 80000, 80999);
	t_writer_until(&s.b, 80999);
	t_writer_stop(&s.w);
	t_ok(ringbus_journal_open(s.w.dir, &journal));
	while ((r = t_told(journal, &event)) != RINGBUS_JOURNAL_END) {
		ck_assert_int_eq(event.sequence, next);
		next = event.last + 1;
		if (r == RINGBUS_JOURNAL_HOLE)
			lost += event.last - event.sequence + 1;
		else
			ck_assert_uint_eq(t_value(&event),
					  (uint64_t)event.sequence);
	}
	ck_assert_int_eq(next, 81000);
	ck_assert_int_gt(lost, 0);
	ck_assert_int_lt(lost, 79999);
	ringbus_journal_close(journal);
	end(&s);
}

/* A limit is not a full disk. */
TEST(says_what_helps_where_segments_are_too_large)
{
	struct rlimit limit = { 512 << 10, 512 << 10 };
	struct t_writer w = { 0 };
	struct t_bus b;

	t_bus_begin(&b, "slots: 4096, event_size: 64, " T_JOURNALLED);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	t_writer_start(&w, &b.daemon, "segment_size=1MiB", NULL);
	t_until(t_run_said(&w.run, "take a smaller segment_size"));
	ck_assert(!t_run_said(&w.run, "make room"));
	t_writer_stop(&w);
	t_bus_end(&b);
}

TEST(says_what_helps_where_the_folder_is_gone)
{
	struct ringbus_producer *p;
	struct t_writer w = { 0 };
	struct t_bus b;

	t_bus_begin(&b, "slots: 4096, event_size: 64, " T_JOURNALLED);
	t_writer_start(&w, &b.daemon, "segment_size=1MiB", NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_writer_until(&b, 9);
	ck_assert_int_eq(kill(w.run.pid, SIGHUP), 0);
	/* It has nothing open to write to, and makes nothing there by itself. */
	t_until(t_writer_count(&w, ".rbi") == 1 &&
		t_writer_count(&w, ".part") == 1);
	t_remove_tree(w.dir);
	t_put_all(p, 10, 19);
	t_until(t_run_said(&w.run, "the folder is gone: start anew"));
	t_writer_stop(&w);
	t_writer_start(&w, &b.daemon, "segment_size=1MiB", NULL);
	t_writer_until(&b, 19);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_bus_end(&b);
}

TEST(stops_while_the_disk_is_full)
{
	struct small s;
	pid_t pid;

	begin(&s, "on_full=stall", make_small_disk);
	ringbus_producer_close(s.p);
	pid = t_child(publish, &s);
	t_until(t_run_said(&s.w.run, "the stream stands at this consumer"));
	t_writer_stop(&s.w);
	ck_assert(t_run_said(&s.w.run, "stays in the ring"));
	ck_assert_int_eq(unlink(s.hog), 0);
	t_writer_start(&s.w, &s.b.daemon, "segment_size=1MiB", NULL);
	t_join(pid);
	t_writer_until(&s.b, 79999);
	t_writer_stop(&s.w);
	s.p = NULL;
	t_stored(&s.w, 1, 0, 79999);
	end(&s);
}

/*
 * If the test dies before it thaws its disk nothing ever could end there: who waits
 * for the disk is not even killed. So this outlives the test, and its group.
 */
static int
thaw_in_any_case(void *arg)
{
	int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);
	struct pollfd test = { .fd = fd, .events = POLLIN };

	setsid();
	prctl(PR_SET_PDEATHSIG, 0);
	poll(&test, 1, 60000);
	ioctl(*(int *)arg, FITHAW, 0);
	return 0;
}

TEST(tells_that_a_disk_hangs_and_goes_on_when_it_answers)
{
	char path[PATH_MAX];
	struct ringbus_io io;
	pid_t guard, pid;
	struct small s;
	int fd;

	begin(&s, "on_full=stall", make_real_disk);
	t_put_all(s.p, 0, 999);
	t_writer_until(&s.b, 999);
	ringbus_producer_close(s.p);
	s.p = NULL;
	snprintf(path, sizeof(path), "%s/disk", t_tmpdir());
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	guard = t_child(thaw_in_any_case, &fd);
	ck_assert_int_eq(ioctl(fd, FIFREEZE, 0), 0);
	s.first = 1000;
	pid = t_child(publish, &s);
	t_until(t_run_said(&s.w.run, "the disk does not answer"));
	io = io_of(&s);
	ck_assert_int_eq(io.up, 0);
	ck_assert_int_gt(io.lag, 0);
	ck_assert_int_eq(ioctl(fd, FITHAW, 0), 0);
	t_join(pid);
	t_writer_until(&s.b, 79999);
	ck_assert_int_eq(io_of(&s).up, 1);
	t_writer_stop(&s.w);
	t_stored(&s.w, 1, 0, 79999);
	kill(guard, SIGKILL);
	waitpid(guard, NULL, 0);
	close(fd);
	end(&s);
}
