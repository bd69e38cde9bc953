/* SPDX-License-Identifier: MIT */
/*
 * faults.h - what a test and a program whose calls fail have in common
 *
 * The program has preload.so in front of libc and liburing, and maps the file that
 * T_FAULTS names. Its calls that have to do with the folder `dir` are counted, from
 * its start on; those from `from` to `behind` (not included) fail. With room for
 * records, what reaches the disk is written down there, in order.
 */
#ifndef FAULTS_FAULTS_H
#define FAULTS_FAULTS_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum faults_kind {
	FAULT_ERROR, /* the call is not made; and what a sync was to make safe is
		      * zeroes from then on, as if nobody had written it */
	FAULT_LATE,  /* it is made, and says all the same that it failed */
	FAULT_SHORT, /* a write does a part; no other calls are counted */
};

struct faults {
	_Atomic uint64_t n_calls;
	_Atomic uint64_t from, behind; /* the first call is number 1 */
	_Atomic uint64_t n_fired;
	_Atomic int kind;  /* enum faults_kind */
	_Atomic int error; /* a positive errno */
	char first[32];    /* the first call that failed */
	char dir[PATH_MAX];
	_Atomic uint64_t n_records;
	uint64_t used, capacity; /* bytes of records; capacity 0: none */
	_Alignas(8) char records[];
};

enum faults_op {
	FAULTS_CREATE, /* file, name */
	FAULTS_WRITE,  /* file, offset, size, data: it was begun */
	FAULTS_DONE,   /* the write `id` has ended; is_durable: and is safe */
	FAULTS_SYNC,   /* file: what was DONE before the record `id` is safe */
	FAULTS_SIZE,   /* file, size */
	FAULTS_RENAME, /* two names */
	FAULTS_REMOVE, /* name */
	FAULTS_FOLDER, /* names are safe as they were before the record `id` */
};

#define FAULTS_NAME_SIZE 64

/* Followed by data, up to a multiple of 8: `length` bytes. */
struct faults_record {
	uint32_t op;
	uint32_t is_durable;
	uint64_t file; /* its inode */
	uint64_t id;
	uint64_t offset;
	uint64_t size;
	uint64_t length;
};

#endif
