/* SPDX-License-Identifier: MIT */
/*
 * load.c - the configuration that the options ask for, and what is wrong with it
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/log.h"

const char *
rb_daemon_config_path(const struct rb_options *options)
{
	if (options->config != NULL)
		return options->config;
	return access(RB_CONFIG_DEFAULT, F_OK) == 0 ? RB_CONFIG_DEFAULT : NULL;
}

int
rb_daemon_read_config(const struct rb_options *options,
		      struct rb_config_report *report, struct rb_config **ret)
{
	const char *path = rb_daemon_config_path(options);
	int err;

	if (path != NULL)
		err = rb_config_load(path, report, ret);
	else
		err = rb_config_parse("built-in", rb_config_builtin,
				      strlen(rb_config_builtin), report, ret);
	if (report->text != NULL)
		rb_log_text(err < 0 ? LOG_ERR : LOG_WARNING, report->text);
	else if (err < 0)
		rb_log_error("cannot load the configuration: %s",
			     strerror(-err));
	return err;
}

enum rb_exit
rb_daemon_load_config(const struct rb_options *options, struct rb_config **ret)
{
	struct rb_config_report report = { 0 };
	int err = rb_daemon_read_config(options, &report, ret);

	rb_config_report_deinit(&report);
	return err < 0 ? RB_EXIT_CONFIG : RB_EXIT_OK;
}
