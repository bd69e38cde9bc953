/* SPDX-License-Identifier: MIT */
/*
 * inspect.c - what is wrong with a channel that lies in a folder
 *
 * A copy may be of a channel that was damaged, or have been damaged since, so each
 * word is asked whether it can be. First the files and the header, by reading; what
 * is wrong there ends it, for nothing else would mean anything. Then, mapped as a tap
 * maps it, what changes: the stream, the members, their graph, how far everybody is,
 * and of each slot of the last lap whether its stamp can be there.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/internal.h"

#define LINE_SIZE 160
#define LINES_MAX 64 /* more would tell nothing new */

struct rb_findings {
	unsigned n;
	struct {
		bool is_damage;
		char line[LINE_SIZE];
	} of[LINES_MAX];
};

static void rb_printf_(3, 4)
	find(struct rb_findings *f, bool is_damage, const char *format, ...)
{
	va_list args;

	if (f->n == LINES_MAX)
		return;
	va_start(args, format);
	vsnprintf(f->of[f->n].line, LINE_SIZE, format, args);
	va_end(args);
	f->of[f->n++].is_damage = is_damage;
}

#define DAMAGE(f, ...) find(f, true, __VA_ARGS__)
#define NOTE(f, ...) find(f, false, __VA_ARGS__)

/* ------------------------------------------------------------------ header */

static void
check_size(struct rb_findings *f, int fd, enum rb_file file, uint64_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size < size)
		DAMAGE(f, "%s has %" PRIu64 " bytes of %" PRIu64,
		       rb_file_names[file], (uint64_t)st.st_size, size);
}

static void
check_header(struct rb_findings *f, const char *name,
	     const struct rb_meta_header *h)
{
	char is[RB_NAME_SIZE];
	uint64_t magic;

	memcpy(&magic, &h->magic, sizeof(magic));
	if (magic != RB_MAGIC)
		DAMAGE(f, "meta has the magic %016" PRIx64 ", not %016" PRIx64,
		       magic, RB_MAGIC);
	else if (h->layout_version != RB_LAYOUT_VERSION || h->line != RB_LINE ||
		 h->layout_hash != rb_layout_hash())
		DAMAGE(f,
		       "meta has version %u of the memory layout, or another "
		       "build's; this is version %u",
		       h->layout_version, RB_LAYOUT_VERSION);
	else if (h->sum != rb_header_sum(h))
		DAMAGE(f, "the sum over the header in meta is wrong");
	else if (!rb_copy_name(is, h->name))
		DAMAGE(f, "the name in meta is none");
	else if (strcmp(is, name) != 0)
		NOTE(f, "is channel %s by its header", is);
	if (f->n == 0 && rb_geometry_check(&h->geometry) < 0)
		DAMAGE(f, "the geometry in meta is none that this machine "
			  "makes");
}

static bool
has_damage(const struct rb_findings *f)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->of[i].is_damage)
			return true;
	return false;
}

static void
check_files(struct rb_findings *f, const char *name, const int fds[RB_FILES])
{
	struct rb_meta_header h = { 0 };

	check_size(f, fds[RB_FILE_META], RB_FILE_META, RB_META_SIZE);
	if (f->n > 0)
		return;
	if (pread(fds[RB_FILE_META], &h, sizeof(h), 0) != sizeof(h)) {
		DAMAGE(f, "meta cannot be read");
		return;
	}
	check_header(f, name, &h);
	for (int i = RB_FILE_RING; i <= RB_FILE_GATES && !has_damage(f); i++)
		check_size(f, fds[i], i, rb_channel_file_size(&h.geometry, i));
}

/* ----------------------------------------------------------------- members */

static uint32_t
get(const struct rb_word32 *word)
{
	/* ORDER(none, relaxed) - to look at. */
	return rb_word32_load_relaxed(word);
}

static uint64_t
get64(const struct rb_word64 *word)
{
	/* ORDER(none, relaxed) - to look at. */
	return rb_word64_load_relaxed(word);
}

static int64_t
get_sequence(const struct rb_sequence *sequence)
{
	/* ORDER(none, relaxed) - to look at. */
	return rb_seq_load_relaxed(sequence);
}

static bool
is_used(const struct rb_member *m)
{
	return get(&m->state) != RB_MEMBER_FREE || get(&m->declared) != 0;
}

static void
check_member(struct rb_findings *f, const struct rb_channel *c,
	     const struct rb_member *m, const char *role, unsigned index)
{
	char name[RB_NAME_SIZE];

	if (get(&m->state) > RB_MEMBER_EVICTED) {
		DAMAGE(f, "%s %u has a state that is none: %u", role, index,
		       get(&m->state));
		return;
	}
	if (!is_used(m))
		return;
	if (!rb_copy_name(name, m->name))
		DAMAGE(f, "%s %u has a name that is none", role, index);
	if (get(&m->slow) > RB_SLOW_LOSSY ||
	    get(&m->on_death) > RB_ON_DEATH_KEEP)
		DAMAGE(f, "%s %s (%u) has a policy that is none", role, name,
		       index);
	if (get(&m->group) > c->geometry.n_groups ||
	    get(&m->worker_of) > RB_CONSUMERS_MAX)
		DAMAGE(f, "%s %s (%u) is of a group that is none", role, name,
		       index);
	if (get(&m->state) == RB_MEMBER_DYING)
		NOTE(f, "%s %s was dead and not mended", role, name);
}

/* Who comes after whom, directly or not. */
static uint64_t
closure_of(const struct rb_channel *c, unsigned index)
{
	uint64_t all = 0, more = get64(&c->meta->consumers[index].after);

	while ((more &= ~all) != 0) {
		unsigned i = (unsigned)__builtin_ctzll(more);

		all |= UINT64_C(1) << i;
		more |= get64(&c->meta->consumers[i].after);
	}
	return all;
}

static void
check_graph(struct rb_findings *f, const struct rb_channel *c)
{
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		if (is_used(&c->meta->consumers[i]) &&
		    (closure_of(c, i) >> i & 1) != 0)
			DAMAGE(f, "consumer %u comes after itself", i);
}

static void
check_members(struct rb_findings *f, const struct rb_channel *c)
{
	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++)
		check_member(f, c, &c->meta->producers[i], "producer", i);
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		check_member(f, c, &c->meta->consumers[i], "consumer", i);
		if (rb_is_gating(c, i) && !is_used(&c->meta->consumers[i]))
			DAMAGE(f,
			       "producers wait for consumer %u, which is "
			       "none",
			       i);
	}
	check_graph(f, c);
}

/* --------------------------------------------------------------- sequences */

static bool
is_sequence(int64_t sequence)
{
	return sequence >= RB_SEQUENCE_INITIAL &&
	       sequence < RB_SEQUENCE_MAX / 2;
}

static void
check_gates(struct rb_findings *f, const struct rb_channel *c, int64_t cursor)
{
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		int64_t at = get_sequence(&c->gates->consumers[i].sequence);

		if (!rb_is_gating(c, i))
			continue;
		if (!is_sequence(at) || at > cursor)
			DAMAGE(f,
			       "consumer %u has read up to %" PRId64
			       " of %" PRId64,
			       i, at, cursor);
		else if (!rb_channel_is_multi(c) &&
			 cursor - at > (int64_t)c->geometry.slots)
			DAMAGE(f,
			       "consumer %u is at %" PRId64 ", more than a "
			       "ring behind %" PRId64,
			       i, at, cursor);
	}
}

static void
check_stream(struct rb_findings *f, const struct rb_channel *c, int64_t cursor)
{
	int64_t end = get_sequence(&c->meta->control.end);

	if (rb_channel_is_broken(c))
		DAMAGE(f, "a client had shortened a file of it");
	if (end != RB_SEQUENCE_MAX && (!is_sequence(end) || end > cursor))
		DAMAGE(f, "the stream ends at %" PRId64 " of %" PRId64, end,
		       cursor);
	if (rb_channel_broken_at(c) != RB_SEQUENCE_MAX)
		NOTE(f, "the stream stops at %" PRId64,
		     rb_channel_broken_at(c));
}

/* ------------------------------------------------------------------ stamps */

/* Of the slot at this place in the ring. */
static void
check_stamp(struct rb_findings *f, const struct rb_channel *c, uint64_t place,
	    int64_t claimed)
{
	uint64_t stamp = get64(&c->stamps[place]);
	int64_t is = rb_stamp_sequence(stamp);

	if (stamp == 0)
		return;
	if (is < 0 || is > claimed || ((uint64_t)is & c->mask) != place ||
	    rb_stamp_kind(stamp) == RB_STAMP_NONE)
		DAMAGE(f,
		       "slot %" PRIu64 " has a stamp that cannot be there: "
		       "%016" PRIx64,
		       place, stamp);
}

/* Not there, nor anything later. */
static bool
is_missing(const struct rb_channel *c, int64_t sequence)
{
	return rb_stamp_sequence(get64(rb_channel_stamp(c, sequence))) <
	       sequence;
}

/* The last lap. */
static void
check_stamps(struct rb_findings *f, const struct rb_channel *c, int64_t claimed,
	     int64_t cursor)
{
	int64_t oldest = claimed - (int64_t)c->geometry.slots + 1;
	int64_t first = -1, n = 0;

	for (uint64_t i = 0; i <= c->mask; i++)
		check_stamp(f, c, i, claimed);
	for (int64_t s = oldest < 0 ? 0 : oldest; s <= cursor; s++)
		if (is_missing(c, s))
			first = n++ == 0 ? s : first;
	if (n > 0)
		NOTE(f,
		     "%" PRId64 " slots up to the cursor are not there, from "
		     "%" PRId64 " on: claimed and not published, or not yet "
		     "when it was copied",
		     n, first);
}

/* A claim that is published stays noted until the next one. */
static void
check_claim(struct rb_findings *f, const struct rb_channel *c, unsigned index,
	    int64_t lo, int64_t n)
{
	if (!is_sequence(lo) || n <= 0 || n > (int64_t)c->geometry.slots) {
		DAMAGE(f, "producer %u has claimed what cannot be", index);
		return;
	}
	for (int64_t s = lo; s < lo + n; s++) {
		if (!is_missing(c, s))
			continue;
		NOTE(f,
		     "producer %u has claimed %" PRId64 "..%" PRId64
		     " and not published it",
		     index, lo, lo + n - 1);
		return;
	}
}

static void
check_handles(struct rb_findings *f, const struct rb_channel *c)
{
	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++) {
		const struct rb_handle *handle = &c->ring->handles[i];
		uint64_t intent = get64(&handle->intent);

		if ((intent & 3) > RB_INTENT_CLAIMED)
			DAMAGE(f, "producer %u has a claim of no kind", i);
		else if ((intent & 3) == RB_INTENT_CLAIMED)
			check_claim(f, c, i, rb_stamp_sequence(intent),
				    (int64_t)get64(&handle->n));
	}
}

/* All that is mapped. */
static void
check_memory(struct rb_findings *f, const struct rb_channel *c)
{
	int64_t claimed = get_sequence(&c->ring->claimed);
	int64_t cursor = rb_channel_is_multi(c)
				 ? claimed
				 : get_sequence(&c->ring->published);

	check_members(f, c);
	if (!is_sequence(claimed) || !is_sequence(cursor) || cursor > claimed) {
		DAMAGE(f, "%" PRId64 " is published of %" PRId64, cursor,
		       claimed);
		return;
	}
	check_gates(f, c, cursor);
	check_stream(f, c, cursor);
	if (rb_channel_is_multi(c))
		check_handles(f, c);
	if (c->stamps != NULL)
		check_stamps(f, c, claimed, cursor);
}

/* ------------------------------------------------------------------- calls */

static void
inspect(struct rb_findings *f, const char *name, const int fds[RB_FILES])
{
	struct rb_channel c = RB_CHANNEL_NULL;
	int err;

	check_files(f, name, fds);
	if (has_damage(f))
		return;
	err = rb_channel_attach(&c, fds, RB_ROLE_TAP);
	if (err < 0) {
		DAMAGE(f, "the header in meta has what cannot be");
		return;
	}
	check_memory(f, &c);
	rb_channel_detach(&c);
}

static int
inspect_anew(struct ringbus *bus, const char *channel)
{
	struct rb_attachment a = { .bus = bus };
	int fds[RB_FILES] = { -1, -1, -1 };
	int err, cancel;

	if (bus->findings == NULL)
		bus->findings = malloc(sizeof(*bus->findings));
	if (bus->findings == NULL)
		return -ENOMEM;
	bus->findings->n = 0;
	memcpy(a.name, channel, strlen(channel) + 1);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	err = rb_folder_open(&a, fds);
	if (err == 0)
		inspect(bus->findings, channel, fds);
	for (int i = 0; i < RB_FILES; i++)
		rb_closep(&fds[i]);
	pthread_setcancelstate(cancel, NULL);
	return err;
}

int
ringbus_inspect(struct ringbus *bus, const char *channel, unsigned index,
		char *line, size_t size)
{
	int err = 0;

	bus->error[0] = '\0';
	if (bus->pid != getpid())
		return -ECHILD;
	if (bus->folder == NULL || !rb_name_is_valid(channel))
		return rb_bus_refuse(bus, "only a channel in a folder can be "
					  "inspected, by its name");
	if (index == 0 || bus->findings == NULL)
		err = inspect_anew(bus, channel);
	if (err < 0)
		return err;
	if (index >= bus->findings->n)
		return 0;
	snprintf(line, size, "%s", bus->findings->of[index].line);
	return bus->findings->of[index].is_damage ? 1 : 2;
}
