/* SPDX-License-Identifier: MIT */
/*
 * reader.h - a tap and a consumer behind one face
 *
 * Both give event after event. A tap copies and may miss some; a consumer holds
 * producers up until reader_commit(), or if it is lossy misses some as well.
 */
#ifndef CTL_READER_H
#define CTL_READER_H

#include <stddef.h>
#include <stdint.h>

#include "client/ringbus.h"

struct reader {
	struct ringbus_tap *tap;           /* one of the two */
	struct ringbus_consumer *consumer; /* is NULL */
	char *buffer;                      /* of the tap: its copy */
	size_t buffer_size;
};

/* Where and how to read. */
struct reader_options {
	const char *gate; /* the consumer's name; NULL: a tap */
	int64_t from;
	int wait;
	/* Of a consumer that is not declared. */
	const char *after; /* names with commas between; NULL: nobody */
	int slow;
	int64_t max_lag;
};

/* 0, or an error of the library's open; -ENOMEM. */
int reader_open(struct reader *reader, struct ringbus *bus, const char *channel,
		const struct reader_options *options);

/* Harmless on one that is zeroed. */
void reader_close(struct reader *reader);

const struct ringbus_channel *reader_channel(const struct reader *reader);

/*
 * The next event, valid until the next call: 0, or an error of
 * ringbus_consumer_wait() or -ENOMEM.
 */
int reader_next(struct reader *reader, int64_t timeout_ns,
		struct ringbus_event *ret);

/* What was handed out has been dealt with. 0 or -ESTALE. */
int reader_commit(struct reader *reader);

/* Slots that were gone when it came, and that it lost since. */
int64_t reader_missed(const struct reader *reader);
int64_t reader_lost(const struct reader *reader);

/* The sequence at which a reader just opened starts. Of a tap, others may have
 * gone on since. */
int64_t reader_start(const struct reader *reader, int64_t from);

#endif
