/* SPDX-License-Identifier: MIT */
/*
 * command.c - see command.h
 */
#include "client/exporter/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ringbus.h"

static const char help[] =
	"usage: ringbus-exporter [OPTIONS]\n"
	"\n"
	"Shows the metrics of all channels over HTTP: /metrics as OpenMetrics "
	"1.0 or\n"
	"Prometheus' text, /healthz as 200 or 503. Started by a socket of "
	"systemd it\n"
	"answers there.\n"
	"\n"
	"  -l, --listen ADDRESS:PORT  answer here instead of 127.0.0.1:9464\n"
	"  -s, --socket PATH          the daemon's socket\n"
	"      --shm-dir DIR          look into this folder, ask no daemon\n"
	"      --textfile FILE        write the page to a file instead\n"
	"      --interval TIME        again and again: 15s, 500ms\n"
	"  -h, --help                 this\n"
	"  -V, --version              the version\n"
	"\n"
	"Exit codes: 0 stopped, or written; 1 failed; 2 a mistake on the "
	"command line.\n";

enum {
	SHM_DIR = 256,
	TEXTFILE,
	INTERVAL
};

static const struct option longs[] = {
	{ "listen", required_argument, NULL, 'l' },
	{ "socket", required_argument, NULL, 's' },
	{ "shm-dir", required_argument, NULL, SHM_DIR },
	{ "textfile", required_argument, NULL, TEXTFILE },
	{ "interval", required_argument, NULL, INTERVAL },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int
misused(const char *what)
{
	fprintf(stderr, "ringbus-exporter: %s: see ringbus-exporter --help\n",
		what);
	return EXIT_USAGE;
}

/* A whole number and "s" or "ms", from a millisecond to a day. */
static int
parse_interval(const char *text, int64_t *ret)
{
	char *end;
	long n = strtol(text, &end, 10);
	long ms = strcmp(end, "s") == 0 ? 1000 : 1;

	if (text[0] < '0' || text[0] > '9' || n <= 0 || n > 86400000 / ms ||
	    (strcmp(end, "s") != 0 && strcmp(end, "ms") != 0))
		return misused("--interval is a time like 15s or 500ms");
	*ret = (int64_t)n * ms * 1000000;
	return -1;
}

static int
take(int letter, struct command *o)
{
	switch (letter) {
	case 'l':
		o->listen = optarg;
		return -1;
	case 's':
		o->socket = optarg;
		return -1;
	case SHM_DIR:
		o->shm_dir = optarg;
		return -1;
	case TEXTFILE:
		o->textfile = optarg;
		return -1;
	case INTERVAL:
		return parse_interval(optarg, &o->interval_ns);
	case 'h':
		fputs(help, stdout);
		return EXIT_SUCCESS;
	case 'V':
		printf("ringbus-exporter %s\n", ringbus_version());
		return EXIT_SUCCESS;
	default: /* getopt has said what is wrong */
		fputs("see ringbus-exporter --help\n", stderr);
		return EXIT_USAGE;
	}
}

int
command_parse(int argc, char **argv, struct command *ret)
{
	int letter, code = -1;

	*ret = (struct command){ 0 };
	while (code < 0 &&
	       (letter = getopt_long(argc, argv, "l:s:hV", longs, NULL)) >= 0)
		code = take(letter, ret);
	if (code >= 0)
		return code;
	if (optind < argc)
		return misused("it takes options alone");
	if (ret->textfile != NULL && ret->listen != NULL)
		return misused("--textfile and --listen are two ways");
	if (ret->interval_ns != 0 && ret->textfile == NULL)
		return misused("--interval goes with --textfile");
	return -1;
}
