/* SPDX-License-Identifier: MIT */
/*
 * shim.h - inside of preload.so: whose call fails, and what is written down
 */
#ifndef FAULTS_SHIM_H
#define FAULTS_SHIM_H

#include <dlfcn.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "tests/faults/faults.h"

#define SHIM_EXPORT __attribute__((visibility("default")))
#define SHIM_REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define SHIM_IOVECS 8

/* What a call does. */
enum shim_class {
	SHIM_OTHER = 0,
	SHIM_WRITE = 1,
	SHIM_SYNC = 2
};

enum shim_verdict {
	SHIM_PASS,
	SHIM_FAIL, /* not made */
	SHIM_LATE, /* made, and fails */
	SHIM_CUT,  /* a part of it is made */
};

/* Counts a call. */
enum shim_verdict shim_ask(unsigned classes, const char *name);
int shim_error(void);
bool shim_is_folder(const char *path);

/* Whether a descriptor is the folder's, or a file's of it. */
void shim_watch(int fd, bool is_watched);
bool shim_is_watched(int fd);

/* The bytes of a write that is cut short; `ret` has the iovecs of that then. */
size_t shim_cut(const struct iovec *iovecs, int n, struct iovec *ret,
		int *ret_n);
size_t shim_total(const struct iovec *iovecs, int n);

/* What was written and not synced; and what a sync that loses does to it. */
void shim_dirty(int fd, off_t offset, size_t size);
void shim_clean(int fd);
void shim_revert(int fd);

/* ---------------------------------------------------------------- records */

/* How many there are: the id of the next one. */
uint64_t shim_records(void);
void shim_note(enum faults_op op, int fd, uint64_t id, uint64_t size);
void shim_note_names(enum faults_op op, int fd, const char *name,
		     const char *other);
/* Returns its id. */
uint64_t shim_note_write(int fd, const struct iovec *iovecs, int n,
			 off_t offset);
void shim_note_done(uint64_t id, bool is_durable);

#endif
