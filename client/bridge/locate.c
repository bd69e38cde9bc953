/* SPDX-License-Identifier: MIT */
/*
 * locate.c - where in the stream the next slot of the channel is
 *
 * By its index, and by its slot of the source where others have got its index. Numbers
 * of messages are not remembered: a server that has lost its last ones gives the same
 * numbers to others.
 */
#include <errno.h>
#include <inttypes.h>

#include "client/bridge/importer.h"
#include "client/bridge/log.h"

int
locate_rebase(struct importer *m, int64_t index, uint64_t source, int64_t slot)
{
	struct mark mark = m->mark;
	int err;

	mark.generation = m->kind.generation;
	mark.base = index - (m->published + 1);
	mark.index = index;
	mark.source = source;
	mark.slot = slot;
	err = mark_write(m->setup->state, &mark);
	if (err < 0)
		return -EAGAIN;
	m->mark = mark;
	m->source = source;
	m->source_slot = slot;
	m->is_exact = true;
	m->has_base = true;
	return 0;
}

/* The first slot of this message that is not published, counted in it, as the slots of
 * the source tell: all of them are if it is not less than it has; -1: they don't. */
static int64_t
done_of(const struct importer *m, const struct frame *f)
{
	if (m->source_slot >= 0 && f->kind.generation > m->source)
		return 0;
	if (m->source_slot < 0 || f->kind.generation != m->source ||
	    !m->is_exact)
		return -1;
	return m->source_slot > f->first ? m->source_slot - f->first : 0;
}

bool
locate_is_published(const struct importer *m, const struct frame *f)
{
	int64_t done = done_of(m, f);

	return done >= 0 ? done >= frame_slots(f)
			 : f->index + frame_slots(f) <= importer_index(m);
}

bool
locate_is_reused(const struct importer *m, const struct frame *f,
		 int64_t *ret_done)
{
	*ret_done = done_of(m, f);
	if (*ret_done < 0 || *ret_done >= frame_slots(f))
		return false;
	return f->index + *ret_done < importer_index(m) ||
	       (*ret_done > 0 && f->index + *ret_done > importer_index(m));
}

static bool
is_published(const struct frame *f, void *context)
{
	return locate_is_published(context, f);
}

/* Written down at once: the messages that come while we are away are new ones too. Of a
 * stream without any there is nothing to go by before the first. */
static int
start_behind(struct importer *m, const struct stream_state *state)
{
	struct frame tail;
	int err;

	m->next = state->last + 1;
	if (state->last < state->first)
		return 0;
	err = stream_read(m->js, m->setup, state->last, &tail);
	if (err < 0)
		return err == -ENOENT ? 0 : -EAGAIN;
	return locate_rebase(m, tail.index + frame_slots(&tail),
			     tail.kind.generation, tail.last + 1);
}

/* No channel of this generation has had anything of this stream. */
static int
start(struct importer *m, const struct stream_state *state)
{
	bool is_another = m->mark.created_ns != 0;

	/* As before, if nothing has come since. */
	if (m->mark.created_ns == state->created_ns)
		return 0;
	if (is_another)
		log_warning("stream %s is another one than before: beginning "
			    "with its oldest message",
			    m->setup->stream);
	m->mark.created_ns = state->created_ns;
	m->has_base = false;
	m->next = state->first;
	return m->setup->start == SETUP_NEWEST && !is_another
		       ? start_behind(m, state)
		       : 0;
}

/* Nothing is imported twice, or left out, without a word. */
static int
tell_of_no_mark(const struct importer *m)
{
	if (m->published >= 0)
		stream_trouble("%s is not there, but slots of the channel up "
			       "to %" PRId64 " are: beginning %s of stream %s, "
			       "whatever of it is here already",
			       m->setup->state, m->published,
			       m->setup->start == SETUP_NEWEST
				       ? "behind the newest message"
				       : "with the oldest message",
			       m->setup->stream);
	return 0;
}

/* What the file says, the first time. */
static int
recall(struct importer *m, const struct stream_state *state)
{
	int err = mark_read(m->setup->state, &m->mark);

	if (err == -ENOENT)
		return tell_of_no_mark(m);
	if (err < 0)
		return err == -EBADMSG ? -EINVAL : -EAGAIN;
	m->source = m->mark.source;
	m->source_slot = m->mark.slot;
	m->is_exact = true;
	if (m->mark.generation == m->kind.generation && m->mark.slot >= 0) {
		m->source_slot += importer_index(m) - m->mark.index;
		m->is_exact = importer_index(m) == m->mark.index;
	}
	if (m->mark.created_ns != state->created_ns)
		return 0;
	if (m->mark.generation == m->kind.generation) {
		m->has_base = true;
		return 0;
	}
	log_warning("the channel was made anew: it goes on where the old one "
		    "was when that was written down last, within a second");
	return locate_rebase(m, m->mark.index, m->source, m->source_slot);
}

static int
find(struct importer *m, const struct stream_state *state)
{
	int err = 0;

	if (m->attempts == 0 && !m->has_base)
		err = recall(m, state);
	if (err < 0)
		return err;
	if (!m->has_base || m->mark.created_ns != state->created_ns)
		return start(m, state);
	return stream_search(m->js, m->setup, state, is_published, m, &m->next);
}

static int
subscribe(struct importer *m)
{
	natsStatus status = pull_begin(&m->pull, &m->server, m->js, m->next);

	if (status == NATS_OK)
		return 0;
	stream_trouble("stream %s cannot be read: %s", m->setup->stream,
		       server_why(status));
	return -EAGAIN;
}

static int
begin(struct importer *m)
{
	struct stream_state state;
	int err;

	m->js = server_stream_context(&m->server, NULL, NULL, 0);
	if (m->js == NULL)
		return -EAGAIN;
	err = stream_ensure(m->js, m->setup, false, &state);
	if (err == 0)
		err = find(m, &state);
	if (err == 0)
		err = subscribe(m);
	return err == -ENOENT ? -EAGAIN : err;
}

int
locate_begin(struct importer *m)
{
	int err = server_connect(&m->server);

	if (err == 0) {
		m->reconnects = server_reconnects(&m->server);
		err = begin(m);
	}
	if (err < 0) {
		locate_end(m);
		return err;
	}
	m->attempts++;
	m->stream_end = 0; /* that of another stream, it may be */
	m->is_first = true;
	m->is_stale = false;
	return 0;
}

void
locate_end(struct importer *m)
{
	pull_end(&m->pull, &m->server, m->js);
	jsCtx_Destroy(m->js);
	m->js = NULL;
}
