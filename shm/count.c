/* SPDX-License-Identifier: MIT */
/*
 * count.c - nobody begins with the numbers of whoever was there before
 */
#include "shm/count.h"

static void
reset_waits(struct rb_wait_counters *waits)
{
#define RB_WAIT_WORD(word, producer, consumer, unit, text)                     \
	rb_count_set(&waits->word, 0);
#include "shm/metrics.h"
}

void
rb_count_reset_io(struct rb_io_counters *io)
{
	/* ORDER(none, relaxed) - statistics. */
	rb_word32_store_relaxed(&io->told, 0);
#define RB_IO_WORD(word, producer, consumer, kind, unit, text)                 \
	rb_count_set(&io->word, 0);
#include "shm/metrics.h"
}

#define RESET_CHANNEL(of, word)
#define RESET_PRODUCER(of, word)

void
rb_count_reset_gate(struct rb_gate *gate)
{
#define RESET_CONSUMER(of, word) rb_count_set(&(of)->word, 0);
#define RB_WORD(scope, word, name, kind, unit, text) RESET_##scope(gate, word)
#include "shm/metrics.h"
#undef RESET_CONSUMER
	rb_count_set(&gate->failed, 0);
	reset_waits(&gate->waits);
	rb_count_reset_io(&gate->io);
}

#undef RESET_PRODUCER

void
rb_count_reset_handle(struct rb_handle *handle)
{
#define RESET_PRODUCER(of, word) rb_count_set(&(of)->word, 0);
#define RESET_CONSUMER(of, word)
#define RB_WORD(scope, word, name, kind, unit, text) RESET_##scope(handle, word)
#include "shm/metrics.h"
	rb_count_set(&handle->published, 0);
	reset_waits(&handle->waits);
	rb_count_reset_io(&handle->io);
}
