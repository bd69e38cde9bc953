/* SPDX-License-Identifier: MIT */
/*
 * guard.h - memory in place of what a peer has taken away
 *
 * Who holds a writable descriptor of a file in /dev/shm can shorten it, and the
 * next touch of a page that is no longer there is a SIGBUS. So that a handler of
 * that signal can tell such a touch from all others, every mapped channel of this
 * process stands in a table here; what a child finds of its parent's there does not
 * count. What is missing it replaces by empty memory of this process alone: the
 * access goes on, and what it reads or writes is lost.
 *
 * That nobody may take for events what he finds there, to this process the
 * channel says first that it is broken: its meta is replaced, in one step, by a
 * copy that says so. Whoever read the memory finds it when he looks next, which
 * he does before he hands anything out or counts it as done. In a folder that is
 * another's, meta itself may be shortened: then the copy has zeroes there.
 *
 * The table is for a handler to read: there are no locks in it, and entries are
 * never freed. One that changes while it is read is that of another channel, for
 * nobody touches what he has not attached to, or has detached from.
 */
#ifndef RB_GUARD_H
#define RB_GUARD_H

#include <signal.h>
#include <stdbool.h>

struct rb_channel;
struct rb_guard; /* a place in the table */

/* A channel that is mapped, until it no longer is. NULL: there was no memory for
 * a place, and it is not guarded. */
struct rb_guard *rb_guard_enter(const struct rb_channel *channel);
void rb_guard_leave(struct rb_guard *guard);

/*
 * In a handler of SIGBUS: puts memory where `address` is, and from there to the
 * end of that mapping of the file. With `breaks` the channel is broken to this
 * process from now on. False if it is in no channel, or if there is no memory:
 * then it is as if nobody had handled it. May change errno.
 */
bool rb_guard_handle(const void *address, bool breaks);

/* In the same, for a signal that is about something else: who gets it ends as if
 * there were no handler. */
void rb_guard_decline(const siginfo_t *info);

#endif
