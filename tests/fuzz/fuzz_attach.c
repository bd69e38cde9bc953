/* SPDX-License-Identifier: MIT */
/*
 * fuzz_attach.c - files that may be a channel, to who attaches and to a daemon
 *
 * The input takes the files of a channel and says what of the header is something
 * else, whether its sum still fits, which words of the member table lie, how long
 * the files are, and in the daemon's folder also what they are: files, links,
 * folders, of several names, writable by others. Then
 *
 *   - each role attaches: where that goes well all of its mapping is there,
 *   - the daemon judges the folder, or starts on it, as after a crash.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/judge.h"
#include "daemon/sigbus.h"
#include "shm/entry.h"
#include "tests/fuzz/lies.h"
#include "tests/fuzz/stage.h"

#define NAME "found"
#define FILE_SIZE_MAX (INT64_C(16) << 20)
#define HOUR_NS (UINT64_C(3600) * 1000000000)

/* ------------------------------------------------------------- what is there */

struct found {
	struct input in;
	struct rb_meta meta;
	const struct stage *stage;
	off_t sizes[RB_FILES];
};

struct field {
	size_t offset;
	unsigned size;
};

#define FIELD(name)                                                            \
	{                                                                      \
		offsetof(struct rb_meta_header, name),                         \
			sizeof(((struct rb_meta_header *)0)->name)             \
	}

static const struct field fields[] = {
	FIELD(magic),
	FIELD(layout_version),
	FIELD(line),
	FIELD(layout_hash),
	FIELD(generation),
	FIELD(boot_id),
	FIELD(name),
	FIELD(geometry.slots),
	FIELD(geometry.slot_size),
	FIELD(geometry.event_size),
	FIELD(geometry.history),
	FIELD(geometry.page_size),
	FIELD(geometry.stamps_offset),
	FIELD(geometry.slots_offset),
	FIELD(geometry.ring_size),
	FIELD(geometry.gates_size),
	FIELD(geometry.times_offset),
	FIELD(geometry.framing),
	FIELD(geometry.producers),
	FIELD(geometry.n_groups),
	FIELD(geometry.reserved),
	FIELD(wait),
	FIELD(wake),
	FIELD(max_producers),
	FIELD(max_consumers),
	FIELD(dynamic),
	FIELD(creator),
	FIELD(clear),
	FIELD(type_version),
	FIELD(type),
	FIELD(strict),
	FIELD(pid_ns),
	FIELD(sum),
};

static void
change_field(struct found *f)
{
	const struct field *field = &fields[input_below(
		&f->in, sizeof(fields) / sizeof(fields[0]))];
	char *at = (char *)&f->meta.header + field->offset;
	int64_t number = input_number(&f->in);

	if (field->size <= 8)
		memcpy(at, &number, field->size);
	else
		memset(at, (int)number, field->size);
}

/* Another one, which could be. */
static void
change_geometry(struct found *f)
{
	struct rb_geometry g;
	uint64_t slots = UINT64_C(1) << input_below(&f->in, 34);
	int64_t size = input_number(&f->in), history = input_number(&f->in);
	unsigned kind = input_below(&f->in, 4);

	if (rb_geometry_init(&g, slots, (uint64_t)size, (uint64_t)history,
			     kind & 1, kind >> 1) == 0 &&
	    rb_geometry_set_groups(&g, input_below(&f->in, 70)) == 0)
		f->meta.header.geometry = g;
}

/* By a channel of nothing but this table. */
static void
change_table(struct found *f)
{
	struct rb_channel c = f->stage->channels[RB_ROLE_DAEMON];

	c.segments[RB_FILE_META].base = &f->meta;
	c.segments[RB_FILE_META].size = sizeof(f->meta);
	lies_tell(&f->in, &c, RB_FILE_META);
}

static void
change_header(struct found *f)
{
	for (unsigned n = input_below(&f->in, 6); n > 0; n--) {
		switch (input_below(&f->in, 4)) {
		case 0:
			change_geometry(f);
			break;
		case 1:
			change_table(f);
			break;
		default:
			change_field(f);
		}
	}
	if (input_below(&f->in, 4) > 0)
		f->meta.header.sum = rb_header_sum(&f->meta.header);
}

/* As long as the header says, or something else. */
static off_t
choose_size(struct found *f, enum rb_file file)
{
	struct rb_geometry g = f->meta.header.geometry;
	int64_t other;
	uint64_t size;

	if (g.page_size == 0) /* a lie of ours that nobody comes to divide by */
		g.page_size = 4096;
	size = rb_channel_file_size(&g, file);

	if (input_below(&f->in, 8) == 0) {
		other = input_number(&f->in);
		size = input_below(&f->in, 2) == 0 ? (uint64_t)other
						   : size - (uint64_t)other;
	}
	return size <= FILE_SIZE_MAX ? (off_t)size : FILE_SIZE_MAX;
}

/* All its members are this process, and so they live. */
static void
revive(struct found *f)
{
	static uint64_t start_time;
	int pidfd;

	if (start_time == 0) {
		pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
		fuzz_expect(rb_process_start_time((uint32_t)getpid(), pidfd,
						  &start_time) == 0);
		close(pidfd);
	}
	for (unsigned i = 0; i < SEATS; i++)
		rb_entry_put64(&f->meta.consumers[i].start_time, start_time);
	for (unsigned i = 0; i < STAGE_PRODUCERS; i++)
		rb_entry_put64(&f->meta.producers[i].start_time, start_time);
}

static void
find(struct found *f, const uint8_t boot_id[16])
{
	f->stage = stage_get(input_below(&f->in, 256));
	memcpy(&f->meta, f->stage->images[RB_FILE_META], sizeof(f->meta));
	memcpy(f->meta.header.boot_id, boot_id, 16);
	memset(f->meta.header.name, 0, RB_NAME_SIZE);
	memcpy(f->meta.header.name, NAME, sizeof(NAME));
	if (input_below(&f->in, 2) == 0)
		revive(f);
	change_header(f);
	for (int i = 0; i < RB_FILES; i++)
		f->sizes[i] = choose_size(f, i);
	/* It would be us who are killed. */
	rb_entry_put64(&f->meta.control.stuck_after_ns, 24 * HOUR_NS);
}

/* Of the ring and the gates what the stage has of them. */
static void
write_file(const struct found *f, int fd, enum rb_file file)
{
	const void *bytes = file == RB_FILE_META ? (const void *)&f->meta
						 : f->stage->images[file];
	uint64_t size = file == RB_FILE_META
				? sizeof(f->meta)
				: f->stage->channels[RB_ROLE_DAEMON]
					  .segments[file]
					  .size;

	fuzz_expect(ftruncate(fd, 0) == 0);
	fuzz_expect(pwrite(fd, bytes, size, 0) == (ssize_t)size);
	fuzz_expect(ftruncate(fd, f->sizes[file]) == 0);
}

/* ---------------------------------------------------------------- attaching */

/* The first and the last byte of each part. */
static void
touch(const struct rb_channel *c)
{
	const struct rb_geometry *g = &c->geometry;
	uint64_t ring = rb_geometry_slots_size(g);
	unsigned char sum = 0;

	sum += (unsigned char)c->slots[0];
	sum += (unsigned char)c->slots[2 * ring - 1];
	sum += ((const unsigned char *)c->meta)[RB_META_SIZE - 1];
	sum += ((const unsigned char *)c->gates)[g->gates_size - 1];
	if (c->stamps != NULL)
		sum += ((const unsigned char *)&c->stamps[g->slots])[-1];
	__asm__ __volatile__("" : : "r"(sum));
	fuzz_expect(c->mask == g->slots - 1 && (g->slots & c->mask) == 0);
	fuzz_expect(g->event_size <= ring);
}

static void
attach_all(const struct found *f)
{
	static int fds[RB_FILES] = { -1, -1, -1 };
	struct rb_channel c;

	for (int i = 0; i < RB_FILES; i++) {
		if (fds[i] < 0)
			fds[i] = memfd_create("found", MFD_CLOEXEC);
		write_file(f, fds[i], i);
	}
	for (int role = 0; role <= RB_ROLE_DAEMON; role++) {
		int err = rb_channel_attach(&c, fds, role);

		fuzz_expect_result(err, -EBADMSG, -EPROTONOSUPPORT, -ENOMEM, 0);
		if (err < 0)
			continue;
		/* The daemon's may be shorter: it is guarded. */
		if (role != RB_ROLE_DAEMON)
			touch(&c);
		rb_channel_detach(&c);
	}
}

/* --------------------------------------------------------------- the daemon */

static char shm_dir[256];
static char socket_path[300];
static struct rb_maker maker;

static void
prepare_maker(void)
{
	char path[300];

	if (shm_dir[0] != '\0')
		return;
	snprintf(shm_dir, sizeof(shm_dir), "%s", fuzz_new_folder());
	snprintf(socket_path, sizeof(socket_path), "%s/.socket",
		 fuzz_new_folder());
	/* So that it stays when a daemon ends. */
	snprintf(path, sizeof(path), "%s/.keep", shm_dir);
	fuzz_expect(mkdir(path, 0700) == 0);
	fuzz_expect(
		rb_maker_init(&maker,
			      open(shm_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			      shm_dir) == 0);
}

/* Mostly a file. */
static void
make_entry(struct found *f, int dirfd, int file)
{
	const char *name = rb_file_names[file];
	unsigned kind = input_below(&f->in, 32);
	int fd;

	if (kind == 1)
		return;
	if (kind == 2)
		fuzz_expect(mkdirat(dirfd, name, 0700) == 0);
	else if (kind == 3)
		fuzz_expect(symlinkat("/dev/null", dirfd, name) == 0);
	else if (kind == 4)
		fuzz_expect(mkfifoat(dirfd, name, 0600) == 0);
	if (kind > 1 && kind < 5)
		return;
	fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	fuzz_expect(fd >= 0);
	if (file < RB_FILES)
		write_file(f, fd, file);
	if (kind == 5)
		fuzz_expect(fchmod(fd, 0666) == 0);
	if (kind == 6)
		fuzz_expect(linkat(dirfd, name, dirfd, "link", 0) == 0 ||
			    errno == EEXIST);
	close(fd);
}

static void
make_folder(struct found *f)
{
	int dirfd;

	fuzz_expect(mkdirat(maker.shm_dirfd, NAME, 0700) == 0);
	dirfd = openat(maker.shm_dirfd, NAME,
		       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fuzz_expect(dirfd >= 0);
	for (int i = 0; i < RB_FDS; i++)
		make_entry(f, dirfd, i);
	close(dirfd);
}

/* Against what is missing of ring and gates, as the daemon is guarded. */
static void
judge(void)
{
	struct rb_judgement judgement;
	struct sigaction on_bus;
	struct rb_hosted *hosted;

	sigaction(SIGBUS, NULL, &on_bus);
	fuzz_expect(rb_sigbus_init() == 0);
	fuzz_expect(rb_hosted_new(NAME, NULL, &hosted) == 0);
	rb_judge(&maker, hosted, &judgement);
	fuzz_expect(memchr(judgement.why, '\0', sizeof(judgement.why)) != NULL);
	if (judgement.verdict == RB_VERDICT_LEAVE) {
		fuzz_expect(judgement.err < 0);
	} else {
		fuzz_expect(hosted->channel.meta != NULL);
		touch(&hosted->channel);
	}
	rb_hosted_free(hosted);
	sigaction(SIGBUS, &on_bus, NULL);
}

/* Takes over what it can, repairs what the dead have left, and ends. Its guards
 * against signals are not to guard us. */
static void
start(bool keeps)
{
	static const struct rb_options options = { .config = "/dev/null",
						   .socket = socket_path,
						   .shm_dir = shm_dir };
	struct sigaction on_bus;
	struct rb_daemon *daemon;
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigaction(SIGBUS, NULL, &on_bus);
	fuzz_expect(rb_daemon_new(&options, &daemon) == RB_EXIT_OK);
	daemon->rest = keeps ? RB_REGISTRY_KEEP : RB_REGISTRY_REMOVE;
	rb_daemon_free(daemon);
	sigaction(SIGBUS, &on_bus, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* What a daemon has not removed it has hidden. */
static void
clear_folder(void)
{
	DIR *folder = opendir(shm_dir);
	struct dirent *entry;
	char path[600];

	fuzz_expect(folder != NULL);
	while ((entry = readdir(folder)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", shm_dir, entry->d_name);
		if (strstr(entry->d_name, NAME) != NULL)
			fuzz_remove_folder(path);
	}
	closedir(folder);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct found f;
	unsigned who;

	prepare_maker();
	f = (struct found){ .in = { data, size } };
	who = input_below(&f.in, 8);
	find(&f, maker.boot_id);
	if (who < 4) {
		attach_all(&f);
		return 0;
	}
	make_folder(&f);
	if (who == 7)
		start(input_below(&f.in, 2) != 0);
	else
		judge();
	clear_folder();
	return 0;
}
