/* SPDX-License-Identifier: MIT */
/*
 * util_flow.h - events that anybody can check, wherever they come out
 *
 * Each says its own sequence and its size, and all other bytes follow from the
 * sequence. So a successor of a killed producer goes on with what follows, a
 * reader of the channel or of one that is a copy of it knows what comes next, and
 * a byte too many, too few, wrong, repeated or out of order is found by either.
 *
 * Both run in a process of their own, for ever or until a sequence that may still
 * be chosen; they connect to RINGBUS_SOCKET or the usual place, and to channel "a".
 * On a framed channel sizes vary.
 */
#ifndef T_UTIL_FLOW_H
#define T_UTIL_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/ringbus.h"

#define T_FLOW_EVENT 64 /* of a fixed channel */
#define T_FLOW_SLOT 64
#define T_FLOW_LARGEST 600 /* of a framed channel */

struct rb_word64;

struct t_flow {
	struct rb_word64 *next;   /* sequence: all before it are done */
	struct rb_word64 *until;  /* ends once next is here */
	struct rb_word64 *nap_ns; /* after as many as T_FLOW_BURST */
	const char *name;         /* of the consumer */
	bool is_framed;
};

#define T_FLOW_BURST 256

/* Without end, and without naps. */
struct t_flow t_flow(const char *name, bool is_framed);

/* For t_child() or t_host_child(); the argument is a struct t_flow. An error or a
 * wrong event is said on stderr. */
int t_flow_produce(void *flow);
int t_flow_consume(void *flow);

/* Writes event `sequence`; and true if it is that. */
void t_flow_fill(void *data, size_t size, int64_t sequence);
bool t_flow_check(const struct ringbus_event *event, int64_t sequence);

#endif
