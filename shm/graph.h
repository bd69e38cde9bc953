/* SPDX-License-Identifier: MIT */
/*
 * graph.h - who waits for whom, as the member table says and as all may see
 *
 * For the daemon alone. Members say whom they come after; some of them are not
 * there, or nobody waits for them. What producers and consumers go by follows
 * from that: the gating set, and for each consumer its `deps`.
 */
#ifndef RB_GRAPH_H
#define RB_GRAPH_H

#include <stdint.h>

#include "shm/channel.h"

/* Whom consumer `index` has to wait for; a worker for whom its group has to. */
uint64_t rb_graph_deps(const struct rb_meta *meta, unsigned index);

/* Makes the gating set and all `deps` agree with the states of the members, and
 * makes every process take note. Can be repeated. */
void rb_graph_publish(struct rb_channel *channel);

/*
 * Consumer `index` is no more, and its entry will be another's: those that came
 * after it come after whom it came after. That changes nothing of what is
 * published. Can be repeated.
 */
void rb_graph_bequeath(struct rb_meta *meta, unsigned index);

#endif
