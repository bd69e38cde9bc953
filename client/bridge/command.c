/* SPDX-License-Identifier: MIT */
/*
 * command.c - see command.h
 */
#include "client/bridge/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/options.h"
#include "client/ringbus.h"

static const char help[] =
	"usage: ringbus-bridge [OPTIONS] CHANNEL\n"
	"\n"
	"Takes a channel to a stream of NATS JetStream, or a stream to a "
	"channel, as the\n"
	"bridge: block of the channel says.\n"
	"\n"
	"  -s, --socket PATH       the daemon's socket\n"
	"  -o, --option KEY=VALUE  instead of what the block says; repeats\n"
	"      --map SEQUENCE      say which message has that slot, and end\n"
	"      --message NUMBER    say what that message has, or the \"last\", "
	"and "
	"end\n"
	"  -h, --help              this\n"
	"  -V, --version           the version\n"
	"\n"
	"Exit codes: 0 stopped, or the stream of the channel has ended; 1 "
	"failed; 2 a\n"
	"mistake on the command line; 78 one in what is configured.\n";

enum {
	MAP = 256,
	MESSAGE,
};

static const struct option longs[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "option", required_argument, NULL, 'o' },
	{ "map", required_argument, NULL, MAP },
	{ "message", required_argument, NULL, MESSAGE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int
misused(const char *what)
{
	fprintf(stderr, "ringbus-bridge: %s: see ringbus-bridge --help\n",
		what);
	return EXIT_USAGE;
}

static int
take_number(int64_t *ret)
{
	return options_read_sequence(optarg, ret) < 0
		       ? misused("a sequence is a number")
		       : -1;
}

/* They begin with 1. */
static int
take_message(int64_t *ret)
{
	if (strcmp(optarg, "last") != 0)
		return take_number(ret);
	*ret = 0;
	return -1;
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
	case MAP:
		return take_number(&o->map);
	case MESSAGE:
		return take_message(&o->message);
	case 'h':
		fputs(help, stdout);
		return EXIT_SUCCESS;
	case 'V':
		printf("ringbus-bridge %s\n", ringbus_version());
		return EXIT_SUCCESS;
	default: /* getopt has said what is wrong */
		fputs("see ringbus-bridge --help\n", stderr);
		return EXIT_USAGE;
	}
}

int
command_parse(int argc, char **argv, struct command *ret)
{
	int letter, code = -1;

	*ret = (struct command){ .map = -1, .message = -1 };
	while (code < 0 &&
	       (letter = getopt_long(argc, argv, "s:o:hV", longs, NULL)) >= 0)
		code = take(letter, ret);
	if (code >= 0)
		return code;
	if (optind != argc - 1)
		return misused("it takes one channel");
	ret->settings.channel = argv[optind];
	ret->settings.block = "bridge";
	return -1;
}
