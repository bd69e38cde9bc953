/* SPDX-License-Identifier: MIT */
/*
 * record.c - see record.h
 */
#include "bench/record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/machine.h"
#include "bench/setup.h"

static FILE *file;

static void
put_string(const char *text)
{
	fputc('"', file);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

static void
put_key(const char *key)
{
	fputc(',', file);
	put_string(key);
	fputc(':', file);
}

static void
put_number(double value)
{
	if (isfinite(value))
		fprintf(file, "%.6g", value);
	else
		fputs("null", file);
}

void
bench_record_string(const char *key, const char *value)
{
	if (file == NULL)
		return;
	put_key(key);
	if (value != NULL && value[0] != '\0')
		put_string(value);
	else
		fputs("null", file);
}

void
bench_record_number(const char *key, double value)
{
	if (file == NULL)
		return;
	put_key(key);
	put_number(value);
}

void
bench_record_bool(const char *key, bool value)
{
	if (file == NULL)
		return;
	put_key(key);
	fputs(value ? "true" : "false", file);
}

void
bench_record_array(const char *key, const double *values, unsigned n,
		   unsigned width)
{
	if (file == NULL)
		return;
	put_key(key);
	fputc('[', file);
	for (unsigned i = 0; i < n * width; i++) {
		if (i > 0)
			fputc(',', file);
		if (width > 1 && i % width == 0)
			fputc('[', file);
		put_number(values[i]);
		if (width > 1 && i % width == width - 1)
			fputc(']', file);
	}
	fputc(']', file);
}

static void
begin(const char *kind)
{
	fputs("{\"kind\":", file);
	put_string(kind);
}

static void
tell_of_machine(void)
{
	struct bench_machine machine;
	time_t now = time(NULL);
	char date[32];

	bench_machine_get(&machine);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	begin("machine");
	bench_record_string("cpu", machine.cpu);
	bench_record_number("cores", machine.n_cpus);
	bench_record_string("kernel", machine.kernel);
	bench_record_string("governor", machine.governor);
	bench_record_string("hypervisor", machine.hypervisor);
	bench_record_string("version", ringbus_version());
	bench_record_string("date", date);
	fputs("}\n", file);
}

void
bench_record_begin(const char *kind)
{
	const char *path = getenv("BENCH_JSON");

	if (path == NULL || path[0] == '\0')
		return;
	if (file == NULL) {
		file = fopen(path, "a");
		if (file == NULL)
			bench_check(path, -errno);
		if (ftell(file) == 0)
			tell_of_machine();
	}
	begin(kind);
}

void
bench_record_end(void)
{
	if (file == NULL)
		return;
	fputs("}\n", file);
	if (fflush(file) != 0)
		bench_check("BENCH_JSON", -errno);
}
