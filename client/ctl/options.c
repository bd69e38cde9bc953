/* SPDX-License-Identifier: MIT */
/*
 * options.c - getopt_long() driven by tables
 *
 * The messages of getopt_long() know nothing of verbs, so ours replace them:
 * each names the option, what was given, and what would have been right.
 */
#include "client/ctl/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ringbus.h"

/* getopt_long() returns this and the place of the entry, beyond any letter. */
#define FIRST_VAL 256

/* ------------------------------------------------------------------ values */

/* Digits at the beginning of `text`; *ret_end is what follows them. */
static int
read_digits(const char *text, const char **ret_end, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || value > INT64_MAX)
		return -EINVAL;
	*ret = value;
	*ret_end = end;
	return 0;
}

int
options_read_number(const char *text, uint64_t *ret)
{
	const char *end;
	uint64_t value;

	if (read_digits(text, &end, &value) < 0 || *end != '\0')
		return -EINVAL;
	*ret = value;
	return 0;
}

int
options_read_sequence(const char *text, int64_t *ret)
{
	uint64_t value;

	if (options_read_number(text, &value) < 0 || value > INT64_MAX)
		return -EINVAL;
	*ret = (int64_t)value;
	return 0;
}

int
options_choose(const char *text, const char *const names[], int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	return -EINVAL;
}

static int
parse_flag(const char *text, void *target)
{
	(void)text;
	*(bool *)target = true;
	return 0;
}

static int
parse_text(const char *text, void *target)
{
	*(const char **)target = text;
	return 0;
}

static int
parse_number(const char *text, void *target)
{
	return options_read_number(text, target);
}

static int
parse_count(const char *text, void *target)
{
	uint64_t value;

	if (options_read_number(text, &value) < 0 || value == 0)
		return -EINVAL;
	*(uint64_t *)target = value;
	return 0;
}

struct unit {
	const char *name;
	int64_t factor;
};

/* A number and, of `units`, exactly one name behind it. */
static int
read_with_unit(const char *text, const struct unit *units, uint64_t *ret)
{
	const char *end;
	uint64_t value;

	if (read_digits(text, &end, &value) < 0)
		return -EINVAL;
	for (; units->name != NULL; units++) {
		if (strcmp(end, units->name) != 0)
			continue;
		if (value > (uint64_t)(INT64_MAX / units->factor))
			return -EINVAL;
		*ret = value * (uint64_t)units->factor;
		return 0;
	}
	return -EINVAL;
}

static int
parse_size(const char *text, void *target)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "K", INT64_C(1) << 10 },
		{ "KiB", INT64_C(1) << 10 },
		{ "M", INT64_C(1) << 20 },
		{ "MiB", INT64_C(1) << 20 },
		{ "G", INT64_C(1) << 30 },
		{ "GiB", INT64_C(1) << 30 },
		{ NULL, 0 },
	};

	return read_with_unit(text, units, target);
}

/* Reads a unit of time, and moves *text behind it. 0 if it is none. */
static int64_t
read_time_unit(const char **text)
{
	static const struct unit units[] = {
		{ "d", INT64_C(86400000000000) },
		{ "h", INT64_C(3600000000000) },
		{ "m", INT64_C(60000000000) },
		{ "min", INT64_C(60000000000) },
		{ "s", INT64_C(1000000000) },
		{ "ms", 1000000 },
		{ "us", 1000 },
		{ "ns", 1 },
	};
	size_t i, n = strcspn(*text, "0123456789");

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) != n ||
		    memcmp(*text, units[i].name, n) != 0)
			continue;
		*text += n;
		return units[i].factor;
	}
	return 0;
}

/* What ringbus.yaml(5) takes: 1m30s, the largest unit first; or 0. */
static int
parse_duration(const char *text, void *target)
{
	int64_t sum = 0, last = INT64_MAX, factor, part;
	uint64_t value;

	if (strcmp(text, "0") == 0)
		text = "0s";
	do {
		if (read_digits(text, &text, &value) < 0)
			return -EINVAL;
		factor = read_time_unit(&text);
		if (factor == 0 || factor >= last ||
		    __builtin_mul_overflow(value, factor, &part) ||
		    __builtin_add_overflow(sum, part, &sum))
			return -EINVAL;
		last = factor;
	} while (*text != '\0');
	*(int64_t *)target = sum;
	return 0;
}

static int
parse_rate(const char *text, void *target)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "/s", 1 },
		{ NULL, 0 },
	};
	uint64_t value;

	if (read_with_unit(text, units, &value) < 0 || value == 0)
		return -EINVAL;
	*(uint64_t *)target = value;
	return 0;
}

static int
parse_wait(const char *text, void *target)
{
	int wait = ringbus_wait_by_name(text);

	if (wait < 0)
		return -EINVAL;
	*(int *)target = wait;
	return 0;
}

const struct options_type options_flag = { parse_flag, "" };
const struct options_type options_text = { parse_text, "" };
const struct options_type options_count = { parse_count, "a number from 1 on" };
const struct options_type options_number = { parse_number, "a number" };
const struct options_type options_size = {
	parse_size, "a number of bytes such as 64, 4K or 2MiB"
};
const struct options_type options_duration = {
	parse_duration, "a time such as 250ms, 5s or 1m30s"
};
const struct options_type options_rate = {
	parse_rate, "a number of events a second such as 1000 or 1000/s"
};
const struct options_type options_wait = {
	parse_wait, "one of busy_spin, yielding, sleeping, blocking, "
		    "phased_backoff"
};

/* ----------------------------------------------------------------- parsing */

/* The tables in the form of getopt_long(), and the way back. */
struct forms {
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
	const struct options_entry *entries[OPTIONS_MAX];
	void *targets[OPTIONS_MAX];
	int n;
};

static void
add_entry(struct forms *forms, const struct options_entry *entry, void *target)
{
	struct option *form = &forms->longs[forms->n];
	size_t n_letters = strlen(forms->letters);

	form->name = entry->name;
	form->has_arg = entry->value != NULL ? required_argument : no_argument;
	form->val = FIRST_VAL + forms->n;
	forms->entries[forms->n] = entry;
	forms->targets[forms->n] = target;
	forms->n++;
	if (entry->letter == 0)
		return;
	forms->letters[n_letters++] = entry->letter;
	if (entry->value != NULL)
		forms->letters[n_letters] = ':';
}

static void
fill_forms(const struct options *options, struct forms *ret)
{
	const struct options_entry *entry;
	int i;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->letters, options->in_order ? "+:" : ":",
	       options->in_order ? 2 : 1);
	for (i = 0; i < OPTIONS_TABLES; i++) {
		entry = options->tables[i].entries;
		for (; entry != NULL && entry->name != NULL; entry++)
			if (ret->n < OPTIONS_MAX)
				add_entry(ret, entry,
					  options->tables[i].target);
	}
}

static int
find_entry(const struct forms *forms, int val)
{
	int i;

	if (val >= FIRST_VAL)
		return val - FIRST_VAL;
	for (i = 0; i < forms->n; i++)
		if (val != 0 && forms->entries[i]->letter == val)
			return i;
	return -1;
}

static void
print_prefix(const struct options *options)
{
	fputs("ringbusctl: ", stderr);
	if (options->verb != NULL)
		fprintf(stderr, "%s: ", options->verb);
}

static int
store_value(const struct options *options, const struct forms *forms, int i)
{
	const struct options_entry *entry = forms->entries[i];
	char *target = forms->targets[i];

	if (entry->type->parse(optarg, target + entry->offset) == 0)
		return 0;
	print_prefix(options);
	fprintf(stderr, "--%s: '%s' is not %s\n", entry->name, optarg,
		entry->type->wanted);
	return -EINVAL;
}

static int
complain(const struct options *options, const struct forms *forms, int c,
	 char **argv)
{
	int i = find_entry(forms, optopt);

	print_prefix(options);
	if (i >= 0 && c == ':')
		fprintf(stderr, "--%s needs a value", forms->entries[i]->name);
	else if (i >= 0)
		fprintf(stderr, "--%s takes no value", forms->entries[i]->name);
	else if (optopt != 0)
		fprintf(stderr, "there is no option -%c", optopt);
	else
		fprintf(stderr, "there is no option %s", argv[optind - 1]);
	fprintf(stderr, ": see ringbusctl %s%s--help\n",
		options->verb != NULL ? options->verb : "",
		options->verb != NULL ? " " : "");
	return -EINVAL;
}

int
options_parse(const struct options *options, int argc, char **argv)
{
	struct forms forms;
	int c, r;

	fill_forms(options, &forms);
	opterr = 0;
	optind = 0; /* glibc: start over, with another string of letters */
	for (;;) {
		c = getopt_long(argc, argv, forms.letters, forms.longs, NULL);
		if (c == -1)
			return optind;
		if (c == '?' || c == ':')
			r = complain(options, &forms, c, argv);
		else
			r = store_value(options, &forms, find_entry(&forms, c));
		if (r < 0)
			return r;
	}
}
