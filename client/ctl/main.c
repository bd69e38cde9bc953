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
	/* Look. */
	&ctl_ls,
	&ctl_show,
	&ctl_why,
	&ctl_hist,
	&ctl_events,
	&ctl_top,
	&ctl_metrics,
	&ctl_stat,
	&ctl_check,
	&ctl_wait,
	&ctl_dump,
	&ctl_inspect,
	/* Read and write. */
	&ctl_pub,
	&ctl_tail,
	/* What is stored. */
	&ctl_journal_ls,
	&ctl_journal_verify,
	&ctl_journal_dump,
	&ctl_journal_replay,
	&ctl_journal_trim,
	/* Act on channels and consumers. */
	&ctl_create,
	&ctl_remove,
	&ctl_pause,
	&ctl_resume,
	&ctl_end,
	&ctl_mend,
	&ctl_consumers,
	&ctl_evict,
	&ctl_reset,
	&ctl_bridge,
	/* Act on the daemon. */
	&ctl_ping,
	&ctl_doctor,
	&ctl_status,
	&ctl_reload,
	&ctl_config_check,
	&ctl_config_show,
	&ctl_config_diff,
	&ctl_config_schema,
	/* Help. */
	&ctl_completion,
	&ctl_help,
	&ctl_version,
	NULL,
};

/* Whether `name` is these words with a blank between. */
static bool
is_called(const char *name, char *const words[], int n)
{
	for (int i = 0; i < n; i++) {
		size_t length = strlen(words[i]);

		if (strncmp(name, words[i], length) != 0 ||
		    name[length] != (i + 1 < n ? ' ' : '\0'))
			return false;
		name += length + 1;
	}
	return true;
}

static const char *
find_name(const struct ctl_verb *verb, char *const words[], int n)
{
	if (is_called(verb->name, words, n))
		return verb->name;
	if (verb->alias != NULL && is_called(verb->alias, words, n))
		return verb->alias;
	return NULL;
}

const struct ctl_verb *
ctl_find_verb(char *const words[], int n, int *ret_words,
	      const char **ret_called)
{
	for (int k = n < CTL_WORDS_MAX ? n : CTL_WORDS_MAX; k > 0; k--)
		for (int i = 0; ctl_verbs[i] != NULL; i++) {
			const char *name = find_name(ctl_verbs[i], words, k);

			if (name == NULL)
				continue;
			*ret_words = k;
			*ret_called = name;
			return ctl_verbs[i];
		}
	return NULL;
}

bool
ctl_is_group(const char *word)
{
	size_t length = strlen(word);

	for (int i = 0; ctl_verbs[i] != NULL; i++)
		if (strncmp(ctl_verbs[i]->name, word, length) == 0 &&
		    ctl_verbs[i]->name[length] == ' ')
			return true;
	return false;
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
		.verb = ctl->called,
		.tables = {
			{ help_common_options, &ctl->common },
			{ ctl->verb->options, args },
		},
	};
	/* To a monitoring system 2 is CRITICAL, and 3 says that it is not known. */
	enum ctl_exit misused = ctl->verb->is_plugin ? CTL_ABSENT : CTL_USAGE;
	int first = options_parse(&options, argc, argv);

	if (first < 0)
		return misused;
	if (ctl->common.help) {
		help_print_verb(ctl->verb);
		return CTL_OK;
	}
	ctl->operands = argv + first;
	ctl->n_operands = argc - first;
	if (check_operands(ctl) != CTL_OK)
		return misused;
	return ctl->verb->run(ctl, args);
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
	ringbus_close(ctl->gone);
	free(args);
	return code;
}

/* `words` may end behind the first. */
static enum ctl_exit
say_no_verb(char *const words[])
{
	bool is_group = ctl_is_group(words[0]);

	if (is_group && (words[1] == NULL || strcmp(words[1], "--help") == 0 ||
			 strcmp(words[1], "-h") == 0)) {
		help_print_group(words[1] == NULL ? stderr : stdout, words[0]);
		return words[1] == NULL ? CTL_USAGE : CTL_OK;
	}
	fprintf(stderr,
		"ringbusctl: there is no verb '%s%s%s': `ringbusctl help%s%s` "
		"lists them\n",
		words[0], is_group ? " " : "", is_group ? words[1] : "",
		is_group ? " " : "", is_group ? words[0] : "");
	return CTL_USAGE;
}

/* What stands in front of the verb. */
static enum ctl_exit
parse_front(struct ctl *ctl, int argc, char **argv)
{
	struct options options = {
		.tables = { { help_front_options, &ctl->common } },
		.in_order = true,
	};
	int first = options_parse(&options, argc, argv), words;

	if (first < 0)
		return CTL_USAGE;
	if (ctl->common.help || ctl->common.version) {
		ctl->verb = ctl->common.help ? &ctl_help : &ctl_version;
		ctl->called = ctl->verb->name;
		ctl->common.help = false;
		return run_verb(ctl, 1, argv);
	}
	if (first == argc) {
		help_print_verbs(stderr);
		return CTL_USAGE;
	}
	ctl->verb = ctl_find_verb(argv + first, argc - first, &words,
				  &ctl->called);
	if (ctl->verb == NULL)
		return say_no_verb(argv + first);
	first += words - 1;
	return run_verb(ctl, argc - first, argv + first);
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
