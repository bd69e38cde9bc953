/* SPDX-License-Identifier: MIT */
/*
 * options.c - see options.h
 */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"

static const char usage[] =
	"usage: ringbusd [--config FILE] [--socket PATH] [--shm-dir DIR]\n"
	"       ringbusd --check|--dump-config [--json] [--config FILE]\n"
	"       ringbusd --schema|--keys\n";

static const char help[] =
	"\n"
	"Creates the channels of its configuration in shared memory and lets\n"
	"processes attach to them.\n"
	"\n"
	"  -c, --config FILE  instead of " RB_CONFIG_DEFAULT "\n"
	"  -s, --socket PATH  where clients connect\n"
	"  -d, --shm-dir DIR  where the channels are\n"
	"      --check        only check the configuration\n"
	"      --dump-config  print all values and where each comes from\n"
	"      --json         as JSON\n"
	"      --schema       print a JSON Schema of the configuration\n"
	"      --keys         print all its keys, a line each\n"
	"  -V, --version      print the version\n"
	"  -h, --help         print this\n"
	"\n"
	"The manual is ringbusd(8).\n";

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, 's' },
	{ "shm-dir", required_argument, NULL, 'd' },
	{ "check", no_argument, NULL, 'C' },
	{ "dump-config", no_argument, NULL, 'D' },
	{ "json", no_argument, NULL, 'J' },
	{ "schema", no_argument, NULL, 'S' },
	{ "keys", no_argument, NULL, 'K' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool
complain(const char *what, enum rb_exit *ret_exit)
{
	fprintf(stderr, "ringbusd: %s\n%s", what, usage);
	*ret_exit = RB_EXIT_USAGE;
	return false;
}

/* Both end up in addresses and messages of a bounded size. */
static bool
check_paths(const struct rb_options *options, enum rb_exit *ret_exit)
{
	const char *paths[] = { options->socket, options->shm_dir };

	for (unsigned i = 0; i < 2; i++)
		if (paths[i] != NULL &&
		    (paths[i][0] == '\0' ||
		     strlen(paths[i]) >= RB_CONFIG_PATH_SIZE))
			return complain("a path must have 1 to 107 bytes",
					ret_exit);
	return true;
}

static bool
say(const char *text, const char *more, enum rb_exit *ret_exit)
{
	printf("%s%s", text, more);
	*ret_exit = RB_EXIT_OK;
	return false;
}

bool
rb_options_parse(struct rb_options *options, int argc, char **argv,
		 enum rb_exit *ret_exit)
{
	int c;

	*options = (struct rb_options){ 0 };
	while ((c = getopt_long(argc, argv, "c:s:d:Vh", long_options, NULL)) !=
	       -1)
		switch (c) {
		case 'c':
			options->config = optarg;
			break;
		case 's':
			options->socket = optarg;
			break;
		case 'd':
			options->shm_dir = optarg;
			break;
		case 'C':
			options->errand = RB_ERRAND_CHECK;
			break;
		case 'D':
			options->errand = RB_ERRAND_DUMP;
			break;
		case 'J':
			options->as_json = true;
			break;
		case 'S':
			options->errand = RB_ERRAND_SCHEMA;
			break;
		case 'K':
			options->errand = RB_ERRAND_KEYS;
			break;
		case 'V':
			return say("ringbusd " RB_VERSION, "\n", ret_exit);
		case 'h':
			return say(usage, help, ret_exit);
		default:
			*ret_exit = RB_EXIT_USAGE;
			fputs(usage, stderr);
			return false;
		}
	if (optind < argc)
		return complain("takes no arguments but options", ret_exit);
	return check_paths(options, ret_exit);
}
