/* SPDX-License-Identifier: MIT */
/*
 * complete.c - how a command line that is being typed could go on
 *
 * Goes through the words as the parser will, finds out what is wanted at the
 * cursor, and offers that.
 */
#include "client/ctl/complete.h"

#include <string.h>

#include "client/ctl/choice.h"
#include "client/ctl/help.h"
#include "client/ctl/view.h"

#define OPERANDS_MAX 8

struct line {
	struct ctl *ctl;
	struct output *out;
	const struct ctl_verb *verb;       /* NULL: none yet */
	const char *group;                 /* first of two words, alone yet */
	const struct options_entry *entry; /* whose value is wanted */
	const char *operands[OPERANDS_MAX];
	int n_operands;
	bool only_operands; /* behind -- */
	bool is_lost;       /* a word that is no verb */
	const char *prefix; /* in front of the value: "--format=" */
	size_t prefix_size;
	const char *word; /* at the cursor, behind the prefix */
};

/* -------------------------------------------------------------- offering */

static void
offer_sized(const struct line *line, const char *word, size_t size,
	    const char *text)
{
	size_t typed = strlen(line->word);

	if (size < typed || memcmp(word, line->word, typed) != 0)
		return;
	output_write(line->out, line->prefix, line->prefix_size);
	output_write(line->out, word, size);
	output_string(line->out, "\t");
	output_string(line->out, text);
	output_string(line->out, "\n");
}

static void
offer(const struct line *line, const char *word, const char *text)
{
	offer_sized(line, word, strlen(word), text);
}

static void
offer_options(const struct line *line, const struct options_entry *entry)
{
	char name[64] = "--";

	for (; entry != NULL && entry->name != NULL; entry++) {
		strncpy(name + 2, entry->name, sizeof(name) - 3);
		offer(line, name, entry->text);
	}
}

/* First words, each once: those of a group stand behind each other. */
static void
offer_verbs(const struct line *line)
{
	const struct ctl_verb *const *verb;
	const char *last = "", *name;
	size_t n, last_size = 0;

	for (verb = ctl_verbs; *verb != NULL; verb++) {
		name = (*verb)->name;
		n = strcspn(name, " ");
		if ((*verb)->alias != NULL)
			offer(line, (*verb)->alias, (*verb)->brief);
		if (name[n] == ' ' && n == last_size &&
		    memcmp(name, last, n) == 0)
			continue;
		offer_sized(line, name, n,
			    name[n] == ' ' ? "verbs of two words"
					   : (*verb)->brief);
		last = name;
		last_size = n;
	}
}

static void
offer_second_words(const struct line *line)
{
	size_t n = strlen(line->group);
	const struct ctl_verb *const *verb;

	for (verb = ctl_verbs; *verb != NULL; verb++)
		if (strncmp((*verb)->name, line->group, n) == 0 &&
		    (*verb)->name[n] == ' ')
			offer(line, (*verb)->name + n + 1, (*verb)->brief);
}

static void
offer_channels(const struct line *line)
{
	char name[RINGBUS_NAME_SIZE];
	unsigned i;

	for (i = 0; ringbus_list(line->ctl->bus, i, name) == 0; i++)
		offer(line, name, "channel");
}

/* Of a list with commas only the last name is at the cursor. */
static void
offer_consumers(struct line *line)
{
	const char *comma = strrchr(line->word, ',');
	struct ringbus_member member = { .size = sizeof(member) };
	struct ringbus_tap *tap;
	unsigned i;

	if (line->n_operands == 0 ||
	    ringbus_tap_open(line->ctl->bus, line->operands[0], NULL, &tap) < 0)
		return;
	if (comma != NULL && line->prefix_size == 0) {
		line->prefix = line->word;
		line->prefix_size = (size_t)(comma + 1 - line->word);
		line->word = comma + 1;
	}
	for (i = 0; i < RINGBUS_MEMBERS_MAX; i++)
		if (ringbus_channel_member(ringbus_tap_channel(tap),
					   RINGBUS_CONSUMER, i, &member) == 1)
			offer(line, member.name, "consumer");
	ringbus_tap_close(tap);
}

static bool
connects(const struct line *line)
{
	struct ctl *ctl = line->ctl;

	return ctl->bus != NULL || ctl_connect_to_look(ctl) == CTL_OK;
}

/* What the help calls CHANNEL, FILE and so on, of `size` bytes. */
static void
offer_kind(struct line *line, const char *kind, size_t size)
{
	static const struct {
		const char *name;
		const char *path; /* what the shell has to offer */
		void (*offer_looked_up)(struct line *line);
	} kinds[] = {
		{ "FILE", "FILE", NULL },
		{ "PATH", "FILE", NULL },
		{ "DIR", "DIR", NULL },
		{ "CONSUMER", NULL, offer_consumers },
		{ "CONSUMERS", NULL, offer_consumers },
	};
	size_t i;

	if (size == 7 && memcmp(kind, "CHANNEL", 7) == 0 && connects(line))
		offer_channels(line);
	if (size == 4 && memcmp(kind, "VERB", 4) == 0)
		offer_verbs(line);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].name) != size ||
		    memcmp(kinds[i].name, kind, size) != 0)
			continue;
		if (kinds[i].path != NULL)
			output_print(line->out, "\t%s\n", kinds[i].path);
		else if (connects(line))
			kinds[i].offer_looked_up(line);
	}
}

/* "bash|zsh|fish", "[FILE]": words in small letters are meant as they stand. */
static void
offer_kinds(struct line *line, const char *kinds, size_t size)
{
	const char *end = kinds + size;
	size_t n;

	while (kinds < end) {
		n = strcspn(kinds, "|[]. ");
		if (kinds + n > end)
			n = (size_t)(end - kinds);
		if (n > 0 && kinds[0] >= 'a' && kinds[0] <= 'z')
			offer_sized(line, kinds, n, "");
		else if (n > 0)
			offer_kind(line, kinds, n);
		kinds += n + 1;
	}
}

static void
offer_value(struct line *line)
{
	const struct options_entry *entry = line->entry;
	char word[CHOICE_SIZE];
	unsigned i;

	for (i = 0; choice_word(entry->type, i, word); i++)
		offer(line, word, entry->text);
	if (i == 0)
		offer_kinds(line, entry->value, strlen(entry->value));
}

/* The last of "FIRST [MORE]..." goes on. */
static void
offer_operand(struct line *line)
{
	const char *operand = line->verb->operands, *end;
	int i;

	if (line->verb == &ctl_help && line->n_operands == 1) {
		line->group = line->operands[0];
		offer_second_words(line);
		return;
	}
	for (i = 0; (end = strchr(operand, ' ')) != NULL; i++) {
		if (i == line->n_operands)
			break;
		operand = end + 1;
	}
	if (line->n_operands < line->verb->max_operands &&
	    (i == line->n_operands || strstr(operand, "...") != NULL))
		offer_kinds(line, operand, strcspn(operand, " "));
}

/* --------------------------------------------------------------- reading */

static const struct options_entry *
find_option(const struct options_entry *entry, const char *name, size_t size)
{
	for (; entry != NULL && entry->name != NULL; entry++)
		if (size == 1 ? entry->letter == name[0]
			      : strlen(entry->name) == size &&
					memcmp(entry->name, name, size) == 0)
			return entry;
	return NULL;
}

static const struct options_entry *
find_entry(const struct line *line, const char *name, size_t size)
{
	const struct options_entry *entry;

	if (line->verb == NULL)
		return find_option(help_front_options, name, size);
	entry = find_option(line->verb->options, name, size);
	return entry != NULL ? entry
			     : find_option(help_common_options, name, size);
}

/* Where names come from counts here already. */
static void
use_value(struct line *line, const struct options_entry *entry,
	  const char *value)
{
	if (strcmp(entry->name, "socket") == 0)
		line->ctl->common.socket = value;
	if (strcmp(entry->name, "shm-dir") == 0)
		line->ctl->common.shm_dir = value;
}

static void
read_option(struct line *line, const char *word)
{
	bool is_long = word[1] == '-';
	size_t size = is_long ? strcspn(word + 2, "=") : strlen(word) - 1;
	const char *name = is_long ? word + 2 : word + size;
	const struct options_entry *entry = find_entry(line, name,
						       is_long ? size : 1);

	if (entry == NULL || entry->value == NULL)
		return;
	if (is_long && name[size] == '=')
		use_value(line, entry, name + size + 1);
	else
		line->entry = entry;
}

/* Takes a word that is no option; returns how many words that were. */
static int
read_operand(struct line *line, char *const words[], int n)
{
	const char *called;
	int n_words = 1;

	if (line->verb != NULL) {
		if (line->n_operands < OPERANDS_MAX)
			line->operands[line->n_operands++] = words[0];
		return 1;
	}
	line->verb = ctl_find_verb(words, n, &n_words, &called);
	if (line->verb == NULL && ctl_is_group(words[0]))
		line->group = words[0];
	else if (line->verb == NULL)
		line->is_lost = true;
	return line->verb != NULL ? n_words : 1;
}

static void
read_words(struct line *line, char *const words[], int n)
{
	int i;

	for (i = 0; i < n;) {
		if (line->entry != NULL) {
			use_value(line, line->entry, words[i++]);
			line->entry = NULL;
		} else if (line->only_operands || words[i][0] != '-' ||
			   words[i][1] == '\0') {
			i += read_operand(line, words + i, n - i);
		} else {
			line->only_operands = strcmp(words[i], "--") == 0;
			read_option(line, words[i++]);
		}
	}
}

/* --name=VALUE, of which the value is at the cursor. */
static bool
has_value_inside(struct line *line)
{
	const char *equals = strchr(line->word, '=');
	size_t size = equals != NULL ? (size_t)(equals - line->word) : 0;

	if (equals == NULL || strncmp(line->word, "--", 2) != 0)
		return false;
	line->entry = find_entry(line, line->word + 2, size - 2);
	line->prefix = line->word;
	line->prefix_size = size + 1;
	line->word = equals + 1;
	return line->entry != NULL && line->entry->value != NULL;
}

void
complete_words(struct ctl *ctl, char *const words[], int n, struct output *out)
{
	struct line line = { .ctl = ctl, .out = out, .prefix = "" };

	read_words(&line, words, n - 1);
	line.word = words[n - 1];
	if (line.entry != NULL ||
	    (!line.only_operands && has_value_inside(&line))) {
		offer_value(&line);
	} else if (line.word[0] == '-' && !line.only_operands) {
		offer_options(&line, line.verb != NULL ? line.verb->options
						       : help_front_options);
		if (line.verb != NULL)
			offer_options(&line, help_common_options);
	} else if (line.verb != NULL) {
		offer_operand(&line);
	} else if (line.group != NULL) {
		offer_second_words(&line);
	} else if (!line.is_lost) {
		offer_verbs(&line);
	}
}
