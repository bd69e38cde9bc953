/* SPDX-License-Identifier: MIT */
/*
 * main.c - ringbus-exporter: the metrics of all channels for Prometheus
 *
 * A program of its own, so that neither the daemon nor who publishes has anything
 * to do with HTTP. It reads shared memory, and holds nobody up.
 */
#include <stdlib.h>
#include <unistd.h>

#include "client/exporter/command.h"
#include "client/exporter/http.h"
#include "client/exporter/listen.h"
#include "client/exporter/textfile.h"

#define USUAL "127.0.0.1:9464"

static int
serve(struct source *source, const struct command *o)
{
	int fds[LISTEN_MAX];
	int n = listen_inherited(fds);

	if (n == 0) {
		fds[0] = listen_at(o->listen != NULL ? o->listen : USUAL);
		n = fds[0] < 0 ? -1 : 1;
	}
	return n < 0 ? -1 : http_serve(source, fds, n);
}

int
main(int argc, char **argv)
{
	struct source source = { 0 };
	struct command o;
	int r, code = command_parse(argc, argv, &o);

	if (code >= 0)
		return code;
	source.socket = o.socket;
	source.shm_dir = o.shm_dir;
	r = o.textfile != NULL
		    ? textfile_write(&source, o.textfile, o.interval_ns)
		    : serve(&source, &o);
	source_close(&source);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
