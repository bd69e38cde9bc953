/* SPDX-License-Identifier: MIT */
/*
 * source.c - see source.h
 *
 * The bus that has the taps is never asked while nobody answers: it would wait for
 * the next daemon. So each refresh begins with a connection of its own.
 */
#include "client/exporter/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)
/* What a daemon may take to answer. */
#define PATIENCE_NS (SECOND_NS / 2)
/* Between two refreshes, however many ask; and of a daemon that was silent. */
#define PAUSE_NS (SECOND_NS / 10)
#define SILENCE_NS (5 * SECOND_NS)

int64_t
source_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void
leave(struct source *s)
{
	ringbus_close(s->bus); /* and all taps */
	s->bus = NULL;
	s->n_channels = 0;
	s->daemon = 0;
}

void
source_close(struct source *s)
{
	leave(s);
	free(s->channels);
	s->channels = NULL;
	s->size = 0;
}

/* ------------------------------------------------------------------ channels */

static struct source_channel *
find(struct source *s, const char *name)
{
	for (unsigned i = 0; i < s->n_channels; i++)
		if (strcmp(s->channels[i].name, name) == 0)
			return &s->channels[i];
	return NULL;
}

static struct source_channel *
append(struct source *s, const char *name, struct ringbus_tap *tap)
{
	struct source_channel *channels = s->channels;

	if (s->n_channels == s->size) {
		unsigned size = s->size * 2 + 16;

		channels = realloc(channels, size * sizeof(*channels));
		if (channels == NULL)
			return NULL;
		s->channels = channels;
		s->size = size;
	}
	channels += s->n_channels++;
	snprintf(channels->name, sizeof(channels->name), "%s", name);
	channels->tap = tap;
	channels->is_listed = true;
	channels->hole = (struct health_hole){ 0 };
	return channels;
}

/* There may be another one of its name by now. */
static bool
is_over(const struct source_channel *channel)
{
	struct ringbus_info info = { .size = sizeof(info) };
	const struct ringbus_channel *c = ringbus_tap_channel(channel->tap);

	return ringbus_channel_info(c, &info) < 0 || info.ended || info.damaged;
}

static void
open_channel(struct source *s, const char *name)
{
	struct source_channel *known = find(s, name);
	struct ringbus_tap *tap = NULL;

	if (known != NULL) {
		known->is_listed = true;
		if (!is_over(known))
			return;
	}
	if (ringbus_tap_open(s->bus, name, NULL, &tap) < 0) {
		if (known == NULL)
			s->n_hidden++;
		return;
	}
	if (known != NULL) {
		ringbus_tap_close(known->tap);
		known->tap = tap;
		known->hole = (struct health_hole){ 0 };
	} else if (append(s, name, tap) == NULL) {
		ringbus_tap_close(tap);
		s->n_hidden++;
	}
}

static void
drop_unlisted(struct source *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_channels; i++)
		if (s->channels[i].is_listed)
			s->channels[n++] = s->channels[i];
		else
			ringbus_tap_close(s->channels[i].tap);
	s->n_channels = n;
}

/* 0, or an error that left what we have as it was. */
static int
list(struct source *s)
{
	char name[RINGBUS_NAME_SIZE];
	int r = 0;

	s->n_hidden = 0;
	for (unsigned i = 0; i < s->n_channels; i++)
		s->channels[i].is_listed = false;
	for (unsigned i = 0; r == 0; i++) {
		r = ringbus_list(s->bus, i, name);
		if (r == 0)
			open_channel(s, name);
	}
	if (r != -ENOENT)
		return r;
	drop_unlisted(s);
	return 0;
}

/* ----------------------------------------------------------- daemon or folder */

static void
say_why(struct source *s, const char *whom, int err)
{
	s->is_up = false;
	snprintf(s->why_not, sizeof(s->why_not), "%.400s: %s", whom,
		 ringbus_strerror(err));
	if (err == -ETIMEDOUT)
		s->next_ns = source_now_ns() + SILENCE_NS;
}

/* What a folder says is only looked at anew from the start. */
static void
look_into_folder(struct source *s)
{
	int r;

	leave(s);
	s->is_folder = true;
	r = ringbus_open_folder(s->shm_dir, &s->bus);
	if (r == 0)
		r = list(s);
	if (r < 0 && s->shm_dir != NULL)
		say_why(s, ringbus_error(NULL), r);
}

/* Whose channels are those of one that has been started since is not certain:
 * all are opened anew. */
static void
use_daemon(struct source *s, struct ringbus *bus)
{
	int64_t pid = ringbus_ping(bus);
	int r;

	if (pid > 0 && pid == s->daemon && !s->is_folder) {
		ringbus_close(bus);
	} else if (pid > 0) {
		leave(s);
		s->bus = bus;
		s->is_folder = false;
		s->daemon = pid;
	} else {
		say_why(s, ringbus_socket(bus), (int)pid);
		ringbus_close(bus);
		return;
	}
	r = list(s);
	if (r == 0)
		r = openmetrics_daemon_read(s->bus, &s->status);
	s->is_up = r == 0;
	if (r < 0)
		say_why(s, ringbus_socket(s->bus), r);
}

static void
refresh(struct source *s)
{
	struct ringbus *bus = NULL;
	int r;

	if (s->shm_dir != NULL) {
		say_why(s, s->shm_dir, -ENOTCONN);
		look_into_folder(s);
		return;
	}
	r = ringbus_connect_within(s->socket, PATIENCE_NS, &bus);
	if (r == 0) {
		use_daemon(s, bus);
		return;
	}
	say_why(s, ringbus_error(NULL), r);
	if ((s->bus == NULL || s->is_folder) && s->socket == NULL)
		look_into_folder(s);
}

void
source_refresh(struct source *s)
{
	int64_t now_ns = source_now_ns();

	if (now_ns < s->next_ns)
		return;
	s->next_ns = now_ns + PAUSE_NS;
	refresh(s);
}
