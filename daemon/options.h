/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line
 */
#ifndef RB_DAEMON_OPTIONS_H
#define RB_DAEMON_OPTIONS_H

#include <stdbool.h>

#include "daemon/exit.h"

enum rb_errand {
	RB_ERRAND_SERVE,
	RB_ERRAND_CHECK,
	RB_ERRAND_DUMP,
	RB_ERRAND_SCHEMA,
	RB_ERRAND_KEYS,
};

struct rb_options {
	const char *config;  /* NULL: not given */
	const char *socket;  /* NULL: not given */
	const char *shm_dir; /* NULL: not given */
	enum rb_errand errand;
	bool as_json; /* what --dump-config prints */
};

/*
 * Reads the command line. True to go on; false if it is all done or wrong, and
 * *ret_exit is how to end.
 */
bool rb_options_parse(struct rb_options *options, int argc, char **argv,
		      enum rb_exit *ret_exit);

#endif
