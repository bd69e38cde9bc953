/* SPDX-License-Identifier: MIT */
/*
 * t.c - what a test may lean on: folders, children, deadlines
 *
 * The test process becomes the subreaper of all it starts, so that nothing can
 * outlive it unseen. The paths of its folders lie in a page shared with the
 * runner, which removes them also after a crash.
 */
#include "tests/t.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILDREN_MAX 1024
#define FDS_MAX 4096
#define NSEC INT64_C(1000000000)

/* Shared with the runner: what it has to remove if the test cannot. */
struct rest {
	char tmp_dir[PATH_MAX];
	char shm_dir[PATH_MAX];
};

static struct t_case *first_case;
static struct t_case **last_case = &first_case;

static struct rest *rest;
static pid_t test_pid;
static const char *test_name;
static bool test_skipped;
static bool ignore_fds;
static bool fds_before[FDS_MAX];
static jmp_buf skip_target;

static unsigned n_children;
static pid_t children[CHILDREN_MAX];

void
t_register(struct t_case *c)
{
	*last_case = c;
	last_case = &c->next;
}

struct t_case *
t_cases(void)
{
	return first_case;
}

void
t_skip(const char *fmt, ...)
{
	char reason[256];
	va_list args;

	if (getpid() != test_pid) {
		dprintf(STDERR_FILENO, "T_SKIP() in a child of the test\n");
		_exit(1);
	}
	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	dprintf(STDOUT_FILENO, "SKIP %s: %s\n", test_name, reason);
	test_skipped = true;
	longjmp(skip_target, 1);
}

/* ---------------------------------------------------------------- folders */

static int
remove_entry(const char *path, const struct stat *st, int kind,
	     struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

void
t_remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Those who write there may be about to die: try until nothing comes back. */
static void
sweep_dir(char *path)
{
	struct t_deadline deadline = t_deadline(T_PATIENCE);

	while (path[0] != '\0') {
		t_remove_tree(path);
		if (access(path, F_OK) < 0 || !t_deadline_nap(&deadline))
			path[0] = '\0';
	}
}

static const char *
make_dir(char *path, const char *parent)
{
	if (path[0] != '\0')
		return path;
	snprintf(path, PATH_MAX, "%s/rbt.XXXXXX", parent);
	if (mkdtemp(path) == NULL)
		ck_abort_msg("mkdtemp %s: %s", path, strerror(errno));
	return path;
}

const char *
t_tmpdir(void)
{
	const char *parent = getenv("TMPDIR");

	return make_dir(rest->tmp_dir, parent != NULL ? parent : "/tmp");
}

const char *
t_shm_dir(void)
{
	const char *parent = getenv("T_SHM_DIR");

	return make_dir(rest->shm_dir, parent != NULL ? parent : "/dev/shm");
}

static void
check_shm_dir(void)
{
	char left[256] = "";
	struct dirent *entry;
	DIR *dir;

	if (rest->shm_dir[0] == '\0')
		return;
	dir = opendir(rest->shm_dir);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
			snprintf(left, sizeof(left), "%s", entry->d_name);
	closedir(dir);
	if (left[0] != '\0')
		ck_abort_msg("left behind: %s/%s", rest->shm_dir, left);
}

bool
t_own_mounts(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

const char *
t_data_dir(void)
{
	const char *path = getenv("RINGBUS_DATA");

	if (path == NULL)
		path = "../shared/data";
	return access(path, R_OK | X_OK) == 0 ? path : NULL;
}

/* `path` is the folder of the build, and becomes the other program. */
static bool
stands_in(const char *name, char *path)
{
	const char *folder = getenv("T_PROGRAMS");
	char other[PATH_MAX];
	struct stat st;

	if (folder == NULL)
		return false;
	snprintf(other, sizeof(other), "%s/%s", folder, name);
	if (stat(other, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	setenv("T_BUILD", path, 1);
	snprintf(path, PATH_MAX, "%s", other);
	return true;
}

const char *
t_program(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned n_calls;
	char *path = paths[n_calls++ % 8];
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

	ck_assert_int_gt(length, 0);
	path[length] = '\0';
	for (int i = 0; i < 3; i++) { /* BUILD/tests/unit/test_x */
		char *slash = strrchr(path, '/');

		ck_assert_ptr_nonnull(slash);
		*slash = '\0';
	}
	if (stands_in(name, path))
		return path;
	length = (ssize_t)strlen(path);
	snprintf(path + length, PATH_MAX - (size_t)length, "/%s", name);
	return path;
}

int
t_program_fd(const char *name)
{
	int fd = open(t_program(name), O_RDONLY | O_CLOEXEC);

	/* Who stands in may be a script, and its interpreter opens that again. */
	if (fd >= 0 && getenv("T_PROGRAMS") != NULL)
		fcntl(fd, F_SETFD, 0);
	return fd;
}

/* --------------------------------------------------------------- children */

pid_t
t_child(t_child_fn fn, void *arg)
{
	pid_t parent = getpid();
	pid_t pid;

	ck_assert_uint_lt(n_children, CHILDREN_MAX);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0) {
		children[n_children++] = pid;
		return pid;
	}
	n_children = 0; /* those were the parent's */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	_exit(fn(arg));
}

static int
execute(void *arg)
{
	char *const *argv = arg;

	execv(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
	return 127;
}

pid_t
t_spawn(const char *const argv[])
{
	return t_child(execute, (void *)argv);
}

static void
forget_child(pid_t pid)
{
	for (unsigned i = 0; i < n_children; i++)
		if (children[i] == pid) {
			children[i] = children[--n_children];
			return;
		}
}

bool
t_ended(pid_t pid, int status, char *why, size_t why_size)
{
	pid_t waited;
	int is;

	do
		waited = waitpid(pid, &is, 0);
	while (waited < 0 && errno == EINTR);
	forget_child(pid);
	if (waited < 0)
		snprintf(why, why_size, "not a child: %s", strerror(errno));
	else if (WIFSIGNALED(is))
		snprintf(why, why_size, "killed by %s",
			 strsignal(WTERMSIG(is)));
	else
		snprintf(why, why_size, "exited with %d", WEXITSTATUS(is));
	/* A core dump makes no difference. */
	return waited == pid && (is & ~0x80) == status;
}

void
t_kill(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	t_join_signal(pid, SIGKILL);
}

/* True once no process descends from this one; collects the dead. */
static bool
is_childless(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		forget_child(pid);
	return pid < 0 && errno == ECHILD;
}

static void
check_children(void)
{
	struct t_deadline deadline = t_deadline(T_PATIENCE / 2);
	siginfo_t info = { 0 };

	for (unsigned i = 0; i < n_children; i++)
		if (kill(children[i], 0) == 0)
			ck_abort_msg("child %d was not joined", children[i]);
	while (!is_childless())
		if (!t_deadline_nap(&deadline)) {
			waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
			ck_abort_msg("left a process running");
		}
}

/* ------------------------------------------------------------ descriptors */

const char *
t_stat_of(pid_t pid)
{
	static char text[1024];
	char path[64];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strrchr(text, ')'));
	return strrchr(text, ')') + 2;
}

bool
t_is_asleep(pid_t pid)
{
	return t_stat_of(pid)[0] == 'S';
}

void
t_keep_fds(void)
{
	ignore_fds = true;
}

/* Marks what is open, or, to compare, names one that is newly open. */
static void
scan_fds(bool *open_fds, char *leaked, size_t leaked_size)
{
	DIR *dir = opendir("/proc/self/fd");
	char link[PATH_MAX];
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);
		ssize_t length;

		if (entry->d_name[0] == '.' || fd == dirfd(dir) ||
		    fd >= FDS_MAX)
			continue;
		if (leaked == NULL) {
			open_fds[fd] = true;
			continue;
		}
		length = readlinkat(dirfd(dir), entry->d_name, link,
				    sizeof(link) - 1);
		if (!open_fds[fd] && length > 0)
			snprintf(leaked, leaked_size, "%d (%.*s)", fd,
				 (int)length, link);
	}
	closedir(dir);
}

static void
check_fds(void)
{
	char leaked[256] = "";

	scan_fds(fds_before, leaked, sizeof(leaked));
	if (leaked[0] != '\0')
		ck_abort_msg("descriptor left open: %s", leaked);
}

/* --------------------------------------------------------------- deadlines */

int64_t
t_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC + now.tv_nsec;
}

struct t_deadline
t_deadline(int seconds)
{
	const char *slower = getenv("CK_TIMEOUT_MULTIPLIER");
	int factor = slower != NULL ? atoi(slower) : 1;

	return (struct t_deadline){
		.end_ns = t_now_ns() +
			  seconds * NSEC * (factor > 0 ? factor : 1),
	};
}

bool
t_deadline_nap(struct t_deadline *deadline)
{
	struct timespec nap = { .tv_nsec = 200 * 1000 };

	if (deadline->n_naps++ < 100)
		sched_yield();
	else
		nanosleep(&nap, NULL);
	return t_now_ns() < deadline->end_ns;
}

/* -------------------------------------------------------- around each test */

void
t_prepare(void)
{
	rest = mmap(NULL, sizeof(*rest), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rest == MAP_FAILED)
		abort();
}

void
t_begin(void)
{
	test_pid = getpid();
	test_skipped = false;
	ignore_fds = false;
	n_children = 0;
	memset(fds_before, 0, sizeof(fds_before));
	scan_fds(fds_before, NULL, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void
t_run(const struct t_case *c)
{
	test_name = c->name;
	if (setjmp(skip_target) == 0)
		c->run();
}

void
t_end(void)
{
	/* Without CK_FORK a failed assertion leads a child up to here. */
	if (getpid() != test_pid)
		_exit(1);
	if (test_skipped)
		return;
	check_children();
	if (!ignore_fds)
		check_fds();
	check_shm_dir();
}

void
t_sweep(void)
{
	sweep_dir(rest->tmp_dir);
	sweep_dir(rest->shm_dir);
}
