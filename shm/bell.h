/* SPDX-License-Identifier: MIT */
/*
 * bell.h - waking those who wait in an event loop of their own
 *
 * A futex cannot be polled. So each channel has, beside its segments, a file of
 * one byte called `bell`: who waits by a descriptor has an inotify watch on it,
 * and who wakes sleepers also reads that byte, if anybody says that he waits so.
 * The watch is for reading and not for writing, so that nobody needs more than a
 * descriptor to read by, and so nobody can make the file longer or empty, which
 * would silence it. That outlives the daemon, since every process has the file
 * from its attach on, and needs no thread.
 *
 *   who waits (rb_barrier_arm)            waker (rb_wake)
 *     forget what rang before               change what is waited for
 *     set own bit in `bells`, fence         if wanted > event:
 *     seen = event, raise wanted,               if bells != 0: read the bell
 *     membarrier                                event = wanted
 *     look again                                FUTEX_WAKE
 *                                               if bells != 0: read the bell
 *
 * A sleeper whose wish is taken back before it sleeps is told so by FUTEX_WAIT.
 * Here the bit comes first: a waker that takes a wish back after it was made
 * finds the bit, whatever it was up to. It rings before that as well, for it may
 * be stopped on its way from there to the bell: then only one is left unrung that
 * armed in between, and had read by then what the waker published. A dead waker
 * is rung for by the daemon.
 *
 * A ring is for all who wait so, whatever for: they look, and arm again. So is
 * one that comes too late.
 */
#ifndef RB_BELL_H
#define RB_BELL_H

struct rb_channel;

/* Wakes all who wait by descriptor, if there are any. After the store that they
 * wait for. */
void rb_bell_ring(const struct rb_channel *channel);

/* Wakes them whether there are any or not. May change errno. */
void rb_bell_strike(const struct rb_channel *channel);

#endif
