/* SPDX-License-Identifier: MIT */
/*
 * help.c - help and version
 *
 * Both work without a daemon.
 */
#include "client/ctl/help.h"

#include <string.h>
#include <unistd.h>

#include "client/ctl/choice.h"
#include "client/ctl/json.h"

#define COMMON(name_) offsetof(struct ctl_common, name_)

const struct options_entry help_common_options[] = {
	{ 's', "socket", "PATH", &options_text, COMMON(socket),
	  "the daemon's socket, instead of $RINGBUS_SOCKET or the usual one" },
	{ 0, "shm-dir", "DIR", &options_text, COMMON(shm_dir),
	  "look into a folder of channels or of copies, without a daemon" },
	{ 'j', "json", NULL, &options_flag, COMMON(json),
	  "JSON Lines on stdout" },
	{ 'h', "help", NULL, &options_flag, COMMON(help), "this text" },
	{ 0 },
};

const struct options_entry help_front_options[] = {
	{ 's', "socket", "PATH", &options_text, COMMON(socket),
	  "the daemon's socket, instead of $RINGBUS_SOCKET or the usual one" },
	{ 0, "shm-dir", "DIR", &options_text, COMMON(shm_dir),
	  "look into a folder of channels or of copies, without a daemon" },
	{ 'j', "json", NULL, &options_flag, COMMON(json),
	  "JSON Lines on stdout" },
	{ 'h', "help", NULL, &options_flag, COMMON(help),
	  "this text; behind a verb: that of the verb" },
	{ 'V', "version", NULL, &options_flag, COMMON(version), "the version" },
	{ 0 },
};

static void
print_options(const struct options_entry *entry, FILE *file)
{
	char left[64];

	for (; entry != NULL && entry->name != NULL; entry++) {
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s",
			 entry->letter ? '-' : ' ',
			 entry->letter ? entry->letter : ' ',
			 entry->letter ? ", " : "  ", entry->name,
			 entry->value != NULL ? " " : "",
			 entry->value != NULL ? entry->value : "");
		fprintf(file, "  %-27s %s\n", left, entry->text);
	}
}

void
help_print_verb(const struct ctl_verb *verb)
{
	printf("usage: ringbusctl %s [OPTION]...%s%s\n\n%s.\n", verb->name,
	       verb->operands[0] != '\0' ? " " : "", verb->operands,
	       verb->brief);
	if (verb->alias != NULL)
		printf("`ringbusctl %s` is the same.\n", verb->alias);
	if (verb->help != NULL)
		printf("\n%s", verb->help);
	printf("\noptions:\n");
	print_options(verb->options, stdout);
	print_options(help_common_options, stdout);
}

static void
print_brief(const struct ctl_verb *verb, FILE *file)
{
	char left[80];

	snprintf(left, sizeof(left), "%s %s", verb->name, verb->operands);
	fprintf(file, "  %-27s  %s\n", left, verb->brief);
}

void
help_print_group(FILE *file, const char *word)
{
	size_t length = strlen(word);
	const struct ctl_verb *const *verb;

	fprintf(file,
		"usage: ringbusctl %s VERB [OPTION]... "
		"[OPERAND]...\n\nverbs:\n",
		word);
	for (verb = ctl_verbs; *verb != NULL; verb++)
		if (strncmp((*verb)->name, word, length) == 0 &&
		    (*verb)->name[length] == ' ')
			print_brief(*verb, file);
}

void
help_print_verbs(FILE *file)
{
	const struct ctl_verb *const *verb;

	fputs("usage: ringbusctl [OPTION]... VERB [OPTION]... [OPERAND]...\n\n"
	      "verbs:\n",
	      file);
	for (verb = ctl_verbs; *verb != NULL; verb++)
		print_brief(*verb, file);
	fputs("\noptions:\n", file);
	print_options(help_front_options, file);
	fputs("\n`ringbusctl VERB --help` tells more; see ringbusctl(1).\n",
	      file);
}

/* -------------------------------------------------------------------- JSON */

static void
write_choices(struct json *json, const struct options_type *type)
{
	char word[CHOICE_SIZE];
	unsigned i;

	if (!choice_word(type, 0, word))
		return;
	json_open(json, "choices", '[');
	for (i = 0; choice_word(type, i, word); i++)
		json_string(json, NULL, word);
	json_close(json, ']');
	json_bool(json, "others", !choice_is_all(type));
}

static void
write_options(struct json *json, const struct options_entry *entry)
{
	char letter[2] = "";

	for (; entry != NULL && entry->name != NULL; entry++) {
		json_open(json, NULL, '{');
		json_string(json, "name", entry->name);
		letter[0] = entry->letter;
		if (entry->letter != 0)
			json_string(json, "letter", letter);
		if (entry->value != NULL) {
			json_string(json, "value", entry->value);
			write_choices(json, entry->type);
		}
		json_string(json, "text", entry->text);
		json_close(json, '}');
	}
}

static void
write_verb(struct output *out, const struct ctl_verb *verb)
{
	struct json json;

	json_begin(&json, out);
	json_string(&json, "verb", verb->name);
	if (verb->alias != NULL)
		json_string(&json, "alias", verb->alias);
	json_string(&json, "operands", verb->operands);
	json_string(&json, "text", verb->brief);
	if (verb->help != NULL)
		json_string(&json, "help", verb->help);
	json_open(&json, "options", '[');
	write_options(&json, verb->options);
	write_options(&json, help_common_options);
	json_close(&json, ']');
	json_end(&json);
}

static enum ctl_exit
print_json(const struct ctl *ctl, const struct ctl_verb *only)
{
	const struct ctl_verb *const *verb;
	struct output out;

	output_init(&out, STDOUT_FILENO);
	for (verb = ctl_verbs; *verb != NULL; verb++)
		if (only == NULL || *verb == only)
			write_verb(&out, *verb);
	return ctl_finish(ctl, &out);
}

/* ------------------------------------------------------------------- verbs */

static enum ctl_exit
run_help(struct ctl *ctl, void *args)
{
	const struct ctl_verb *verb = NULL;
	const char *called;
	int words;

	(void)args;
	if (ctl->n_operands > 0)
		verb = ctl_find_verb(ctl->operands, ctl->n_operands, &words,
				     &called);
	if (verb != NULL && words < ctl->n_operands)
		return ctl_misused(ctl, "'%s' is one too many",
				   ctl->operands[words]);
	if (verb == NULL && ctl->n_operands > 0 &&
	    (ctl->n_operands > 1 || !ctl_is_group(ctl->operands[0])))
		return ctl_misused(ctl, "there is no verb '%s'",
				   ctl->operands[0]);
	if (ctl->common.json)
		return print_json(ctl, verb);
	if (verb != NULL)
		help_print_verb(verb);
	else if (ctl->n_operands > 0)
		help_print_group(stdout, ctl->operands[0]);
	else
		help_print_verbs(stdout);
	return CTL_OK;
}

static enum ctl_exit
run_version(struct ctl *ctl, void *args)
{
	struct output out;
	struct json json;

	(void)args;
	output_init(&out, STDOUT_FILENO);
	if (ctl->common.json) {
		json_begin(&json, &out);
		json_string(&json, "version", ringbus_version());
		json_end(&json);
	} else {
		output_print(&out, "ringbusctl %s\n", ringbus_version());
	}
	return ctl_finish(ctl, &out);
}

const struct ctl_verb ctl_help = {
	.name = "help",
	.operands = "[VERB]",
	.brief = "Explain a verb, or list them",
	.max_operands = CTL_WORDS_MAX,
	.run = run_help,
};

const struct ctl_verb ctl_version = {
	.name = "version",
	.operands = "",
	.brief = "Print the version",
	.run = run_version,
};
