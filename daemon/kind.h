/* SPDX-License-Identifier: MIT */
/*
 * kind.h - what kind of consumer one is, in the forms that the daemon meets
 *
 * A consumer is described in the configuration, in a request, and by its entry
 * in the member table. The configuration's struct is the one in which they are
 * checked and compared.
 */
#ifndef RB_DAEMON_KIND_H
#define RB_DAEMON_KIND_H

#include "config/config.h"
#include "shm/channel.h"
#include "shm/control.h"
#include "shm/member.h"

/* As ATTACH and PLAN ask for it. One that parks keeps its place, said or not. */
void rb_kind_of_request(const struct rb_control *request,
			struct rb_config_consumer *ret);

void rb_kind_of_entry(const struct rb_member *entry,
		      struct rb_config_consumer *ret);

/* The form in which a channel is told. */
struct rb_consumer_spec rb_kind_spec(const struct rb_config_consumer *kind);

/*
 * NULL if both are the same kind, of one name, on a channel with this history;
 * else the key in which they differ.
 */
const char *rb_kind_find_difference(const struct rb_config_consumer *a,
				    const struct rb_config_consumer *b,
				    uint64_t history);

/* How far behind it may be; 0 for no limit. */
uint64_t rb_kind_max_lag(enum rb_slow slow, uint64_t max_lag, uint64_t history);

/* Whether a consumer of this kind can be on a channel that there is; *why tells
 * what is wrong with it. 0 or -EINVAL. */
int rb_kind_check(const struct rb_channel *channel,
		  const struct rb_config_consumer *kind, char *why,
		  size_t why_size);

#endif
