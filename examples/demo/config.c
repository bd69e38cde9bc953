/* SPDX-License-Identifier: MIT */
/*
 * config.c - see config.h
 *
 * It is all there is to the demo's order of things: `app` names those who have to be
 * done before it sees an event, and what these do is said beside.
 */
#include "examples/demo/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char orders[] = "  # One order per slot.\n"
			     "  orders:\n"
			     "    slots: 65536\n"
			     "    framing: fixed\n"
			     "    event_size: 64\n";

static const char lines[] = "  # Lines of any length.\n"
			    "  lines:\n"
			    "    slots: 16384\n"
			    "    framing: framed\n"
			    "    slot_size: 64\n";

static void
write_channel(FILE *file, const struct demo *demo)
{
	fprintf(file,
		"%s"
		"    producers: single\n"
		"    wait: blocking\n"
		"    journal:\n"
		"      dir: \"%s\"\n"
		"      sync: always\n"
		"      segment_size: 64MiB\n",
		demo->input != NULL ? lines : orders, demo->place.journal);
	if (demo->has_nats)
		fprintf(file,
			"    bridge:\n"
			"      direction: export\n"
			"      servers: nats://127.0.0.1:%u\n",
			demo->port);
	fputs("    consumers:\n"
	      "      journal: { on_death: keep }\n"
	      "      replicate: { on_death: keep }\n"
	      "      app: { after: [journal, replicate] }\n",
	      file);
}

/* As it would be on another machine, by another daemon. */
static void
write_copy(FILE *file, const struct demo *demo)
{
	const char *channel = demo->input != NULL ? lines : orders;

	fprintf(file,
		"\n  # What has gone through NATS.\n"
		"  copy:%s"
		"    producers: single\n"
		"    wait: blocking\n"
		"    bridge:\n"
		"      direction: import\n"
		"      servers: nats://127.0.0.1:%u\n"
		"      stream: %s\n"
		"      subject: ringbus.%s\n"
		"      state: \"%s/copy.state\"\n"
		"    consumers:\n"
		"      replica: { on_death: keep }\n",
		strchr(strchr(channel, ':'), '\n'), demo->port, demo->channel,
		demo->channel, demo->place.dir);
}

int
config_write(const struct demo *demo)
{
	const char *path = demo->place.config;
	FILE *file = fopen(path, "we");
	bool failed = file == NULL;

	if (!failed) {
		fputs("# The configuration of the demo; see ringbus.yaml(5).\n"
		      "channels:\n",
		      file);
		write_channel(file, demo);
		if (demo->has_nats)
			write_copy(file, demo);
		failed = fclose(file) != 0;
	}
	if (failed)
		fprintf(stderr, "demo: cannot write %s: %s\n", path,
			strerror(errno));
	return failed ? -1 : 0;
}
