/* SPDX-License-Identifier: MIT */
/*
 * graph.h - which consumer waits for which
 */
#ifndef RB_CONFIG_GRAPH_H
#define RB_CONFIG_GRAPH_H

#include "config/config.h"
#include "config/document.h"

/* The number of a consumer by name, -1 if the channel has none of it. */
int rb_graph_find(const struct rb_config_channel *channel, const char *name);

/*
 * Turns the `after` values (one per consumer, NULL yaml if not given) into
 * masks and tells about unknown names, repetitions and cycles.
 */
void rb_graph_resolve(struct rb_config_channel *channel,
		      const struct rb_node after[RB_CONSUMERS_MAX],
		      struct rb_problems *problems);

#define RB_CYCLE_TEXT_SIZE 512

/*
 * Looks for a cycle among the consumers that are not in *done, and adds to it
 * those that need no further look. The lowest consumer of the cycle, and the
 * path "a -> b -> a" in text (cut if it is long), or -1.
 */
int rb_graph_find_cycle(const struct rb_config_channel *channel, uint64_t *done,
			char text[RB_CYCLE_TEXT_SIZE]);

#endif
