/* SPDX-License-Identifier: MIT */
/*
 * diff.h - what is another in another configuration, key by key
 *
 * Channels and consumers are told apart by their names, so that their order means
 * nothing. Of what is compared only the values count, not how they were written or
 * whether at all.
 */
#ifndef RB_CONFIG_DIFF_H
#define RB_CONFIG_DIFF_H

#include "config/render.h"

enum rb_change_kind {
	RB_CHANGE_SET,
	RB_CHANGE_ADDED, /* a whole channel, consumer, journal or bridge */
	RB_CHANGE_REMOVED,
};

#define RB_CHANGE_PATH_SIZE (2 * RB_NAME_SIZE + 80)

struct rb_change {
	enum rb_change_kind kind;
	enum rb_reload reload;
	const struct rb_key *key; /* NULL: as a whole */
	char path[RB_CHANGE_PATH_SIZE];
	/* The consumer, of the new one; of a removed one the old. Or NULL. */
	const struct rb_config_consumer *consumer;
	char before[RB_RENDER_SIZE];
	char after[RB_RENDER_SIZE];
};

typedef void (*rb_change_fn)(void *context, const struct rb_change *change);

/* The keys of `daemon` and `dynamic`. */
void rb_diff_daemon(const struct rb_config *before,
		    const struct rb_config *after, rb_change_fn fn,
		    void *context);

/* Two channels of one name, with their consumers. */
void rb_diff_channel(const struct rb_config_channel *before,
		     const struct rb_config_channel *after, rb_change_fn fn,
		     void *context);

/* The values of a channel as the section `channel` has them. */
void rb_channel_values(const struct rb_config_channel *channel,
		       struct rb_channel_values *ret);

/* Whether a key of the section says anything of this channel. */
bool rb_channel_has_key(const struct rb_config_channel *channel,
			const struct rb_key *key);

#endif
