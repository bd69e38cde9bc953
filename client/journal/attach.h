/* SPDX-License-Identifier: MIT */
/*
 * attach.h - the place in the ring, and what the files have of it
 *
 * Both together say where to go on: what the files have already is passed over, and
 * what neither has is a hole.
 */
#ifndef JOURNAL_ATTACH_H
#define JOURNAL_ATTACH_H

#include "client/journal/journal.h"
#include "client/journal/recover.h"

#define ATTACH_STOPPED 1

/* Connects, however long no daemon is there: 0, ATTACH_STOPPED after a signal, or a
 * negative errno after a message. */
int attach_connect(const char *socket, struct ringbus **ret);

/* Waits until there is such a channel, which may come by a reload: 0, also if there is
 * something else the matter with it; or ATTACH_STOPPED. */
int attach_await(struct ringbus *bus, const char *channel);

/* Takes the consumer's place, as soon as the channel is there, and nobody else is at
 * that place: as above. Sets stream, consumer and what follows from them. */
int attach_open(struct journal *j, struct ringbus *bus, const char *channel);

/*
 * Compares, and says what is missing: sets the epoch and where to go on, and puts a
 * hole in front of the queue. What is damaged there and in the ring still counts as
 * torn from then on. True: what the files lack was acknowledged.
 */
bool attach_compare(struct journal *j, struct recovery *recovery);

#endif
