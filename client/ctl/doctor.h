/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - checks of the machine that ringbus runs on
 *
 * A check is a row of a table: what it looks at, a function that looks, and what
 * to do if that is not right. It needs neither a daemon nor any right; what it
 * may not see it says so.
 */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include <stddef.h>
#include <stdint.h>

#include "client/ctl/ctl.h"

enum doctor_verdict {
	DOCTOR_OK,
	DOCTOR_NOTE,    /* it works; there is something to gain */
	DOCTOR_WRONG,   /* it does not work, or will not for long */
	DOCTOR_UNKNOWN, /* may not be seen, or is not there to be seen */
};

#define DOCTOR_TEXT 160

struct doctor {
	struct ctl *ctl;
	const char *shm_dir;      /* where channels are, or will be */
	const char *config;       /* NULL: the daemon's usual one */
	uint64_t need;            /* bytes that the configuration takes */
	const char *need_unknown; /* why `need` is not known; NULL: it is */
	int connected;            /* 0, or why there is no daemon */
	int64_t daemon_pid;       /* 0: none */
	int64_t jitter_ns;        /* how long to measure */
};

/* Says what it found in `found`. */
typedef enum doctor_verdict (*doctor_look_fn)(struct doctor *doctor,
					      char found[DOCTOR_TEXT]);

struct doctor_check {
	const char *name; /* NULL: end of the table */
	doctor_look_fn look;
	const char *fix;
};

extern const struct doctor_check doctor_kernel[];  /* calls it needs */
extern const struct doctor_check doctor_memory[];  /* space, limits */
extern const struct doctor_check doctor_machine[]; /* processors, time */
extern const struct doctor_check doctor_daemon[];  /* the daemon and us */

void doctor_found(char found[DOCTOR_TEXT], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Finds out how much memory the configuration takes, or why that is not known. */
void doctor_find_need(struct doctor *doctor);

/* The first line of a file, without its end; -errno. */
int doctor_read_line(const char *path, char *text, size_t size);

/* The number in a file; -errno, -EINVAL for "max" and other words. */
int doctor_read_number(const char *path, uint64_t *ret);

/* The word of `list` that stands in brackets, as /sys shows a choice. */
int doctor_read_choice(const char *path, char *text, size_t size);

/* The line of a file that begins so, from behind that on. */
int doctor_read_field(const char *path, const char *begin, char *text,
		      size_t size);

#endif
