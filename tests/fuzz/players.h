/* SPDX-License-Identifier: MIT */
/*
 * players.h - handles of the library on a stage, and calls of them that the input
 * chooses
 *
 * No call waits. Each checks what the library has promised whatever it reads:
 * documented errors, nothing outside of the slots, texts that end.
 */
#ifndef FUZZ_PLAYERS_H
#define FUZZ_PLAYERS_H

#include "client/consumer.h"
#include "tests/fuzz/stage.h"

/* Takes producer `index` that is let in under this epoch. */
struct ringbus_producer *player_producer(struct ringbus *bus,
					 const struct rb_channel *channel,
					 unsigned index, uint32_t epoch);
void player_produce(struct input *in, struct ringbus_producer *producer);

/* Takes a seat; NULL if what the table says of it cannot be. */
struct ringbus_consumer *player_consumer(struct ringbus *bus,
					 const struct rb_channel *channel,
					 unsigned index, uint32_t epoch);
void player_consume(struct input *in, struct ringbus_consumer *consumer);
void player_leave(struct ringbus_consumer *consumer);

/* Reads and commits all there is. */
void player_read_all(struct ringbus_consumer *consumer);

/* Starts a tap somewhere, and reads some of it. */
void player_tap(struct input *in, struct ringbus *bus,
		const struct rb_channel *channel);

/* Looks at everything there is to be looked at. */
void player_look(struct ringbus *bus, const struct rb_channel *channel);

#endif
