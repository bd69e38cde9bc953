/* SPDX-License-Identifier: MIT */
/*
 * util_faults.c - see util_faults.h
 */
#include "tests/crash/util_faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct faults *
t_faults(const char *dir, uint64_t capacity)
{
	size_t size = sizeof(struct faults) + capacity;
	struct faults *f;
	char path[PATH_MAX];
	int fd;

#ifdef SANITIZED
	T_SKIP("nothing can be in front of the sanitizer's runtime");
#endif
	snprintf(path, sizeof(path), "%s/faults", t_tmpdir());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	f = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(f, MAP_FAILED);
	close(fd);
	snprintf(f->dir, sizeof(f->dir), "%s", dir);
	f->capacity = capacity;
	ck_assert_int_eq(setenv("T_FAULTS", path, 1), 0);
	return f;
}

void
t_faults_plan(struct faults *f, enum faults_kind kind, int error, uint64_t from,
	      uint64_t n)
{
	f->kind = (int)kind;
	f->error = error;
	f->from = from;
	f->behind = from + n;
	f->n_calls = f->n_fired = 0;
	f->first[0] = '\0';
}

void
t_faults_preload(bool is_wanted)
{
	if (is_wanted)
		setenv("LD_PRELOAD", t_program("tests/faults/preload.so"), 1);
	else
		unsetenv("LD_PRELOAD");
}
