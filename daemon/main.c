/* SPDX-License-Identifier: MIT */
/*
 * main.c - ringbusd: from the command line to the exit code
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/dump.h"
#include "daemon/log.h"
#include "daemon/preview.h"
#include "daemon/summary.h"

static enum rb_exit
check(const struct rb_options *options)
{
	struct rb_config *config;
	struct rb_paths paths;
	enum rb_exit code = rb_daemon_load_config(options, &config);

	if (code != RB_EXIT_OK)
		return code;
	rb_summary_print(config);
	if (rb_paths_init(&paths, options, config) < 0)
		code = RB_EXIT_CONFIG;
	else
		rb_preview_print(config, paths.shm_dir);
	rb_config_free(config);
	return code;
}

static enum rb_exit
dump(const struct rb_options *options)
{
	struct rb_config *config;
	enum rb_exit code = rb_daemon_load_config(options, &config);

	if (code != RB_EXIT_OK)
		return code;
	rb_dump_config(config, options->as_json);
	rb_config_free(config);
	return RB_EXIT_OK;
}

static enum rb_exit
serve(const struct rb_options *options)
{
	struct rb_daemon *daemon;
	enum rb_exit code = rb_daemon_new(options, &daemon);

	if (code != RB_EXIT_OK)
		return code;
	code = rb_daemon_run(daemon);
	rb_daemon_free(daemon);
	return code;
}

static enum rb_exit
run(const struct rb_options *options)
{
	switch (options->errand) {
	case RB_ERRAND_CHECK:
		return check(options);
	case RB_ERRAND_DUMP:
		return dump(options);
	case RB_ERRAND_SCHEMA:
		rb_dump_schema();
		return RB_EXIT_OK;
	case RB_ERRAND_KEYS:
		rb_dump_keys();
		return RB_EXIT_OK;
	case RB_ERRAND_SERVE:
		break;
	}
	return serve(options);
}

/* What --check and its like print has to arrive. */
static enum rb_exit
finish(enum rb_exit code)
{
	if (fflush(stdout) == 0 || code != RB_EXIT_OK)
		return code;
	rb_log_error("cannot write to standard output: %s", strerror(errno));
	return RB_EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct rb_options options;
	enum rb_exit code;

	rb_log_init();
	if (!rb_options_parse(&options, argc, argv, &code))
		return finish(code);
	return finish(run(&options));
}
