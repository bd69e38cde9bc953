/* SPDX-License-Identifier: MIT */
/*
 * main.c - ringbusctl: look at channels, publish to them, read from them
 *
 * A program over the public API alone: what it needs, everybody can have. Finds
 * the verb, parses its options into a copy of its defaults, runs it, detaches.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/help.h"
#include "client/ctl/interrupt.h"

const struct ctl_verb *const ctl_verbs[] = {
	&ctl_ls,   &ctl_show,    &ctl_why,  &ctl_pub,    &ctl_tail,
	&ctl_ping, &ctl_end,     &ctl_mend, &ctl_create, &ctl_remove,
	&ctl_help, &ctl_version, NULL,
};

const struct ctl_verb *
ctl_find_verb(const char *name)
{
	int i;

	for (i = 0; ctl_verbs[i] != NULL; i++)
		if (strcmp(ctl_verbs[i]->name, name) == 0)
			return ctl_verbs[i];
	return NULL;
}

static enum ctl_exit
check_operands(const struct ctl *ctl)
{
	const struct ctl_verb *verb = ctl->verb;

	if (ctl->n_operands < verb->min_operands)
		return ctl_misused(ctl, "missing %s", verb->operands);
	if (ctl->n_operands > verb->max_operands)
		return ctl_misused(ctl, "'%s' is one too many",
				   ctl->operands[verb->max_operands]);
	return CTL_OK;
}

static enum ctl_exit
parse_and_run(struct ctl *ctl, void *args, int argc, char **argv)
{
	struct options options = {
		.verb = ctl->verb->name,
		.tables = {
			{ help_common_options, &ctl->common },
			{ ctl->verb->options, args },
		},
	};
	int first;
	enum ctl_exit code;

	first = options_parse(&options, argc, argv);
	if (first < 0)
		return CTL_USAGE;
	if (ctl->common.help) {
		help_print_verb(ctl->verb);
		return CTL_OK;
	}
	ctl->operands = argv + first;
	ctl->n_operands = argc - first;
	code = check_operands(ctl);
	return code == CTL_OK ? ctl->verb->run(ctl, args) : code;
}

static enum ctl_exit
run_verb(struct ctl *ctl, int argc, char **argv)
{
	void *args = calloc(1, ctl->verb->args_size + 1);
	enum ctl_exit code;

	if (args == NULL) {
		fputs("ringbusctl: out of memory\n", stderr);
		return CTL_FAILED;
	}
	if (ctl->verb->args_size > 0)
		memcpy(args, ctl->verb->defaults, ctl->verb->args_size);
	code = parse_and_run(ctl, args, argc, argv);
	ringbus_close(ctl->bus);
	free(args);
	return code;
}

/* What stands in front of the verb. */
static enum ctl_exit
parse_front(struct ctl *ctl, int argc, char **argv)
{
	struct options options = {
		.tables = { { help_front_options, &ctl->common } },
		.in_order = true,
	};
	int first = options_parse(&options, argc, argv);

	if (first < 0)
		return CTL_USAGE;
	if (ctl->common.help || ctl->common.version) {
		ctl->verb = ctl->common.help ? &ctl_help : &ctl_version;
		ctl->common.help = false;
		return run_verb(ctl, 1, argv);
	}
	if (first == argc) {
		help_print_verbs(stderr);
		return CTL_USAGE;
	}
	ctl->verb = ctl_find_verb(argv[first]);
	if (ctl->verb != NULL)
		return run_verb(ctl, argc - first, argv + first);
	fprintf(stderr,
		"ringbusctl: there is no verb '%s': `ringbusctl help` "
		"lists them\n",
		argv[first]);
	return CTL_USAGE;
}

int
main(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	enum ctl_exit code;

	signal(SIGPIPE, SIG_DFL);
	if (interrupt_init() < 0) {
		fputs("ringbusctl: no pipe for signals: too many open files?\n",
		      stderr);
		return CTL_FAILED;
	}
	code = parse_front(&ctl, argc, argv);
	if (code == CTL_INTERRUPTED)
		interrupt_die();
	if (fflush(stdout) != 0 && code == CTL_OK) {
		fputs("ringbusctl: cannot write to stdout\n", stderr);
		return CTL_FAILED;
	}
	return code;
}
