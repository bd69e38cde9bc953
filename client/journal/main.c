/* SPDX-License-Identifier: MIT */
/*
 * main.c - ringbus-journal: every event of a channel to disk, before it goes on
 *
 * A program of its own, and an ordinary gating consumer. It runs over one
 * generation of the channel after the other: what is there is recovered, the place
 * taken, and the stream written until its end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/journal/attach.h"
#include "client/journal/command.h"
#include "client/journal/folder.h"
#include "client/journal/journal.h"
#include "client/journal/notice.h"
#include "client/journal/signals.h"

#define EXIT_CONFIGURED 78 /* sysexits.h: EX_CONFIG */

/* Brings files and place together. 0, positive after a signal, or an errno. */
static int
prepare(struct journal *j, struct ringbus *bus, const char *channel)
{
	struct recovery recovery;
	bool is_missing;
	int err = recover_look(j->dirfd, channel, &recovery);

	if (err == 0)
		err = attach_open(j, bus, channel);
	if (err == 0)
		err = recover_judge(&recovery, j->stream.generation, j->next);
	if (err == 0) {
		j->io.errors += (int64_t)recovery.scan.n_damages;
		is_missing = attach_compare(j, &recovery);
		err = recover_finish(j->dirfd, &recovery, is_missing);
	}
	recover_close(&recovery);
	return err;
}

static void
tell_end(const struct journal *j, int err)
{
	bool is_whole = j->queue.head == j->queue.tail && !j->trouble.is_on;

	if (err < 0 && err != -ESHUTDOWN)
		notice_error("cannot go on: %s", ringbus_strerror(err));
	else if (!is_whole)
		notice_error("ended while no segment can be written: what was "
			     "not stored is not, up to %" PRId64,
			     j->available);
	else
		notice_info("%s: all that was published is stored",
			    err == 0 ? "stopped" : "the stream has ended");
}

/* What goes wrong before there is an event to store is said here alone. */
static int
work(struct journal *j)
{
	int err = keeper_start(j->settings, j->dirfd, &j->keeper);

	if (err == 0)
		err = engine_open((enum engine_choice)j->settings->io,
				  &j->engine);
	if (err < 0) {
		notice_error("cannot start: %s", strerror(-err));
		return err;
	}
	signals_halt(j->consumer);
	notice_ready();
	err = journal_run(j);
	signals_halt(NULL);
	flow_leave(j);
	tell_end(j, err);
	return err;
}

struct stretch {
	uint64_t generation;
	int64_t n_batches;
};

/* One generation, whole or until a signal. */
static int
write_stretch(const struct settings *settings, int dirfd, struct ringbus *bus,
	      const char *channel, struct stretch *ret)
{
	struct journal *j = calloc(1, sizeof(*j));
	int err = -ENOMEM;

	*ret = (struct stretch){ 0 };
	if (j == NULL)
		return -ENOMEM;
	j->settings = settings;
	j->dirfd = dirfd;
	j->free_pages = ~0u;
	j->io.size = sizeof(j->io);
	j->pages = aligned_alloc(4096, SEGMENT_PAGES * sizeof(*j->pages));
	if (j->pages != NULL)
		err = prepare(j, bus, channel);
	if (err == 0)
		err = work(j);
	ret->generation = j->stream.generation;
	ret->n_batches = j->io.batches;
	engine_close(j->engine);
	keeper_stop(j->keeper);
	ringbus_consumer_close(j->consumer);
	free(j->pages);
	free(j);
	return err;
}

#define SOON 2 /* it waits until all have left the old one */

/* Whether the channel is another one by now: 1, 0, SOON, or an errno. */
static int
is_renewed(struct ringbus *bus, const char *channel, uint64_t generation)
{
	struct ringbus_info info = { .size = sizeof(info) };
	struct ringbus_tap *tap;
	int err = ringbus_tap_open(bus, channel, NULL, &tap);

	if (err == -EAGAIN)
		return SOON;
	if (err < 0)
		return err == -ENOENT || err == -ECONNRESET ? 0 : err;
	err = ringbus_channel_info(ringbus_tap_channel(tap), &info);
	ringbus_tap_close(tap);
	return err < 0 ? err : info.generation != generation;
}

/* After the end of a stream: true if there is a next one. Who found it at its end
 * already was started for that. */
static bool
finds_next(struct ringbus *bus, const char *channel, const struct stretch *s)
{
	int r = is_renewed(bus, channel, s->generation);

	if (r == 0 && s->n_batches > 0)
		return false;
	if (r != 1)
		notice_info("waits for the next stream");
	while ((r == 0 || r == SOON) && !signals_stop()) {
		notice_alive();
		signals_nap(r == 0 ? 1000000000 : 10000000);
		r = is_renewed(bus, channel, s->generation);
	}
	return r == 1;
}

static int
run(struct setting_source *source, struct ringbus *bus)
{
	static struct settings settings;
	const char *channel = source->channel;
	struct stretch stretch;
	int lock, dirfd, err;

	if (attach_await(bus, channel) == ATTACH_STOPPED)
		return EXIT_SUCCESS;
	source->bus = bus;
	if (settings_read(&settings, source) < 0)
		return EXIT_CONFIGURED;
	dirfd = folder_open(settings.dir, &lock);
	if (dirfd < 0)
		return EXIT_FAILURE;
	do
		err = write_stretch(&settings, dirfd, bus, channel, &stretch);
	while (err == -ESHUTDOWN && finds_next(bus, channel, &stretch));
	close(dirfd);
	close(lock);
	return err == -ESHUTDOWN || err >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct ringbus *bus = NULL;
	struct command o;
	int err, code = command_parse(argc, argv, &o);

	if (code >= 0)
		return code;
	notice_init(o.settings.channel);
	err = signals_init();
	if (err == 0)
		err = attach_connect(o.socket, &bus);
	code = err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (err == 0)
		code = run(&o.settings, bus);
	ringbus_close(bus);
	return code;
}
