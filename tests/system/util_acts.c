/* SPDX-License-Identifier: MIT */
/*
 * util_acts.c - see util_acts.h
 */
#include "tests/system/util_acts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/system/util_peer.h"

#define PAGE 4096

/* What a call says that is let, and what one that is not. */
static int
told(int64_t result)
{
	return result < 0 ? errno : 0;
}

/* ------------------------------------------------------------ a descriptor */

int
t_act_read(const struct t_prey *p)
{
	char byte;

	return told(pread(p->fd, &byte, 1, 0));
}

/* What it was, so that a channel lives on that may be written. */
int
t_act_write(const struct t_prey *p)
{
	char byte = 0;

	pread(p->fd, &byte, 1, p->size - 1);
	return told(pwrite(p->fd, &byte, 1, p->size - 1));
}

static char *
map(const struct t_prey *p, int prot, size_t size)
{
	return mmap(NULL, size, prot, MAP_SHARED, p->fd, 0);
}

static void
touch(char *at)
{
	rb_word32_store_release(
		(struct rb_word32 *)(void *)at,
		rb_word32_load_acquire((struct rb_word32 *)(void *)at));
}

int
t_act_map(const struct t_prey *p)
{
	char *at = map(p, PROT_READ | PROT_WRITE, PAGE);

	if (at == MAP_FAILED)
		return errno;
	touch(at);
	return 0;
}

int
t_act_mprotect(const struct t_prey *p)
{
	char *at = map(p, PROT_READ, PAGE);

	if (at == MAP_FAILED || mprotect(at, PAGE, PROT_READ | PROT_WRITE) < 0)
		return errno;
	touch(at);
	return 0;
}

static int
reopen(const struct t_prey *p, const char *fmt, int flags)
{
	char path[64];
	int n = snprintf(path, sizeof(path), "%s/%d", fmt, p->fd);

	(void)n;
	return told(open(path, flags | O_CLOEXEC));
}

int
t_act_reopen_proc(const struct t_prey *p)
{
	return reopen(p, "/proc/self/fd", O_RDWR);
}

int
t_act_reopen_dev(const struct t_prey *p)
{
	return reopen(p, "/dev/fd", O_WRONLY);
}

int
t_act_reopen_truncate(const struct t_prey *p)
{
	return reopen(p, "/proc/self/fd", O_RDONLY | O_TRUNC);
}

int
t_act_grow(const struct t_prey *p)
{
	return told(ftruncate(p->fd, p->size + PAGE));
}

int
t_act_allocate(const struct t_prey *p)
{
	return told(fallocate(p->fd, 0, 0, p->size + (off_t)2 * PAGE));
}

int
t_act_append(const struct t_prey *p)
{
	struct stat st;

	if (fstat(p->fd, &st) < 0)
		return errno;
	return told(pwrite(p->fd, "", 1, st.st_size));
}

int
t_act_punch(const struct t_prey *p)
{
	return told(fallocate(p->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      0, PAGE));
}

int
t_act_madvise_remove(const struct t_prey *p)
{
	char *at = map(p, PROT_READ | PROT_WRITE, PAGE);

	if (at == MAP_FAILED)
		at = map(p, PROT_READ, PAGE);
	if (at == MAP_FAILED)
		return errno;
	return told(madvise(at, PAGE, MADV_REMOVE));
}

int
t_act_chmod(const struct t_prey *p)
{
	return told(fchmod(p->fd, 0666));
}

int
t_act_chown(const struct t_prey *p)
{
	return told(fchown(p->fd, geteuid(), getegid()));
}

int
t_act_set_times(const struct t_prey *p)
{
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	return told(futimens(p->fd, times));
}

/* Mode 0666, said in the words of an ACL. */
int
t_act_set_acl(const struct t_prey *p)
{
	static const struct {
		uint32_t version;
		struct {
			uint16_t tag, leave;
			uint32_t id;
		} entries[3];
	} acl = { 2, { { 1, 6, ~0U }, { 4, 6, ~0U }, { 32, 6, ~0U } } };

	return told(fsetxattr(p->fd, "system.posix_acl_access", &acl,
			      sizeof(acl), 0));
}

int
t_act_set_flags(const struct t_prey *p)
{
	int flags = FS_APPEND_FL;

	return told(ioctl(p->fd, FS_IOC_SETFLAGS, &flags));
}

int
t_act_seal(const struct t_prey *p)
{
	return told(fcntl(p->fd, F_ADD_SEALS, F_SEAL_WRITE));
}

int
t_act_lease(const struct t_prey *p)
{
	return told(fcntl(p->fd, F_SETLEASE, F_RDLCK));
}

int
t_act_link(const struct t_prey *p)
{
	char from[64], to[2 * PATH_MAX];
	int err;

	snprintf(from, sizeof(from), "/proc/self/fd/%d", p->fd);
	snprintf(to, sizeof(to), "%s/%d", p->scene->loot, getpid());
	err = told(linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
	return err == EXDEV ? EPERM : err; /* of sealed memory, in no folder */
}

/* Nobody who is not in on it looks at such locks. */
int
t_act_lock(const struct t_prey *p)
{
	return told(flock(p->fd, LOCK_EX | LOCK_NB));
}

/* Behind all that others may have let it grow to meanwhile. */
static size_t
far_beyond(const struct t_prey *p)
{
	return ((size_t)p->size + 64 * PAGE) & ~(size_t)(PAGE - 1);
}

int
t_act_map_beyond(const struct t_prey *p)
{
	size_t size = far_beyond(p);
	char *at = map(p, PROT_READ, size);

	if (at == MAP_FAILED)
		return errno;
	return at[size - PAGE];
}

int
t_act_mremap_beyond(const struct t_prey *p)
{
	size_t size = far_beyond(p);
	char *at = map(p, PROT_READ, PAGE);

	if (at == MAP_FAILED)
		return errno;
	at = mremap(at, PAGE, size, MREMAP_MAYMOVE);
	if (at == MAP_FAILED)
		return errno;
	return at[size - PAGE];
}

int
t_act_cut(const struct t_prey *p)
{
	return told(ftruncate(p->fd, 0));
}

/* ------------------------------------------------------------------ by path */

static const char *
path_of(const struct t_prey *p)
{
	static char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", p->scene->daemon->shm,
		 p->channel, p->file);
	return path;
}

static const char *
loot_of(const struct t_scene *s)
{
	static char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d", s->loot, getpid());
	return path;
}

int
t_act_path_stat(const struct t_prey *p)
{
	struct stat st;

	return told(stat(path_of(p), &st));
}

int
t_act_path_read(const struct t_prey *p)
{
	return told(open(path_of(p), O_RDONLY | O_CLOEXEC));
}

int
t_act_path_write(const struct t_prey *p)
{
	return told(open(path_of(p), O_RDWR | O_CLOEXEC));
}

int
t_act_path_truncate(const struct t_prey *p)
{
	return told(truncate(path_of(p), 0));
}

int
t_act_path_chmod(const struct t_prey *p)
{
	return told(chmod(path_of(p), 0666));
}

int
t_act_path_link(const struct t_prey *p)
{
	return told(link(path_of(p), loot_of(p->scene)));
}

int
t_act_path_unlink(const struct t_prey *p)
{
	return told(unlink(path_of(p)));
}

int
t_act_path_rename(const struct t_prey *p)
{
	return told(rename(path_of(p), loot_of(p->scene)));
}

int
t_act_path_replace(const struct t_prey *p)
{
	const char *mine = loot_of(p->scene);
	int fd = open(mine, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int err;

	if (fd < 0)
		return errno;
	err = told(rename(mine, path_of(p)));
	unlink(mine);
	close(fd);
	return err;
}

/* ---------------------------------------------------------------- processes */

int
t_act_ptrace(pid_t pid)
{
	return told(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
}

int
t_act_write_memory(pid_t pid)
{
	char byte = 0;
	struct iovec here = { &byte, 1 };
	struct iovec there = { (void *)environ, 1 };

	return told(process_vm_writev(pid, &here, 1, &there, 1, 0));
}

static int
open_of(pid_t pid, const char *what, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return told(open(path, flags | O_CLOEXEC));
}

int
t_act_open_memory(pid_t pid)
{
	return open_of(pid, "mem", O_RDWR);
}

int
t_act_take_descriptor(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? errno : told(syscall(SYS_pidfd_getfd, fd, 3, 0));
}

int
t_act_open_descriptor(pid_t pid)
{
	return open_of(pid, "fd/3", O_RDWR);
}

int
t_act_stop(pid_t pid)
{
	return told(kill(pid, SIGSTOP));
}

int
t_act_limit(pid_t pid)
{
	const struct rlimit none = { 0, 0 };

	return told(prlimit(pid, RLIMIT_NOFILE, &none, NULL));
}
