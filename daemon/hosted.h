/* SPDX-License-Identifier: MIT */
/*
 * hosted.h - one channel that this daemon hosts
 *
 * The channel's folder, its mapping, what the configuration says about it, and
 * who is in it.
 */
#ifndef RB_DAEMON_HOSTED_H
#define RB_DAEMON_HOSTED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"
#include "daemon/membership.h"
#include "shm/channel.h"

struct rb_hosted {
	char name[RB_NAME_SIZE];
	int dirfd;
	struct rb_channel channel;
	/* NULL: a dynamic one, or one that the configuration no longer has. */
	const struct rb_config_channel *config;
	bool dynamic;
	uid_t creator; /* of a dynamic one */
	bool made;     /* by this daemon, not taken over */
	struct rb_memberships memberships;
};

/* Without a folder or mapping yet. 0 or -ENOMEM. */
int rb_hosted_new(const char *name, const struct rb_config_channel *config,
		  struct rb_hosted **ret);

/* Unmaps and closes; its files stay. */
struct rb_hosted *rb_hosted_free(struct rb_hosted *hosted);

/* Bytes of shared memory. */
uint64_t rb_hosted_size(const struct rb_hosted *hosted);

/* Anybody there whom a stop would wait for? */
bool rb_hosted_has_members(const struct rb_hosted *hosted);

/* enum rb_stream_state */
uint32_t rb_hosted_stream(const struct rb_hosted *hosted);

/* The attached consumer of this name, or NULL. */
const struct rb_member *rb_hosted_find_consumer(const struct rb_hosted *hosted,
						const char *name);

#endif
