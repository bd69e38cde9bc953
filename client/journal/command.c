/* SPDX-License-Identifier: MIT */
/*
 * command.c - see command.h
 */
#include "client/journal/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/ringbus.h"

static const char help[] =
	"usage: ringbus-journal [OPTIONS] CHANNEL\n"
	"\n"
	"Writes every event of a channel to files, and lets an event go on "
	"only "
	"when it\n"
	"is as safe as `journal: sync` of the channel says. See "
	"ringbus-journal(8).\n"
	"\n"
	"  -s, --socket PATH       the daemon's socket\n"
	"  -o, --option KEY=VALUE  instead of what `journal:` of the channel "
	"says:\n"
	"                          dir, consumer, sync, sync_interval, "
	"segment_size,\n"
	"                          retain_size, retain_for, on_full, direct, "
	"io\n"
	"  -h, --help              this\n"
	"  -V, --version           the version\n"
	"\n"
	"Exit codes: 0 stopped, or the stream has ended; 1 failed; 2 a mistake "
	"on the\n"
	"command line; 78 one in what is configured.\n";

static const struct option longs[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "option", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int
misused(const char *what)
{
	fprintf(stderr, "ringbus-journal: %s: see ringbus-journal --help\n",
		what);
	return EXIT_USAGE;
}

static int
take(int letter, struct command *o)
{
	switch (letter) {
	case 's':
		o->socket = optarg;
		return -1;
	case 'o':
		return setting_give(&o->settings, optarg) < 0
			       ? misused("too many options")
			       : -1;
	case 'h':
		fputs(help, stdout);
		return EXIT_SUCCESS;
	case 'V':
		printf("ringbus-journal %s\n", ringbus_version());
		return EXIT_SUCCESS;
	default: /* getopt has said what is wrong */
		fputs("see ringbus-journal --help\n", stderr);
		return EXIT_USAGE;
	}
}

int
command_parse(int argc, char **argv, struct command *ret)
{
	int letter, code = -1;

	*ret = (struct command){ 0 };
	while (code < 0 &&
	       (letter = getopt_long(argc, argv, "s:o:hV", longs, NULL)) >= 0)
		code = take(letter, ret);
	if (code >= 0)
		return code;
	if (optind != argc - 1)
		return misused("it takes one channel");
	ret->settings.channel = argv[optind];
	ret->settings.block = "journal";
	return -1;
}
