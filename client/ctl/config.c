/* SPDX-License-Identifier: MIT */
/*
 * config.c - look at a configuration without a daemon
 *
 * Only ringbusd can read one, so that it is what does it: the one beside us, else
 * that of the path, else where it is usually installed. Its output and its exit code
 * are ours.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"

#define NAME "ringbusd"

static void
try_at(const char *folder, size_t length, const char *more, char *const argv[])
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%.*s%s/" NAME, (int)length, folder, more);
	execv(path, argv);
}

static void
try_beside(char *const argv[])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *slash;

	if (n <= 0)
		return;
	self[n] = '\0';
	slash = strrchr(self, '/');
	try_at(self, (size_t)(slash - self), "", argv);
	try_at(self, (size_t)(slash - self), "/../sbin", argv);
}

/* Comes back only if there is none. */
static enum ctl_exit
become(const struct ctl *ctl, char *const argv[])
{
	fflush(stdout);
	try_beside(argv);
	execvp(NAME, argv);
	try_at("/usr/local/sbin", strlen("/usr/local/sbin"), "", argv);
	try_at("/usr/sbin", strlen("/usr/sbin"), "", argv);
	ctl_say(ctl, "there is no " NAME " beside this program, in $PATH or in "
		     "/usr/sbin, and only it can read a configuration: "
		     "install it");
	return CTL_FAILED;
}

static enum ctl_exit
run_with(struct ctl *ctl, const char *option, bool takes_json)
{
	const char *argv[6] = { NAME, option };
	int n = 2;

	if (ctl->n_operands > 0) {
		argv[n++] = "--config";
		argv[n++] = ctl->operands[0];
	}
	if (takes_json && ctl->common.json)
		argv[n++] = "--json";
	return become(ctl, (char *const *)argv);
}

static enum ctl_exit
run_check(struct ctl *ctl, void *args)
{
	(void)args;
	return run_with(ctl, "--check", false);
}

const struct ctl_verb ctl_config_check = {
	.name = "config check",
	.operands = "[FILE]",
	.brief = "Whether a configuration is right, and what it would make",
	.help = "Without FILE the one that ringbusd would read. Needs no "
		"daemon: `ringbusd --check`\ndoes it, and ends with its exit "
		"code.\n",
	.max_operands = 1,
	.run = run_check,
};

static enum ctl_exit
run_show(struct ctl *ctl, void *args)
{
	(void)args;
	return run_with(ctl, "--dump-config", true);
}

const struct ctl_verb ctl_config_show = {
	.name = "config show",
	.operands = "[FILE]",
	.brief = "All values of a configuration, and where each comes from",
	.help = "Those of all files together, with all defaults: what is "
		"printed is a configuration\nitself. Without FILE the one that "
		"ringbusd would read. Needs no daemon.\n",
	.max_operands = 1,
	.run = run_show,
};

static enum ctl_exit
run_schema(struct ctl *ctl, void *args)
{
	(void)args;
	return run_with(ctl, "--schema", false);
}

const struct ctl_verb ctl_config_schema = {
	.name = "config schema",
	.operands = "",
	.brief = "A JSON Schema of the configuration, for editors",
	.help = "It is installed as ringbus.schema.json, too. Needs no "
		"daemon.\n",
	.run = run_schema,
};
