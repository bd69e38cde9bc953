/* SPDX-License-Identifier: MIT */
/*
 * test_harness.c - the harness itself: what has to fail does fail
 *
 * A harness that lets everything pass looks like a perfect one. So this program
 * runs itself, once per kind of failure, on samples that must be caught.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/t.h"

static int
run_sample(void *name)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (length < 0 || null < 0)
		return 126;
	path[length] = '\0';
	dup2(null, STDOUT_FILENO);
	execl(path, path, (const char *)name, (char *)NULL);
	return 127;
}

static pid_t
sample(const char *name)
{
	return t_child(run_sample, (void *)name);
}

static int
return_value(void *arg)
{
	return *(int *)arg;
}

static int
wait_forever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

static int
fail_assertion(void *arg)
{
	(void)arg;
	ck_assert_int_eq(1, 2);
	return 0;
}

TEST_HIDDEN(sample_passes)
{
	ck_assert_int_eq(2, 2);
}

TEST_HIDDEN(sample_fails_assertion)
{
	ck_assert_int_eq(1, 2);
}

TEST_HIDDEN(sample_fails_in_child)
{
	t_join(t_child(fail_assertion, NULL));
}

TEST_HIDDEN(sample_leaks_file)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/left", t_shm_dir());
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

TEST_HIDDEN(sample_leaks_descriptor)
{
	ck_assert_int_ge(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
}

TEST_HIDDEN(sample_leaks_child)
{
	t_child(wait_forever, NULL);
}

TEST_HIDDEN(sample_forgets_child)
{
	int value = 0;

	t_child(return_value, &value);
}

TEST_HIDDEN(sample_waits_in_vain)
{
	t_until_within(t_now_ns() < 0, 0);
}

TEST_HIDDEN(sample_skips)
{
	T_SKIP("as %s", "planned");
	ck_abort_msg("went on after T_SKIP()");
}

TEST_HIDDEN(sample_crashes)
{
	raise(SIGSEGV);
}

TEST(passing_sample_passes)
{
	t_join(sample("sample_passes"));
}

TEST(failing_assertion_is_caught)
{
	t_join_exit(sample("sample_fails_assertion"), 1);
}

TEST(failing_assertion_in_child_is_caught)
{
	t_join_exit(sample("sample_fails_in_child"), 1);
}

TEST(file_left_in_shm_is_caught)
{
	t_join_exit(sample("sample_leaks_file"), 1);
}

TEST(open_descriptor_is_caught)
{
	t_join_exit(sample("sample_leaks_descriptor"), 1);
}

TEST(running_child_is_caught)
{
	t_join_exit(sample("sample_leaks_child"), 1);
}

TEST(unjoined_child_is_caught)
{
	t_join_exit(sample("sample_forgets_child"), 1);
}

TEST(expired_deadline_is_caught)
{
	t_join_exit(sample("sample_waits_in_vain"), 1);
}

TEST(skipped_test_is_no_failure)
{
	t_join(sample("sample_skips"));
}

TEST(crash_is_caught)
{
	if (getenv("CK_FORK") != NULL)
		T_SKIP("a crash takes the runner with it without CK_FORK");
	t_join_exit(sample("sample_crashes"), 1);
}

TEST(unknown_name_is_an_error)
{
	t_join_exit(sample("no_such_sample"), 77);
}

TEST(folders_are_made_once_per_test)
{
	struct stat st;

	ck_assert_ptr_eq(t_tmpdir(), t_tmpdir());
	ck_assert_str_ne(t_tmpdir(), t_shm_dir());
	ck_assert_int_eq(stat(t_tmpdir(), &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ck_assert_int_eq(stat(t_shm_dir(), &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
}

TEST(tree_is_removed_with_its_content)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/inner", t_shm_dir());
	ck_assert_int_eq(mkdir(path, 0700), 0);
	t_remove_tree(t_shm_dir());
	ck_assert_int_lt(access(t_shm_dir(), F_OK), 0);
	ck_assert_int_eq(errno, ENOENT);
}

TEST(child_is_joined_by_its_exit_code)
{
	int zero = 0;
	int seven = 7;

	t_join(t_child(return_value, &zero));
	t_join_exit(t_child(return_value, &seven), 7);
}

TEST(child_is_killed)
{
	t_kill(t_child(wait_forever, NULL));
}

TEST(program_of_this_build_is_found)
{
	ck_assert_int_eq(access(t_program("tests/unit/test_harness"), X_OK), 0);
}
