/* SPDX-License-Identifier: MIT */
/*
 * record.h - figures for programs: lines of JSON, for bench/report.py
 *
 * They are appended to the file that BENCH_JSON in the environment names; if it
 * names none, nothing is written. The first line of a file tells of the machine.
 */
#ifndef BENCH_RECORD_H
#define BENCH_RECORD_H

#include <stdbool.h>

/* Begins a line, {"kind":"..." and ends it. */
void bench_record_begin(const char *kind);
void bench_record_end(void);

/* A member of the object. NULL and "" are null; numbers have 6 digits. */
void bench_record_string(const char *key, const char *value);
void bench_record_number(const char *key, double value);
void bench_record_bool(const char *key, bool value);

/* An array of `width` numbers each, or, with width 1, of numbers. */
void bench_record_array(const char *key, const double *values, unsigned n,
			unsigned width);

#endif
