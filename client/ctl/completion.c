/* SPDX-License-Identifier: MIT */
/*
 * completion.c - scripts for shells, and the answers that they ask for
 *
 * The scripts are files, which are also installed as they are; the assembler
 * reads them, from the root of the tree.
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/complete.h"
#include "client/ctl/ctl.h"

#define SCRIPT(shell)                                                          \
	extern const char ctl_completion_##shell[];                            \
	__asm__(".pushsection .rodata\n"                                       \
		".global ctl_completion_" #shell "\n"                          \
		".hidden ctl_completion_" #shell "\n"                          \
		"ctl_completion_" #shell ":\n"                                 \
		".incbin \"client/ctl/completion." #shell "\"\n"               \
		".byte 0\n"                                                    \
		".popsection\n")

SCRIPT(bash);
SCRIPT(zsh);
SCRIPT(fish);

static const struct {
	const char *shell;
	const char *script;
} scripts[] = {
	{ "bash", ctl_completion_bash },
	{ "zsh", ctl_completion_zsh },
	{ "fish", ctl_completion_fish },
};

static enum ctl_exit
run_completion(struct ctl *ctl, void *args)
{
	const char *what = ctl->operands[0];
	struct output out;
	size_t i;

	(void)args;
	output_init(&out, STDOUT_FILENO);
	if (strcmp(what, "words") == 0 && ctl->n_operands > 1) {
		complete_words(ctl, ctl->operands + 1, ctl->n_operands - 1,
			       &out);
		return ctl_finish(ctl, &out);
	}
	for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		if (strcmp(what, scripts[i].shell) != 0)
			continue;
		if (ctl->n_operands > 1)
			return ctl_misused(ctl, "'%s' is one too many",
					   ctl->operands[1]);
		output_string(&out, scripts[i].script);
		return ctl_finish(ctl, &out);
	}
	return ctl_misused(ctl, "the shell is bash, zsh or fish");
}

const struct ctl_verb ctl_completion = {
	.name = "completion",
	.operands = "bash|zsh|fish",
	.brief = "Print what completes command lines in a shell",
	.help = "Installed with ringbusctl; by hand: "
		"`. <(ringbusctl completion bash)`.\nThe scripts ask "
		"`ringbusctl completion words -- WORD...` how words could go "
		"on.\n",
	.min_operands = 1,
	.max_operands = INT_MAX,
	.run = run_completion,
};
