/* SPDX-License-Identifier: MIT */
/*
 * format.h - an event as text, hex, raw bytes or JSON
 */
#ifndef CTL_FORMAT_H
#define CTL_FORMAT_H

#include <stdbool.h>

#include "client/ctl/options.h"
#include "client/ctl/output.h"
#include "client/ringbus.h"

enum format_kind {
	FORMAT_TEXT, /* a line; of a fixed channel without its padding */
	FORMAT_HEX,  /* a line: sequence, bytes, and what they look like */
	FORMAT_RAW,  /* the bytes alone */
	FORMAT_JSON, /* a line; of a fixed channel without its padding */
};

/* Stores a format_kind in an int. */
extern const struct options_type format_type;

/* Of an event that was stored. */
struct format_stamp {
	int64_t epoch;
	int64_t time_ns; /* CLOCK_REALTIME */
};

struct format {
	int kind;
	const char *channel;
	const struct format_stamp *stamp; /* JSON: told as well; may be NULL */
	bool is_fixed;
	bool has_lengths; /* raw: 32 bits in front, as pub --frames takes it */
};

void format_event(const struct format *format,
		  const struct ringbus_event *event, struct output *out);

/* JSON: n slots in front of `sequence` were `what`, "lost" or "missed". Others:
 * nothing. */
struct format_gap {
	const char *what;
	int64_t n;
	int64_t sequence;
};

void format_gap(const struct format *format, const struct format_gap *gap,
		struct output *out);

#endif
