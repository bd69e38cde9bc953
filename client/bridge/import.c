/* SPDX-License-Identifier: MIT */
/*
 * import.c - see import.h
 *
 * Messages are asked for some at a time, and the next ones only when these are
 * published: while the channel is full the stream keeps them.
 */
#include "client/bridge/import.h"

#include <errno.h>

#include "client/bridge/importer.h"
#include "client/bridge/log.h"
#include "client/bridge/notify.h"
#include "client/bridge/progress.h"
#include "client/bridge/wake.h"

#define TICK_NS INT64_C(1000000000)
#define RETRY_NS INT64_C(200000000)
#define PATIENCE_NS INT64_C(5000000000)

/* How far the stream is, and whether we get what is in it. */
static void
look_at_stream(struct importer *m)
{
	struct stream_state state;
	struct frame tail;
	int err;

	if (m->js == NULL || !server_is_up(&m->server))
		return;
	err = stream_look(m->js, m->setup, &state);
	/* A server that has come back without it does not answer who asks for more. */
	m->is_stale |= err == -ENOENT;
	if (err < 0)
		return;
	m->stream_last = state.last;
	/* It is another one, or has lost its end: nothing comes from there. A server
	 * that was away may have lost it, and have got others in its place. */
	m->is_stale = state.created_ns != m->mark.created_ns ||
		      state.last + 1 < m->next ||
		      server_reconnects(&m->server) != m->reconnects;
	if (state.last >= m->next && state.last >= state.first &&
	    stream_read(m->js, m->setup, state.last, &tail) == 0)
		m->stream_end = tail.index + frame_slots(&tail);
}

static void
keep_mark(struct importer *m)
{
	struct mark mark = m->mark;

	mark.index = importer_index(m);
	mark.source = m->source;
	mark.slot = m->source_slot;
	/* Who reads it takes the slot for exact. */
	if (m->has_base && m->is_exact && mark.index != m->mark.index &&
	    mark_write(m->setup->state, &mark) == 0)
		m->mark = mark;
}

void
importer_tick(struct importer *m)
{
	int64_t now = wake_now();

	if (now - m->looked_ns < TICK_NS)
		return;
	m->looked_ns = now;
	notify_alive();
	server_look(&m->server);
	look_at_stream(m);
	keep_mark(m);
	progress_of_import(m);
}

/* The next message, if there is one or soon is. */
static int
fetch(struct importer *m)
{
	natsMsg *msg = NULL;
	uint64_t sequence;
	natsStatus status = pull_next(&m->pull, &msg, &sequence);
	int err;

	if (status == NATS_TIMEOUT)
		/* It is there, and does not come: who was to send it is gone. */
		return m->is_stale || (m->stream_last >= m->next &&
				       server_is_up(&m->server))
			       ? -EAGAIN
			       : 0;
	if (status != NATS_OK) {
		stream_trouble("stream %s cannot be read: %s", m->setup->stream,
			       natsStatus_GetText(status));
		return -EAGAIN;
	}
	err = deliver(m, msg, sequence > 0 ? sequence : m->next);
	natsMsg_Destroy(msg);
	if (err == 0 && m->pause_ns > 0) {
		m->pause_ns = 0;
		stream_no_trouble();
	}
	return err;
}

static int
turn(struct importer *m)
{
	int err;

	importer_tick(m);
	if (!pull_is_begun(&m->pull)) {
		wake_pause(&m->pause_ns);
		err = locate_begin(m);
		return err == -EAGAIN ? 0 : err;
	}
	err = fetch(m);
	if (err != -EAGAIN)
		return err;
	locate_end(m);
	return 0;
}

static int
check_channel(const struct ringbus_info *info)
{
	if (info->producers == RINGBUS_SINGLE)
		return 0;
	log_error("only a channel with producers: single can be imported "
		  "into: what it has published has to be what was imported");
	return -EINVAL;
}

/* True if we have been stopped meanwhile. */
static bool
nap(void)
{
	wake_sleep(RETRY_NS);
	return wake_is_stopped();
}

static int
open_channel(struct importer *m)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_info info = { .size = sizeof(info) };
	int64_t end = wake_now() + PATIENCE_NS;
	int err;

	o.name = "bridge";
	/* One before us may be dead and not yet buried. */
	do
		err = ringbus_producer_open(m->bus, m->setup->channel, &o,
					    &m->producer);
	while (err == -EBUSY && wake_now() < end && !nap());
	if (err < 0) {
		log_error("cannot publish on the channel: %s: %s",
			  ringbus_strerror(err), ringbus_error(m->bus));
		return err;
	}
	wake_watch_producer(m->producer);
	ringbus_channel_info(ringbus_producer_channel(m->producer), &info);
	frame_kind_of(&info, &m->kind);
	m->slot_size = info.slot_size;
	m->capacity = (int64_t)(info.slots - info.history);
	m->published = info.cursor;
	return check_channel(&info);
}

static int
prepare(struct importer *m)
{
	if (m->setup->state[0] == '\0') {
		log_error("bridge: state is needed, a file that stays over "
			  "restarts");
		return -EINVAL;
	}
	return server_init(&m->server, m->setup) < 0 ? -EINVAL
						     : open_channel(m);
}

static int
report(const struct importer *m, int err)
{
	if (m->has_ended)
		log_info("the stream of the channel has ended");
	return m->has_ended || err == -ECANCELED ? 0 : err;
}

int
import_run(const struct setup *setup, struct ringbus *bus)
{
	struct importer m = {
		.setup = setup, .bus = bus, .published = -1, .source_slot = -1
	};
	int err = prepare(&m);

	if (err == 0)
		notify_ready();
	while (err == 0 && !wake_is_stopped())
		err = turn(&m);
	if (m.producer != NULL && (err == 0 || err == -ECANCELED)) {
		notify_stopping();
		keep_mark(&m);
		progress_of_import(&m);
	}
	locate_end(&m);
	wake_watch_producer(NULL);
	ringbus_producer_close(m.producer);
	server_deinit(&m.server);
	return report(&m, err);
}
