/* SPDX-License-Identifier: MIT */
/*
 * shape.c - see shape.h
 */
#include "daemon/shape.h"

#include <stdio.h>
#include <string.h>

#include "config/graph.h"
#include "daemon/entry.h"
#include "daemon/folder.h"
#include "daemon/kind.h"
#include "shm/member.h"

/* ------------------------------------------------------------------ reading */

/* Declared ones have other numbers in the table than here. */
static uint64_t
renumber(uint64_t after, const int numbers[RB_CONSUMERS_MAX])
{
	uint64_t ret = 0;

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		if ((after >> i & 1) != 0 && numbers[i] >= 0)
			ret |= UINT64_C(1) << numbers[i];
	return ret;
}

static void
read_consumers(const struct rb_meta *meta, struct rb_config_channel *ret)
{
	int numbers[RB_CONSUMERS_MAX];

	ret->n_consumers = 0;
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		const struct rb_member *m = &meta->consumers[i];

		numbers[i] = -1;
		if (!rb_entry_is_declared(m))
			continue;
		numbers[i] = (int)ret->n_consumers;
		rb_kind_of_entry(m, &ret->consumers[ret->n_consumers++]);
	}
	for (unsigned i = 0; i < ret->n_consumers; i++)
		ret->consumers[i].after = renumber(ret->consumers[i].after,
						   numbers);
}

static void
read_control(const struct rb_channel *channel, struct rb_config_channel *ret)
{
	const struct rb_meta_control *control = &channel->meta->control;
	uint64_t stuck_after_ns = rb_entry_get64(&control->stuck_after_ns);
	uint32_t wait = rb_entry_get(&control->wait);

	ret->stuck = stuck_after_ns != 0 ? RB_CONFIG_STUCK_KILL
					 : RB_CONFIG_STUCK_WAIT;
	if (stuck_after_ns != 0)
		ret->stuck_after_ns = (int64_t)stuck_after_ns;
	ret->wait = (enum rb_config_wait)(wait != 0 && wait <= RB_WAIT_KINDS
						  ? wait - 1
						  : channel->meta->header.wait);
}

/* What was asked for, if that came to be what there is: it is rounded up where the
 * ring would be smaller than a page. */
static uint64_t
size_as_asked(const struct rb_geometry *g, uint64_t asked)
{
	struct rb_geometry again;

	if (g->framing == RB_FIXED)
		return g->event_size;
	return rb_geometry_init(&again, g->slots, asked, g->history, g->framing,
				g->producers) == 0 &&
			       again.slot_size == g->slot_size
		       ? asked
		       : g->slot_size;
}

void
rb_shape_of(const struct rb_hosted *hosted,
	    const struct rb_config_channel *known,
	    struct rb_config_channel *ret)
{
	const struct rb_meta_header *header = &hosted->channel.meta->header;
	const struct rb_geometry *g = &hosted->channel.geometry;

	*ret = *known;
	ret->slots = g->slots;
	ret->framing = (enum rb_config_framing)g->framing;
	ret->slot_size = size_as_asked(g, known->slot_size);
	ret->history = g->history;
	ret->producers = (enum rb_config_producers)g->producers;
	ret->isolation = (enum rb_config_isolation)header->isolation;
	ret->clear = (enum rb_config_clear)header->clear;
	ret->latency = g->times_offset != 0;
	ret->strict = header->strict != 0;
	snprintf(ret->type, sizeof(ret->type), "%.*s", RB_NAME_SIZE - 1,
		 header->type);
	ret->version = header->type_version;
	ret->max_producers = header->max_producers;
	ret->max_consumers = header->max_consumers;
	read_control(&hosted->channel, ret);
	read_consumers(hosted->channel.meta, ret);
}

static const char *
find_obstacle(const struct rb_hosted *hosted, const struct rb_change *change)
{
	const struct rb_channel *channel = &hosted->channel;
	int index;

	if (change->consumer == NULL)
		return NULL;
	index = rb_member_find_named(channel, change->consumer->name);
	if (change->kind == RB_CHANGE_ADDED && index >= 0)
		return "a client has one of this name";
	if (change->kind == RB_CHANGE_ADDED)
		return rb_member_find_free(channel) < 0 ? "no place is free"
							: NULL;
	if (index < 0 || change->key != &rb_keys[RB_KEY_CONSUMER_slow])
		return NULL;
	return rb_entry_state(&channel->meta->consumers[index]) !=
			       RB_MEMBER_FREE
		       ? "it has a place"
		       : NULL;
}

bool
rb_shape_admits(const struct rb_hosted *hosted, const struct rb_change *change,
		const char **ret_obstacle)
{
	*ret_obstacle = NULL;
	if (change->reload == RB_RELOAD_LIVE)
		*ret_obstacle = find_obstacle(hosted, change);
	return change->reload == RB_RELOAD_LIVE && *ret_obstacle == NULL;
}

struct difference {
	const struct rb_hosted *hosted;
	const char *key;
};

static void
note_difference(void *context, const struct rb_change *change)
{
	struct difference *d = context;
	const char *obstacle;

	if (d->key != NULL || rb_shape_admits(d->hosted, change, &obstacle))
		return;
	d->key = change->consumer != NULL ? "consumers" : change->key->name;
}

const char *
rb_shape_find_difference(const struct rb_hosted *hosted)
{
	struct difference d = { .hosted = hosted };
	struct rb_config_channel is;

	if (hosted->config == NULL)
		return NULL;
	rb_shape_of(hosted, hosted->config, &is);
	rb_diff_channel(&is, hosted->config, note_difference, &d);
	return d.key;
}

/* ----------------------------------------------------------------- changing */

static struct rb_consumer_spec
spec_of(const struct rb_hosted *hosted, const struct rb_config_consumer *c)
{
	struct rb_consumer_spec spec = rb_kind_spec(c);

	spec.after = 0;
	for (unsigned i = 0; i < hosted->config->n_consumers; i++) {
		int index = rb_member_find_named(
			&hosted->channel, hosted->config->consumers[i].name);

		if ((c->after >> i & 1) != 0 && index >= 0)
			spec.after |= UINT64_C(1) << index;
	}
	return spec;
}

static void
tune_consumer(struct rb_hosted *hosted, const struct rb_config_consumer *c)
{
	struct rb_consumer_spec spec = spec_of(hosted, c);
	int index = rb_member_find_named(&hosted->channel, c->name);

	if (index < 0)
		rb_member_declare_late(&hosted->channel, c->name, &spec);
	else if (rb_entry_is_declared(rb_hosted_entry(hosted, RB_ROLE_CONSUMER,
						      (unsigned)index)))
		rb_member_set_policy(&hosted->channel, (unsigned)index, &spec);
}

static void
drop_undeclared(struct rb_hosted *hosted)
{
	const struct rb_meta *meta = hosted->channel.meta;

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		const struct rb_member *m = &meta->consumers[i];

		if (rb_entry_is_declared(m) && !rb_entry_is_group(m) &&
		    rb_graph_find(hosted->config, m->name) < 0)
			rb_member_undeclare(&hosted->channel, i);
	}
}

/* All whom it comes after are in the table. */
static bool
is_ready(const struct rb_hosted *hosted, const struct rb_config_consumer *c)
{
	return __builtin_popcountll(spec_of(hosted, c).after) ==
	       __builtin_popcountll(c->after);
}

/* One that is new may come after another one that is new. */
static void
tune_consumers(struct rb_hosted *hosted)
{
	const struct rb_config_channel *config = hosted->config;
	uint64_t done = 0, before;

	do {
		before = done;
		for (unsigned i = 0; i < config->n_consumers; i++) {
			const struct rb_config_consumer *c =
				&config->consumers[i];

			if ((done >> i & 1) != 0 || !is_ready(hosted, c))
				continue;
			tune_consumer(hosted, c);
			done |= UINT64_C(1) << i;
		}
	} while (done != before);
}

void
rb_shape_tune(struct rb_hosted *hosted)
{
	const struct rb_config_channel *config = hosted->config;
	struct rb_meta_control *control = &hosted->channel.meta->control;

	rb_folder_set_stuck(&hosted->channel, config);
	if (rb_entry_get(&control->wait) != 0 ||
	    hosted->channel.meta->header.wait != (uint32_t)config->wait)
		rb_entry_put(&control->wait, 1 + (uint32_t)config->wait);
	hosted->channel.wait = (enum rb_wait_kind)config->wait;
	if (rb_shape_find_difference(hosted) != NULL)
		return; /* it is to drain, or stays as it was */
	drop_undeclared(hosted);
	tune_consumers(hosted);
}
