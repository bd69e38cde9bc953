/* SPDX-License-Identifier: MIT */
/*
 * util_faults.h - a ringbus-journal whose calls fail, or are written down
 *
 *	f = t_faults(w.dir, 0);
 *	t_faults_plan(f, FAULT_ERROR, EIO, 7, 1);
 *	t_faults_launch(&w, &b.daemon, ...);      the seventh call fails, once
 *	...
 *	ck_assert_uint_eq(f->n_fired, 1);
 *
 * See tests/faults/faults.h.
 */
#ifndef T_UTIL_FAULTS_H
#define T_UTIL_FAULTS_H

#include "tests/faults/faults.h"
#include "tests/system/util_writer.h"

/* For programs on this folder, with so many bytes for records. Once in a test,
 * which is skipped where nothing can be put in front of a program. */
struct faults *t_faults(const char *dir, uint64_t capacity);

/* From the next launch on: `n` calls from number `from` on fail. */
void t_faults_plan(struct faults *f, enum faults_kind kind, int error,
		   uint64_t from, uint64_t n);

/* As t_writer_launch(), and the calls of that process are looked at. */
#define t_faults_launch(w, daemon, ...)                                        \
	do {                                                                   \
		t_faults_preload(true);                                        \
		t_writer_launch(w, daemon, __VA_ARGS__, NULL);                 \
		t_faults_preload(false);                                       \
	} while (0)
void t_faults_preload(bool is_wanted);

#endif
